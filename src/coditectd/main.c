/*
 * The server: splits itself by right, puts store, auth, workspaces, api and http together, waits for SIGTERM or SIGINT, lets
 * requests finish.
 *
 * 1. Everything above start() runs in both processes or in the broker alone; from there on in the server, without rights.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"
#include "auth/auth.h"
#include "auth/hasher.h"
#include "base/crash.h"
#include "base/log.h"
#include "coditectd/admin.h"
#include "coditectd/backup.h"
#include "coditectd/check.h"
#include "coditectd/doctor.h"
#include "coditectd/duties.h"
#include "coditectd/mail.h"
#include "coditectd/metrics.h"
#include "coditectd/operator.h"
#include "coditectd/options.h"
#include "coditectd/rotate.h"
#include "coditectd/space.h"
#include "coditectd/store.h"
#include "coditectd/tenant.h"
#include "coditectd/workspaces.h"
#include "gateway/gateway.h"
#include "http/http.h"
#include "lifecycle/lifecycle.h"

static const usec_t patience = 30 * USEC_PER_SEC;

/* Users of workspaces when started as root: far above people and below what systemd keeps free of everything. */
enum { FIRST_UID = 1900000000, LAST_UID = 1909999999 };

struct parts {
    struct space space; /* of the data directory */
    struct files_keep keep;
    struct workspaces_local *local;
    struct workspaces_paths paths;
    struct store *store;
    struct lifecycle_forker *forker;
    struct auth *auth;
    struct coditectd_workspaces *workspaces;
    struct gateway *gateway;
    struct api *api;
    struct coditectd_duties *duties;
    struct coditectd_backups *backups; /* NULL: no directory is set */
    struct mail_options mail;          /* url NULL: none is sent */
    struct mail_sender *mailer;        /* NULL likewise */
    struct http_app platform;          /* the API and the web app */
    struct http_app app;               /* the gateway before them */
    struct http_app ides;              /* IDEs on a port of their own */
    struct http_server *server;
    struct http_server *ide_server;    /* NULL: no such port */
    usec_t leave_by;                   /* when what their requests still do is cut; 0: at once */
    struct coditectd_metrics *metrics; /* NULL: nobody asks */
    struct coditectd_admin *admin;
};

/* Blocked before any thread starts, so that all inherit it and only main takes them. */
static void block_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGTERM);
    (void)sigaddset(ret_set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, ret_set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Returns in the server alone, in the data directory: names of sockets have to be shorter than 108 bytes. */
static int split(const struct coditectd_options *o, struct arena *arena, struct parts *p)
{
    struct workspaces_broker_options options = {.data = o->set.data,
                                                .supervisor = o->supervisor,
                                                .codi2 = o->codi2,
                                                .node = o->set.node,
                                                .ide = o->set.ide,
                                                .web = o->set.web,
                                                .platform_origin = o->origin,
                                                .server_user = o->set.user,
                                                .first_uid = FIRST_UID,
                                                .last_uid = LAST_UID};
    struct workspaces_broker *broker = NULL;
    int r = workspaces_broker_fork(&options, arena, &broker, &p->paths);
    if (r == 0 && chdir(p->paths.data) < 0) {
        r = log_err(err_from_errno(errno), "coditectd", "%s cannot be entered: %m", p->paths.data);
    }
    if (r == 0) {
        p->local = workspaces_local_create(broker, ".");
    }
    return r;
}

static int open_store(const struct coditectd_settings *set, struct parts *p)
{
    int r = coditectd_store_open((size_t)set->store_reserve << 20, &p->store);
    return r ? log_err(r, "coditectd", "the store in %s cannot be opened: %s", p->paths.data,
                       err_row(r)->text)
             : coditectd_check_schema(p->paths.data, p->store);
}

static int create_auth(const struct coditectd_settings *set, struct parts *p)
{
    static const enum auth_registration registrations[] = {
        [SETTING_LOGIN_REGISTRATION_OPEN] = AUTH_REGISTRATION_OPEN,
        [SETTING_LOGIN_REGISTRATION_INVITE] = AUTH_REGISTRATION_INVITE,
        [SETTING_LOGIN_REGISTRATION_CLOSED] = AUTH_REGISTRATION_CLOSED,
    };
    struct auth_options options = {
        .store = p->store,
        .secret = str_from(set->jwt_secret),
        .previous_secret = str_from(set->jwt_previous_secret),
        .issuer = str_from(set->jwt_issuer),
        .audience = str_from(set->jwt_audience),
        .registration = registrations[set->login_registration],
        .domains = set->login_domains.at,
        .domain_count = set->login_domains.n,
        .quota = {.session = (uint64_t)set->quota_session << 20,
                  .home = (uint64_t)set->quota_home << 20,
                  .tenant = (uint64_t)set->quota_tenant << 20,
                  .stored = (uint64_t)set->quota_tenant_stored << 20,
                  .members = (uint64_t)set->quota_tenant_members,
                  .sessions = (uint64_t)set->quota_tenant_sessions,
                  .running = (uint64_t)set->quota_tenant_running},
        .mail_base = str_from(p->mail.url ? set->public_url : NULL),
        .confirm = set->registration_confirm,
        .access_life = set->jwt_expiry,
        .idle_life = set->login_idle,
        .absolute_life = set->login_longest,
        .limit_factor = (uint32_t)set->limits_rate_factor,
        .hashers = true,
    };
    if (set->jwt_previous_secret && !set->jwt_secret) {
        return log_err(
            ERR_INVALID, "coditectd",
            "jwt.previous_secret is what jwt.secret was: it wants a jwt.secret beside it");
    }
    if (auth_common_passwords() == 0) {
        log_warn("coditectd", "built without the list of common passwords: none is refused");
    }
    int r = auth_create(&options, &p->auth);
    return r ? log_err(r, "coditectd", "accounts cannot be served: %s", err_row(r)->text) : 0;
}

static int start_workspaces(const struct coditectd_options *o, struct parts *p)
{
    bool users = p->paths.users;
    struct workspaces_keeper_options options = {.store = p->store,
                                                .space = &p->space,
                                                .auth = p->auth,
                                                .local = p->local,
                                                .first_uid = users ? FIRST_UID : 0,
                                                .last_uid = users ? LAST_UID : 0,
                                                .memory = o->set.workspace_memory << 20,
                                                .processes = o->set.workspace_processes,
                                                .cpu = o->set.workspace_cpu,
                                                .network = !o->set.workspace_offline,
                                                .idle_limit = o->set.workspace_idle};
    int r = coditectd_workspaces_start(&options, &p->workspaces);
    if (!r && p->metrics) {
        coditectd_metrics_watch(p->metrics, p->workspaces);
    }
    return r;
}

static int create_gateway(const struct coditectd_options *o, struct parts *p)
{
    struct gateway_options options = {.store = p->store,
                                      .auth = p->auth,
                                      .local = p->local,
                                      .ide_directory = p->paths.ide,
                                      .public_url = o->set.public_url,
                                      .ide_url = o->set.ide_url,
                                      .ide_port = o->ide_port,
                                      .platform_port = o->listen_port};
    int r = gateway_create(&options, &p->gateway);
    if (r == ERR_NOT_FOUND) {
        return log_err(r, "coditectd", "there is no built IDE in %s", o->set.ide);
    }
    if (r == ERR_INVALID) {
        return log_err(r, "coditectd",
                       "--public-url or --ide-url is malformed: they look like "
                       "https://coditect.example.com and https://{session}.ide.example.com");
    }
    return r ? log_err(r, "coditectd", "IDEs cannot be served: %s", err_row(r)->text) : 0;
}

static int create_api(const struct coditectd_options *o, struct parts *p)
{
    static const enum api_log logs[] = {
        [SETTING_LOG_REQUESTS_NONE] = API_LOG_FAULTS,
        [SETTING_LOG_REQUESTS_CHANGES] = API_LOG_CHANGES,
        [SETTING_LOG_REQUESTS_ALL] = API_LOG_ALL,
    };
    p->keep = (struct files_keep){
        .all = o->set.history_all, .hourly = o->set.history_hourly, .daily = o->set.history_daily};
    struct api_options options = {.store = p->store,
                                  .space = &p->space,
                                  .kept = &p->keep,
                                  .spool = "store", /* of what it may write, what is on the disk */
                                  .auth = p->auth,
                                  .public_url = o->set.public_url,
                                  .web_directory = p->paths.web,
                                  .gateway = p->gateway,
                                  .local = p->local,
                                  .workspace = {.memory = o->set.workspace_memory << 20,
                                                .processes = o->set.workspace_processes,
                                                .cpu = o->set.workspace_cpu},
                                  .log = logs[o->set.log_requests],
                                  .login_life = o->set.login_longest,
                                  .cors_origins = o->set.cors_origins.at,
                                  .cors_count = o->set.cors_origins.n,
                                  .git_plain_http = o->set.git_plain_http,
                                  .audit_reads = o->set.audit_calls == SETTING_AUDIT_CALLS_ALL,
                                  .rate_factor = (uint32_t)o->set.limits_rate_factor};
    int r = api_create(&options, &p->api);
    if (r == ERR_NOT_FOUND) {
        return log_err(r, "coditectd", "there is no web app in %s", o->set.web);
    }
    return r ? log_err(r, "coditectd",
                       "--public-url is malformed: it looks like https://coditect.example.com")
             : 0;
}

static int listen_at(const struct coditectd_options *o, const char *address,
                     const struct http_app *app, struct http_server **ret_server)
{
    const struct coditectd_settings *set = &o->set;
    const char *const addresses[] = {address, NULL};
    const struct http_server_options options = {
        .listen = addresses,
        .app = app,
        .limits = {.connections = (unsigned)set->limits_connections,
                   .per_address = (unsigned)set->limits_per_address,
                   .header_time = set->limits_header_time,
                   .idle_time = set->limits_keep_alive},
        .trusted = o->trusted,
    };
    int r = http_server_start(&options, ret_server);
    return r ? log_err(r, "coditectd", "cannot listen on %s: %s", address, err_row(r)->text) : 0;
}

static int listen_everywhere(const struct coditectd_options *o, struct parts *p)
{
    p->platform = api_app(p->api);
    p->app = gateway_app(p->gateway, &p->platform);
    int r = listen_at(o, o->set.listen, &p->app, &p->server);
    if (!r && o->set.ide_listen) {
        p->ides = gateway_paths_app(p->gateway);
        r = listen_at(o, o->set.ide_listen, &p->ides, &p->ide_server);
    }
    return r ? r : gateway_start(p->gateway, p->server, p->ide_server);
}

static int start_metrics(const struct coditectd_options *o, struct parts *p)
{
    if (!o->set.metrics_listen) {
        return 0;
    }
    int r =
        coditectd_metrics_start(&(struct coditectd_metrics_options){.listen = o->set.metrics_listen,
                                                                    .store = p->store,
                                                                    .api = p->api,
                                                                    .server = p->server,
                                                                    .backups = p->backups,
                                                                    .mailer = p->mailer},
                                &p->metrics);
    return r ? log_err(r, "coditectd", "cannot listen on %s: %s", o->set.metrics_listen,
                       err_row(r)->text)
             : 0;
}

static int open_admin(const struct coditectd_options *o, struct parts *p)
{
    const struct coditectd_admin_options options = {.store = p->store,
                                                    .auth = p->auth,
                                                    .api = p->api,
                                                    .backups = p->backups,
                                                    .public_url = o->set.public_url};
    int r = coditectd_admin_start(&options, &p->admin);
    return r ? log_err(r, "coditectd", "cannot listen on %s/" CODITECTD_ADMIN_SOCKET ": %s",
                       p->paths.data, err_row(r)->text)
             : 0;
}

static int start_backups(const struct coditectd_options *o, struct parts *p)
{
    const struct coditectd_settings *set = &o->set;
    const char *place = set->backup_bucket ? set->backup_bucket : set->backup_directory;
    if (!place) {
        return 0;
    }
    const struct coditectd_backups_options options = {.where = {place, o->bucket},
                                                      .every = set->backup_every,
                                                      .keep = (unsigned)set->backup_keep};
    return coditectd_backups_start(&options, &p->backups);
}

static int start(const struct coditectd_options *o, struct parts *p)
{
    p->space = coditectd_space(&o->set, "."); /* the data directory: see split() */
    int r = open_store(&o->set, p);
    if (!r) {
        r = create_auth(&o->set, p);
    }
    if (!r) {
        r = create_gateway(o, p);
    }
    r = r ? r : create_api(o, p);
    if (!r) {
        struct coditectd_duties_options duties = {.collect_every = o->set.store_collect,
                                                  .spare_hours = (unsigned)o->set.store_spare,
                                                  .pace = o->set.store_pace,
                                                  .audit_keep = o->set.audit_keep,
                                                  .history = p->keep,
                                                  .local = p->local,
                                                  .users = p->paths.users};
        r = coditectd_duties_start(p->auth, p->store, &duties, &p->duties);
    }
    if (!r) {
        r = lifecycle_forker_start(p->store, &p->forker);
    }
    if (!r) {
        r = start_backups(o, p);
    }
    if (!r) {
        r = coditectd_mail_start(&p->mail, p->store, p->auth, &p->mailer);
    }
    if (!r) {
        r = listen_everywhere(o, p);
    }
    if (!r) {
        r = open_admin(o, p);
    }
    if (!r) {
        r = start_metrics(o, p); /* they ask all that is above */
    }
    return r ? r : start_workspaces(o, p); /* last: none is started for who cannot listen */
}

/* Both ports at once, before anything is waited for: whoever comes now hears it from the kernel. */
static void leave_ports(struct parts *p)
{
    struct http_server *servers[] = {p->server, p->ide_server};
    for (size_t i = 0; i < 2 && servers[i]; i++) {
        http_server_leave(servers[i]);
    }
    p->leave_by = time_monotonic() + patience;
}

static void stop_serving(struct parts *p)
{
    struct http_server *servers[] = {p->server, p->ide_server};
    coditectd_backups_cancel(p->backups); /* nobody waits for it below */
    coditectd_metrics_stop(p->metrics);
    coditectd_admin_stop(p->admin);
    if (p->gateway) {
        gateway_stop(p->gateway);
    }
    for (size_t i = 0; i < 2 && servers[i]; i++) {
        usec_t now = time_monotonic();
        http_server_drain(servers[i], p->leave_by > now ? p->leave_by - now : 0);
    }
    http_server_destroy(p->ide_server);
    http_server_destroy(p->server);
}

static void stop(struct parts *p)
{
    stop_serving(p);
    coditectd_workspaces_stop(p->workspaces);
    lifecycle_forker_stop(p->forker);
    coditectd_backups_stop(p->backups);
    mail_sender_stop(p->mailer);
    coditectd_duties_stop(p->duties);
    api_destroy(p->api);
    gateway_destroy(p->gateway);
    auth_destroy(p->auth);
    store_close(p->store);
    workspaces_local_destroy(p->local);
}

static int serve(const struct coditectd_options *o, struct parts *p, const sigset_t *signals)
{
    int r = start(o, p);
    if (!r) {
        log_info("coditectd", "listening on port %u", http_server_port(p->server, 0));
        int number;
        (void)sigwait(signals, &number);
        log_info("coditectd", "stopping");
        leave_ports(p);
        if (o->set.end_workspaces) {
            coditectd_workspaces_end(p->workspaces);
        }
    }
    return r;
}

/* What is done to a store beside the server or without one: the exit status. */
static int without_server(const struct coditectd_options *o)
{
    const char *data = o->set.data;
    struct coditectd_backup_command backup = {.moment = o->moment,
                                              .access = o->bucket,
                                              .past_damage = o->past_damage,
                                              .data = data,
                                              .driver = coditectd_store_driver,
                                              .keep = (unsigned)o->set.backup_keep};
    if (o->backup) {
        backup.path = o->backup;
        return coditectd_backup(&backup);
    }
    if (o->restore) {
        backup.path = o->restore;
        return coditectd_backup_restore(&backup);
    }
    if (o->export_tenant || o->import_tenant) {
        return o->export_tenant ? coditectd_tenant_export(o->export_tenant)
                                : coditectd_tenant_import(data, coditectd_store_driver);
    }
    if (o->check) {
        return coditectd_check(data, coditectd_store_driver);
    }
    if (o->create_owner || o->reset_password || o->remove_totp) {
        return coditectd_operator(o, coditectd_store_driver);
    }
    return o->scrub ? coditectd_scrub(data, coditectd_store_driver)
                    : coditectd_rotate(data, coditectd_store_driver, o->set.jwt_secret != NULL);
}

static bool is_without_server(const struct coditectd_options *o)
{
    return o->check || o->scrub || o->rotate_keys || o->backup || o->restore || o->create_owner ||
           o->reset_password || o->remove_totp || o->export_tenant || o->import_tenant;
}

static int check_place(const struct coditectd_options *o)
{
    if (o->create_owner || o->import_tenant) {
        return 0; /* who begins with one of these has no store yet */
    }
    return o->restore ? coditectd_backup_place(o->set.data) : coditectd_check_place(o->set.data);
}

/* What needs no store. */
static int read_backup(const struct coditectd_options *o)
{
    struct coditectd_backup_command command = {
        .path = o->backups ? o->backups : o->verify, .access = o->bucket, .moment = o->moment};
    return o->backups ? coditectd_backup_list(&command) : coditectd_backup_verify(&command);
}

/* What needs rights, up to where they are given up. */
static int prepare(const struct coditectd_options *o, struct arena *arena, struct parts *p)
{
    int r = 0;
    if (is_without_server(o)) {
        r = check_place(o);
    } else if (!o->stop_workspaces) {
        r = coditectd_mail_read(&o->set, arena, &p->mail);
    }
    return r ? r : split(o, arena, p);
}

int main(int argc, char **argv)
{
    if (auth_hasher_is_meant(argc, argv)) {
        auth_hasher_run();
    }
    crash_setup();
    ARENA_AUTO(arena);
    struct coditectd_options options;
    struct parts parts = {0};
    int r = coditectd_options_read(argv, &arena, &options);
    if (!r && options.doctor) {
        return coditectd_doctor(&options, FIRST_UID);
    }
    if (!r && (options.backups || options.verify)) {
        return read_backup(&options);
    }
    if (r || prepare(&options, &arena, &parts)) {
        return 1;
    }
    if (is_without_server(&options)) {
        r = without_server(&options);
        stop(&parts);
        return r;
    }
    sigset_t signals;
    block_signals(&signals);
    r = options.stop_workspaces ? coditectd_workspaces_end_all(parts.local)
                                : serve(&options, &parts, &signals);
    stop(&parts);
    return r ? 1 : 0;
}
