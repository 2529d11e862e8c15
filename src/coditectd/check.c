/*
 * The checker as a program: for an operator after a crash of the machine, and for tests, which run it over every data
 * directory that they leave. The server must not run: a store belongs to one process.
 */
#include "coditectd/check.h"

#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "data/data.h"

/* Root's files in the store would stop a server that runs as somebody else: whose the store is, that one looks. */
static int become_owner(const struct stat *info)
{
    if (geteuid() != 0 || info->st_uid == 0) {
        return 0;
    }
    bool failed = setgroups(0, NULL) < 0 || setgid(info->st_gid) < 0 || setuid(info->st_uid) < 0;
    return failed ? log_err(ERR_FORBIDDEN, "coditectd", "cannot become the store's owner: %m") : 0;
}

static int open_store(const char *data, const char *driver, struct store **ret_store)
{
    /* Entered first: the owner may not be able to pass the directories above. */
    struct stat info;
    if (chdir(data) < 0 || stat("store", &info) < 0 || !S_ISDIR(info.st_mode)) {
        return log_err(ERR_NOT_FOUND, "coditectd",
                       "%s is no data directory: there is no store in it", data);
    }
    const struct store_options options = {
        .driver = driver, .directory = "store", .balloon = 1 /* the server's is left */};
    int r = become_owner(&info);
    if (r < 0) {
        return r;
    }
    r = store_open(&options, ret_store);
    if (r == ERR_BUSY) {
        return log_err(r, "coditectd", "stop the server first: it holds %s", data);
    }
    return r ? log_err(r, "coditectd", "the store in %s cannot be opened: %s", data,
                       err_row(r)->text)
             : 0;
}

static void print_report(const struct data_report *report)
{
    for (size_t i = 0; i < report->lines.n; i++) {
        (void)printf("%s\n", report->lines.at[i]);
    }
    (void)printf("%llu keys, %llu records, %llu index entries: %llu faults\n",
                 (unsigned long long)report->keys, (unsigned long long)report->records,
                 (unsigned long long)report->indexes, (unsigned long long)report->faults);
}

int coditectd_check(const char *data, const char *driver)
{
    struct store *store;
    if (open_store(data, driver, &store) < 0) {
        return 1;
    }
    struct data_report report;
    int r = data_check(store, &report);
    store_close(store);
    if (r < 0) {
        log_error("coditectd", "the store in %s cannot be read to its end: %s", data,
                  err_row(r)->text);
    } else {
        print_report(&report);
    }
    bool whole = r == 0 && report.faults == 0;
    data_report_fini(&report);
    return whole ? 0 : 1;
}
