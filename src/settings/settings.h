/*
 * Settings of people and tenants: spec/preferences.yaml says which there are, of what kind, within which bounds.
 *
 * What counts is what the person set, else what the tenant set, else the default; a row of the tenant's scope has no person's
 * value. A stored value that its row no longer allows counts as not set. All calls act for ctx->scope; results live in
 * ctx->arena; errors of store_read and store_write may come from every function and are not repeated.
 */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include "base/json.h"
#include "data/data.h"
#include "preferences.gen.h"

enum { SETTINGS_MAX_TEXT = 200 }; /* characters */

enum settings_type {
    SETTINGS_CHOICE,
    SETTINGS_NUMBER,
    SETTINGS_BOOLEAN,
    SETTINGS_TEXT,
    SETTINGS_PATTERNS /* lines of gitignore(5): content_ignore_check */
};
enum settings_scope { SETTINGS_OF_USER, SETTINGS_OF_TENANT };

struct settings_row {
    const char *category;
    const char *key;
    enum settings_type type;
    enum settings_scope scope;
    const char *const *choices; /* ended by NULL; of a choice */
    int64_t least, most;        /* of a number; characters of a text, bytes of patterns */
    const char *unit;           /* empty: none */
    const char *help;
    const char *standard; /* the default, as JSON */
};
extern const struct settings_row settings_rows[SETTINGS_COUNT];

/* Values are JSON; empty: not set. A revision is a number that is another one when something else, or nothing, is set. */
struct settings_view {
    const struct settings_row *row;
    struct str user;
    struct str tenant;
    struct str value; /* what counts */
    int64_t user_revision;
    int64_t tenant_revision;
};

/* All of them, in the order of the table. */
int settings_list(struct data_context *ctx,
                  struct settings_view ret_views[static SETTINGS_COUNT]) BASE_MUST_USE;

/* Of whom a value is set: of the tenant, for everybody in it (that the role permits it was asked before), or of the caller. */
struct settings_place {
    struct str category;
    struct str key;
    enum settings_scope scope;
    int64_t
        revision; /* only when it is still this one, or what is asked for is set already; 0: whatever */
};

/*
 * ERR_NOT_FOUND: no such setting. ERR_FORBIDDEN: it is for the tenant alone. ERR_INVALID (field value) with its bounds.
 * ERR_PRECONDITION: of another revision.
 */
int settings_put(struct data_context *ctx, const struct settings_place *at,
                 const struct json *value, struct settings_view *ret_view) BASE_MUST_USE;

/* Back to what counts without it; harmless when it is not set. ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_PRECONDITION, as before. */
int settings_delete(struct data_context *ctx, const struct settings_place *at,
                    struct settings_view *ret_view) BASE_MUST_USE;

/* What counts for the caller, of a number. */
int settings_number(struct data_context *ctx, enum settings_name name,
                    int64_t *ret_number) BASE_MUST_USE;

/* Of a boolean. */
int settings_boolean(struct data_context *ctx, enum settings_name name,
                     bool *ret_value) BASE_MUST_USE;

/* Of patterns, the tenant's: lines, in ctx->arena. */
int settings_patterns(struct data_context *ctx, enum settings_name name,
                      struct str *ret_text) BASE_MUST_USE;

/* The key that changes with the tenant's value, for store_watch. */
struct str settings_watched(struct arena *arena, const struct scope *scope,
                            enum settings_name name);

/* All that is set of a person or a tenant, with them: in the transaction that ends them. owner: the id of one of the scope. */
int settings_forget_in(struct txn *txn, const struct scope *scope, struct str owner) BASE_MUST_USE;

/* For data_check: whether a key of the space "setting" is well-formed. */
int settings_judge(const struct data_found *found, const char **ret_fault) BASE_MUST_USE;

#endif
