/* Two texts, line by line: what comes out makes one of the other, is the shortest where that can be, and ends in time. */
#include "unit.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/rand.h"
#include "content/content.h"

enum { MAX_OUT = 4 * 1024 * 1024, UNBOUND = 16 * 1024 * 1024 };

static struct content_diff compare(struct arena *arena, struct str from, struct str to)
{
    struct content_diff diff;
    assert_int_equal(content_diff(arena, from, to, &diff), 0);
    return diff;
}

static void add_line(struct buf *b, const struct content_diff_line *line)
{
    buf_add(b, line->text);
    if (!line->open) {
        buf_byte(b, '\n');
    }
}

static size_t line_end(struct str s, size_t at)
{
    size_t end = str_find(s, '\n', at);
    return end < s.n ? end + 1 : s.n;
}

/* The script applied to `from` gives `to`, and its numbers say where. */
static void check_makes(const struct content_diff *diff, struct str from, struct str to)
{
    BUF_AUTO(made, UNBOUND);
    size_t at = 0;
    size_t line = 0;
    size_t made_lines = 0;
    size_t added = 0;
    size_t removed = 0;
    for (size_t h = 0; h < diff->count; h++) {
        const struct content_diff_hunk *hunk = &diff->hunks[h];
        assert_true(hunk->from_line >= line);
        for (; line < hunk->from_line; line++, made_lines++) {
            size_t end = line_end(from, at);
            buf_add(&made, str_slice(from, at, end));
            at = end;
        }
        assert_int_equal(made_lines, hunk->to_line);
        for (size_t i = 0; i < hunk->count; i++) {
            const struct content_diff_line *one = &hunk->lines[i];
            if (one->op != CONTENT_DIFF_ADD) {
                size_t end = line_end(from, at);
                assert_true(str_eq(str_slice(from, at, end - (one->open ? 0 : 1)), one->text));
                at = end;
                line++;
            }
            if (one->op != CONTENT_DIFF_REMOVE) {
                add_line(&made, one);
                made_lines++;
            }
            added += one->op == CONTENT_DIFF_ADD;
            removed += one->op == CONTENT_DIFF_REMOVE;
        }
    }
    buf_add(&made, str_slice(from, at, from.n));
    assert_true(str_eq(buf_str(&made), to));
    assert_int_equal(diff->added, added);
    assert_int_equal(diff->removed, removed);
}

static void check_text(struct str from, struct str to, const char *expected)
{
    ARENA_AUTO(arena);
    BUF_AUTO(out, MAX_OUT);
    struct content_diff diff = compare(&arena, from, to);
    content_diff_write(&diff, &out);
    assert_str(buf_str(&out), expected);
    check_makes(&diff, from, to);
}

static void test_unified(void **state)
{
    check_text(STR("a\nb\nc\n"), STR("a\nb\nc\n"), "");
    check_text(STR(""), STR(""), "");
    check_text(STR("a\nb\nc\n"), STR("a\nx\nc\n"), "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
    check_text(STR(""), STR("a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
    check_text(STR("a\n"), STR(""), "@@ -1 +0,0 @@\n-a\n");
    check_text(STR("a"), STR("a\n"), "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    check_text(STR("\n\n"), STR("\n"), "@@ -1,2 +1 @@\n \n-\n");
    check_text(STR("a\r\n\xff\n"), STR("a\n\xff\n"), "@@ -1,2 +1,2 @@\n-a\r\n+a\n \xff\n");
}

/* Six equal lines between two changes: one hunk; seven: two. */
static void test_hunks(void **state)
{
    check_text(STR("x\n1\n2\n3\n4\n5\n6\ny\n"), STR("X\n1\n2\n3\n4\n5\n6\nY\n"),
               "@@ -1,8 +1,8 @@\n-x\n+X\n 1\n 2\n 3\n 4\n 5\n 6\n-y\n+Y\n");
    check_text(STR("x\n1\n2\n3\n4\n5\n6\n7\ny\n"), STR("X\n1\n2\n3\n4\n5\n6\n7\nY\n"),
               "@@ -1,4 +1,4 @@\n-x\n+X\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-y\n+Y\n");
    check_text(STR("1\n2\n3\n4\n5\n"), STR("1\n2\n3\n4\n5\n6\n"),
               "@@ -3,3 +3,4 @@\n 3\n 4\n 5\n+6\n");
}

static void random_text(struct buf *b, size_t lines, unsigned words)
{
    for (size_t i = 0; i < lines; i++) {
        buf_printf(b, "%u", (unsigned)rand_below(words));
        if (i + 1 < lines || rand_below(4) > 0) {
            buf_byte(b, '\n');
        }
    }
}

/* Lines of the longest common subsequence, the slow way. */
static size_t common(struct str a, struct str b)
{
    static size_t table[66][66];
    struct str left[65] = {{0}};
    struct str right[65] = {{0}};
    size_t n = 0;
    size_t m = 0;
    for (size_t at = 0; at < a.n; at = line_end(a, at)) {
        left[n++] = str_slice(a, at, line_end(a, at));
    }
    for (size_t at = 0; at < b.n; at = line_end(b, at)) {
        right[m++] = str_slice(b, at, line_end(b, at));
    }
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            size_t skip = i == 0 || j == 0                    ? 0
                          : table[i - 1][j] > table[i][j - 1] ? table[i - 1][j]
                                                              : table[i][j - 1];
            bool equal = i > 0 && j > 0 && str_eq(left[i - 1], right[j - 1]);
            table[i][j] = equal ? table[i - 1][j - 1] + 1 : skip;
        }
    }
    return table[n][m];
}

static size_t lines_of(struct str s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.n; at = line_end(s, at)) {
        n++;
    }
    return n;
}

static void test_shortest(void **state)
{
    for (int run = 0; run < 1500; run++) {
        ARENA_AUTO(arena);
        BUF_AUTO(from, 4096);
        BUF_AUTO(to, 4096);
        unsigned words = 1 + (unsigned)rand_below(12);
        random_text(&from, rand_below(64), words);
        random_text(&to, rand_below(64), words);
        struct content_diff diff = compare(&arena, buf_str(&from), buf_str(&to));
        check_makes(&diff, buf_str(&from), buf_str(&to));
        assert_int_equal(diff.removed,
                         lines_of(buf_str(&from)) - common(buf_str(&from), buf_str(&to)));
    }
}

/* The worst that the limits allow: nothing or almost nothing in common, in any order. */
static void test_worst(void **state)
{
    static const unsigned words[] = {2, 50, 100000};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        ARENA_AUTO(arena);
        BUF_AUTO(from, CONTENT_DIFF_MAX_BYTES);
        BUF_AUTO(to, CONTENT_DIFF_MAX_BYTES);
        random_text(&from, CONTENT_DIFF_MAX_LINES, words[i]);
        random_text(&to, CONTENT_DIFF_MAX_LINES, words[i]);
        struct content_diff diff = compare(&arena, buf_str(&from), buf_str(&to));
        check_makes(&diff, buf_str(&from), buf_str(&to));
        assert_true(arena.total < 32 * 1024 * 1024);
        BUF_AUTO(out, MAX_OUT);
        content_diff_write(&diff, &out);
        assert_int_equal(out.error, 0);
    }
}

static void test_limits(void **state)
{
    ARENA_AUTO(arena);
    struct content_diff diff;
    char *bytes = mem_alloc(CONTENT_DIFF_MAX_BYTES + 1);
    memset(bytes, 'a', CONTENT_DIFF_MAX_BYTES + 1);
    struct str most = str_of(bytes, CONTENT_DIFF_MAX_BYTES);
    struct str more = str_of(bytes, CONTENT_DIFF_MAX_BYTES + 1);
    assert_int_equal(content_diff(&arena, most, STR("a"), &diff), 0);
    assert_int_equal(content_diff(&arena, more, STR("a"), &diff), ERR_TOO_LARGE);
    assert_int_equal(content_diff(&arena, STR("a"), more, &diff), ERR_TOO_LARGE);
    memset(bytes, '\n', CONTENT_DIFF_MAX_LINES + 1);
    most = str_of(bytes, CONTENT_DIFF_MAX_LINES);
    more = str_of(bytes, CONTENT_DIFF_MAX_LINES + 1);
    assert_int_equal(content_diff(&arena, most, STR("a"), &diff), 0);
    assert_int_equal(content_diff(&arena, more, STR("a"), &diff), ERR_TOO_LARGE);
    assert_int_equal(content_diff(&arena, STR("a"), STR("\0"), &diff), ERR_UNSUPPORTED_TYPE);
    assert_int_equal(content_diff(&arena, STR("a\0b"), STR("a"), &diff), ERR_UNSUPPORTED_TYPE);
    mem_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unified),  cmocka_unit_test(test_hunks),
        cmocka_unit_test(test_shortest), cmocka_unit_test(test_worst),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
