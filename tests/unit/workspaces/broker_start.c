/* What the broker writes, the supervisor reads: the configuration goes through both. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "unit.h"
#include "workspace/workspace_int.h"

#include "broker.h"

static struct broker_place full_place(void)
{
    return (struct broker_place){.data = "/var/lib/coditect",
                                 .supervisor = "/opt/coditect-workspace",
                                 .codi2 = "/opt/codi2",
                                 .node = "/opt/node",
                                 .node_program = "/opt/coditect/node/bin/node",
                                 .ide = "/opt/ide-bundle",
                                 .platform_origin = "http://coditect.localhost:8080",
                                 .first_uid = FIRST,
                                 .last_uid = LAST};
}

static void read_back(const struct broker_place *place, const struct broker_request *request,
                      struct arena *arena, struct workspace_config *ret_config)
{
    BUF_AUTO(text, WORKSPACE_MAX_CONFIG);
    workspaces_broker_encode(&text, place, request);
    assert_int_equal(text.error, 0);
    const char *problem = "";
    int error =
        workspace_config_parse(arena_str(arena, buf_str(&text)), arena, ret_config, &problem);
    assert_string_equal(problem, "");
    assert_int_equal(error, 0);
}

static const char *value_of(const struct workspace_config *config, const char *name)
{
    for (const char **e = config->environment; *e; e += 2) {
        if (strcmp(e[0], name) == 0) {
            return e[1];
        }
    }
    return NULL;
}

static const struct workspace_bind *bind_at(const struct workspace_config *config,
                                            const char *target)
{
    for (size_t i = 0; i < config->bind_count; i++) {
        if (strcmp(config->binds[i].target, target) == 0) {
            return &config->binds[i];
        }
    }
    return NULL;
}

static void all_is_handed_over(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct broker_place place = full_place();
    struct broker_request request = bench_start();
    request.uid = UID;
    request.generation = 7;
    request.memory = 1 << 30;
    request.processes = 300;
    request.cpu = 150;
    request.network = 1;
    (void)snprintf(request.name, sizeof request.name, "%s", "\"quoted\" \\ <ä> 工作");
    struct workspace_config config;
    read_back(&place, &request, &arena, &config);
    assert_true(str_eq(config.session, STR("ses-a")));
    assert_int_equal(config.generation, 7);
    assert_int_equal(config.limits.memory, 1 << 30);
    assert_int_equal(config.limits.processes, 300);
    assert_int_equal(config.limits.cpu, 150);
    assert_int_equal(config.uid, UID);
    assert_int_equal(config.gid, UID);
    assert_true(config.network);
    assert_string_equal(config.token, "token");
    assert_string_equal(config.codi2, "/opt/codi2");
    assert_string_equal(config.run, "/var/lib/coditect/run/ses-a");
    assert_string_equal(value_of(&config, "SESSION_NAME"), "\"quoted\" \\ <ä> 工作");
    assert_string_equal(value_of(&config, "PLATFORM_ORIGIN"), "http://coditect.localhost:8080");
    assert_string_equal(value_of(&config, "USER_ID"), "usr-a");
    assert_string_equal(value_of(&config, "TENANT_ID"), "ten-a");
    assert_string_equal(value_of(&config, "GENERATION"), "7");
    assert_string_equal(bind_at(&config, "/workspace")->source,
                        "/var/lib/coditect/workspaces/ses-a/tree");
    assert_true(bind_at(&config, "/workspace")->writable);
    assert_string_equal(bind_at(&config, "/home/dev")->source,
                        "/var/lib/coditect/workspaces/ses-a/home");
    assert_string_equal(bind_at(&config, "/opt/coditect/node")->source, "/opt/node");
    assert_false(bind_at(&config, "/opt/coditect/node")->writable);
    assert_false(bind_at(&config, "/opt/coditect/ide")->writable);
    assert_false(bind_at(&config, "/run/coditect/wire")->writable);
}

static void what_is_not_there_is_not_named(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct broker_place place = full_place();
    place.ide = place.node = place.node_program = place.platform_origin = NULL;
    struct broker_request request = bench_start();
    struct workspace_config config;
    read_back(&place, &request, &arena, &config);
    assert_null(bind_at(&config, "/opt/coditect/ide"));
    assert_null(bind_at(&config, "/opt/coditect/node"));
    assert_null(value_of(&config, "PLATFORM_ORIGIN"));
    assert_null(config.arguments[0]);
}

static void the_largest_request_fits(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct broker_place place = full_place();
    struct broker_request request = bench_start();
    memset(request.session, 'a', BROKER_LABEL - 1);
    memset(request.user, 'a', BROKER_LABEL - 1);
    memset(request.tenant, 'a', BROKER_LABEL - 1);
    memset(request.name, '"', BROKER_NAME - 1);
    memset(request.token, '"', BROKER_TOKEN - 1);
    request.generation = request.memory = INT64_MAX;
    request.processes = 1000000;
    struct workspace_config config;
    read_back(&place, &request, &arena, &config);
    assert_int_equal(config.session.n, BROKER_LABEL - 1);
    assert_int_equal(strlen(config.token), BROKER_TOKEN - 1);
}

/* True when path is a directory of this mode and owner (the caller's where users are not split). */
static void assert_directory(const struct bench *b, const char *tail, mode_t mode, bool theirs)
{
    char path[256];
    struct stat facts;
    (void)snprintf(path, sizeof path, "%s/%s", b->data, tail);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode, S_IFDIR | mode);
    assert_int_equal(facts.st_uid, theirs ? bench_uid() : geteuid());
}

static void directories_have_their_owners(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench, "/bin/true");
    struct broker_request request = bench_start();
    for (int i = 0; i < 2; i++) { /* twice is harmless */
        assert_int_equal(bench_ask(&bench, &request), 0);
        assert_directory(&bench, "workspaces", 0711, false);
        assert_directory(&bench, "workspaces/ses-a", 0711, false);
        assert_directory(&bench, "workspaces/ses-a/tree", 0700, true);
        assert_directory(&bench, "workspaces/ses-a/index", 0700, true);
        assert_directory(&bench, "workspaces/ses-a/home", 0700, true);
        assert_directory(&bench, "workspaces/ses-a/home-index", 0700, true);
        assert_directory(&bench, "run/ses-a", 0711, false);
        assert_directory(&bench, "run/ses-a/door", 0710, true);
    }
    bench_end(&bench);
}

static struct broker_reply refused(struct bench *b)
{
    struct broker_request request = bench_start();
    struct broker_reply reply;
    assert_int_equal(send(b->ends[0], &request, sizeof request, 0), sizeof request);
    assert_true(workspaces_broker_serve(b->ends[1], &b->place));
    assert_int_equal(recv(b->ends[0], &reply, sizeof reply, 0), sizeof reply);
    return reply;
}

static void a_place_that_takes_no_directories(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench, "/bin/true");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/run", bench.data);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fclose(file);
    struct broker_reply reply = refused(&bench);
    assert_int_equal(reply.error, ERR_IO);
    assert_string_equal(reply.text, "the workspace's directories cannot be made: Not a directory");
    bench_end(&bench);
}

/* Of one that says nothing, and is this process's to reap. */
static void one_that_never_begins_is_killed(void **state)
{
    (void)state;
    struct bench bench;
    char path[128] = "";
    bench_begin(&bench, path);
    (void)snprintf(path, sizeof path, "%s/supervisor", bench.data);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs("#!/bin/sh\nexec sleep 60\n", file);
    assert_int_equal(fchmod(fileno(file), 0755), 0);
    (void)fclose(file);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct broker_reply reply = refused(&bench);
    assert_int_equal(reply.error, ERR_TIMEOUT);
    assert_string_equal(reply.text, "the workspace's supervisor did not begin within 10 s");
    int status = 0;
    assert_true(waitpid(-1, &status, 0) > 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    bench_end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_handed_over),
        cmocka_unit_test(what_is_not_there_is_not_named),
        cmocka_unit_test(the_largest_request_fits),
        cmocka_unit_test(directories_have_their_owners),
        cmocka_unit_test(a_place_that_takes_no_directories),
        cmocka_unit_test(one_that_never_begins_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
