/*
 * Reads settings from all places into one structure; what a value is and whether it fits is config_value.c's.
 *
 * 1. Reading goes on after a mistake, so that a person sees all of them at once; a value that is wrong changes nothing.
 * 2. The value of a secret is never written out, not even when it is refused.
 * 3. Nothing of the place is kept: texts are copied into the arena.
 */
#include "coditectd/config_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/toml.h"

enum {
    NEAR = 3,             /* slips of the finger */
    ENVIRONMENT_NEAR = 2, /* where more is likely to be somebody else's name */
    SHOWN = 80            /* bytes of a value in a message */
};

struct reading {
    struct arena *arena;
    struct coditectd_config *config;
    struct buf *out;
    bool wrong;
    const char *file;
    struct str text; /* of the file */
};

/* Where one value comes from. */
struct place {
    enum coditectd_source source;
    const char *name; /* of the flag or of what stands in the environment */
    struct toml_error at;
    bool table; /* it is a table's */
};

/* ---- Messages ---- */

static void begin_line(struct reading *r, const struct place *place)
{
    switch (place->source) {
    case CODITECTD_FILE:
        buf_printf(r->out, "%s:%zu:%zu: ", r->file, place->at.line, place->at.column);
        return;
    case CODITECTD_ENVIRONMENT:
        buf_printf(r->out, "%s ", place->name);
        return;
    case CODITECTD_FLAG:
        buf_printf(r->out, "--%s ", place->name);
        return;
    case CODITECTD_DEFAULT:
        UNREACHABLE();
    }
}

/* "FILE:3:1: log.level wants …, not …". */
static void refuse(struct reading *r, const struct coditectd_row *row, const struct place *place,
                   struct str value)
{
    r->wrong = true;
    begin_line(r, place);
    if (place->source == CODITECTD_FILE) {
        buf_printf(r->out, "%s ", row->name);
    }
    coditectd_config_wants(row, r->out);
    if (!row->secret && value.p) {
        struct json_writer w;
        buf_add(r->out, STR(", not "));
        json_writer_init(&w, r->out);
        json_string(&w, str_slice(value, 0, SHOWN));
    }
    buf_byte(r->out, '\n');
}

static void note(struct reading *r, const struct coditectd_row *row, const struct place *place)
{
    size_t i = (size_t)(row - coditectd_rows);
    r->config->from[i].source = place->source;
    r->config->from[i].name = place->name;
    r->config->from[i].line = place->at.line;
}

static struct coditectd_put target(struct reading *r, const struct coditectd_row *row)
{
    return (struct coditectd_put){.arena = r->arena, .set = &r->config->set, .row = row};
}

static void take_text(struct reading *r, const struct coditectd_row *row, const struct place *place,
                      const char *text)
{
    const struct coditectd_put to = target(r, row);
    if (coditectd_config_put(&to, str_from(text))) {
        note(r, row, place);
    } else {
        refuse(r, row, place, str_from(text));
    }
}

/* ---- The file ---- */

static const struct coditectd_row *find_row(struct str name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (str_eq(str_from(coditectd_rows[i].name), name)) {
            return &coditectd_rows[i];
        }
    }
    return NULL;
}

static struct str last_part(struct str name)
{
    size_t dot = str_find(name, '.', 0);
    return dot < name.n ? str_slice(name, dot + 1, name.n) : name;
}

/* How far apart: a key that stands in the wrong table is one slip. */
static size_t distance(struct str name, struct str known)
{
    size_t whole = str_distance(name, known);
    size_t key = 1 + str_distance(last_part(name), last_part(known));
    return whole < key ? whole : key;
}

/* Empty: nothing is near. */
static struct str nearest(struct str name, struct str (*name_of)(const struct coditectd_row *))
{
    struct str best = STR_EMPTY;
    size_t least = NEAR + 1;
    for (size_t i = 0; name.n <= STR_DISTANCE_MOST && i < SETTING_COUNT; i++) {
        struct str known = name_of(&coditectd_rows[i]);
        size_t d = distance(name, known);
        if (d < least && 2 * d <= last_part(name).n + 1) {
            least = d;
            best = known;
        }
    }
    return best;
}

static struct str row_name(const struct coditectd_row *row)
{
    return str_from(row->name);
}

static struct str row_table(const struct coditectd_row *row)
{
    struct str name = row_name(row);
    size_t dot = str_find(name, '.', 0);
    return dot < name.n ? str_slice(name, 0, dot) : STR_EMPTY;
}

static void refuse_unknown(struct reading *r, struct str name, const struct place *place)
{
    struct str best = nearest(name, place->table ? row_table : row_name);
    const char *open = place->table ? "[" : "";
    const char *close = place->table ? "]" : "";
    r->wrong = true;
    begin_line(r, place);
    buf_printf(r->out, "%s" STR_FMT "%s is no setting", open, STR_ARG(str_slice(name, 0, SHOWN)),
               close);
    if (best.n > 0) {
        buf_printf(r->out, " (did you mean %s" STR_FMT "%s?)\n", open, STR_ARG(best), close);
    } else {
        buf_printf(r->out, " (--print-config lists them)\n");
    }
}

/* Paths in the file count from the folder that it lies in, wherever the server was started. */
static struct str folder(const struct reading *r)
{
    struct str file = str_from(r->file);
    while (file.n > 0 && file.p[file.n - 1] != '/') {
        file.n--;
    }
    return file;
}

static void take_member(struct reading *r, struct str table, const struct json *member)
{
    struct str name = member->name;
    struct place place = {.source = CODITECTD_FILE,
                          .at = toml_where(r->text, name.p),
                          .table = member->kind == JSON_OBJECT && table.n == 0};
    if (table.n > 0) {
        name = arena_printf(r->arena, STR_FMT "." STR_FMT, STR_ARG(table), STR_ARG(name));
    }
    const struct coditectd_row *row = find_row(name);
    if (!row) {
        refuse_unknown(r, name, &place);
        return;
    }
    struct coditectd_put to = target(r, row);
    to.folder = folder(r);
    if (coditectd_config_put_json(&to, member)) {
        note(r, row, &place);
    } else {
        refuse(r, row, &place, member->kind == JSON_STRING ? member->string : STR_EMPTY);
    }
}

/* A table is known when it has settings; what lies deeper is refused as a key that nobody knows. */
static bool is_table(struct str name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        struct str known = str_from(coditectd_rows[i].name);
        if (known.n > name.n && known.p[name.n] == '.' && str_starts(known, name)) {
            return true;
        }
    }
    return false;
}

static void take_tree(struct reading *r, const struct json *root)
{
    for (const struct json *m = root->first; m; m = m->next) {
        if (m->kind != JSON_OBJECT || !is_table(m->name)) {
            take_member(r, STR_EMPTY, m);
            continue;
        }
        for (const struct json *inner = m->first; inner; inner = inner->next) {
            take_member(r, m->name, inner);
        }
    }
}

static void refuse_file(struct reading *r, const char *what)
{
    r->wrong = true;
    buf_printf(r->out, "%s %s\n", r->file, what);
}

static void read_text(struct reading *r, int fd)
{
    char *text = arena_alloc(r->arena, TOML_MAX_TEXT + 1);
    ssize_t n = fd_read_full(fd, text, TOML_MAX_TEXT + 1);
    struct json *root;
    struct toml_error error;
    if (n < 0) {
        refuse_file(r, "cannot be read");
        return;
    }
    r->text = str_of(text, (size_t)n);
    if (toml_parse(r->arena, r->text, &root, &error) < 0) {
        r->wrong = true;
        buf_printf(r->out, "%s:%zu:%zu: %s\n", r->file, error.line, error.column, error.what);
        return;
    }
    take_tree(r, root);
}

static void warn_of_readers(struct reading *r, int fd)
{
    struct stat facts;
    if (fstat(fd, &facts) < 0 || !(facts.st_mode & S_IROTH)) {
        return;
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (coditectd_rows[i].secret && r->config->from[i].source == CODITECTD_FILE) {
            buf_printf(r->out, "warning: everybody may read %s, which holds %s: chmod o-r it\n",
                       r->file, coditectd_rows[i].name);
        }
    }
}

/* Only the file of that name may be missing which nobody asked for. */
static void read_file(struct reading *r, const char *file)
{
    r->file = file ? file : CODITECTD_CONFIG_FILE;
    FD_AUTO int fd = open(r->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && !file && errno == ENOENT) {
        return;
    }
    if (fd < 0) {
        refuse_file(r, errno == ENOENT ? "does not exist" : "cannot be opened");
        return;
    }
    r->config->file = arena_str(r->arena, str_from(r->file)).p;
    read_text(r, fd);
    warn_of_readers(r, fd);
}

/* ---- The environment ---- */

static struct str environment_name(const struct coditectd_row *row)
{
    return str_from(row->environment);
}

/* NULL: not there, or empty, which is the same. */
static const char *look_up(char *const *environment, const char *name)
{
    size_t n = name ? strlen(name) : 0;
    for (; n > 0 && *environment; environment++) {
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=') {
            const char *value = *environment + n + 1;
            return *value ? value : NULL;
        }
    }
    return NULL;
}

/* Many things are called CODITECT_ there, so that a name that is none of ours is no mistake; one that is nearly ours may be. */
static void warn_of_slips(struct reading *r, char *const *environment)
{
    for (; *environment; environment++) {
        struct str name = str_from(*environment);
        name = str_slice(name, 0, str_find(name, '=', 0));
        struct str best =
            str_starts(name, STR("CODITECT_")) ? nearest(name, environment_name) : STR_EMPTY;
        size_t slips = best.n > 0 ? str_distance(name, best) : 0;
        if (slips > 0 && slips <= ENVIRONMENT_NEAR) {
            buf_printf(r->out, "warning: " STR_FMT " is no setting (did you mean " STR_FMT "?)\n",
                       STR_ARG(name), STR_ARG(best));
        }
    }
}

static void read_environment(struct reading *r, char *const *environment)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct coditectd_row *row = &coditectd_rows[i];
        struct place place = {.source = CODITECTD_ENVIRONMENT, .name = row->environment};
        const char *text = look_up(environment, row->environment);
        if (!text) {
            place.name = row->also;
            text = look_up(environment, row->also);
        }
        if (text) {
            take_text(r, row, &place, text);
        }
    }
    warn_of_slips(r, environment);
}

/* ---- Together ---- */

static void take_defaults(struct reading *r)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct coditectd_row *row = &coditectd_rows[i];
        const struct coditectd_put to = target(r, row);
        bool good = !row->standard || coditectd_config_put(&to, str_from(row->standard));
        ASSERT(good);
    }
}

static void read_flags(struct reading *r, const char *const *flags)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct coditectd_row *row = &coditectd_rows[i];
        if (flags[i]) {
            ASSERT(row->flag);
            take_text(r, row, &(struct place){.source = CODITECTD_FLAG, .name = row->flag},
                      flags[i]);
        }
    }
}

size_t coditectd_config_options(struct coditectd_config_input *input,
                                struct args_option *ret_options)
{
    size_t n = 0;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct coditectd_row *row = &coditectd_rows[i];
        if (row->flag) {
            ret_options[n++] = (struct args_option){.name = row->flag,
                                                    .value = row->value,
                                                    .text = row->help,
                                                    .given = &input->flags[i]};
        }
    }
    return n;
}

int coditectd_config_read(const struct coditectd_config_input *input, struct arena *arena,
                          struct coditectd_config *ret_config, struct buf *out)
{
    struct coditectd_config config = {0};
    struct reading r = {.arena = arena, .config = &config, .out = out};
    take_defaults(&r);
    read_file(&r, input->file);
    read_environment(&r, input->environment);
    read_flags(&r, input->flags);
    *ret_config = config;
    return r.wrong ? ERR_INVALID : 0;
}
