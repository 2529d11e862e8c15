/*
 * Writing a backup.
 *
 * Two walks: the first copies new content, which is most of all bytes, and lets go of its snapshot ten times a second; the second
 * stands on one moment and has only small values to read and what came meanwhile. So the engine's log grows by what is written
 * during the second walk alone, and nobody waits.
 */
#include "backup/backup_int.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"

/* A pack of which less than this part is needed is given up: what is needed of it is written anew. */
enum { WASTE_PART = 2 };

struct writing {
    const struct backup_source *source;
    struct backup_directory *d;
    struct backup_writer *w;
    uint64_t pack;
    struct backup_file *file; /* the pack */
    struct backup_table before, first, table;
    struct map *spent, *known;
    struct backup_harms harms; /* those that are known, and what is found */
    struct backup_rescue rescue;
    struct arena arena;
    struct backup_report report;
};

static struct str id_str(const uint64_t *id)
{
    return str_of(id, sizeof *id);
}

static int no_space(int r, const char *where)
{
    return r == ERR_NO_SPACE
               ? log_err(r, "backup", "there is no space left for the backup in %s", where)
               : r;
}

static int note_harm(void *ctx, const struct backup_harm *harm, struct str key)
{
    struct writing *g = ctx;
    (void)key;
    backup_harms_add(&g->harms, harm);
    return 0;
}

static int take_nothing(void *ctx, struct str key, struct str value)
{
    (void)ctx;
    (void)key;
    (void)value;
    return 0;
}

/* Where something is damaged more may be: then content is read too. */
static int read_before(struct writing *g)
{
    size_t known = g->harms.n;
    struct backup_sink sink = {.ctx = g, .lost = note_harm};
    int r = backup_read_table(g->d, &g->before, &sink);
    sink.take = take_nothing;
    return r == 0 && g->harms.n > known ? backup_read_table(g->d, &g->before, &sink) : r;
}

/* What a damaged block said is looked for in the store, as what is new. */
static void drop_harmed(struct writing *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->before.blocks.n; i++) {
        const struct backup_ref *ref = &g->before.blocks.at[i];
        if (!backup_is_harmed(&g->harms, &ref->place)) {
            g->before.blocks.at[n++] = *ref;
        }
    }
    g->report.healed += g->before.blocks.n - n;
    g->before.blocks.n = n;
}

/* The newest moment, as far as it can be read; without one everything is written. */
static int find_before(struct writing *g)
{
    struct backup_moments moments = {0};
    int r = backup_directory_list(g->d, &moments);
    for (size_t i = moments.n; r == 0 && i > 0; i--) {
        r = backup_directory_table(g->d, moments.at[i - 1].name, &g->before);
        r = r ? r : read_before(g);
        int asked = backup_page(g->source, 0);
        if (r == 0 || asked || r == ERR_TIMEOUT || r == ERR_CLOSED) {
            r = asked ? asked : r; /* a bucket that does not answer: nobody knows what it has */
            break;
        }
        log_warn("backup", "the backup %s is not built upon", moments.at[i - 1].name);
        backup_table_fini(&g->before);
        r = 0;
    }
    VEC_FREE(&moments);
    drop_harmed(g);
    for (size_t i = 0; i < g->before.uses.n; i++) {
        struct backup_use *use = &g->before.uses.at[i];
        uint64_t size;
        bool gone = backup_directory_pack_size(g->d, use->pack, &size) != 0;
        if (gone || use->used < size / WASTE_PART) {
            (void)map_put(g->spent, id_str(&use->pack), use);
        }
    }
    for (size_t i = 0; i < g->before.blocks.n; i++) {
        struct backup_ref *ref = &g->before.blocks.at[i];
        if (!map_get(g->spent, id_str(&ref->place.pack))) {
            (void)map_put(g->known, content_hash_str(&ref->hash), ref);
        }
    }
    return r;
}

static int begin_pack(struct writing *g)
{
    char name[BACKUP_FILE_ROOM];
    g->pack = rand_u64() | 1; /* 0 is none */
    backup_pack_file(name, g->pack);
    int r = g->d->shelf->driver->create(g->d->shelf, name, &g->file);
    if (r) {
        return r;
    }
    g->d->own = g->pack;
    g->d->own_file = g->file;
    const struct backup_output to = backup_file_output(g->file);
    g->w = backup_writer_create(&to);
    return backup_writer_header(g->w, BACKUP_PACK, g->pack);
}

static int walk_store(struct writing *g)
{
    struct backup_pass pass = {.source = g->source,
                               .writer = g->w,
                               .pack = g->pack,
                               .content_only = true,
                               .d = g->d,
                               .before = &g->before,
                               .spent = g->spent,
                               .harms = &g->harms,
                               .known = g->known,
                               .arena = &g->arena,
                               .rescue = &g->rescue,
                               .table = &g->first};
    int r = backup_pass_run(&pass);
    r = r ? r : backup_rescue_run(&g->rescue, &(struct backup_rescue_to){g->d, g->w, g->pack});
    r = r ? r : backup_writer_flush(g->w);
    if (r == 0) {
        pass.content_only = false;
        pass.before = &g->first;
        pass.table = &g->table;
        pass.damaged = 0;
        r = backup_pass_run(&pass);
    }
    g->report.damaged = pass.damaged;
    g->report.rescued = pass.rescued;
    g->report.healed += pass.healed;
    return r ? r : backup_writer_flush(g->w);
}

/* Everything that this backup wrote. */
static int read_pack_back(struct writing *g)
{
    uint64_t size = backup_writer_bytes(g->w);
    struct backup_reader reader;
    const struct backup_input from = backup_file_input(g->file);
    backup_reader_init(&reader, &from, "the new pack");
    enum backup_kind kind;
    uint64_t id;
    int r = backup_reader_header(&reader, &kind, &id);
    while (r == 0 && reader.offset < size) {
        struct backup_frame frame;
        r = backup_reader_next(&reader, &frame);
        r = r ? r : backup_page(g->source, g->d->looked);
    }
    backup_reader_fini(&reader);
    return r;
}

static int end_pack(struct writing *g)
{
    const struct backup_shelf_driver *driver = g->d->shelf->driver;
    int r = driver->sync(g->file);
    r = r ? r : read_pack_back(g);
    r = r ? r : driver->give_name(g->file);
    for (size_t i = 0; r == 0 && i < g->table.uses.n; i++) {
        struct backup_use *use = &g->table.uses.at[i];
        r = backup_directory_pack_size(g->d, use->pack, &use->size);
    }
    return r ? r : backup_read_table(g->d, &g->table, /* sink= */ NULL);
}

static int write_moment(struct writing *g, struct backup_file *file)
{
    const struct backup_output to = backup_file_output(file);
    struct backup_writer *w = backup_writer_create(&to);
    int r = backup_writer_header(w, BACKUP_MOMENT, g->pack);
    r = r ? r : backup_table_write(&g->table, w);
    r = r ? r : backup_writer_flush(w);
    g->report.written = backup_writer_bytes(g->w) + backup_writer_bytes(w);
    backup_writer_destroy(w);
    r = r ? r : file->shelf->driver->sync(file);
    return r ? r : file->shelf->driver->give_name(file);
}

/* As whoever comes later finds it: its table, and packs as large as they were. */
static int find_moment(struct writing *g)
{
    struct backup_table again = {0};
    int r = backup_directory_table(g->d, g->table.name, &again);
    r = r ? r : backup_directory_check_uses(g->d, &again);
    backup_table_fini(&again);
    return r;
}

static int end_moment(struct writing *g)
{
    struct backup_shelf *shelf = g->d->shelf;
    struct backup_file *file = NULL;
    char name[BACKUP_FILE_ROOM];
    backup_moment_file(name, g->table.name);
    int r = shelf->driver->settle(shelf);
    r = r ? r : backup_directory_check_uses(g->d, &g->table); /* before anybody can find it */
    r = r ? r : shelf->driver->create(shelf, name, &file);
    if (r) {
        return r;
    }
    r = write_moment(g, file);
    backup_file_close(&file);
    r = r ? r : shelf->driver->settle(shelf);
    r = r ? r : find_moment(g);
    if (r) {
        (void)!shelf->driver->remove(shelf, name);
    }
    return r;
}

static int expect_some(struct writing *g)
{
    struct backup_moments moments = {0};
    int r = backup_directory_list(g->d, &moments);
    if (r == 0 && moments.n == 0) {
        r = log_err(ERR_NOT_FOUND, "backup", "no backup is in %s any more", g->d->path);
    }
    VEC_FREE(&moments);
    return r;
}

static int write_all(struct writing *g, const struct backup_how *how)
{
    uint64_t none;
    int r = how->expected ? expect_some(g) : 0;
    r = r ? r : backup_retain(g->d, 0, &none);
    r = r ? r : find_before(g);
    r = r ? r : begin_pack(g);
    r = r ? r : walk_store(g);
    r = r ? r : end_pack(g);
    if (r == 0) {
        backup_moment_name(g->table.name, g->table.at, g->pack);
        r = end_moment(g);
    }
    if (r) {
        return no_space(r, g->d->path);
    }
    r = backup_retain(g->d, how->keep, &g->report.old_gone);
    if (r) {
        log_warn("backup", "old backups in %s stay: %s", g->d->path, err_name(r));
    }
    return 0;
}

static void report(struct writing *g, struct backup_report *ret_report)
{
    memcpy(g->report.name, g->table.name, sizeof g->report.name);
    g->report.at = g->table.at;
    g->report.keys = g->table.keys;
    g->report.contents = g->table.contents;
    *ret_report = g->report;
}

static void writing_fini(struct writing *g)
{
    backup_writer_destroy(g->w);
    backup_table_fini(&g->before);
    backup_table_fini(&g->first);
    backup_table_fini(&g->table);
    map_destroy(g->spent);
    map_destroy(g->known);
    VEC_FREE(&g->harms);
    backup_rescue_fini(&g->rescue);
    arena_fini(&g->arena);
}

int backup_write(const struct backup_source *source, const struct backup_where *where,
                 const struct backup_how *how, struct backup_report *ret_report)
{
    struct writing g = {.source = source, .spent = map_create(), .known = map_create()};
    arena_init(&g.arena);
    backup_rescue_init(&g.rescue);
    for (size_t i = 0; how->harms && i < how->harms->n; i++) {
        VEC_ADD(&g.harms, how->harms->at[i]);
    }
    int r = backup_directory_open(where, source->store,
                                  how->expected ? BACKUP_TO_ADD : BACKUP_TO_WRITE, &g.d);
    if (r == 0) {
        g.d->source = source;
        r = write_all(&g, how);
        g.d->source = NULL;
        if (r) {
            uint64_t none; /* what was begun goes */
            (void)!backup_retain(g.d, 0, &none);
        }
        backup_file_close(&g.file);
        backup_directory_close(g.d);
    }
    if (r == 0) {
        report(&g, ret_report);
    }
    writing_fini(&g);
    return r;
}

int backup_stream(const struct backup_source *source, const struct backup_output *to,
                  struct backup_report *ret_report)
{
    struct writing g = {.source = source, .pack = rand_u64()};
    arena_init(&g.arena);
    backup_rescue_init(&g.rescue);
    g.w = backup_writer_create(to);
    struct backup_pass pass = {.source = source, .writer = g.w, .pack = g.pack, .table = &g.table};
    int r = backup_writer_header(g.w, BACKUP_STREAM, g.pack);
    r = r ? r : backup_pass_run(&pass);
    r = r == 0 && g.table.keys == 0 ? ERR_NOT_FOUND : r;
    r = r ? r : backup_table_write(&g.table, g.w);
    r = r ? r : backup_writer_flush(g.w);
    if (r == 0) {
        backup_moment_name(g.table.name, g.table.at, g.pack);
        g.report.damaged = pass.damaged;
        g.report.written = backup_writer_bytes(g.w);
        report(&g, ret_report);
    }
    writing_fini(&g);
    return no_space(r, "what it was written to");
}
