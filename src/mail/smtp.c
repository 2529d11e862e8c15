/*
 * One message over SMTP, by libcurl: names, TLS with verification, login (RFC 5321, 3207, 4954).
 *
 * 1. Without TLS neither password nor message is said, unless the operator chose so for this server.
 * 2. A message is refused for good when its own recipient or content is (RFC 5321 section 4.2.1, 55x); every other fault may be
 *    the server's or the settings', and is tried again.
 * 3. An exchange ends before the lease of its message does, and a moment after a stop. One that is cut counts as not taken: if the
 *    mail server had the whole message by then it comes once more, and no message is lost.
 * 4. The C library looks names up and cannot be told to stop: libcurl leaves that to a thread of its own, which is not waited for
 *    and ends by itself.
 */
#include <curl/curl.h>

#include "base/assert.h"
#include "mail/mail_int.h"

enum { CONNECT_S = 10, EXCHANGE_S = 30 };
_Static_assert(EXCHANGE_S *USEC_PER_SEC < MAIL_LEASE, "");

struct reading {
    struct mail_exchange *x;
    size_t given;
};

static size_t give(char *to, size_t size, size_t count, void *ctx)
{
    struct reading *reading = ctx;
    struct str left = str_slice(reading->x->message, reading->given, reading->x->message.n);
    size_t n = size * count < left.n ? size * count : left.n;
    if (n > 0) {
        memcpy(to, left.p, n);
    }
    reading->given += n;
    return n;
}

static size_t drop(char *bytes, size_t size, size_t count, void *ctx)
{
    (void)bytes, (void)ctx;
    return size * count;
}

/* libcurl asks about once a second, also while nothing moves. */
static int is_over(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                   curl_off_t up)
{
    const struct mail_exchange *x = ctx;
    (void)down_all, (void)down, (void)up_all, (void)up;
    usec_t cut_at = atomic_load(x->cut_at);
    return cut_at != 0 && time_monotonic() >= cut_at;
}

#define SET(option, value) ASSERT(curl_easy_setopt(curl, option, value) == CURLE_OK)

static void set_server(CURL *curl, const struct mail_options *o)
{
    bool plain = o->tls == MAIL_TLS_NEVER;
    SET(CURLOPT_URL, o->url);
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(CURLOPT_USE_SSL, plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    SET(CURLOPT_TIMEOUT, (long)EXCHANGE_S);
    SET(CURLOPT_QUICK_EXIT, 1L);
    if (o->user) {
        SET(CURLOPT_USERNAME, o->user);
        SET(CURLOPT_PASSWORD, o->password);
    }
    if (o->authorities.n > 0) {
        struct curl_blob blob = {.data = (void *)(uintptr_t)o->authorities.p,
                                 .len = o->authorities.n,
                                 .flags = CURL_BLOB_NOCOPY};
        SET(CURLOPT_CAINFO_BLOB, &blob);
    }
}

static void set_message(CURL *curl, struct reading *reading)
{
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_READFUNCTION, give);
    SET(CURLOPT_READDATA, reading);
    SET(CURLOPT_WRITEFUNCTION, drop);
    SET(CURLOPT_XFERINFOFUNCTION, is_over);
    SET(CURLOPT_XFERINFODATA, reading->x);
    SET(CURLOPT_NOPROGRESS, 0L);
}

/*
 * libcurl has one code for a sender and a recipient that are refused, and one for a greeting and the answer to the content: said
 * is its own words, which name the command.
 */
static enum mail_result failed(CURL *curl, const struct reading *reading, const char *said,
                               CURLcode code)
{
    struct mail_exchange *x = reading->x;
    long reply = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        (void)snprintf(x->why, sizeof x->why, "the server stops");
        return MAIL_LATER;
    }
    (void)snprintf(x->why, sizeof x->why, "%s (reply %ld)", curl_easy_strerror(code), reply);
    bool recipient = code == CURLE_SEND_ERROR && !str_starts(str_from(said), STR("MAIL"));
    bool content = code == CURLE_WEIRD_SERVER_REPLY && reading->given == x->message.n;
    bool about_message = recipient || content;
    return about_message && reply >= 550 && reply <= 554 ? MAIL_REFUSED : MAIL_LATER;
}

enum mail_result mail_smtp_send(struct mail_exchange *x)
{
    CURL *curl = curl_easy_init();
    if (!curl) {
        (void)snprintf(x->why, sizeof x->why, "libcurl cannot be started");
        return MAIL_LATER;
    }
    char from[MAIL_MAX_ADDRESS + 3];
    char to[MAIL_MAX_ADDRESS + 3];
    (void)snprintf(from, sizeof from, "<" STR_FMT ">", STR_ARG(x->from));
    (void)snprintf(to, sizeof to, "<" STR_FMT ">", STR_ARG(x->to));
    struct reading reading = {.x = x};
    set_server(curl, x->options);
    set_message(curl, &reading);
    char said[CURL_ERROR_SIZE] = "";
    SET(CURLOPT_ERRORBUFFER, said);
    SET(CURLOPT_MAIL_FROM, from);
    struct curl_slist *list = curl_slist_append(NULL, to);
    ASSERT(list != NULL);
    SET(CURLOPT_MAIL_RCPT, list);
    CURLcode code = curl_easy_perform(curl);
    enum mail_result result = code == CURLE_OK ? MAIL_SENT : failed(curl, &reading, said, code);
    curl_easy_cleanup(curl);
    curl_slist_free_all(list);
    return result;
}

bool mail_smtp_url_fits(const char *url)
{
    struct str text = str_from(url);
    if (!str_starts(text, STR("smtp://")) && !str_starts(text, STR("smtps://"))) {
        return false;
    }
    CURLU *u = curl_url();
    ASSERT(u != NULL);
    char *user = NULL;
    bool fits = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
    curl_free(user);
    curl_url_cleanup(u);
    return fits;
}
