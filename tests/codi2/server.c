/*
 * wire-server DIR SOCKET TOKEN: the server's side of the wire alone, on a store in DIR, for one person with two sessions and a
 * home. TOKEN is the first session's, TOKEN-second the other's. Started again on the same DIR it serves the same sessions, since
 * everything is made under fixed operations. WIRE_QUOTA, WIRE_HOME_QUOTA: how many bytes a session, and the home, may have; WIRE_STORED:
 * the tenant, with all its history.
 * SOURCE_URL and SOURCE_BRANCH: of the repository that the first session begins with; at SIGUSR1 the person asks for another
 * attempt. At SIGUSR2 the tenant's rules become what the files DIR/rules and DIR/quiet have.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "coditectd/wire.h"
#include "content/content.h"
#include "sessions/sessions.h"
#include "settings/settings.h"

enum { WAITERS = 256 }; /* who was killed while it waited holds a thread for a while */

struct place {
    struct data_context ctx;
    struct str sessions[2];
    struct str tokens[2];
    struct data_quota quota;
};

static int who(void *arg, struct arena *arena, const struct coditectd_wire_ask *ask,
               struct coditectd_wire_peer *ret_peer)
{
    struct place *p = arg;
    (void)arena;
    bool second = str_eq(ask->token, p->tokens[1]);
    if (!second && !str_eq(ask->token, p->tokens[0])) {
        return ERR_UNAUTHENTICATED;
    }
    bool home = str_eq(ask->root, STR("home"));
    struct str session = p->sessions[second];
    *ret_peer = (struct coditectd_wire_peer){.scope = p->ctx.scope,
                                             .session = session,
                                             .tree = home ? p->ctx.scope.user_id : session,
                                             .generation = 1,
                                             .quota = p->quota};
    return 0;
}

static int status(void *arg, const struct coditectd_wire_peer *peer, struct str text)
{
    (void)arg;
    (void)peer;
    (void)text;
    return 0;
}

static struct store_op fixed(uint8_t number)
{
    const uint8_t id[16] = {number};
    return store_op_derived(id);
}

static int make_session(struct place *p, uint8_t number, const struct sessions_create_input *input)
{
    struct sessions_view view;
    p->ctx.op = fixed((uint8_t)(2 + 2 * number));
    int r = sessions_create(&p->ctx, input, &view);
    if (r) {
        return r;
    }
    p->sessions[number] = view.session.id;
    p->ctx.op = fixed((uint8_t)(3 + 2 * number));
    return sessions_open(&p->ctx, view.session.id, &view); /* generation 1 */
}

static int make_person(struct place *p, struct auth *auth)
{
    const struct auth_register_input account = {.email = STR("ada@example.com"),
                                                .password = STR("correct horse battery")};
    struct auth_result result;
    p->ctx.op = fixed(1);
    int r = auth_register(auth, &p->ctx, &account, &result);
    if (r) {
        return r;
    }
    p->ctx.scope = result.scope;
    const char *url = getenv("SOURCE_URL");
    const char *branch = getenv("SOURCE_BRANCH");
    const struct sessions_create_input input = {.name = STR("Project A"),
                                                .git_url = str_from(url ? url : ""),
                                                .git_branch = str_from(branch ? branch : ""),
                                                .plain_http = true};
    r = make_session(p, 0, &input);
    return r ? r : make_session(p, 1, &(struct sessions_create_input){.name = STR("Project B")});
}

static void set_rules(struct place *p, const char *file, const char *key)
{
    ARENA_AUTO(arena);
    char text[CONTENT_MAX_PATTERN_BYTES];
    FD_AUTO int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd_read_full(fd, text, sizeof text);
    struct data_context ctx = p->ctx;
    ctx.arena = &arena;
    const struct settings_place at = {STR("files"), str_from(key), SETTINGS_OF_TENANT, 0};
    const struct json value = {.kind = JSON_STRING, .string = str_of(text, n > 0 ? (size_t)n : 0)};
    struct settings_view view;
    int r = settings_put(&ctx, &at, &value, &view);
    ASSERT(r == 0);
}

static int read_limit(const char *name, uint64_t *ret_limit)
{
    const char *text = getenv(name);
    return text ? str_u64(str_from(text), INT64_MAX, ret_limit) : 0;
}

static struct coditectd_wire_options options_of(struct place *p)
{
    return (struct coditectd_wire_options){.store = p->ctx.store,
                                           .who = who,
                                           .status = status,
                                           .ctx = p,
                                           .fence = coditectd_wire_fence_create(),
                                           .stop = -1};
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    log_setup(LOG_WARN, LOG_TEXT);
    (void)signal(SIGPIPE, SIG_IGN);
    sigset_t set; /* blocked in all threads */
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGUSR2);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    ARENA_AUTO(arena);
    struct store *store = NULL;
    struct auth *auth = NULL;
    struct place p = {.ctx = {.arena = &arena},
                      .tokens = {str_from(argv[3]), arena_printf(&arena, "%s-second", argv[3])}};
    int r = store_open(
        &(struct store_options){.driver = "sqlite", .directory = argv[1], .balloon = 4096}, &store);
    if (!r) {
        p.ctx.store = store;
        r = auth_create(&(struct auth_options){.store = store, .cheap_hash = true}, &auth);
    }
    if (!r) {
        r = make_person(&p, auth);
    }
    r = r ? r : read_limit("WIRE_QUOTA", &p.quota.session);
    r = r ? r : read_limit("WIRE_HOME_QUOTA", &p.quota.home);
    r = r ? r : read_limit("WIRE_STORED", &p.quota.stored);
    const struct coditectd_wire_options options = options_of(&p);
    struct http_app app = coditectd_wire_app(&options);
    struct str address = arena_printf(&arena, "unix:%s", argv[2]);
    const char *const listen[] = {address.p, NULL};
    struct http_server *server = NULL;
    if (!r) {
        r = http_server_start(
            &(struct http_server_options){
                .listen = listen, .app = &app, .loops = 1, .limits.threads[HTTP_OUTSIDE] = WAITERS},
            &server);
    }
    if (r) {
        return log_err(1, "wire-server", "%s", err_name(r));
    }
    (void)printf("ready " STR_FMT "\n", STR_ARG(p.sessions[0]));
    (void)fflush(stdout);
    int number;
    while (sigwait(&set, &number) == 0 && number != SIGTERM) {
        struct sessions_view view;
        if (number == SIGUSR2) {
            set_rules(&p, arena_printf(&arena, "%s/rules", argv[1]).p, "ignore");
            set_rules(&p, arena_printf(&arena, "%s/quiet", argv[1]).p, "quiet");
            continue;
        }
        r = sessions_clone(&p.ctx, p.sessions[0], &view);
        ASSERT(r == 0);
    }
    return 0;
}
