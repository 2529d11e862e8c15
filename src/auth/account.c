/*
 * Registration and login. Both hash outside of the store: read, hash, then one write that checks again what was read.
 */
#include "auth/auth_int.h"

/* ---- Registration ---- */

struct registration {
    struct data_context *ctx;
    const struct auth_acceptance *accepted; /* NULL: a tenant of their own */
    struct data_tenant tenant;
    struct data_user wanted;
    struct scope wanted_scope;
    struct data_user user; /* results, from here on */
    struct scope scope;
    struct data_login login;
    bool again; /* it had happened before */
};

/* "{tenant} {user} {login}" of the first run. */
static int registration_again(struct txn *txn, struct registration *g, struct str text)
{
    if (str_eq(text, STR("asked"))) {
        return ERR_CONFLICT; /* addresses were confirmed then */
    }
    struct str ids[3] = {STR_EMPTY, STR_EMPTY, STR_EMPTY};
    for (unsigned i = 0; i < 3 && str_split(&text, ' ', &ids[i]); i++) {
    }
    if (!data_id_is(ids[0], "ten")) {
        return ERR_CORRUPT;
    }
    struct scope scope = {.tenant_id = ids[0]};
    int r = data_user_get(txn, &scope, ids[1], &g->user);
    return r < 0 ? r : data_login_get(txn, &scope, ids[2], &g->login);
}

static int registration_write(struct txn *txn, struct registration *g)
{
    g->user = g->wanted;
    g->scope = g->wanted_scope;
    int r = g->accepted ? auth_invitation_take_in(txn, g->ctx, g->accepted, &g->user)
                        : data_tenant_put(txn, &g->scope, &g->tenant);
    if (r < 0) {
        return r;
    }
    g->scope.tenant_id = g->user.tenant_id;
    g->scope.user_id = g->user.id;
    g->scope.role = g->user.role;
    r = auth_user_put_in(txn, &g->scope, &g->user);
    if (r < 0) {
        return r;
    }
    struct data_context actor = *g->ctx;
    actor.scope = g->scope;
    r = data_audit(txn, &actor, "user.register", g->user.id, DATA_OUTCOME_OK);
    if (r == 0 && g->accepted) {
        r = data_audit(txn, &actor, "invitation.accept", g->accepted->invitation_id,
                       DATA_OUTCOME_OK);
        actor.client.nobody = true; /* what follows from it is not the newcomer's deed */
        r = r < 0 ? r : auth_invitations_sift_in(txn, &actor, g->user.email);
    }
    return r < 0 ? r : auth_login_add(txn, g->ctx, &g->scope, &g->login);
}

static int registration_fn(struct txn *txn, void *ctx)
{
    struct registration *g = ctx;
    bool found;
    struct str text;
    int r = data_replay(txn, g->ctx, &found, &text);
    if (r == 0) {
        r = found ? registration_again(txn, g, text) : registration_write(txn, g);
    }
    if (r < 0) {
        return r;
    }
    data_user_copy(g->ctx->arena, &g->user);
    data_login_copy(g->ctx->arena, &g->login);
    g->again = found;
    if (!found) {
        data_remember(txn, g->ctx,
                      arena_printf(store_arena(txn), STR_FMT " " STR_FMT " " STR_FMT,
                                   STR_ARG(g->scope.tenant_id), STR_ARG(g->scope.user_id),
                                   STR_ARG(g->scope.login_id)));
    }
    return 0;
}

static struct registration registration_of(struct data_context *ctx, struct str email,
                                           struct str name)
{
    struct scope scope = {
        .tenant_id = data_id_make(ctx->arena, "ten"),
        .user_id = data_id_make(ctx->arena, "usr"),
        .login_id = data_id_make(ctx->arena, "log"),
        .role = DATA_ROLE_OWNER,
    };
    usec_t now = time_now();
    return (struct registration){
        .ctx = ctx,
        .wanted_scope = scope,
        .tenant =
            {
                .id = scope.tenant_id,
                .name = name.n > 0 ? name : str_slice(email, 0, str_find(email, '@', 0)),
                .created_at = now,
                .updated_at = now,
                .revision = 1,
            },
        .wanted =
            {
                .id = scope.user_id,
                .tenant_id = scope.tenant_id,
                .email = email,
                .name = name,
                .role = DATA_ROLE_OWNER,
                .created_at = now,
                .updated_at = now,
                .revision = 1,
                .password_changed_at = now,
            },
    };
}

static int repeat_fn(struct txn *txn, void *ctx)
{
    struct registration *g = ctx;
    struct data_context actor = *g->ctx;
    actor.scope = (struct scope){
        .tenant_id = g->user.tenant_id, .user_id = g->user.id, .login_id = g->login.id};
    struct data_user user;
    struct data_login login;
    int r = data_user_get(txn, &actor.scope, actor.scope.user_id, &user);
    r = r < 0 ? r : data_login_get(txn, &actor.scope, actor.scope.login_id, &login);
    if (r < 0) {
        return r;
    }
    if (!str_eq(user.password, g->user.password)) {
        return ERR_CONFLICT; /* another one just now */
    }
    if (user.two_factor_at != 0) {
        return data_fault(g->ctx, ERR_CODE_NEEDED, NULL,
                          "There is the account, and it asks for a code by now: log in.");
    }
    if (login.counter > 1) {
        return data_fault(g->ctx, ERR_CONFLICT, NULL,
                          "There is the account, and its first login is in use: log in.");
    }
    return data_audit(txn, &actor, "login.create", login.id, DATA_OUTCOME_OK);
}

struct entering {
    struct str email;
    struct str password;
};

/*
 * What was done already gives the login of then once more, to who lost the reply: it is a login like any other, by the password, and
 * none where a code is asked for or that somebody goes on with.
 */
static int registration_repeat(struct auth *a, struct registration *g, const struct entering *in)
{
    if (!str_eq(g->user.email, in->email)) {
        return ERR_CONFLICT;
    }
    int r = auth_password_verify(a, g->user.password, in->password);
    if (r == ERR_BAD_CREDENTIALS) {
        auth_denial_add(a, g->ctx, "login.create", &g->user);
        return ERR_CONFLICT;
    }
    if (r < 0) {
        return r;
    }
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(g->ctx->store, &op, repeat_fn, g);
}

/*
 * The digest of the request is not kept: it is a fast hash of what contains the password. A repetition is known by the address
 * and the password instead.
 */
static int registration_run(struct auth *a, struct registration *g, struct str password)
{
    struct data_context *ctx = g->ctx;
    struct data_context *undigested = ARENA_NEW(ctx->arena, struct data_context);
    *undigested = *ctx;
    undigested->digested = false;
    memset(undigested->digest, 0, sizeof undigested->digest);
    struct str email = g->wanted.email;
    g->ctx = undigested;
    int r = store_write(ctx->store, &ctx->op, registration_fn, g);
    g->ctx = ctx;
    ctx->fault = undigested->fault;
    if (r == ERR_EXISTS) {
        return data_fault(ctx, ERR_EXISTS, "email",
                          "There is an account with this e-mail address already.");
    }
    return r == 0 && g->again ? registration_repeat(a, g, &(struct entering){email, password}) : r;
}

/* What is known of who registers. */
struct registering {
    struct str email;
    struct auth_acceptance accepted; /* without an invitation: zeroes */
    struct auth_result result;
};

/* Whether anybody like this may register; reads the invitation. */
static int registration_open(const struct auth *a, struct data_context *ctx,
                             const struct auth_register_input *in,
                             struct auth_acceptance *ret_accepted)
{
    if (a->registration == AUTH_REGISTRATION_CLOSED) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL, "Registration is closed here.");
    }
    if (in->invitation.n > 0) {
        return auth_invitation_read(ctx, in->invitation, in->confirmation.n > 0, ret_accepted);
    }
    if (a->registration == AUTH_REGISTRATION_INVITE) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL, "Registration is by invitation here.");
    }
    return 0;
}

int auth_domain_allowed(const struct auth *a, struct data_context *ctx, struct str email)
{
    struct str domain = str_slice(email, str_find(email, '@', 0) + 1, email.n);
    bool allowed = a->domain_count == 0;
    for (size_t i = 0; i < a->domain_count; i++) {
        allowed = allowed || str_eq_nocase(domain, str_from(a->domains[i]));
    }
    return allowed ? 0
                   : data_fault(ctx, ERR_FORBIDDEN, NULL,
                                "Addresses of this domain come here by invitation alone.");
}

/* Whether who says this reads the mail of the address. */
static int confirmed(const struct auth *a, struct data_context *ctx,
                     const struct auth_register_input *in, const struct registering *g)
{
    struct str invitation =
        g->accepted.tenant_id.n > 0
            ? arena_printf(ctx->arena, STR_FMT "." STR_FMT, STR_ARG(g->accepted.tenant_id),
                           STR_ARG(g->accepted.invitation_id))
            : STR_EMPTY;
    const struct auth_confirmation confirmation = {
        .what = auth_confirm_register(ctx->arena, g->email, invitation),
        .token = in->confirmation,
    };
    return auth_confirmation_holds(a, ctx->arena, &confirmation)
               ? 0
               : data_fault(ctx, ERR_FORBIDDEN, NULL,
                            "This link does not hold: it is for another address, or too old.");
}

/* What can be said before the password is looked at. */
static int admit(const struct auth *a, struct data_context *ctx,
                 const struct auth_register_input *in, struct registering *g)
{
    int r = registration_open(a, ctx, in, &g->accepted);
    if (r == 0) {
        r = auth_email_clean(ctx, in->email, &g->email);
    }
    if (r == 0 && in->invitation.n == 0) {
        r = auth_domain_allowed(a, ctx, g->email);
    }
    return r == 0 && in->confirmation.n > 0 ? confirmed(a, ctx, in, g) : r;
}

static int make_account(struct auth *a, struct data_context *ctx,
                        const struct auth_register_input *in, struct registering *with)
{
    struct str name;
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name", .optional = true},
                           in->name, &name);
    if (r == 0) {
        r = auth_password_check(ctx, "password", in->password, with->email);
    }
    if (r == 0) {
        r = auth_limit_request(a, ctx, AUTH_LIMIT_REGISTER,
                               auth_limit_network(ctx->arena, ctx->client.address));
    }
    char hash[AUTH_HASH_ROOM];
    if (r == 0) {
        r = auth_password_hash(a, in->password, hash);
    }
    if (r < 0) {
        return r;
    }
    struct registration g = registration_of(ctx, with->email, name);
    g.wanted.password = arena_str(ctx->arena, str_from(hash));
    if (in->invitation.n > 0) {
        struct data_quota *quota = ARENA_NEW(ctx->arena, struct data_quota);
        auth_plan_quota(a, with->accepted.tenant_id, quota);
        ctx->quota = quota;
        g.accepted = &with->accepted;
    }
    r = registration_run(a, &g, in->password);
    if (r == 0) {
        with->result = (struct auth_result){.user = g.user};
        auth_issue(a, ctx, &g.login, &with->result);
    }
    return r;
}

int auth_register(struct auth *a, struct data_context *ctx, const struct auth_register_input *in,
                  struct auth_result *ret_result)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct registering g = {0};
    int r = admit(a, ctx, in, &g);
    if (r < 0) {
        return r;
    }
    if (a->confirm && in->confirmation.n == 0) {
        const struct auth_register_ask asked = {
            .email = g.email, .accepted = in->invitation.n > 0 ? &g.accepted : NULL};
        r = auth_register_ask(a, ctx, &asked);
        g.result.asked = true;
    } else {
        r = make_account(a, ctx, in, &g);
    }
    if (r == 0) {
        *ret_result = g.result;
    }
    return r;
}

/* ---- Login ---- */

struct entry {
    struct data_context *ctx;
    struct str email;
    struct auth_second second;
    struct scope scope;
    bool counted; /* as a wrong password, until it is known to be right */
    bool older;   /* results of find, from here on */
    struct data_user user;
    struct data_login login;
};

static int find_fn(struct txn *txn, void *ctx)
{
    struct entry *e = ctx;
    e->user = (struct data_user){0};
    struct auth_found found;
    int r = auth_find_in(txn, e->email, &found);
    if (r < 0) {
        return r;
    }
    e->older = found.older;
    e->user = found.user;
    data_user_copy(e->ctx->arena, &e->user);
    return 0;
}

static int enter_fn(struct txn *txn, void *ctx)
{
    struct entry *e = ctx;
    struct data_user now;
    int r = data_user_get(txn, &e->scope, e->scope.user_id, &now);
    if (r == ERR_NOT_FOUND || (r == 0 && !str_eq(now.password, e->user.password))) {
        return ERR_BAD_CREDENTIALS;
    }
    if (r == 0 && (now.two_factor_at != 0) != e->second.asked) {
        return ERR_CODE_NEEDED; /* turned on or off just now: begin again */
    }
    if (r == 0) {
        r = auth_second_use_in(txn, e->ctx, &e->scope, &e->second);
    }
    if (r == 0 && e->older) {
        r = auth_user_put_in(txn, &e->scope, &now);
    }
    if (r == 0) {
        r = auth_login_add(txn, e->ctx, &e->scope, &e->login);
    }
    if (r < 0) {
        return r;
    }
    data_login_copy(e->ctx->arena, &e->login);
    return 0;
}

/* Wrong passwords are counted by account and network: nobody can lock out somebody who is elsewhere. */
static struct str password_key(const struct entry *e)
{
    return auth_limit_of(e->ctx, e->email);
}

/*
 * A browser that the account came in from before has what nobody else uses up; once it has used that up itself, it is counted as
 * everybody.
 */
static int count_login(struct auth *a, struct entry *e, struct str known)
{
    struct data_context *ctx = e->ctx;
    bool address = e->email.n > 0;
    struct str network = auth_limit_network(ctx->arena, ctx->client.address);
    if (address && auth_known_is(a, ctx->arena, e->email, known)) {
        int r = auth_limit_request(a, ctx, AUTH_LIMIT_KNOWN, e->email);
        r = r < 0 ? r : auth_limit_request(a, ctx, AUTH_LIMIT_KNOWN_NETWORK, network);
        if (r == 0) {
            return r;
        }
        ctx->fault = (struct data_fault){0};
        ctx->limit = (struct data_limit){0};
    }
    int r = auth_limit_request(a, ctx, AUTH_LIMIT_LOGIN, network);
    if (r == 0 && address) {
        r = auth_limit_request(a, ctx, AUTH_LIMIT_PASSWORD, password_key(e));
        e->counted = r == 0;
    }
    return r;
}

/* An address that cannot be one has no account: the same answer, after the same work. */
static int find(struct auth *a, struct entry *e, const struct auth_login_input *in)
{
    if (auth_email_clean(e->ctx, in->email, &e->email) < 0) {
        e->ctx->fault = (struct data_fault){0};
    }
    int r = count_login(a, e, in->known);
    if (r == 0) {
        r = e->email.n > 0 ? store_read(e->ctx->store, find_fn, e) : ERR_NOT_FOUND;
    }
    return r;
}

static int enter(struct entry *e)
{
    struct data_context *ctx = e->ctx;
    e->scope = (struct scope){
        .tenant_id = e->user.tenant_id,
        .user_id = e->user.id,
        .login_id = data_id_make(ctx->arena, "log"),
        .role = e->user.role,
    };
    struct store_op op = store_op_new();
    op.reserve = true; /* who cannot come in cannot delete anything */
    return store_write(ctx->store, &op, enter_fn, e);
}

int auth_login(struct auth *a, struct data_context *ctx, const struct auth_login_input *in,
               struct auth_result *ret_result)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct entry e = {.ctx = ctx};
    int r = find(a, &e, in);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    bool exists = r == 0;
    r = auth_password_verify(a, e.user.password, in->password);
    if (r == ERR_BAD_CREDENTIALS) {
        if (exists) {
            auth_denial_add(a, ctx, "login.create", &e.user);
        }
        return r;
    }
    if (e.counted) { /* right, or never tried */
        auth_limit_return(a, AUTH_LIMIT_PASSWORD, password_key(&e));
    }
    r = r < 0 ? r
              : auth_second_check(a, ctx, &(struct auth_second_try){&e.user, in->code}, &e.second);
    r = r < 0 ? r : enter(&e);
    if (r < 0) {
        return r;
    }
    struct auth_result result = {.user = e.user};
    auth_issue(a, ctx, &e.login, &result);
    *ret_result = result;
    return 0;
}
