/* Git's index: versions 2 to 4 and both hashes, built here byte for byte; whatever is cut or bent is refused whole. */
#include "codi2/git_index.h"

#include "base/buf.h"
#include "base/vec.h"
#include "unit.h"

enum { FILE_MODE = 0100644, LINK_MODE = 0120000, FOLDER_MODE = 0040000, SUBMODULE_MODE = 0160000 };

struct entry {
    const char *path;
    uint32_t mode;
    bool extended;
};

static void put(struct buf *b, uint32_t value, int size)
{
    for (int i = size; i-- > 0;) {
        buf_byte(b, (char)(value >> (8 * i)));
    }
}

static void put_zeros(struct buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_byte(b, 0);
    }
}

/* What of before is dropped and what is added (version 4). */
static void put_difference(struct buf *b, const char *before, const char *path)
{
    size_t same = 0;
    while (before[same] && before[same] == path[same]) {
        same++;
    }
    size_t dropped = strlen(before) - same;
    if (dropped >= 128) { /* one byte more, less one */
        buf_byte(b, (char)(0x80 | ((dropped >> 7) - 1)));
    }
    buf_byte(b, (char)(dropped & 0x7f));
    buf_add(b, str_from(path + same));
    buf_byte(b, 0);
}

static void build(struct buf *b, uint32_t version, size_t hash, const struct entry *entries)
{
    uint32_t count = 0;
    while (entries[count].path) {
        count++;
    }
    buf_add(b, STR("DIRC"));
    put(b, version, 4);
    put(b, count, 4);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        size_t start = b->n;
        put_zeros(b, 24);
        put(b, e->mode, 4);
        put_zeros(b, 12 + hash);
        put(b, (uint32_t)strlen(e->path) | (e->extended ? 0x4000 : 0), 2);
        put_zeros(b, e->extended ? 2 : 0);
        if (version == 4) {
            put_difference(b, i ? entries[i - 1].path : "", e->path);
        } else {
            buf_add(b, str_from(e->path));
            put_zeros(b, 8 - (b->n - start) % 8);
        }
    }
    buf_add(b, STR("TREE"));
    put(b, 0, 4);
    put_zeros(b, hash);
}

struct seen {
    struct buf text;
};

static void on_path(void *ctx, struct str path)
{
    struct seen *s = ctx;
    buf_add(&s->text, path);
    buf_byte(&s->text, '\n');
}

static int read_all(struct str bytes, struct seen *s)
{
    buf_init(&s->text, 1 << 20);
    return codi2_git_index_read(bytes, on_path, s);
}

static const struct entry some[] = {{"Makefile", FILE_MODE, false},
                                    {"dist/a", FILE_MODE, false},
                                    {"dist/link", LINK_MODE, false},
                                    {"dist/sub/b.js", FILE_MODE, false},
                                    {"module", SUBMODULE_MODE, false},
                                    {"node_modules/x/index.js", FILE_MODE, false},
                                    {"sparse/", FOLDER_MODE, false},
                                    {"z", FILE_MODE, false},
                                    {0}};

static void every_version_is_read(void **state)
{
    (void)state;
    static const struct {
        uint32_t version;
        size_t hash;
    } all[] = {{2, 20}, {3, 20}, {4, 20}, {2, 32}, {4, 32}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        BUF_AUTO(b, 4096);
        struct entry entries[sizeof some / sizeof some[0]];
        memcpy(entries, some, sizeof some);
        entries[1].extended = all[i].version > 2;
        build(&b, all[i].version, all[i].hash, entries);
        struct seen seen;
        assert_int_equal(read_all(buf_str(&b), &seen), 0);
        assert_str(buf_str(&seen.text),
                   "Makefile\ndist/a\ndist/link\ndist/sub/b.js\nnode_modules/x/index.js\nz\n");
        buf_fini(&seen.text);
    }
}

static void an_empty_index_has_no_paths(void **state)
{
    (void)state;
    BUF_AUTO(b, 4096);
    build(&b, 2, 20, (const struct entry[]){{0}});
    struct seen seen;
    assert_int_equal(read_all(buf_str(&b), &seen), 0);
    assert_int_equal(seen.text.n, 0);
}

static void long_differences_are_read(void **state)
{
    (void)state;
    char longest[251] = "a/";
    memset(longest + 2, 'x', 248);
    const struct entry entries[] = {{longest, FILE_MODE, false}, {"b", FILE_MODE, false}, {0}};
    BUF_AUTO(b, 4096);
    build(&b, 4, 20, entries);
    struct seen seen;
    assert_int_equal(read_all(buf_str(&b), &seen), 0);
    assert_int_equal(seen.text.n, 250 + 1 + 2);
    buf_fini(&seen.text);
}

static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    for (uint32_t version = 2; version <= 4; version += 2) {
        BUF_AUTO(b, 4096);
        build(&b, version, 20, some);
        size_t end = b.n - 20 - 8; /* of the last entry */
        for (size_t n = 0; n < end + 20; n++) {
            struct seen seen;
            MEM_AUTO char *cut = mem_dup(b.p, n); /* so that reading behind it is seen */
            assert_int_equal(read_all(str_of(cut, n), &seen), ERR_INVALID);
            assert_int_equal(seen.text.n, 0);
        }
    }
}

static void bent_ones_are_refused(void **state)
{
    (void)state;
    static const struct entry bad[][2] = {
        {{"../outside", FILE_MODE, false}}, {{"/etc/passwd", FILE_MODE, false}},
        {{"a//b", FILE_MODE, false}},       {{"a/", FILE_MODE, false}},
        {{".", FILE_MODE, false}},          {{"a", 0, false}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        BUF_AUTO(b, 4096);
        build(&b, 2, 20, bad[i]);
        struct seen seen;
        assert_int_equal(read_all(buf_str(&b), &seen), ERR_INVALID);
    }
    static const struct {
        size_t at;
        char to;
    } bends[] = {{0, 'd'}, {7, 1}, {7, 5}, {8, 127}};
    for (size_t i = 0; i < sizeof bends / sizeof bends[0]; i++) {
        BUF_AUTO(b, 4096);
        build(&b, 2, 20, some);
        b.p[bends[i].at] = bends[i].to;
        struct seen seen;
        assert_int_equal(read_all(buf_str(&b), &seen), ERR_INVALID);
    }
    BUF_AUTO(b, 4096); /* version 4: drops more than there was */
    build(&b, 4, 20, (const struct entry[]){{"a", FILE_MODE, false}, {0}});
    b.p[12 + 62] = 1;
    struct seen seen;
    assert_int_equal(read_all(buf_str(&b), &seen), ERR_INVALID);
    b.p[12 + 62] = (char)0xff; /* or a length without an end */
    assert_int_equal(read_all(buf_str(&b), &seen), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_read), cmocka_unit_test(an_empty_index_has_no_paths),
        cmocka_unit_test(long_differences_are_read), cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(bent_ones_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
