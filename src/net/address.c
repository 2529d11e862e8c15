/* Addresses as text and as the kernel wants them. Names are never resolved: a resolver would block a loop. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/assert.h"
#include "net/net.h"

static int parse_unix(struct str path, struct net_address *ret_address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (path.n == 0 || path.n >= sizeof un.sun_path || memchr(path.p, '\0', path.n)) {
        return ERR_INVALID;
    }
    memcpy(un.sun_path, path.p, path.n);
    *ret_address = (struct net_address){.length = sizeof un};
    memcpy(&ret_address->sockaddr, &un, sizeof un);
    return 0;
}

static int parse_six(const char *host, uint16_t port, struct net_address *ret_address)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, host, &six.sin6_addr) != 1) {
        return ERR_INVALID;
    }
    *ret_address = (struct net_address){.length = sizeof six};
    memcpy(&ret_address->sockaddr, &six, sizeof six);
    return 0;
}

static int parse_four(const char *host, uint16_t port, struct net_address *ret_address)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &four.sin_addr) != 1) {
        return ERR_INVALID;
    }
    *ret_address = (struct net_address){.length = sizeof four};
    memcpy(&ret_address->sockaddr, &four, sizeof four);
    return 0;
}

int net_address_parse(struct str text, struct net_address *ret_address)
{
    if (str_starts(text, STR("unix:"))) {
        return parse_unix(str_slice(text, 5, text.n), ret_address);
    }
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') {
        colon--;
    }
    uint64_t port;
    if (colon == 0 || str_u64(str_slice(text, colon, text.n), 65535, &port) < 0) {
        return ERR_INVALID;
    }
    struct str host = str_slice(text, 0, colon - 1);
    bool six = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (six) {
        host = str_slice(host, 1, host.n - 1);
    } else if (host.n == 0) {
        host = STR("0.0.0.0");
    } else if (str_eq_nocase(host, STR("localhost"))) {
        host = STR("127.0.0.1");
    }
    char z[INET6_ADDRSTRLEN] = "";
    if (host.n >= sizeof z || memchr(host.p, '\0', host.n)) {
        return ERR_INVALID;
    }
    memcpy(z, host.p, host.n);
    return six ? parse_six(z, (uint16_t)port, ret_address)
               : parse_four(z, (uint16_t)port, ret_address);
}

struct str net_address_host(const struct net_address *address, char to[static NET_ADDRESS_TEXT])
{
    const void *sockaddr = &address->sockaddr;
    const struct sockaddr_in *four = sockaddr;
    const struct sockaddr_in6 *six = sockaddr;
    const char *text = NULL;
    if (address->sockaddr.ss_family == AF_INET) {
        text = inet_ntop(AF_INET, &four->sin_addr, to, NET_ADDRESS_TEXT);
    } else if (address->sockaddr.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        text = inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], to, NET_ADDRESS_TEXT);
    } else if (address->sockaddr.ss_family == AF_INET6) {
        text = inet_ntop(AF_INET6, &six->sin6_addr, to, NET_ADDRESS_TEXT);
    } else {
        text = memcpy(to, "unix", sizeof "unix");
    }
    ASSERT(text != NULL);
    return str_from(text);
}

uint16_t net_address_port(const struct net_address *address)
{
    const void *sockaddr = &address->sockaddr;
    if (address->sockaddr.ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)sockaddr)->sin_port);
    }
    if (address->sockaddr.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)sockaddr)->sin6_port);
    }
    return 0;
}

bool net_address_is_loopback(const struct net_address *address)
{
    const void *sockaddr = &address->sockaddr;
    if (address->sockaddr.ss_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)sockaddr)->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sockaddr.ss_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)sockaddr)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
    }
    return true;
}

struct str net_address_group(const struct net_address *address)
{
    const char *sockaddr = (const char *)&address->sockaddr;
    if (address->sockaddr.ss_family == AF_INET) {
        return str_of(sockaddr + offsetof(struct sockaddr_in, sin_addr), 4);
    }
    if (address->sockaddr.ss_family == AF_INET6) {
        const char *six = sockaddr + offsetof(struct sockaddr_in6, sin6_addr);
        return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)six)
                   ? str_of(six + 12, 4)
                   : str_of(six, 8);
    }
    return STR_EMPTY;
}
