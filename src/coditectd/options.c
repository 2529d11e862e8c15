/*
 * From argv to what the server runs on. What one setting means alone stands in spec/settings.yaml; here is what several mean
 * together, and what only the folder that uses a value can judge.
 */
#include "coditectd/options.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/fd.h"
#include "base/log.h"
#include "coditectd/asked.h"
#include "coditectd/backup.h"
#include "coditectd/mail.h"
#include "gateway/gateway.h"
#include "net/net.h"

enum { OUT_MOST = 256 * 1024 };

struct reading {
    struct arena *arena;
    struct coditectd_config config;
    struct coditectd_options o;
};

static const char *where(struct reading *r, enum coditectd_setting setting)
{
    return coditectd_config_where(&r->config, r->arena, setting);
}

/* The server changes its working directory. NULL stays NULL. */
static int make_absolute(struct arena *arena, const char **path)
{
    char absolute[PATH_MAX];
    if (*path && !realpath(*path, absolute)) {
        return log_err(err_from_errno(errno), "coditectd", "%s cannot be found: %m", *path);
    }
    if (*path) {
        *path = arena_str(arena, str_from(absolute)).p;
    }
    return 0;
}

static int make_data(struct reading *r, const struct coditectd_asked *asked)
{
    const char **data = &r->o.set.data;
    if (!*data) {
        return log_err(ERR_INVALID, "coditectd",
                       "--data DIR is missing: where everything that must last lies");
    }
    if (asked->check_config) {
        return 0;
    }
    bool there = asked->check || asked->scrub || asked->doctor || asked->rotate_keys ||
                 asked->backup || asked->reset_password || asked->remove_totp ||
                 asked->export_tenant;
    if (!there && mkdir(*data, 0711) < 0 && errno != EEXIST) {
        return log_err(err_from_errno(errno), "coditectd", "%s cannot be made: %m", *data);
    }
    return make_absolute(r->arena, data);
}

/* The server's user writes there, whoever makes it. */
static int make_backup_directory(struct reading *r, const char **directory)
{
    if (mkdir(*directory, 0700) < 0) {
        return errno == EEXIST ? make_absolute(r->arena, directory)
                               : log_err(err_from_errno(errno), "coditectd",
                                         "%s cannot be made: %m", *directory);
    }
    const struct passwd *user = geteuid() == 0 ? getpwnam(r->o.set.user) : NULL;
    if (user && lchown(*directory, user->pw_uid, user->pw_gid) < 0) {
        return log_err(err_from_errno(errno), "coditectd", "%s cannot be given to %s: %m",
                       *directory, r->o.set.user);
    }
    return make_absolute(r->arena, directory);
}

static bool serves(const struct coditectd_options *o, const struct coditectd_asked *asked)
{
    return !asked->check_config && !asked->doctor && !o->backup && !o->backups && !o->verify &&
           !o->restore && !o->check && !o->scrub && !o->rotate_keys && !o->create_owner &&
           !o->reset_password && !o->remove_totp && !o->stop_workspaces && !o->export_tenant &&
           !o->import_tenant;
}

/* Who asks no bucket reads no secret. */
static int read_access(struct reading *r, const struct coditectd_asked *asked)
{
    struct coditectd_options *o = &r->o;
    bool of_settings = serves(o, asked) || asked->check_config || asked->doctor;
    const char *const at[] = {of_settings ? o->set.backup_bucket : NULL, o->backup, o->backups,
                              o->verify, o->restore};
    const struct coditectd_places places = {at, sizeof at / sizeof *at};
    int error = coditectd_backup_access(&o->set, &places, r->arena, &o->bucket);
    return asked->doctor ? 0 : error; /* it says that there are no backups that can be read */
}

static int make_backup(struct reading *r, const struct coditectd_asked *asked)
{
    struct coditectd_options *o = &r->o;
    const char **const given[] = {&o->backup, &o->backups, &o->verify, &o->restore};
    int error = read_access(r, asked);
    for (size_t i = 0; !error && i < sizeof given / sizeof given[0]; i++) {
        bool is_pipe = *given[i] && given[i] != &o->backups && strcmp(*given[i], "-") == 0;
        if (!*given[i] || is_pipe || backup_is_bucket(*given[i])) {
            continue;
        }
        error = given[i] == &o->backup ? make_backup_directory(r, given[i])
                                       : make_absolute(r->arena, given[i]);
    }
    if (!error && serves(o, asked) && o->set.backup_directory) {
        error = make_backup_directory(r, &o->set.backup_directory);
    }
    return error;
}

static int make_paths(struct reading *r)
{
    const char **const paths[] = {&r->o.set.web, &r->o.set.ide, &r->o.set.node};
    int error = 0;
    for (size_t i = 0; !error && i < sizeof paths / sizeof paths[0]; i++) {
        error = make_absolute(r->arena, paths[i]);
    }
    return error;
}

/* A program of ours: beside this one when installed, in the folder of its name when built. */
static const char *sibling(struct arena *arena, struct str directory, const char *name,
                           const char *folder)
{
    struct str beside = arena_printf(arena, STR_FMT "/%s", STR_ARG(directory), name);
    if (access(beside.p, X_OK) == 0) {
        return beside.p;
    }
    return arena_printf(arena, STR_FMT "/../%s/%s", STR_ARG(directory), folder, name).p;
}

static int find_programs(struct reading *r)
{
    struct coditectd_options *o = &r->o;
    struct arena *arena = r->arena;
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    if (n <= 0 || (size_t)n == sizeof path) {
        return log_err(ERR_INVALID, "coditectd", "/proc is needed: mount it");
    }
    struct str self = str_of(path, (size_t)n);
    size_t slash = self.n;
    while (slash > 0 && self.p[slash - 1] != '/') {
        slash--;
    }
    struct str directory = str_slice(self, 0, slash > 0 ? slash - 1 : 0);
    o->supervisor = sibling(arena, directory, "coditect-workspace", "workspace");
    o->codi2 = sibling(arena, directory, "codi2", "codi2");
    return 0;
}

static int read_address(struct reading *r, enum coditectd_setting setting, uint16_t *ret_port)
{
    const char *text = setting == SETTING_LISTEN       ? r->o.set.listen
                       : setting == SETTING_IDE_LISTEN ? r->o.set.ide_listen
                                                       : r->o.set.metrics_listen;
    struct net_address address;
    if (text && net_address_parse(str_from(text), &address) < 0) {
        return log_err(ERR_INVALID, "coditectd",
                       "%s is no address: it looks like 127.0.0.1:8080, [::1]:8080 or unix:/path",
                       where(r, setting));
    }
    *ret_port = text ? net_address_port(&address) : 0;
    return 0;
}

static int read_addresses(struct reading *r)
{
    uint16_t metrics_port;
    int error = read_address(r, SETTING_LISTEN, &r->o.listen_port);
    error = error ? error : read_address(r, SETTING_IDE_LISTEN, &r->o.ide_port);
    error = error ? error : read_address(r, SETTING_METRICS_LISTEN, &metrics_port);
    if (!error && r->o.set.ide_listen && (r->o.ide_port == 0 || r->o.listen_port == 0)) {
        return log_err(ERR_INVALID, "coditectd",
                       "--ide-listen wants a port, and --listen too: pages of one name the other");
    }
    return error;
}

static int read_proxies(struct reading *r)
{
    const struct coditectd_list *texts = &r->o.set.trusted_proxies;
    struct http_network *networks = ARENA_ARRAY(r->arena, struct http_network, texts->n + 1);
    for (size_t i = 0; i < texts->n; i++) {
        if (http_network_parse(str_from(texts->at[i]), &networks[i]) < 0) {
            return log_err(ERR_INVALID, "coditectd",
                           "%s: %s is no network: it looks like 192.0.2.1, 192.0.2.0/24, "
                           "2001:db8::/32 or unix",
                           where(r, SETTING_TRUSTED_PROXIES), texts->at[i]);
        }
    }
    r->o.trusted = (struct http_networks){networks, texts->n};
    return 0;
}

static int check_origins(struct reading *r)
{
    const struct coditectd_list *texts = &r->o.set.cors_origins;
    for (size_t i = 0; i < texts->n; i++) {
        if (!api_cors_is_origin(str_from(texts->at[i]))) {
            return log_err(ERR_INVALID, "coditectd",
                           "%s: %s is no origin as browsers send it: it looks like "
                           "https://tools.example.com or http://localhost:3000",
                           where(r, SETTING_CORS_ORIGINS), texts->at[i]);
        }
    }
    return 0;
}

static int check_urls(struct reading *r)
{
    const char *public_url = r->o.set.public_url;
    const char *ide_url = r->o.set.ide_url;
    if (gateway_check_urls(public_url, NULL) < 0) {
        return log_err(ERR_INVALID, "coditectd",
                       "%s is malformed: it looks like https://coditect.example.com",
                       where(r, SETTING_PUBLIC_URL));
    }
    if (gateway_check_urls(public_url, ide_url) < 0) {
        return log_err(ERR_INVALID, "coditectd",
                       "%s is malformed, or there is no public_url: it looks like "
                       "https://{session}.ide.example.com",
                       where(r, SETTING_IDE_URL));
    }
    if (ide_url && !strchr(ide_url, '{') && !r->o.set.ide_listen) {
        return log_err(ERR_INVALID, "coditectd",
                       "%s has no {session}, so that IDEs are told by the path: they want "
                       "ide_listen, and a proxy before it",
                       where(r, SETTING_IDE_URL));
    }
    return 0;
}

/* What this build cannot do is refused, not passed over. */
static int check_store(struct reading *r)
{
    const struct coditectd_settings *set = &r->o.set;
    enum coditectd_setting cluster = set->store_cluster_file     ? SETTING_STORE_CLUSTER_FILE
                                     : set->store_cluster_string ? SETTING_STORE_CLUSTER_STRING
                                                                 : SETTING_STORE_DRIVER;
    if (cluster != SETTING_STORE_DRIVER || set->store_driver == SETTING_STORE_DRIVER_FOUNDATIONDB) {
        return log_err(ERR_INVALID, "coditectd",
                       "%s asks for FoundationDB, and this build has no driver for it: leave it "
                       "out, and the data lies in an SQLite store in the data directory",
                       where(r, cluster));
    }
    if (set->store_key_prefix) {
        return log_err(ERR_INVALID, "coditectd",
                       "%s is for a cluster that is shared: nobody else has keys in an SQLite "
                       "store, leave it out",
                       where(r, SETTING_STORE_KEY_PREFIX));
    }
    return 0;
}

/* By a name of its own, since cookies do not tell ports apart: see the gateway. */
static void find_origin(struct reading *r)
{
    struct coditectd_options *o = &r->o;
    struct arena *arena = r->arena;
    unsigned port = o->listen_port;
    if (o->set.public_url) {
        o->origin = o->set.public_url;
    } else if (o->set.ide_listen) {
        o->origin =
            arena_printf(arena,
                         "http://coditect.localhost:%u http://localhost:%u http://127.0.0.1:%u",
                         port, port, port)
                .p;
    } else {
        o->origin = arena_printf(arena, "http://coditect.localhost:%u", port).p;
    }
}

static void set_log_up(const struct coditectd_settings *set)
{
    static const enum log_level levels[] = {
        [SETTING_LOG_LEVEL_DEBUG] = LOG_DEBUG,
        [SETTING_LOG_LEVEL_INFO] = LOG_INFO,
        [SETTING_LOG_LEVEL_WARN] = LOG_WARN,
        [SETTING_LOG_LEVEL_ERROR] = LOG_ERROR,
    };
    bool text = set->log_format == SETTING_LOG_FORMAT_TEXT ||
                (set->log_format == SETTING_LOG_FORMAT_AUTO && isatty(STDERR_FILENO));
    log_setup(levels[set->log_level], text ? LOG_TEXT : LOG_JSON);
}

/* Everything at which the server would not start. */
static int judge(struct reading *r, const struct coditectd_asked *asked)
{
    if (r->o.backups || r->o.verify) {
        return make_backup(r, asked); /* nothing else is needed */
    }
    int error = make_data(r, asked);
    if (!error) {
        error = make_paths(r);
    }
    if (!error) {
        error = make_backup(r, asked);
    }
    if (!error) {
        error = read_addresses(r);
    }
    if (!error) {
        error = read_proxies(r);
    }
    if (!error) {
        error = check_urls(r);
    }
    if (!error) {
        error = check_origins(r);
    }
    if (!error) {
        error = coditectd_mail_check(&r->o.set);
    }
    if (!error) {
        error = check_store(r);
    }
    return error ? error : find_programs(r);
}

/* All of it, or only that it is right. */
static _Noreturn void answer(const struct coditectd_config *config, bool all)
{
    BUF_AUTO(text, OUT_MOST);
    if (all) {
        coditectd_config_print(config, &text);
    } else {
        buf_printf(&text, "the settings are right (%s)\n", config->file ? config->file : "no file");
    }
    int r = fd_write_all(STDOUT_FILENO, buf_str(&text));
    buf_fini(&text);
    exit(r < 0 ? 1 : 0);
}

static int read_config(struct reading *r, const struct coditectd_config_input *input)
{
    BUF_AUTO(said, OUT_MOST);
    int error = coditectd_config_read(input, r->arena, &r->config, &said);
    (void)!fd_write_all(STDERR_FILENO, buf_str(&said));
    return error;
}

int coditectd_options_read(char **argv, struct arena *arena, struct coditectd_options *ret_options)
{
    struct coditectd_asked asked = {0};
    struct coditectd_config_input input = {.environment = environ};
    struct reading r = {.arena = arena};
    coditectd_asked_read(argv, &asked, &input);
    int error = read_config(&r, &input);
    if (error) {
        return error;
    }
    if (asked.print_config) {
        answer(&r.config, /* all= */ true);
    }
    if (asked.json && !asked.doctor) {
        return log_err(ERR_INVALID, "coditectd", "--json is a form of --doctor: add that");
    }
    if (asked.past_damage && !asked.restore && !asked.backup) {
        return log_err(ERR_INVALID, "coditectd",
                       "--past-damage is a form of --restore and --backup: add one");
    }
    if (asked.past_damage && asked.backup && str_eq(str_from(asked.backup), STR("-"))) {
        return log_err(ERR_INVALID, "coditectd",
                       "--past-damage looks at earlier backups: a stream has none");
    }
    r.o = (struct coditectd_options){.set = r.config.set,
                                     .check = asked.check,
                                     .scrub = asked.scrub,
                                     .doctor = asked.doctor,
                                     .json = asked.json,
                                     .rotate_keys = asked.rotate_keys,
                                     .create_owner = asked.create_owner,
                                     .reset_password = asked.reset_password,
                                     .remove_totp = asked.remove_totp,
                                     .stop_workspaces = asked.stop_workspaces,
                                     .backup = asked.backup,
                                     .backups = asked.backups,
                                     .verify = asked.verify,
                                     .restore = asked.restore,
                                     .moment = asked.moment,
                                     .past_damage = asked.past_damage,
                                     .export_tenant = asked.export_tenant,
                                     .import_tenant = asked.import_tenant};
    if (!asked.check_config) {
        set_log_up(&r.o.set);
    }
    error = judge(&r, &asked);
    if (error) {
        return error;
    }
    if (asked.check_config) {
        answer(&r.config, /* all= */ false);
    }
    find_origin(&r);
    *ret_options = r.o;
    return 0;
}
