/* Reading /proc/PID/stat, with names that want to be taken for fields; and finding ourselves' descendants. */
#include "codi2/processes.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "unit.h"

#define REST "S 7 70 77 34816 71 4194304 1 2 3 4 100 50 30 20 20 0 1 0 4711 1 2 3 4"

static void fields_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name;
    } good[] = {
        {"12 (make) " REST "\n", "make"},
        {"12 (a b) c) " REST, "a b) c"},
        {"12 (12 (x) R 1 1 1) " REST, "12 (x) R 1 1 1"},
        {"12 (a name of more than fifteen) " REST, "a name of more "},
        {"12 (\n) " REST, "\n"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct codi2_process p;
        assert_int_equal(codi2_process_parse(str_from(good[i].text), &p), 0);
        assert_string_equal(p.name, good[i].name);
        assert_int_equal(p.pid, 12);
        assert_int_equal(p.parent, 7);
        assert_int_equal(p.group, 70);
        assert_int_equal(p.session, 77);
        assert_int_equal(p.terminal, 34816);
        assert_int_equal(p.foreground, 71);
        assert_int_equal(p.start, 4711);
        assert_int_equal(p.used_ms, 200 * 1000 / sysconf(_SC_CLK_TCK));
    }
}

static void malformed_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "12",
        "12 (x",
        "12 (x)",
        "12 (x) S 1 2 3",
        "x (x) " REST,
        "-1 (x) " REST,
        "0 (x) " REST,
        "99999999999 (x) " REST,
        "(x) " REST,
        "12 x " REST,
        "12 (x) S y 70 77 34816 71 0 1 2 3 4 1 1 1 1 20 0 1 0 4711 1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct codi2_process p;
        assert_int_equal(codi2_process_parse(str_from(bad[i]), &p), ERR_INVALID);
    }
}

static void descendants_are_told_from_the_rest(void **state)
{
    (void)state;
    struct codi2_process at[] = {
        {.pid = 1},
        {.pid = 5, .parent = 1},
        {.pid = 6, .parent = 5},
        {.pid = 7, .parent = 6},
        {.pid = 8, .parent = 1},
        {.pid = 20, .parent = 21}, /* a circle, as pids used again may show */
        {.pid = 21, .parent = 20}};
    struct codi2_processes all = {at, sizeof at / sizeof at[0]};
    codi2_processes_below(&all, 5);
    assert_int_equal(all.count, 2);
    assert_int_equal(all.at[0].pid, 6);
    assert_int_equal(all.at[1].pid, 7);
    assert_non_null(codi2_processes_find(&all, 7));
    assert_null(codi2_processes_find(&all, 5));
    all.count = 0;
    assert_null(codi2_processes_find(&all, 7));
}

static void a_child_is_found(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        char c;
        (void)prctl(PR_SET_NAME, "a (child)");
        (void)!write(ends[1], "x", 1);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!read(ends[0], &c, 0);
        (void)pause();
        _exit(0);
    }
    char c;
    assert_int_equal(read(ends[0], &c, 1), 1);
    ARENA_AUTO(arena);
    struct codi2_processes all;
    codi2_processes_read(&arena, &all);
    const struct codi2_process *p = codi2_processes_find(&all, child);
    assert_int_equal(all.count, 1);
    assert_non_null(p);
    assert_string_equal(p->name, "a (child)");
    assert_true(p->start > 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read), cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(descendants_are_told_from_the_rest), cmocka_unit_test(a_child_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
