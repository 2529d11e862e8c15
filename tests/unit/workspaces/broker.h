/* The privileged side in the test's own process, asked by a socket pair as the server asks it. */
#ifndef TEST_BROKER_H
#define TEST_BROKER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "workspaces/broker_int.h"

enum { FIRST = 200000, LAST = 200099, UID = 200017 };

struct bench {
    char data[64];
    struct broker_place place;
    int ends[2];
};

/* supervisor: in whose place; it gets the configuration on its standard input. */
static inline void bench_begin(struct bench *b, const char *supervisor)
{
    (void)snprintf(b->data, sizeof b->data, "/tmp/coditect-broker-XXXXXX");
    assert_non_null(mkdtemp(b->data));
    assert_int_equal(chmod(b->data, 0711), 0);
    bool root = geteuid() == 0;
    b->place = (struct broker_place){.data = b->data,
                                     .supervisor = supervisor,
                                     .codi2 = "/opt/codi2",
                                     .first_uid = root ? FIRST : 0,
                                     .last_uid = root ? LAST : 0,
                                     .server_uid = geteuid(),
                                     .server_gid = getegid()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b->ends), 0);
}

static inline void bench_end(struct bench *b)
{
    char command[256];
    (void)snprintf(command, sizeof command, "chmod -R u+rwX %s; rm -rf %s", b->data, b->data);
    assert_int_equal(system(command), 0);
    fd_close(&b->ends[0]);
    fd_close(&b->ends[1]);
}

static inline uid_t bench_uid(void)
{
    return geteuid() == 0 ? UID : geteuid();
}

/* The reply's error. */
static inline int bench_ask(struct bench *b, const struct broker_request *request)
{
    struct broker_reply reply;
    assert_int_equal(send(b->ends[0], request, sizeof *request, 0), sizeof *request);
    assert_true(workspaces_broker_serve(b->ends[1], &b->place));
    assert_int_equal(recv(b->ends[0], &reply, sizeof reply, 0), sizeof reply);
    return reply.error;
}

static inline struct broker_request bench_start(void)
{
    return (struct broker_request){.version = BROKER_VERSION,
                                   .kind = BROKER_START,
                                   .session = "ses-a",
                                   .user = "usr-a",
                                   .tenant = "ten-a",
                                   .name = "Project A",
                                   .token = "token",
                                   .generation = 1,
                                   .uid = bench_uid()};
}

/* Entries of a directory, without "." and "..". -1: there is none. */
static inline int bench_count(const char *path)
{
    DIR *directory = opendir(path);
    int count = directory ? -2 : -1;
    while (directory && readdir(directory)) {
        count++;
    }
    if (directory) {
        (void)closedir(directory);
    }
    return count;
}

#endif
