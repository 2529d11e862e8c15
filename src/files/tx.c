/*
 * One transaction on a session: who may, the counters, the keys.
 *
 * Names in past keys are escaped so that the order of keys is the byte order of names although a seq follows: '/' would
 * otherwise sort behind a space or a dot that continues a longer name. Bytes up to '0' become '0' and two hexadecimal digits.
 */
#include "files/quota_int.h"

/* Whose a tree is: a session's, or the home of the person. Everything else is the same ERR_NOT_FOUND. */
static int may(struct files_tx *tx)
{
    if (data_id_is(tx->session, "usr")) {
        return str_eq(tx->session, tx->scope->user_id) ? 0 : ERR_NOT_FOUND;
    }
    struct data_session found;
    int r = sessions_find(tx->txn, tx->scope, tx->session, &found);
    tx->forking = r == 0 && found.status == DATA_SESSION_STATUS_FORKING;
    return r;
}

int files_tx_begin(struct files_tx *tx, struct txn *txn, const struct scope *scope,
                   struct str session)
{
    tx->txn = txn;
    tx->arena = store_arena(txn);
    tx->scope = scope;
    tx->session = session;
    tx->made = 0;
    tx->written = 0;
    tx->forking = false;
    int r = may(tx);
    if (r < 0) {
        return r;
    }
    r = data_usage_get(txn, scope, session, &tx->usage);
    tx->seq = tx->usage.seq;
    tx->bytes_before = tx->usage.bytes;
    return r;
}

void files_tx_next(struct files_tx *tx)
{
    ASSERT(tx->scope->link_session.n == 0);
    tx->seq = ++tx->usage.seq;
    tx->made = 0;
}

uint64_t files_tx_id(struct files_tx *tx)
{
    ASSERT(tx->made < 1u << FILES_ID_BITS);
    ASSERT(tx->seq > 0 && tx->seq < UINT64_MAX >> FILES_ID_BITS);
    return tx->seq << FILES_ID_BITS | tx->made++;
}

int files_tx_end(struct files_tx *tx, uint64_t first)
{
    if (tx->usage.seq == first) {
        return 0; /* nothing changed */
    }
    if (tx->written > FILES_MAX_TXN) {
        return ERR_TOO_LARGE;
    }
    int r = files_quota_settle(tx);
    if (r < 0) {
        return r;
    }
    data_usage_put(tx->txn, tx->scope, tx->session, &tx->usage);
    if (!tx->forking) { /* what a copy brings happened to another session */
        files_tx_tell(tx, "files", first, tx->usage.seq);
    }
    return 0;
}

void files_tx_tell(struct files_tx *tx, const char *kind, uint64_t after, uint64_t seq)
{
    store_append(tx->txn, data_feed_session(tx->arena, tx->session),
                 arena_printf(tx->arena, "{\"kind\":\"%s\",\"after\":%llu,\"seq\":%llu}", kind,
                              (unsigned long long)after, (unsigned long long)seq));
}

void files_tx_put(struct files_tx *tx, struct str key, struct str value)
{
    ASSERT(tx->scope->link_session.n == 0);
    tx->written += key.n + value.n;
    store_put(tx->txn, key, value);
}

int files_any(struct files_tx *tx, struct str prefix, bool *ret_some)
{
    struct store_range range = {prefix, store_after(tx->arena, prefix), .limit = 1};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    if (r == 0) {
        *ret_some = count > 0;
    }
    return r;
}

struct str files_key_entry(struct files_tx *tx, uint64_t folder, struct str name)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_ENTRY, tx->session,
                    data_key_number(tx->arena, folder), name);
}

struct str files_key_entries(struct files_tx *tx, uint64_t folder)
{
    return DATA_PREFIX(tx->arena, tx->scope, DATA_SPACE_ENTRY, tx->session,
                       data_key_number(tx->arena, folder));
}

struct str files_key_pasts(struct files_tx *tx, uint64_t folder)
{
    return DATA_PREFIX(tx->arena, tx->scope, DATA_SPACE_PAST, tx->session,
                       data_key_number(tx->arena, folder));
}

struct str files_key_past_name(struct files_tx *tx, uint64_t folder, struct str name)
{
    struct str prefix = files_key_pasts(tx, folder);
    char *key = arena_alloc(tx->arena, prefix.n + 3 * name.n + 1);
    size_t n = prefix.n;
    memcpy(key, prefix.p, n);
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = (uint8_t)name.p[i];
        if (c > '0') {
            key[n++] = (char)c;
            continue;
        }
        key[n++] = '0';
        key[n++] = "0123456789abcdef"[c >> 4];
        key[n++] = "0123456789abcdef"[c & 15];
    }
    key[n++] = '/';
    return str_of(key, n);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int files_unescape(struct arena *arena, struct str escaped, struct str *ret_name)
{
    char *name = arena_alloc(arena, escaped.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < escaped.n; i++) {
        if (escaped.p[i] != '0') {
            name[n++] = escaped.p[i];
            continue;
        }
        int high = i + 2 < escaped.n ? hex_value(escaped.p[i + 1]) : -1;
        int low = i + 2 < escaped.n ? hex_value(escaped.p[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return ERR_CORRUPT;
        }
        name[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret_name = str_of(name, n);
    return 0;
}

static struct str key_numbered(struct files_tx *tx, struct str prefix, uint64_t number)
{
    return arena_printf(tx->arena, STR_FMT "%016llx", STR_ARG(prefix), (unsigned long long)number);
}

struct str files_key_past(struct files_tx *tx, uint64_t folder, struct str name, uint64_t seq)
{
    struct str prefix = files_key_past_name(tx, folder, name);
    struct str number = data_key_number(tx->arena, seq);
    char *key = arena_alloc(tx->arena, prefix.n + number.n);
    memcpy(key, prefix.p, prefix.n);
    memcpy(key + prefix.n, number.p, number.n);
    return str_of(key, prefix.n + number.n);
}

struct str files_key_version(struct files_tx *tx, uint64_t id, uint64_t seq)
{
    return key_numbered(tx,
                        DATA_PREFIX(tx->arena, tx->scope, DATA_SPACE_VERSION, tx->session,
                                    data_key_number(tx->arena, id)),
                        seq);
}

struct str files_key_change(struct files_tx *tx, uint64_t seq)
{
    return key_numbered(tx, DATA_PREFIX(tx->arena, tx->scope, DATA_SPACE_CHANGE, tx->session), seq);
}
