/*
 * Whose host a request names, and whether a page of ours sent it.
 *
 * Browsers resolve any name that somebody points at this machine, so a foreign name in Host is how a foreign page would
 * reach a local server (DNS rebinding): only names that cannot be pointed elsewhere and the configured one are served.
 * A cookie is sent along by the browser whatever page asks; it counts only when Origin says that our own page asked.
 */
#include <arpa/inet.h>

#include "api/api_int.h"

/* host:port → host; [v6]:port → v6 without brackets. */
static struct str without_port(struct str host)
{
    if (host.n > 0 && host.p[0] == '[') {
        return str_slice(host, 1, str_find(host, ']', 0));
    }
    return str_slice(host, 0, str_find(host, ':', 0));
}

static bool is_loopback_address(struct str host)
{
    char text[INET6_ADDRSTRLEN];
    if (host.n == 0 || host.n >= sizeof text) {
        return false;
    }
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool is_local_name(struct str host)
{
    static const struct str suffix = STR(".localhost");
    return str_eq_nocase(host, STR("localhost")) ||
           (host.n > suffix.n && str_eq_nocase(str_slice(host, host.n - suffix.n, host.n), suffix));
}

static bool is_local(struct str host)
{
    return is_local_name(host) || is_loopback_address(host);
}

int api_origin_init(struct api_origin *o, struct str public_url)
{
    struct str https = STR("https://");
    struct str http = STR("http://");
    if (public_url.n == 0) {
        *o = (struct api_origin){.secure_cookie = true};
        return 0;
    }
    bool is_https = str_starts(public_url, https);
    if (!is_https && !str_starts(public_url, http)) {
        return ERR_INVALID;
    }
    struct str host = str_slice(public_url, is_https ? https.n : http.n, public_url.n);
    if (str_ends(host, STR("/"))) {
        host.n--;
        public_url.n--;
    }
    if (host.n == 0 || str_find(host, '/', 0) != host.n || str_find(host, '@', 0) != host.n) {
        return ERR_INVALID;
    }
    *o = (struct api_origin){
        .public_url = public_url,
        .public_host = host,
        .secure_cookie = is_https || is_local(without_port(host)),
    };
    return 0;
}

bool api_origin_serves(const struct api_origin *o, struct str host)
{
    if (o->public_host.n > 0 && str_eq_nocase(host, o->public_host)) {
        return true;
    }
    return is_local(without_port(host));
}

bool api_origin_is_own(const struct api_origin *o, const struct http_request *req)
{
    struct str origin = http_header(req, "Origin");
    struct str site = http_header(req, "Sec-Fetch-Site");
    if (site.n > 0 && !str_eq(site, STR("same-origin"))) {
        return false;
    }
    if (o->public_url.n > 0 && str_eq_nocase(origin, o->public_url)) {
        return true;
    }
    /* No public address, or a person on the machine itself: the page's own host, which was found to be local. */
    struct str scheme = req->secure ? STR("https://") : STR("http://");
    return str_starts(origin, scheme) && is_local(without_port(req->host)) &&
           str_eq_nocase(str_slice(origin, scheme.n, origin.n), req->host);
}
