/* git clone: what its words mean, which name a repository gets, and that a child's end is known whatever it was. */
#include "codi2/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "unit.h"

static void name_is(const char *url, const char *name)
{
    ARENA_AUTO(arena);
    assert_str(codi2_clone_name(&arena, str_from(url)), name);
}

static void names(void **state)
{
    name_is("https://example.com/ada/engine.git", "engine");
    name_is("https://example.com/ada/engine/", "engine");
    name_is("https://example.com/ada/engine/.git", "engine");
    name_is("https://example.com/Name_1.2-x", "Name_1.2-x");
    name_is("https://example.com/a%20b", "a-20b");
    name_is("https://example.com/.hidden", "hidden");
    name_is("https://example.com/--upload-pack=x", "upload-pack-x");
    name_is("https://example.com/..", "repository");
    name_is("https://example.com/%%%", "repository");
    name_is("https://example.com/.git", "example.com");
    char url[400] = "https://example.com/";
    char wanted[101];
    for (size_t i = strlen(url); i + 1 < sizeof url; i++) {
        url[i] = 'a';
    }
    memset(wanted, 'a', 100);
    wanted[100] = '\0';
    name_is(url, wanted);
}

static unsigned percent_of(struct codi2_clone_words *words, const char *line)
{
    codi2_clone_hear(words, str_from(line));
    return words->percent;
}

static void progress_never_goes_back(void **state)
{
    struct codi2_clone_words words;
    codi2_clone_words_init(&words);
    assert_int_equal(percent_of(&words, "Cloning into 'x'..."), 0);
    assert_int_equal(percent_of(&words, "remote: Counting objects: 100% (7/7), done."), 0);
    assert_int_equal(percent_of(&words, "Receiving objects:  50% (421/842), 1.2 MiB | 1 MiB/s"),
                     40);
    assert_int_equal(percent_of(&words, "Receiving objects: 100% (842/842)"), 80);
    assert_int_equal(percent_of(&words, "Receiving objects:   1% (8/842)"), 80);
    assert_int_equal(percent_of(&words, "Resolving deltas:  50% (1/2)"), 85);
    assert_int_equal(percent_of(&words, "Updating files: 999% (1/2)"), 85);
    assert_int_equal(percent_of(&words, "Updating files: % and more"), 85);
    assert_int_equal(percent_of(&words, "Updating files: 100% (2/2), done."), 100);
}

static void why_is(const char *const *lines, const char *why)
{
    struct codi2_clone_words words;
    BUF_AUTO(text, 1024);
    codi2_clone_words_init(&words);
    for (; *lines; lines++) {
        codi2_clone_hear(&words, str_from(*lines));
    }
    codi2_clone_why(&words, &text);
    assert_str(buf_str(&text), why);
}

#define WHY(why, ...) why_is((const char *const[]){__VA_ARGS__, NULL}, why)

static void reasons(void **state)
{
    WHY("The workspace's disk is full.", "fatal: write error: No space left on device",
        "fatal: fetch-pack: invalid index-pack output");
    WHY("The host was not found: its name is wrong, or the workspace has no network.",
        "fatal: unable to access 'https://x.invalid/a/': Could not resolve host: x.invalid");
    WHY("The repository has no branch and no tag of this name.",
        "fatal: Remote branch nothing not found in upstream origin");
    WHY("Nobody answers at this address.",
        "fatal: unable to access 'https://x/a/': Failed to connect to x port 443 after 0 ms");
    WHY("git says: something new", "error: first", "fatal: something new", "no reason");
    WHY("git ended without a word.", "hello");
}

static void long_and_broken_lines(void **state)
{
    struct codi2_clone_words words;
    BUF_AUTO(text, 1024);
    char line[2000];
    memset(line, '\xc3', sizeof line);
    memcpy(line, "fatal: x", 8);
    codi2_clone_words_init(&words);
    codi2_clone_hear(&words, str_of(line, sizeof line));
    codi2_clone_why(&words, &text);
    assert_str(buf_str(&text), "git says: x");
}

static void ignore_progress(void *ctx, unsigned percent)
{
}

/* No network is needed: nobody listens there, or the time is over before it begins. */
static void an_end_has_a_reason(void **state)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct codi2_clone_options options = {.root = "/",
                                          .folder = STR("nowhere"),
                                          .url = STR("http://127.0.0.1:1/a.git"),
                                          .branch = STR("main"),
                                          .deadline = time_monotonic() + 60 * USEC_PER_SEC,
                                          .stop = ends[0],
                                          .progress = ignore_progress};
    BUF_AUTO(why, 1024);
    options.root = "/nonexistent";
    assert_int_equal(codi2_clone(&options, &why), CODI2_CLONE_FAILED);
    assert_str(buf_str(&why), "git was ended from outside, perhaps for want of memory.");
    options.root = "/tmp";
    options.deadline = 0;
    buf_clear(&why);
    assert_int_equal(codi2_clone(&options, &why), CODI2_CLONE_FAILED);
    assert_str(buf_str(&why), "It took too long.");
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_int_equal(codi2_clone(&options, &why), CODI2_CLONE_STOPPED);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Whoever answers nothing keeps git for ever. The process must be gone whenever it is cut: also before it had done anything. */
static void what_is_cut_leaves_no_process(void **state)
{
    int ends[2];
    FD_AUTO int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t room = sizeof at;
    assert_int_equal(bind(silent, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(silent, 100), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&at, &room), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    BUF_AUTO(url, 100);
    BUF_AUTO(why, 1024);
    buf_printf(&url, "http://127.0.0.1:%d/a.git", ntohs(at.sin_port));
    struct codi2_clone_options options = {.root = "/tmp",
                                          .folder = STR("nowhere"),
                                          .url = buf_str(&url),
                                          .stop = ends[0],
                                          .progress = ignore_progress};
    for (int i = 0; i < 20; i++) { /* at once, and some milliseconds later */
        options.deadline = time_monotonic() + i * USEC_PER_MS;
        assert_int_equal(codi2_clone(&options, &why), CODI2_CLONE_FAILED);
    }
    usec_t patience = time_monotonic() + 20 * USEC_PER_SEC;
    while (waitpid(-1, NULL, WNOHANG) >= 0) {
        assert_true(time_monotonic() < patience);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(errno, ECHILD);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(progress_never_goes_back),
        cmocka_unit_test(reasons),
        cmocka_unit_test(long_and_broken_lines),
        cmocka_unit_test(an_end_has_a_reason),
        cmocka_unit_test(what_is_cut_leaves_no_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
