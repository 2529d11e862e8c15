/*
 * Any bytes as a request to the privileged side: what passes its check makes paths only below the data directory, users
 * only of the range, and a configuration that the supervisor reads back as it was meant.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "workspace/workspace_int.h"
#include "workspaces/broker_int.h"

static const struct broker_place place = {.data = "/data",
                                          .supervisor = "/supervisor",
                                          .codi2 = "/codi2",
                                          .node = "/node",
                                          .node_program = "/opt/coditect/node/bin/node",
                                          .ide = "/ide",
                                          .platform_origin = "http://coditect.localhost:8080",
                                          .first_uid = 200000,
                                          .last_uid = 299999};

static void check_start(const struct broker_request *request)
{
    ARENA_AUTO(arena);
    BUF_AUTO(text, WORKSPACE_MAX_CONFIG);
    workspaces_broker_encode(&text, &place, request);
    ASSERT(!text.error);
    struct workspace_config config;
    const char *problem;
    ASSERT(workspace_config_parse(buf_str(&text), &arena, &config, &problem) == 0);
    ASSERT(str_eq(config.session, str_from(request->session)));
    ASSERT(strcmp(config.token, request->token) == 0);
    ASSERT(config.uid == request->uid && config.gid == request->uid);
    ASSERT(config.generation == request->generation);
    struct str run = arena_printf(&arena, "/data/run/%s", request->session);
    ASSERT(str_eq(str_from(config.run), run));
    for (size_t i = 0; i < config.bind_count; i++) {
        ASSERT(!strstr(config.binds[i].source, ".."));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct broker_request request = {0};
    memcpy(&request, data, size < sizeof request ? size : sizeof request);
    if (!workspaces_broker_check(&place, &request)) {
        return 0;
    }
    ASSERT(!strchr(request.session, '/') && !strchr(request.session, '.'));
    if (request.kind != BROKER_SIGNAL) {
        ASSERT(request.uid >= place.first_uid && request.uid <= place.last_uid);
    }
    if (request.kind == BROKER_START) {
        ASSERT(str_is_utf8(str_from(request.name)));
        check_start(&request);
    }
    return 0;
}
