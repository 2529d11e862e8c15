/*
 * Reading a backup to its end: to prove it, or to restore it.
 *
 * 1. Nothing is called whole before all keys were seen in order and as many as the end says.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/map.h"

/* ---- A moment of a directory ---- */

struct reading {
    struct backup_directory *d;
    const struct backup_table *table;
    const struct backup_sink *sink;
    struct map *uses; /* pack → its use */
    struct buf last;  /* key */
    uint64_t keys, contents;
    struct backup_harms gone; /* packs, or their ends */
    bool lost;                /* something was passed over */
    bool gap;                 /* between last and the next key */
    struct str from;          /* the sink's */
};

static int give(const struct backup_sink *sink, struct str key, struct str value)
{
    return sink && sink->take ? sink->take(sink->ctx, key, value) : 0;
}

static bool may_pass(const struct reading *g, int r)
{
    return r && g->sink && g->sink->lost && backup_directory_is_damage(g->d, r);
}

static int lose(struct reading *g, const struct backup_harm *harm, struct str key)
{
    g->lost = true;
    return g->sink->lost(g->sink->ctx, harm, key);
}

static struct backup_harm harm_of(const struct backup_place *place)
{
    return (struct backup_harm){place->pack, place->offset, place->offset + place->size};
}

static int read_stored(struct reading *g, const struct backup_entry *entry)
{
    struct backup_frame frame = {.type = BACKUP_VALUE};
    struct str key, value;
    int r = backup_directory_frame(g->d, &entry->place, &frame);
    if (r == 0 && (backup_value_take(frame.plain, &key, &value) < 0 || !str_eq(key, entry->key))) {
        r = log_err(ERR_CORRUPT, "backup", "%s holds another value than its moment says",
                    g->d->reader.name);
    }
    return r ? r : give(g->sink, key, value);
}

static int read_content(struct reading *g, const struct backup_entry *entry)
{
    int r = backup_is_harmed(&g->gone, &entry->place) ? ERR_CORRUPT : read_stored(g, entry);
    const struct backup_harm harm = harm_of(&entry->place);
    return may_pass(g, r) ? lose(g, &harm, entry->key) : r;
}

/* next: empty at the end. */
static void say_gap(struct reading *g, struct str next)
{
    if (g->gap && g->sink->take) {
        struct str after = g->keys > 0 ? buf_str(&g->last) : STR("the beginning");
        next = next.n > 0 ? next : STR("the end");
        log_error("backup", "the backup %s has lost all keys between " STR_FMT " and " STR_FMT,
                  g->table->name, STR_ARG(after), STR_ARG(next));
    }
    g->gap = false;
}

static int read_entry(struct reading *g, const struct backup_entry *entry)
{
    const struct backup_place *place = &entry->place;
    if (g->keys > 0 && str_cmp(buf_str(&g->last), entry->key) >= 0) {
        return ERR_CORRUPT;
    }
    say_gap(g, entry->key);
    buf_clear(&g->last);
    buf_add(&g->last, entry->key);
    g->keys++;
    g->contents += entry->stored;
    if (!entry->stored) {
        int r = g->sink && g->sink->is_read ? g->sink->is_read(g->sink->ctx, entry) : 0;
        return r ? r : give(g->sink, entry->key, entry->value);
    }
    const struct backup_use *use = map_get(g->uses, str_of(&place->pack, sizeof place->pack));
    if (!use || place->size > use->size || place->offset > use->size - place->size) {
        return ERR_CORRUPT;
    }
    if (!g->sink || !g->sink->take) {
        return 0;
    }
    int r = g->sink->is_read ? g->sink->is_read(g->sink->ctx, entry) : 0;
    return r == 0 ? read_content(g, entry) : r < 0 ? r : 0;
}

static int begin_at(struct reading *g, struct backup_lister *lister)
{
    int r = g->from.n > 0 ? backup_lister_begin(lister, g->from) : 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int read_entries(struct reading *g)
{
    struct backup_lister lister;
    backup_lister_init(&lister, g->d, g->table);
    int r = begin_at(g, &lister);
    bool ended = false;
    while (r == 0) {
        const struct backup_entry *entry;
        r = backup_lister_next(&lister, &entry);
        ended = r == ERR_NOT_FOUND;
        if (may_pass(g, r)) {
            const struct backup_harm harm = harm_of(backup_lister_skip(&lister));
            g->gap = true;
            r = lose(g, &harm, STR_EMPTY);
        } else if (r == 0 && str_cmp(entry->key, g->from) >= 0) {
            r = read_entry(g, entry);
        }
    }
    say_gap(g, STR_EMPTY);
    backup_lister_fini(&lister);
    return ended ? 0 : r;
}

static int look_at_packs(struct reading *g)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->table->uses.n; i++) {
        const struct backup_use *use = &g->table->uses.at[i];
        struct backup_harm harm = {.pack = use->pack, .to = UINT64_MAX};
        r = g->d->source ? backup_page(g->d->source, g->d->looked) : 0;
        r = r ? r : backup_directory_check_use(g->d, use, &harm.from);
        if (may_pass(g, r)) {
            VEC_ADD(&g->gone, harm);
            r = lose(g, &harm, STR_EMPTY);
        }
    }
    return r;
}

int backup_read_table(struct backup_directory *d, const struct backup_table *table,
                      const struct backup_sink *sink)
{
    struct reading g = {.d = d,
                        .table = table,
                        .sink = sink,
                        .uses = map_create(),
                        .from = sink ? sink->from : STR_EMPTY};
    buf_init(&g.last, STORE_MAX_KEY);
    for (size_t i = 0; i < table->uses.n; i++) {
        struct backup_use *use = &table->uses.at[i];
        (void)map_put(g.uses, str_of(&use->pack, sizeof use->pack), use);
    }
    int r = look_at_packs(&g);
    r = r ? r : read_entries(&g);
    bool part = g.lost || g.from.n > 0 || (sink && sink->part);
    if (r == 0 && !part && (g.keys != table->keys || g.contents != table->contents)) {
        r = ERR_CORRUPT;
    }
    map_destroy(g.uses);
    buf_fini(&g.last);
    VEC_FREE(&g.gone);
    return r == ERR_CORRUPT ? log_err(r, "backup", "the backup %s is damaged", table->name) : r;
}

static const usec_t clock_skew = 86400 * USEC_PER_SEC;

/* The newest that is not later than what front begins. */
static const struct backup_moment *choose(const struct backup_moments *moments, const char *front)
{
    struct str f = str_from(front);
    for (size_t i = moments->n; i > 0; i--) {
        struct str name = str_slice(str_from(moments->at[i - 1].name), 0, f.n);
        if (!front || str_cmp(name, f) <= 0) {
            return &moments->at[i - 1];
        }
    }
    return NULL;
}

/* Its name would say that it is the newest, and nobody would miss what is in those of today. */
static int check_ahead(const struct backup_from *from, const struct backup_moment *moment)
{
    return from->moment || moment->at <= time_now() + clock_skew
               ? 0
               : log_err(ERR_INVALID, "backup",
                         "the backup %s in %s lies ahead of this machine's clock: one clock is or "
                         "was wrong, so say which moment is meant",
                         moment->name, from->path);
}

static void tell(const struct backup_table *table, struct backup_report *report)
{
    *report =
        (struct backup_report){.at = table->at, .keys = table->keys, .contents = table->contents};
    memcpy(report->name, table->name, sizeof report->name);
}

static int read_directory(const struct backup_from *from, const struct backup_sink *sink,
                          struct backup_report *report)
{
    struct backup_directory *d;
    struct backup_moments moments = {0};
    struct backup_table table = {0};
    const struct backup_where where = {.path = from->path, .access = from->access};
    int r = backup_directory_open(&where, /* store= */ NULL, BACKUP_TO_READ, &d);
    if (r) {
        return r;
    }
    r = backup_directory_list(d, &moments);
    const struct backup_moment *moment = r ? NULL : choose(&moments, from->moment);
    if (r == 0 && !moment) {
        r = log_err(ERR_NOT_FOUND, "backup", "there is no backup %s%s in %s",
                    from->moment ? "as old as " : "", from->moment ? from->moment : "at all",
                    from->path);
    }
    r = r ? r : check_ahead(from, moment);
    r = r ? r : backup_directory_table(d, moment->name, &table);
    r = r ? r : backup_read_table(d, &table, sink);
    if (r == 0) {
        tell(&table, report);
    }
    backup_table_fini(&table);
    VEC_FREE(&moments);
    backup_directory_close(d);
    return r;
}

/* ---- A stream ---- */

struct streaming {
    struct backup_reader reader;
    const struct backup_sink *sink;
    struct backup_table seen, said;        /* seen: hashes of blocks only */
    uint64_t id;                           /* as its first line says */
    struct content_hasher *values, *named; /* keys of content in frames, and in blocks */
};

static int stream_value(struct streaming *g, struct str plain)
{
    struct str key, value;
    if (backup_value_take(plain, &key, &value) < 0) {
        return ERR_CORRUPT;
    }
    content_hasher_add(g->values, key);
    return give(g->sink, key, value);
}

static int stream_block(struct streaming *g, const struct backup_frame *frame)
{
    VEC_ADD(&g->seen.blocks, (struct backup_ref){.hash = frame->hash});
    struct str rest = frame->plain;
    struct backup_entry entry;
    int r;
    while ((r = backup_entry_take(&rest, &entry)) == 0) {
        g->seen.keys++;
        g->seen.contents += entry.stored;
        if (entry.stored) {
            content_hasher_add(g->named, entry.key);
            continue;
        }
        r = give(g->sink, entry.key, entry.value);
        if (r) {
            return r;
        }
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static bool is_whole(struct streaming *g)
{
    struct content_hash values, named;
    content_hasher_end(g->values, &values);
    content_hasher_end(g->named, &named);
    bool same = content_hash_eq(&values, &named) && g->seen.keys == g->said.keys &&
                g->seen.contents == g->said.contents && g->seen.blocks.n == g->said.blocks.n &&
                g->said.uses.n == 1 && g->said.uses.at[0].pack == g->id;
    for (size_t i = 0; same && i < g->seen.blocks.n; i++) {
        same = content_hash_eq(&g->seen.blocks.at[i].hash, &g->said.blocks.at[i].hash);
    }
    char more;
    return same && g->reader.from.read(g->reader.from.ctx, g->reader.offset, &more, 1) == 0;
}

static int stream_frames(struct streaming *g)
{
    struct backup_table_reading table = {.table = &g->said, .hasher = content_hasher_create()};
    int r = 0;
    for (bool end = false; r == 0 && !end;) {
        struct backup_frame frame;
        r = backup_reader_next(&g->reader, &frame);
        if (r) {
            break;
        }
        r = frame.type == BACKUP_VALUE   ? stream_value(g, frame.plain)
            : frame.type == BACKUP_BLOCK ? stream_block(g, &frame)
                                         : backup_table_take(&table, &frame, &end);
        r = r == ERR_CORRUPT || (end && !is_whole(g))
                ? log_err(ERR_CORRUPT, "backup", "%s is damaged", g->reader.name)
                : r;
    }
    content_hasher_destroy(table.hasher);
    return r;
}

static int read_stream(const struct backup_from *from, const struct backup_sink *sink,
                       struct backup_report *report)
{
    FD_AUTO int opened = from->path ? open(from->path, O_RDONLY | O_CLOEXEC) : -1;
    if (from->path && opened < 0) {
        return log_err(err_from_errno(errno), "backup", "%s cannot be opened: %m", from->path);
    }
    struct streaming g = {
        .sink = sink, .values = content_hasher_create(), .named = content_hasher_create()};
    int fd = from->path ? opened : from->fd;
    backup_reader_init(&g.reader, &(struct backup_input){backup_read_fd, &fd},
                       from->path ? from->path : "what was given");
    enum backup_kind kind;
    int r = backup_reader_header(&g.reader, &kind, &g.id);
    if (r == 0 && kind != BACKUP_STREAM) {
        r = log_err(ERR_INVALID, "backup",
                    "%s is one file of a backup directory: name the directory", g.reader.name);
    }
    r = r ? r : stream_frames(&g);
    if (r == 0) {
        backup_moment_name(g.said.name, g.said.at, g.id);
        tell(&g.said, report);
    }
    backup_reader_fini(&g.reader);
    backup_table_fini(&g.seen);
    backup_table_fini(&g.said);
    content_hasher_destroy(g.values);
    content_hasher_destroy(g.named);
    return r;
}

int backup_read(const struct backup_from *from, const struct backup_sink *sink,
                struct backup_report *report)
{
    struct stat info;
    bool many = from->path && (backup_is_bucket(from->path) ||
                               (stat(from->path, &info) == 0 && S_ISDIR(info.st_mode)));
    if (!many && sink->lost) {
        return log_err(
            ERR_INVALID, "backup",
            "%s is one piece, which is whole or nothing: only of a directory or a bucket "
            "can what is whole be had past damage",
            from->path ? from->path : "what was given");
    }
    return many ? read_directory(from, sink, report) : read_stream(from, sink, report);
}

struct verifying {
    const struct backup_from *from;
    struct content_codec *codec;
    uint64_t damaged;
};

static int verify_pair(void *ctx, struct str key, struct str value)
{
    struct verifying *g = ctx;
    struct content_hash hash;
    struct str plain;
    g->damaged += g->from->content && g->from->content(key, &hash) &&
                  content_decode_checked(g->codec, value, &hash, &plain) < 0;
    return 0;
}

int backup_verify(const struct backup_from *from, struct backup_report *ret_report)
{
    struct verifying g = {from, content_codec_create(), 0};
    const struct backup_sink sink = {.take = verify_pair, .ctx = &g};
    int r = backup_read(from, &sink, ret_report);
    if (r == 0) {
        ret_report->damaged = g.damaged;
    }
    content_codec_destroy(g.codec);
    return r;
}
