/* Settings as text: a file that gives the same values when it is read, and where one of them comes from. */
#include "base/assert.h"
#include "base/json.h"
#include "coditectd/config.h"

enum { SOURCE_COLUMN = 44 };

static const void *field(const struct coditectd_config *config, const struct coditectd_row *row)
{
    return (const char *)&config->set + row->at;
}

/* JSON's escapes are TOML's. */
static void put_string(struct buf *out, const char *text)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_string(&w, str_from(text));
}

/* In the largest unit that leaves a whole number. */
static void put_duration(struct buf *out, usec_t duration)
{
    static const struct {
        int64_t seconds;
        char suffix;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t seconds = (int64_t)(duration / USEC_PER_SEC);
    size_t i = 0;
    while (units[i].seconds > 1 && (seconds == 0 || seconds % units[i].seconds != 0)) {
        i++;
    }
    buf_printf(out, "\"%lld%c\"", (long long)(seconds / units[i].seconds), units[i].suffix);
}

static void put_list(struct buf *out, const struct coditectd_list *list)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        buf_add(out, i > 0 ? STR(", ") : STR_EMPTY);
        put_string(out, list->at[i]);
    }
    buf_byte(out, ']');
}

static void put_value(struct buf *out, const struct coditectd_row *row, const void *value)
{
    switch (row->type) {
    case CODITECTD_TEXT:
    case CODITECTD_PATH:
        put_string(out, *(const char *const *)value);
        return;
    case CODITECTD_NUMBER:
        buf_i64(out, *(const int64_t *)value);
        return;
    case CODITECTD_BOOLEAN:
        buf_add(out, *(const bool *)value ? STR("true") : STR("false"));
        return;
    case CODITECTD_CHOICE:
        put_string(out, row->choices[*(const int *)value]);
        return;
    case CODITECTD_DURATION:
        put_duration(out, *(const usec_t *)value);
        return;
    case CODITECTD_LIST:
        put_list(out, value);
        return;
    }
    UNREACHABLE();
}

static void put_source(const struct coditectd_config *config, enum coditectd_setting i,
                       struct buf *out)
{
    switch (config->from[i].source) {
    case CODITECTD_DEFAULT:
        buf_add(out, STR("default"));
        return;
    case CODITECTD_FILE:
        buf_printf(out, "%s:%zu", config->file, config->from[i].line);
        return;
    case CODITECTD_ENVIRONMENT:
        buf_printf(out, "%s", config->from[i].name);
        return;
    case CODITECTD_FLAG:
        buf_printf(out, "--%s", config->from[i].name);
        return;
    }
    UNREACHABLE();
}

const char *coditectd_config_where(const struct coditectd_config *config, struct arena *arena,
                                   enum coditectd_setting setting)
{
    BUF_AUTO(text, 16 * 1024);
    buf_printf(&text, "%s (", coditectd_rows[setting].name);
    put_source(config, setting, &text);
    buf_byte(&text, ')');
    return arena_str(arena, buf_str(&text)).p;
}

static bool has_text(const struct coditectd_row *row, const void *value)
{
    bool text = row->type == CODITECTD_TEXT || row->type == CODITECTD_PATH;
    return !text || *(const char *const *)value != NULL;
}

static void put_setting(const struct coditectd_config *config, enum coditectd_setting i,
                        struct buf *out)
{
    const struct coditectd_row *row = &coditectd_rows[i];
    const void *value = field(config, row);
    const char *dot = strchr(row->name, '.');
    const char *key = dot ? dot + 1 : row->name;
    size_t start = out->n;
    bool given = has_text(row, value);
    if (!given) {
        buf_printf(out, "# %s is not given\n", key);
        return;
    }
    if (row->secret) {
        buf_printf(out, "# %s is given and not shown", key);
    } else {
        buf_printf(out, "%s = ", key);
        put_value(out, row, value);
    }
    do {
        buf_byte(out, ' ');
    } while (!out->error && out->n - start < SOURCE_COLUMN);
    buf_add(out, STR("# "));
    put_source(config, i, out);
    buf_byte(out, '\n');
}

void coditectd_config_print(const struct coditectd_config *config, struct buf *out)
{
    struct str table = STR_EMPTY;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        struct str name = str_from(coditectd_rows[i].name);
        size_t dot = str_find(name, '.', 0);
        struct str own = dot < name.n ? str_slice(name, 0, dot) : STR_EMPTY;
        if (!str_eq(own, table)) {
            table = own;
            buf_printf(out, "\n[" STR_FMT "]\n", STR_ARG(own));
        }
        put_setting(config, (enum coditectd_setting)i, out);
    }
}
