/* Seals: proof that a text which a client brings back is one that this installation gave out. They hide nothing. */
#include "auth/auth_int.h"

_Static_assert((int)AUTH_SEAL_SIZE <= (int)AUTH_MAC_SIZE, "a seal is the beginning of a MAC");

void auth_seal(const struct auth *a, struct str text, uint8_t ret_seal[static AUTH_SEAL_SIZE])
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    uint8_t mac[AUTH_MAC_SIZE];
    auth_key_mac(&a->ring->now.seal, text, mac);
    memcpy(ret_seal, mac, AUTH_SEAL_SIZE);
}

bool auth_seal_is(const struct auth *a, struct str text, struct str seal)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    const struct auth_keys *const keys[] = {&a->ring->now, &a->ring->before};
    for (size_t i = 0; i < 2; i++) {
        uint8_t mac[AUTH_MAC_SIZE];
        if (keys[i]->access.n == 0) {
            continue;
        }
        auth_key_mac(&keys[i]->seal, text, mac);
        if (str_eq_constant(seal, str_of(mac, AUTH_SEAL_SIZE))) {
            return true;
        }
    }
    return false;
}
