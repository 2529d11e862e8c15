/*
 * The source of a session: the git repository that it begins with. Here it is judged when it is named, and kept is how far the
 * workspace came with it.
 *
 * 1. No address with a user name or a password is ever stored: it would be shown wherever the session is.
 * 2. Only https://, and http:// where the operator allows it: no file:, no helper program (ext::), no address that git takes for
 *    an option, since one that begins with a scheme does not begin with '-'.
 * 3. What is said of an attempt counts for that attempt alone, and its end is never taken back.
 */
#include "sessions/sessions_int.h"

enum { MESSAGE_MAX = 400, FOLDER_MAX = 255 };

/* ---- which are taken ---- */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Printable ASCII without what RFC 3986 leaves out of addresses. */
static bool is_plain(struct str url)
{
    for (size_t i = 0; i < url.n; i++) {
        char c = url.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL) {
            return false;
        }
    }
    return true;
}

/* A name, an IPv4 address or an IPv6 address in brackets, with a port or without. */
static bool is_host(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        if (!is_letter_or_digit(host.p[i]) && strchr(".-_:[]", host.p[i]) == NULL) {
            return false;
        }
    }
    return host.n > 0 && (is_letter_or_digit(host.p[0]) || host.p[0] == '[');
}

static bool has_any(struct str s, const char *some)
{
    for (; *some != '\0'; some++) {
        if (str_find(s, *some, 0) < s.n) {
            return true;
        }
    }
    return false;
}

/* What is wrong with it; NULL: nothing. */
static const char *url_problem(struct str url, bool plain_http)
{
    const struct str https = STR("https://");
    const struct str http = STR("http://");
    if (url.n > SESSIONS_URL_MAX) {
        return "The address is longer than 2,000 bytes.";
    }
    if (!str_starts(url, https) && !str_starts(url, http)) {
        return "Only addresses that begin with https:// are taken. By SSH, clone in the session's "
               "terminal.";
    }
    if (str_starts(url, http) && !plain_http) {
        return "http:// is not taken here, since what comes could be changed on its way: use "
               "https://.";
    }
    struct str rest = str_slice(url, str_starts(url, https) ? https.n : http.n, url.n);
    size_t end = str_find(rest, '/', 0);
    struct str host = str_slice(rest, 0, end);
    struct str path = str_slice(rest, end, rest.n);
    if (has_any(host, "@")) {
        return "Leave out the user name and the password: the address is shown wherever the "
               "session is. A private repository is cloned in the session's terminal.";
    }
    if (!is_plain(url) || !is_host(host)) {
        return "This is no address of a repository.";
    }
    if (has_any(path, "?#")) {
        return "The address goes on behind the repository's path: leave out what follows ? or #.";
    }
    while (path.n > 0 && path.p[0] == '/') {
        path = str_slice(path, 1, path.n);
    }
    return path.n > 0 ? NULL : "The address names a host and no repository.";
}

static bool is_branch_byte(char c, char last)
{
    bool control = (c >= 0 && c <= ' ') || c == 0x7f;
    bool doubled = (c == '.' && last == '.') || (c == '{' && last == '@');
    bool at_start = last == '/' && (c == '/' || c == '.');
    return !control && strchr("~^:?*[\\", c) == NULL && !doubled && !at_start;
}

/* The rules of git-check-ref-format(1), for one name. */
static bool is_branch(struct str name)
{
    char last = '/';
    for (size_t i = 0; i < name.n; i++) {
        if (!is_branch_byte(name.p[i], last)) {
            return false;
        }
        last = name.p[i];
    }
    bool ended = last != '/' && last != '.' && !str_ends(name, STR(".lock"));
    return ended && name.n <= SESSIONS_BRANCH_MAX && name.p[0] != '-' && !str_eq(name, STR("@")) &&
           str_is_utf8(name);
}

int sessions_source_check(struct data_context *ctx, const struct sessions_create_input *in)
{
    if (in->git_url.n == 0) {
        return in->git_branch.n == 0 ? 0
                                     : data_fault(ctx, ERR_INVALID, "git_branch",
                                                  "There is no git_url that it is of.");
    }
    const char *problem = url_problem(in->git_url, in->plain_http);
    if (problem) {
        return data_fault(ctx, ERR_INVALID, "git_url", problem);
    }
    bool good = in->git_branch.n == 0 || is_branch(in->git_branch);
    return good ? 0
                : data_fault(ctx, ERR_INVALID, "git_branch",
                             "No branch and no tag can have this name.");
}

/* ---- how far it is ---- */

static int find(struct txn *txn, const struct scope *scope, struct str id,
                struct data_session *ret_session)
{
    struct data_session session;
    int r = sessions_find(txn, scope, id, &session);
    if (r == 0 && session.source_url.n == 0) {
        r = ERR_NOT_FOUND;
    }
    if (r == 0) {
        *ret_session = session;
    }
    return r;
}

int sessions_source_get(struct txn *txn, const struct scope *scope, struct str session,
                        struct sessions_source *ret_source)
{
    struct data_session found;
    int r = find(txn, scope, session, &found);
    if (r == 0) {
        *ret_source = (struct sessions_source){.url = found.source_url,
                                               .branch = found.source_branch,
                                               .attempt = found.source_attempt,
                                               .state = found.source_state,
                                               .folder = found.source_folder};
    }
    return r;
}

static bool has_ended(const struct data_session *session)
{
    return session->source_state == DATA_SOURCE_STATE_DONE ||
           session->source_state == DATA_SOURCE_STATE_FAILED;
}

int sessions_source_note(struct txn *txn, const struct scope *scope, struct str session,
                         const struct sessions_source_note *note)
{
    struct data_session s;
    ASSERT(note->percent >= 0 && note->percent <= 100);
    int r = find(txn, scope, session, &s);
    if (r < 0) {
        return r;
    }
    bool told = s.source_state == note->state; /* an answer was lost: it is said again */
    if (s.source_attempt != note->attempt || (has_ended(&s) && !told)) {
        return ERR_CONFLICT;
    }
    if (told && (has_ended(&s) ||
                 (s.source_percent == note->percent && str_eq(s.source_folder, note->folder)))) {
        return 0;
    }
    s.source_state = note->state;
    s.source_percent = note->state == DATA_SOURCE_STATE_CLONING ? note->percent : 0;
    s.source_folder = note->state == DATA_SOURCE_STATE_FAILED
                          ? STR_EMPTY
                          : data_text_cut(note->folder, FOLDER_MAX);
    s.source_message = note->state == DATA_SOURCE_STATE_CLONING
                           ? STR_EMPTY
                           : data_text_cut(note->message, MESSAGE_MAX);
    r = data_session_put(txn, scope, &s);
    if (r == 0 && !told) {
        data_event(txn, scope,
                   &(struct data_event){.kind = "session.source",
                                        .id = s.id,
                                        .session_id = s.id,
                                        .state = data_source_state_name(s.source_state)});
    }
    return r;
}

/* ---- another attempt ---- */

struct clone {
    struct data_context *ctx;
    struct str id;
    struct sessions_view view; /* result */
};

static int clone_fn(struct txn *txn, void *arg)
{
    struct clone *c = arg;
    struct data_session *s = &c->view.session;
    int r = sessions_find(txn, &c->ctx->scope, c->id, s);
    if (r < 0) {
        return r;
    }
    if (s->source_url.n == 0 || s->source_state == DATA_SOURCE_STATE_DONE) {
        return data_fault(c->ctx, ERR_CONFLICT, NULL,
                          s->source_url.n == 0 ? "The session did not begin with a repository."
                                               : "The repository is in the session already.");
    }
    if (s->source_state == DATA_SOURCE_STATE_FAILED) {
        s->source_state = DATA_SOURCE_STATE_PENDING;
        s->source_attempt++;
        s->source_message = STR_EMPTY;
        r = sessions_changed(txn, c->ctx, &c->view, "session.clone");
    }
    r = r < 0 ? r : sessions_join(txn, &c->ctx->scope, &c->view);
    if (r == 0) {
        sessions_view_copy(c->ctx->arena, &c->view);
    }
    return r;
}

int sessions_clone(struct data_context *ctx, struct str id, struct sessions_view *ret_view)
{
    struct clone c = {.ctx = ctx, .id = id};
    struct store_op op = store_op_new();
    int r = store_write(ctx->store, &op, clone_fn, &c);
    if (r == 0) {
        *ret_view = c.view;
    }
    return r;
}

/* ---- shown ---- */

void sessions_source_write(struct reply_session_source reply, const struct data_session *session)
{
    reply_session_source_kind(&reply, "git");
    reply_session_source_url(&reply, session->source_url);
    if (session->source_branch.n > 0) {
        reply_session_source_branch(&reply, session->source_branch);
    }
    reply_session_source_state(&reply, session->source_state);
    if (session->source_state == DATA_SOURCE_STATE_CLONING) {
        reply_session_source_percent(&reply, session->source_percent);
    }
    if (session->source_state == DATA_SOURCE_STATE_DONE && session->source_folder.n > 0) {
        reply_session_source_folder(&reply, session->source_folder);
    }
    if (session->source_message.n > 0) {
        reply_session_source_message(&reply, session->source_message);
    }
    reply_session_source_end(&reply);
}
