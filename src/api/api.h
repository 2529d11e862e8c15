/*
 * The public API: every address below /api/v5 (and /health, /ready), by the table that spec/openapi.yaml generates, and the
 * web app's files for everything else. Given to http/ as one application.
 */
#ifndef API_API_H
#define API_API_H

#include "http/http.h"
#include "metrics.gen.h"

struct api;
struct auth;
struct gateway;
struct store;

enum {
    API_MAX_JSON =
        64 * 1024, /* bytes of a JSON body: twice a path with every byte escaped, and room */
    API_MAX_RATE_FACTOR = 1000000,
};

#define API_MAX_UPLOAD ((uint64_t)16 << 30) /* bytes of a file in one PUT */

struct files_keep; /* files/upkeep.h */
struct space;      /* base/space.h */
struct workspaces_local;

/* Which requests are logged, one line each; those that failed by our fault always are, all others at debug level. */
enum api_log { API_LOG_FAULTS, API_LOG_CHANGES, API_LOG_ALL };

/* Of each workspace, for admins to see; 0: none, of processors a fair share. */
struct api_workspace_limits {
    int64_t memory; /* bytes */
    int64_t processes;
    int64_t cpu; /* hundredths of a processor */
};

struct api_options {
    struct store *store; /* outlives the api, as auth does */
    struct auth *auth;
    const char *public_url;    /* "https://coditect.example.com"; NULL: local names only */
    const char *web_directory; /* the built web app; NULL: none */
    struct gateway *gateway;   /* knows where IDEs are; NULL: sessions have none here */
    struct workspaces_local
        *local; /* knows what workspaces use; outlives the api; NULL: nobody does */
    struct api_workspace_limits workspace;
    enum api_log log;  /* CHANGES: what changes something, and what fails */
    usec_t login_life; /* at most, for the cookie that keeps it; 0: 90 days */
    const char *spool; /* directory for files of no name that live as long as a request */
    const struct files_keep *kept;   /* the rule that histories are thinned by; outlives the api */
    const struct space *space;       /* of the data, outlives the api; NULL: nothing is refused */
    const char *const *cors_origins; /* whose pages may call the API; outlive the api */
    size_t cors_count;               /* 0: none */
    bool git_plain_http;             /* sessions may begin with repositories at http:// */
    bool audit_reads;                /* the audit log gets what only reads too */
    uint32_t rate_factor; /* multiplies the request limits per user and address; 0 counts as 1 */
};

/* Whether text is an origin as browsers send it: scheme, host in lower case, port unless it is the scheme's own. */
bool api_cors_is_origin(struct str text);

/* ERR_INVALID: public_url is malformed, or rate_factor too large. ERR_NOT_FOUND: web_directory does not exist. */
int api_create(const struct api_options *options, struct api **ret_api) BASE_MUST_USE;
/* Puts in the place of each 0 how many requests a minute people have whose tenant's plan says none. */
struct data_quota;
void api_requests(const struct api *api, struct data_quota *quota);
void api_destroy(struct api *api); /* NULL allowed; after the server is gone */

/* What http_server_start wants; ctx is the api. Its functions may run on any thread. */
struct http_app api_app(struct api *api);

/* ---- What was counted since api_create (metrics.c); any thread ---- */

struct api_route_metrics {
    const char *name; /* operationId; "none": no route of the API, "web": the web app's files */
    uint64_t by_status[METRIC_STATUSES + 1]; /* as metric_statuses, and all others */
    uint64_t by_code[ERR_COUNT];             /* that ended with ERR_*, which is -1 - i */
    uint64_t by_time[METRIC_BUCKETS + 1];    /* not cumulated; as metric_buckets, and slower ones */
    uint64_t count;
    uint64_t time; /* microseconds */
};

/* The n-th route; false: there are no more. */
bool api_metrics_route(const struct api *api, size_t n, struct api_route_metrics *ret_route);

/* How many calls ended with this ERR_*. */
uint64_t api_metrics_failures(const struct api *api, int code);

#endif
