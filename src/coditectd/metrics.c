/*
 * GET /metrics: numbers that each part keeps anyway, read when somebody asks and written as text. Nothing is counted here.
 *
 * 1. A scrape costs one walk over the workspaces that are looked after, as the keeper's own look does, and no write.
 * 2. Every metric of spec/metrics.yaml is shown with its head, also while it has no value yet.
 * 3. Labels are words of our own tables: nothing that a client sent becomes one, so that nobody can make their number grow.
 */
#include "coditectd/metrics.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "data/data.h"

enum { METRICS_MAGIC = 0x6d657463, CONNECTIONS = 64, STATES = DATA_WORKSPACE_STATE_FAILED + 1 };

struct coditectd_metrics {
    unsigned magic;
    struct coditectd_metrics_options options;
    _Atomic(struct coditectd_workspaces *) workspaces; /* NULL: not yet */
    usec_t started;
    struct http_app app;
    struct http_server *server;
};

/* ---- The format ---- */

static void head(struct buf *out, enum metric metric)
{
    const struct metric_row *row = &metric_table[metric];
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, row->type);
}

static void number(struct buf *out, enum metric metric, uint64_t value)
{
    head(out, metric);
    buf_printf(out, "%s %llu\n", metric_table[metric].name, (unsigned long long)value);
}

struct label {
    const char *name, *word;
};

static void labelled(struct buf *out, enum metric metric, struct label label, uint64_t value)
{
    buf_printf(out, "%s{%s=\"%s\"} %llu\n", metric_table[metric].name, label.name, label.word,
               (unsigned long long)value);
}

static void microseconds(struct buf *out, uint64_t value)
{
    buf_printf(out, "%llu.%06llu", (unsigned long long)(value / USEC_PER_SEC),
               (unsigned long long)(value % USEC_PER_SEC));
}

static void seconds(struct buf *out, enum metric metric, uint64_t value)
{
    head(out, metric);
    buf_printf(out, "%s ", metric_table[metric].name);
    microseconds(out, value);
    buf_byte(out, '\n');
}

/* ---- Requests ---- */

static void write_statuses(struct buf *out, const struct api_route_metrics *route)
{
    for (size_t i = 0; i <= METRIC_STATUSES; i++) {
        if (route->by_status[i] == 0) {
            continue;
        }
        buf_printf(out, "%s{route=\"%s\",status=\"", metric_table[METRIC_REQUESTS_TOTAL].name,
                   route->name);
        if (i < METRIC_STATUSES) {
            buf_u64(out, (uint64_t)metric_statuses[i]);
        } else {
            buf_add(out, STR("other"));
        }
        buf_printf(out, "\"} %llu\n", (unsigned long long)route->by_status[i]);
    }
}

static void write_times(struct buf *out, const struct api_route_metrics *route)
{
    const char *name = metric_table[METRIC_REQUEST_SECONDS].name;
    uint64_t count = 0;
    for (size_t i = 0; i <= METRIC_BUCKETS; i++) {
        count += route->by_time[i];
        buf_printf(out, "%s_bucket{route=\"%s\",le=\"", name, route->name);
        if (i < METRIC_BUCKETS) {
            microseconds(out, (uint64_t)metric_buckets[i]);
        } else {
            buf_add(out, STR("+Inf"));
        }
        buf_printf(out, "\"} %llu\n", (unsigned long long)count);
    }
    buf_printf(out, "%s_sum{route=\"%s\"} ", name, route->name);
    microseconds(out, route->time);
    buf_printf(out, "\n%s_count{route=\"%s\"} %llu\n", name, route->name,
               (unsigned long long)route->count);
}

static void write_requests(const struct api *api, struct buf *out)
{
    struct api_route_metrics route;
    head(out, METRIC_REQUESTS_TOTAL);
    for (size_t n = 0; api_metrics_route(api, n, &route); n++) {
        write_statuses(out, &route);
    }
    head(out, METRIC_REQUEST_SECONDS);
    for (size_t n = 0; api_metrics_route(api, n, &route); n++) {
        if (route.count > 0) {
            write_times(out, &route);
        }
    }
    head(out, METRIC_FAILURES_TOTAL);
    for (int code = -1; code >= -ERR_COUNT; code--) {
        uint64_t count = api_metrics_failures(api, code);
        if (count > 0) {
            labelled(out, METRIC_FAILURES_TOTAL, (struct label){"code", err_name(code)}, count);
        }
    }
}

enum { LOGIN_OK, LOGIN_CODE, LOGIN_REFUSED, LOGIN_LIMITED, LOGIN_FAILED, LOGIN_RESULTS };

static int login_result(int code)
{
    int status = err_row(code)->status;
    return code == ERR_CODE_NEEDED ? LOGIN_CODE
           : status == 401         ? LOGIN_REFUSED
           : status == 429         ? LOGIN_LIMITED
                                   : LOGIN_FAILED;
}

static void write_logins(const struct api *api, struct buf *out)
{
    static const char *const words[LOGIN_RESULTS] = {"ok", "code", "refused", "limited", "failed"};
    uint64_t counts[LOGIN_RESULTS] = {0};
    struct api_route_metrics route;
    for (size_t n = 0; api_metrics_route(api, n, &route); n++) {
        if (!str_eq(str_from(route.name), STR("auth_login"))) {
            continue;
        }
        for (int code = -1; code >= -ERR_COUNT; code--) {
            counts[login_result(code)] += route.by_code[-code - 1];
        }
        for (size_t i = 0; i < METRIC_STATUSES; i++) {
            counts[LOGIN_OK] += metric_statuses[i] == 200 ? route.by_status[i] : 0;
        }
    }
    head(out, METRIC_LOGINS_TOTAL);
    for (int i = 0; i < LOGIN_RESULTS; i++) {
        labelled(out, METRIC_LOGINS_TOTAL, (struct label){"result", words[i]}, counts[i]);
    }
}

/* ---- The server ---- */

static void write_lane_metric(struct buf *out, const struct http_server_stats *stats,
                              enum metric metric)
{
    static const char *const names[HTTP_LANES] = {
        [HTTP_READ] = "read", [HTTP_SCAN] = "scan",     [HTTP_WORK] = "work",
        [HTTP_HASH] = "hash", [HTTP_STREAM] = "stream", [HTTP_OUTSIDE] = "outside",
    };
    head(out, metric);
    for (int i = HTTP_READ; i < HTTP_LANES; i++) {
        uint64_t value = metric == METRIC_LANE_RUNNING         ? stats->lanes[i].running
                         : metric == METRIC_LANE_WAITING       ? stats->lanes[i].waiting
                         : metric == METRIC_LANE_STARTED_TOTAL ? stats->lanes[i].started
                                                               : stats->lanes[i].refused;
        labelled(out, metric, (struct label){"lane", names[i]}, value);
    }
}

static void write_server(struct http_server *server, struct buf *out)
{
    struct http_server_stats stats;
    http_server_read_stats(server, &stats);
    number(out, METRIC_CONNECTIONS, stats.open);
    number(out, METRIC_CONNECTIONS_TOTAL, stats.connections);
    number(out, METRIC_CONNECTIONS_REFUSED_TOTAL, stats.refused);
    write_lane_metric(out, &stats, METRIC_LANE_RUNNING);
    write_lane_metric(out, &stats, METRIC_LANE_WAITING);
    write_lane_metric(out, &stats, METRIC_LANE_STARTED_TOTAL);
    write_lane_metric(out, &stats, METRIC_LANE_REFUSED_TOTAL);
}

static void write_backups(struct coditectd_backups *backups, struct buf *out)
{
    struct coditectd_backups_facts facts;
    coditectd_backups_facts(backups, &facts);
    head(out, METRIC_BACKUPS_TOTAL);
    labelled(out, METRIC_BACKUPS_TOTAL, (struct label){"result", "ok"}, facts.done);
    labelled(out, METRIC_BACKUPS_TOTAL, (struct label){"result", "failed"}, facts.failed);
    number(out, METRIC_BACKUP_WRITTEN_BYTES_TOTAL, facts.bytes);
    number(out, METRIC_BACKUP_LAST_TIMESTAMP_SECONDS, (uint64_t)(facts.last / USEC_PER_SEC));
    number(out, METRIC_BACKUP_LATE, facts.late);
    number(out, METRIC_BACKUP_VERIFIED_TIMESTAMP_SECONDS,
           (uint64_t)(facts.verified / USEC_PER_SEC));
    number(out, METRIC_BACKUP_READ_TIMESTAMP_SECONDS, (uint64_t)(facts.ended / USEC_PER_SEC));
    number(out, METRIC_BACKUP_DAMAGE_TOTAL, facts.harms);
    number(out, METRIC_BACKUP_DAMAGED, facts.blemished);
}

static int write_mail(const struct coditectd_metrics *m, struct buf *out)
{
    struct mail_facts facts;
    uint64_t waiting = 0;
    int r = mail_waiting(m->options.store, &waiting);
    if (r < 0) {
        return r;
    }
    mail_sender_facts(m->options.mailer, &facts);
    head(out, METRIC_MAIL_TOTAL);
    labelled(out, METRIC_MAIL_TOTAL, (struct label){"result", "sent"}, facts.sent);
    labelled(out, METRIC_MAIL_TOTAL, (struct label){"result", "deferred"}, facts.deferred);
    labelled(out, METRIC_MAIL_TOTAL, (struct label){"result", "failed"}, facts.failed);
    number(out, METRIC_MAIL_WAITING, waiting);
    return 0;
}

static void write_store(struct store *store, struct buf *out)
{
    struct store_stats stats;
    store_stats(store, &stats);
    number(out, METRIC_STORE_READS_TOTAL, stats.reads);
    number(out, METRIC_STORE_WRITES_TOTAL, stats.writes);
    number(out, METRIC_STORE_COMMITS_TOTAL, stats.commits);
    number(out, METRIC_STORE_RETRIES_TOTAL, stats.retries);
    number(out, METRIC_STORE_REPLAYS_TOTAL, stats.replays);
    number(out, METRIC_STORE_WRITTEN_BYTES_TOTAL, stats.bytes_written);
    number(out, METRIC_STORE_QUEUE, stats.waiting);
    number(out, METRIC_STORE_FULL, stats.disk_full);
}

/* ---- Workspaces ---- */

struct page {
    struct arena *arena;
    struct str cursor;
    uint64_t states[STATES]; /* results, of this page alone */
    uint64_t pending;
    struct str next; /* empty at the end */
};

static int page_fn(struct txn *txn, void *ctx)
{
    struct page *p = ctx;
    struct data_workspace match = {.attended = true};
    struct data_query query = {.index = DATA_WORKSPACE_BY_ATTENDED,
                               .match = &match,
                               .fixed = 1,
                               .limit = DATA_MAX_LIST,
                               .cursor = p->cursor};
    struct data_place *places;
    size_t n;
    memset(p->states, 0, sizeof p->states);
    p->pending = 0;
    int r = data_places(txn, &data_workspace_type, &query, &places, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct data_workspace *w = places[i].record;
        p->states[w->state]++;
        p->pending += w->state == DATA_WORKSPACE_STATE_RUNNING ? (uint64_t)w->pending : 0;
    }
    if (r == 0) {
        p->next = n < DATA_MAX_LIST ? STR_EMPTY : arena_str(p->arena, places[n - 1].cursor);
    }
    return r;
}

static int write_workspaces(const struct coditectd_metrics *m, struct arena *arena, struct buf *out)
{
    struct page page = {.arena = arena};
    uint64_t states[STATES] = {0};
    uint64_t pending = 0;
    do {
        page.cursor = page.next;
        int r = store_read(m->options.store, page_fn, &page);
        if (r < 0) {
            return r;
        }
        for (int i = 0; i < STATES; i++) {
            states[i] += page.states[i];
        }
        pending += page.pending;
    } while (page.next.n > 0);
    head(out, METRIC_WORKSPACES);
    for (int i = DATA_WORKSPACE_STATE_STOPPED; i < STATES; i++) {
        labelled(out, METRIC_WORKSPACES,
                 (struct label){"state", data_workspace_state_name((enum data_workspace_state)i)},
                 states[i]);
    }
    number(out, METRIC_MIRROR_PENDING_CHANGES, pending);
    struct workspaces_lags lags = {0};
    const struct coditectd_workspaces *workspaces = atomic_load(&m->workspaces);
    if (workspaces) {
        coditectd_workspaces_lags(workspaces, &lags);
    }
    seconds(out, METRIC_MIRROR_LAG_SECONDS, (uint64_t)lags.most);
    number(out, METRIC_MIRROR_LATE_WORKSPACES, lags.late);
    return 0;
}

/* ---- The process ---- */

static uint64_t resident_bytes(void)
{
    char text[128];
    FD_AUTO int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? fd_read_full(fd, text, sizeof text) : -1;
    struct str rest = str_of(text, n > 0 ? (size_t)n : 0);
    struct str word;
    uint64_t pages = 0;
    bool both = str_split(&rest, ' ', &word) && str_split(&rest, ' ', &word);
    if (!both || str_u64(word, INT64_MAX, &pages) < 0) {
        return 0;
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t used_time(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void write_process(const struct coditectd_metrics *m, struct buf *out)
{
    number(out, METRIC_PROCESS_RESIDENT_MEMORY_BYTES, resident_bytes());
    seconds(out, METRIC_PROCESS_CPU_SECONDS_TOTAL, used_time());
    seconds(out, METRIC_PROCESS_START_TIME_SECONDS, (uint64_t)m->started);
}

/* ---- The address ---- */

static int route(void *ctx, struct http_request *req, struct http_route *ret)
{
    const struct coditectd_metrics *m = ctx;
    ASSERT_MAGIC(m, METRICS_MAGIC);
    if (!str_eq(req->path, STR("/metrics"))) {
        return ERR_NOT_FOUND;
    }
    ret->lane = HTTP_READ;
    return req->method == HTTP_GET || req->method == HTTP_HEAD ? 0 : ERR_METHOD_NOT_ALLOWED;
}

static void answer_error(void *ctx, struct http_request *req, int code, struct http_response *res)
{
    (void)ctx;
    (void)req;
    http_status(res, err_row(code)->status);
    http_set(res, "Content-Type", STR("text/plain; charset=utf-8"));
    if (code == ERR_METHOD_NOT_ALLOWED) {
        http_set(res, "Allow", STR("GET, HEAD"));
    }
    buf_printf(http_body_buf(res), "%s\n", err_row(code)->text);
}

static void handle(void *ctx, struct http_request *req, struct http_response *res)
{
    struct coditectd_metrics *m = ctx;
    ASSERT_MAGIC(m, METRICS_MAGIC);
    struct buf *out = http_body_buf(res);
    head(out, METRIC_BUILD_INFO);
    labelled(out, METRIC_BUILD_INFO, (struct label){"version", CODITECT_VERSION}, 1);
    write_requests(m->options.api, out);
    write_logins(m->options.api, out);
    write_server(m->options.server, out);
    write_store(m->options.store, out);
    write_backups(m->options.backups, out);
    int r = write_mail(m, out);
    r = r < 0 ? r : write_workspaces(m, req->arena, out);
    if (r < 0) {
        http_reset(res);
        answer_error(m, req, r, res);
        return;
    }
    write_process(m, out);
    http_status(res, 200);
    http_set(res, "Content-Type", STR("text/plain; version=0.0.4; charset=utf-8"));
    http_set(res, "Cache-Control", STR("no-store"));
    http_set(res, "X-Content-Type-Options", STR("nosniff"));
}

int coditectd_metrics_start(const struct coditectd_metrics_options *options,
                            struct coditectd_metrics **ret_metrics)
{
    struct coditectd_metrics *m = MEM_NEW(struct coditectd_metrics);
    m->magic = METRICS_MAGIC;
    m->options = *options;
    m->started = time_now();
    m->app = (struct http_app){.ctx = m, .route = route, .handle = handle, .error = answer_error};
    const char *const addresses[] = {options->listen, NULL};
    int r = http_server_start(&(struct http_server_options){.listen = addresses,
                                                            .app = &m->app,
                                                            .loops = 1,
                                                            .limits = {.connections = CONNECTIONS}},
                              &m->server);
    if (r < 0) {
        coditectd_metrics_stop(m);
        return r;
    }
    *ret_metrics = m;
    return 0;
}

void coditectd_metrics_watch(struct coditectd_metrics *m, struct coditectd_workspaces *workspaces)
{
    ASSERT_MAGIC(m, METRICS_MAGIC);
    atomic_store(&m->workspaces, workspaces);
}

void coditectd_metrics_stop(struct coditectd_metrics *m)
{
    if (m == NULL) {
        return;
    }
    ASSERT_MAGIC(m, METRICS_MAGIC);
    http_server_destroy(m->server);
    m->magic = 0;
    mem_free(m);
}
