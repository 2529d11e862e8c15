/*
 * Content that the store has lost (a chunk is not what its hash says, or gone) comes back from whoever has it: asked for it, the
 * server calls it missing (files/mend.c). But what is in step here is never asked for again. So all of it is offered anew, a little
 * with each look at the whole tree, and then from the beginning.
 *
 * 1. It changes nothing: a chunk is named by its hash, and the server writes what it misses alone.
 * 2. It waits for everything else, and a barrier waits for a file of it at most.
 * 3. What lies in its entry has no chunk, and comes with a new version alone. What is so large that others would wait for it is
 *    offered when it changes, or all is compared.
 */
#include "base/fd.h"
#include "codi2/mirror_int.h"

enum {
    MOST_FILES = 1000, /* in one go */
    MOST_BYTES = 16 << 20,
    LARGEST = 64 << 20,
};

struct offer {
    struct codi2_mirror *m;
    size_t files;
    uint64_t bytes;
};

static bool is_over(const struct offer *o)
{
    return o->files >= MOST_FILES || o->bytes >= MOST_BYTES || codi2_mirror_awaited(o->m) ||
           atomic_load(&o->m->stop);
}

/* One that changed meanwhile comes as a change. One that cannot be read is in nobody's way: what is stored of it is stored. */
static int offer_one(struct offer *o, const struct codi2_entry *e)
{
    struct codi2_mirror *m = o->m;
    struct codi2_look now;
    struct codi2_content content;
    bool due = e->look.kind == CODI2_FILE && e->look.size > CONTENT_INLINE_MAX &&
               e->look.size <= LARGEST && codi2_tree_look(&m->tree, e->path, &now) == 0 &&
               codi2_look_same(&now, &e->look);
    FD_AUTO int fd = -1;
    if (!due || codi2_tree_open_file(&m->tree, e->path, &fd) != 0) {
        return 0;
    }
    o->files++;
    o->bytes += e->look.size;
    int error = codi2_link_upload(m->link, &content, fd, e->look.size);
    return error == ERR_CONFLICT || error == ERR_IO ? 0 : error;
}

static int offer_page(struct offer *o, bool *ret_last)
{
    ARENA_AUTO(arena);
    struct codi2_mirror *m = o->m;
    struct codi2_span span = {.folder = STR(""), .after = buf_str(&m->offered)};
    struct codi2_entries page;
    int error = codi2_index_below(m->index, &arena, &span, &page);
    size_t i = 0;
    while (!error && i < page.count && !is_over(o)) {
        error = offer_one(o, &page.at[i++]);
    }
    *ret_last = error || i < page.count || page.count < CODI2_PAGE;
    if (i > 0) {
        buf_clear(&m->offered);
        buf_add(&m->offered, page.at[i - 1].path);
    }
    if (!error && i == page.count && page.count < CODI2_PAGE) {
        buf_clear(&m->offered);
    }
    return error;
}

int codi2_mirror_offer(struct codi2_mirror *m)
{
    usec_t now = time_monotonic();
    struct offer o = {.m = m};
    if (m->next_offer == 0) { /* it has just been started */
        m->next_offer = now + m->options.sweep;
    }
    if (now < m->next_offer || m->fresh || codi2_dirty_count(m->dirty) > 0 || is_over(&o)) {
        return 0;
    }
    m->next_offer = now + m->options.sweep;
    bool last = false;
    int error = 0;
    while (!error && !last) {
        error = offer_page(&o, &last);
    }
    error = error ? error : codi2_link_flush(m->link);
    bool full = error == ERR_QUOTA || error == ERR_DISK_LOW || error == ERR_NO_SPACE;
    return full ? 0 : error; /* nothing of the person's waits for it */
}
