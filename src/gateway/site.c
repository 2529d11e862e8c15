/*
 * Which origin. One family of hosts for local names, which every browser takes to this machine by itself, and one below the
 * public address, when there is one. All sessions and the platform are same-site to each other, by intent (the cookie's
 * SameSite=Strict holds inside the platform's frame); so what one of them may do at another is decided here, by Origin
 * and Sec-Fetch-Site, which no page can set.
 *
 * 1. A host below a family's suffix is never the platform's, also when it names no session.
 */
#include <stdio.h>

#include "base/mem.h"
#include "gateway/gateway_int.h"

#define LOCAL_PLATFORM "coditect.localhost"
#define LOCAL_SUFFIX ".ide." LOCAL_PLATFORM
#define PLACEHOLDER "{session}."

/* ---- Addresses ---- */

struct address {
    struct str scheme;
    struct str host; /* with its port */
};

static bool is_made_of(struct str text, const char *signs)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr(signs, c))) {
            return false;
        }
    }
    return text.n > 0;
}

/* A name or an address in lower case, and perhaps a port. */
static bool is_host_text(struct str host)
{
    bool bracket = str_starts(host, STR("["));
    size_t name = bracket ? str_find(host, ']', 0) + 1 : str_find(host, ':', 0);
    if (name > host.n || !is_made_of(str_slice(host, 0, name), bracket ? ":[]" : "-.")) {
        return false;
    }
    struct str port = str_slice(host, name + 1, host.n);
    uint64_t number;
    return name == host.n || (host.p[name] == ':' && str_u64(port, UINT16_MAX, &number) == 0);
}

/* http(s)://host[:port][/] in lower case, of characters that a host can have. */
static int parse_url(struct str url, struct address *ret_address)
{
    struct address a = {.scheme = STR("https")};
    if (!str_starts(url, STR("https://"))) {
        a.scheme = STR("http");
        if (!str_starts(url, STR("http://"))) {
            return ERR_INVALID;
        }
    }
    a.host = str_slice(url, a.scheme.n + 3, url.n);
    a.host.n -= str_ends(a.host, STR("/"));
    if (!is_host_text(a.host) || url.n > GATEWAY_MAX_URL) {
        return ERR_INVALID;
    }
    *ret_address = a;
    return 0;
}

struct str gateway_site_name(struct str host)
{
    bool bracket = str_starts(host, STR("["));
    return str_slice(host, 0, bracket ? str_find(host, ']', 0) + 1 : str_find(host, ':', 0));
}

struct str gateway_site_port(struct str host)
{
    return str_slice(host, gateway_site_name(host).n, host.n);
}

/* Nobody's name can stand before an address in numbers. */
static bool is_numeric(struct str host)
{
    struct str name = gateway_site_name(host);
    char last = name.n > 0 ? name.p[name.n - 1] : '.';
    return host.p[0] == '[' || (last >= '0' && last <= '9');
}

static bool ends_nocase(struct str s, struct str end)
{
    return s.n >= end.n && str_eq_nocase(str_slice(s, s.n - end.n, s.n), end);
}

static bool is_local_name(struct str name)
{
    return str_eq_nocase(name, STR("localhost")) || ends_nocase(name, STR(".localhost"));
}

bool gateway_site_is_local(struct str host)
{
    struct str name = gateway_site_name(host);
    return is_local_name(name) || (str_starts(name, STR("127.")) && is_numeric(name)) ||
           str_eq(name, STR("[::1]"));
}

static char *dup_str(struct str s)
{
    return mem_dup(s.p, s.n);
}

/* ---- The sites ---- */

static void add(struct gateway *g, struct str scheme, struct str suffix, const char *port)
{
    g->sites[g->site_count++] = (struct gateway_site){
        .scheme = dup_str(scheme),
        .suffix = dup_str(suffix),
        .port = port ? dup_str(str_from(port)) : NULL,
        .secure = str_eq(scheme, STR("https")) || is_local_name(suffix),
    };
}

/* tail: ".ide.example.com:8443" */
static int add_public(struct gateway *g, struct str scheme, struct str tail)
{
    ARENA_AUTO(arena);
    struct str name = gateway_site_name(tail);
    if (name.n < 2 || name.p[0] != '.' || name.p[1] == '.' || is_numeric(tail)) {
        return ERR_INVALID;
    }
    add(g, scheme, name, arena_str(&arena, gateway_site_port(tail)).p);
    return 0;
}

/* https://{session}.tail */
static int add_pattern(struct gateway *g, struct str url)
{
    struct address ide;
    struct str rest = str_slice(url, str_find(url, '{', 0), url.n);
    struct str front = str_slice(url, 0, url.n - rest.n);
    if (!str_starts(rest, STR(PLACEHOLDER)) || !str_ends(front, STR("://"))) {
        return ERR_INVALID;
    }
    BUF_AUTO(plain, GATEWAY_MAX_URL * 2);
    buf_add(&plain, front);
    buf_add(&plain, STR("s."));
    buf_add(&plain, str_slice(rest, sizeof PLACEHOLDER - 1, rest.n));
    if (plain.error || parse_url(buf_str(&plain), &ide) < 0) {
        return ERR_INVALID;
    }
    return add_public(g, ide.scheme, str_slice(ide.host, 1, ide.host.n));
}

/* https://ide.example.com:8443: nobody has a name of their own, all are told by the path. */
static int add_paths(struct gateway *g, struct str url)
{
    struct address ide;
    int r = parse_url(url, &ide);
    if (r < 0 || str_eq(ide.host, str_from(g->public_host))) {
        return ERR_INVALID; /* the platform's page and the IDE would be of one origin */
    }
    BUF_AUTO(text, GATEWAY_MAX_URL + 16);
    buf_printf(&text, STR_FMT "://" STR_FMT, STR_ARG(ide.scheme), STR_ARG(ide.host));
    g->paths_origin = dup_str(buf_str(&text));
    g->paths_host = dup_str(ide.host);
    return 0;
}

static int init_public(struct gateway *g, const char *public_url, const char *ide_url)
{
    struct address platform;
    int r = parse_url(str_from(public_url), &platform);
    if (r < 0) {
        return r;
    }
    BUF_AUTO(text, GATEWAY_MAX_URL + 16);
    buf_printf(&text, STR_FMT "://" STR_FMT, STR_ARG(platform.scheme), STR_ARG(platform.host));
    g->public_origin = dup_str(buf_str(&text));
    g->public_host = dup_str(platform.host);
    if (ide_url) {
        struct str url = str_from(ide_url);
        bool pattern = str_find(url, '{', 0) < url.n;
        return pattern ? add_pattern(g, url) : add_paths(g, url);
    }
    buf_clear(&text);
    buf_printf(&text, ".ide." STR_FMT, STR_ARG(platform.host));
    /* Below an address in numbers there are no names. */
    return is_numeric(platform.host) ? 0 : add_public(g, platform.scheme, buf_str(&text));
}

static void make_frame_sources(struct gateway *g)
{
    BUF_AUTO(text, GATEWAY_MAX_URL * 4);
    for (size_t i = 0; i < g->site_count; i++) {
        const struct gateway_site *site = &g->sites[i];
        buf_printf(&text, "%s%s://*%s%s", i > 0 ? " " : "", site->scheme, site->suffix,
                   site->port ? site->port : ":*");
    }
    gateway_paths_sources(g, &text);
    ASSERT(text.error == 0);
    g->frame_sources = dup_str(buf_str(&text));
}

int gateway_sites_init(struct gateway *g, const char *public_url, const char *ide_url)
{
    int r = 0;
    add(g, STR("http"), STR(LOCAL_SUFFIX), NULL);
    if (public_url) {
        r = init_public(g, public_url, ide_url);
    } else if (ide_url) {
        r = ERR_INVALID; /* nobody would know who may frame it */
    }
    make_frame_sources(g);
    return r;
}

void gateway_sites_fini(struct gateway *g)
{
    for (size_t i = 0; i < g->site_count; i++) {
        struct gateway_site *site = &g->sites[i];
        mem_free(site->scheme);
        mem_free(site->suffix);
        mem_free(site->port);
    }
    mem_free(g->public_origin);
    mem_free(g->public_host);
    mem_free(g->paths_origin);
    mem_free(g->paths_host);
    mem_free(g->frame_sources);
}

int gateway_check_urls(const char *public_url, const char *ide_url)
{
    struct gateway g = {.magic = GATEWAY_MAGIC};
    int r = gateway_sites_init(&g, public_url, ide_url);
    gateway_sites_fini(&g);
    return r;
}

/* ---- Whose host ---- */

static bool is_below(const struct gateway_site *site, struct str name)
{
    struct str suffix = str_from(site->suffix);
    return ends_nocase(name, suffix) || str_eq_nocase(name, str_slice(suffix, 1, suffix.n));
}

bool gateway_site_is_public(const struct gateway *g, struct str host)
{
    return g->public_host && str_eq_nocase(host, str_from(g->public_host));
}

/*
 * The family that a host belongs to. Both may have one suffix, when the public name is a local one (TLS on one machine): then
 * the port tells them apart.
 */
static const struct gateway_site *find_site(const struct gateway *g, struct str host)
{
    struct str name = gateway_site_name(host);
    const struct gateway_site *found = NULL;
    for (size_t i = 0; i < g->site_count; i++) {
        const struct gateway_site *site = &g->sites[i];
        bool exact = i > 0 && str_eq(gateway_site_port(host), str_from(site->port));
        if (is_below(site, name) && (!found || exact)) {
            found = site;
        }
    }
    return found;
}

bool gateway_site_of(const struct gateway *g, struct str host, struct gateway_place *ret_place)
{
    /* The platform may itself lie below a suffix. */
    const struct gateway_site *site = gateway_site_is_public(g, host) ? NULL : find_site(g, host);
    if (!site) {
        return false;
    }
    struct str name = gateway_site_name(host);
    size_t suffix = strlen(site->suffix);
    struct str label = str_slice(name, 0, name.n > suffix ? name.n - suffix : 0);
    *ret_place = (struct gateway_place){
        .gateway = g,
        .site = site,
        .scheme = str_from(site->scheme),
        .host = host,
        .session_id = data_id_is(label, "ses") ? label : STR_EMPTY,
        .secure = site->secure,
    };
    return true;
}

struct str gateway_site_platform(const struct gateway_place *place, struct arena *arena)
{
    const struct gateway *g = place->gateway;
    if (!place->site) {
        return gateway_paths_platform(place, arena);
    }
    if (place->site != &g->sites[0]) {
        return str_from(g->public_origin);
    }
    struct str port = gateway_site_port(place->host);
    return arena_printf(arena, "http://" LOCAL_PLATFORM STR_FMT, STR_ARG(port));
}

struct str gateway_ide_url(const struct gateway *g, struct arena *arena, struct str host,
                           struct str session_id)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    bool public = gateway_site_is_public(g, host);
    bool named = public && g->site_count > 1;
    bool canonical = str_eq_nocase(gateway_site_name(host), STR(LOCAL_PLATFORM));
    if (!g->files) {
        return STR_EMPTY;
    }
    bool brackets = str_starts(host, STR("[")); /* nothing that a policy could let a page frame */
    bool told = g->paths_origin && public;      /* by the path, whatever the name */
    if (told || (g->ide_port != 0 && !named && !canonical && !brackets)) {
        return gateway_paths_url(g, arena, host, session_id);
    }
    if (!named && (public || !gateway_site_is_local(host))) {
        return STR_EMPTY;
    }
    const struct gateway_site *site = &g->sites[named];
    struct str port = site->port ? str_from(site->port) : gateway_site_port(host);
    return arena_printf(arena, "%s://" STR_FMT "%s" STR_FMT "/", site->scheme, STR_ARG(session_id),
                        site->suffix, STR_ARG(port));
}

struct str gateway_ticket_url(struct arena *arena, struct str ide_url, struct str ticket)
{
    return arena_printf(arena, STR_FMT "coditect/ticket?ticket=" STR_FMT, STR_ARG(ide_url),
                        STR_ARG(ticket));
}

const char *gateway_frame_sources(const struct gateway *g)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    return g->frame_sources;
}

/* ---- Who asks ---- */

static bool is_own_origin(const struct gateway_place *place, struct str origin)
{
    struct str scheme = place->scheme;
    struct str middle = STR("://");
    return str_starts(origin, scheme) &&
           str_starts(str_slice(origin, scheme.n, origin.n), middle) &&
           str_eq_nocase(str_slice(origin, scheme.n + middle.n, origin.n), place->host);
}

static bool only_reads(const struct http_request *req)
{
    return req->method == HTTP_GET || req->method == HTTP_HEAD;
}

int gateway_site_permits(const struct gateway_place *place, const struct http_request *req)
{
    size_t origins = http_header_count(req, "Origin");
    size_t sites = http_header_count(req, "Sec-Fetch-Site");
    if (origins > 1 || sites > 1 ||
        (origins == 1 && !is_own_origin(place, http_header(req, "Origin")))) {
        return ERR_FORBIDDEN;
    }
    struct str site = http_header(req, "Sec-Fetch-Site");
    bool own = sites == 0 || str_eq(site, STR("same-origin")) || str_eq(site, STR("none"));
    bool goes = str_eq(http_header(req, "Sec-Fetch-Mode"), STR("navigate")) && only_reads(req);
    return own || goes ? 0 : ERR_FORBIDDEN;
}

bool gateway_site_is_page(const struct http_request *req)
{
    struct str mode = http_header(req, "Sec-Fetch-Mode");
    struct str accept = http_header(req, "Accept");
    if (mode.n > 0) {
        return str_eq(mode, STR("navigate"));
    }
    return only_reads(req) && accept.n > 0 && memmem(accept.p, accept.n, "text/html", 9) != NULL;
}
