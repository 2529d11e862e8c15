/*
 * Identities: what a person comes in by. The one that there is today is their address with a password; those of other providers can
 * stand beside it (ADR 26).
 *
 * 1. The person's record rules: who has a password has an identity of provider password, whose subject is their address, and nobody
 *    else has one. auth_user_put_in keeps it so, in the transaction that puts the person: no other way puts one.
 * 2. A login goes by the identity, and anything that is told to an address by the index of addresses.
 * 3. People who were put last before there were identities (version 2 and older) have none: they are found by their address, and
 *    get one when they come in or change. The checker knows them by the version.
 * 4. No identity outlives what it lets in to.
 * 5. An identity that does not fit its person lets nobody in, and keeps nobody out: the person is found by their address, and gets
 *    one that fits when they come in or change.
 */
#include "auth/auth_int.h"
#include "data/check.h"

enum {
    IDENTIFIED = 3
}; /* the version of a person's record from which there is an identity beside it */

static struct str id_of(struct arena *arena, struct str user_id)
{
    return arena_printf(arena, "idn" STR_FMT, STR_ARG(str_slice(user_id, 3, user_id.n)));
}

static bool has_password(const struct data_user *user)
{
    return user->password.n > 0 && user->email.n > 0;
}

static bool fits(const struct data_identity *identity, const struct data_user *user)
{
    return has_password(user) && str_eq(identity->user_id, user->id) &&
           str_eq(identity->subject, user->email);
}

static int end_all(struct txn *txn, const struct scope *scope, struct str user_id)
{
    const struct data_identity match = {.user_id = user_id};
    struct data_query query = {
        .index = DATA_IDENTITY_BY_USER, .match = &match, .fixed = 1, .limit = DATA_MAX_LIST};
    struct data_identity_list rows = {0};
    int r = data_identity_list(txn, scope, &query, &rows);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        r = data_identity_delete(txn, scope, rows.at[i].id);
    }
    return r;
}

/* The store has one person of an address, so that whatever else has it as its subject does not fit. */
static int free_subject(struct txn *txn, struct str subject, struct str id)
{
    const struct data_identity match = {.provider = DATA_IDENTITY_PROVIDER_PASSWORD,
                                        .subject = subject};
    struct data_place place;
    int r = data_identity_by_subject(txn, &match, &place);
    if (r == 0 && !str_eq(place.id, id)) {
        r = data_identity_delete(txn, &place.scope, place.id);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

int auth_user_put_in(struct txn *txn, const struct scope *scope, struct data_user *user)
{
    struct str id = id_of(store_arena(txn), user->id);
    struct data_identity identity = {.created_at = time_now()};
    int r = data_user_put(txn, scope, user);
    if (r < 0 || !has_password(user)) {
        return r < 0 ? r : end_all(txn, scope, user->id);
    }
    r = data_identity_get(txn, scope, id, &identity);
    if ((r < 0 && r != ERR_NOT_FOUND) || (r == 0 && fits(&identity, user))) {
        return r;
    }
    identity = (struct data_identity){.id = id,
                                      .provider = DATA_IDENTITY_PROVIDER_PASSWORD,
                                      .subject = user->email,
                                      .tenant_id = user->tenant_id,
                                      .user_id = user->id,
                                      .created_at = identity.created_at};
    r = free_subject(txn, user->email, id);
    return r < 0 ? r : data_identity_put(txn, scope, &identity);
}

static int find(struct txn *txn, struct str email, struct auth_found *found)
{
    const struct data_identity match = {.provider = DATA_IDENTITY_PROVIDER_PASSWORD,
                                        .subject = email};
    struct data_place place;
    struct data_identity identity;
    int r = data_identity_by_subject(txn, &match, &place);
    r = r < 0 ? r : data_identity_get(txn, &place.scope, place.id, &identity);
    r = r < 0 ? r : data_user_get(txn, &place.scope, identity.user_id, &found->user);
    return r == 0 && !fits(&identity, &found->user) ? ERR_NOT_FOUND : r;
}

int auth_find_in(struct txn *txn, struct str email, struct auth_found *ret_found)
{
    struct auth_found found = {.older = false};
    struct scope scope;
    int r = find(txn, email, &found);
    if (r == ERR_NOT_FOUND) {
        found.older = true;
        r = data_user_by_email(txn, email, &scope);
        r = r < 0 ? r : data_user_get(txn, &scope, scope.user_id, &found.user);
    }
    if (r == 0) {
        *ret_found = found;
    }
    return r;
}

/* ---- The checker ---- */

static int judge_user(const struct data_found *found, const struct data_user *user,
                      const char **ret_fault)
{
    struct data_identity identity;
    if (!has_password(user)) {
        return 0; /* an identity that is left says so itself */
    }
    int r = data_identity_get(found->txn, found->scope, id_of(store_arena(found->txn), user->id),
                              &identity);
    if (r == 0 && !fits(&identity, user)) {
        *ret_fault = "the person's identity is another's";
    } else if (r == ERR_NOT_FOUND && found->version >= IDENTIFIED) {
        *ret_fault = "the person has no identity";
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int judge_identity(const struct data_found *found, const struct data_identity *identity,
                          const char **ret_fault)
{
    struct data_user user;
    int r = data_user_get(found->txn, found->scope, identity->user_id, &user);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r; /* which is said of every id that names nothing */
    }
    struct str id = id_of(store_arena(found->txn), user.id);
    if (!fits(identity, &user) || !str_eq(identity->id, id)) {
        *ret_fault = "the identity is not that of its person";
    }
    return 0;
}

int auth_identity_judge(const struct data_found *found, const char **ret_fault)
{
    if (found->type == &data_user_type) {
        return judge_user(found, found->record, ret_fault);
    }
    return found->type == &data_identity_type ? judge_identity(found, found->record, ret_fault) : 0;
}
