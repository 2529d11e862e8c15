/*
 * Invitations: a link that makes an account in the tenant, with a role, once.
 *     token  {tenant}.{invitation}.{secret}
 * The secret is 32 random bytes in base64url; the store has its SHA-256 alone, so that the link can be shown only when it is made.
 *
 * 1. Whatever is wrong with a token (forged, used, withdrawn, too old, whoever made it may no longer) is the same answer.
 * 2. It is used up in the transaction that makes the account.
 * 3. It ends for good when its maker loses the right to make it, or somebody gets the account that it names: what the list shows
 *    can be accepted. Whoever accepts is asked of the same again, since a store may have some of before.
 * 4. There is one for an address: another one replaces it, and whoever has the address and comes, goes or gets another one leaves none
 *    behind. So nobody who was removed comes back by a link from before.
 * 5. An invitation may name an account whose member was removed: who accepts it gets that account, with what belongs to it.
 */
#include "auth/auth_int.h"

enum { PURGE = 50 };
_Static_assert((int)AUTH_MAX_INVITATIONS <= (int)DATA_MAX_LIST, "they are one page of an index");

static const usec_t life = (usec_t)AUTH_INVITATION_DAYS * 24 * 60 * 60 * USEC_PER_SEC;

/* ---- Made, listed, withdrawn ---- */

struct create {
    struct data_context *ctx;
    struct data_invitation wanted;
    struct data_invitation made; /* results */
    struct str first;            /* its id, when it was made before; else empty */
};

/* An account that was removed and can be given to somebody. ERR_NOT_FOUND: it is none. */
static int find_former(struct txn *txn, const struct scope *scope, struct str user_id,
                       struct data_user *ret_user)
{
    int r = data_user_get(txn, scope, user_id, ret_user);
    bool former = r == 0 && ret_user->removed_at != 0 && ret_user->deleted_at == 0;
    return r < 0 || former ? r : ERR_NOT_FOUND;
}

static int check_account(struct txn *txn, struct create *c)
{
    struct data_user user;
    int r =
        c->wanted.user_id.n > 0 ? find_former(txn, &c->ctx->scope, c->wanted.user_id, &user) : 0;
    return r == ERR_NOT_FOUND
               ? data_fault(c->ctx, ERR_INVALID, "user_id", "No member of this id was removed.")
               : r;
}

static int check_room(struct txn *txn, struct create *c)
{
    struct scope *scope = &c->ctx->scope;
    struct data_query query = {
        .index = DATA_INVITATION_BY_CREATED, .limit = AUTH_MAX_INVITATIONS, .pass_over = true};
    size_t n;
    int r = data_count(txn, &(struct data_count_of){scope, &data_invitation_type}, &query, &n);
    if (r == 0 && n >= AUTH_MAX_INVITATIONS) {
        return data_fault(c->ctx, ERR_LIMIT, NULL, "100 invitations are open. Withdraw one first.");
    }
    return r;
}

/* ERR_LIMIT: the tenant has as many members as it may. */
static int check_quota(struct txn *txn, struct data_context *ctx, const struct scope *scope)
{
    uint64_t most = ctx->quota ? ctx->quota->members : 0;
    uint64_t n = 0;
    int r = most > 0 ? auth_members_count(txn, scope, &n) : 0;
    if (r < 0 || most == 0 || n < most) {
        return r;
    }
    return data_fault(ctx, ERR_LIMIT, NULL, "The organization has as many members as it may.");
}

static int withdraw(struct txn *txn, const struct data_context *ctx, struct str id)
{
    int r = data_invitation_delete(txn, &ctx->scope, id);
    return r < 0 ? r : data_audit(txn, ctx, "invitation.delete", id, DATA_OUTCOME_OK);
}

/* Whoever is invited again has the new link alone. What is damaged keeps nobody from being invited. */
static int replace(struct txn *txn, struct create *c)
{
    struct data_context *by = c->ctx;
    struct data_query query = {
        .index = DATA_INVITATION_BY_CREATED, .limit = AUTH_MAX_INVITATIONS, .pass_over = true};
    struct data_invitation_list open;
    int r = data_invitation_list(txn, &by->scope, &query, &open);
    for (size_t i = 0; r == 0 && i < open.n; i++) {
        if (!str_eq(open.at[i].email, c->wanted.email)) {
            continue;
        }
        if (!auth_role_reaches(by->scope.role, open.at[i].role)) {
            return data_fault(by, ERR_FORBIDDEN, NULL,
                              "This address is invited as an owner: only an owner changes that.");
        }
        r = withdraw(txn, by, open.at[i].id);
    }
    return r;
}

static int create_fn(struct txn *txn, void *ctx)
{
    struct create *c = ctx;
    struct data_context *by = c->ctx;
    bool found;
    struct str id;
    int r = data_replay(txn, by, &found, &id);
    c->made = c->wanted;
    c->first = STR_EMPTY;
    if (r < 0) {
        return r;
    }
    if (found) {
        c->first = arena_str(by->arena, id);
        return 0;
    }
    r = auth_actor_in(txn, by);
    if (r == 0) {
        r = check_account(txn, c);
    }
    if (r == 0) {
        r = replace(txn, c);
    }
    if (r == 0) {
        r = check_room(txn, c);
    }
    if (r == 0) {
        r = check_quota(txn, by, &by->scope);
    }
    if (r == 0) {
        r = data_invitation_put(txn, &by->scope, &c->made);
    }
    if (r == 0) {
        r = data_audit(txn, by, "invitation.create", c->made.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_remember(txn, by, c->made.id);
        data_invitation_copy(by->arena, &c->made);
    }
    return r;
}

/* The link went with the first reply, and nobody can say it again: it gets another one. */
static int renew_fn(struct txn *txn, void *ctx)
{
    struct create *c = ctx;
    struct data_context *by = c->ctx;
    int r = auth_actor_in(txn, by);
    if (r < 0) {
        return r;
    }
    r = data_invitation_get(txn, &by->scope, c->first, &c->made);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? data_fault(by, ERR_CONFLICT, NULL,
                                               "This invitation was accepted or withdrawn.")
                                  : r;
    }
    c->made.hash = c->wanted.hash;
    r = data_invitation_put(txn, &by->scope, &c->made);
    if (r == 0) {
        r = data_audit(txn, by, "invitation.renew", c->made.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_invitation_copy(by->arena, &c->made);
    }
    return r;
}

static int check_create(struct data_context *ctx, const struct auth_invitation_input *in,
                        struct str *ret_email)
{
    if (!auth_role_reaches(ctx->scope.role, in->role)) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL, "Only an owner makes an owner.");
    }
    if (in->user_id.n > 0 && !data_may(ctx->scope.role, DATA_PERMISSION_TENANT_OWN)) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL, "Only an owner gives an account to somebody.");
    }
    return auth_email_clean(ctx, in->email, ret_email);
}

int auth_invitation_create(struct data_context *ctx, const struct auth_invitation_input *in,
                           struct data_invitation *ret_invitation, struct str *ret_token)
{
    struct str email;
    int r = check_create(ctx, in, &email);
    if (r < 0) {
        return r;
    }
    usec_t now = time_now();
    struct str secret = auth_secret_make(ctx->arena);
    struct create c = {
        .ctx = ctx,
        .wanted =
            {
                .id = data_id_make(ctx->arena, "inv"),
                .email = email,
                .role = in->role,
                .user_id = in->user_id,
                .created_by = ctx->scope.user_id,
                .created_at = now,
                .expires_at = now + life,
                .hash = auth_secret_hash(ctx->arena, secret),
            },
    };
    r = store_write(ctx->store, &ctx->op, create_fn, &c);
    if (r == 0 && c.first.n > 0) {
        struct store_op op = store_op_new();
        r = store_write(ctx->store, &op, renew_fn, &c);
    }
    if (r == 0) {
        *ret_invitation = c.made;
        *ret_token =
            arena_printf(ctx->arena, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(ctx->scope.tenant_id),
                         STR_ARG(c.made.id), STR_ARG(secret));
    }
    return r;
}

struct listing {
    struct data_context *ctx;
    const struct auth_invitations_input *in;
    struct str words;                    /* folded */
    struct auth_invitations invitations; /* result */
};

static int gather_key(struct txn *txn, void *ctx, const void *record, struct str *ret_key)
{
    const struct listing *l = ctx;
    const struct data_invitation *one = record;
    struct arena *arena = store_arena(txn);
    struct str folded = data_text_fold(arena, one->email);
    if (data_text_has(folded, l->words)) {
        *ret_key = l->in->sort == AUTH_INVITATIONS_BY_EMAIL
                       ? data_pick_by_text(arena, folded, one->id)
                       : data_pick_by_time(arena, one->created_at, one->id);
    }
    return 0;
}

/* There are so few that they are gathered: check_room. */
static int list_fn(struct txn *txn, void *ctx)
{
    struct listing *l = ctx;
    struct arena *arena = l->ctx->arena;
    const struct data_gather in = {
        .scope = &l->ctx->scope,
        .type = &data_invitation_type,
        .query = {.index = DATA_INVITATION_BY_CREATED},
        .most = AUTH_MAX_INVITATIONS,
        .key = gather_key,
        .ctx = l,
        .arena = arena,
        .limit = l->in->limit,
        .cursor = l->in->cursor,
        .reverse = (l->in->sort == AUTH_INVITATIONS_BY_EMAIL) == l->in->reverse,
    };
    struct data_gathered all;
    int r = data_gather(txn, &in, &all);
    if (r < 0) {
        return r;
    }
    l->invitations = (struct auth_invitations){
        .at = ARENA_ARRAY(arena, struct data_invitation, all.n + 1),
        .n = all.n,
        .next = all.next,
        .total = all.total,
    };
    for (size_t i = 0; i < all.n; i++) {
        l->invitations.at[i] = *(const struct data_invitation *)all.at[i];
        data_invitation_copy(arena, &l->invitations.at[i]);
    }
    return 0;
}

int auth_invitations_list(struct data_context *ctx, const struct auth_invitations_input *in,
                          struct auth_invitations *ret_invitations)
{
    struct listing l = {.ctx = ctx, .in = in, .words = data_text_fold(ctx->arena, in->words)};
    int r = store_read(ctx->store, list_fn, &l);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_invitations = l.invitations;
    }
    return r;
}

struct end {
    struct data_context *ctx;
    struct str id;
};

static int end_fn(struct txn *txn, void *ctx)
{
    const struct end *e = ctx;
    struct data_invitation invitation;
    int r = auth_actor_in(txn, e->ctx);
    r = r < 0 ? r : data_invitation_get(txn, &e->ctx->scope, e->id, &invitation);
    if (r == 0 && !auth_role_reaches(e->ctx->scope.role, invitation.role)) {
        return data_fault(e->ctx, ERR_FORBIDDEN, NULL, "Only an owner withdraws this one.");
    }
    return r < 0 ? r : withdraw(txn, e->ctx, e->id);
}

int auth_invitation_end(struct data_context *ctx, struct str id)
{
    struct end e = {.ctx = ctx, .id = id};
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(ctx->store, &op, end_fn, &e);
}

/* ---- Accepted ---- */

static int refuse(struct data_context *ctx)
{
    return data_fault(ctx, ERR_FORBIDDEN, NULL,
                      "This invitation does not hold: it was used, withdrawn, or is too old.");
}

int auth_invitation_read(struct data_context *ctx, struct str token, bool sealed,
                         struct auth_acceptance *ret_acceptance)
{
    struct str parts[3] = {0};
    struct str rest = token;
    unsigned n = 0;
    while (n < 3 && str_split(&rest, '.', &parts[n])) {
        n++;
    }
    sealed = sealed && n == 2;
    if (rest.p || (n < 3 && !sealed) || !data_id_is(parts[0], "ten") ||
        !data_id_is(parts[1], "inv")) {
        return refuse(ctx);
    }
    *ret_acceptance = (struct auth_acceptance){
        .tenant_id = parts[0],
        .invitation_id = parts[1],
        .hash = auth_secret_hash(ctx->arena, parts[2]),
        .sealed = sealed,
    };
    return 0;
}

/*
 * What of the account that was removed stays: its id, since when it is, its revisions. No way in of whoever had it: they ended with
 * the removal, and nothing depends on that alone.
 */
static int take_over(struct txn *txn, const struct data_context *ctx, struct str former,
                     struct data_user *user)
{
    struct data_context actor = *ctx;
    actor.scope = (struct scope){.tenant_id = user->tenant_id, .user_id = former};
    actor.client.nobody = true;
    struct data_user was;
    int r = find_former(txn, &actor.scope, former, &was);
    r = r < 0 ? r : auth_login_end_all(txn, &actor, &actor.scope, STR_EMPTY);
    r = r < 0 ? r : auth_apikeys_end_all(txn, &actor, &actor.scope);
    if (r < 0) {
        return r;
    }
    user->id = was.id;
    user->created_at = was.created_at;
    user->revision = was.revision + 1;
    return 0;
}

/* Whether what it gives can be given: by whoever made it, now. ERR_NOT_FOUND: it cannot. */
static int check_gift(struct txn *txn, const struct scope *scope,
                      const struct data_invitation *invitation)
{
    struct str account = invitation->user_id;
    const struct auth_giving giving = {invitation->created_by,
                                       account.n > 0 ? DATA_PERMISSION_TENANT_OWN
                                                     : DATA_PERMISSION_TENANT_MANAGE,
                                       invitation->role};
    struct data_user user;
    int r = auth_giver_in(txn, scope, &giving);
    return r < 0 || account.n == 0 ? r : find_former(txn, scope, account, &user);
}

/* What is damaged keeps nobody from being removed: it is asked of again when it is accepted. */
int auth_invitations_sift_in(struct txn *txn, const struct data_context *ctx, struct str address)
{
    const struct scope *scope = &ctx->scope;
    struct data_query query = {
        .index = DATA_INVITATION_BY_CREATED, .limit = AUTH_MAX_INVITATIONS, .pass_over = true};
    struct data_invitation_list open;
    int r = data_invitation_list(txn, scope, &query, &open);
    for (size_t i = 0; r == 0 && i < open.n; i++) {
        bool ends = str_eq(open.at[i].email, address);
        r = ends ? ERR_NOT_FOUND : check_gift(txn, scope, &open.at[i]);
        r = r == ERR_NOT_FOUND ? withdraw(txn, ctx, open.at[i].id) : r;
        r = data_unreadable(r) ? 0 : r;
    }
    return r;
}

/* The record, if the token holds. */
static int find(struct txn *txn, struct data_context *ctx, const struct auth_acceptance *acceptance,
                struct data_invitation *ret_invitation)
{
    struct scope scope = {.tenant_id = acceptance->tenant_id};
    int r = data_invitation_get(txn, &scope, acceptance->invitation_id, ret_invitation);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    bool holds = r == 0 && ret_invitation->expires_at > time_now();
    bool knows =
        holds && (acceptance->sealed || str_eq_constant(ret_invitation->hash, acceptance->hash));
    if (!knows) {
        return refuse(ctx);
    }
    r = check_gift(txn, &scope, ret_invitation);
    return r == ERR_NOT_FOUND ? refuse(ctx) : r;
}

static int check_address(struct data_context *ctx, const struct data_invitation *invitation,
                         struct str email)
{
    return str_eq(invitation->email, email)
               ? 0
               : data_fault(ctx, ERR_INVALID, "email", "The invitation is for another address.");
}

int auth_invitation_check_in(struct txn *txn, struct data_context *ctx,
                             const struct auth_acceptance *acceptance, struct str email)
{
    struct data_invitation invitation;
    int r = find(txn, ctx, acceptance, &invitation);
    return r < 0 ? r : check_address(ctx, &invitation, email);
}

int auth_invitation_take_in(struct txn *txn, struct data_context *ctx,
                            const struct auth_acceptance *acceptance, struct data_user *user)
{
    struct scope scope = {.tenant_id = acceptance->tenant_id};
    struct data_invitation invitation;
    int r = find(txn, ctx, acceptance, &invitation);
    r = r < 0 ? r : check_address(ctx, &invitation, user->email);
    if (r < 0) {
        return r;
    }
    user->tenant_id = scope.tenant_id;
    user->role = invitation.role;
    if (invitation.user_id.n > 0) {
        r = take_over(txn, ctx, invitation.user_id, user);
    }
    if (r < 0) {
        return r;
    }
    struct data_query query = {.index = DATA_USER_BY_CREATED, .limit = AUTH_MAX_MEMBERS};
    size_t n;
    r = data_count(txn, &(struct data_count_of){&scope, &data_user_type}, &query, &n);
    if (r == 0 && n >= AUTH_MAX_MEMBERS && invitation.user_id.n == 0) {
        return data_fault(ctx, ERR_LIMIT, NULL, "There is no room for another member.");
    }
    if (r == 0) {
        r = check_quota(txn, ctx, &scope);
    }
    return r < 0 ? r : data_invitation_delete(txn, &scope, invitation.id);
}

/* ---- Too old ---- */

static int purge_fn(struct txn *txn, void *ctx)
{
    size_t *ended = ctx;
    struct data_place *places;
    size_t n;
    struct data_query query = {.index = DATA_INVITATION_BY_EXPIRES, .limit = PURGE};
    int r = data_places(txn, &data_invitation_type, &query, &places, &n);
    *ended = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct data_invitation *invitation = places[i].record;
        if (invitation->expires_at > time_now()) {
            break;
        }
        r = data_invitation_delete(txn, &places[i].scope, invitation->id);
        *ended += r == 0;
    }
    return r;
}

int auth_invitations_purge(struct store *store, size_t *ret_ended)
{
    size_t ended;
    struct store_op op = store_op_new();
    op.reserve = true;
    int r = store_write(store, &op, purge_fn, &ended);
    if (r == 0) {
        *ret_ended = ended;
    }
    return r;
}
