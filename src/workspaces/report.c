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

/* An older codi2 names the first of them and gives no number. */
static int64_t read_failed(const struct json *root)
{
    const struct json *list = json_get(root, "failed");
    int64_t named = 0;
    for (const struct json *one = list && list->kind == JSON_ARRAY ? list->first : NULL; one;
         one = one->next) {
        named++;
    }
    int64_t all = number(root, "failed_count");
    return all > named ? all : named;
}

/*
 * Why the store is not reached, or what is wrong although all is stored. What merely happened is no trouble; while files come or
 * go, that is said.
 */
static void read_trouble(const struct json *root, struct str state, struct report *report)
{
    char news[REPORT_MESSAGE + 1] = "";
    const struct json *notice = json_get(root, "notice");
    if (notice && notice->kind == JSON_OBJECT) {
        read_text(notice, "text", news, REPORT_MESSAGE);
    }
    bool offline = str_eq(state, STR("offline"));
    if (strcmp(report->message, news) != 0 && (offline || str_eq(state, STR("persisted")))) {
        copy(report->trouble, REPORT_MESSAGE, str_from(report->message));
    } else if (offline) {
        copy(report->trouble, REPORT_MESSAGE,
             STR("The store is out of reach. Changes wait on the workspace's disk."));
    }
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
    r.failed = read_failed(root);
    r.damaged = number(root, "damaged_count");
    const struct json *activity = json_get(root, "activity");
    r.idle_ms = number(activity, "idle_ms");
    read_awake(activity, &r);
    read_text(root, "message", r.message, REPORT_MESSAGE);
    read_trouble(root, state->string, &r);
    *ret_report = r;
    return 0;
}
