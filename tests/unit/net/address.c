#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/net.h"
#include "unit.h"

static const struct {
    const char *text, *host;
    uint16_t port;
    bool loopback;
} good[] = {
    {"127.0.0.1:8080", "127.0.0.1", 8080, true},
    {"localhost:0", "127.0.0.1", 0, true},
    {":80", "0.0.0.0", 80, false},
    {"[::1]:8080", "::1", 8080, true},
    {"[::ffff:10.1.2.3]:1", "10.1.2.3", 1, false},
    {"[::ffff:127.0.0.1]:1", "127.0.0.1", 1, true},
    {"192.0.2.1:65535", "192.0.2.1", 65535, false},
    {"unix:/run/x.sock", "unix", 0, true},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct net_address address;
        char host[NET_ADDRESS_TEXT];
        assert_int_equal(net_address_parse(str_from(good[i].text), &address), 0);
        assert_str(net_address_host(&address, host), good[i].host);
        assert_int_equal(net_address_port(&address), good[i].port);
        assert_int_equal(net_address_is_loopback(&address), good[i].loopback);
    }
    static const char *const bad[] = {"",
                                      "8080",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:+1",
                                      "example.com:80",
                                      "::1:80",
                                      "[::1]",
                                      "[]:80",
                                      "unix:",
                                      "256.0.0.1:1",
                                      "1.2.3:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct net_address address;
        assert_int_equal(net_address_parse(str_from(bad[i]), &address), ERR_INVALID);
    }
    struct net_address address;
    char path[200];
    memset(path, 'a', sizeof path);
    memcpy(path, "unix:/", 6);
    assert_int_equal(net_address_parse(str_of(path, sizeof path), &address), ERR_INVALID);
    assert_int_equal(net_address_parse(STR("unix:/a\0b"), &address), ERR_INVALID);
}

static bool same_group(const char *a, const char *b)
{
    struct net_address one, other;
    assert_int_equal(net_address_parse(str_from(a), &one), 0);
    assert_int_equal(net_address_parse(str_from(b), &other), 0);
    return str_eq(net_address_group(&one), net_address_group(&other));
}

static void groups(void **state)
{
    (void)state;
    assert_true(same_group("10.0.0.1:1", "10.0.0.1:2"));
    assert_false(same_group("10.0.0.1:1", "10.0.0.2:1"));
    assert_true(same_group("[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::]:1"));
    assert_false(same_group("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1"));
    assert_true(same_group("[::ffff:10.0.0.1]:1", "10.0.0.1:1"));
}

static int connected(const char *folder, const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof text, "unix:%s/%s", folder, name);
    struct net_address address;
    assert_int_equal(net_address_parse(str_from(text), &address), 0);
    FD_AUTO int fd = -1;
    return net_connect_until(&address, time_monotonic() + 5 * USEC_PER_SEC, &fd);
}

/* Somebody who may write in the folder of their socket sends nobody to another's by a link. */
static void links_lead_nowhere(void **state)
{
    (void)state;
    char folder[] = "/tmp/coditect-net-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char text[64];
    (void)snprintf(text, sizeof text, "unix:%s/sock", folder);
    struct net_address address;
    assert_int_equal(net_address_parse(str_from(text), &address), 0);
    FD_AUTO int listener = -1;
    assert_int_equal(net_listen(&address, /* shared= */ false, &listener), 0);
    FD_AUTO int place = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("sock", place, "link"), 0);
    FD_AUTO int file = openat(place, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);

    assert_int_equal(connected(folder, "sock"), 0);
    assert_int_equal(connected(folder, "link"), ERR_IO);
    assert_int_equal(connected(folder, "file"), ERR_IO);
    assert_int_equal(connected(folder, "none"), ERR_IO);

    static const char *const names[] = {"sock", "link", "file"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(unlinkat(place, names[i], 0), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(groups),
                                       cmocka_unit_test(links_lead_nowhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
