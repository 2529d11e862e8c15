/*
 * Calls to the API: an operation and what it says in, the decoded reply out.
 *
 * 1. A call is repeated only when the server says that it did nothing (401, 429, 503 with Retry-After) and its body can be read
 *    again. POSTs that create carry an Idempotency-Key, the same for every attempt.
 * 2. The token's age is looked at before a call, so that a body from a pipe is not lost to a 401.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cli/cli_int.h"
#include "cli/trouble.h"

enum {
    TARGET_MOST = 64 * 1024,
    BODY_MOST = 64 * 1024,
    HEADER_MOST = 8 * 1024,
    EARLY_S = 30,     /* before its end a token is refreshed */
    PATIENCE_S = 300, /* in which a call waits for a busy server, all in all */
    NOTEWORTHY_S = 3,
    ASK_FROM = 256 * 1024, /* bytes: a larger body waits until the server wants it */
};

struct cli_client {
    struct cli_run *run;
    struct cli_transport *transport;
    struct str url;
    bool has_account;
    struct arena account_arena;
    struct cli_account account;
    struct arena arena; /* of the last reply */
    struct buf reply;
};

/* One call on its way; in memory of its own, because refreshing tokens is a call too. */
struct attempt {
    struct cli_client *client;
    const struct cli_call *call;
    struct cli_exchange x;
    struct buf url, body, headers;
    VEC(size_t) starts; /* of each header in headers */
    size_t fixed;       /* bytes of headers that stay for the next attempt */
    size_t fixed_count;
    char key[33];
};

/* ---- creation ---- */

/* A password over plain http is for this machine only. */
static bool is_near(struct str url)
{
    struct str host = str_slice(url, sizeof "http://" - 1, url.n);
    host = str_slice(host, 0, str_find(host, '/', 0));
    if (host.n > 0 && host.p[0] == '[') {
        return str_starts(host, STR("[::1]"));
    }
    host = str_slice(host, 0, str_find(host, ':', 0));
    return str_eq(host, STR("localhost")) || str_ends(host, STR(".localhost")) ||
           str_eq(host, STR("127.0.0.1"));
}

static int check_url(struct cli_run *run, struct str url)
{
    bool plain = str_starts(url, STR("http://"));
    if (!plain && !str_starts(url, STR("https://"))) {
        return cli_fail(run, ERR_INVALID,
                        "the server's address must begin with https:// or http://");
    }
    for (size_t i = 0; i < url.n; i++) {
        if (url.p[i] <= ' ' || url.p[i] == 0x7f || strchr("?#@\\", url.p[i])) {
            return cli_fail(run, ERR_INVALID, "the server's address has a character that none has");
        }
    }
    if (plain && !is_near(url)) {
        return cli_fail(run, ERR_INVALID,
                        "http:// would send the password readable for others; use https://");
    }
    return 0;
}

/* A server has a host of its own. What was stored before this was asked is left alone: some proxies do take a path off. */
static int check_path(struct cli_run *run, struct str url)
{
    struct str server = str_slice(url, 0, str_find(url, '/', str_find(url, ':', 0) + 3));
    if (server.n < url.n) {
        return cli_fail(
            run, ERR_INVALID,
            "the server's address ends with its name or port, no path follows: " STR_FMT,
            STR_ARG(server));
    }
    return 0;
}

static struct str without_slashes(struct str url)
{
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    return url;
}

static int create(struct cli_run *run, struct str url, struct cli_client **ret_client)
{
    int r = check_url(run, url);
    if (r < 0) {
        return r;
    }
    struct cli_client *client = MEM_NEW(struct cli_client);
    arena_init(&client->account_arena);
    arena_init(&client->arena);
    client->run = run;
    client->url = arena_str(&client->account_arena, url);
    r = cli_transport_create(run, &client->transport);
    if (r < 0) {
        cli_client_destroy(client);
        return r;
    }
    *ret_client = client;
    return 0;
}

int cli_client_create(struct cli_run *run, struct str url, struct cli_client **ret_client)
{
    url = without_slashes(url);
    int r = check_url(run, url);
    r = r < 0 ? r : check_path(run, url);
    return r < 0 ? r : create(run, url, ret_client);
}

void cli_client_destroy(struct cli_client *client)
{
    if (!client) {
        return;
    }
    cli_transport_destroy(client->transport);
    buf_fini(&client->reply);
    arena_fini(&client->arena);
    arena_fini(&client->account_arena);
    mem_free(client);
}

enum cli_trouble cli_client_trouble(const struct cli_client *client, const char **ret_why)
{
    return cli_transport_trouble(client->transport, ret_why);
}

int cli_client(struct cli_run *run, struct cli_client **ret_client)
{
    if (!run->client) {
        struct cli_account account;
        bool given = false;
        int r = cli_account_given(run, &account, &given);
        if (r == 0 && !given) {
            r = cli_account_load(run, &run->arena, &account);
        }
        r = r < 0   ? r
            : given ? cli_client_create(run, account.url, &run->client)
                    : create(run, without_slashes(account.url), &run->client);
        if (r < 0) {
            return r;
        }
        run->client->account = account;
        run->client->has_account = true;
    }
    *ret_client = run->client;
    return 0;
}

const struct cli_account *cli_client_account(const struct cli_client *client)
{
    return &client->account;
}

/* ---- tokens ---- */

static int use_refresh_token(struct cli_client *client, struct cli_account *account)
{
    struct cli_reply reply;
    struct cli_refreshed fresh = {0};
    struct cli_auth_refresh_in in = {.refresh_token = account->refresh_token,
                                     .has_refresh_token = true};
    int r = cli_auth_refresh(client, &in, NULL, &reply);
    if (r == ERR_UNAUTHENTICATED || r == ERR_REUSED) {
        return cli_fail(client->run, ERR_UNAUTHENTICATED,
                        "this login has ended; log in again: coditect login %s", client->url.p);
    }
    r = r < 0 ? r : cli_shape_read(client->run, &cli_shape_refreshed, reply.data, &fresh);
    if (r < 0) {
        return r;
    }
    account->token = fresh.token;
    if (fresh.has_refresh_token) {
        account->refresh_token = fresh.refresh_token;
    }
    account->expires_at = time_now() / USEC_PER_SEC + fresh.expires_in;
    return cli_account_save(client->run, account);
}

static void keep_account(struct cli_client *client, const struct cli_account *account)
{
    struct arena *arena = &client->account_arena;
    client->account = (struct cli_account){
        .url = arena_str(arena, account->url),
        .email = arena_str(arena, account->email),
        .token = arena_str(arena, account->token),
        .refresh_token = arena_str(arena, account->refresh_token),
        .expires_at = account->expires_at,
    };
}

/* Another run may have done it meanwhile: then its tokens are taken. */
static int refresh(struct cli_client *client)
{
    ARENA_AUTO(arena);
    FD_AUTO int lock = -1;
    struct cli_account account;
    int r = cli_account_lock(client->run, &lock);
    r = r < 0 ? r : cli_account_load(client->run, &arena, &account);
    if (r < 0) {
        return r;
    }
    if (!str_eq(account.url, client->account.url) ||
        !str_eq(account.email, client->account.email)) {
        return cli_fail(client->run, ERR_UNAUTHENTICATED, "somebody else has logged in meanwhile");
    }
    if (str_eq(account.token, client->account.token)) {
        r = use_refresh_token(client, &account);
    }
    if (r == 0) {
        keep_account(client, &account);
    }
    return r;
}

static bool is_stale(const struct cli_client *client)
{
    return client->account.expires_at - EARLY_S <= time_now() / USEC_PER_SEC;
}

/* ---- the request ---- */

static void add_header(struct attempt *a, const char *name, struct str value)
{
    VEC_ADD(&a->starts, a->headers.n);
    buf_printf(&a->headers, "%s: " STR_FMT, name, STR_ARG(value));
    buf_byte(&a->headers, '\0');
}

/*
 * "Name:" tells libcurl to leave its own header out. It would ask before it sends any body, which for a small one costs a round
 * trip and saves nothing.
 */
static void add_type(struct attempt *a)
{
    if (a->x.body_fd >= 0 && a->x.body_length >= 0 && a->x.body_length <= ASK_FROM) {
        VEC_ADD(&a->starts, a->headers.n);
        buf_add(&a->headers, STR("Expect:\0"));
    }
    if (a->x.body_fd >= 0) {
        add_header(a, "Content-Type", STR("application/octet-stream"));
    } else if (a->call->operation->json) {
        add_header(a, "Content-Type", STR("application/json"));
    } else {
        VEC_ADD(&a->starts, a->headers.n);
        buf_add(&a->headers, STR("Content-Type:\0"));
    }
}

static void add_given_headers(struct attempt *a)
{
    const struct cli_operation *operation = a->call->operation;
    bool keyed = false;
    for (size_t i = 0; a->call->in && i < operation->field_count; i++) {
        const struct cli_field *field = &operation->fields[i];
        const char *in = a->call->in;
        if (field->source == CLI_IN_HEADER && *(const bool *)(in + field->has_at)) {
            add_header(a, field->name, *(const struct str *)(in + field->at));
            keyed |= strcmp(field->name, "Idempotency-Key") == 0;
        }
    }
    if (a->call->content && a->call->content->handshake) {
        add_header(a, "Origin", a->client->url);
        add_header(a, "Connection", STR("Upgrade"));
        add_header(a, "Upgrade", STR("websocket"));
        add_header(a, "Sec-WebSocket-Version", STR("13"));
        add_header(a, "Sec-WebSocket-Key", STR("Y29kaXRlY3QgZG9jdG9yIQ=="));
    }
    if (a->call->content && a->call->content->accept) {
        add_header(a, "Accept", str_from(a->call->content->accept));
    }
    if (operation->idempotent && !keyed) {
        add_header(a, "Idempotency-Key", str_from(a->key));
    }
}

static int prepare(struct attempt *a)
{
    const struct cli_content *content = a->call->content;
    a->x = (struct cli_exchange){
        .method = a->call->operation->method,
        .body_fd = content ? content->body_fd : -1,
        .body_length = content ? content->length : 0,
        .sink_fd = content ? content->sink_fd : -1,
        .meter = content ? content->meter : NULL,
    };
    BUF_AUTO(key, sizeof a->key);
    unsigned char random[16];
    rand_bytes(random, sizeof random);
    encode_hex(&key, str_of(random, sizeof random));
    (void)snprintf(a->key, sizeof a->key, "%s", buf_z(&key));
    buf_printf(&a->url, STR_FMT "/api/v5", STR_ARG(a->client->url));
    int r = cli_request_target(a->client->run, a->call, &a->url);
    if (r == 0 && a->call->operation->json) {
        r = cli_request_body(a->client->run, a->call, &a->body);
    }
    add_type(a);
    add_given_headers(a);
    a->fixed = a->headers.n;
    a->fixed_count = a->starts.n;
    (void)buf_z(&a->url);
    a->x.url = buf_str(&a->url);
    a->x.body = buf_str(&a->body);
    return r;
}

static int send_attempt(struct attempt *a)
{
    a->headers.n = a->fixed;
    a->starts.n = a->fixed_count;
    a->x.headers.n = 0;
    if (!a->call->operation->public) {
        BUF_AUTO(bearer, HEADER_MOST);
        buf_printf(&bearer, "Bearer " STR_FMT, STR_ARG(a->client->account.token));
        add_header(a, "Authorization", buf_str(&bearer));
    }
    if (a->headers.error) {
        return cli_fail(a->client->run, ERR_TOO_LARGE, "the request's headers are too long");
    }
    for (size_t i = 0; i < a->starts.n; i++) {
        VEC_ADD(&a->x.headers, a->headers.p + a->starts.at[i]);
    }
    return cli_transport_do(a->client->transport, &a->x);
}

static void finish(struct attempt *a)
{
    VEC_FREE(&a->x.headers);
    VEC_FREE(&a->starts);
    buf_fini(&a->x.reply);
    buf_fini(&a->url);
    buf_fini(&a->body);
    buf_fini(&a->headers);
}

/* ---- the reply ---- */

static int refused(struct cli_client *client, int status, const struct json *reply)
{
    if (status == 401 && client->account.is_key) {
        return cli_fail(
            client->run, ERR_UNAUTHENTICATED,
            "the server does not take the key in CODITECT_TOKEN: it is wrong, or ended");
    }
    return cli_refused(client->run, status, reply);
}

static int understand(struct attempt *a, struct cli_reply *ret_reply)
{
    struct cli_client *client = a->client;
    bool good = a->x.status >= 200 && a->x.status < 300;
    struct cli_reply reply = {.status = a->x.status};
    arena_reset(&client->arena);
    buf_fini(&client->reply);
    client->reply = a->x.reply; /* the tree borrows from it */
    buf_init(&a->x.reply, 1);
    reply.etag = arena_str(&client->arena, str_from(a->x.etag));
    reply.moment = arena_str(&client->arena, str_from(a->x.moment));
    if (a->call->content) {
        a->call->content->facts = a->x.facts;
    }
    struct json *value = NULL;
    bool json = json_parse(&client->arena, buf_str(&client->reply), &value, NULL) == 0;
    if (!good) {
        return refused(client, a->x.status, json ? value : NULL);
    }
    if (a->x.sink_fd < 0) {
        reply.data = json ? json_get(value, "data") : NULL;
        if (!reply.data) {
            return cli_fail(client->run, ERR_CORRUPT,
                            "the server does not answer as Coditect does; is the address right?");
        }
        const struct json *page = json_get(value, "page");
        const struct json *next = page ? json_get(page, "next") : NULL;
        reply.next = next && next->kind == JSON_STRING ? next->string : STR_EMPTY;
    }
    *ret_reply = reply;
    return 0;
}

/* ---- the call ---- */

static bool rewound(const struct attempt *a)
{
    const struct cli_exchange *x = &a->x;
    return x->body_fd < 0 || x->taken == 0 ||
           (x->body_start >= 0 && lseek(x->body_fd, x->body_start, SEEK_SET) >= 0);
}

/* Whether the server asked to come again later, and that was waited for. */
static bool waited(struct attempt *a, int64_t *left)
{
    const struct cli_exchange *x = &a->x;
    bool busy = (x->status == 429 || x->status == 503) && x->retry_after >= 0;
    if (!busy || a->call->operation->public || x->retry_after > *left || !rewound(a)) {
        return false;
    }
    int64_t seconds = x->retry_after > 0 ? x->retry_after : 1;
    *left -= seconds;
    if (seconds >= NOTEWORTHY_S && isatty(STDERR_FILENO) == 1) {
        cli_note("coditect: the server wants a pause of %lld s", (long long)seconds);
    }
    cli_wait(seconds * USEC_PER_SEC);
    return true;
}

static int carry_out(struct attempt *a)
{
    int64_t left = PATIENCE_S;
    bool refreshed = a->call->operation->public || a->client->account.is_key;
    int r = prepare(a);
    while (r == 0) {
        if (!refreshed && is_stale(a->client)) {
            refreshed = true;
            r = refresh(a->client);
        }
        r = r < 0 ? r : send_attempt(a);
        if (r < 0) {
            break;
        }
        if (a->x.status == 401 && !refreshed && rewound(a)) {
            refreshed = true;
            r = refresh(a->client);
        } else if (!waited(a, &left)) {
            break;
        }
    }
    return r;
}

int cli_client_call(struct cli_client *client, const struct cli_call *call,
                    struct cli_reply *ret_reply)
{
    ASSERT(call->operation->public || client->has_account);
    struct attempt a = {.client = client, .call = call};
    buf_init(&a.url, TARGET_MOST);
    buf_init(&a.body, BODY_MOST);
    buf_init(&a.headers, 2 * HEADER_MOST);
    buf_init(&a.x.reply, 1);
    int r = carry_out(&a);
    r = r < 0 ? r : understand(&a, ret_reply);
    finish(&a);
    return r;
}
