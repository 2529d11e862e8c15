/*
 * What strangers send to the gateway before it knows who they are, and what a door tells it: the first byte chooses a host, a Cookie
 * header, a Set-Cookie line, a path, a list of terminals, or an address of the configuration. A host is the platform's or an IDE's, never both, however it is written; what
 * comes out of the cookies' filters passes them again unchanged.
 */
#include "fuzz.h"

#include "base/assert.h"
#include "gateway/gateway_int.h"

static const struct gateway *gateway(void)
{
    static struct gateway g = {.magic = GATEWAY_MAGIC};
    if (g.site_count == 0) {
        int r =
            gateway_sites_init(&g, "https://c.example.com:8443", "https://{session}.example.com");
        ASSERT(r == 0);
    }
    return &g;
}

/* What http/ lets through as a host or a path, roughly: no spaces, no controls. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~') {
            return false;
        }
    }
    return true;
}

static void try_host(struct arena *arena, struct str host)
{
    static const struct str suffixes[] = {{".ide.coditect.localhost", 23}, {".example.com", 12}};
    struct gateway_place place;
    struct str name = str_slice(host, 0, str_find(host, ':', 0));
    bool below = false;
    for (size_t i = 0; i < 2; i++) {
        struct str s = suffixes[i];
        below |= name.n >= s.n && str_eq_nocase(str_slice(name, name.n - s.n, name.n), s);
        below |= str_eq_nocase(name, str_slice(s, 1, s.n));
    }
    below &= !str_eq_nocase(host, STR("c.example.com:8443"));
    ASSERT(gateway_site_of(gateway(), host, &place) == below);
    if (!below) {
        return;
    }
    ASSERT(place.session_id.n == 0 || data_id_is(place.session_id, "ses"));
    struct str origin = gateway_site_platform(&place, arena);
    struct http_header headers[] = {{STR("Origin"), host}, {STR("Sec-Fetch-Site"), host}};
    struct http_request req = {.headers = headers, .header_count = 2, .arena = arena};
    ASSERT(gateway_site_permits(&place, &req) == ERR_FORBIDDEN);
    req.header_count = 1;
    headers[0].value = origin;
    ASSERT(gateway_site_permits(&place, &req) == ERR_FORBIDDEN);
    headers[0].value = arena_printf(arena, "%s://" STR_FMT, place.site->scheme, STR_ARG(host));
    ASSERT(gateway_site_permits(&place, &req) == 0);
}

/* A host and a path at the server of its own. */
static void try_path(struct arena *arena, struct str text)
{
    size_t cut = str_find(text, ' ', 0);
    struct gateway_place place;
    const struct http_request req = {
        .host = str_slice(text, 0, cut), .path = str_slice(text, cut + 1, text.n), .arena = arena};
    if (!is_plain(req.host) || !is_plain(req.path)) {
        return;
    }
    int r = gateway_paths_of(gateway(), &req, &place);
    ASSERT(r == 0 || r == ERR_NOT_FOUND || r == ERR_MISDIRECTED);
    ASSERT((r == 0) == (place.session_id.n > 0) && gateway_site_platform(&place, arena).n > 0);
    if (r == 0) {
        ASSERT(data_id_is(place.session_id, "ses") && str_starts(place.path, STR("/")));
        ASSERT(place.base.n + place.path.n == req.path.n && str_ends(place.base, place.session_id));
    }
}

static void try_cookies(struct arena *arena, struct str header)
{
    struct str name = STR("theia-connection-token");
    struct str in = gateway_relay_cookies(arena, header, name);
    ASSERT(str_eq(in, gateway_relay_cookies(arena, in, name)));
    struct http_header line = {STR("Cookie"), in};
    const struct http_request req = {.headers = &line, .header_count = 1, .arena = arena};
    struct str pass;
    ASSERT(http_cookie(&req, "__Host-coditect-ide", &pass) == ERR_NOT_FOUND);
    ASSERT(http_cookie(&req, "__Host-coditect-refresh", &pass) == ERR_NOT_FOUND);
}

/* What a door says of its terminals: whatever is taken is within its bounds, and as many as may be. */
static void try_terminals(struct arena *arena, struct str text)
{
    struct gateway_terminals all = {.n = 0};
    if (gateway_terminals_parse(arena, text, &all) != 0) {
        ASSERT(all.n == 0);
        return;
    }
    ASSERT(all.n <= GATEWAY_TERMINALS);
    for (size_t i = 0; i < all.n; i++) {
        const struct gateway_terminal *t = &all.at[i];
        ASSERT(t->id.n >= 1 && t->id.n <= GATEWAY_TERMINAL_ID && str_is_utf8(t->id));
        ASSERT(t->run.n >= 1 && t->run.n <= GATEWAY_TERMINAL_RUN && str_is_utf8(t->run));
        ASSERT(t->number >= 0 && t->number <= 255 && t->sockets >= 0 && t->started >= 0);
    }
}

static void try_address(struct str text)
{
    ARENA_AUTO(arena);
    struct gateway g = {.magic = GATEWAY_MAGIC};
    const char *url = arena_str(&arena, text).p;
    struct gateway_place place;
    if (gateway_sites_init(&g, url, NULL) == 0 && g.site_count == 2) {
        struct str host = arena_printf(&arena, "x%s", g.sites[1].suffix);
        ASSERT(gateway_site_of(&g, host, &place) && place.session_id.n == 0);
        ASSERT(!gateway_site_of(&g, str_from(g.public_host), &place));
    }
    gateway_sites_fini(&g);
    g = (struct gateway){.magic = GATEWAY_MAGIC};
    int r = gateway_sites_init(&g, "https://c.example.com", url);
    ASSERT(r == 0 || r == ERR_INVALID);
    gateway_sites_fini(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096) {
        return 0;
    }
    ARENA_AUTO(arena);
    struct str text = str_of(data + 1, size - 1);
    switch (data[0]) {
    case 'h':
        if (is_plain(text) && !str_starts(text, STR("["))) {
            try_host(&arena, text);
        }
        break;
    case 'p':
        try_path(&arena, text);
        break;
    case 'c':
        try_cookies(&arena, text);
        break;
    case 't':
        try_terminals(&arena, text);
        break;
    case 's':
        if (gateway_relay_may_set(text)) {
            ASSERT(gateway_relay_cookies(&arena, text, STR("theia-connection-token")).n > 0);
        }
        break;
    default:
        try_address(text);
    }
    return 0;
}
