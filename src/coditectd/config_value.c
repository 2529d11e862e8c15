/* From the text or the value of a file to the value of one setting, in its bounds. */
#include <stddef.h>

#include "base/assert.h"
#include "coditectd/config_int.h"

static void *field(const struct coditectd_put *p)
{
    return (char *)p->set + p->row->at;
}

static bool fits(const struct coditectd_row *row, int64_t value)
{
    return value >= row->least && value <= row->most;
}

static bool put_text(const struct coditectd_put *p, struct str text)
{
    if (!fits(p->row, (int64_t)text.n) || memchr(text.p, '\0', text.n)) {
        return false;
    }
    *(const char **)field(p) = arena_str(p->arena, text).p;
    return true;
}

static bool put_path(const struct coditectd_put *p, struct str text)
{
    if (p->folder.n == 0 || text.n == 0 || str_starts(text, STR("/"))) {
        return put_text(p, text);
    }
    return put_text(p, arena_printf(p->arena, STR_FMT STR_FMT, STR_ARG(p->folder), STR_ARG(text)));
}

static bool put_number(const struct coditectd_put *p, int64_t value)
{
    if (!fits(p->row, value)) {
        return false;
    }
    *(int64_t *)field(p) = value;
    return true;
}

static bool put_seconds(const struct coditectd_put *p, int64_t number, int64_t scale)
{
    if (number < 0 || number > p->row->most / scale || !fits(p->row, number * scale)) {
        return false;
    }
    *(usec_t *)field(p) = (usec_t)(number * scale) * USEC_PER_SEC;
    return true;
}

static bool put_duration(const struct coditectd_put *p, struct str text)
{
    static const char suffixes[] = "smhd";
    static const int64_t scales[] = {1, 60, 3600, 86400};
    char last = text.n > 0 ? text.p[text.n - 1] : '\0';
    const char *suffix = last ? strchr(suffixes, last) : NULL;
    uint64_t number;
    if (str_u64(str_slice(text, 0, text.n - (suffix != NULL)), INT64_MAX, &number) < 0) {
        return false;
    }
    return put_seconds(p, (int64_t)number, suffix ? scales[suffix - suffixes] : p->row->scale);
}

static bool put_choice(const struct coditectd_put *p, struct str text)
{
    for (int i = 0; p->row->choices[i]; i++) {
        if (str_eq(text, str_from(p->row->choices[i]))) {
            *(int *)field(p) = i;
            return true;
        }
    }
    return false;
}

static bool put_boolean(const struct coditectd_put *p, struct str text)
{
    bool value = str_eq(text, STR("true"));
    if (!value && !str_eq(text, STR("false"))) {
        return false;
    }
    *(bool *)field(p) = value;
    return true;
}

/* The parts of text between commas; the file has lists of its own. */
static bool put_list(const struct coditectd_put *p, struct str text)
{
    const char **at = ARENA_ARRAY(p->arena, const char *, CODITECTD_MAX_LIST);
    struct str part;
    size_t n = 0;
    while (text.p && str_split(&text, ',', &part)) {
        part = str_trim(part);
        if (n == CODITECTD_MAX_LIST || !fits(p->row, (int64_t)part.n)) {
            return false;
        }
        at[n++] = arena_str(p->arena, part).p;
    }
    *(struct coditectd_list *)field(p) = (struct coditectd_list){at, n};
    return true;
}

bool coditectd_config_put(const struct coditectd_put *p, struct str text)
{
    uint64_t number;
    switch (p->row->type) {
    case CODITECTD_TEXT:
        return put_text(p, text);
    case CODITECTD_PATH:
        return put_path(p, text);
    case CODITECTD_NUMBER:
        return str_u64(text, INT64_MAX, &number) == 0 && put_number(p, (int64_t)number);
    case CODITECTD_BOOLEAN:
        return put_boolean(p, text);
    case CODITECTD_CHOICE:
        return put_choice(p, text);
    case CODITECTD_DURATION:
        return put_duration(p, text);
    case CODITECTD_LIST:
        return put_list(p, text);
    }
    UNREACHABLE();
}

static bool put_json_list(const struct coditectd_put *p, const struct json *value)
{
    const char **at = ARENA_ARRAY(p->arena, const char *, CODITECTD_MAX_LIST);
    size_t n = 0;
    for (const struct json *one = value->first; one; one = one->next) {
        if (n == CODITECTD_MAX_LIST || one->kind != JSON_STRING ||
            !fits(p->row, (int64_t)one->string.n) || memchr(one->string.p, '\0', one->string.n)) {
            return false;
        }
        at[n++] = arena_str(p->arena, one->string).p;
    }
    *(struct coditectd_list *)field(p) = (struct coditectd_list){at, n};
    return true;
}

bool coditectd_config_put_json(const struct coditectd_put *p, const struct json *value)
{
    enum coditectd_type type = p->row->type;
    bool bare = type == CODITECTD_NUMBER || type == CODITECTD_BOOLEAN;
    switch (value->kind) {
    case JSON_STRING:
        return !bare && type != CODITECTD_LIST && coditectd_config_put(p, value->string);
    case JSON_INTEGER:
        return type == CODITECTD_NUMBER     ? put_number(p, value->integer)
               : type == CODITECTD_DURATION ? put_seconds(p, value->integer, p->row->scale)
                                            : false;
    case JSON_BOOL:
        return type == CODITECTD_BOOLEAN &&
               put_boolean(p, value->boolean ? STR("true") : STR("false"));
    case JSON_ARRAY:
        return type == CODITECTD_LIST && put_json_list(p, value);
    default:
        return false;
    }
}

void coditectd_config_wants(const struct coditectd_row *row, struct buf *out)
{
    long long least = row->least, most = row->most;
    const char *unit = row->unit ? row->unit : "";
    switch (row->type) {
    case CODITECTD_TEXT:
    case CODITECTD_PATH:
        buf_printf(out, "wants a text of %lld to %lld bytes", least, most);
        return;
    case CODITECTD_NUMBER:
        buf_printf(out, "wants a number from %lld to %lld%s%s", least, most, *unit ? " " : "",
                   unit);
        return;
    case CODITECTD_BOOLEAN:
        buf_printf(out, "wants true or false");
        return;
    case CODITECTD_CHOICE:
        buf_printf(out, "wants one of %s", row->value);
        return;
    case CODITECTD_DURATION:
        buf_printf(out, "wants %lld to %lld seconds: a number of %s, or as 90s, 15m, 12h, 30d",
                   least, most, unit);
        return;
    case CODITECTD_LIST:
        buf_printf(out, "wants at most %d texts of 1 to %lld bytes", CODITECTD_MAX_LIST, most);
        return;
    }
    UNREACHABLE();
}
