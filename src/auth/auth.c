/*
 * The whole of auth, the check of every request, and the duty that ends old logins.
 *
 * 1. A request is somebody's only if its token's signature and claims hold and its login and user are in the store now:
 *    ending a login works at once, on every replica.
 */
#include <sodium.h>

#include "auth/hash_int.h"
#include "base/rand.h"

enum { PURGE = 50 };
static const usec_t purge_longest = 100 * USEC_PER_MS;

static const usec_t minute = 60 * USEC_PER_SEC;
static const usec_t day = 24 * 60 * 60 * USEC_PER_SEC;

static char *text_or(struct str text, const char *standard)
{
    struct str chosen = text.n > 0 ? text : str_from(standard);
    return mem_dup(chosen.p, chosen.n);
}

static usec_t life_or(usec_t life, usec_t standard)
{
    return life > 0 ? life : standard;
}

static void rates_init(struct auth *a, const struct auth_options *o)
{
    const struct auth_rate standard[AUTH_LIMIT_KINDS] = {
        [AUTH_LIMIT_USER] = {100, minute},          [AUTH_LIMIT_REGISTER] = {5, minute},
        [AUTH_LIMIT_LOGIN] = {60, minute},          [AUTH_LIMIT_PASSWORD] = {10, minute},
        [AUTH_LIMIT_REFRESH] = {120, minute},       [AUTH_LIMIT_CODE] = {10, 60 * minute},
        [AUTH_LIMIT_MAIL] = {3, 30 * minute},       [AUTH_LIMIT_APP_CODE] = {30, 60 * minute},
        [AUTH_LIMIT_SOCKET] = {300, minute},        [AUTH_LIMIT_KNOWN] = {10, minute},
        [AUTH_LIMIT_KNOWN_NETWORK] = {300, minute},
    };
    memcpy(a->rates, o->limits_given ? o->limits : standard, sizeof a->rates);
    for (int i = 0; i < AUTH_LIMIT_KINDS; i++) {
        a->rates[i].burst *= o->limit_factor > 0 ? o->limit_factor : 1;
    }
}

static bool secret_fits(struct str secret)
{
    return secret.n == 0 || (secret.n >= AUTH_SECRET_MIN && secret.n <= AUTH_KEY_MAX);
}

static int keys_init(struct auth *a, const struct auth_secrets *given)
{
    if (!secret_fits(given->current) || !secret_fits(given->previous) ||
        (given->previous.n > 0 && given->current.n == 0)) {
        return ERR_INVALID;
    }
    struct auth_ring *ring;
    int r = auth_ring_load(a->store, given, &ring);
    if (r < 0) {
        return r;
    }
    a->ring = ring;
    a->secret_given = given->current.n > 0;
    char dummy[24];
    rand_bytes(dummy, sizeof dummy);
    return auth_password_hash(a, str_of(dummy, sizeof dummy), a->dummy_hash);
}

int auth_create(const struct auth_options *options, struct auth **ret_auth)
{
    ASSERT(sodium_init() >= 0);
    struct auth *a = MEM_NEW(struct auth);
    a->magic = AUTH_MAGIC;
    a->store = options->store;
    a->looked_at = -minute;
    lock_init(&a->ring_lock, LOCK_CACHE);
    a->issuer = text_or(options->issuer, "coditect");
    a->audience = text_or(options->audience, "coditect-api");
    struct str base = options->mail_base;
    base.n -= str_ends(base, STR("/"));
    a->mail_base = base.n > 0 ? mem_dup(base.p, base.n) : NULL;
    a->registration = options->registration;
    a->confirm = options->confirm;
    ASSERT(!a->confirm || a->mail_base);
    a->domains = options->domains;
    a->domain_count = options->domain_count;
    a->access_life = life_or(options->access_life, 15 * minute);
    a->idle_life = life_or(options->idle_life, 30 * day);
    a->absolute_life = life_or(options->absolute_life, 90 * day);
    a->cheap_hash = options->cheap_hash;
    a->hashers = auth_hashers_create(options->hashers);
    rates_init(a, options);
    a->limits = auth_limits_create();
    auth_notes_init(&a->notes);
    auth_calls_init(&a->calls);
    auth_plans_init(&a->plans, &options->quota);
    const struct auth_secrets given = {.current = options->secret,
                                       .previous = options->previous_secret};
    int r = keys_init(a, &given);
    r = r < 0 ? r : auth_plans_look(a);
    if (r < 0) {
        auth_destroy(a);
        return r;
    }
    *ret_auth = a;
    return 0;
}

void auth_destroy(struct auth *a)
{
    if (!a) {
        return;
    }
    ASSERT_MAGIC(a, AUTH_MAGIC);
    auth_notes_fini(&a->notes);
    auth_calls_fini(&a->calls);
    auth_plans_fini(&a->plans);
    auth_limits_destroy(a->limits);
    lock_fini(&a->ring_lock);
    auth_hashers_destroy(a->hashers);
    mem_free(a->issuer);
    mem_free(a->audience);
    mem_free(a->mail_base);
    auth_ring_destroy(a->ring);
    a->magic = 0;
    mem_free(a);
}

enum auth_registration auth_registration_mode(const struct auth *a)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    return a->registration;
}

bool auth_confirms(const struct auth *a)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    return a->confirm;
}

/* ---- Every request ---- */

struct who {
    const struct auth *a;
    struct scope scope;
    int64_t counter; /* of the access token; 0: not asked */
    bool unconfirmed;
    usec_t last_access_at;
};

static int who_fn(struct txn *txn, void *ctx)
{
    struct who *w = ctx;
    struct data_login login;
    struct data_user user;
    int r = data_login_get(txn, &w->scope, w->scope.login_id, &login);
    if (r == 0) {
        r = data_user_get(txn, &w->scope, w->scope.user_id, &user);
    }
    if (r == ERR_NOT_FOUND) {
        return ERR_UNAUTHENTICATED;
    }
    if (r < 0) {
        return r;
    }
    if (!str_eq(login.user_id, w->scope.user_id) || w->counter > login.counter ||
        auth_login_expired(w->a, &login, time_now())) {
        return ERR_UNAUTHENTICATED;
    }
    w->scope.role = user.role;
    w->unconfirmed = !login.confirmed && w->counter == login.counter;
    w->last_access_at = login.last_access_at;
    return 0;
}

static void note_access(struct auth *a, const struct who *w)
{
    usec_t now = time_now();
    bool seen = now - w->last_access_at >= AUTH_ACCESS_EVERY;
    if (w->unconfirmed || seen) {
        auth_note_add(a, &(struct auth_note){.scope = w->scope,
                                             .counter = w->unconfirmed ? w->counter : 0,
                                             .access = seen ? now : 0});
    }
}

int auth_authenticate(struct auth *a, struct data_context *ctx, struct str bearer)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct auth_claims claims;
    int r = auth_access_read(a, ctx->arena, bearer, &claims);
    if (r < 0) {
        return r;
    }
    struct who w = {
        .a = a,
        .scope = {.tenant_id = claims.tenant_id,
                  .user_id = claims.user_id,
                  .login_id = claims.login_id},
        .counter = claims.counter,
    };
    r = store_read(a->store, who_fn, &w);
    if (r < 0) {
        return r;
    }
    note_access(a, &w);
    ctx->scope = auth_scope_copy(ctx->arena, &w.scope);
    return 0;
}

int auth_still(struct auth *a, struct data_context *ctx)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct who w = {.a = a, .scope = ctx->scope};
    int r = store_read(a->store, who_fn, &w);
    if (r == 0) {
        note_access(a, &w);
        ctx->scope.role = w.scope.role;
    }
    return r;
}

int auth_still_in(const struct auth *a, struct txn *txn, struct scope *scope)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct who w = {.a = a, .scope = *scope};
    int r = who_fn(txn, &w);
    if (r == 0) {
        scope->role = w.scope.role;
    }
    return r;
}

/* ---- Other servers of the store ---- */

int auth_look_again(struct auth *a)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    int r = auth_keys_look(a);
    int plans = auth_plans_look(a);
    return r < 0 ? r : plans;
}

/* ---- Old logins ---- */

struct purge {
    struct auth *a;
    struct data_context ctx;
    size_t ended; /* of the batch, as each of the rules counts */
};

/* Both indexes begin with the oldest: the first that is not expired ends the walk. */
static int purge_index(struct txn *txn, struct purge *p, unsigned index)
{
    struct data_place *places;
    size_t n;
    struct data_query query = {.index = index, .limit = PURGE};
    int r = data_places(txn, &data_login_type, &query, &places, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct data_login *login = places[i].record;
        if (!auth_login_expired(p->a, login, time_now())) {
            break;
        }
        r = auth_login_end(txn, &p->ctx, "login.expire", login);
        p->ended++;
    }
    return r;
}

static int purge_fn(struct txn *txn, void *ctx)
{
    struct purge *p = ctx;
    p->ended = 0;
    int r = purge_index(txn, p, DATA_LOGIN_BY_CREATED);
    if (r == 0) {
        r = purge_index(txn, p, DATA_LOGIN_BY_ACCESS);
    }
    if (r == 0) {
        r = auth_apikeys_expire(txn, PURGE, &p->ended);
    }
    return r < 0 ? r : auth_resets_expire(txn, PURGE);
}

/* A batch is a transaction of its own, so that requests write in between. */
int auth_purge(struct auth *a, size_t *ret_ended)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct purge p = {.a = a, .ctx.client.nobody = true, .ended = PURGE};
    usec_t deadline = time_monotonic() + purge_longest;
    size_t ended = 0;
    int r = 0;
    while (r == 0 && p.ended >= PURGE && time_monotonic() < deadline) {
        struct store_op op = store_op_new();
        op.reserve = true;
        r = store_write(a->store, &op, purge_fn, &p);
        ended += r == 0 ? p.ended : 0;
    }
    if (r == 0) {
        *ret_ended = ended;
    }
    return r;
}
