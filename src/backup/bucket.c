/*
 * Requests to a bucket, by libcurl: names, TLS with verification, one connection that is kept. Addressed by path
 * (https://host/bucket/prefix/name), which every server that understands S3 takes.
 *
 * 1. Whoever waits asks ten times a second whether it shall stop: a dead bucket keeps nobody.
 * 2. A request ends after access.patience with all its tries; no byte for a quarter of that ends one try. A bucket that was given
 *    up once is not asked again, so that what tidies up afterwards does not wait as long once more.
 * 3. Only what cannot have another result twice is asked: an object is put whole, or it is not there.
 * 4. What it says in words is foreign: bounded, and without control characters in the log.
 */
#include <curl/curl.h>
#include <stdio.h>

#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"

enum {
    SAID_MOST = 16 << 10,
    LINE_MOST = 4096,
    PAGES_MOST = 100 * 1000,
    EMPTY_MOST = 100, /* pages one after the other that name nothing */
    POLL_MS = 100,
    QUIET_PART = 4, /* of the patience */
    STATUS_GOOD = 200,
    STATUS_PART = 206,
    STATUS_BAD = 300,
};
static const usec_t first_pause = 250 * USEC_PER_MS;
static const usec_t longest_pause = 8 * USEC_PER_SEC;
static const usec_t longest_connect = 10 * USEC_PER_SEC;

struct backup_bucket {
    const char *url;
    struct backup_access access;
    struct backup_address address;
    CURLM *multi;
    CURL *curl;
    struct buf said; /* of a refusal */
    int given_up;    /* why; 0: not */
};

/* One request, from its first try to its last. */
struct asking {
    struct backup_bucket *b;
    const struct backup_request *q;
    struct buf *reply;
    usec_t deadline; /* monotonic */
    CURLcode code;
    long status;
    bool too_much;
    char why[CURL_ERROR_SIZE];
};

/* ---- Its life ---- */

int backup_bucket_create(const struct backup_where *where, struct backup_bucket **ret_b)
{
    struct backup_bucket *b = MEM_NEW(struct backup_bucket);
    b->access = where->access;
    buf_init(&b->said, SAID_MOST);
    b->multi = curl_multi_init();
    b->curl = curl_easy_init();
    b->url = where->path;
    int r = backup_address_read(where->path, &b->address);
    if (r) {
        r = log_err(r, "backup", "%s is no bucket's address", where->path);
    } else if (!b->multi || !b->curl || !b->access.key || !b->access.secret) {
        r = log_err(ERR_INVALID, "backup", "there is no key to ask %s with", where->path);
    }
    if (r) {
        backup_bucket_destroy(b);
        return r;
    }
    *ret_b = b;
    return 0;
}

void backup_bucket_destroy(struct backup_bucket *b)
{
    if (b) {
        curl_easy_cleanup(b->curl);
        (void)curl_multi_cleanup(b->multi);
        buf_fini(&b->said);
        mem_free(b);
    }
}

/* ---- One try ---- */

static bool stops(const struct backup_bucket *b)
{
    return b->access.stop && atomic_load(b->access.stop);
}

static bool is_good(long status)
{
    return status >= STATUS_GOOD && status < STATUS_BAD;
}

static size_t take(char *bytes, size_t size, size_t count, void *ctx)
{
    struct asking *a = ctx;
    long status = 0;
    (void)curl_easy_getinfo(a->b->curl, CURLINFO_RESPONSE_CODE, &status);
    struct buf *to = is_good(status) ? a->reply : &a->b->said;
    buf_add(to, str_of(bytes, size * count));
    a->too_much = to->error != 0;
    return a->too_much ? 0 : size * count;
}

#define SET(option, value) ASSERT(curl_easy_setopt(curl, option, value) == CURLE_OK)

static void add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    ASSERT(longer != NULL);
    *list = longer;
}

static struct curl_slist *sign(const struct asking *a, const char *path)
{
    const struct backup_request *q = a->q;
    struct backup_signing s = {
        .access = &a->b->access, .method = q->method, .path = path, .query = q->query};
    char range[64];
    (void)snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)q->first,
                   (unsigned long long)(q->first + q->n - 1));
    struct content_hash hash;
    content_hash(q->body, &hash);
    content_hash_text(&hash, s.body_hash);
    backup_sign_time(s.time, time_now());
    const struct backup_header headers[] = {{"host", a->b->address.host},
                                            {"range", range},
                                            {"x-amz-content-sha256", s.body_hash},
                                            {"x-amz-date", s.time}};
    const struct backup_header whole[] = {headers[0], headers[2], headers[3]};
    s.headers = q->n > 0 ? headers : whole;
    s.header_count = q->n > 0 ? sizeof headers / sizeof *headers : sizeof whole / sizeof *whole;
    struct curl_slist *list = NULL;
    BUF_AUTO(line, LINE_MOST);
    for (size_t i = 0; i < s.header_count; i++) {
        buf_clear(&line);
        buf_printf(&line, "%s: %s", s.headers[i].name, s.headers[i].value);
        add_line(&list, buf_z(&line));
    }
    buf_clear(&line);
    backup_sign(&s, &line);
    add_line(&list, buf_z(&line));
    add_line(&list, "Expect:");
    add_line(&list, "Content-Type:");
    return list;
}

static void set_times(CURL *curl, const struct asking *a)
{
    usec_t patience = a->b->access.patience;
    usec_t left = a->deadline - time_monotonic();
    usec_t quiet = patience / QUIET_PART;
    usec_t connect = quiet < longest_connect ? quiet : longest_connect;
    SET(CURLOPT_TIMEOUT_MS, (long)(left > USEC_PER_MS ? left / USEC_PER_MS : 1));
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / USEC_PER_MS));
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)(quiet > USEC_PER_SEC ? quiet / USEC_PER_SEC : 1));
}

static void set_security(CURL *curl, const struct backup_bucket *b)
{
    SET(CURLOPT_PROTOCOLS_STR, b->address.scheme.p);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name that is being looked up keeps nobody */
    if (b->access.authorities.n > 0) {
        struct curl_blob blob = {.data = (void *)(uintptr_t)b->access.authorities.p,
                                 .len = b->access.authorities.n,
                                 .flags = CURL_BLOB_NOCOPY};
        SET(CURLOPT_CAINFO_BLOB, &blob);
    }
}

static void set_request(CURL *curl, struct asking *a, const char *path)
{
    const struct backup_request *q = a->q;
    BUF_AUTO(url, LINE_MOST);
    buf_printf(&url, STR_FMT "://%s%s%s" STR_FMT, STR_ARG(a->b->address.scheme), a->b->address.host,
               path, q->query.n > 0 ? "?" : "", STR_ARG(q->query));
    ASSERT(url.error == 0);
    SET(CURLOPT_URL, buf_z(&url));
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_CUSTOMREQUEST, q->method);
    if (strcmp(q->method, "PUT") == 0) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
        SET(CURLOPT_POSTFIELDS, q->body.n > 0 ? q->body.p : "");
    }
    SET(CURLOPT_WRITEFUNCTION, take);
    SET(CURLOPT_WRITEDATA, a);
    SET(CURLOPT_ERRORBUFFER, a->why);
}

static CURLcode perform(struct backup_bucket *b)
{
    int running = 1;
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    ASSERT(curl_multi_add_handle(b->multi, b->curl) == CURLM_OK);
    while (running > 0 && !stops(b)) {
        CURLMcode r = curl_multi_perform(b->multi, &running);
        r = r == CURLM_OK && running > 0 ? curl_multi_poll(b->multi, NULL, 0, POLL_MS, NULL) : r;
        if (r != CURLM_OK) {
            break;
        }
    }
    int left;
    for (const CURLMsg *m; running == 0 && (m = curl_multi_info_read(b->multi, &left));) {
        code = m->msg == CURLMSG_DONE ? m->data.result : code;
    }
    (void)curl_multi_remove_handle(b->multi, b->curl);
    return code;
}

static void try_once(struct asking *a)
{
    CURL *curl = a->b->curl;
    char path[2 * BACKUP_ADDRESS_MOST + BACKUP_FILE_ROOM];
    (void)snprintf(path, sizeof path, "%s%s%s%s", a->b->address.path, a->q->name ? "/" : "",
                   a->q->name ? a->b->address.prefix : "", a->q->name ? a->q->name : "");
    buf_clear(a->reply);
    buf_clear(&a->b->said);
    a->too_much = false;
    a->status = 0;
    a->why[0] = '\0';
    curl_easy_reset(curl); /* the connection stays */
    set_security(curl, a->b);
    set_times(curl, a);
    set_request(curl, a, path);
    struct curl_slist *headers = sign(a, path);
    SET(CURLOPT_HTTPHEADER, headers);
    a->code = perform(a->b);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_reset(curl);
    curl_slist_free_all(headers);
}

/* ---- What came of it ---- */

enum outcome { DONE, AGAIN, NEVER };

/* Its words, for the log. */
static void clean(char *text)
{
    for (char *p = text; *p; p++) {
        *p = (unsigned char)*p < ' ' || *p == 0x7f ? ' ' : *p;
    }
}

static bool is_one_of(const char *code, const char *const *codes)
{
    while (*codes && strcmp(code, *codes) != 0) {
        codes++;
    }
    return *codes != NULL;
}

/* A refusal: what it means to us. */
static int meaning(long status, const char *code)
{
    static const char *const full[] = {"QuotaExceeded", "XMinioStorageFull", "EntityTooLarge",
                                       NULL};
    if (is_one_of(code, full) || status == 507) {
        return ERR_NO_SPACE;
    }
    switch (status) {
    case 401:
    case 403:
        return ERR_FORBIDDEN;
    case 404:
        return ERR_NOT_FOUND;
    default:
        return status >= 500 || status == 408 || status == 429 ? ERR_TIMEOUT : ERR_INVALID;
    }
}

static enum outcome judge_refusal(struct asking *a, int *ret_error)
{
    static const char *const broken[] = {
        "RequestTimeout",   "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch",
        "OperationAborted", "SlowDown",       NULL};
    struct backup_reply reply = {.is_list = false};
    (void)!backup_reply_parse(buf_str(&a->b->said), STR_EMPTY, &reply);
    VEC_FREE(&reply.objects);
    clean(reply.code);
    clean(reply.message);
    *ret_error = meaning(a->status, reply.code);
    bool again =
        a->status >= 500 || a->status == 408 || a->status == 429 || is_one_of(reply.code, broken);
    if (*ret_error == ERR_NOT_FOUND && strcmp(a->q->method, "PUT") == 0) {
        *ret_error = ERR_IO; /* nothing was looked for */
    } else if (a->status == 404 && a->q->name && strcmp(reply.code, "NoSuchBucket") != 0) {
        return NEVER; /* not said: the caller knows what it means */
    }
    log_printf(again ? LOG_INFO : LOG_ERROR, "backup", "%s: %s %s is answered %ld%s%s%s%s",
               a->b->url, a->q->method, a->q->name ? a->q->name : "of its list", a->status,
               reply.code[0] ? " " : "", reply.code, reply.message[0] ? ": " : "", reply.message);
    return again && *ret_error != ERR_NO_SPACE ? AGAIN : NEVER;
}

static enum outcome judge(struct asking *a, int *ret_error)
{
    const struct backup_request *q = a->q;
    const char *name = q->name ? q->name : "of its list";
    if (stops(a->b)) {
        *ret_error = ERR_CLOSED;
        return NEVER;
    }
    bool bad_certificate = a->code == CURLE_PEER_FAILED_VERIFICATION;
    bool refused = a->status > 0 && !is_good(a->status);
    if (a->too_much ? !refused : a->code != CURLE_OK) { /* of a refusal the beginning is enough */
        const char *why = a->too_much ? "it sends more than was asked for"
                          : a->why[0] ? a->why
                                      : curl_easy_strerror(a->code);
        log_printf(bad_certificate ? LOG_ERROR : LOG_INFO, "backup", "%s: %s %s: %s", a->b->url,
                   q->method, name, why);
        *ret_error = bad_certificate ? ERR_FORBIDDEN : ERR_TIMEOUT;
        return bad_certificate ? NEVER : AGAIN;
    }
    if (refused) {
        return judge_refusal(a, ret_error);
    }
    if (q->n > 0 && (a->status != STATUS_PART || a->reply->n != q->n)) {
        log_info("backup", "%s: %s %s: %zu bytes came (%ld) where %llu were asked for", a->b->url,
                 q->method, name, a->reply->n, a->status, (unsigned long long)q->n);
        *ret_error = ERR_IO;
        return AGAIN;
    }
    return DONE;
}

/* Until it may be tried again; nothing is waited on, but whether to stop. */
static void pause_for(struct backup_bucket *b, usec_t pause)
{
    usec_t until = time_monotonic() + pause;
    for (usec_t left = pause; left > 0 && !stops(b); left = until - time_monotonic()) {
        int ms = left < POLL_MS * USEC_PER_MS ? (int)(left / USEC_PER_MS) + 1 : POLL_MS;
        if (curl_multi_poll(b->multi, NULL, 0, ms, NULL) != CURLM_OK) {
            return;
        }
    }
}

int backup_bucket_ask(struct backup_bucket *b, const struct backup_request *q, struct buf *reply)
{
    if (b->given_up) {
        return b->given_up;
    }
    struct asking a = {
        .b = b, .q = q, .reply = reply, .deadline = time_monotonic() + b->access.patience};
    enum outcome outcome = AGAIN;
    int r = ERR_TIMEOUT;
    for (usec_t pause = first_pause; outcome == AGAIN; pause *= 2) {
        try_once(&a);
        outcome = judge(&a, &r);
        pause = pause < longest_pause ? pause : longest_pause;
        usec_t wait = pause / 2 + (usec_t)rand_below((uint64_t)pause);
        if (outcome == AGAIN && time_monotonic() + wait >= a.deadline) {
            b->given_up = log_err(r, "backup", "%s does not do what is asked: given up", b->url);
            return r;
        }
        if (outcome == AGAIN) {
            pause_for(b, wait);
        }
    }
    b->given_up = r == ERR_CLOSED && outcome == NEVER ? r : 0;
    return outcome == DONE ? 0 : r;
}

/* ---- Its list ---- */

/* As S3 encodes the value of a parameter. */
static void encode(struct buf *b, const char *text)
{
    for (const char *p = text; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("-._~", *p);
        if (plain) {
            buf_byte(b, *p);
        } else {
            buf_printf(b, "%%%02X", (unsigned char)*p);
        }
    }
}

static int list_page(struct backup_bucket *b, struct backup_reply *reply, struct buf *body)
{
    BUF_AUTO(query, LINE_MOST);
    if (reply->token[0]) {
        buf_printf(&query, "continuation-token=");
        encode(&query, reply->token);
        buf_byte(&query, '&');
    }
    buf_printf(&query, "list-type=2&prefix=");
    encode(&query, b->address.prefix);
    int r = backup_bucket_ask(
        b, &(struct backup_request){.method = "GET", .query = buf_str(&query)}, body);
    if (r) {
        return r;
    }
    reply->is_list = reply->more = false;
    reply->token[0] = '\0';
    r = backup_reply_parse(buf_str(body), str_from(b->address.prefix), reply);
    r = r == 0 && (!reply->is_list || (reply->more && !reply->token[0])) ? ERR_CORRUPT : r;
    return r ? log_err(ERR_IO, "backup", "%s answers something else than its list", b->url) : 0;
}

/* One that leads in a circle passes a page that was kept, since those lie ever farther apart. */
int backup_bucket_list(struct backup_bucket *b, struct backup_reply *reply)
{
    BUF_AUTO(body, BACKUP_REPLY_MOST);
    char kept[sizeof reply->token] = "";
    size_t empty = 0;
    int r = 0;
    reply->more = true;
    for (size_t pages = 1; r == 0 && reply->more; pages++) {
        size_t before = reply->objects.n;
        r = list_page(b, reply, &body);
        empty = reply->objects.n > before ? 0 : empty + 1;
        if (r == 0 && reply->more && (empty > EMPTY_MOST || strcmp(kept, reply->token) == 0)) {
            r = log_err(ERR_IO, "backup", "%s has a list without an end", b->url);
        }
        if ((pages & (pages - 1)) == 0) {
            memcpy(kept, reply->token, sizeof kept);
        }
        if (r == 0 && (reply->objects.n > BACKUP_OBJECTS_MOST || pages > PAGES_MOST)) {
            r = log_err(ERR_LIMIT, "backup", "%s holds more than %d objects", b->url,
                        BACKUP_OBJECTS_MOST);
        }
    }
    return r;
}
