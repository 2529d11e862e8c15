/* Any text as the supervisor's configuration: what is accepted names only absolute paths and stays within its limits. */
#include "base/assert.h"
#include "fuzz.h"
#include "workspace/workspace_int.h"

static void check_binds(const struct workspace_config *config)
{
    ASSERT(config->bind_count <= WORKSPACE_MAX_BINDS);
    for (size_t i = 0; i < config->bind_count; i++) {
        ASSERT(config->binds[i].source[0] == '/' && config->binds[i].target[0] == '/');
    }
}

static void check_lists(const struct workspace_config *config)
{
    size_t n = 0;
    while (config->arguments[n]) {
        n++;
    }
    ASSERT(n <= WORKSPACE_MAX_ARGUMENTS);
    for (n = 0; config->environment[n]; n += 2) {
        ASSERT(config->environment[n][0] && !strchr(config->environment[n], '='));
        ASSERT(config->environment[n + 1]);
    }
    ASSERT(n <= 2 * WORKSPACE_MAX_ENVIRONMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO(arena);
    struct workspace_config config;
    const char *problem = NULL;
    if (workspace_config_parse(str_of(data, size), &arena, &config, &problem) != 0) {
        ASSERT(problem && problem[0]);
        return 0;
    }
    ASSERT(workspace_is_label(config.session));
    ASSERT(config.run[0] == '/' && config.codi2[0] == '/');
    ASSERT(config.generation >= 0 && config.limits.memory >= 0 && config.limits.processes >= 0);
    check_binds(&config);
    check_lists(&config);
    return 0;
}
