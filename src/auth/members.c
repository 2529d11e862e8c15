/*
 * The tenant and its members: the accounts in it. Who may ask is decided before, by the role's permissions; here is what depends
 * on whom it is about.
 *
 * 1. A tenant always has an owner: the last one neither goes nor becomes something else.
 * 2. Nobody gives or takes a role above their own.
 * 3. Rights are given and taken by who is there now: roles are looked at again in the transaction, so that of two owners who hand
 *    on the same ownership, or of one who asks twice at once, the second is refused.
 * 4. What somebody hands out (links, invitations) is worth as much as they may give when it is used (auth_giver_in). What they could
 *    not hand out any more ends with the change that takes the right (invitations.c).
 * 5. A member who is removed keeps the record, without address and password, so that what belongs to the account still has
 *    somebody: an invitation can give it to a person again (invitations.c).
 */
#include "auth/auth_int.h"

/* ---- Read ---- */

struct tenant_one {
    struct data_context *ctx;
    struct str name; /* to be given */
    int64_t revision;
    struct data_tenant tenant; /* result */
};

static int tenant_fn(struct txn *txn, void *ctx)
{
    struct tenant_one *t = ctx;
    int r = data_tenant_get(txn, &t->ctx->scope, t->ctx->scope.tenant_id, &t->tenant);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    data_tenant_copy(t->ctx->arena, &t->tenant);
    return 0;
}

int auth_tenant_get(struct data_context *ctx, struct data_tenant *ret_tenant)
{
    struct tenant_one t = {.ctx = ctx};
    int r = store_read(ctx->store, tenant_fn, &t);
    if (r == 0) {
        *ret_tenant = t.tenant;
    }
    return r;
}

static int rename_fn(struct txn *txn, void *ctx)
{
    struct tenant_one *t = ctx;
    int r = auth_actor_in(txn, t->ctx);
    r = r < 0 ? r : tenant_fn(txn, t);
    if (r == 0 && !data_matches(t->ctx, t->revision, t->tenant.revision)) {
        return ERR_PRECONDITION;
    }
    if (r < 0 || str_eq(t->tenant.name, t->name)) {
        return r;
    }
    t->tenant.name = t->name;
    t->tenant.updated_at = time_now();
    t->tenant.revision++;
    r = data_tenant_put(txn, &t->ctx->scope, &t->tenant);
    if (r == 0) {
        r = data_audit(txn, t->ctx, "tenant.update", t->tenant.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_tenant_copy(t->ctx->arena, &t->tenant);
    }
    return r;
}

int auth_tenant_put(struct data_context *ctx, const struct auth_tenant_update *in,
                    struct data_tenant *ret_tenant)
{
    struct tenant_one t = {.ctx = ctx, .revision = in->revision};
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &t.name);
    if (r < 0) {
        return r;
    }
    struct store_op op = store_op_new();
    r = store_write(ctx->store, &op, rename_fn, &t);
    if (r == 0) {
        *ret_tenant = t.tenant;
    }
    return r;
}

/* ---- List: so few that they are gathered ---- */

struct listing {
    struct data_context *ctx;
    const struct auth_members_input *in;
    struct str words;            /* folded */
    struct auth_members members; /* result */
};

static bool wanted(struct arena *arena, const struct listing *l, const struct data_user *user)
{
    return (user->removed_at != 0) == l->in->former && user->deleted_at == 0 &&
           (data_text_has(data_text_fold(arena, user->name), l->words) ||
            data_text_has(data_text_fold(arena, user->email), l->words));
}

static int gather_key(struct txn *txn, void *ctx, const void *record, struct str *ret_key)
{
    const struct listing *l = ctx;
    const struct data_user *user = record;
    struct arena *arena = store_arena(txn);
    bool by_name = l->in->sort == AUTH_MEMBERS_BY_NAME && user->name.n > 0;
    if (wanted(arena, l, user)) {
        struct str text = by_name ? user->name : user->email;
        *ret_key = l->in->sort == AUTH_MEMBERS_BY_CREATED
                       ? data_pick_by_time(arena, user->created_at, user->id)
                       : data_pick_by_text(arena, data_text_fold(arena, text), user->id);
    }
    return 0;
}

static int list_fn(struct txn *txn, void *ctx)
{
    struct listing *l = ctx;
    const struct data_gather in = {
        .scope = &l->ctx->scope,
        .type = &data_user_type,
        .query = {.index = DATA_USER_BY_CREATED},
        .most = AUTH_MAX_MEMBERS,
        .key = gather_key,
        .ctx = l,
        .arena = l->ctx->arena,
        .limit = l->in->limit,
        .cursor = l->in->cursor,
        .reverse = l->in->reverse,
    };
    struct data_gathered all;
    int r = data_gather(txn, &in, &all);
    if (r < 0) {
        return r;
    }
    l->members = (struct auth_members){
        .at = ARENA_ARRAY(l->ctx->arena, struct data_user, all.n + 1),
        .n = all.n,
        .next = all.next,
        .total = all.total,
    };
    for (size_t i = 0; i < all.n; i++) {
        l->members.at[i] = *(const struct data_user *)all.at[i];
        data_user_copy(l->ctx->arena, &l->members.at[i]);
    }
    return 0;
}

int auth_members_list(struct data_context *ctx, const struct auth_members_input *in,
                      struct auth_members *ret_members)
{
    struct listing l = {.ctx = ctx, .in = in, .words = data_text_fold(ctx->arena, in->words)};
    int r = store_read(ctx->store, list_fn, &l);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_members = l.members;
    }
    return r;
}

int auth_members_count(struct txn *txn, const struct scope *scope, uint64_t *ret_count)
{
    struct data_user_list rows = {.next = STR_EMPTY};
    uint64_t count = 0;
    do {
        struct data_query query = {
            .index = DATA_USER_BY_CREATED, .limit = DATA_MAX_LIST, .cursor = rows.next};
        int r = data_user_list(txn, scope, &query, &rows);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < rows.n; i++) {
            count += rows.at[i].removed_at == 0;
        }
    } while (rows.next.n > 0);
    *ret_count = count;
    return 0;
}

static int find(struct txn *txn, const struct scope *scope, struct str user_id,
                struct data_user *ret_user)
{
    struct data_user user;
    int r = data_user_get(txn, scope, user_id, &user);
    if (r == 0 && user.removed_at != 0) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        *ret_user = user;
    }
    return r;
}

struct one {
    struct data_context *ctx;
    struct str user_id;
    struct data_user user; /* result */
};

static int get_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = find(txn, &o->ctx->scope, o->user_id, &o->user);
    if (r == 0) {
        data_user_copy(o->ctx->arena, &o->user);
    }
    return r;
}

int auth_member_get(struct data_context *ctx, struct str user_id, struct data_user *ret_user)
{
    struct one o = {.ctx = ctx, .user_id = user_id};
    int r = store_read(ctx->store, get_fn, &o);
    if (r == 0) {
        *ret_user = o.user;
    }
    return r;
}

/* ---- Change ---- */

/* The first roles are the higher ones. */
static bool above(enum data_role one, enum data_role other)
{
    return one < other;
}

bool auth_role_reaches(enum data_role own, enum data_role other)
{
    return !above(other, own);
}

int auth_actor_in(struct txn *txn, struct data_context *ctx)
{
    struct data_user self;
    int r = find(txn, &ctx->scope, ctx->scope.user_id, &self);
    if (r == 0 && self.role != ctx->scope.role) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL, "Your role has just become another one.");
    }
    return r == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : r;
}

int auth_giver_in(struct txn *txn, const struct scope *scope, const struct auth_giving *in)
{
    struct data_user giver;
    int r = find(txn, scope, in->created_by, &giver);
    bool may = r == 0 && data_may(giver.role, in->wants) && auth_role_reaches(giver.role, in->role);
    return r < 0 || may ? r : ERR_NOT_FOUND;
}

static bool owns(enum data_role role)
{
    return data_may(role, DATA_PERMISSION_TENANT_OWN);
}

/* ERR_CONFLICT: but this one nobody owns the tenant. Looks at members from the oldest: an owner is among the first. */
static int check_other_owner(struct txn *txn, struct data_context *ctx, struct str but)
{
    struct data_user_list rows = {0};
    do {
        struct data_query query = {
            .index = DATA_USER_BY_CREATED, .limit = DATA_MAX_LIST, .cursor = rows.next};
        int r = data_user_list(txn, &ctx->scope, &query, &rows);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < rows.n; i++) {
            const struct data_user *user = &rows.at[i];
            if (owns(user->role) && user->removed_at == 0 && !str_eq(user->id, but)) {
                return 0;
            }
        }
    } while (rows.next.n > 0);
    return data_fault(ctx, ERR_CONFLICT, NULL,
                      "This is the last owner. Make somebody else an owner first.");
}

/* The member, who may lose the role that they have. */
static int find_to_change(struct txn *txn, struct data_context *ctx, struct str user_id,
                          struct data_user *ret_user)
{
    int r = auth_actor_in(txn, ctx);
    r = r < 0 ? r : find(txn, &ctx->scope, user_id, ret_user);
    if (r == 0 && !auth_role_reaches(ctx->scope.role, ret_user->role)) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL, "Only an owner changes an owner.");
    }
    return r;
}

static int changed(struct txn *txn, const struct data_context *ctx, struct data_user *user,
                   const char *action)
{
    user->updated_at = time_now();
    user->revision++;
    int r = auth_user_put_in(txn, &ctx->scope, user);
    return r < 0 ? r : data_audit(txn, ctx, action, user->id, DATA_OUTCOME_OK);
}

static int role_changed(struct txn *txn, const struct data_context *ctx, struct data_user *user)
{
    int r = changed(txn, ctx, user, "member.update");
    return r < 0 ? r : auth_invitations_sift_in(txn, ctx, STR_EMPTY);
}

int auth_member_put_in(struct txn *txn, struct data_context *ctx,
                       const struct auth_member_change *in, struct data_user *ret_user)
{
    struct data_user user;
    int r = find_to_change(txn, ctx, in->user_id, &user);
    if (r == 0 && !data_matches(ctx, in->revision, user.revision)) {
        return ERR_PRECONDITION;
    }
    if (r == 0 && !auth_role_reaches(ctx->scope.role, in->role)) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL, "Only an owner makes an owner.");
    }
    if (r == 0 && owns(user.role) && !owns(in->role)) {
        r = check_other_owner(txn, ctx, user.id);
    }
    if (r == 0 && user.role != in->role) {
        user.role = in->role;
        r = role_changed(txn, ctx, &user);
    }
    if (r == 0) {
        *ret_user = user;
    }
    return r;
}

int auth_member_remove_in(struct txn *txn, struct data_context *ctx, struct str user_id,
                          int64_t revision)
{
    struct data_user user;
    int r = find_to_change(txn, ctx, user_id, &user);
    if (r == 0 && !data_matches(ctx, revision, user.revision)) {
        return ERR_PRECONDITION;
    }
    if (r == 0 && owns(user.role)) {
        r = check_other_owner(txn, ctx, user.id);
    }
    if (r < 0) {
        return r;
    }
    struct scope scope = {.tenant_id = ctx->scope.tenant_id, .user_id = user.id};
    r = auth_login_end_all(txn, ctx, &scope, STR_EMPTY);
    if (r == 0) {
        r = auth_apikeys_end_all(txn, ctx, &scope);
    }
    if (r == 0) {
        r = auth_reset_forget_in(txn, &scope, user.id);
    }
    if (r == 0) {
        r = auth_second_forget_in(txn, &scope, &user);
    }
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    struct str address = user.email;
    user.email = STR_EMPTY;
    user.password = STR_EMPTY;
    user.removed_at = time_now();
    r = changed(txn, ctx, &user, "member.remove");
    return r < 0 ? r : auth_invitations_sift_in(txn, ctx, address);
}

static int transfer_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    struct data_context *by = o->ctx;
    struct data_user own;
    int r = auth_actor_in(txn, by);
    r = r < 0 ? r : find(txn, &by->scope, by->scope.user_id, &own);
    if (r == 0 && str_eq(own.id, o->user_id)) {
        return data_fault(by, ERR_CONFLICT, NULL, "You own it already.");
    }
    if (r == 0) {
        r = find(txn, &by->scope, o->user_id, &o->user);
    }
    if (r < 0) {
        return r;
    }
    if (!owns(o->user.role)) {
        o->user.role = DATA_ROLE_OWNER;
        r = role_changed(txn, by, &o->user);
    }
    own.role = DATA_ROLE_ADMIN;
    r = r < 0 ? r : role_changed(txn, by, &own);
    if (r == 0) {
        r = data_audit(txn, by, "tenant.transfer", o->user.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_user_copy(by->arena, &o->user);
    }
    return r;
}

int auth_tenant_transfer(struct data_context *ctx, struct str user_id, struct data_user *ret_owner)
{
    struct one o = {.ctx = ctx, .user_id = user_id};
    struct store_op op = store_op_new();
    ctx->client.update = STR("member"); /* the request names a person, no field of theirs */
    ctx->client.fields = STR("role");
    int r = store_write(ctx->store, &op, transfer_fn, &o);
    if (r == 0) {
        *ret_owner = o.user;
    }
    return r;
}
