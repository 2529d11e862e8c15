/*
 * IDEs as paths of one origin, /ide/{session}/, on a port of their own: for browsers and addresses that have no names for
 * them. Cookies do not tell ports apart: what the platform keeps for this host comes here too (and is not passed on), and
 * what is set here is bound to the session's path.
 *
 * 1. The host must be one by which the platform itself is reached: no name that somebody else points here.
 */
#include "gateway/gateway_int.h"

/* Of IDEs; the platform's own, unless they have been given another. */
static bool is_public_name(const struct gateway *g, struct str host)
{
    const char *public = g->paths_host ? g->paths_host : g->public_host;
    return public && str_eq_nocase(gateway_site_name(host), gateway_site_name(str_from(public)));
}

static bool is_https(const struct gateway *g, struct str host)
{
    const char *origin = g->paths_origin ? g->paths_origin : g->public_origin;
    return is_public_name(g, host) && str_starts(str_from(origin), STR("https:"));
}

int gateway_paths_of(const struct gateway *g, const struct http_request *req,
                     struct gateway_place *ret_place)
{
    const struct str begin = STR("/ide/");
    struct gateway_place place = {
        .gateway = g,
        .scheme = is_https(g, req->host) ? STR("https") : STR("http"),
        .host = req->host,
        .secure = is_https(g, req->host) || gateway_site_is_local(req->host),
    };
    *ret_place = place;
    if (!gateway_site_is_local(req->host) && !is_public_name(g, req->host)) {
        ret_place->host = STR("localhost"); /* what is answered names no stranger */
        return ERR_MISDIRECTED;
    }
    size_t end = str_find(req->path, '/', begin.n);
    struct str id = str_slice(req->path, begin.n, end);
    if (!str_starts(req->path, begin) || end >= req->path.n || !data_id_is(id, "ses")) {
        return ERR_NOT_FOUND;
    }
    ret_place->session_id = id;
    ret_place->base = str_slice(req->path, 0, end);
    ret_place->path = str_slice(req->path, end, req->path.n);
    return 0;
}

struct str gateway_paths_platform(const struct gateway_place *place, struct arena *arena)
{
    const struct gateway *g = place->gateway;
    if (is_public_name(g, place->host)) {
        return str_from(g->public_origin);
    }
    return arena_printf(arena, "http://" STR_FMT ":%u", STR_ARG(gateway_site_name(place->host)),
                        g->platform_port);
}

struct str gateway_paths_url(const struct gateway *g, struct arena *arena, struct str host,
                             struct str session_id)
{
    if (g->paths_origin && gateway_site_is_public(g, host)) {
        return arena_printf(arena, "%s/ide/" STR_FMT "/", g->paths_origin, STR_ARG(session_id));
    }
    if (!gateway_site_is_local(host) && !is_public_name(g, host)) {
        return STR_EMPTY;
    }
    return arena_printf(arena, "%s://" STR_FMT ":%u/ide/" STR_FMT "/",
                        is_https(g, host) ? "https" : "http", STR_ARG(gateway_site_name(host)),
                        g->ide_port, STR_ARG(session_id));
}

void gateway_paths_sources(const struct gateway *g, struct buf *out)
{
    if (g->ide_port == 0) {
        return;
    }
    buf_printf(out, " http://localhost:%u http://127.0.0.1:%u", g->ide_port, g->ide_port);
    struct str host = str_from(g->public_host);
    if (g->paths_origin) {
        buf_printf(out, " %s", g->paths_origin);
    } else if (host.n > 0 && host.p[0] != '[') {
        buf_printf(out, " %s://" STR_FMT ":%u", is_https(g, host) ? "https" : "http",
                   STR_ARG(gateway_site_name(host)), g->ide_port);
    }
}
