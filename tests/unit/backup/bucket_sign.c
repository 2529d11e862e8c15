/* Signatures against the examples of the Amazon S3 API Reference ("Examples: Signature Calculations"). */
#include "unit.h"

#include "backup/backup_int.h"

static const struct backup_access access_of_examples = {
    .region = "us-east-1",
    .key = "AKIAIOSFODNN7EXAMPLE",
    .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
#define HOST \
    { \
        "host", "examplebucket.s3.amazonaws.com" \
    }
#define DATE \
    { \
        "x-amz-date", "20130524T000000Z" \
    }
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WELCOME "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static void check(struct backup_signing *s, const char *signature)
{
    BUF_AUTO(line, 1024);
    s->access = &access_of_examples;
    (void)snprintf(s->time, sizeof s->time, "20130524T000000Z");
    backup_sign(s, &line);
    assert_int_equal(line.error, 0);
    assert_true(str_starts(buf_str(&line),
                           STR("Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"
                               "20130524/us-east-1/s3/aws4_request,SignedHeaders=host;")));
    assert_string_equal(buf_z(&line) + line.n - strlen(signature), signature);
}

static void test_get_object(void **state)
{
    (void)state;
    const struct backup_header headers[] = {
        HOST, {"range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY}, DATE};
    check(&(struct backup_signing){.method = "GET",
                                   .path = "/test.txt",
                                   .headers = headers,
                                   .header_count = 4,
                                   .body_hash = EMPTY},
          "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void test_put_object(void **state)
{
    (void)state;
    const struct backup_header headers[] = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                            HOST,
                                            {"x-amz-content-sha256", WELCOME},
                                            DATE,
                                            {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    struct backup_signing s = {.access = &access_of_examples,
                               .method = "PUT",
                               .path = "/test%24file.text",
                               .headers = headers,
                               .header_count = 5,
                               .body_hash = WELCOME,
                               .time = "20130524T000000Z"};
    BUF_AUTO(line, 1024);
    backup_sign(&s, &line);
    assert_true(str_ends(buf_str(&line),
                         STR("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")));
}

static void test_list(void **state)
{
    (void)state;
    const struct backup_header headers[] = {HOST, {"x-amz-content-sha256", EMPTY}, DATE};
    struct backup_signing s = {.method = "GET",
                               .path = "/",
                               .query = STR("max-keys=2&prefix=J"),
                               .headers = headers,
                               .header_count = 3,
                               .body_hash = EMPTY};
    check(&s, "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    s.query = STR("lifecycle=");
    check(&s, "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void test_time(void **state)
{
    (void)state;
    char text[BACKUP_SIGN_TIME];
    backup_sign_time(text, 1369353600 * USEC_PER_SEC + 999999);
    assert_string_equal(text, "20130524T000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_object),
        cmocka_unit_test(test_put_object),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
