/* What a bucket says in XML: lists and refusals as real ones write them, and what is neither. */
#include "unit.h"

#include "backup/backup_int.h"

static int parse(const char *xml, struct backup_reply *reply)
{
    memset(reply, 0, sizeof *reply);
    return backup_reply_parse(str_from(xml), STR("a&b/"), reply);
}

static void test_list(void **state)
{
    (void)state;
    struct backup_reply reply;
    assert_int_equal(
        parse("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
              " <Name>b</Name> <Prefix>a&amp;b/</Prefix> <IsTruncated>true</IsTruncated>\n"
              " <Contents> <Key>a&amp;b/one</Key> <Size>7</Size>\n"
              "  <Owner><ID>x</ID><DisplayName>Key</DisplayName></Owner> </Contents>\n"
              " <Contents><Size>1073741824</Size><Key>a&#38;b/two</Key></Contents>\n"
              " <NextContinuationToken>1/a+b==</NextContinuationToken>\n"
              "</ListBucketResult>",
              &reply),
        0);
    assert_true(reply.is_list && reply.more);
    assert_string_equal(reply.token, "1/a+b==");
    assert_int_equal(reply.objects.n, 2);
    assert_string_equal(reply.objects.at[0].name, "one");
    assert_int_equal(reply.objects.at[0].size, 7);
    assert_string_equal(reply.objects.at[1].name, "two");
    assert_int_equal(reply.objects.at[1].size, BACKUP_OBJECT_MOST);
    VEC_FREE(&reply.objects);
}

/* Each of these objects is not there. */
static void test_strange_objects(void **state)
{
    (void)state;
    static const char *const strange[] = {
        "<Key>a&amp;b/</Key><Size>1</Size>",
        "<Key>other/name</Key><Size>1</Size>",
        "<Size>1</Size>",
        "<X><Key>a&amp;b/name</Key></X><Size>1</Size>",
        ("<Key>a&amp;b/0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789</Key><Size>1</Size>"),
    };
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        char xml[512];
        struct backup_reply reply;
        (void)snprintf(xml, sizeof xml,
                       "<ListBucketResult><Contents>%s</Contents></ListBucketResult>", strange[i]);
        assert_int_equal(parse(xml, &reply), 0);
        assert_true(reply.is_list);
        assert_int_equal(reply.objects.n, 0);
        VEC_FREE(&reply.objects);
    }
}

/* Each of these is there, and not readable: its size is none of ours, even behind one that has another. */
static void test_strange_sizes(void **state)
{
    (void)state;
    static const char *const strange[] = {
        "",
        "<Size/>",
        "<Size>-1</Size>",
        "<Size>1073741825</Size>",
        "<Size>99999999999999999999999</Size>",
    };
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        char xml[512];
        struct backup_reply reply;
        (void)snprintf(xml, sizeof xml,
                       "<ListBucketResult><Contents><Key>a&amp;b/one</Key><Size>7</Size></Contents>"
                       "<Contents><Key>a&amp;b/two</Key>%s</Contents></ListBucketResult>",
                       strange[i]);
        assert_int_equal(parse(xml, &reply), 0);
        assert_int_equal(reply.objects.n, 2);
        assert_int_equal(reply.objects.at[0].size, 7);
        assert_string_equal(reply.objects.at[1].name, "two");
        assert_int_equal(reply.objects.at[1].size, 0);
        VEC_FREE(&reply.objects);
    }
}

static void test_refusal(void **state)
{
    (void)state;
    struct backup_reply reply;
    assert_int_equal(parse("<Error><Code>AccessDenied</Code><Message>Access &lt;Denied&gt;"
                           "</Message><RequestId>1</RequestId></Error>",
                           &reply),
                     0);
    assert_false(reply.is_list);
    assert_string_equal(reply.code, "AccessDenied");
    assert_string_equal(reply.message, "Access <Denied>");
}

static void test_not_believed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "<ListBucketResult>",
        "<ListBucketResult></Other>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
        "<!DOCTYPE x [<!ENTITY a \"b\">",
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><ListBucketResult/>",
        "<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>",
        "<ListBucketResult><Contents><Key>\xff</Key></Contents></ListBucketResult>",
    };
    struct backup_reply reply;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(bad[i], &reply), ERR_CORRUPT);
        VEC_FREE(&reply.objects);
    }
    BUF_AUTO(xml, BACKUP_REPLY_MOST + 1);
    buf_printf(&xml, "<ListBucketResult><Name>");
    for (size_t i = 0; i < 2049; i++) {
        buf_byte(&xml, 'x');
    }
    buf_printf(&xml, "</Name></ListBucketResult>");
    assert_int_equal(parse(buf_z(&xml), &reply), ERR_CORRUPT);
    char *room = buf_reserve(&xml, BACKUP_REPLY_MOST + 1 - xml.n);
    assert_non_null(room);
    memset(room, ' ', BACKUP_REPLY_MOST + 1 - xml.n);
    buf_commit(&xml, BACKUP_REPLY_MOST + 1 - xml.n);
    memset(&reply, 0, sizeof reply);
    assert_int_equal(backup_reply_parse(buf_str(&xml), STR_EMPTY, &reply), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),          cmocka_unit_test(test_strange_objects),
        cmocka_unit_test(test_strange_sizes), cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
