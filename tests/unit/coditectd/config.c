#include "coditectd/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/toml.h"
#include "unit.h"

static struct arena arena;
static struct buf said;
static struct coditectd_config config;
static struct coditectd_config_input input;
static char *environment[4];
static char file[64];

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    buf_init(&said, 64 * 1024);
    input = (struct coditectd_config_input){.environment = environment, .file = file};
    memset(environment, 0, sizeof environment);
    (void)snprintf(file, sizeof file, "/tmp/coditect-config-%d.toml", (int)getpid());
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(file);
    buf_fini(&said);
    arena_fini(&arena);
    return 0;
}

static void write_file(struct str text)
{
    FD_AUTO int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text), 0);
}

static int read_again(void)
{
    buf_clear(&said);
    return coditectd_config_read(&input, &arena, &config, &said);
}

static void assert_reads(const char *text)
{
    write_file(str_from(text));
    int r = read_again();
    assert_string_equal(buf_z(&said), "");
    assert_int_equal(r, 0);
}

/* wanted: what is said behind the file's name. */
static void assert_refuses(struct str text, const char *wanted)
{
    write_file(text);
    assert_int_equal(read_again(), ERR_INVALID);
    const char *line = buf_z(&said);
    assert_true(strncmp(line, file, strlen(file)) == 0);
    assert_string_equal(line + strlen(file), wanted);
}

static void defaults(void **state)
{
    (void)state;
    assert_reads("");
    assert_null(config.set.data);
    assert_string_equal(config.set.listen, "127.0.0.1:8080");
    assert_int_equal(config.set.jwt_expiry, 900 * USEC_PER_SEC);
    assert_int_equal(config.set.workspace_idle, 1800 * USEC_PER_SEC);
    assert_int_equal(config.set.log_level, SETTING_LOG_LEVEL_INFO);
    assert_false(config.set.end_workspaces);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        assert_int_equal(config.from[i].source, CODITECTD_DEFAULT);
    }
}

static void every_kind(void **state)
{
    (void)state;
    assert_reads(
        "public_url = 'https://x'\nend_workspaces = true\n"
        "[workspace]\nmemory = 7\nidle = 2\n[login]\nidle = '12h'\n[log]\nlevel = 'warn'\n");
    assert_string_equal(config.set.public_url, "https://x");
    assert_true(config.set.end_workspaces);
    assert_int_equal(config.set.workspace_memory, 7);
    assert_int_equal(config.set.workspace_idle, 120 * USEC_PER_SEC);
    assert_int_equal(config.set.login_idle, 12 * 3600 * USEC_PER_SEC);
    assert_int_equal(config.set.log_level, SETTING_LOG_LEVEL_WARN);
    assert_int_equal(config.from[SETTING_LOGIN_IDLE].line, 7);
    assert_string_equal(coditectd_config_where(&config, &arena, SETTING_LOG_FORMAT),
                        "log.format (default)");
}

/* Relative to the file, not to where the server was started; a flag is. */
static void paths(void **state)
{
    (void)state;
    assert_reads("web = 'w'\nide = '/abs'\n");
    assert_string_equal(config.set.web, "/tmp/w");
    assert_string_equal(config.set.ide, "/abs");
    input.flags[SETTING_WEB] = "w";
    assert_reads("web = 'v'\n");
    assert_string_equal(config.set.web, "w");
}

static void the_later_place_wins(void **state)
{
    (void)state;
    environment[0] = (char[]){"CODITECT_LISTEN=1.1.1.1:1"};
    environment[1] = (char[]){"CODITECT_USER="}; /* empty is not there */
    environment[2] = (char[]){"JWT_SECRET=01234567890123456789012345678901"};
    input.flags[SETTING_END_WORKSPACES] = "false";
    assert_reads("listen = '2.2.2.2:2'\nuser = 'ada'\nend_workspaces = true\n");
    assert_string_equal(config.set.listen, "1.1.1.1:1");
    assert_string_equal(config.set.user, "ada");
    assert_string_equal(config.set.jwt_secret, "01234567890123456789012345678901");
    assert_string_equal(config.from[SETTING_JWT_SECRET].name, "JWT_SECRET");
    assert_false(config.set.end_workspaces);
    input.flags[SETTING_LISTEN] = "3.3.3.3:3";
    environment[1] = (char[]){"CODITECT_JWT_SECRET=the name of our own comes before all others"};
    assert_reads("listen = '2.2.2.2:2'\n");
    assert_string_equal(config.set.listen, "3.3.3.3:3");
    assert_string_equal(config.set.jwt_secret, "the name of our own comes before all others");
}

static const struct {
    const char *text, *said;
} mistaken[] = {
    {"x", ":1:2: a = is missing behind the key\n"},
    {"\nlistn = 1", ":2:1: listn is no setting (did you mean listen?)\n"},
    {"memory = 1", ":1:1: memory is no setting (did you mean workspace.memory?)\n"},
    {"[jwt]\n expire = 1", ":2:2: jwt.expire is no setting (did you mean jwt.expiry?)\n"},
    {"[wrkspace]\nx = 1", ":1:2: [wrkspace] is no setting (did you mean [workspace]?)\n"},
    {"[zzzzzzzzzz]", ":1:2: [zzzzzzzzzz] is no setting (--print-config lists them)\n"},
    {"[jwt.zzzzzzzz]\nx = 1", ":1:6: jwt.zzzzzzzz is no setting (--print-config lists them)\n"},
    {"jwt = 1", ":1:1: jwt is no setting (--print-config lists them)\n"},
    {"listen = 1", ":1:1: listen wants a text of 1 to 4095 bytes\n"},
    {"listen = ''", ":1:1: listen wants a text of 1 to 4095 bytes, not \"\"\n"},
    {"end_workspaces = 'true'", ":1:1: end_workspaces wants true or false, not \"true\"\n"},
    {"[workspace]\nmemory = '7'",
     ":2:1: workspace.memory wants a number from 0 to 1048576 MiB, not \"7\"\n"},
    {"[workspace]\nmemory = -1", ":2:1: workspace.memory wants a number from 0 to 1048576 MiB\n"},
    {"[workspace]\nmemory = 1048577",
     ":2:1: workspace.memory wants a number from 0 to 1048576 MiB\n"},
    {"[log]\nlevel = 'loud'", ":2:1: log.level wants one of debug|info|warn|error, not \"loud\"\n"},
    {"[jwt]\nexpiry = '2d'",
     ":2:1: jwt.expiry wants 1 to 86400 seconds: a number of seconds, or as 90s, 15m, 12h, 30d, "
     "not \"2d\"\n"},
    {"[jwt]\nexpiry = 0",
     ":2:1: jwt.expiry wants 1 to 86400 seconds: a number of seconds, or as 90s, 15m, 12h, 30d\n"},
    {"[jwt]\nsecret = 'too short to be one'", ":2:1: jwt.secret wants a text of 32 to 512 bytes\n"},
};

static void mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistaken / sizeof *mistaken; i++) {
        assert_refuses(str_from(mistaken[i].text), mistaken[i].said);
    }
}

/* A person sees all mistakes at once, wherever they are, and what was wrong changes nothing. */
static void all_mistakes_at_once(void **state)
{
    (void)state;
    environment[0] = (char[]){"CODITECT_LOG_LEVEL=loud"};
    environment[1] = (char[]){"CODITECT_LISTN=x"};
    environment[2] = (char[]){"CODITECT_CACHE=/x"};
    input.flags[SETTING_WORKSPACE_MEMORY] = "many";
    write_file(STR("listn = 1\n"));
    assert_int_equal(read_again(), ERR_INVALID);
    BUF_AUTO(wanted, 4096);
    buf_printf(&wanted,
               "%s:1:1: listn is no setting (did you mean listen?)\n"
               "CODITECT_LOG_LEVEL wants one of debug|info|warn|error, not \"loud\"\n"
               "warning: CODITECT_LISTN is no setting (did you mean CODITECT_LISTEN?)\n"
               "--memory wants a number from 0 to 1048576 MiB, not \"many\"\n",
               file);
    assert_string_equal(buf_z(&said), buf_z(&wanted));
    assert_int_equal(config.set.workspace_memory, 4096);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(read_again(), ERR_INVALID);
    assert_non_null(strstr(buf_z(&said), "does not exist"));
    input.file = "/tmp";
    assert_int_equal(read_again(), ERR_INVALID);
    assert_string_equal(buf_z(&said), "/tmp cannot be read\n");
    input.file = file;
    BUF_AUTO(large, TOML_MAX_TEXT + 1);
    memset(buf_reserve(&large, TOML_MAX_TEXT + 1), '\n', TOML_MAX_TEXT + 1);
    buf_commit(&large, TOML_MAX_TEXT + 1);
    assert_refuses(buf_str(&large), ":262145:1: the text is too long\n");
}

static void a_secret_that_all_may_read(void **state)
{
    (void)state;
    write_file(STR("[jwt]\nsecret = '01234567890123456789012345678901'\n"));
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(read_again(), 0);
    assert_non_null(strstr(buf_z(&said), "warning: everybody may read "));
    assert_null(strstr(buf_z(&said), "0123456789"));
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(read_again(), 0);
    assert_string_equal(buf_z(&said), "");
}

/* What is printed gives the same values when it is read; secrets are not in it. */
static void printed_and_read(void **state)
{
    (void)state;
    BUF_AUTO(first, 64 * 1024);
    BUF_AUTO(second, 64 * 1024);
    environment[0] = (char[]){"JWT_SECRET=01234567890123456789012345678901"};
    input.flags[SETTING_PUBLIC_URL] = "https://\"x\"\\";
    input.flags[SETTING_WORKSPACE_IDLE] = "90s";
    assert_reads("user = 'ada'\n");
    coditectd_config_print(&config, &first);
    const char *text = buf_z(&first);
    assert_null(strstr(text, "0123456789"));
    assert_non_null(strstr(text, "# secret is given and not shown             # JWT_SECRET\n"));
    assert_non_null(strstr(text, "idle = \"90s\"                                # --idle\n"));
    assert_non_null(strstr(text, ".toml:1\n"));
    environment[0] = NULL;
    memset(input.flags, 0, sizeof input.flags);
    struct coditectd_settings before = config.set;
    write_file(buf_str(&first));
    assert_int_equal(read_again(), 0);
    assert_string_equal(config.set.public_url, before.public_url);
    assert_string_equal(config.set.user, "ada");
    assert_int_equal(config.set.workspace_idle, 90 * USEC_PER_SEC);
    coditectd_config_print(&config, &second);
    assert_non_null(strstr(buf_z(&second), "# secret is not given\n"));
}

/* Each row can be given by each way that it names, and its bounds are held. */
static void every_row(void **state)
{
    (void)state;
    struct args_option options[SETTING_COUNT + 1] = {0};
    size_t n = coditectd_config_options(&input, options);
    assert_in_range(n, 1, SETTING_COUNT);
    write_file(STR_EMPTY);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct coditectd_row *row = &coditectd_rows[i];
        assert_int_equal(row->secret, row->flag == NULL);
        assert_true(strlen(row->name) <= STR_DISTANCE_MOST);
        assert_true(strlen(row->environment) <= STR_DISTANCE_MOST);
        if (row->type == CODITECTD_NUMBER || row->type == CODITECTD_DURATION) {
            char most[32];
            bool number = row->type == CODITECTD_NUMBER;
            (void)snprintf(most, sizeof most, "%lld%s", (long long)row->most, number ? "" : "s");
            input.flags[i] = most;
            assert_int_equal(read_again(), 0);
            (void)snprintf(most, sizeof most, "%lld%s", (long long)row->most + 1,
                           number ? "" : "s");
            assert_int_equal(read_again(), ERR_INVALID);
            input.flags[i] = NULL;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults, begin, end),
        cmocka_unit_test_setup_teardown(every_kind, begin, end),
        cmocka_unit_test_setup_teardown(paths, begin, end),
        cmocka_unit_test_setup_teardown(the_later_place_wins, begin, end),
        cmocka_unit_test_setup_teardown(mistakes, begin, end),
        cmocka_unit_test_setup_teardown(all_mistakes_at_once, begin, end),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read, begin, end),
        cmocka_unit_test_setup_teardown(a_secret_that_all_may_read, begin, end),
        cmocka_unit_test_setup_teardown(printed_and_read, begin, end),
        cmocka_unit_test_setup_teardown(every_row, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
