/*
 * Ids. Sorting their text sorts them by the millisecond in which they were made; 80 random bits keep two of the same
 * millisecond apart on any number of servers. Lower case and hyphen only, so that an id can be a DNS label (a session's
 * origin) and a part of a key: it never contains '/'.
 */
#include "base/encode.h"
#include "base/rand.h"
#include "data/data_int.h"

struct str data_id_new(char ret_id[static DATA_ID_ROOM], const char *prefix)
{
    ASSERT(strlen(prefix) == 3);
    uint64_t ms = (uint64_t)(time_now() / USEC_PER_MS) & (((uint64_t)1 << 48) - 1);
    uint64_t random[2];
    rand_bytes(random, sizeof random);
    BUF_AUTO(text, DATA_ID_ROOM);
    buf_printf(&text, "%s-", prefix);
    encode_base32(&text, ms, 50);
    encode_base32(&text, random[0] >> 24, 40);
    encode_base32(&text, random[1] >> 24, 40);
    ASSERT(text.error == 0 && text.n == DATA_ID_SIZE);
    memcpy(ret_id, text.p, text.n);
    ret_id[DATA_ID_SIZE] = '\0';
    return str_of(ret_id, DATA_ID_SIZE);
}

struct str data_id_make(struct arena *arena, const char *prefix)
{
    char id[DATA_ID_ROOM];
    return arena_str(arena, data_id_new(id, prefix));
}

/* Crockford's alphabet: no i, l, o, u. */
static const bool id_chars[256] = {['0' ... '9'] = true, ['a' ... 'h'] = true,
                                   ['j' ... 'k'] = true, ['m' ... 'n'] = true,
                                   ['p' ... 't'] = true, ['v' ... 'z'] = true};

bool data_id_is(struct str text, const char *prefix)
{
    if (text.n != DATA_ID_SIZE || memcmp(text.p, prefix, 3) != 0 || text.p[3] != '-') {
        return false;
    }
    bool good = true;
    for (size_t i = 4; i < DATA_ID_SIZE; i++) {
        good &= id_chars[(unsigned char)text.p[i]];
    }
    return good;
}
