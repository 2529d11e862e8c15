/*
 * The checker as a program: for an operator after a crash of the machine, and for tests, which run it over every data
 * directory that they leave. The server must not run: a store belongs to one process.
 */
#include "coditectd/check.h"

#include <stdio.h>
#include <sys/stat.h>

#include "auth/auth.h"
#include "base/log.h"
#include "conversations/conversations.h"
#include "files/upkeep.h"
#include "sessions/sessions.h"
#include "settings/settings.h"

int coditectd_check_place(const char *data)
{
    BUF_AUTO(directory, 4096);
    buf_printf(&directory, "%s/store", data);
    struct stat info;
    bool good = stat(buf_z(&directory), &info) == 0 && S_ISDIR(info.st_mode);
    return good ? 0
                : log_err(ERR_NOT_FOUND, "coditectd",
                          "%s is no data directory: there is no store in it", data);
}

int coditectd_check_open(const char *data, const char *driver, struct store **ret_store)
{
    const struct store_options options = {
        .driver = driver, .directory = "store", .balloon = 1 /* the server's is left */};
    int r = store_open(&options, ret_store);
    if (r == ERR_BUSY) {
        return log_err(r, "coditectd", "stop the server first: it holds %s", data);
    }
    return r ? log_err(r, "coditectd", "the store in %s cannot be opened: %s", data,
                       err_row(r)->text)
             : 0;
}

int coditectd_check_schema(const char *data, struct store *store)
{
    struct data_newer newer;
    int r = data_schema_take(store, &newer);
    if (r == ERR_NEWER) {
        return log_err(r, "coditectd",
                       "%s has %s records of version %llu, this program knows %llu: use a "
                       "newer program",
                       data, newer.record, (unsigned long long)newer.stored,
                       (unsigned long long)newer.known);
    }
    return r ? log_err(r, "coditectd", "the store in %s cannot be read: %s", data, err_row(r)->text)
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

int coditectd_judge(const struct data_found *found, const char **ret_fault)
{
    static data_judge *const judges[] = {auth_judge, sessions_judge, conversations_judge,
                                         settings_judge, files_judge};
    int r = 0;
    for (size_t i = 0; r == 0 && !*ret_fault && i < sizeof judges / sizeof judges[0]; i++) {
        r = judges[i](found, ret_fault);
    }
    return r;
}

int coditectd_check(const char *data, const char *driver)
{
    struct store *store;
    if (coditectd_check_open(data, driver, &store) < 0) {
        return 1;
    }
    struct data_report report;
    int r = data_check(store, coditectd_judge, &report);
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

static void print_damaged(void *ctx, struct str what)
{
    (void)printf("damaged: " STR_FMT "\n", STR_ARG(what));
}

int coditectd_scrub(const char *data, const char *driver)
{
    struct store *store;
    if (coditectd_check_open(data, driver, &store) < 0) {
        return 1;
    }
    struct files_scrubbed scrubbed = {0};
    int r = files_scrub(store, &(struct files_scrub){.damaged = print_damaged}, &scrubbed);
    store_close(store);
    if (r < 0) {
        log_error("coditectd", "the store in %s cannot be read to its end: %s", data,
                  err_row(r)->text);
        return 1;
    }
    (void)printf("%llu chunks, %llu versions: %llu damaged\n", (unsigned long long)scrubbed.chunks,
                 (unsigned long long)scrubbed.versions, (unsigned long long)scrubbed.damaged);
    return scrubbed.damaged == 0 ? 0 : 1;
}
