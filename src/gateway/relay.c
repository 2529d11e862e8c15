/*
 * To the workspace's door and back. The page there is written by whoever works in the session, and by what they run: what it
 * may say to the browser beyond its own host is taken out here.
 *
 * 1. In goes what belongs to the IDE: Theia's cookie and no other, no credentials of the platform, nothing that the door or
 *    the IDE would believe to come from us.
 * 2. Out goes nothing that reaches beyond this host: a cookie for a parent domain, Clear-Site-Data (whose scope is the whole
 *    site, and so the platform's login), another way to reach the host. Who may frame is ours to say.
 */
#include "gateway/gateway_int.h"
#include "workspaces/workspaces.h"

#define THEIA_COOKIE "theia-connection-token"

/* Between browser and gateway it has a name that no other host's page can set; where browsers allow none, its own. */
struct str gateway_relay_cookie_name(const struct gateway_place *place)
{
    return place->site && place->secure ? STR("__Host-" THEIA_COOKIE) : STR(THEIA_COOKIE);
}

struct str gateway_relay_cookies(struct arena *arena, struct str header, struct str name)
{
    BUF_AUTO(out, 64 * 1024);
    struct str rest = header, pair;
    while (rest.p && str_split(&rest, ';', &pair)) {
        pair = str_trim(pair);
        if (str_starts(pair, name) && str_starts(str_slice(pair, name.n, pair.n), STR("="))) {
            buf_add(&out, out.n > 0 ? STR("; " THEIA_COOKIE) : STR(THEIA_COOKIE));
            buf_add(&out, str_slice(pair, name.n, pair.n));
        }
    }
    return out.error ? STR_EMPTY : arena_str(arena, buf_str(&out));
}

/* An attribute's name is compared as browsers do: without case, trimmed (RFC 6265 section 5.2). */
bool gateway_relay_may_set(struct str line)
{
    struct str part;
    struct str rest = line;
    if (!str_starts(line, STR(THEIA_COOKIE "="))) {
        return false;
    }
    while (rest.p && str_split(&rest, ';', &part)) {
        struct str name = str_trim(str_slice(part, 0, str_find(part, '=', 0)));
        if (str_eq_nocase(name, STR("Domain"))) {
            return false;
        }
    }
    return true;
}

/* The value, and name and attributes of ours: what the backend knows of its address is not what the browser sees. */
struct str gateway_relay_set(struct arena *arena, struct str line,
                             const struct gateway_place *place)
{
    struct str pair = str_slice(line, 0, str_find(line, ';', 0));
    struct str value = str_slice(pair, strlen(THEIA_COOKIE), pair.n);
    return arena_printf(arena, STR_FMT STR_FMT "; Path=" STR_FMT "/; HttpOnly; SameSite=Strict%s",
                        STR_ARG(gateway_relay_cookie_name(place)), STR_ARG(value),
                        STR_ARG(place->base), place->secure ? "; Secure" : "");
}

static bool begins(struct str name, struct str with)
{
    return str_eq_nocase(str_slice(name, 0, with.n), with);
}

struct passing {
    struct arena *arena;
    struct gateway_place place;
};

static bool pass_in(void *ctx, struct str name, struct str *value)
{
    static const char *const kept_out[] = {"Authorization", "Proxy-Authorization", "Forwarded",
                                           "X-Real-IP", NULL};
    const struct passing *p = ctx;
    if (str_eq_nocase(name, STR("Cookie"))) {
        *value = gateway_relay_cookies(p->arena, *value, gateway_relay_cookie_name(&p->place));
        return value->n > 0;
    }
    return !str_in_nocase(name, kept_out) && !begins(name, STR("X-Forwarded-")) &&
           !begins(name, STR("X-Coditect-"));
}

static bool pass_out(void *ctx, struct str name, struct str *value)
{
    static const char *const kept_in[] = {"Set-Cookie2",
                                          "Clear-Site-Data",
                                          "Strict-Transport-Security",
                                          "Alt-Svc",
                                          "X-Frame-Options",
                                          "X-Powered-By",
                                          "Public-Key-Pins",
                                          "Expect-CT",
                                          "Origin-Agent-Cluster",
                                          NULL};
    const struct passing *p = ctx;
    if (str_eq_nocase(name, STR("Set-Cookie"))) {
        bool may = gateway_relay_may_set(*value);
        if (may) {
            *value = gateway_relay_set(p->arena, *value, &p->place);
        }
        return may;
    }
    return !str_in_nocase(name, kept_in);
}

static struct str target_of(const struct http_request *req, struct str path)
{
    BUF_AUTO(target, 64 * 1024);
    buf_add(&target, STR("/ide"));
    buf_add(&target, path);
    buf_add(&target, str_slice(req->target, str_find(req->target, '?', 0), req->target.n));
    ASSERT(target.error == 0); /* a request's line is shorter */
    return arena_str(req->arena, buf_str(&target));
}

int gateway_relay(struct http_request *req, struct http_response *res,
                  const struct gateway_relay *relay)
{
    const struct gateway_place *place = relay->place;
    struct http_header *more = ARENA_ARRAY(req->arena, struct http_header, 2);
    more[0] = (struct http_header){STR("Content-Security-Policy"),
                                   gateway_answer_framing(place, req->arena)};
    more[1] = (struct http_header){STR("Origin-Agent-Cluster"), STR("?1")};
    struct passing *passing = ARENA_NEW(req->arena, struct passing);
    *passing = (struct passing){.arena = req->arena, .place = *place};
    struct str door = workspaces_local_door(place->gateway->local, req->arena, place->session_id);
    const struct http_relay_options options = {
        .upstream = arena_printf(req->arena, "unix:" STR_FMT, STR_ARG(door)),
        .target = target_of(req, place->path),
        .pass_in = pass_in,
        .pass_out = pass_out,
        .ctx = passing,
        .add_out = more,
        .add_out_count = 2,
        .tag = relay->tag,
    };
    return http_relay(req, res, &options) < 0 ? ERR_BAD_GATEWAY : 0;
}
