#include "codi2/notices.h"

#include <stdio.h>

#include "base/assert.h"

static const usec_t unfetched = 24 * 3600 * USEC_PER_SEC;
static const usec_t fetched = 60 * USEC_PER_SEC; /* so long, for who else looks */

static void remove_first(struct codi2_notices *n)
{
    n->count--;
    memmove(n->at, n->at + 1, n->count * sizeof n->at[0]);
}

void codi2_notices_add(struct codi2_notices *n, struct str text, const char *path)
{
    struct str cut = str_slice(text, 0, CODI2_NOTICE_TEXT);
    cut.n = str_utf8_prefix(cut);
    if (n->count == CODI2_MAX_NOTICES) {
        n->more += n->at[0].fetched ? 0 : 1;
        remove_first(n);
    }
    struct codi2_kept_notice *one = &n->at[n->count++];
    *one = (struct codi2_kept_notice){.number = ++n->added, .until = time_monotonic() + unfetched};
    (void)snprintf(one->text, sizeof one->text, STR_FMT, STR_ARG(cut));
    int path_length = snprintf(one->path, sizeof one->path, "%s", path);
    ASSERT(path_length <= CODI2_NOTICE_PATH);
}

const struct codi2_kept_notice *codi2_notices_newest(const struct codi2_notices *n)
{
    const struct codi2_kept_notice *last = n->count > 0 ? &n->at[n->count - 1] : NULL;
    return last && last->number == n->added ? last : NULL;
}

void codi2_notice_write(const struct codi2_kept_notice *one, struct json_writer *w)
{
    json_object(w);
    json_member_integer(w, "number", (int64_t)one->number);
    json_member_string(w, "text", str_from(one->text));
    if (one->path[0]) {
        json_member_string(w, "path", str_from(one->path));
    }
    json_object_end(w);
}

void codi2_notices_write(struct codi2_notices *n, struct json_writer *w)
{
    usec_t now = time_monotonic();
    size_t left = 0;
    for (size_t i = 0; i < n->count; i++) { /* one that was fetched may end before an older one */
        if (n->at[i].until > now) {
            n->at[left++] = n->at[i];
        }
    }
    n->count = left;
    if (n->count == 0) {
        n->more = 0;
        return;
    }
    json_name(w, "notices");
    json_array(w);
    for (size_t i = 0; i < n->count; i++) {
        struct codi2_kept_notice *one = &n->at[i];
        codi2_notice_write(one, w);
        one->until = one->fetched ? one->until : now + fetched;
        one->fetched = true;
    }
    json_array_end(w);
    if (n->more > 0) {
        json_member_integer(w, "more_notices", (int64_t)n->more);
    }
}
