/*
 * Which route an address means. The generator has proved that no two routes of a method match the same address, so the
 * order of rows does not matter and the first match is the only one.
 *
 * Segments are compared as they were sent: a percent-encoded letter in a fixed word is another word, and an id never needs
 * encoding. Only the rest of a path is decoded, later, by decode.c.
 */
#include "api/api_int.h"

static const struct str base_path = STR("/api/v5/");

bool api_match_is_ours(struct str path)
{
    static const struct str reserved[] = {STR("/api"), STR("/ws"), STR("/health"), STR("/ready")};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        struct str word = reserved[i];
        if (str_starts(path, word) && (path.n == word.n || path.p[word.n] == '/')) {
            return true;
        }
    }
    return false;
}

static void note(struct api_match *match, struct str name, struct str value)
{
    ASSERT(match->count < API_MAX_SEGMENTS);
    match->names[match->count] = name;
    match->values[match->count++] = value;
}

/* The name of a rest's field: the only path field that is a path. */
static struct str rest_name(const struct api_route *route)
{
    for (size_t i = 0; i < route->field_count; i++) {
        if (route->fields[i].source == API_FROM_PATH && route->fields[i].text == API_TEXT_PATH) {
            return str_from(route->fields[i].name);
        }
    }
    UNREACHABLE();
}

/* Takes one segment off *rest (NULL when there is none) and compares it. */
static bool match_segment(const struct api_route *route, const struct api_segment *segment,
                          struct str *rest, struct api_match *match)
{
    struct str part;
    if (rest->p == NULL) {
        return false;
    }
    if (segment->kind == API_SEGMENT_REST) {
        if (!str_ends(*rest, segment->text)) {
            return false;
        }
        note(match, rest_name(route), str_slice(*rest, 0, rest->n - segment->text.n));
        *rest = STR_EMPTY;
        return true;
    }
    if (!str_split(rest, '/', &part)) {
        return false;
    }
    if (segment->kind == API_SEGMENT_LITERAL) {
        return str_eq(part, segment->text);
    }
    if (segment->prefix[0] != '\0' && !data_id_is(part, segment->prefix)) {
        return false;
    }
    note(match, segment->text, part);
    return part.n > 0;
}

/* What is asked for: the path behind its base, and what most routes differ in from it, so that few are looked at closely. */
struct asked {
    bool based; /* the path has the base */
    struct str below;
    struct str first;
    size_t segments;
};

static struct asked asked_of(struct str path)
{
    struct asked asked = {.based = str_starts(path, base_path), .segments = 1};
    asked.below = str_slice(path, asked.based ? base_path.n : 1, path.n);
    asked.first = str_slice(asked.below, 0, str_find(asked.below, '/', 0));
    for (size_t i = 0; i < asked.below.n; i++) {
        asked.segments += asked.below.p[i] == '/';
    }
    return asked;
}

static bool may_match(const struct api_route *route, const struct asked *asked)
{
    const struct api_segment *first = &route->segments[0];
    const struct api_segment *last = &route->segments[route->segment_count - 1];
    bool length_fits = last->kind == API_SEGMENT_REST || asked->segments == route->segment_count;
    bool first_fits = first->kind != API_SEGMENT_LITERAL || str_eq(first->text, asked->first);
    return length_fits && (asked->based || route->root) && first_fits;
}

/* What match has of other routes is overwritten, or lies behind its count. */
static bool match_route(const struct api_route *route, const struct asked *asked,
                        struct api_match *match)
{
    if (!may_match(route, asked)) {
        return false;
    }
    struct str rest = asked->below;
    match->route = route;
    match->count = 0;
    for (size_t i = 0; i < route->segment_count; i++) {
        if (!match_segment(route, &route->segments[i], &rest, match)) {
            return false;
        }
    }
    return rest.p == NULL;
}

int api_match(struct str method, struct str path, struct api_match *ret_match)
{
    struct str wanted = str_eq(method, STR("HEAD")) ? STR("GET") : method;
    struct asked asked = asked_of(path);
    struct api_match match = {.count = 0};
    bool exists = false;
    for (size_t i = 0; i < API_ROUTE_COUNT; i++) {
        if (!match_route(&api_routes[i], &asked, &match)) {
            continue;
        }
        if (str_eq(api_routes[i].method, wanted)) {
            *ret_match = match;
            return 0;
        }
        exists = true;
    }
    return exists ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND;
}

void api_match_allowed(struct str path, struct buf *to)
{
    struct asked asked = asked_of(path);
    struct api_match match = {.count = 0};
    for (size_t i = 0; i < API_ROUTE_COUNT; i++) {
        if (!match_route(&api_routes[i], &asked, &match)) {
            continue;
        }
        buf_add(to, api_routes[i].method);
        buf_add(to, STR(", "));
        if (str_eq(api_routes[i].method, STR("GET"))) {
            buf_add(to, STR("HEAD, "));
        }
    }
    if (to->n > 0) {
        buf_add(to, STR("OPTIONS"));
    }
}

struct str api_match_value(const struct api_match *match, const char *name)
{
    for (size_t i = 0; i < match->count; i++) {
        if (str_eq(match->names[i], str_from(name))) {
            return match->values[i];
        }
    }
    UNREACHABLE();
}
