/*
 * Which files have a piece of content: from a chunk up by the pages that name it to the versions that name those, and from a version
 * to the change that made it, whose path says where the file was then. Asked of what is damaged alone, for the operator, who then
 * knows what to take back from a backup or to have written again.
 *
 * The text goes to terminals: what is no text there stands as %XX, as in an address.
 */
#include "files/files_int.h"

enum {
    NAMED_MOST = 3,   /* files in one line */
    REFS_MOST = 200,  /* looked at of one piece: zeros are in every file */
    SCANS_MOST = 200, /* in all */
    LEVELS_MOST = 3,  /* of pages: content/page.c */
    PATH_MOST = 400,  /* bytes of a path that are shown */
    NUMBER = 16,      /* digits of one in a key */
};

struct named {
    struct str session;
    uint64_t id;
    uint64_t seq; /* the newest that was found */
};

struct names {
    const struct files_damage *damage;
    struct buf *text; /* result */
    struct files_tx tx;
    struct named found[NAMED_MOST];
    size_t n;
    size_t scans;
    bool more;
};

static void note(struct names *s, const struct named *one)
{
    for (size_t i = 0; i < s->n; i++) {
        struct named *known = &s->found[i];
        if (known->id == one->id && str_eq(known->session, one->session)) {
            known->seq = one->seq > known->seq ? one->seq : known->seq;
            return;
        }
    }
    s->more = s->n == NAMED_MOST;
    if (!s->more) {
        s->found[s->n++] = *one;
    }
}

/* {id}SEPARATOR{seq} behind a session's name. */
static void note_version(struct names *s, struct str session, struct str numbers)
{
    struct named one = {.session = session};
    if (numbers.n == 2 * NUMBER + 1 &&
        data_key_number_read(str_slice(numbers, 0, NUMBER), &one.id) == 0 &&
        data_key_number_read(str_slice(numbers, NUMBER + 1, numbers.n), &one.seq) == 0) {
        note(s, &one);
    }
}

static int climb(struct names *s, struct str hash, unsigned levels)
{
    struct arena *arena = s->tx.arena;
    struct str prefix = DATA_PREFIX(arena, s->tx.scope, DATA_SPACE_CHUNKREF, hash);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = REFS_MOST};
    struct store_pair *pairs;
    size_t count;
    if (s->scans++ == SCANS_MOST) {
        s->more = true;
        return 0;
    }
    int r = store_scan(s->tx.txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && !s->more && i < count; i++) {
        struct str rest = str_slice(pairs[i].key, prefix.n, pairs[i].key.n);
        struct str by = STR_EMPTY;
        (void)str_split(&rest, '/', &by);
        if (!str_eq(by, STR("page"))) {
            note_version(s, by, rest);
        } else if (levels > 0) {
            r = climb(s, rest, levels - 1);
        }
    }
    s->more = s->more || (r == 0 && count == REFS_MOST);
    return r;
}

static void quote(struct buf *text, struct str name)
{
    bool plain = str_is_utf8(name);
    buf_byte(text, '"');
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        unsigned char next = i + 1 < name.n ? (unsigned char)name.p[i + 1] : 0;
        bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0);
        bool second = i > 0 && (unsigned char)name.p[i - 1] == 0xc2 && c < 0xa0;
        if (control || second || c == '"' || c == '%' || (c >= 0x80 && !plain)) {
            buf_printf(text, "%%%02X", c);
        } else {
            buf_byte(text, (char)c);
        }
    }
    buf_byte(text, '"');
}

static int say(struct names *s, const struct named *one)
{
    struct str key = DATA_KEY(s->tx.arena, s->tx.scope, DATA_SPACE_CHANGE, one->session,
                              data_key_number(s->tx.arena, one->seq));
    struct files_change_record change;
    struct str value;
    int r = store_get(s->tx.txn, key, &value);
    r = r < 0 ? r : files_change_decode(value, &change);
    if (r < 0 && r != ERR_NOT_FOUND && r != ERR_CORRUPT) {
        return r;
    }
    buf_add(s->text, s->text->n > 0 ? STR(", ") : STR(" in "));
    if (r == 0 && change.id == one->id) {
        bool cut = change.path.n > PATH_MOST;
        quote(s->text, cut ? str_slice(change.path, 0, PATH_MOST) : change.path);
        buf_add(s->text, cut ? STR("…") : STR_EMPTY);
    } else { /* many files came back with one change */
        buf_printf(s->text, "file %llx", (unsigned long long)one->id);
    }
    buf_printf(s->text, " of " STR_FMT " (version %llu)", STR_ARG(one->session),
               (unsigned long long)one->seq);
    return 0;
}

static int names_read(struct txn *txn, void *arg)
{
    struct names *s = arg;
    const struct files_damage *damage = s->damage;
    s->tx = (struct files_tx){.txn = txn, .arena = store_arena(txn), .scope = damage->scope};
    s->n = s->scans = 0;
    s->more = false;
    buf_clear(s->text);
    int r = 0;
    if (damage->space == DATA_SPACE_CHUNK) {
        r = climb(s, damage->name, LEVELS_MOST);
    } else {
        struct str numbers = damage->name;
        struct str session = STR_EMPTY;
        (void)str_split(&numbers, '/', &session);
        note_version(s, session, numbers);
    }
    for (size_t i = 0; r == 0 && i < s->n; i++) {
        r = say(s, &s->found[i]);
    }
    if (r == 0) {
        buf_add(s->text, s->more ? STR(" and more") : s->n == 0 ? STR(" in no file") : STR_EMPTY);
    }
    return r;
}

int files_damage_names(struct store *store, const struct files_damage *damage, struct buf *text)
{
    struct names names = {.damage = damage, .text = text};
    return store_read(store, names_read, &names);
}
