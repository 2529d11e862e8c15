/* A directory with everything that could go wrong in it, served by a real server. */
#include <fcntl.h>
#include <sys/stat.h>

#include "world.h"

enum { LARGE = 300 * 1000 };

static char directory[64];

static void write_file(const char *name, struct str content)
{
    BUF_AUTO(path, 256);
    buf_printf(&path, "%s/%s", directory, name);
    FD_AUTO int fd = open(buf_z(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, content), 0);
}

static int make_files(void **state)
{
    (void)snprintf(directory, sizeof directory, "/tmp/unit-static-%d", (int)getpid());
    BUF_AUTO(path, 256);
    buf_printf(&path, "%s/sub", directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(mkdir(buf_z(&path), 0700), 0);
    write_file("index.html", STR("<page>"));
    write_file(".hidden", STR("hidden"));
    write_file("a b.js", STR("plain"));
    write_file("a b.js.gz", STR("packed"));
    write_file("empty.css", STR_EMPTY);
    char large[LARGE];
    for (int i = 0; i < LARGE; i++) {
        large[i] = (char)i;
    }
    write_file("sub/large.wasm", str_of(large, sizeof large));
    buf_printf(&path, "/link");
    assert_int_equal(symlink("/etc/passwd", buf_z(&path)), 0);
    const struct http_static_options options = {
        .directory = directory, .lasting = true, .fallback = "/index.html"};
    assert_int_equal(http_static_open(&options, &world_files), 0);
    return set_up(state);
}

static int remove_files(void **state)
{
    int r = tear_down(state);
    http_static_close(world_files);
    static const char *const names[] = {"index.html", ".hidden",   "a b.js",
                                        "a b.js.gz",  "empty.css", "sub/large.wasm",
                                        "sub/link",   "sub",       ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        BUF_AUTO(path, 256);
        buf_printf(&path, "%s/%s", directory, names[i]);
        assert_int_equal(remove(buf_z(&path)), 0);
    }
    return r;
}

static struct http_client *client;
static struct http_reply reply;

/* Status; the body into out, reply holds the headers. */
static int get(const char *target, const char *header, const char *value, struct buf *out)
{
    const struct http_header one = {str_from(header), str_from(value)};
    const struct http_call what = {.method = "GET",
                                   .target = str_from(target),
                                   .headers = &one,
                                   .header_count = header ? 1 : 0};
    assert_int_equal(http_client_call(client, &what, &reply), 0);
    buf_clear(out);
    assert_int_equal(http_client_body(client, out), 0);
    return reply.status;
}

static void whole_files(void **state)
{
    (void)state;
    client = client_for(front_address);
    BUF_AUTO(out, 2 * LARGE);
    assert_int_equal(get("/files/", NULL, NULL, &out), 200);
    assert_str(buf_str(&out), "<page>");
    assert_str(http_reply_header(&reply, "Content-Type"), "text/html; charset=utf-8");
    assert_str(http_reply_header(&reply, "Cache-Control"), "public, max-age=31536000, immutable");
    assert_int_equal(get("/files/a%20b.js", NULL, NULL, &out), 200);
    assert_str(buf_str(&out), "plain");
    assert_int_equal(get("/files/a%20b.js", "Accept-Encoding", "br, gzip;q=0.5", &out), 200);
    assert_str(buf_str(&out), "packed");
    assert_str(http_reply_header(&reply, "Content-Encoding"), "gzip");
    assert_str(http_reply_header(&reply, "Content-Type"), "text/javascript; charset=utf-8");
    assert_int_equal(get("/files/a%20b.js", "Accept-Encoding", "gzip;q=0", &out), 200);
    assert_str(buf_str(&out), "plain");
    assert_int_equal(get("/files/empty.css", NULL, NULL, &out), 200);
    assert_int_equal(out.n, 0);
    assert_int_equal(get("/files/sub/large.wasm", NULL, NULL, &out), 200);
    expect_pattern(&out, LARGE);
    http_client_destroy(client);
}

static void parts_and_conditions(void **state)
{
    (void)state;
    client = client_for(front_address);
    BUF_AUTO(out, 2 * LARGE);
    assert_int_equal(get("/files/a%20b.js", "Range", "bytes=1-2", &out), 206);
    assert_str(buf_str(&out), "la");
    assert_str(http_reply_header(&reply, "Content-Range"), "bytes 1-2/5");
    assert_int_equal(get("/files/sub/large.wasm", "Range", "bytes=-256", &out), 206);
    assert_int_equal(out.n, 256);
    assert_int_equal((unsigned char)out.p[255], (LARGE - 1) % 256);
    assert_int_equal(get("/files/a%20b.js", "Range", "bytes=5-", &out), 416);
    char etag[100];
    (void)snprintf(etag, sizeof etag, STR_FMT, STR_ARG(http_reply_header(&reply, "ETag")));
    assert_int_equal(get("/files/index.html", NULL, NULL, &out), 200);
    (void)snprintf(etag, sizeof etag, "\"x\", W/" STR_FMT,
                   STR_ARG(http_reply_header(&reply, "ETag")));
    assert_int_equal(get("/files/index.html", "If-None-Match", etag, &out), 304);
    assert_int_equal(out.n, 0);
    assert_int_equal(get("/files/index.html", "If-None-Match", "\"x\"", &out), 200);
    http_client_destroy(client);
}

static void nothing_outside(void **state)
{
    (void)state;
    client = client_for(front_address);
    BUF_AUTO(out, 2 * LARGE);
    static const char *const targets[] = {"/files/none.js",
                                          "/files/sub",
                                          "/files/sub/",
                                          "/files/sub/link",
                                          "/files/.hidden",
                                          "/files//index.html",
                                          "/files/../etc/passwd",
                                          "/files/%2e%2e/etc/passwd",
                                          "/files/sub/../index.html",
                                          "/files/./index.html",
                                          "/files/index.html/"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_int_equal(get(targets[i], NULL, NULL, &out), 404);
    }
    assert_int_equal(get("/files/page/7", "Accept", "text/html", &out), 200);
    assert_str(buf_str(&out), "<page>");
    assert_int_equal(get("/files/page/7.js", "Accept", "text/html", &out), 200);
    assert_int_equal(get("/files/page/7.js", "Accept", "*/*", &out), 404);
    assert_int_equal(
        http_client_call(client,
                         &(struct http_call){.method = "POST", .target = STR("/files/index.html")},
                         &reply),
        0);
    assert_int_equal(reply.status, 405);
    http_client_destroy(client);
}

/* The same directory, where only what lies below /sub/ has names that mean the same bytes for ever. */
static void lasting_names(void **state)
{
    (void)state;
    struct http_static *whole = world_files;
    const struct http_static_options options = {
        .directory = directory, .lasting_below = "/sub/", .fallback = "/index.html"};
    assert_int_equal(http_static_open(&options, &world_files), 0);
    client = client_for(front_address);
    BUF_AUTO(out, 2 * LARGE);
    assert_int_equal(get("/files/page/7", "Accept", "text/html", &out), 200);
    assert_str(http_reply_header(&reply, "Cache-Control"), "no-cache");
    assert_int_equal(get("/files/sub/large.wasm", NULL, NULL, &out), 200);
    assert_str(http_reply_header(&reply, "Cache-Control"), "public, max-age=31536000, immutable");
    assert_int_equal(get("/files/sub/none.js", "Accept", "text/html", &out), 404);
    http_client_destroy(client);
    http_static_close(world_files);
    world_files = whole;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files),
        cmocka_unit_test(parts_and_conditions),
        cmocka_unit_test(nothing_outside),
        cmocka_unit_test(lasting_names),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
