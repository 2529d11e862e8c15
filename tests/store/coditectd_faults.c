/*
 * In the place of src/coditectd/store.c: the server with faults in front of its store. The program coditectd-faults is the
 * product but for this file.
 *
 * CODITECT_TEST_FAULTS="SEED RATE" makes one store call in RATE suffer some fault. Besides, the socket store/faults.sock in
 * the data directory takes lines, each answered by one:
 *
 *   KIND AT   the call number AT from now suffers this kind (a number, see store.h); "0 0": none does   → "ok"
 *   count     how many calls have suffered one so far                                                   → a number
 *   check     whether all that is stored is whole, without faults                → how many things are not
 *   home TENANT USER PATH TEXT   puts a file into a person's home, as a workspace of theirs would; no TEXT: deletes it  → its version
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "coditectd/check.h"
#include "coditectd/store.h"
#include "data/data.h"
#include "files/files.h"
#include "files/upkeep.h"
#include "net/net.h"

enum { LINE = 255, MOST_CALLS = 1000000 };

const char coditectd_store_driver[] = "sqlite";

static struct store_faults always; /* as the environment wants them */

static uint64_t number_of(struct str text, uint64_t most)
{
    uint64_t number = 0;
    ASSERT(str_u64(text, most, &number) == 0);
    return number;
}

static struct store_faults two_numbers(struct str text, struct str *ret_second)
{
    struct str first = STR_EMPTY;
    bool both = str_split(&text, ' ', &first) && str_split(&text, ' ', ret_second);
    ASSERT(both);
    return (struct store_faults){.seed = number_of(first, INT64_MAX)};
}

static uint64_t suffered(struct store *s)
{
    struct store_stats stats;
    store_stats(s, &stats);
    return stats.faults;
}

static uint64_t check(struct store *s)
{
    struct data_report report;
    store_set_faults(s, &(struct store_faults){.at = 0});
    int r = data_check(s, coditectd_judge, &report);
    for (size_t i = 0; i < report.lines.n; i++) {
        log_error("test", "%s", report.lines.at[i]);
    }
    uint64_t faults = report.faults + (r != 0);
    data_report_fini(&report);
    return faults;
}

static uint64_t home(struct store *s, struct str text)
{
    ARENA_AUTO(arena);
    struct str tenant = STR_EMPTY, user = STR_EMPTY, path = STR_EMPTY;
    bool all = str_split(&text, ' ', &tenant) && str_split(&text, ' ', &tenant) &&
               str_split(&text, ' ', &user) && str_split(&text, ' ', &path);
    ASSERT(all);
    struct data_context ctx = {.store = s,
                               .arena = &arena,
                               .scope = {.tenant_id = tenant, .user_id = user},
                               .op = store_op_new()};
    const struct files_author author = {FILES_TERMINAL, user};
    struct files_entry entry = {0};
    int r;
    store_set_faults(s, &(struct store_faults){.at = 0});
    if (text.p) {
        const struct files_put_input in = {.session = user,
                                           .path = path,
                                           .author = author,
                                           .parents = true,
                                           .mode = -1,
                                           .expected = (int64_t)text.n};
        r = files_put(&ctx, &in, text, &entry);
    } else {
        r = files_delete(&ctx,
                         &(struct files_delete_input){
                             .session = user, .path = path, .author = author, .recursive = true},
                         &entry.version);
    }
    ASSERT(r == 0);
    store_set_faults(s, &always);
    return entry.version;
}

static int answer(struct store *s, struct str line, char to[static LINE + 1])
{
    if (str_eq(line, STR("count"))) {
        return snprintf(to, LINE + 1, "%llu\n", (unsigned long long)suffered(s));
    }
    if (str_eq(line, STR("check"))) {
        return snprintf(to, LINE + 1, "%llu\n", (unsigned long long)check(s));
    }
    if (str_starts(line, STR("home "))) {
        return snprintf(to, LINE + 1, "%llu\n", (unsigned long long)home(s, line));
    }
    struct str at = STR_EMPTY;
    struct store_faults faults = two_numbers(line, &at);
    ASSERT(faults.seed < STORE_FAULT_COUNT);
    faults.kind = (enum store_fault)faults.seed;
    faults.at = number_of(at, MOST_CALLS);
    store_set_faults(s, &faults);
    return snprintf(to, LINE + 1, "ok\n");
}

static void serve(struct store *s, int fd)
{
    char line[LINE + 1], reply[LINE + 1];
    size_t n = 0;
    while (read(fd, line + n, 1) == 1) {
        ASSERT(n < LINE);
        if (line[n++] == '\n') {
            int length = answer(s, str_of(line, n - 1), reply);
            (void)!fd_write_all(fd, str_of(reply, (size_t)length));
            n = 0;
        }
    }
}

struct control {
    struct store *store;
    int fd;
};

static void *listen_for_orders(void *ctx)
{
    const struct control *c = ctx;
    for (;;) {
        FD_AUTO int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            serve(c->store, fd);
        }
    }
    return NULL;
}

int coditectd_store_open(size_t reserve, struct store **ret_store)
{
    static struct control control;
    const char *given = getenv("CODITECT_TEST_FAULTS");
    if (given) {
        struct str rate = STR_EMPTY;
        always = two_numbers(str_from(given), &rate);
        always.rate = (uint32_t)number_of(rate, MOST_CALLS);
    }
    int r = store_open(&(struct store_options){.driver = coditectd_store_driver,
                                               .directory = "store",
                                               .faults = &always,
                                               .balloon = reserve},
                       ret_store);
    if (r) {
        return r;
    }
    struct net_address address;
    control.store = *ret_store;
    (void)unlink("store/faults.sock");
    ASSERT(net_address_parse(STR("unix:store/faults.sock"), &address) == 0);
    ASSERT(net_listen(&address, /* shared= */ false, &control.fd) == 0);
    int flags = fcntl(control.fd, F_GETFL);
    ASSERT(fcntl(control.fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
    pthread_t thread;
    ASSERT(pthread_create(&thread, NULL, listen_for_orders, &control) == 0);
    ASSERT(pthread_detach(thread) == 0);
    return 0;
}
