/* "coditectd --backup", "--backups", "--verify-backup" and "--restore". */
#include "coditectd/backup.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "coditectd/check.h"
#include "coditectd/given.h"
#include "data/data.h"

bool coditectd_backup_content(struct str key, struct content_hash *ret_hash)
{
    enum { TENANT = 2, SPACE = TENANT + DATA_ID_SIZE };
    const struct str space = STR("/chunk/");
    if (key.n != SPACE + space.n + CONTENT_HASH_TEXT || !str_starts(key, STR("t/"))) {
        return false;
    }
    return data_id_is(str_slice(key, TENANT, SPACE), "ten") &&
           str_eq(str_slice(key, SPACE, SPACE + space.n), space) &&
           content_hash_parse(str_slice(key, SPACE + space.n, key.n), ret_hash) == 0;
}

static bool is_pipe(const struct coditectd_backup_command *c)
{
    return str_eq(str_from(c->path), STR("-"));
}

/* And not a stream, which is one. */
static bool has_moments(const struct coditectd_backup_command *c)
{
    struct stat info;
    return backup_is_bucket(c->path) || (stat(c->path, &info) == 0 && S_ISDIR(info.st_mode));
}

static struct backup_where where_of(const struct coditectd_backup_command *c)
{
    return (struct backup_where){.path = c->path, .access = c->access};
}

static struct backup_from from_of(const struct coditectd_backup_command *c)
{
    bool pipe = is_pipe(c);
    return (struct backup_from){.path = pipe ? NULL : c->path,
                                .access = c->access,
                                .fd = STDIN_FILENO,
                                .moment = c->moment,
                                .past_damage = c->past_damage};
}

/* To standard error when standard output is the backup. */
static void say(FILE *to, const char *what, const struct backup_report *report)
{
    (void)fprintf(to, "%s %s: %llu keys, %llu of them content", what, report->name,
                  (unsigned long long)report->keys, (unsigned long long)report->contents);
    if (report->written > 0) {
        (void)fprintf(to, "; %llu bytes written", (unsigned long long)report->written);
    }
    if (report->healed > 0) {
        (void)fprintf(to, "; %llu pieces that were damaged in older ones written anew",
                      (unsigned long long)report->healed);
    }
    if (report->rescued > 0) {
        (void)fprintf(to, "; %llu pieces that the store has lost had from older ones",
                      (unsigned long long)report->rescued);
    }
    if (report->old_gone > 0) {
        (void)fprintf(to, "; %llu older ones removed", (unsigned long long)report->old_gone);
    }
    (void)fprintf(to, "\n");
    if (report->damaged > 0) {
        (void)fprintf(stderr,
                      "%llu pieces of content are damaged in the store: coditectd --scrub names "
                      "them, and an older backup may have them whole\n",
                      (unsigned long long)report->damaged);
    }
}

static int failed(int r, const char *what, const char *path)
{
    log_error("coditectd", "%s %s: %s", what, path, err_row(r)->text);
    return 1;
}

/* Past damage: what is harmed is looked for first. What cannot be read at all is built upon by nobody in any case. */
static int write_moment(const struct coditectd_backup_command *c,
                        const struct backup_source *source, struct backup_report *ret_report)
{
    const struct backup_where where = where_of(c);
    struct backup_harms harms = {0};
    const struct backup_proof proof = {.where = &where, .harms = &harms};
    struct backup_cursor newest = {.all = false};
    struct backup_proven ignored;
    int r = c->past_damage ? backup_prove(&proof, &newest, &ignored) : 0;
    if (r == 0 || r == ERR_NOT_FOUND) {
        const struct backup_how how = {.keep = c->keep, .harms = &harms};
        r = backup_write(source, &where, &how, ret_report);
    }
    VEC_FREE(&harms);
    return r;
}

int coditectd_backup(const struct coditectd_backup_command *c)
{
    const struct backup_source source = {.store = "store", .content = coditectd_backup_content};
    struct backup_report report;
    bool pipe = is_pipe(c);
    if (pipe && isatty(STDOUT_FILENO)) {
        log_error("coditectd", "a backup is not for a terminal: send it into a file or a program");
        return 1;
    }
    int out = STDOUT_FILENO;
    int r = pipe ? backup_stream(&source, &(struct backup_output){backup_write_fd, &out}, &report)
                 : write_moment(c, &source, &report);
    if (r < 0) {
        return failed(r, "there is no new backup in", c->path);
    }
    say(pipe ? stderr : stdout, "backup", &report);
    return report.damaged > 0 ? 1 : 0;
}

int coditectd_backup_verify(const struct coditectd_backup_command *c)
{
    struct backup_from from = from_of(c);
    from.content = coditectd_backup_content;
    struct backup_report report;
    int r = backup_verify(&from, &report);
    if (r < 0) {
        int status = failed(r, "cannot be restored:", c->path);
        if (r == ERR_CORRUPT && has_moments(c)) {
            log_info("coditectd", "--backup with --past-damage writes anew what the store still "
                                  "has of it");
        }
        return status;
    }
    say(stdout, report.damaged > 0 ? "as it was written:" : "whole:", &report);
    return report.damaged > 0 ? 1 : 0;
}

int coditectd_backup_list(const struct coditectd_backup_command *c)
{
    struct backup_moments moments;
    const struct backup_where where = where_of(c);
    int r = backup_list(&where, &moments);
    if (r < 0) {
        return failed(r, "cannot be listed:", c->path);
    }
    for (size_t i = 0; i < moments.n; i++) {
        (void)printf("%s\n", moments.at[i].name);
    }
    VEC_FREE(&moments);
    return 0;
}

int coditectd_backup_restore(const struct coditectd_backup_command *c)
{
    struct backup_from from = from_of(c);
    struct backup_report report;
    int r = backup_restore(&from, "store", &report);
    if (r < 0) {
        int status = failed(r, "nothing is restored from", c->path);
        if (r == ERR_CORRUPT && !c->past_damage && has_moments(c)) {
            log_info("coditectd", "an older one may be whole (--moment, --verify-backup), and "
                                  "--past-damage restores all of this one that is");
        }
        return status;
    }
    say(stdout, "restored", &report);
    if (report.lost == 0 && report.gaps == 0) {
        return 0;
    }
    log_error("coditectd",
              "the backup has lost content (pieces: %llu), whose files are named below, and blocks "
              "of keys (%llu), which are named above; --check says what lacks them",
              (unsigned long long)report.lost, (unsigned long long)report.gaps);
    (void)coditectd_scrub(c->data, c->driver); /* names the files */
    return CODITECTD_RESTORED_IN_PART;
}

/* ---- A bucket ---- */

static int read_files(const struct coditectd_settings *set, struct arena *arena,
                      struct backup_access *access)
{
    enum { AUTHORITIES_MOST = 1 << 20, SECRET_MOST = 500 };
    const struct coditectd_given secret = {"backup.secret_key_file", set->backup_secret_key_file,
                                           SECRET_MOST};
    const struct coditectd_given authorities = {"backup.ca_file", set->backup_ca_file,
                                                AUTHORITIES_MOST};
    int r = secret.path ? coditectd_given_secret(&secret, arena, &access->secret) : 0;
    return r < 0 || !authorities.path
               ? r
               : coditectd_given_read(&authorities, arena, &access->authorities);
}

static int find_bucket(const struct coditectd_settings *set, const struct coditectd_places *places,
                       bool *ret_some)
{
    *ret_some = false;
    for (size_t i = 0; i < places->n; i++) {
        const char *place = places->at[i];
        bool bucket = place && (place == set->backup_bucket || backup_is_bucket(place));
        if (bucket && backup_bucket_check(place) < 0) {
            return log_err(ERR_INVALID, "coditectd",
                           "%s is no bucket's address: it looks like https://HOST/BUCKET or "
                           "https://HOST:PORT/BUCKET/PREFIX, with letters, digits and . - _ in its "
                           "path; http:// is for a server on this machine",
                           place);
        }
        *ret_some = *ret_some || bucket;
    }
    if (set->backup_bucket && set->backup_directory) {
        return log_err(ERR_INVALID, "coditectd",
                       "backup.directory and backup.bucket are two places: the schedule has one");
    }
    return 0;
}

int coditectd_backup_access(const struct coditectd_settings *set,
                            const struct coditectd_places *places, struct arena *arena,
                            struct backup_access *ret_access)
{
    struct backup_access access = {.region = set->backup_region,
                                   .key = set->backup_access_key,
                                   .secret = set->backup_secret_key,
                                   .patience = set->backup_patience};
    bool some;
    int r = find_bucket(set, places, &some);
    if (r < 0 || !some) {
        return r;
    }
    if (!access.key || !access.secret == !set->backup_secret_key_file) {
        return log_err(ERR_INVALID, "coditectd",
                       "a bucket wants backup.access_key, and one of backup.secret_key and "
                       "backup.secret_key_file");
    }
    r = read_files(set, arena, &access);
    if (r == 0) {
        *ret_access = access;
    }
    return r;
}

/* Whose disks they are a restored store may not know; whoever wants them beside it moves them there (docs/backup.md). */
static bool has_sessions(const char *data, const char *folder)
{
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/%s", data, folder);
    DIR *dir = opendir(buf_z(&path));
    bool found = false;
    for (const struct dirent *e; dir && !found && (e = readdir(dir));) {
        found = str_starts(str_from(e->d_name), STR("ses-"));
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

int coditectd_backup_place(const char *data)
{
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/store", data);
    if (backup_has_store(buf_z(&path))) {
        return log_err(ERR_EXISTS, "coditectd", "%s holds a store: restore into an empty directory",
                       data);
    }
    if (has_sessions(data, "workspaces") || has_sessions(data, "run")) {
        return log_err(ERR_EXISTS, "coditectd",
                       "%s holds disks of workspaces: restore into an empty directory, and move "
                       "them there before the server starts",
                       data);
    }
    return 0;
}

int coditectd_backups_state(const struct coditectd_backups_options *options, const char *data,
                            struct coditectd_backups_state *ret_state)
{
    struct backup_moments moments;
    int r = backup_list(&options->where, &moments);
    if (r < 0) {
        return r;
    }
    struct coditectd_backup_note note;
    coditectd_backup_note_read(data, options->where.path, &note);
    struct coditectd_backups_state state = {
        .kept = moments.n, .last = backup_newest(&moments), .ended = note.ended};
    state.gone = moments.n == 0 && (note.verified > 0 || note.ended > 0 || note.begun > 0);
    state.late = time_now() - state.last > 2 * options->every;
    for (size_t i = 0; i < moments.n; i++) {
        const struct coditectd_blemish *known = coditectd_backup_blemish(&note, moments.at[i].name);
        bool newest = moments.at[i].at == state.last;
        state.harmed = state.harmed || (known && newest && !known->lost);
        state.lost = state.lost || (known && newest && known->lost);
        state.blemished += known && !newest;
    }
    coditectd_backup_note_fini(&note);
    VEC_FREE(&moments);
    *ret_state = state;
    return 0;
}
