/*
 * One bit of a backup is another: wherever it is, reading it says so, a restore makes no store of it, and nothing else is given. Some
 * few bits of what zstd made say nothing (RFC 8878, Unused_Bit), or the same in another way: the hash is of the plain bytes.
 */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/fd.h"
#include "base/mem.h"

enum { LEFT = 4, STEP = 29, RESTORE_EVERY = 50, WORDS = 4096 };

/* All that was said on standard error by what is called in between, which nobody wants to read hundreds of times. */
struct hush {
    int was, now;
};

static struct hush hush_begin(void)
{
    struct hush h = {dup(2), memfd_create("said", MFD_CLOEXEC)};
    assert_true(h.was >= 0 && h.now >= 0 && dup2(h.now, 2) == 2);
    return h;
}

static void hush_end(struct hush *h, char words[static WORDS])
{
    ssize_t n = pread(h->now, words, WORDS - 1, 0);
    words[n > 0 ? n : 0] = '\0';
    assert_true(dup2(h->was, 2) == 2);
    (void)close(h->was);
    (void)close(h->now);
}

static int take(void *ctx, struct str key, struct str value)
{
    content_hasher_add(ctx, key);
    content_hasher_add(ctx, value);
    return 0;
}

static int read_all(const struct backup_from *from, struct content_hash *ret_hash)
{
    struct content_hasher *h = content_hasher_create();
    struct backup_report report;
    int r = backup_read(from, &(struct backup_sink){take, h}, &report);
    content_hasher_end(h, ret_hash);
    content_hasher_destroy(h);
    return r;
}

struct sweep {
    struct place *p;
    struct backup_from from;
    struct backup_from older; /* a moment of the same packs; path NULL: there is none */
    const char *file;         /* that is changed */
    struct content_hash all, all_older;
    unsigned tried, idle; /* bits */
};

static void flip(const struct sweep *s, size_t at, unsigned bit)
{
    FD_AUTO int fd = open(s->file, O_RDWR | O_CLOEXEC);
    char c;
    assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
    c = (char)(c ^ (1 << bit));
    assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
}

static bool is_plain(const char *words)
{
    static const char *const plain[] = {
        " is damaged",    " it was cut off",     " is no backup of Coditect",
        " newer program", " than its name says", " holds ",
        " was cut off",   " is one file of a",   " name the directory",
    };
    bool found = false;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        found = found || strstr(words, plain[i]) != NULL;
    }
    return found;
}

static void try_one(struct sweep *s, size_t at, unsigned bit)
{
    char words[WORDS];
    struct content_hash hash;
    struct backup_report report;
    flip(s, at, bit);
    struct hush h = hush_begin();
    int r = read_all(&s->from, &hash);
    bool alike = r == 0 && content_hash_eq(&hash, &s->all);
    bool restores = !alike && s->tried++ % RESTORE_EVERY == 0;
    if (alike && s->older.path) { /* newer than what the bit is of, or it says nothing */
        r = read_all(&s->older, &hash);
        alike = r == 0 && content_hash_eq(&hash, &s->all_older);
    }
    int restored = restores ? backup_restore(&s->from, s->p->again, &report) : r;
    hush_end(&h, words);
    bool refused = (r == ERR_CORRUPT || r == ERR_INVALID) && restored == r && is_plain(words);
    s->idle += alike;
    if (!(alike || refused) || (restores && backup_has_store(s->p->again))) {
        fail_msg("%s, byte %zu, bit %u: %d, %d: %s", s->file, at, bit, r, restored, words);
    }
    flip(s, at, bit);
}

/* Of each byte of a file whether it belongs to its first line, or to a frame's head. */
static unsigned char *heads_of(const char *file, size_t *ret_size)
{
    struct stat info;
    FD_AUTO int fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &info), 0);
    size_t size = (size_t)info.st_size;
    unsigned char *heads = mem_alloc(size);
    memset(heads, 0, size);
    memset(heads, 1, BACKUP_HEADER);
    for (size_t at = BACKUP_HEADER; at < size;) {
        unsigned char n[4];
        memset(heads + at, 1, BACKUP_FRAME_HEAD);
        assert_int_equal(pread(fd, n, 4, (off_t)at + 4), 4);
        size_t stored = (size_t)n[0] << 24 | (size_t)n[1] << 16 | (size_t)n[2] << 8 | n[3];
        at += BACKUP_FRAME_HEAD + stored;
        assert_true(at <= size);
    }
    *ret_size = size;
    return heads;
}

/* Each bit of the first line and of the first frame's head, a bit of each byte of the other heads, and of every so many of the rest. */
static void sweep_file(struct sweep *s, const char *file)
{
    size_t size;
    s->file = file;
    MEM_AUTO unsigned char *heads = heads_of(file, &size);
    for (size_t at = 0; at < size; at++) {
        bool each = at < BACKUP_HEADER + BACKUP_FRAME_HEAD;
        for (unsigned bit = 0; bit < 8; bit++) {
            bool one = (heads[at] || at % STEP == 0) && bit == (at / STEP + at) % 8;
            if (each || one) {
                try_one(s, at, bit);
            }
        }
    }
    try_one(s, size - 1, 7);
}

static void check_tried(const struct sweep *s, const char *what)
{
    print_message("%u bits of %s, %u that say nothing\n", s->tried, what, s->idle);
    assert_true(s->idle <= s->tried / 100);
}

static void prepare(struct sweep *s, struct place *p, const char *path)
{
    *s = (struct sweep){.p = p, .from = {.path = path}};
    assert_int_equal(read_all(&s->from, &s->all), 0);
}

static void few_chunks(struct place *p)
{
    for (unsigned i = LEFT; i < CHUNKS; i++) {
        put_chunk(p, i, false);
    }
}

/* Two moments, each with content of its own, so that there are two packs: the newer needs both, but for what it has anew. */
static void test_a_directory(void **state)
{
    struct place *p = *state;
    struct sweep s;
    few_chunks(p);
    const struct backup_report older = back_up(p, 0);
    put_record(p, 1500, "another value");
    put_chunk(p, CHUNKS, true);
    const struct backup_report newest = back_up(p, 0);
    prepare(&s, p, p->backup);
    s.older = (struct backup_from){.path = p->backup, .moment = older.name};
    assert_int_equal(read_all(&s.older, &s.all_older), 0);
    DIR *dir = opendir(p->backup);
    assert_non_null(dir);
    unsigned swept = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        struct str name = str_from(e->d_name);
        bool moment = str_ends(name, STR(".moment")) && str_starts(name, str_from(newest.name));
        if (moment || str_ends(name, STR(".pack"))) {
            char path[512];
            (void)snprintf(path, sizeof path, "%s/%s", p->backup, e->d_name);
            sweep_file(&s, path);
            swept++;
        }
    }
    (void)closedir(dir);
    assert_int_equal(swept, 3);
    check_tried(&s, "a directory");
    restore(p, NULL);
    same(p->store, p->again);
}

static void test_a_stream(void **state)
{
    struct place *p = *state;
    struct sweep s;
    char path[96];
    struct backup_report report;
    const struct backup_source source = {.store = p->store, .content = content};
    few_chunks(p);
    (void)snprintf(path, sizeof path, "%s/stream", p->root);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(backup_stream(&source, &(struct backup_output){backup_write_fd, &fd}, &report),
                     0);
    (void)close(fd);
    prepare(&s, p, path);
    sweep_file(&s, path);
    check_tried(&s, "a stream");
    assert_int_equal(backup_restore(&s.from, p->again, &report), 0);
    same(p->store, p->again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_directory, begin, end),
        cmocka_unit_test_setup_teardown(test_a_stream, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
