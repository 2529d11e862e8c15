/* What codi2 says about itself. It is a claim of the workspace: shown, counted in the metrics, used to know when it has begun and
 * when to pause it, for nothing else. */
#include "base/json.h"
#include "workspaces/keeper_int.h"

static int64_t number(const struct json *object, const char *name)
{
    const struct json *value = object ? json_get(object, name) : NULL;
    if (!value || value->kind != JSON_INTEGER || value->integer < 0) {
        return 0;
    }
    return value->integer < JSON_MAX_EXACT ? value->integer : JSON_MAX_EXACT;
}

/* Cut to what fits without cutting a character. */
static void copy(char *to, size_t room, struct str text)
{
    struct str cut = data_text_cut(text, room);
    if (cut.n > 0) {
        memcpy(to, cut.p, cut.n);
    }
    to[cut.n] = '\0';
}

static void read_text(const struct json *object, const char *name, char *to, size_t room)
{
    const struct json *value = json_get(object, name);
    copy(to, room, value && value->kind == JSON_STRING ? value->string : STR_EMPTY);
}

static void read_awake(const struct json *activity, struct report *report)
{
    BUF_AUTO(text, REPORT_AWAKE);
    const struct json *list = activity ? json_get(activity, "awake") : NULL;
    const struct json *one = list && list->kind == JSON_ARRAY ? list->first : NULL;
    for (; one; one = one->next) {
        report->works =
            report->works || one->kind != JSON_STRING || !str_eq(one->string, STR("browser"));
        if (one->kind == JSON_STRING && text.n + one->string.n + 2 <= REPORT_AWAKE) {
            buf_add(&text, text.n > 0 ? STR(", ") : STR_EMPTY);
            buf_add(&text, one->string);
        }
    }
    copy(report->awake, REPORT_AWAKE, buf_str(&text));
}

static enum report_state read_state(const struct json *root, struct str word)
{
    if (str_eq(word, STR("restoring"))) {
        return REPORT_RESTORING;
    }
    const struct json *ide = json_get(root, "ide");
    bool starting = ide && ide->kind == JSON_STRING && str_eq(ide->string, STR("starting"));
    return starting ? REPORT_IDE : REPORT_READY;
}

int workspaces_report_read(struct arena *arena, struct str text, struct report *ret_report)
{
    struct json *root;
    if (json_parse(arena, text, &root, NULL) < 0) {
        return ERR_INVALID;
    }
    const struct json *state = json_get(root, "state");
    if (!state || state->kind != JSON_STRING) {
        return ERR_INVALID;
    }
    struct report r = {.state = read_state(root, state->string)};
    const struct json *restoring = json_get(root, "restoring");
    r.done = number(restoring, "done");
    r.total = number(restoring, "total");
    r.pending = number(root, "pending");
    r.pending_ms = number(root, "pending_ms");
    r.quiet = number(root, "quiet");
    r.held_back = number(root, "held_back");
    const struct json *activity = json_get(root, "activity");
    r.idle_ms = number(activity, "idle_ms");
    read_awake(activity, &r);
    read_text(root, "message", r.message, REPORT_MESSAGE);
    *ret_report = r;
    return 0;
}
