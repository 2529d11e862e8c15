/* The address of a bucket: what it may be, and its parts as requests want them. */
#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>

#include "backup/backup_int.h"
#include "base/assert.h"

bool backup_is_bucket(const char *path)
{
    return str_starts(str_from(path), STR("https://")) ||
           str_starts(str_from(path), STR("http://"));
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    bool is_v4 = inet_pton(AF_INET, host, &v4) == 1;
    return is_v4 ? ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET
                 : strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

/* What needs no encoding and means the same to every server. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static bool is_plain_path(struct str path)
{
    struct str part;
    bool plain = path.n > 0 && !str_ends(path, STR("/"));
    for (struct str rest = path; plain && str_split(&rest, '/', &part);) {
        plain = part.n > 0 && !str_eq(part, STR(".")) && !str_eq(part, STR(".."));
        for (size_t i = 0; plain && i < part.n; i++) {
            plain = is_plain(part.p[i]);
        }
    }
    return plain;
}

static int set_path(struct backup_address *a, const char *path)
{
    struct str all = str_slice(str_from(path), 1, BACKUP_ADDRESS_MOST);
    all.n -= str_ends(all, STR("/"));
    size_t slash = str_find(all, '/', 0);
    struct str prefix = str_slice(all, slash + 1, all.n);
    if (!is_plain_path(all) || all.n > BACKUP_ADDRESS_MOST / 2) {
        return ERR_INVALID;
    }
    (void)snprintf(a->path, sizeof a->path, "/" STR_FMT, (int)slash, all.p);
    (void)snprintf(a->prefix, sizeof a->prefix, STR_FMT "%s", STR_ARG(prefix),
                   prefix.n > 0 ? "/" : "");
    return 0;
}

static int set_host(struct backup_address *a, char *host, const char *port)
{
    for (char *p = host; *p; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    bool plain = str_eq(a->scheme, STR("http"));
    int n = snprintf(a->host, sizeof a->host, "%s%s%s", host, port ? ":" : "", port ? port : "");
    return (plain && !is_loopback(host)) || n >= (int)sizeof a->host ? ERR_INVALID : 0;
}

static int read_url(struct backup_address *a, CURLU *u, const char *url)
{
    char *host = NULL, *port = NULL, *path = NULL, *other = NULL;
    const CURLUPart none[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                              CURLUPART_FRAGMENT};
    int r = curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK ? 0 : ERR_INVALID;
    for (size_t i = 0; r == 0 && i < sizeof none / sizeof *none; i++) {
        r = curl_url_get(u, none[i], &other, 0) == CURLUE_OK ? ERR_INVALID : 0;
        curl_free(other);
        other = NULL;
    }
    if (r == 0 && (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
                   curl_url_get(u, CURLUPART_PATH, &path, 0) != CURLUE_OK)) {
        r = ERR_INVALID;
    }
    (void)curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
    r = r ? r : set_host(a, host, port);
    r = r ? r : set_path(a, path);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return r;
}

int backup_address_read(const char *url, struct backup_address *ret_address)
{
    struct backup_address a = {.host = ""};
    if (!backup_is_bucket(url)) {
        return ERR_INVALID;
    }
    CURLU *u = curl_url();
    ASSERT(u != NULL);
    a.scheme = str_starts(str_from(url), STR("http://")) ? STR("http") : STR("https");
    int r = read_url(&a, u, url);
    curl_url_cleanup(u);
    if (r == 0) {
        *ret_address = a;
    }
    return r;
}

int backup_bucket_check(const char *url)
{
    struct backup_address a;
    return backup_address_read(url, &a);
}
