/*
 * Configuration files: a stated part of TOML 1.0. Tables and dotted table headers ([a.b]), bare keys, basic and literal
 * strings on one line, decimal integers, booleans, arrays of strings, integers and booleans, comments. Everything else
 * (dotted and quoted keys, floats, dates, inline tables, arrays of tables, …) is refused by name.
 *
 * The tree is that of base/json.h: tables are objects, in the order of the file. It lives in the arena; strings without
 * escapes borrow from the text.
 */
#ifndef BASE_TOML_H
#define BASE_TOML_H

#include "base/json.h"

enum {
    TOML_MAX_TEXT = 256 * 1024,
    TOML_MAX_VALUES = 4096, /* tables, keys and array elements together */
    TOML_MAX_DEPTH = 8      /* parts of a table header */
};

struct toml_error {
    size_t line;      /* from 1 */
    size_t column;    /* from 1, in characters */
    const char *what; /* static, for the person: "a quote is missing" */
};

/* ERR_INVALID; ret_error (NULL allowed) then says where. */
int toml_parse(struct arena *arena, struct str text, struct json **ret_value,
               struct toml_error *ret_error) BASE_MUST_USE;

/*
 * Line and column of a place in the text that was parsed (what is NULL): names of members borrow from it, so that a name's p
 * says where its key or table header stands.
 */
struct toml_error toml_where(struct str text, const char *at);

#endif
