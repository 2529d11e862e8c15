/* Inside wire: reading and writing members that several messages share. */
#ifndef WIRE_WIRE_INT_H
#define WIRE_WIRE_INT_H

#include "base/assert.h"
#include "base/encode.h"
#include "base/json.h"
#include "wire/wire.h"

/* text as an object. ERR_INVALID. */
int wire_object(struct arena *arena, struct str text, const struct json **ret_object) BASE_MUST_USE;

/* A member that must be there: 0 to most. */
int wire_number(const struct json *object, const char *name, uint64_t most,
                uint64_t *ret_value) BASE_MUST_USE;

/* As wire_number; an absent one is 0. */
int wire_number_or_0(const struct json *object, const char *name, uint64_t most,
                     uint64_t *ret_value) BASE_MUST_USE;

/* A text of at most `most` bytes that must be there. */
int wire_text(const struct json *object, const char *name, size_t most,
              struct str *ret_text) BASE_MUST_USE;

/* As wire_text; an absent one is empty. */
int wire_text_or_empty(const struct json *object, const char *name, size_t most,
                       struct str *ret_text) BASE_MUST_USE;

/* name, or name_b64; exactly one of the two. */
int wire_bytes(struct arena *arena, const struct json *object, const char *name,
               struct str *ret_bytes) BASE_MUST_USE;

/* A checked, not empty path under name. */
int wire_path(struct arena *arena, const struct json *object, const char *name,
              struct str *ret_path) BASE_MUST_USE;

int wire_hash(const struct json *object, const char *name,
              struct content_hash *ret_hash) BASE_MUST_USE;

/* One of words, whose first stands for 1. */
int wire_word(const struct json *object, const char *name, const char *const *words,
              unsigned *ret_value) BASE_MUST_USE;

/* The array under name with at most `most` elements. */
int wire_array(const struct json *object, const char *name, size_t most,
               const struct json **ret_array) BASE_MUST_USE;

int wire_author_read(const struct json *object, struct wire_author *ret_author) BASE_MUST_USE;
int wire_entry_read(struct arena *arena, const struct json *object,
                    struct wire_entry *ret_entry) BASE_MUST_USE;

void wire_bytes_write(struct json_writer *w, const char *name, struct str bytes);
void wire_number_write(struct json_writer *w, const char *name, uint64_t value);
void wire_hash_write(struct json_writer *w, const char *name, const struct content_hash *hash);
void wire_hashes_member(struct json_writer *w, const struct wire_hashes *hashes);
void wire_author_write(struct json_writer *w, const struct wire_author *author);
int wire_hashes_of(struct arena *arena, const struct json *object,
                   struct wire_hashes *ret_hashes) BASE_MUST_USE;

/* The members of an entry, into an object that is open. */
void wire_entry_write(struct json_writer *w, const struct wire_entry *entry);

#endif
