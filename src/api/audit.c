/*
 * The audit log: what calls are noted for it; and /audit, as pages or, for who asks for application/x-ndjson, whole: one object a line, newest first, read page by
 * page, so that neither its length nor a slow reader costs memory.
 */
#include "api/api_int.h"
#include "sessions/sessions.h"

enum { EXPORT_PAGE = DATA_MAX_LIST, EXPORT_LINES = 256 * 1024 };

static const struct str ndjson = {"application/x-ndjson", 20};

static int send_page(struct api_call *call, const struct auth_audit_page *page)
{
    BUF_AUTO(lines, EXPORT_LINES);
    for (size_t i = 0; i < page->n; i++) {
        buf_add(&lines, page->at[i].reply);
        buf_byte(&lines, '\n');
    }
    ASSERT(lines.error == 0);
    return lines.n > 0 ? http_write(call->res, buf_str(&lines)) : 0;
}

/* first is the first page; the others are read into an arena of their own, one after another. */
static int export(struct api_call *call, struct auth_audit_input *input,
                  const struct auth_audit_page *first)
{
    http_set(call->res, "Content-Type", ndjson);
    http_set(call->res, "Cache-Control", STR("no-store"));
    http_set(call->res, "Content-Disposition", STR("attachment; filename=\"audit.ndjson\""));
    int r = http_stream(call->res, /* length= */ -1);
    call->streamed = r == 0;
    bool head = call->req->method == HTTP_HEAD;
    if (r == 0 && !head) {
        r = send_page(call, first);
    }
    struct str next = first->next;
    while (r == 0 && !head && next.n > 0) {
        ARENA_AUTO(arena);
        struct data_context data = call->data;
        struct auth_audit_page page;
        data.arena = &arena;
        input->cursor = next;
        r = api_still(call);
        r = r < 0 ? r : auth_audit_list(&data, input, &page);
        if (r == 0) {
            r = send_page(call, &page);
            next = arena_str(call->req->arena, page.next);
        }
    }
    return r == ERR_CLOSED ? 0 : r; /* a client that went away is nobody's fault */
}

int api_audit_list(struct api_call *call, const struct api_audit_list_in *in)
{
    struct auth_audit_input input = {
        .limit = (size_t)in->limit,
        .cursor = in->cursor,
        .actor = in->actor,
        .action = in->action,
        .target = in->session_id,
    };
    if (in->has_since && time_parse(in->since, &input.since) < 0) {
        api_field_error(call, "since", "is no time like 2026-11-21T04:05:06Z");
        return ERR_INVALID;
    }
    if (in->has_until && time_parse(in->until, &input.until) < 0) {
        api_field_error(call, "until", "is no time like 2026-11-21T04:05:06Z");
        return ERR_INVALID;
    }
    bool whole = str_eq(str_trim(http_header(call->req, "Accept")), ndjson);
    if (whole) {
        input.limit = EXPORT_PAGE;
    }
    struct auth_audit_page page;
    int r = auth_audit_list(&call->data, &input, &page);
    if (r < 0 || whole) {
        return r < 0 ? r : export(call, &input, &page);
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < page.n; i++) {
        reply_audit_record_whole(w, &page.at[i]);
    }
    return api_end_page(call, page.next);
}

/* ---- What is noted ---- */

enum { FIELDS_MOST = 400 };

void api_audit_fields(struct api_call *call, const void *in)
{
    const struct api_route *row = call->route;
    struct str action = str_from(row->audit);
    size_t dot = str_find(action, '.', 0);
    if (!str_ends(action, STR(".update")) && !str_ends(action, STR("_update")) &&
        !str_ends(action, STR(".rename"))) {
        return;
    }
    BUF_AUTO(names, 4096);
    for (size_t i = 0; i < row->field_count; i++) {
        const struct api_field *field = &row->fields[i];
        const bool *given = (const bool *)((const char *)in + field->has_at);
        if (field->source == API_FROM_BODY && (field->required || *given)) {
            buf_printf(&names, "%s%s", names.n > 0 ? "," : "", field->name);
        }
    }
    call->data.client.update = str_slice(action, 0, dot);
    call->data.client.fields =
        arena_str(call->req->arena, data_text_cut(buf_str(&names), FIELDS_MOST));
}

/* The innermost thing of ours that the address names. */
static struct str target_of(const struct api_call *call)
{
    for (size_t i = call->match.count; i > 0; i--) {
        struct str value = call->match.values[i - 1];
        if (value.n == DATA_ID_SIZE &&
            data_id_is(value, arena_str(call->req->arena, str_slice(value, 0, 3)).p)) {
            return value;
        }
    }
    return STR_EMPTY;
}

/*
 * Who is not known was denied by what they lack: a login, a password, a token, our own Origin. That nobody knows them is said of
 * all alike, also where the account exists, whose own log has the wrong password: the time it takes tells nothing.
 */
static bool is_stranger(const struct api_call *call, int r)
{
    bool known = !call->route->public && call->data.scope.user_id.n > 0;
    if (known || r >= 0 || r == ERR_CODE_NEEDED) { /* the password was right */
        return false;
    }
    int status = err_row(r)->status;
    return status == 401 || status == 403;
}

/*
 * Whether what was told to be nowhere is somebody else's of the tenant: the ids that the request names, in whatever place, are asked
 * whose they are, on every row that is for one's own things.
 */
static int is_of_another(const struct api_call *call, int r, bool *ret_is)
{
    const struct api_route *row = call->route;
    int known = 0;
    *ret_is = false;
    if (r != ERR_NOT_FOUND || !call->in || data_may_all(row->permission)) {
        return 0;
    }
    for (size_t i = 0; i < row->field_count && known == 0 && !*ret_is; i++) {
        const struct api_field *field = &row->fields[i];
        if (field->kind == API_STRING && field->text == API_TEXT_ID) {
            const void *value = (const char *)call->in + field->at;
            known = auth_is_anothers(&call->data, *(const struct str *)value, ret_is);
        }
    }
    return known;
}

int api_audit_called(const struct api_call *call, int r)
{
    struct auth *auth = call->api->auth;
    struct auth_call noted = {.route = call->route->id};
    if (is_stranger(call, r)) {
        const struct data_context stranger = {.arena = call->req->arena,
                                              .client = call->data.client};
        noted.denied = true;
        auth_call_note(auth, &stranger, &noted);
        return r;
    }
    if (call->shared && r >= 0) {
        noted.by_link = true;
        noted.target = call->shared->session.id;
        auth_call_note(auth, &call->data, &noted);
        return r;
    }
    bool known = !call->route->public && call->data.scope.user_id.n > 0;
    bool anothers = false;
    int owner = known ? is_of_another(call, r, &anothers) : 0;
    if (owner < 0) { /* no denial without its entry: asked again, it has one */
        return owner;
    }
    noted.denied = r == ERR_FORBIDDEN || anothers;
    noted.target = target_of(call);
    if (known && (noted.denied || (r >= 0 && call->api->audit_reads && !call->route->audit[0]))) {
        auth_call_note(auth, &call->data, &noted);
    }
    return r;
}
