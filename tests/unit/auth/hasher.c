#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/hash_int.h"
#include "auth/hasher.h"
#include "auth/world.h"

enum { PASSES = 2, MEMORY = 19 << 20 };

static struct auth_hash_request made_of(struct str password)
{
    struct auth_hash_request request = {.kind = AUTH_HASH_MAKE, .passes = PASSES, .memory = MEMORY};
    request.length = (uint32_t)password.n;
    memcpy(request.password, password.p, password.n);
    return request;
}

static void a_request_that_is_none_is_refused(void **state)
{
    (void)state;
    struct auth_hash_reply reply;
    struct auth_hash_request request = made_of(WORLD_PASSWORD);
    request.kind = 3;
    auth_hash_answer(&request, &reply);
    assert_int_equal(reply.error, ERR_INVALID);
    request = made_of(WORLD_PASSWORD);
    request.length = AUTH_PASSWORD_BYTES + 1;
    auth_hash_answer(&request, &reply);
    assert_int_equal(reply.error, ERR_INVALID);
    request = made_of(WORLD_PASSWORD);
    request.kind = AUTH_HASH_CHECK;
    memset(request.phc, '$', sizeof request.phc);
    auth_hash_answer(&request, &reply);
    assert_int_equal(reply.error, ERR_INVALID);
}

static void hash(void)
{
    struct auth_hash_reply reply;
    struct auth_hash_request request = made_of(WORLD_PASSWORD);
    auth_hash_answer(&request, &reply);
    request.kind = AUTH_HASH_CHECK;
    memcpy(request.phc, reply.phc, sizeof request.phc);
    auth_hash_answer(&request, &reply);
    _exit(reply.error == 0 && write(STDERR_FILENO, "", 0) == 0 ? 0 : 1);
}

static void open_a_file(void)
{
    (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void open_a_socket(void)
{
    (void)socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void begin_a_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
}

static void have_a_child(void)
{
    (void)fork();
}

static void signal_somebody(void)
{
    (void)kill(getppid(), 0);
}

static void read_another_descriptor(void)
{
    char byte;
    (void)!read(STDERR_FILENO, &byte, 1);
}

static void write_another_descriptor(void)
{
    (void)!write(STDERR_FILENO + 1, "", 1);
}

static void run_memory(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void map_a_file(void)
{
    (void)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
}

/* What a process that was confined ends with after doing something. */
static int status_after(void (*does)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (auth_hasher_confine() < 0) {
            _exit(2);
        }
        does();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_hasher_hashes_and_does_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(status_after(hash), 0);
    void (*const refused[])(void) = {
        open_a_file,  open_a_socket,           begin_a_program,
        have_a_child, signal_somebody,         run_memory,
        map_a_file,   read_another_descriptor, write_another_descriptor};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int status = status_after(refused[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

/* Somebody who types the word gets what any unknown word gets. */
static void only_a_server_begins_one(void **state)
{
    (void)state;
    char name[] = "coditectd";
    char word[] = AUTH_HASHER;
    char option[] = "--check";
    char *arguments[] = {name, word, NULL};
    int ends[2];
    assert_false(auth_hasher_is_meant(2, arguments)); /* standard input is no socket */
    int input = dup(STDIN_FILENO);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_true(auth_hasher_is_meant(2, arguments));
    assert_false(auth_hasher_is_meant(1, arguments));
    arguments[1] = option;
    assert_false(auth_hasher_is_meant(2, arguments));
    (void)dup2(input, STDIN_FILENO);
    (void)close(input);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_request_that_is_none_is_refused),
                                       cmocka_unit_test(a_hasher_hashes_and_does_nothing_else),
                                       cmocka_unit_test(only_a_server_begins_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
