/*
 * Who asks, when the request came through proxies. Anybody can write X-Forwarded-For and X-Forwarded-Proto, so they count only
 * on a connection from a trusted network, and of a list only what trusted proxies have written themselves: each adds at the
 * end whom it heard, so the list is read from there, and the first address that is no trusted proxy's is the client's.
 * What stands before it, somebody else may have made up.
 *
 * 1. An address is sixteen bytes; IPv4 is mapped into IPv6 (RFC 4291 section 2.5.5.2), so that both have one way.
 * 2. What is no address ends the list: the client is then the last that was understood.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "http/http_int.h"

enum { MAPPED_BITS = 96, MOST_HOPS = 32 };

/* ::ffff:0:0/96 */
static void map_four(const void *four, struct in6_addr *ret_six)
{
    *ret_six = (struct in6_addr){.s6_addr = {[10] = 0xFF, [11] = 0xFF}};
    memcpy(&ret_six->s6_addr[12], four, 4);
}

/* Without port or brackets. ERR_INVALID; the flag says whether it was written as IPv4. */
static int parse_address(struct str text, struct in6_addr *ret_six, bool *ret_four)
{
    char z[INET6_ADDRSTRLEN] = "";
    struct in_addr four;
    if (text.n == 0 || text.n >= sizeof z || memchr(text.p, '\0', text.n)) {
        return ERR_INVALID;
    }
    memcpy(z, text.p, text.n);
    *ret_four = inet_pton(AF_INET, z, &four) == 1;
    if (*ret_four) {
        map_four(&four, ret_six);
        return 0;
    }
    return inet_pton(AF_INET6, z, ret_six) == 1 ? 0 : ERR_INVALID;
}

int http_network_parse(struct str text, struct http_network *ret_network)
{
    struct http_network network = {.local = str_eq(text, STR("unix"))};
    size_t slash = str_find(text, '/', 0);
    struct in6_addr six = {0};
    bool four = false;
    uint64_t bits = 128;
    if (!network.local && parse_address(str_slice(text, 0, slash), &six, &four) < 0) {
        return ERR_INVALID;
    }
    unsigned room = four ? 32 : 128;
    if (slash < text.n && str_u64(str_slice(text, slash + 1, text.n), room, &bits) < 0) {
        return ERR_INVALID;
    }
    network.bits = slash < text.n && four ? (unsigned)bits + MAPPED_BITS : (unsigned)bits;
    memcpy(network.address, six.s6_addr, sizeof network.address);
    *ret_network = network;
    return 0;
}

static bool contains(const struct http_network *network, const struct in6_addr *six)
{
    unsigned bytes = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->address, six->s6_addr, bytes) != 0) {
        return false;
    }
    unsigned mask = 0xFF00u >> rest & 0xFF;
    return rest == 0 || ((network->address[bytes] ^ six->s6_addr[bytes]) & mask) == 0;
}

static bool is_trusted(const struct http_networks *trusted, const struct in6_addr *six)
{
    for (size_t i = 0; i < trusted->n; i++) {
        if (!trusted->at[i].local && contains(&trusted->at[i], six)) {
            return true;
        }
    }
    return false;
}

bool http_forwarded_trusts(const struct http_networks *trusted, const struct net_address *peer)
{
    const void *sockaddr = &peer->sockaddr;
    struct in6_addr six;
    if (peer->sockaddr.ss_family == AF_INET) {
        map_four(&((const struct sockaddr_in *)sockaddr)->sin_addr, &six);
        return is_trusted(trusted, &six);
    }
    if (peer->sockaddr.ss_family == AF_INET6) {
        return is_trusted(trusted, &((const struct sockaddr_in6 *)sockaddr)->sin6_addr);
    }
    for (size_t i = 0; i < trusted->n; i++) {
        if (trusted->at[i].local) {
            return true;
        }
    }
    return false;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static int parse_hop(struct str text, struct in6_addr *ret_six)
{
    bool four;
    size_t colon = str_find(text, ':', 0);
    if (str_starts(text, STR("["))) {
        text = str_slice(text, 1, str_find(text, ']', 0));
    } else if (str_find(text, ':', colon + 1) == text.n) {
        text = str_slice(text, 0, colon);
    }
    return parse_address(text, ret_six, &four);
}

/* The part behind the last comma, which is taken off. False: nothing is left. */
static bool take_last(struct str *list, struct str *ret_part)
{
    size_t comma = list->n;
    if (!list->p) {
        return false;
    }
    while (comma > 0 && list->p[comma - 1] != ',') {
        comma--;
    }
    *ret_part = str_trim(str_slice(*list, comma, list->n));
    *list = comma > 0 ? str_slice(*list, 0, comma - 1) : STR_EMPTY;
    return true;
}

struct walk {
    const struct http_networks *trusted;
    struct in6_addr client;
    size_t hops;
};

/* Goes on through one line of the header, from its end. False: the client is found, or nothing more is understood. */
static bool walk_line(struct walk *w, struct str line)
{
    struct str hop;
    while (take_last(&line, &hop)) {
        struct in6_addr six;
        if (w->hops == MOST_HOPS || parse_hop(hop, &six) < 0) {
            return false;
        }
        w->hops++;
        w->client = six;
        if (!is_trusted(w->trusted, &six)) {
            return false;
        }
    }
    return true;
}

static struct str address_text(struct arena *arena, const struct in6_addr *six)
{
    char text[INET6_ADDRSTRLEN];
    bool four = IN6_IS_ADDR_V4MAPPED(six);
    const void *bytes = four ? &six->s6_addr[12] : six->s6_addr;
    return arena_str(arena,
                     str_from(inet_ntop(four ? AF_INET : AF_INET6, bytes, text, sizeof text)));
}

void http_forwarded_apply(struct http_request *request, const struct http_networks *trusted)
{
    struct walk w = {.trusted = trusted};
    bool more = true;
    for (size_t i = request->header_count; more && i > 0; i--) {
        const struct http_header *header = &request->headers[i - 1];
        if (str_eq_nocase(header->name, STR("X-Forwarded-For"))) {
            more = walk_line(&w, header->value);
        }
    }
    if (w.hops > 0) {
        request->peer = address_text(request->arena, &w.client);
    }
    request->secure = http_header_count(request, "X-Forwarded-Proto") == 1 &&
                      str_eq_nocase(http_header(request, "X-Forwarded-Proto"), STR("https"));
}
