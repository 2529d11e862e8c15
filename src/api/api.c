/* The api's life: options in, one application for http/ out. */
#include "api/api_int.h"
#include "realtime/realtime.h"

static const usec_t login_life = 90 * 24 * 3600 * USEC_PER_SEC;

int api_create(const struct api_options *options, struct api **ret_api)
{
    ASSERT(options->store != NULL && options->auth != NULL && options->spool != NULL &&
           options->kept != NULL);
    uint32_t factor = options->rate_factor > 0 ? options->rate_factor : 1;
    struct str public_url = str_from(options->public_url);
    struct api_origin origin;
    int r = api_origin_init(&origin, public_url);
    if (r < 0 || factor > API_MAX_RATE_FACTOR) {
        return ERR_INVALID;
    }
    struct api *api = MEM_NEW(struct api);
    api->magic = API_MAGIC;
    api->store = options->store;
    api->space = options->space;
    api->kept = options->kept;
    api->spool = mem_dup(options->spool, strlen(options->spool));
    api->auth = options->auth;
    api->gateway = options->gateway;
    api->local = options->local;
    api->workspace = options->workspace;
    api->log = options->log;
    api->git_plain_http = options->git_plain_http;
    api->audit_reads = options->audit_reads;
    api->cors_origins = options->cors_origins;
    api->cors_count = options->cors_count;
    api->login_life = options->login_life > 0 ? options->login_life : login_life;
    if (public_url.n > 0) {
        api->public_url = mem_dup(public_url.p, public_url.n);
        r = api_origin_init(&api->origin, str_from(api->public_url));
        ASSERT(r == 0);
    } else {
        api->origin = origin;
    }
    api->limiter = api_limiter_create(factor);
    api->share = api_share_create();
    api->metrics = api_metrics_create();
    api->realtime = api_events_create(options);
    r = api_web_init(api, options);
    if (r < 0) {
        api_destroy(api);
        return r;
    }
    *ret_api = api;
    return 0;
}

static uint64_t requests_of(const struct api *api, const struct data_quota *quota,
                            enum api_rate_class rate)
{
    ASSERT(api_rates[rate].seconds == 60);
    return api_limiter_most(
        api->limiter,
        &(struct api_limit_ask){.rate = rate, .requests = api_limit_planned(quota, rate)});
}

void api_requests(const struct api *api, struct data_quota *quota)
{
    ASSERT_MAGIC(api, API_MAGIC);
    quota->requests = requests_of(api, quota, API_RATE_USER);
    quota->file_requests = requests_of(api, quota, API_RATE_FILES);
    quota->socket_requests = requests_of(api, quota, API_RATE_SOCKETS);
}

void api_destroy(struct api *api)
{
    if (api == NULL) {
        return;
    }
    ASSERT_MAGIC(api, API_MAGIC);
    api->magic = 0;
    api_web_fini(api);
    realtime_destroy(api->realtime);
    api_limiter_destroy(api->limiter);
    api_share_destroy(api->share);
    api_metrics_destroy(api->metrics);
    mem_free(api->spool);
    mem_free(api->public_url);
    mem_free(api);
}
