/* Whatever a person left in a tree goes, and nothing beside it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "unit.h"

#include "broker.h"

enum { DEEP = 3000 };

static void path_of(const struct bench *b, const char *tail, char path[static 256])
{
    (void)snprintf(path, 256, "%s/%s", b->data, tail);
}

static struct broker_request removal(void)
{
    return (struct broker_request){
        .version = BROKER_VERSION, .kind = BROKER_REMOVE, .session = "ses-a", .uid = bench_uid()};
}

/* Runs a script in workspaces/ses-a/{part} as the workspace's user. */
static void as_user(const struct bench *b, const char *part, const char *script)
{
    char path[256];
    path_of(b, "workspaces/ses-a", path);
    pid_t child = fork();
    if (child == 0) {
        if (chdir(path) < 0 || chdir(part) < 0) {
            _exit(1);
        }
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(UID, UID, UID) < 0 ||
                               setresuid(UID, UID, UID) < 0)) {
            _exit(1);
        }
        (void)execl("/bin/bash", "bash", "-c", script, (char *)NULL);
        _exit(1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Directories as a start makes them; /bin/true ends at once in the supervisor's place. */
static void begin(struct bench *b)
{
    bench_begin(b, "/bin/true");
    struct broker_request request = bench_start();
    assert_int_equal(bench_ask(b, &request), 0);
}

static void assert_all_gone(struct bench *b)
{
    struct broker_request request = removal();
    assert_int_equal(bench_ask(b, &request), 0);
    char path[256];
    path_of(b, "workspaces", path);
    assert_int_equal(bench_count(path), 0);
    path_of(b, "run", path);
    assert_int_equal(bench_count(path), 0);
    assert_int_equal(bench_ask(b, &request), 0); /* once more is harmless */
    bench_end(b);
}

static void what_is_never_there(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench, "/bin/true");
    struct broker_request request = removal();
    assert_int_equal(bench_ask(&bench, &request), 0);
    assert_int_equal(bench_count(bench.data), 0);
    bench_end(&bench);
}

static void odd_trees(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        ":",
        "mkdir -p b/c; echo e > b/c/e; ln -s /etc/passwd link; ln -s .. up; mkfifo f",
        "mkdir -p mod/cache; echo x > mod/cache/x; chmod 555 mod/cache mod",
        "mkdir -p shut/in; echo x > shut/in/x; chmod 0 shut/in shut",
        "mkdir moved-up-0 moved-up-1; echo x > moved-up-0/x; mkdir -p a/b/c; echo > moved-up-2",
        "seq -f f%g 2000 | xargs touch; seq -f d%g 2000 | xargs mkdir",
        "chmod 0 .",
        "printf x > $'new\\nline'; mkdir -- '-rf' '...'; printf x > '.hidden'",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct bench bench;
        begin(&bench);
        as_user(&bench, "tree", scripts[i]);
        as_user(&bench, "home", scripts[i]);
        assert_all_gone(&bench);
    }
}

/* Deeper than any path may be long. */
static void a_deep_tree(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    char path[256];
    path_of(&bench, "workspaces/ses-a/tree", path);
    FD_AUTO int at = open(path, O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < DEEP; i++) {
        assert_int_equal(mkdirat(at, "dddddddd", 0755), 0);
        if (geteuid() == 0) {
            assert_int_equal(fchownat(at, "dddddddd", UID, UID, AT_SYMLINK_NOFOLLOW), 0);
        }
        int next = openat(at, "dddddddd", O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        fd_close(&at);
        at = next;
    }
    assert_all_gone(&bench);
}

static void links_are_not_followed(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    char path[256];
    path_of(&bench, "beside", path);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    as_user(&bench, "tree",
            "touch ../../../beside/file; ln -s ../../../beside link; mkdir d; ln -s "
            "../../../../beside d/link");
    struct broker_request request = removal();
    assert_int_equal(bench_ask(&bench, &request), 0);
    assert_int_equal(bench_count(path), 1);
    bench_end(&bench);
}

static void another_user_deletes_nothing(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    struct bench bench;
    begin(&bench);
    as_user(&bench, "tree", "echo a > a");
    struct broker_request request = removal();
    request.uid = UID + 1;
    assert_int_equal(bench_ask(&bench, &request), ERR_IO);
    char path[256];
    path_of(&bench, "workspaces/ses-a/tree", path);
    assert_int_equal(bench_count(path), 1);
    bench_end(&bench);
}

static void not_while_it_runs(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    char path[256];
    path_of(&bench, "run/ses-a/lock", path);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    struct broker_request request = removal();
    assert_int_equal(bench_ask(&bench, &request), ERR_BUSY);
    path_of(&bench, "workspaces/ses-a", path);
    assert_int_equal(bench_count(path), 4);
    fd_close(&lock);
    assert_all_gone(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_never_there),
        cmocka_unit_test(odd_trees),
        cmocka_unit_test(a_deep_tree),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(another_user_deletes_nothing),
        cmocka_unit_test(not_while_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
