/*
 * The way into a session's IDE. A ticket is handed to a page of the platform and shown once, within a minute, to the IDE's
 * host; a pass is what the browser then keeps there as a cookie.
 *     ticket  {tenant}.{user}.{login}.{session}.{generation}.{expires}.{nonce}.{MAC}
 *     pass    {tenant}.{user}.{login}.{session}.{generation}.{MAC}
 * Each has a key of its own, so that neither is ever taken for the other. A pass has no age: it ends with its login or its
 * generation, which whoever takes it asks the store about.
 *
 * 1. A ticket is used once: its nonce is the id of the operation that uses it, and the store remembers operations for longer
 *    than a ticket lives. What the operation remembers tells its own repetition from somebody else's use.
 */
#include "auth/auth_int.h"
#include "base/encode.h"
#include "base/rand.h"

enum { NONCE = 16, VISIT_PARTS = 5, TICKET_PARTS = 7 };

/* text.{MAC} */
static struct str sign(const struct auth_key *key, struct arena *arena, struct buf *text)
{
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(key, buf_str(text), mac);
    buf_byte(text, '.');
    encode_base64url(text, str_of(mac, sizeof mac));
    ASSERT(text->error == 0);
    return arena_str(arena, buf_str(text));
}

/* What stands before the MAC. A key that is not there (n 0) has signed nothing. The MAC is made again and compared as text: no other spelling of it is taken. */
static int unsign(const struct auth_key *key, struct str signed_text, struct str *ret_text)
{
    size_t dot = signed_text.n;
    while (dot > 0 && signed_text.p[dot - 1] != '.') {
        dot--;
    }
    if (key->n == 0 || signed_text.n > AUTH_TICKET_MAX || dot == 0) {
        return ERR_UNAUTHENTICATED;
    }
    BUF_AUTO(again, AUTH_TICKET_MAX + AUTH_MAC_SIZE * 2);
    ARENA_AUTO(arena);
    buf_add(&again, str_slice(signed_text, 0, dot - 1));
    if (!str_eq_constant(signed_text, sign(key, &arena, &again))) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_text = str_slice(signed_text, 0, dot - 1);
    return 0;
}

static void add_visit(struct buf *text, const struct auth_visit *v)
{
    ASSERT(data_id_is(v->scope.tenant_id, "ten") && data_id_is(v->scope.user_id, "usr") &&
           data_id_is(v->scope.login_id, "log") && data_id_is(v->session_id, "ses") &&
           v->generation >= 1);
    buf_printf(text, STR_FMT "." STR_FMT "." STR_FMT "." STR_FMT ".", STR_ARG(v->scope.tenant_id),
               STR_ARG(v->scope.user_id), STR_ARG(v->scope.login_id), STR_ARG(v->session_id));
    buf_i64(text, v->generation);
}

/* Exactly n parts between dots. */
static int split(struct str text, struct str *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!str_split(&text, '.', &parts[i])) {
            return ERR_UNAUTHENTICATED;
        }
    }
    return text.p ? ERR_UNAUTHENTICATED : 0;
}

static int read_visit(const struct str *parts, struct auth_visit *ret_visit)
{
    uint64_t generation;
    if (!data_id_is(parts[0], "ten") || !data_id_is(parts[1], "usr") ||
        !data_id_is(parts[2], "log") || !data_id_is(parts[3], "ses") ||
        str_u64(parts[4], INT64_MAX, &generation) < 0 || generation == 0) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_visit = (struct auth_visit){
        .scope = {.tenant_id = parts[0], .user_id = parts[1], .login_id = parts[2]},
        .session_id = parts[3],
        .generation = (int64_t)generation,
    };
    return 0;
}

/* ---- Passes ---- */

struct str auth_pass_make(const struct auth *a, struct arena *arena, const struct auth_visit *visit)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    BUF_AUTO(text, AUTH_TICKET_MAX);
    add_visit(&text, visit);
    return sign(&a->ring->now.pass, arena, &text);
}

int auth_pass_read(const struct auth *a, struct str pass, struct auth_visit *ret_visit)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct str text;
    struct str parts[VISIT_PARTS];
    int r = unsign(&a->ring->now.pass, pass, &text);
    if (r < 0) {
        r = unsign(&a->ring->before.pass, pass, &text);
    }
    if (r == 0) {
        r = split(text, parts, VISIT_PARTS);
    }
    return r < 0 ? r : read_visit(parts, ret_visit);
}

/* ---- Tickets ---- */

struct str auth_ticket_make(const struct auth *a, struct arena *arena,
                            const struct auth_visit *visit)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    uint8_t nonce[NONCE];
    rand_bytes(nonce, sizeof nonce);
    BUF_AUTO(text, AUTH_TICKET_MAX);
    add_visit(&text, visit);
    buf_byte(&text, '.');
    buf_i64(&text, time_now() / USEC_PER_SEC + AUTH_TICKET_SECONDS);
    buf_byte(&text, '.');
    encode_hex(&text, str_of(nonce, sizeof nonce));
    return sign(&a->ring->now.ticket, arena, &text);
}

struct take {
    const struct auth *a;
    struct auth_visit visit;
    struct store_op op;
    uint8_t attempt[NONCE]; /* whose use it is */
};

static int unsign_ticket(const struct auth_ring *ring, struct str ticket, struct str *ret_text)
{
    int r = unsign(&ring->now.ticket, ticket, ret_text);
    return r < 0 ? unsign(&ring->before.ticket, ticket, ret_text) : r;
}

static int read_ticket(struct auth *a, struct str ticket, struct take *take)
{
    const struct auth_ring *ring = a->ring;
    struct str text;
    struct str parts[TICKET_PARTS];
    uint64_t expires;
    int r = unsign_ticket(ring, ticket, &text);
    if (r < 0 && auth_keys_newer(a, ring)) {
        r = unsign_ticket(a->ring, ticket, &text);
    }
    if (r == 0) {
        r = split(text, parts, TICKET_PARTS);
    }
    if (r == 0) {
        r = read_visit(parts, &take->visit);
    }
    if (r < 0) {
        return r;
    }
    BUF_AUTO(nonce, NONCE);
    if (str_u64(parts[5], INT64_MAX, &expires) < 0 || encode_unhex(&nonce, parts[6]) < 0 ||
        nonce.n != NONCE || time_now() / USEC_PER_SEC >= (int64_t)expires) {
        return ERR_UNAUTHENTICATED;
    }
    take->op = store_op_derived((const uint8_t *)nonce.p);
    return 0;
}

static int take_fn(struct txn *txn, void *ctx)
{
    struct take *t = ctx;
    struct str attempt = str_of(t->attempt, sizeof t->attempt);
    struct str before;
    if (store_replayed(txn, &before)) {
        return str_eq(before, attempt) ? 0 : ERR_UNAUTHENTICATED;
    }
    store_result(txn, attempt);
    return auth_still_in(t->a, txn, &t->visit.scope);
}

int auth_ticket_take(struct auth *a, struct data_context *ctx, const struct auth_ticket_use *use,
                     struct auth_visit *ret_visit)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    struct take take = {.a = a};
    int r = read_ticket(a, use->ticket, &take);
    if (r == 0 && !str_eq(take.visit.session_id, use->session_id)) {
        r = ERR_UNAUTHENTICATED;
    }
    if (r < 0) {
        return r;
    }
    rand_bytes(take.attempt, sizeof take.attempt);
    r = store_write(a->store, &take.op, take_fn, &take);
    if (r < 0) {
        return r;
    }
    ctx->scope = auth_scope_copy(ctx->arena, &take.visit.scope);
    *ret_visit = (struct auth_visit){
        .scope = ctx->scope,
        .session_id = arena_str(ctx->arena, take.visit.session_id),
        .generation = take.visit.generation,
    };
    return 0;
}
