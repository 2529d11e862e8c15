#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

enum { RECORDS = 3000, CHUNK = 9000 };

bool content(struct str key, struct content_hash *ret_hash)
{
    return key.n == 2 + CONTENT_HASH_TEXT && str_starts(key, STR("c/")) &&
           content_hash_parse(str_slice(key, 2, key.n), ret_hash) == 0;
}

struct put {
    struct str key, value;
};

static int put_fn(struct txn *txn, void *ctx)
{
    const struct put *p = ctx;
    if (p->value.p) {
        store_put(txn, p->key, p->value);
    } else {
        store_delete(txn, p->key);
    }
    return 0;
}

void put(struct place *p, struct str key, struct str value)
{
    assert_int_equal(store_write(p->open, NULL, put_fn, (&(struct put){key, value})), 0);
}

void put_record(struct place *p, unsigned i, const char *value)
{
    char key[32];
    (void)snprintf(key, sizeof key, "record/%06u", i);
    put(p, str_from(key), str_from(value));
}

enum { CHUNK_KEY = 2 + CONTENT_HASH_TEXT + 1 };

static void chunk(unsigned i, char plain[static CHUNK], char ret_key[static CHUNK_KEY])
{
    for (unsigned at = 0; at < CHUNK; at++) {
        plain[at] = (char)((at * 2654435761U + i * 40503U) >> 13);
    }
    struct content_hash hash;
    content_hash(str_of(plain, CHUNK), &hash);
    memcpy(ret_key, "c/", 2);
    content_hash_text(&hash, ret_key + 2);
}

void put_chunk(struct place *p, unsigned i, bool there)
{
    MEM_AUTO char *plain = mem_alloc(CHUNK);
    char key[CHUNK_KEY];
    chunk(i, plain, key);
    struct content_codec *codec = content_codec_create();
    put(p, str_from(key), there ? content_encode(codec, str_of(plain, CHUNK)) : STR_EMPTY);
    content_codec_destroy(codec);
}

void spoil_chunk(struct place *p, unsigned i)
{
    MEM_AUTO char *plain = mem_alloc(CHUNK);
    char key[CHUNK_KEY];
    chunk(i, plain, key);
    put(p, str_from(key), STR("no content"));
}

struct fill {
    unsigned from, to;
};

static int fill_fn(struct txn *txn, void *ctx)
{
    const struct fill *f = ctx;
    for (unsigned i = f->from; i < f->to; i++) {
        struct arena *a = store_arena(txn);
        store_put(txn, arena_printf(a, "record/%06u", i), arena_printf(a, "value %u", i));
    }
    return 0;
}

void open_place(struct place *p)
{
    const struct store_options options = {.driver = "sqlite", .directory = p->store, .balloon = 1};
    assert_int_equal(store_open(&options, &p->open), 0);
}

int begin(void **state)
{
    struct place *p = MEM_NEW(struct place);
    (void)snprintf(p->root, sizeof p->root, "/tmp/coditect-backup-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    (void)snprintf(p->store, sizeof p->store, "%s/store", p->root);
    (void)snprintf(p->backup, sizeof p->backup, "%s/backup", p->root);
    (void)snprintf(p->again, sizeof p->again, "%s/again", p->root);
    open_place(p);
    struct fill f = {0, RECORDS};
    assert_int_equal(store_write(p->open, NULL, fill_fn, &f), 0);
    for (unsigned i = 0; i < CHUNKS; i++) {
        put_chunk(p, i, true);
    }
    *state = p;
    return 0;
}

int end(void **state)
{
    struct place *p = *state;
    store_close(p->open);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", p->root);
    assert_int_equal(system(command), 0);
    mem_free(p);
    return 0;
}

static struct backup_report back_up_so(struct place *p, const struct backup_how *how)
{
    const struct backup_source source = {.store = p->store, .content = content};
    const struct backup_where where = {.path = p->backup};
    struct backup_report report;
    assert_int_equal(backup_write(&source, &where, how, &report), 0);
    return report;
}

struct backup_report back_up(struct place *p, unsigned keep)
{
    return back_up_so(p, &(struct backup_how){.keep = keep});
}

struct backup_report heal(struct place *p, const struct backup_harms *harms)
{
    return back_up_so(p, &(struct backup_how){.harms = harms});
}

void same(const char *one, const char *other)
{
    struct store_snapshot *a, *b;
    assert_int_equal(store_snapshot_open(one, &a), 0);
    assert_int_equal(store_snapshot_open(other, &b), 0);
    for (;;) {
        struct store_snapshot_pair x, y;
        struct str v, w;
        int r = store_snapshot_next(a, &x);
        assert_int_equal(store_snapshot_next(b, &y), r);
        if (r) {
            assert_int_equal(r, ERR_NOT_FOUND);
            break;
        }
        assert_true(str_eq(x.key, y.key));
        assert_int_equal(store_snapshot_value(a, &v), 0);
        assert_int_equal(store_snapshot_value(b, &w), 0);
        assert_true(str_eq(v, w) == !str_eq(x.key, STR("meta/epoch")));
    }
    store_snapshot_close(a);
    store_snapshot_close(b);
}

void restore(struct place *p, const char *moment)
{
    struct backup_report report;
    const struct backup_from from = {.path = p->backup, .moment = moment};
    assert_int_equal(backup_restore(&from, p->again, &report), 0);
    assert_int_equal(backup_restore(&from, p->again, &report), ERR_EXISTS);
}

unsigned files(const struct place *p, const char *end)
{
    DIR *dir = opendir(p->backup);
    unsigned n = 0;
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir));) {
        n += str_ends(str_from(e->d_name), str_from(end));
    }
    (void)closedir(dir);
    return n;
}

void any_pack(const struct place *p, char ret_path[PATH_ROOM])
{
    DIR *dir = opendir(p->backup);
    const struct dirent *e;
    assert_non_null(dir);
    while ((e = readdir(dir)) && !str_ends(str_from(e->d_name), STR(".pack"))) {
    }
    assert_non_null(e);
    (void)snprintf(ret_path, PATH_ROOM, "%s/%s", p->backup, e->d_name);
    (void)closedir(dir);
}

void turn_bit(const char *path, uint64_t at)
{
    FD_AUTO int fd = open(path, O_RDWR | O_CLOEXEC);
    char c;
    assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
    c = (char)(c ^ 1);
    assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
}

uint64_t frame_in(const char *path, enum backup_type type, unsigned n)
{
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (uint64_t at = BACKUP_HEADER;;) {
        unsigned char head[8];
        assert_int_equal(pread(fd, head, sizeof head, (off_t)at), sizeof head);
        if (head[3] == (unsigned char)type && n-- == 0) {
            return at + BACKUP_FRAME_HEAD + 1;
        }
        at +=
            BACKUP_FRAME_HEAD + (uint64_t)(head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7]);
    }
}
