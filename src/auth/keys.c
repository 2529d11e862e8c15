/*
 * The server's keys. One secret (JWT_SECRET, or 32 random bytes kept under g/key/access) signs access tokens; the key of
 * refresh tokens is derived from it, so that a signature made for one purpose is worth nothing for the other.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "auth/auth_int.h"
#include "base/rand.h"

void auth_key_mac(const struct auth_key *key, struct str text,
                  uint8_t ret_mac[static AUTH_MAC_SIZE])
{
    unsigned n = 0;
    const uint8_t *mac =
        HMAC(EVP_sha256(), key->bytes, (int)key->n, (const uint8_t *)text.p, text.n, ret_mac, &n);
    ASSERT(mac != NULL && n == AUTH_MAC_SIZE);
}

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
}

void auth_key_derive(const struct auth_key *key, struct str purpose, struct auth_key *ret_key)
{
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(key, purpose, mac);
    auth_key_init(ret_key, str_of(mac, sizeof mac));
}

struct load {
    uint8_t fresh[32];
    struct auth_key *key;
};

/* The first server to come makes the key, all others find it. */
static int load_fn(struct txn *txn, void *ctx)
{
    struct load *load = ctx;
    struct str name = data_key_secret(store_arena(txn), "access");
    struct str stored;
    int r = store_get(txn, name, &stored);
    if (r == ERR_NOT_FOUND) {
        stored = str_of(load->fresh, sizeof load->fresh);
        store_put(txn, name, stored);
        r = 0;
    }
    if (r < 0) {
        return r;
    }
    if (stored.n < AUTH_SECRET_MIN || stored.n > AUTH_KEY_MAX) {
        return ERR_CORRUPT;
    }
    memcpy(load->key->bytes, stored.p, stored.n);
    load->key->n = stored.n;
    return 0;
}

int auth_key_load(struct store *store, struct auth_key *ret_key)
{
    struct auth_key key = {.n = 0};
    struct load load = {.key = &key};
    rand_bytes(load.fresh, sizeof load.fresh);
    struct store_op op = store_op_new();
    int r = store_write(store, &op, load_fn, &load);
    if (r < 0) {
        return r;
    }
    auth_key_init(ret_key, str_of(key.bytes, key.n));
    return 0;
}
