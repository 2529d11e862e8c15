/*
 * The checker on keys that lie in no tenant and in no index: their names are judged alone.
 */
#include "data/check_int.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_LINES = 100 };

void data_check_fault(struct check *c, struct str key, const char *format, ...)
{
    c->report->faults++;
    if (c->report->lines.n >= MAX_LINES) {
        return;
    }
    char what[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    BUF_AUTO(line, 2048);
    for (size_t i = 0; i < key.n && i < 300; i++) {
        bool plain = (uint8_t)key.p[i] >= ' ' && (uint8_t)key.p[i] < 0x7F;
        buf_byte(&line, plain ? key.p[i] : '?');
    }
    buf_printf(&line, ": %s", what);
    VEC_ADD(&c->report->lines, mem_dup(line.p, line.n));
}

/* g/schema/{record} */
void data_check_schema(struct check *c, const struct store_pair *pair)
{
    const struct data_type *type =
        data_type_named(str_slice(pair->key, strlen("g/schema/"), pair->key.n));
    uint64_t version;
    if (str_u64(pair->value, INT64_MAX, &version) < 0) {
        data_check_fault(c, pair->key, "it is no version");
    } else if (!type || version > type->version) {
        data_check_fault(c, pair->key, "a newer program wrote here");
    }
}

/* g/key/{name}, g/bell/{name}: those that a program makes (data_key_secret, data_key_bell). */
void data_check_name(struct check *c, struct str key)
{
    static const char *const names[] = {"g/key/access",      "g/key/previous", "g/key/workspace",
                                        "g/bell/workspaces", "g/bell/forks",   "g/bell/mail"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq(key, str_from(names[i]))) {
            return;
        }
    }
    data_check_fault(c, key, "nothing of ours has this name");
}

/* Behind the name and its zero byte: nothing, of what was dropped; else a position, of a time and what is told. */
static bool is_of_feed(struct str position, struct str value)
{
    enum { STAMP = 8 };
    return position.n == 0 ? value.n == STORE_POSITION_SIZE
                           : position.n == STORE_POSITION_SIZE && value.n >= STAMP &&
                                 value.n <= STAMP + STORE_MAX_EVENT;
}

/*
 * tenant/{tenant}, session/{session or person}, a zero byte, and a position. A feed ends by its age, maybe behind what it tells of: whose
 * it is need not be there any more.
 */
void data_check_feed(struct check *c, const struct store_pair *pair)
{
    struct str key = pair->key;
    size_t zero = str_find(key, '\0', 0);
    struct str rest = str_slice(key, 0, zero);
    struct str kind = STR_EMPTY;
    (void)str_split(&rest, '/', &kind);
    bool tenant = str_eq(kind, STR("tenant")) && data_id_is(rest, "ten");
    bool session = str_eq(kind, STR("session")) && data_is_tree(rest);
    if (zero == key.n || (!tenant && !session)) {
        data_check_fault(c, key, "the key is of no known kind");
    } else if (!is_of_feed(str_slice(key, zero + 1, key.n), pair->value)) {
        data_check_fault(c, key, "it is no event of a feed");
    }
}
