#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "auth/hash_int.h"
#include "auth/hasher.h"
#include "auth/world.h"

enum { PASSES = 1, MEMORY = 8192, MOST = 1024 };

static struct auth_hash_request made_of(struct str password)
{
    struct auth_hash_request request = {.kind = AUTH_HASH_MAKE, .passes = PASSES, .memory = MEMORY};
    request.length = (uint32_t)password.n;
    memcpy(request.password, password.p, password.n);
    return request;
}

static int check(struct auth_hashers *h, const char *phc, struct str password)
{
    struct auth_hash_reply reply;
    struct auth_hash_request request = made_of(password);
    request.kind = AUTH_HASH_CHECK;
    memcpy(request.phc, phc, sizeof request.phc);
    return auth_hashers_ask(h, &request, &reply);
}

static void make(struct auth_hashers *h, struct str password, char ret_phc[static AUTH_HASH_ROOM])
{
    struct auth_hash_reply reply;
    const struct auth_hash_request request = made_of(password);
    assert_int_equal(auth_hashers_ask(h, &request, &reply), 0);
    memcpy(ret_phc, reply.phc, AUTH_HASH_ROOM);
}

/* Processes that this one has begun, by any of its threads, and the last of them. */
static unsigned hashers(pid_t *ret_pid)
{
    char text[sizeof "/proc/self/task//children" + 256];
    unsigned count = 0;
    DIR *threads = opendir("/proc/self/task");
    const struct dirent *thread;
    while ((thread = readdir(threads))) {
        (void)snprintf(text, sizeof text, "/proc/self/task/%s/children", thread->d_name);
        FILE *children = fopen(text, "re");
        for (int pid; children && fscanf(children, "%d", &pid) == 1; count++) {
            *ret_pid = pid;
        }
        if (children) {
            (void)fclose(children);
        }
    }
    (void)closedir(threads);
    return count;
}

static char state_of(pid_t pid)
{
    char text[64];
    char letter = '?';
    (void)snprintf(text, sizeof text, "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(text, "re");
    if (stat) {
        assert_int_equal(fscanf(stat, "%*d (%*[^)]) %c", &letter), 1);
        (void)fclose(stat);
    }
    return letter;
}

static void until(pid_t pid, char state)
{
    while (state_of(pid) != state) {
        (void)sched_yield();
    }
}

static void hashers_answer_as_this_process_does(void **state)
{
    (void)state;
    char long_text[AUTH_PASSWORD_BYTES];
    char phc[AUTH_HASH_ROOM];
    memset(long_text, 'x', sizeof long_text);
    long_text[7] = '\0';
    const struct str passwords[] = {WORLD_PASSWORD, str_of(long_text, sizeof long_text), STR("")};
    for (int apart = 0; apart <= 1; apart++) {
        struct auth_hashers *h = auth_hashers_create(apart);
        struct auth_hashers *other = auth_hashers_create(!apart);
        for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
            make(h, passwords[i], phc);
            assert_int_equal(check(other, phc, passwords[i]), 0);
            assert_int_equal(check(other, phc, STR("another")), ERR_BAD_CREDENTIALS);
        }
        auth_hashers_destroy(h);
        auth_hashers_destroy(other);
    }
    pid_t pid;
    assert_int_equal(hashers(&pid), 0);
}

static void hashers_begin_when_they_are_needed(void **state)
{
    (void)state;
    struct auth_hashers *h = auth_hashers_create(/* apart= */ true);
    char phc[AUTH_HASH_ROOM];
    pid_t first;
    pid_t second;
    assert_int_equal(hashers(&first), 0);
    make(h, WORLD_PASSWORD, phc);
    assert_int_equal(hashers(&first), 1);
    assert_int_equal(check(h, phc, WORLD_PASSWORD), 0);
    assert_int_equal(hashers(&second), 1);
    assert_int_equal(first, second);
    auth_hashers_destroy(h);
    assert_int_equal(hashers(&first), 0);
}

static void one_that_ended_meanwhile_is_replaced(void **state)
{
    (void)state;
    struct auth_hashers *h = auth_hashers_create(/* apart= */ true);
    char phc[AUTH_HASH_ROOM];
    pid_t first;
    pid_t second;
    make(h, WORLD_PASSWORD, phc);
    assert_int_equal(hashers(&first), 1);
    assert_int_equal(kill(first, SIGKILL), 0);
    until(first, 'Z');
    assert_int_equal(check(h, phc, WORLD_PASSWORD), 0);
    assert_int_equal(hashers(&second), 1);
    assert_int_not_equal(first, second);
    auth_hashers_destroy(h);
}

struct asking {
    struct auth_hashers *h;
    const char *phc;
    int answer;
    _Atomic pid_t thread;
};

/* It has asked, and waits for the answer. */
static void until_it_waits(const struct asking *q)
{
    char text[64];
    long call = 0;
    while (call != SYS_recvfrom) {
        (void)snprintf(text, sizeof text, "/proc/self/task/%d/syscall", (int)q->thread);
        FILE *calls = fopen(text, "re");
        if (!calls || fscanf(calls, "%ld", &call) != 1) {
            call = 0; /* it runs */
        }
        if (calls) {
            (void)fclose(calls);
        }
        (void)sched_yield();
    }
}

static void *ask(void *context)
{
    struct asking *q = context;
    q->thread = gettid();
    q->answer = check(q->h, q->phc, WORLD_PASSWORD);
    return NULL;
}

static void one_that_ends_on_the_way_makes_it_busy(void **state)
{
    (void)state;
    struct auth_hashers *h = auth_hashers_create(/* apart= */ true);
    char phc[AUTH_HASH_ROOM];
    pid_t pid;
    pthread_t thread;
    make(h, WORLD_PASSWORD, phc);
    struct asking q = {.h = h, .phc = phc};
    assert_int_equal(hashers(&pid), 1);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    until(pid, 'T');
    assert_int_equal(pthread_create(&thread, NULL, ask, &q), 0);
    until_it_waits(&q); /* killed before, it would be replaced */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(q.answer, ERR_BUSY);
    assert_int_equal(check(h, phc, WORLD_PASSWORD), 0);
    auth_hashers_destroy(h);
}

/* However many ask at once, and each gets the answer to its own question. */
static void as_many_as_there_are_cores(void **state)
{
    (void)state;
    struct auth_hashers *h = auth_hashers_create(/* apart= */ true);
    char phc[AUTH_HASH_ROOM];
    char other[AUTH_HASH_ROOM];
    static pthread_t threads[MOST];
    static struct asking q[MOST];
    pid_t pid;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = 4 * (size_t)cores < MOST ? 4 * (size_t)cores : MOST;
    make(h, WORLD_PASSWORD, phc);
    make(h, STR("another"), other);
    for (size_t i = 0; i < count; i++) {
        q[i] = (struct asking){.h = h, .phc = i % 2 ? other : phc};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &q[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(q[i].answer, i % 2 ? ERR_BAD_CREDENTIALS : 0);
    }
    assert_in_range(hashers(&pid), 1, cores);
    auth_hashers_destroy(h);
}

/* Secrets of the server's come by its environment, and its descriptors are the store's. */
static void a_hasher_has_nothing_of_the_server(void **state)
{
    (void)state;
    int inherited = dup(STDERR_FILENO); /* not closed on exec */
    struct auth_hashers *h = auth_hashers_create(/* apart= */ true);
    char phc[AUTH_HASH_ROOM];
    char text[64];
    pid_t pid;
    make(h, WORLD_PASSWORD, phc);
    assert_int_equal(hashers(&pid), 1);
    if (geteuid() == 0) { /* it is nobody else's to look at */
        (void)snprintf(text, sizeof text, "/proc/%d/environ", (int)pid);
        FILE *environment = fopen(text, "re");
        assert_non_null(environment);
        assert_int_equal(fgetc(environment), EOF);
        (void)fclose(environment);
        (void)snprintf(text, sizeof text, "/proc/%d/fd", (int)pid);
        DIR *descriptors = opendir(text);
        const struct dirent *one;
        while ((one = readdir(descriptors))) {
            assert_true(one->d_name[0] == '.' || str_eq(str_from(one->d_name), STR("0")) ||
                        str_eq(str_from(one->d_name), STR("2")));
        }
        (void)closedir(descriptors);
    }
    auth_hashers_destroy(h);
    (void)close(inherited);
}

int main(int argc, char **argv)
{
    if (auth_hasher_is_meant(argc, argv)) {
        auth_hasher_run(); /* hashers are this program, begun anew */
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashers_answer_as_this_process_does),
                                       cmocka_unit_test(hashers_begin_when_they_are_needed),
                                       cmocka_unit_test(one_that_ended_meanwhile_is_replaced),
                                       cmocka_unit_test(one_that_ends_on_the_way_makes_it_busy),
                                       cmocka_unit_test(as_many_as_there_are_cores),
                                       cmocka_unit_test(a_hasher_has_nothing_of_the_server)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
