/*
 * Everybody who has an account here, for the operator alone: the one place that looks beyond one tenant. Pages are small, so
 * that a walk through many holds nobody up.
 */
#include "auth/auth_int.h"

enum { PAGE = 20 };

struct step {
    struct arena *arena;
    struct auth_people_walk walk;  /* as it was */
    struct auth_people_walk after; /* results */
    struct auth_people people;
};

static int read_logins(struct txn *txn, const struct scope *scope, struct auth_person *person)
{
    struct data_login match = {.user_id = person->user.id};
    struct data_query query = {
        .index = DATA_LOGIN_BY_USER, .match = &match, .fixed = 1, .limit = AUTH_MAX_DEVICES};
    struct data_login_list list;
    int r = data_login_list(txn, scope, &query, &list);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        usec_t access = list.at[i].last_access_at;
        person->last_access = access > person->last_access ? access : person->last_access;
        person->logins++;
    }
    return r;
}

static int read_page(struct txn *txn, struct step *s, const struct scope *scope,
                     struct auth_people_walk *walk)
{
    struct data_tenant tenant = {.id = STR_EMPTY};
    struct data_query query = {.index = DATA_USER_BY_CREATED,
                               .limit = PAGE,
                               .cursor = str_of(walk->cursor, walk->cursor_length)};
    struct data_user_list rows;
    int r = data_user_list(txn, scope, &query, &rows);
    if (r == 0 && rows.n > 0) {
        r = data_tenant_get(txn, scope, scope->tenant_id, &tenant);
    }
    if (r < 0) {
        return r;
    }
    s->people.at = ARENA_ARRAY(s->arena, struct auth_person, rows.n + 1);
    struct str name = arena_str(s->arena, tenant.name);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        struct auth_person *person = &s->people.at[s->people.n++];
        *person = (struct auth_person){.user = rows.at[i], .tenant = name};
        data_user_copy(s->arena, &person->user);
        r = read_logins(txn, scope, person);
    }
    ASSERT(rows.next.n < sizeof walk->cursor);
    if (rows.next.n > 0) {
        memcpy(walk->cursor, rows.next.p, rows.next.n);
    }
    walk->cursor_length = rows.next.n;
    return r;
}

static int step_fn(struct txn *txn, void *ctx)
{
    struct step *s = ctx;
    struct auth_people_walk walk = s->walk;
    struct scope scope = {.tenant_id = str_from(walk.tenant)};
    s->people = (struct auth_people){.at = NULL};
    int r = 0;
    if (walk.cursor_length == 0) {
        r = data_tenant_next(txn, str_from(walk.tenant), &scope.tenant_id);
    }
    if (r == ERR_NOT_FOUND) {
        walk.ended = true;
        r = 0;
    } else if (r == 0) {
        memmove(walk.tenant, scope.tenant_id.p, DATA_ID_SIZE);
        r = read_page(txn, s, &scope, &walk);
    }
    s->after = walk;
    return r;
}

int auth_people_next(struct store *store, struct arena *arena, struct auth_people_walk *walk,
                     struct auth_people *ret_people)
{
    struct step s = {.arena = arena, .walk = *walk};
    int r = store_read(store, step_fn, &s);
    if (r == 0) {
        *walk = s.after;
        *ret_people = s.people;
    }
    return r;
}
