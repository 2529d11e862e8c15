/*
 * HTTP for the command line, by libcurl: names, TLS with the machine's authorities, proxies (docs/adr/0020). One connection,
 * kept between calls.
 *
 * 1. The address goes out as it was encoded: no ".." is resolved here, no redirection followed, nothing but http and https.
 * 2. File content goes from and to descriptors in pieces of libcurl's buffer: memory does not grow with it.
 * 3. The sink gets bytes of a successful reply only; an error's body is kept for its message.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli_int.h"
#include "cli/shell.h"
#include "cli/trouble.h"

enum { REPLY_MOST = 16 * 1024 * 1024, CONNECT_S = 20, SILENCE_S = 120, BUFFER = 256 * 1024 };

struct cli_transport {
    struct cli_run *run;
    CURL *curl;
    CURLcode code; /* of the last call */
    char error[CURL_ERROR_SIZE];
    char agent[160];
};

int cli_transport_create(struct cli_run *run, struct cli_transport **ret_transport)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        return cli_fail(run, ERR_IO, "libcurl cannot be started");
    }
    struct cli_transport *t = MEM_NEW(struct cli_transport);
    char host[65] = "";
    (void)gethostname(host, sizeof host - 1);
    t->run = run;
    (void)snprintf(t->agent, sizeof t->agent, "coditect/%s%s", CODITECT_VERSION,
                   host[0] ? " on " : "");
    for (size_t n = strlen(t->agent), i = 0; host[i] && n + 1 < sizeof t->agent; i++, n++) {
        t->agent[n] = host[i] > ' ' && host[i] < 0x7f ? host[i] : '-';
    }
    t->curl = curl_easy_init();
    if (!t->curl) {
        cli_transport_destroy(t);
        return cli_fail(run, ERR_IO, "libcurl cannot be started");
    }
    *ret_transport = t;
    return 0;
}

void cli_transport_destroy(struct cli_transport *t)
{
    if (!t) {
        return;
    }
    curl_easy_cleanup(t->curl);
    curl_global_cleanup();
    mem_free(t);
}

/* ---- bodies: called by libcurl ---- */

static size_t take_body(char *to, size_t size, size_t count, void *ctx)
{
    struct cli_exchange *x = ctx;
    size_t most = size * count;
    if (x->body_length >= 0 && (uint64_t)x->body_length - x->taken < most) {
        most = (size_t)((uint64_t)x->body_length - x->taken);
    }
    ssize_t n;
    do {
        n = read(x->body_fd, to, most);
    } while (n < 0 && errno == EINTR);
    if (n < 0 || (n == 0 && most > 0 && x->body_length >= 0)) {
        x->body_errno = n < 0 ? errno : -1;
        return CURL_READFUNC_ABORT;
    }
    x->taken += (uint64_t)n;
    cli_meter_moved(x->meter, (uint64_t)n);
    return (size_t)n;
}

static size_t give_reply(char *bytes, size_t size, size_t count, void *ctx)
{
    struct cli_exchange *x = ctx;
    struct str s = str_of(bytes, size * count);
    if (x->sink_fd < 0 || x->status < 200 || x->status > 299) {
        buf_add(&x->reply, s);
        return x->reply.error ? 0 : s.n;
    }
    if (fd_write_all(x->sink_fd, s) < 0) {
        x->sink_errno = errno;
        return 0;
    }
    x->written += s.n;
    cli_meter_moved(x->meter, s.n);
    return s.n;
}

/* libcurl starts over on another connection. */
static int rewind_body(void *ctx, curl_off_t offset, int origin)
{
    struct cli_exchange *x = ctx;
    if (origin != SEEK_SET || x->body_start < 0 ||
        lseek(x->body_fd, x->body_start + offset, SEEK_SET) < 0) {
        return CURL_SEEKFUNC_FAIL;
    }
    x->taken = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void note_fact(struct cli_facts *facts, struct str name, struct str value)
{
    if (str_eq_nocase(name, STR("File-Type"))) {
        facts->link = str_eq(value, STR("symlink"));
    } else if (str_eq_nocase(name, STR("File-Mtime"))) {
        facts->timed = time_parse(value, &facts->mtime) == 0;
    } else if (str_eq_nocase(name, STR("File-Mode")) && value.n <= 4) {
        int mode = 0;
        for (size_t i = 0; i < value.n; i++) {
            mode = mode * 8 + (value.p[i] & 7);
        }
        facts->mode = mode;
    }
}

/* Status line first, then the headers; of interim replies too, which the last one overwrites. */
static size_t give_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct cli_exchange *x = ctx;
    struct str line = str_of(bytes, size * count);
    if (str_starts(line, STR("HTTP/"))) {
        size_t at = str_find(line, ' ', 0);
        uint64_t status = 0;
        (void)!str_u64(str_slice(line, at + 1, at + 4), 999, &status);
        x->status = (int)status;
        x->etag[0] = x->moment[0] = '\0';
        x->retry_after = -1;
        x->facts = (struct cli_facts){.mode = -1};
        return line.n;
    }
    size_t colon = str_find(line, ':', 0);
    struct str name = str_slice(line, 0, colon);
    struct str value = str_slice(line, colon + 1, line.n);
    while (value.n > 0 && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r')) {
        value.n--;
    }
    value = str_trim(value);
    uint64_t seconds;
    if (str_eq_nocase(name, STR("ETag")) && value.n < sizeof x->etag) {
        (void)snprintf(x->etag, sizeof x->etag, STR_FMT, STR_ARG(value));
    } else if (str_eq_nocase(name, STR("Moment")) && value.n < sizeof x->moment) {
        (void)snprintf(x->moment, sizeof x->moment, STR_FMT, STR_ARG(value));
    } else if (str_eq_nocase(name, STR("Retry-After")) && str_u64(value, 86400, &seconds) == 0) {
        x->retry_after = (int64_t)seconds;
    } else {
        note_fact(&x->facts, name, value);
    }
    return line.n;
}

/* ---- the request ---- */

#define SET(option, value) ASSERT(curl_easy_setopt(curl, option, value) == CURLE_OK)

static void set_general(CURL *curl, struct cli_transport *t, const char *url)
{
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, t->agent);
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_BUFFERSIZE, (long)BUFFER);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER);
    if (strncmp(url, "http:", 5) == 0) { /* this machine: nothing of it goes to a proxy */
        SET(CURLOPT_PROXY, "");
    }
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities && authorities[0]) {
        SET(CURLOPT_CAINFO, authorities);
    }
}

static void set_body(CURL *curl, struct cli_exchange *x)
{
    bool bodiless = strcmp(x->method, "GET") == 0 || strcmp(x->method, "DELETE") == 0;
    if (bodiless) {
        SET(CURLOPT_HTTPGET, 1L);
    } else if (x->body_fd >= 0) {
        x->body_start = lseek(x->body_fd, 0, SEEK_CUR);
        SET(CURLOPT_UPLOAD, 1L);
        SET(CURLOPT_SEEKFUNCTION, rewind_body);
        SET(CURLOPT_SEEKDATA, x);
        SET(CURLOPT_READFUNCTION, take_body);
        SET(CURLOPT_READDATA, x);
        SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_length);
    } else {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.n);
        SET(CURLOPT_POSTFIELDS, x->body.n > 0 ? x->body.p : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, x->method);
}

static struct curl_slist *make_headers(const struct cli_exchange *x)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < x->headers.n; i++) {
        struct curl_slist *more = curl_slist_append(list, x->headers.at[i]);
        ASSERT(more != NULL);
        list = more;
    }
    return list;
}

/* ---- what went wrong ---- */

static int body_failed(struct cli_transport *t, const struct cli_exchange *x)
{
    if (x->sink_errno == EPIPE && x->sink_fd == STDOUT_FILENO) {
        t->run->closed = true;
    }
    if (x->sink_errno) {
        return cli_fail(t->run, ERR_IO, "writing failed: %s", strerror(x->sink_errno));
    }
    if (x->body_errno == -1) {
        return cli_fail(t->run, ERR_IO, "the file became shorter while it was read");
    }
    return cli_fail(t->run, ERR_IO, "reading failed: %s", strerror(x->body_errno));
}

static int failed(struct cli_transport *t, const struct cli_exchange *x, CURLcode code)
{
    if (x->sink_errno || x->body_errno) {
        return body_failed(t, x);
    }
    if (x->reply.error) {
        return cli_fail(t->run, ERR_CORRUPT, "the server's reply is too long");
    }
    const char *why = t->error[0] ? t->error : curl_easy_strerror(code);
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        return cli_fail(t->run, ERR_INVALID, "the server's address is wrong: %s", why);
    }
    struct str server = str_slice(x->url, 0, str_find(x->url, '/', sizeof "https://" - 1));
    return cli_fail(t->run, ERR_UNAVAILABLE, STR_FMT " does not answer: %s", STR_ARG(server), why);
}

enum cli_trouble cli_transport_trouble(const struct cli_transport *t, const char **ret_why)
{
    *ret_why = t->error[0] ? t->error : curl_easy_strerror(t->code);
    switch (t->code) {
    case CURLE_OK:
    case CURLE_URL_MALFORMAT: /* that is the caller's */
    case CURLE_UNSUPPORTED_PROTOCOL:
        return CLI_TROUBLE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return CLI_TROUBLE_NAME;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
        return CLI_TROUBLE_PORT;
    case CURLE_PEER_FAILED_VERIFICATION:
        return CLI_TROUBLE_CERTIFICATE;
    case CURLE_SSL_CACERT_BADFILE:
        return CLI_TROUBLE_AUTHORITIES;
    case CURLE_SSL_CONNECT_ERROR:
        return CLI_TROUBLE_TLS;
    default:
        return CLI_TROUBLE_BROKEN;
    }
}

int cli_transport_do(struct cli_transport *t, struct cli_exchange *x)
{
    CURL *curl = t->curl;
    buf_fini(&x->reply);
    buf_init(&x->reply, REPLY_MOST);
    x->taken = x->written = 0;
    x->body_errno = x->sink_errno = x->status = 0;
    x->etag[0] = x->moment[0] = t->error[0] = '\0';
    x->retry_after = -1;
    curl_easy_reset(curl);
    set_general(curl, t, x->url.p);
    set_body(curl, x);
    struct curl_slist *headers = make_headers(x);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_HEADERFUNCTION, give_header);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_WRITEFUNCTION, give_reply);
    SET(CURLOPT_WRITEDATA, x);
    CURLcode code = curl_easy_perform(curl);
    SET(CURLOPT_HTTPHEADER, (struct curl_slist *)NULL);
    curl_slist_free_all(headers);
    t->code = code;
    return code == CURLE_OK ? 0 : failed(t, x, code);
}

/* ---- a connection that is not kept for calls ---- */

struct cli_connection {
    CURL *curl;
    curl_socket_t fd;
};

int cli_connection_open(struct cli_transport *t, const char *url,
                        struct cli_connection **ret_connection)
{
    CURL *curl = curl_easy_init();
    if (!curl) {
        return cli_fail(t->run, ERR_IO, "libcurl cannot be started");
    }
    struct cli_connection *c = MEM_NEW(struct cli_connection);
    c->curl = curl;
    t->error[0] = '\0';
    set_general(curl, t, url);
    SET(CURLOPT_CONNECT_ONLY, 1L);
    CURLcode code = curl_easy_perform(curl);
    SET(CURLOPT_ERRORBUFFER, (char *)NULL);
    if (code == CURLE_OK) {
        code = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &c->fd);
    }
    if (code != CURLE_OK) {
        struct cli_exchange x = {.url = str_from(url)};
        cli_connection_close(c);
        return failed(t, &x, code);
    }
    *ret_connection = c;
    return 0;
}

void cli_connection_close(struct cli_connection *c)
{
    if (c) {
        curl_easy_cleanup(c->curl);
        mem_free(c);
    }
}

int cli_connection_fd(const struct cli_connection *c)
{
    return c->fd;
}

ssize_t cli_connection_send(struct cli_connection *c, struct str bytes)
{
    size_t n = 0;
    CURLcode code = curl_easy_send(c->curl, bytes.p, bytes.n, &n);
    return code == CURLE_OK ? (ssize_t)n : code == CURLE_AGAIN ? 0 : ERR_IO;
}

ssize_t cli_connection_receive(struct cli_connection *c, void *to, size_t room)
{
    size_t n = 0;
    CURLcode code = curl_easy_recv(c->curl, to, room, &n);
    if (code == CURLE_AGAIN) {
        return 0;
    }
    return code == CURLE_OK && n > 0 ? (ssize_t)n : ERR_IO;
}
