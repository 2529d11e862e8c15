/*
 * What is known of the schedule's backups, beside the store: a restart reads none of them too early, goes on with a proof where it
 * stood, and forgets no damage. A line for each, with the place first: of another place it says nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/log.h"
#include "coditectd/backup.h"

static const char file[] = "store/backup.verified";
static const char part[] = "store/backup.verified.part";

enum { PATH_ROOM = 4096, READ_AT_ONCE = 65536 };

void coditectd_backup_note_fini(struct coditectd_backup_note *n)
{
    VEC_FREE(&n->harms);
    VEC_FREE(&n->blemishes);
}

const struct coditectd_blemish *coditectd_backup_blemish(const struct coditectd_backup_note *n,
                                                         const char *moment)
{
    for (size_t i = 0; i < n->blemishes.n; i++) {
        if (strcmp(n->blemishes.at[i].name, moment) == 0) {
            return &n->blemishes.at[i];
        }
    }
    return NULL;
}

void coditectd_backup_whole(struct coditectd_backup_note *n, const char *moment)
{
    const struct coditectd_blemish *known = coditectd_backup_blemish(n, moment);
    if (known) {
        VEC_REMOVE_UNORDERED(&n->blemishes, (size_t)(known - n->blemishes.at));
    }
}

void coditectd_backup_blemished(struct coditectd_backup_note *n, const char *moment, bool lost)
{
    struct coditectd_blemish blemish = {.lost = lost};
    (void)snprintf(blemish.name, sizeof blemish.name, "%s", moment);
    coditectd_backup_whole(n, moment);
    VEC_ADD(&n->blemishes, blemish);
}

/* ---- Reading ---- */

static usec_t time_of(struct str text)
{
    usec_t at;
    return time_parse(text, &at) == 0 ? at : 0;
}

static bool take_name(struct str text, char ret_name[static BACKUP_NAME_ROOM])
{
    bool fits = text.n < BACKUP_NAME_ROOM;
    if (fits) {
        memcpy(ret_name, text.p, text.n);
        ret_name[text.n] = '\0';
    }
    return fits;
}

static void take_cursor(struct str rest, struct backup_cursor *cursor)
{
    struct backup_cursor c = {.all = false};
    struct str flags, older;
    BUF_AUTO(key, sizeof c.key);
    bool whole = str_split(&rest, ' ', &flags) && str_split(&rest, ' ', &older) &&
                 take_name(older, c.older) && encode_unhex(&key, rest) == 0 && key.error == 0;
    if (!whole) {
        return; /* a proof begins */
    }
    c.harmed = str_find(flags, 'h', 0) < flags.n;
    c.lost = str_find(flags, 'l', 0) < flags.n;
    c.all = str_find(flags, 'a', 0) < flags.n;
    c.part = str_find(flags, 'p', 0) < flags.n;
    c.key_n = key.n;
    memcpy(c.key, key.p, key.n);
    *cursor = c;
}

static void take_harm(struct str rest, struct coditectd_backup_note *n)
{
    struct backup_harm harm;
    struct str pack, from;
    if (str_split(&rest, ' ', &pack) && str_split(&rest, ' ', &from) &&
        str_u64(pack, UINT64_MAX, &harm.pack) == 0 && str_u64(from, UINT64_MAX, &harm.from) == 0 &&
        str_u64(rest, UINT64_MAX, &harm.to) == 0) {
        VEC_ADD(&n->harms, harm);
    }
}

static void take_line(struct str line, struct coditectd_backup_note *n)
{
    struct str word;
    char name[BACKUP_NAME_ROOM];
    const struct {
        struct str word;
        usec_t *at;
    } times[] = {
        {STR("begun"), &n->begun}, {STR("ended"), &n->ended}, {STR("verified"), &n->verified}};
    if (!str_split(&line, ' ', &word)) {
        return;
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (str_eq(word, times[i].word)) {
            *times[i].at = time_of(line);
        }
    }
    bool lost = str_eq(word, STR("lost"));
    if ((lost || str_eq(word, STR("damaged"))) && take_name(line, name)) {
        coditectd_backup_blemished(n, name, lost);
    } else if (str_eq(word, STR("cursor"))) {
        take_cursor(line, &n->cursor);
    } else if (str_eq(word, STR("newest"))) {
        (void)take_name(line, n->cursor.newest);
    } else if (str_eq(word, STR("harm"))) {
        take_harm(line, n);
    }
}

static void read_file(const char *path, struct buf *b)
{
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : 1;
    while (n > 0 && b->error == 0) {
        char *to = buf_reserve(b, READ_AT_ONCE);
        n = to ? fd_read_full(fd, to, READ_AT_ONCE) : 0;
        buf_commit(b, n > 0 ? (size_t)n : 0);
    }
}

void coditectd_backup_note_read(const char *data, const char *place,
                                struct coditectd_backup_note *ret_n)
{
    BUF_AUTO(path, PATH_ROOM);
    BUF_AUTO(text, CODITECTD_NOTE_MOST);
    buf_printf(&path, "%s/%s", data, file);
    read_file(buf_z(&path), &text);
    *ret_n = (struct coditectd_backup_note){.begun = 0};
    struct str rest = buf_str(&text), line, word;
    if (!str_split(&rest, '\n', &line) || !str_split(&line, ' ', &word) ||
        !str_eq(word, STR("place")) || !str_eq(line, str_from(place))) {
        return;
    }
    while (str_split(&rest, '\n', &line)) {
        take_line(line, ret_n);
    }
}

/* ---- Writing ---- */

static void put_time(struct buf *b, const char *word, usec_t at)
{
    char text[25];
    if (at > 0) {
        buf_printf(b, "%s " STR_FMT "\n", word, STR_ARG(time_str(text, at)));
    }
}

void coditectd_backup_note_put(const struct coditectd_backup_note *n, const char *place,
                               struct buf *b)
{
    const struct backup_cursor *c = &n->cursor;
    buf_printf(b, "place %s\n", place);
    put_time(b, "begun", n->begun);
    put_time(b, "ended", n->ended);
    put_time(b, "verified", n->verified);
    buf_printf(b, "cursor -%s%s%s%s %s ", c->harmed ? "h" : "", c->lost ? "l" : "",
               c->all ? "a" : "", c->part ? "p" : "", c->older);
    encode_hex(b, str_of(c->key, c->key_n));
    buf_printf(b, "\nnewest %s\n", c->newest); /* behind its cursor; older versions pass it over */
    for (size_t i = 0; i < n->harms.n; i++) {
        const struct backup_harm *harm = &n->harms.at[i];
        buf_printf(b, "harm %llu %llu %llu\n", (unsigned long long)harm->pack,
                   (unsigned long long)harm->from, (unsigned long long)harm->to);
    }
    for (size_t i = 0; i < n->blemishes.n; i++) {
        const struct coditectd_blemish *blemish = &n->blemishes.at[i];
        buf_printf(b, "%s %s\n", blemish->lost ? "lost" : "damaged", blemish->name);
    }
}

void coditectd_backup_note_write(struct buf *text)
{
    FD_AUTO int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (text->error || fd < 0 || fd_write_all(fd, buf_str(text)) < 0 || fsync(fd) < 0 ||
        rename(part, file) < 0) {
        log_warn("coditectd",
                 "%s cannot be written: a restart forgets what is known of the backups", file);
    }
}
