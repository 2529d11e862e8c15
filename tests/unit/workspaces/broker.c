/* What a server that was taken over could send: every row is refused and touches nothing. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/process.h"
#include "unit.h"

#include "broker.h"

#define FIELD(name, bytes) \
    .at = offsetof(struct broker_request, name), .text = (bytes), .size = sizeof(bytes) - 1
#define NUMBER(name, value) \
    .at = offsetof(struct broker_request, name), \
    .number = &(const typeof(((struct broker_request *)0)->name)){value}, \
    .size = sizeof(((struct broker_request *)0)->name)
#define FULL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64, no NUL */

struct row {
    enum broker_kind kind;
    size_t at;
    const char *text;
    const void *number;
    size_t size;
    bool as_root; /* only where users have a range */
};

static const struct row hostile[] = {
    {BROKER_START, FIELD(session, "\0")},
    {BROKER_START, FIELD(session, ".\0")},
    {BROKER_START, FIELD(session, "..\0")},
    {BROKER_START, FIELD(session, "../x\0")},
    {BROKER_START, FIELD(session, "ses-a/../../x\0")},
    {BROKER_START, FIELD(session, "/etc\0")},
    {BROKER_START, FIELD(session, "-a\0")},
    {BROKER_START, FIELD(session, "SES-a\0")},
    {BROKER_START, FIELD(session, "ses a\0")},
    {BROKER_START, FIELD(session, "ses.a\0")},
    {BROKER_START, FIELD(session, "ses%s\0")},
    {BROKER_START, FIELD(session, "ses\n\0")},
    {BROKER_START, FIELD(session, "ses\xc3\xa4\0")},
    {BROKER_START, FIELD(session, FULL)},
    {BROKER_START, FIELD(user, "\0")},
    {BROKER_START, FIELD(user, "../usr-b\0")},
    {BROKER_START, FIELD(user, FULL)},
    {BROKER_START, FIELD(tenant, "\0")},
    {BROKER_START, FIELD(tenant, "a\"b\0")},
    {BROKER_START, FIELD(tenant, FULL)},
    {BROKER_START, FIELD(name, "two\nlines\0")},
    {BROKER_START, FIELD(name, "\x7f\0")},
    {BROKER_START, FIELD(name, "\x1b[2J\0")},
    {BROKER_START, FIELD(name, "\xc3(\0")},
    {BROKER_START, FIELD(name, FULL FULL FULL FULL FULL FULL "aaaaaaaaaaaaaaaaa")},
    {BROKER_START, FIELD(token, "a\nb\0")},
    {BROKER_START, FIELD(token, FULL FULL FULL FULL)},
    {BROKER_START, NUMBER(uid, 0), .as_root = true},
    {BROKER_START, NUMBER(uid, FIRST - 1), .as_root = true},
    {BROKER_START, NUMBER(uid, LAST + 1), .as_root = true},
    {BROKER_START, NUMBER(uid, UINT32_MAX), .as_root = true},
    {BROKER_START, NUMBER(generation, 0)},
    {BROKER_START, NUMBER(generation, -1)},
    {BROKER_START, NUMBER(memory, -1)},
    {BROKER_START, NUMBER(processes, INT64_MIN)},
    {BROKER_START, NUMBER(processes, BROKER_PROCESSES + 1)},
    {BROKER_START, NUMBER(cpu, -1)},
    {BROKER_START, NUMBER(cpu, BROKER_CPU + 1)},
    {BROKER_START, NUMBER(version, BROKER_VERSION - 1)},
    {BROKER_START, NUMBER(version, BROKER_VERSION + 1)},
    {BROKER_START, NUMBER(kind, 0)},
    {BROKER_START, NUMBER(kind, 4)},
    {BROKER_START, NUMBER(kind, UINT32_MAX)},
    {BROKER_REMOVE, FIELD(session, "../homes\0")},
    {BROKER_REMOVE, FIELD(session, "\0")},
    {BROKER_REMOVE, FIELD(session, FULL)},
    {BROKER_REMOVE, NUMBER(uid, 0), .as_root = true},
    {BROKER_REMOVE, NUMBER(uid, FIRST - 1), .as_root = true},
    {BROKER_SIGNAL, FIELD(session, "../x\0")},
    {BROKER_SIGNAL, NUMBER(pid, 1)},
    {BROKER_SIGNAL, NUMBER(pid, 0)},
    {BROKER_SIGNAL, NUMBER(pid, -1)},
    {BROKER_SIGNAL, NUMBER(pid, INT32_MIN)},
    {BROKER_SIGNAL, NUMBER(signal, 0)},
    {BROKER_SIGNAL, NUMBER(signal, SIGSTOP)},
    {BROKER_SIGNAL, NUMBER(signal, SIGUSR1)},
    {BROKER_SIGNAL, NUMBER(signal, -1)},
    {BROKER_SIGNAL, NUMBER(signal, 1 << 20)},
};

static void hostile_requests(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench, "/bin/false");
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const struct row *row = &hostile[i];
        if (row->as_root && geteuid() != 0) {
            continue;
        }
        struct broker_request request = bench_start();
        request.kind = row->kind;
        request.pid = 2;
        request.signal = SIGTERM;
        memcpy((char *)&request + row->at, row->number ? row->number : row->text, row->size);
        int error = bench_ask(&bench, &request);
        if (error != ERR_INVALID) {
            fail_msg("row %zu: %d", i, error);
        }
        assert_int_equal(bench_count(bench.data), 0);
    }
    bench_end(&bench);
}

/* Of another length than a request's: the server is not ours any more. */
static void wrong_lengths(void **state)
{
    (void)state;
    static char bytes[2 * sizeof(struct broker_request)];
    static const size_t sizes[] = {1, sizeof(struct broker_request) - 1,
                                   sizeof(struct broker_request) + 1, sizeof bytes};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct bench bench;
        bench_begin(&bench, "/bin/false");
        struct broker_request request = bench_start();
        memcpy(bytes, &request, sizeof request);
        assert_int_equal(send(bench.ends[0], bytes, sizes[i], 0), sizes[i]);
        assert_false(workspaces_broker_serve(bench.ends[1], &bench.place));
        assert_int_equal(bench_count(bench.data), 0);
        bench_end(&bench);
    }
}

static void ends_and_empty_rounds(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench, "/bin/false");
    assert_true(workspaces_broker_serve(bench.ends[1], &bench.place)); /* nothing is there */
    fd_close(&bench.ends[0]);
    assert_false(workspaces_broker_serve(bench.ends[1], &bench.place));
    bench_end(&bench);
}

static struct broker_request signal_for(pid_t pid, uint64_t start_time, int signal)
{
    return (struct broker_request){.version = BROKER_VERSION,
                                   .kind = BROKER_SIGNAL,
                                   .session = "ses-a",
                                   .pid = pid,
                                   .start_time = start_time,
                                   .signal = signal};
}

static pid_t spawn_copy(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        (void)execl(path, path, "60", (char *)NULL);
        _exit(1);
    }
    char link[64];
    char target[256] = "";
    (void)snprintf(link, sizeof link, "/proc/%d/exe", (int)child);
    while (strncmp(target, path, strlen(path)) != 0) { /* until it has executed it */
        ssize_t n = readlink(link, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
    }
    return child;
}

static bool lives(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}

static void only_supervisors_are_signalled(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench, "/bin/false");
    pid_t stranger = spawn_copy("/usr/bin/sleep");
    uint64_t started;
    assert_int_equal(process_start_time(stranger, &started), 0);
    struct broker_request request = signal_for(stranger, started, SIGKILL);
    assert_int_equal(bench_ask(&bench, &request), ERR_FORBIDDEN);
    request = signal_for(getpid(), 0, SIGKILL);
    assert_int_equal(process_start_time(getpid(), &request.start_time), 0);
    assert_int_equal(bench_ask(&bench, &request), ERR_FORBIDDEN);
    assert_true(lives(stranger));
    (void)kill(stranger, SIGKILL);
    assert_int_equal(waitpid(stranger, NULL, 0), stranger);
    bench_end(&bench);
}

static void a_pid_that_came_again_is_left_alone(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench, "/bin/false");
    char path[128];
    char command[256];
    (void)snprintf(path, sizeof path, "%s/coditect-workspace", bench.data);
    (void)snprintf(command, sizeof command, "cp /usr/bin/sleep %s", path);
    assert_int_equal(system(command), 0);
    pid_t supervisor = spawn_copy(path);
    uint64_t started;
    assert_int_equal(process_start_time(supervisor, &started), 0);

    struct broker_request request = signal_for(supervisor, started - 1, SIGKILL);
    assert_int_equal(bench_ask(&bench, &request), ERR_NOT_FOUND);
    request = signal_for(supervisor, started + 1, SIGKILL);
    assert_int_equal(bench_ask(&bench, &request), ERR_NOT_FOUND);
    assert_true(lives(supervisor));

    /* A newer build has replaced the binary meanwhile: it is still the one. */
    assert_int_equal(unlink(path), 0);
    request = signal_for(supervisor, started, SIGTERM);
    assert_int_equal(bench_ask(&bench, &request), 0);
    int status;
    assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_int_equal(bench_ask(&bench, &request), ERR_NOT_FOUND);
    bench_end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_requests),
        cmocka_unit_test(wrong_lengths),
        cmocka_unit_test(ends_and_empty_rounds),
        cmocka_unit_test(only_supervisors_are_signalled),
        cmocka_unit_test(a_pid_that_came_again_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
