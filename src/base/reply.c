/* The encoders of replies: what each of the generated functions (replies.gen.h) does. */
#include "base/reply.h"

#include "base/assert.h"
#include "base/encode.h"

struct reply reply_begin(struct json_writer *w)
{
    json_object(w);
    return (struct reply){.w = w, .depth = w->depth};
}

void reply_end(const struct reply *r, uint64_t required)
{
    ASSERT((r->has & required) == required); /* a member is missing */
    ASSERT(r->w->depth == r->depth);
    json_object_end(r->w);
}

static void count(struct reply *r, uint64_t members)
{
    ASSERT((r->has & members) == 0); /* a member stands twice */
    ASSERT(r->w->depth == r->depth); /* what is within it is not closed */
    r->has |= members;
}

void reply_name(struct reply *r, unsigned bit, struct str name)
{
    count(r, (uint64_t)1 << bit);
    json_name_ready(r->w, name);
}

void reply_integer(struct reply *r, int64_t value, int64_t least, int64_t most)
{
    ASSERT(!CODITECT_PARANOID || (value >= least && value <= most));
    json_integer(r->w, value);
}

void reply_time(struct reply *r, usec_t value)
{
    char text[25];
    json_string(r->w, time_str(text, value));
}

void reply_word(struct reply *r, const char *value, const char *const *words)
{
    struct str word = str_from(value);
    while (*words && !str_eq(word, str_from(*words))) {
        words++;
    }
    ASSERT(*words);
    json_string(r->w, word);
}

void reply_path(struct reply *r, const unsigned bits[2], const struct str names[2], struct str path)
{
    reply_name(r, bits[0], names[0]);
    json_string(r->w, path);
    if (!str_is_utf8(path)) {
        BUF_AUTO(b64, 2 * path.n + 4);
        encode_base64url(&b64, path);
        ASSERT(b64.error == 0);
        reply_name(r, bits[1], names[1]);
        json_string(r->w, buf_str(&b64));
    }
}

void reply_members(struct reply *r, uint64_t has, struct str object)
{
    count(r, has);
    json_members(r->w, object);
}

void reply_element(const struct reply *r)
{
    const struct json_writer *w = r->w;
    ASSERT(w->depth == r->depth + 1 && !(w->objects >> r->depth & 1));
}

void reply_array_end(const struct reply *r)
{
    reply_element(r);
    json_array_end(r->w);
}
