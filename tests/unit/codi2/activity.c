/*
 * The idle rule, as a table of two or three samples each. Pid 10 is the IDE's backend; a terminal is 99. Below it a shell (20)
 * with a terminal, and what a person runs there.
 */
#include "codi2/activity.h"

#include "unit.h"

enum { IDE = 10, TTY = 99, LITTLE = CODI2_BUSY_MS, MUCH = CODI2_BUSY_MS + 1 };

#define BACKEND(ms) \
    { \
        .pid = IDE, .parent = 1, .name = "node", .used_ms = (ms) \
    }
#define SHELL(front, ms) \
    { \
        .pid = 20, .parent = IDE, .session = 20, .group = 20, .foreground = (front), \
        .terminal = TTY, .name = "bash", .used_ms = (ms) \
    }
#define JOB(of, ms) \
    { \
        .pid = 30, .parent = (of), .session = 20, .group = 30, .terminal = TTY, .name = "make", \
        .used_ms = (ms) \
    }
#define QUIET_CHILD(of, ms) \
    { \
        .pid = 40, .parent = (of), .session = 40, .name = "clangd", .used_ms = (ms) \
    }

struct row {
    const char *what;
    struct codi2_process before[4];
    struct codi2_process after[4];
    const char *busy; /* "": nothing */
};

static const struct row rows[] = {
    {"nothing runs", {{0}}, {{0}}, ""},
    {"a job at work", {SHELL(30, 0), JOB(20, 0)}, {SHELL(30, 0), JOB(20, MUCH)}, "make"},
    {"exactly 1 % is not more", {JOB(1, 0)}, {JOB(1, LITTLE)}, ""},
    {"what it used before the window does not count", {JOB(1, 9000)}, {JOB(1, 9000 + LITTLE)}, ""},
    {"born since, all counts", {{0}}, {JOB(1, MUCH)}, "make"},
    {"it has ended since", {JOB(1, MUCH), BACKEND(0)}, {BACKEND(0)}, ""},
    {"the backend itself", {BACKEND(0)}, {BACKEND(60000)}, ""},
    {"a language server",
     {BACKEND(0), QUIET_CHILD(IDE, 0)},
     {BACKEND(0), QUIET_CHILD(IDE, 60000)},
     ""},
    {"what left a terminal's shell",
     {SHELL(20, 0)},
     {SHELL(20, 0), QUIET_CHILD(20, MUCH)},
     "clangd"},
    {"what lost its parent", {BACKEND(0)}, {BACKEND(0), QUIET_CHILD(1, MUCH)}, "clangd"},
    {"a shell that waits, whatever its jobs used", {SHELL(20, 0)}, {SHELL(20, 60000)}, ""},
    {"a shell with a job in front", {SHELL(30, 0)}, {SHELL(30, MUCH)}, "bash"},
    {"a shell that runs commands in its own group",
     {SHELL(20, 0)},
     {SHELL(20, MUCH), {.pid = 31, .parent = 20, .terminal = TTY, .name = "sleep"}},
     "bash"},
    {"a script is no waiting shell",
     {{0}},
     {{.pid = 30,
       .parent = 1,
       .session = 20,
       .group = 30,
       .foreground = 30,
       .terminal = TTY,
       .name = "bash",
       .used_ms = MUCH}},
     "bash"},
    {"a pid used again is another process",
     {{.pid = 30, .parent = 1, .start = 1, .name = "old", .used_ms = 60000}},
     {{.pid = 30, .parent = 1, .start = 2, .name = "new", .used_ms = MUCH}},
     "new"},
};

static struct codi2_sample sample_of(const struct codi2_process at[4])
{
    struct codi2_sample s = {.processes.at = (struct codi2_process *)at, .ide = IDE};
    while (s.processes.count < 4 && at[s.processes.count].pid > 0) {
        s.processes.count++;
    }
    return s;
}

static int by_pid(const void *a, const void *b)
{
    return ((const struct codi2_process *)a)->pid - ((const struct codi2_process *)b)->pid;
}

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct row row = rows[i];
        struct codi2_sample samples[] = {sample_of(row.before), sample_of(row.after)};
        for (size_t s = 0; s < 2; s++) {
            qsort(samples[s].processes.at, samples[s].processes.count, sizeof row.before[0],
                  by_pid);
        }
        struct codi2_busy busy;
        codi2_activity_judge(samples, 2, &busy);
        const char *got = busy.count > 0 ? busy.names[0] : "";
        if (strcmp(got, row.busy) != 0 || busy.count > 1) {
            fail_msg("%s: \"%s\" instead of \"%s\"", row.what, got, row.busy);
        }
    }
}

static void what_worked_and_ended_within_the_window_counts(void **state)
{
    (void)state;
    struct codi2_process first[4] = {JOB(1, 0)};
    struct codi2_process second[4] = {JOB(1, MUCH)};
    struct codi2_process third[4] = {{0}};
    const struct codi2_sample samples[] = {sample_of(first), sample_of(second), sample_of(third)};
    struct codi2_busy busy;
    codi2_activity_judge(samples, 3, &busy);
    assert_int_equal(busy.count, 1);
    codi2_activity_judge(samples + 1, 2, &busy); /* the window has moved on */
    assert_int_equal(busy.count, 0);
}

static void one_sample_says_nothing(void **state)
{
    (void)state;
    struct codi2_process only[4] = {JOB(1, 60000)};
    const struct codi2_sample sample = sample_of(only);
    struct codi2_busy busy;
    codi2_activity_judge(&sample, 1, &busy);
    assert_int_equal(busy.count, 0);
    codi2_activity_judge(&sample, 0, &busy);
    assert_int_equal(busy.count, 0);
}

static void names_are_few_each_once_the_busiest_first(void **state)
{
    (void)state;
    enum { MANY = 40 };
    struct codi2_process before[1];
    struct codi2_process after[MANY];
    for (int i = 0; i < MANY; i++) {
        after[i] =
            (struct codi2_process){.pid = 100 + i, .parent = 1, .used_ms = (uint64_t)(MUCH + i)};
        (void)snprintf(after[i].name, sizeof after[i].name, "p%d", i / 2);
    }
    const struct codi2_sample samples[] = {{.processes = {before, 0}},
                                           {.processes = {after, MANY}}};
    struct codi2_busy busy;
    codi2_activity_judge(samples, 2, &busy);
    assert_int_equal(busy.count, CODI2_MAX_BUSY);
    assert_string_equal(busy.names[0], "p19");
    assert_string_equal(busy.names[1], "p18");
}

static void the_meter_forgets_what_lies_before_its_window(void **state)
{
    (void)state;
    struct codi2_meter *m = codi2_meter_create();
    struct codi2_busy busy;
    for (int i = 0; i < 2 * CODI2_SAMPLES; i++) {
        codi2_meter_sample(m, 0, &busy);
        assert_int_equal(busy.count, 0); /* we have no children */
    }
    codi2_meter_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(what_worked_and_ended_within_the_window_counts),
        cmocka_unit_test(one_sample_says_nothing),
        cmocka_unit_test(names_are_few_each_once_the_busiest_first),
        cmocka_unit_test(the_meter_forgets_what_lies_before_its_window)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
