/* An exchange that does not come to an end by itself. What speaks with a mail server that answers is tests/api/mail.test.mjs. */
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include "mail/mail_int.h"
#include "unit.h"

static int gate[2], said[2]; /* the test lets the name server answer; it says that it did */
static _Atomic usec_t cut_at;
static _Atomic int asked;

/* In the place of the C library's: a name server that does not answer while the server stops. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict node,
                                                       const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict result)
{
    (void)node, (void)service, (void)hints, (void)result;
    char byte = 0;
    atomic_fetch_add(&asked, 1);
    atomic_store(&cut_at, time_monotonic()); /* the stop */
    (void)!read(gate[0], &byte, 1);
    (void)!write(said[1], &byte, 1);
    return EAI_AGAIN;
}

static void a_stop_waits_for_no_name_server(void **state)
{
    (void)state;
    char byte = 0;
    assert_int_equal(pipe2(gate, O_CLOEXEC) | pipe2(said, O_CLOEXEC), 0);
    const struct mail_options options = {.url = "smtp://mail.example.com:2525"};
    struct mail_exchange x = {.options = &options,
                              .from = STR("coditect@example.com"),
                              .to = STR("ada@example.com"),
                              .message = STR("Subject: none\r\n\r\n"),
                              .cut_at = &cut_at};
    assert_int_equal(mail_smtp_send(&x), MAIL_LATER); /* before there is an answer */
    assert_string_equal(x.why, "the server stops");
    assert_int_equal(asked, 1);
    assert_int_equal(write(gate[1], &byte, 1), 1);
    assert_int_equal(read(said[0], &byte, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_stop_waits_for_no_name_server)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
