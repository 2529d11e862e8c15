/*
 * Backups that an operator asks for, of the running server. Written with the rights of the server's user, whoever asks.
 *
 * 1. Whoever goes away, and a server that stops, end it; what was there stays, what was begun goes (backup/write.c).
 */
#include "base/err.h"
#include "base/log.h"
#include "coditectd/admin_int.h"
#include "coditectd/backup.h"

static bool is_to_bucket(const struct coditectd_admin_call *c)
{
    const struct coditectd_backups_options *o =
        coditectd_backups_options(c->admin->options.backups);
    return !c->in.directory && o && backup_is_bucket(o->where.path);
}

static const char *why(const struct coditectd_admin_call *c, int code)
{
    if (is_to_bucket(c) && code != ERR_BUSY && code != ERR_CLOSED) {
        return "there is no new backup in the bucket: the server's log says why";
    }
    switch (code) {
    case ERR_BUSY:
        return "another backup is being made";
    case ERR_NOT_FOUND:
        return c->in.directory
                   ? "there is no such place on the server's machine"
                   : "neither backup.directory nor backup.bucket is set: name a directory";
    case ERR_FORBIDDEN:
        return "the server's user may not write there";
    case ERR_NOT_DIRECTORY:
        return "that is no directory";
    case ERR_NO_SPACE:
        return "there is no space left there";
    case ERR_CLOSED:
        return "the server stops";
    default:
        return "there is no new backup: the server's log says why";
    }
}

static void member_time(struct json_writer *w, const char *name, usec_t t)
{
    char text[25];
    if (t > 0) {
        json_member_string(w, name, time_str(text, t));
    }
}

static int say_report(struct coditectd_admin_call *c, const struct backup_report *report)
{
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    coditectd_admin_line(&w, &line);
    json_member_bool(&w, "done", true);
    json_member_string(&w, "name", str_from(report->name));
    json_member_integer(&w, "keys", (int64_t)report->keys);
    json_member_integer(&w, "contents", (int64_t)report->contents);
    json_member_integer(&w, "written", (int64_t)report->written);
    json_member_integer(&w, "removed", (int64_t)report->old_gone);
    json_member_integer(&w, "damaged", (int64_t)report->damaged);
    json_member_integer(&w, "healed", (int64_t)report->healed);
    json_member_integer(&w, "rescued", (int64_t)report->rescued);
    return coditectd_admin_say(c, &w, &line);
}

/* Where the schedule puts its own, so that it counts as one of them. */
static bool is_scheduled(const struct coditectd_admin_call *c)
{
    const struct coditectd_backups_options *o =
        coditectd_backups_options(c->admin->options.backups);
    return !c->in.directory ||
           (o && !c->in.keep && str_eq(str_from(o->where.path), str_from(c->in.directory)));
}

int coditectd_admin_backup(struct coditectd_admin_call *c)
{
    struct backup_report report;
    const struct backup_source source = {.store = "store",
                                         .content = coditectd_backup_content,
                                         .page = coditectd_admin_progress,
                                         .ctx = c};
    const struct coditectd_backups_watch watch = {coditectd_admin_progress, c};
    const struct backup_where named = {.path = c->in.directory};
    const struct backup_how how = {.keep = c->in.keep};
    int r = is_scheduled(c) ? coditectd_backups_now(c->admin->options.backups, &watch, &report)
                            : backup_write(&source, &named, &how, &report);
    if (r < 0) {
        c->why = why(c, r);
        return r;
    }
    log_info("coditectd", "backup %s, as the operator asked", report.name);
    return say_report(c, &report);
}

static int write_piece(void *ctx, struct str bytes)
{
    struct coditectd_admin_call *c = ctx;
    c->broken = atomic_load(&c->admin->stop) ? ERR_CLOSED : http_write(c->res, bytes);
    return c->broken;
}

static int ask_stop(void *ctx, uint64_t keys)
{
    const struct coditectd_admin_call *c = ctx;
    (void)keys;
    return atomic_load(&c->admin->stop) ? ERR_CLOSED : c->broken;
}

int coditectd_admin_backup_stream(struct coditectd_admin_call *c)
{
    struct backup_report report;
    const struct backup_source source = {
        .store = "store", .content = coditectd_backup_content, .page = ask_stop, .ctx = c};
    http_set(c->res, "Content-Type", STR("application/octet-stream"));
    int r = http_stream(c->res, /* length= */ -1);
    c->begun = c->raw = true;
    return r < 0 ? r : backup_stream(&source, &(struct backup_output){write_piece, c}, &report);
}

/* ---- The list ---- */

static int say_facts(struct coditectd_admin_call *c)
{
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    const struct coditectd_backups_options *o =
        coditectd_backups_options(c->admin->options.backups);
    coditectd_admin_line(&w, &line);
    json_member_bool(&w, "done", true);
    if (o) {
        struct coditectd_backups_facts facts;
        coditectd_backups_facts(c->admin->options.backups, &facts);
        json_member_string(&w, backup_is_bucket(o->where.path) ? "bucket" : "directory",
                           str_from(o->where.path));
        json_member_integer(&w, "every", o->every / USEC_PER_SEC);
        json_member_integer(&w, "keep", o->keep);
        member_time(&w, "last", facts.last);
        member_time(&w, "verified", facts.verified);
        member_time(&w, "read", facts.ended);
        json_member_bool(&w, "damaged", facts.harmed);
        json_member_integer(&w, "lacking", (int64_t)facts.blemished);
        json_member_integer(&w, "made", (int64_t)facts.done);
        json_member_integer(&w, "failed", (int64_t)facts.failed);
        json_member_bool(&w, "late", facts.late);
    }
    return coditectd_admin_say(c, &w, &line);
}

static int say_moment(struct coditectd_admin_call *c, const struct backup_moment *moment)
{
    struct coditectd_backups *schedule = c->in.directory ? NULL : c->admin->options.backups;
    enum coditectd_backups_known known =
        schedule ? coditectd_backups_known(schedule, moment->name) : CODITECTD_NO_HARM;
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    coditectd_admin_line(&w, &line);
    json_member_string(&w, "name", str_from(moment->name));
    member_time(&w, "at", moment->at);
    if (known != CODITECTD_NO_HARM) {
        json_member_string(&w, "lacks",
                           known == CODITECTD_LOST ? STR("lost in the store") : STR("damaged"));
    }
    return coditectd_admin_say(c, &w, &line);
}

int coditectd_admin_backups(struct coditectd_admin_call *c)
{
    const struct coditectd_backups_options *o =
        coditectd_backups_options(c->admin->options.backups);
    struct backup_where where = {.path = c->in.directory};
    if (!where.path && o) {
        where = o->where;
    }
    if (!where.path) {
        c->why = why(c, ERR_NOT_FOUND);
        return ERR_NOT_FOUND;
    }
    struct backup_moments moments = {0};
    int r = backup_list(&where, &moments);
    if (r < 0) {
        c->why = backup_is_bucket(where.path)
                     ? "the bucket does not show them: the server's log says why"
                 : r == ERR_FORBIDDEN ? "the server's user may not read there"
                                      : "there is no directory of backups there";
        return r;
    }
    for (size_t i = 0; r == 0 && i < moments.n; i++) {
        r = say_moment(c, &moments.at[i]);
    }
    VEC_FREE(&moments);
    return r < 0 ? r : say_facts(c);
}
