/*
 * The server's keys. One secret (JWT_SECRET, or 32 random bytes kept under g/key/access) signs access tokens; the keys of
 * refresh tokens, tickets and passes are derived from it, so that a signature made for one purpose is worth nothing for
 * another.
 *
 * 1. A rotation, which stands in the log of the house, overlaps: the secret before (g/key/previous) goes on to verify, until the next rotation. Nobody is logged out
 *    who came once in between.
 * 2. Readers of the ring take no lock: a turn puts another ring in its place, complete, in one store of a pointer.
 * 3. Of several servers with one store, one turns the keys. The others look every AUTH_LOOK_SECONDS, and at once when a token
 *    comes that no key of theirs has signed, once a second at most: what the one signs with the new key is taken by all, and
 *    what they sign meanwhile with the old one is taken as that of the key before. So two turns are to lie further apart than
 *    that. The SQLite driver lets one server alone hold the store; there a turn is that server's own.
 * 4. The key of workspaces' tokens is no part of this: a workspace has one token for as long as it runs, and could not say
 *    what it holds once two rotations have passed. It is derived from the first secret and kept (g/key/workspace).
 */
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

#include "auth/auth_int.h"
#include "base/rand.h"

static const usec_t look_least = USEC_PER_SEC;

/* ---- MACs ---- */

/* To make a context takes longer than the MAC of a token: each thread keeps its own, which is given the key anew each time. */
static pthread_key_t mac_context;
static pthread_once_t mac_context_once = PTHREAD_ONCE_INIT;

static void free_mac_context(void *context)
{
    EVP_MAC_CTX_free(context);
}

static void make_mac_key(void)
{
    ASSERT(pthread_key_create(&mac_context, free_mac_context) == 0);
}

static EVP_MAC_CTX *make_mac_context(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context holds it */
    ASSERT(context && EVP_MAC_CTX_set_params(context, params) == 1);
    ASSERT(pthread_setspecific(mac_context, context) == 0);
    return context;
}

void auth_key_mac(const struct auth_key *key, struct str text,
                  uint8_t ret_mac[static AUTH_MAC_SIZE])
{
    (void)pthread_once(&mac_context_once, make_mac_key);
    EVP_MAC_CTX *context = pthread_getspecific(mac_context);
    context = context ? context : make_mac_context();
    size_t n = 0;
    ASSERT(EVP_MAC_init(context, key->bytes, key->n, NULL) == 1);
    ASSERT(EVP_MAC_update(context, (const uint8_t *)text.p, text.n) == 1);
    ASSERT(EVP_MAC_final(context, ret_mac, &n, AUTH_MAC_SIZE) == 1 && n == AUTH_MAC_SIZE);
}

/* ---- Keys ---- */

void auth_key_init(struct auth_key *key, struct str bytes)
{
    ASSERT(bytes.n >= 1 && bytes.n <= AUTH_KEY_MAX);
    memcpy(key->bytes, bytes.p, bytes.n);
    key->n = bytes.n;
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(key, STR("coditect key id"), mac);
    for (unsigned i = 0; i < AUTH_KID_SIZE / 2; i++) {
        (void)snprintf(key->kid + 2 * i, 3, "%02x", mac[i]);
    }
    auth_jws_head(key, key->head);
}

static void derive(const struct auth_key *key, struct str purpose, struct auth_key *ret_key)
{
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(key, purpose, mac);
    auth_key_init(ret_key, str_of(mac, sizeof mac));
}

void auth_keys_init(struct auth_keys *keys, struct str secret)
{
    auth_key_init(&keys->access, secret);
    derive(&keys->access, STR("coditect refresh token"), &keys->refresh);
    derive(&keys->access, STR("coditect IDE ticket"), &keys->ticket);
    derive(&keys->access, STR("coditect IDE pass"), &keys->pass);
    derive(&keys->access, STR("coditect seal"), &keys->seal);
}

static struct str bytes_of(const struct auth_key *key)
{
    return str_of(key->bytes, key->n);
}

/* n 0 and 0: there is none. */
static int get(struct txn *txn, const char *name, struct auth_key *ret_key)
{
    struct str stored;
    int r = store_get(txn, data_key_secret(store_arena(txn), name), &stored);
    if (r == ERR_NOT_FOUND) {
        ret_key->n = 0;
        return 0;
    }
    if (r < 0) {
        return r;
    }
    if (stored.n < AUTH_SECRET_MIN || stored.n > AUTH_KEY_MAX) {
        return ERR_CORRUPT;
    }
    memcpy(ret_key->bytes, stored.p, stored.n);
    ret_key->n = stored.n;
    return 0;
}

static void put(struct txn *txn, const char *name, const struct auth_key *key)
{
    store_put(txn, data_key_secret(store_arena(txn), name), bytes_of(key));
}

struct load {
    const struct auth_key *given; /* NULL: from the store */
    const struct auth_key *fresh;
    struct auth_key current, previous, workspace; /* results, without kid */
};

/* The first server to come makes the keys, all others find them. */
static int load_fn(struct txn *txn, void *ctx)
{
    struct load *load = ctx;
    load->previous.n = 0;
    int r = 0;
    if (load->given) {
        load->current = *load->given;
    } else {
        r = get(txn, "access", &load->current);
        if (r == 0) {
            r = get(txn, "previous", &load->previous);
        }
    }
    if (r == 0 && load->current.n == 0) {
        load->current = *load->fresh;
        put(txn, "access", &load->current);
    }
    if (r == 0) {
        r = get(txn, "workspace", &load->workspace);
    }
    if (r == 0 && load->workspace.n == 0) {
        derive(&load->current, STR("coditect workspace token"), &load->workspace);
        put(txn, "workspace", &load->workspace);
    }
    return r;
}

static struct auth_key fresh_key(void)
{
    uint8_t bytes[AUTH_SECRET_MIN];
    struct auth_key key = {.n = 0};
    rand_bytes(bytes, sizeof bytes);
    auth_key_init(&key, str_of(bytes, sizeof bytes));
    sodium_memzero(bytes, sizeof bytes);
    return key;
}

void auth_ring_destroy(struct auth_ring *ring)
{
    while (ring) {
        struct auth_ring *older = ring->older;
        sodium_memzero(ring, sizeof *ring);
        mem_free(ring);
        ring = older;
    }
}

int auth_ring_load(struct store *store, const struct auth_secrets *given,
                   struct auth_ring **ret_ring)
{
    struct auth_key operators = {.n = 0};
    struct auth_key fresh = fresh_key();
    struct load load = {.fresh = &fresh};
    if (given->current.n > 0) {
        auth_key_init(&operators, given->current);
        load.given = &operators;
    }
    struct store_op op = store_op_new();
    int r = store_write(store, &op, load_fn, &load);
    if (r < 0) {
        return r;
    }
    struct auth_ring *ring = MEM_NEW(struct auth_ring);
    struct str previous = given->current.n > 0 ? given->previous : bytes_of(&load.previous);
    auth_keys_init(&ring->now, bytes_of(&load.current));
    if (previous.n > 0) {
        auth_keys_init(&ring->before, previous);
    }
    auth_key_init(&ring->workspace, bytes_of(&load.workspace));
    *ret_ring = ring;
    sodium_memzero(&load, sizeof load);
    sodium_memzero(&fresh, sizeof fresh);
    sodium_memzero(&operators, sizeof operators);
    return 0;
}

/* In the log of the house: the operator alone turns keys. */
static int note_turn(struct txn *txn, const struct auth_key *fresh)
{
    const struct data_context console = {.scope = data_house,
                                         .client = {.address = STR("console"), .nobody = true}};
    int r = data_house_in(txn);
    return r < 0 ? r
                 : data_audit(txn, &console, "key.rotate", str_from(fresh->kid), DATA_OUTCOME_OK);
}

static int rotate_fn(struct txn *txn, void *ctx)
{
    const struct auth_key *fresh = ctx;
    struct auth_key current;
    struct auth_key workspace;
    int r = get(txn, "access", &current);
    if (r == 0) {
        r = get(txn, "workspace", &workspace);
    }
    if (r < 0) {
        return r;
    }
    if (current.n == 0) {
        return ERR_NOT_FOUND;
    }
    if (workspace.n == 0) { /* of a store that an older server left */
        derive(&current, STR("coditect workspace token"), &workspace);
        put(txn, "workspace", &workspace);
    }
    put(txn, "previous", &current);
    put(txn, "access", fresh);
    return note_turn(txn, fresh);
}

int auth_rotate_keys(struct store *store, char ret_kid[static AUTH_KID_ROOM])
{
    struct auth_key fresh = fresh_key();
    struct store_op op = store_op_new();
    int r = store_write(store, &op, rotate_fn, &fresh);
    if (r == 0) {
        memcpy(ret_kid, fresh.kid, AUTH_KID_ROOM);
    }
    sodium_memzero(&fresh, sizeof fresh);
    return r;
}

/* ---- Another ring in a server that runs ---- */

/* Each begins to read behind the change that it is to find: of two that end in another order, the one begun later stays. */
static uint64_t begin_look(struct auth *a)
{
    return atomic_fetch_add(&a->looks, 1) + 1;
}

/* The older ring stays in memory, for whoever reads it just now: one for each turn that an operator asks for. */
static int take_up(struct auth *a, uint64_t look)
{
    struct auth_ring *ring;
    int r = auth_ring_load(a->store, &(struct auth_secrets){.current = STR_EMPTY}, &ring);
    if (r < 0) {
        return r;
    }
    LOCK_SCOPE(&a->ring_lock);
    if (look < a->ring_look || strcmp(ring->now.access.kid, a->ring->now.access.kid) == 0) {
        auth_ring_destroy(ring);
        return 0;
    }
    ring->older = a->ring;
    a->ring = ring;
    a->ring_look = look;
    return 0;
}

int auth_turn_keys(struct auth *a, char ret_kid[static AUTH_KID_ROOM])
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    if (a->secret_given) {
        return ERR_CONFLICT;
    }
    if (atomic_flag_test_and_set(&a->turning)) {
        return ERR_BUSY;
    }
    int r = auth_rotate_keys(a->store, ret_kid);
    if (r == 0) {
        r = take_up(a, begin_look(a));
    }
    atomic_flag_clear(&a->turning);
    return r;
}

/* ---- What another server of the same store did ---- */

static int stored_fn(struct txn *txn, void *ctx)
{
    return get(txn, "access", ctx);
}

int auth_keys_look(struct auth *a)
{
    if (a->secret_given) {
        return 0;
    }
    const struct auth_key *now = &a->ring->now.access;
    struct auth_key stored = {.n = 0};
    usec_t began = time_monotonic();
    uint64_t look = begin_look(a);
    int r = store_read(a->store, stored_fn, &stored);
    bool same = stored.n == now->n && sodium_memcmp(stored.bytes, now->bytes, now->n) == 0;
    sodium_memzero(&stored, sizeof stored);
    r = r < 0 || same ? r : take_up(a, look);
    if (r < 0) {
        atomic_store(&a->failed_at, began);
        atomic_fetch_add(&a->failed, 1);
    } else {
        atomic_store(&a->looked_at, began);
        atomic_store(&a->failed, 0);
    }
    return r;
}

/* One that failed has seen nothing, so the next token has another; when that failed too, one a second. */
static bool may_look(struct auth *a)
{
    usec_t now = time_monotonic();
    return now - atomic_load(&a->looked_at) >= look_least &&
           (atomic_load(&a->failed) < 2 || now - atomic_load(&a->failed_at) >= look_least);
}

bool auth_keys_newer(struct auth *a, const struct auth_ring *seen)
{
    if (a->ring == seen && may_look(a)) {
        (void)!auth_keys_look(a); /* failed: the keys stay, and the token is of none of them */
    }
    return a->ring != seen;
}
