/*
 * Requests counted by route, status and time, for whoever shows them (coditectd/metrics.c). Constant memory, no lock: each number
 * is an atomic of its own, so what is read is a moment's numbers give or take the requests that end meanwhile.
 *
 * 1. A request is counted once, when its reply is out; the histogram's count is the sum of its buckets.
 */
#include <stdatomic.h>

#include "api/api_int.h"

enum { NO_ROUTE = API_ROUTE_COUNT, WEB, ROWS, MAGIC = 0x6d657472 };

struct row {
    atomic_uint_fast64_t by_status[METRIC_STATUSES + 1];
    atomic_uint_fast64_t by_time[METRIC_BUCKETS + 1];
    atomic_uint_fast64_t by_code[ERR_COUNT];
    atomic_uint_fast64_t time;
};

struct api_metrics {
    unsigned magic;
    struct row rows[ROWS];
};

struct api_metrics *api_metrics_create(void)
{
    struct api_metrics *m = MEM_NEW(struct api_metrics);
    m->magic = MAGIC;
    return m;
}

void api_metrics_destroy(struct api_metrics *m)
{
    if (m == NULL) {
        return;
    }
    ASSERT_MAGIC(m, MAGIC);
    m->magic = 0;
    mem_free(m);
}

static void add(atomic_uint_fast64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

static size_t status_at(int status)
{
    size_t i = 0;
    while (i < METRIC_STATUSES && metric_statuses[i] != status) {
        i++;
    }
    return i;
}

static size_t bucket_at(usec_t took)
{
    size_t i = 0;
    while (i < METRIC_BUCKETS && took > metric_buckets[i]) {
        i++;
    }
    return i;
}

static size_t row_at(const struct api_call *call)
{
    if (call == NULL) {
        return WEB;
    }
    return call->route != NULL ? (size_t)(call->route - api_routes) : NO_ROUTE;
}

void api_metrics_count(struct api_metrics *m, const struct api_call *call,
                       const struct http_outcome *outcome)
{
    ASSERT_MAGIC(m, MAGIC);
    struct row *row = &m->rows[row_at(call)];
    usec_t took = outcome->took > 0 ? outcome->took : 0;
    add(&row->by_status[status_at(outcome->status)], 1);
    add(&row->by_time[bucket_at(took)], 1);
    add(&row->time, (uint64_t)took);
    if (call != NULL && call->failed < 0) {
        ASSERT(call->failed >= -ERR_COUNT);
        add(&row->by_code[-call->failed - 1], 1);
    }
}

bool api_metrics_route(const struct api *api, size_t n, struct api_route_metrics *ret_route)
{
    ASSERT_MAGIC(api, API_MAGIC);
    if (n >= ROWS) {
        return false;
    }
    const struct row *row = &api->metrics->rows[n];
    struct api_route_metrics route = {
        .name = n == WEB        ? "web"
                : n == NO_ROUTE ? "none"
                                : api_routes[n].id,
        .time = get(&row->time),
    };
    for (size_t i = 0; i <= METRIC_STATUSES; i++) {
        route.by_status[i] = get(&row->by_status[i]);
    }
    for (size_t i = 0; i < ERR_COUNT; i++) {
        route.by_code[i] = get(&row->by_code[i]);
    }
    for (size_t i = 0; i <= METRIC_BUCKETS; i++) {
        route.by_time[i] = get(&row->by_time[i]);
        route.count += route.by_time[i];
    }
    *ret_route = route;
    return true;
}

uint64_t api_metrics_failures(const struct api *api, int code)
{
    ASSERT_MAGIC(api, API_MAGIC);
    ASSERT(code < 0 && code >= -ERR_COUNT);
    uint64_t n = 0;
    for (size_t i = 0; i < ROWS; i++) {
        n += get(&api->metrics->rows[i].by_code[-code - 1]);
    }
    return n;
}
