/*
 * JSON (RFC 8259). The reader is strict: well-formed UTF-8, no duplicate member names, no lone surrogates, nothing behind
 * the value, depth <= 32. Its tree lives in the caller's arena; strings without escapes borrow from the text, so the text
 * must live as long. The writer appends to a buf and keeps commas and nesting right; it asserts that calls are balanced.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"

/* The greatest integer that every reader of JSON keeps exact, 2^53 - 1 (RFC 8259, section 6); spec/records.yaml and the API bound by it. */
#define JSON_MAX_EXACT INT64_C(9007199254740991)

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INTEGER,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

enum {
    JSON_MAX_DEPTH = 32,
    JSON_MAX_VALUES = 100000,
    JSON_WRITER_DEPTH = 64 /* a parsed tree fits with 32 containers around it */
};

struct json {
    enum json_kind kind;
    struct str name; /* of a member; empty else */
    union {
        bool boolean;
        int64_t integer; /* JSON_INTEGER: whole, and fits; with a point or an exponent up to 2^53 */
        double number;   /* JSON_NUMBER: everything else */
        struct str string; /* unescaped UTF-8 */
    };
    struct json *first; /* of an array or object, in order */
    struct json *next;  /* behind this one in its parent */
    size_t count;       /* of an array or object */
};

struct json_error {
    size_t offset;    /* bytes from the start of the text */
    const char *what; /* static, for the person: "a comma or a closing bracket is missing" */
};

/* ERR_INVALID; ret_error (NULL allowed) then says where. */
int json_parse(struct arena *arena, struct str text, struct json **ret_value,
               struct json_error *ret_error) BASE_MUST_USE;

/* Member of an object by name, NULL when absent or when value is no object. */
const struct json *json_get(const struct json *value, const char *name);

struct json_writer {
    struct buf *out;
    uint64_t filled;  /* bit n: the container at depth n + 1 has an element */
    uint64_t objects; /* bit n: that container is an object */
    unsigned depth;
    bool named; /* a name was written, its value is due */
    bool done;  /* the outermost value was begun; there is only one */
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_object(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_name(struct json_writer *w, const char *name);
void json_name_str(struct json_writer *w, struct str name);
void json_string(struct json_writer *w, struct str s); /* invalid UTF-8 becomes U+FFFD */
void json_integer(struct json_writer *w, int64_t value);
void json_unsigned(struct json_writer *w, uint64_t value);
void json_double(struct json_writer *w, double value); /* asserts that it is finite */
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
void json_raw(struct json_writer *w, struct str text);       /* one complete JSON value, copied */
void json_members(struct json_writer *w, struct str object); /* of a complete object, copied */
void json_value(struct json_writer *w, const struct json *value); /* a parsed tree, again as text */

/* A name as it stands in the text behind another member, with comma and colon: ,"name": */
void json_name_ready(struct json_writer *w, struct str name);

/* name and value at once */
void json_member_string(struct json_writer *w, const char *name, struct str s);
void json_member_integer(struct json_writer *w, const char *name, int64_t value);
void json_member_bool(struct json_writer *w, const char *name, bool value);
void json_member_raw(struct json_writer *w, const char *name, struct str text);

#endif
