#include "mail/mail_int.h"
#include "unit.h"

static struct str form(struct buf *out, struct str from, struct str subject, struct str text)
{
    struct mail_message message = {.to = STR("ada@example.com"),
                                   .id = STR("mal-1.1"),
                                   .at = 1000000000 * USEC_PER_SEC,
                                   .letter = {.subject = subject, .text = text}};
    assert_int_equal(mail_box_read(from, &message.from), 0);
    buf_clear(out);
    mail_message_write(out, &message);
    assert_int_equal(out->error, 0);
    return buf_str(out);
}

static void has_the_form_of_rfc_5322(void **state)
{
    BUF_AUTO(out, 65536);
    assert_str(form(&out, STR("coditect@example.com"), STR("Set another password"),
                    STR("One line.\n\n.dots. and = signs \n")),
               "Date: Sun, 09 Sep 2001 01:46:40 +0000\r\n"
               "From: coditect@example.com\r\n"
               "To: ada@example.com\r\n"
               "Subject: Set another password\r\n"
               "Message-ID: <mal-1.1@example.com>\r\n"
               "MIME-Version: 1.0\r\n"
               "Content-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n"
               "Auto-Submitted: auto-generated\r\n"
               "\r\n"
               "One line.\r\n"
               "\r\n"
               "=2Edots. and =3D signs=20\r\n");
}

static void encodes_what_is_not_plain(void **state)
{
    BUF_AUTO(out, 65536);
    struct str m = form(&out, STR("Ünser Haus <a@b.example>"), STR("Grüße"), STR("ä\n"));
    assert_non_null(
        memmem(m.p, m.n, "From: =?UTF-8?B?w5xuc2VyIEhhdXM=?=\r\n <a@b.example>\r\n", 52));
    assert_non_null(memmem(m.p, m.n, "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n", 34));
    assert_true(str_ends(m, STR("\r\n\r\n=C3=A4\r\n")));
}

/* Every line ends with CR LF, none is too long, the head has its nine headers, and nothing else is in it. */
static void assert_whole(struct str m)
{
    unsigned headers = 0;
    bool head = true;
    struct str line;
    assert_true(str_ends(m, STR("\r\n")));
    while (m.n > 0 && str_split(&m, '\n', &line)) {
        assert_true(str_ends(line, STR("\r")));
        line.n--;
        assert_true(line.n <= 76);
        for (size_t i = 0; i < line.n; i++) {
            assert_true(line.p[i] >= ' ' && line.p[i] < 0x7F);
        }
        head = head && line.n > 0;
        headers += head && line.p[0] != ' ';
        assert_false(!head && str_starts(line, STR(".")));
    }
    assert_int_equal(headers, 9);
}

static void lets_no_text_into_the_head(void **state)
{
    static const char *const naughty[] = {
        "x\r\nBcc: eve@example.com",
        "x\nBcc: eve@example.com\n\nhello",
        "x\rBcc: eve@example.com",
        "=?UTF-8?B?DQpCY2M6IGE=?=",
        "?=\r\n\r\n.\r\nMAIL FROM:<eve@example.com>",
        "\x01\x02\x7f\xff\xfe",
        "\xe2\x80\xa8\xc2\x85line separators",
        "<script>alert(1)</script>",
        "\"; DROP TABLE mail; --",
        "          ",
        ".",
        "..",
    };
    BUF_AUTO(out, 65536);
    for (size_t i = 0; i < sizeof naughty / sizeof *naughty; i++) {
        struct str text = str_from(naughty[i]);
        assert_whole(form(&out, STR("Coditect <c@example.com>"), text, text));
    }
    char all[MAIL_MAX_SUBJECT];
    for (unsigned from = 0; from < 256; from++) {
        for (size_t i = 0; i < sizeof all; i++) {
            all[i] = (char)(from + i * 7);
        }
        assert_whole(
            form(&out, STR("c@example.com"), str_of(all, sizeof all), str_of(all, sizeof all)));
    }
    char longest[MAIL_MAX_TEXT];
    memset(longest, '=', sizeof longest);
    assert_whole(form(&out, STR("c@example.com"), STR(""), str_of(longest, sizeof longest)));
}

static void takes_only_addresses(void **state)
{
    static const char *const bad[] = {
        "",          "a",          "@",       "a@",          "@b",    "a@b@c",
        "a b@c",     "<a@b",       "a@b>c",   "x <a@b> y",   "a,b@c", "a@b\r\nBcc: c@d",
        "x\n <a@b>", "\xff <a@b>", "\"a\"@b", "a@b\xc3\xa4",
    };
    struct mail_box box;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(mail_box_read(str_from(bad[i]), &box), ERR_INVALID);
    }
    assert_int_equal(mail_box_read(STR(" Ada Lovelace <ada@example.com> "), &box), 0);
    assert_str(box.name, "Ada Lovelace");
    assert_str(box.address, "ada@example.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_form_of_rfc_5322),
        cmocka_unit_test(encodes_what_is_not_plain),
        cmocka_unit_test(lets_no_text_into_the_head),
        cmocka_unit_test(takes_only_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
