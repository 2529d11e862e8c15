#include "http/http_int.h"
#include "unit.h"

static struct arena arena;
static struct http_network networks[4];
static struct http_networks trusted = {.at = networks};
static struct http_header headers[3];
static struct http_request request;

static void trust(const char *text)
{
    assert_int_equal(http_network_parse(str_from(text), &networks[trusted.n]), 0);
    trusted.n++;
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    trusted.n = 0;
    trust("10.0.0.0/8");
    trust("192.0.2.7");
    trust("2001:db8:1::/47");
    request = (struct http_request){
        .arena = &arena, .headers = headers, .peer = STR("10.0.0.1"), .secure = false};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* NULL ends the values of X-Forwarded-For. */
static void assert_peer(const char *wanted, const char *const *values)
{
    request.peer = STR("10.0.0.1");
    request.header_count = 0;
    for (; *values; values++) {
        headers[request.header_count++] =
            (struct http_header){STR("x-forwarded-FOR"), str_from(*values)};
    }
    http_forwarded_apply(&request, &trusted);
    assert_str(request.peer, wanted);
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void networks_as_text(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",          "10.0.0",    "10.0.0.0/33", "10.0.0.0/", "/8",         "10.0.0.0/-1",
        "::/129",    "localhost", "10.0.0.1:80", "[::1]",     "unix:/path", "10.0.0.0/8 ",
        "010.0.0.1", "::g",       "10.0.0.0/08x"};
    struct http_network network;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        if (http_network_parse(str_from(malformed[i]), &network) != ERR_INVALID) {
            fail_msg("%s is taken for a network", malformed[i]);
        }
    }
    assert_int_equal(http_network_parse(STR("0.0.0.0/0"), &network), 0);
    assert_int_equal(network.bits, 96);
    assert_int_equal(http_network_parse(STR("::/0"), &network), 0);
    assert_int_equal(network.bits, 0);
    assert_int_equal(http_network_parse(STR("::1"), &network), 0);
    assert_int_equal(network.bits, 128);
}

static bool trusts(const char *address)
{
    struct net_address peer;
    assert_int_equal(net_address_parse(str_from(address), &peer), 0);
    return http_forwarded_trusts(&trusted, &peer);
}

static void peers(void **state)
{
    (void)state;
    assert_true(trusts("10.255.0.1:1"));
    assert_true(trusts("[::ffff:10.1.1.1]:1"));
    assert_true(trusts("192.0.2.7:1"));
    assert_true(trusts("[2001:db8::1]:1"));
    assert_true(trusts("[2001:db8:1:ffff::]:1"));
    assert_false(trusts("11.0.0.1:1"));
    assert_false(trusts("192.0.2.6:1"));
    assert_false(trusts("[2001:db8:2::]:1"));
    assert_false(trusts("[::10.0.0.1]:1"));
    assert_false(trusts("unix:/x"));
    trust("unix");
    assert_true(trusts("unix:/x"));
    assert_false(trusts("127.0.0.1:1"));
}

static void who_asks(void **state)
{
    (void)state;
    assert_peer("10.0.0.1", (const char *const[]){NULL});
    assert_peer("198.51.100.1", VALUES("198.51.100.1"));
    assert_peer("198.51.100.1", VALUES("198.51.100.1:4711"));
    assert_peer("2001:db8:ff::1", VALUES("2001:db8:ff::1"));
    assert_peer("2001:db8:ff::1", VALUES("[2001:DB8:ff:0::1]:443"));
    assert_peer("198.51.100.1", VALUES("::ffff:198.51.100.1"));
    /* Through several proxies of ours, over lines and lists. */
    assert_peer("198.51.100.1", VALUES("198.51.100.1,10.0.0.9 , 192.0.2.7"));
    assert_peer("198.51.100.1", VALUES("198.51.100.1", "10.0.0.9", "192.0.2.7"));
    assert_peer("10.0.0.9", VALUES("10.0.0.9, 10.0.0.8"));
}

/* What the client itself writes stands before what the proxy adds. */
static void made_up(void **state)
{
    (void)state;
    assert_peer("198.51.100.1", VALUES("127.0.0.1, 198.51.100.1"));
    assert_peer("198.51.100.1", VALUES("10.0.0.5", "10.0.0.6, 198.51.100.1"));
    assert_peer("198.51.100.1", VALUES("198.51.100.2, 198.51.100.1, 10.0.0.9"));
    assert_peer("10.0.0.9", VALUES("198.51.100.1, unknown, 10.0.0.9"));
    assert_peer("10.0.0.1", VALUES("198.51.100.1, "));
    assert_peer("10.0.0.1", VALUES(""));
    assert_peer("10.0.0.1", VALUES("[]"));
    assert_peer("10.0.0.1", VALUES("1.2.3.4.5"));
    /* No more hops are looked at than any chain has. */
    BUF_AUTO(many, 4096);
    for (int i = 0; i < 40; i++) {
        buf_printf(&many, "10.0.0.%d,", 100 + i);
    }
    buf_add(&many, STR("10.0.0.200"));
    assert_peer("10.0.0.109", VALUES(buf_z(&many)));
}

static bool secure_with(const char *first, const char *second)
{
    request.header_count = 0;
    for (const char *value = first; value; value = value == first ? second : NULL) {
        headers[request.header_count++] =
            (struct http_header){STR("X-Forwarded-Proto"), str_from(value)};
    }
    http_forwarded_apply(&request, &trusted);
    return request.secure;
}

static void scheme(void **state)
{
    (void)state;
    assert_true(secure_with("https", NULL));
    assert_true(secure_with("HTTPS", NULL));
    assert_false(secure_with("http", NULL));
    assert_false(secure_with("https, http", NULL));
    assert_false(secure_with("https", "http"));
    assert_false(secure_with(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(networks_as_text, begin, end),
        cmocka_unit_test_setup_teardown(peers, begin, end),
        cmocka_unit_test_setup_teardown(who_asks, begin, end),
        cmocka_unit_test_setup_teardown(made_up, begin, end),
        cmocka_unit_test_setup_teardown(scheme, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
