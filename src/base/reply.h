/*
 * What the encoders of replies (replies.gen.h, made by tools/gen/openapi_replies.py) are built of: an object whose members are
 * counted while they are written. Handlers call the generated functions, one for each member that the document describes.
 */
#ifndef BASE_REPLY_H
#define BASE_REPLY_H

#include "base/json.h"
#include "base/time.h"

struct reply {
    struct json_writer *w;
    uint64_t has;   /* bit n: member n of the schema was written */
    unsigned depth; /* of the object in the text */
};

/* Opens an object, and closes it: asserts that no required member is missing. */
struct reply reply_begin(struct json_writer *w);
void reply_end(const struct reply *r, uint64_t required);

/*
 * The name of member bit, as it stands in the text behind another one (,"name":); its value is due. Asserts that it was not
 * written before, and that no object or array within this one is open.
 */
void reply_name(struct reply *r, unsigned bit, struct str name);

/* Values. Numbers out of their bounds end a test (CODITECT_PARANOID); in production they are told as they are. */
void reply_integer(struct reply *r, int64_t value, int64_t least, int64_t most);
void reply_time(struct reply *r, usec_t value);
void reply_word(struct reply *r, const char *value,
                const char *const *words); /* to NULL; one of them */

/* name, and when the bytes of path are no UTF-8, name_b64 (member bit_b64) with them in base64url. */
void reply_path(struct reply *r, const unsigned bits[2], const struct str names[2],
                struct str path);

/* The members of an object that is text already, which are those of has. */
void reply_members(struct reply *r, uint64_t has, struct str object);

/* Asserts that the innermost thing that is open is an array right in this object: before each element, and to close it. */
void reply_element(const struct reply *r);
void reply_array_end(const struct reply *r);

#endif
