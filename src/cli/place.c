/* SESSION:PATH, a path in the home, sessions by name, lists page by page. */
#include <stdlib.h>

#include "base/encode.h"
#include "cli/cli_int.h"
#include "cli/home.h"
#include "cli/order.h"

enum { NAMED_MOST = 20, PAGE = 1000, SESSION_PAGE = 100 };

bool cli_is_remote(const char *word)
{
    struct str s = str_from(word);
    size_t colon = str_find(s, ':', 0);
    return colon < s.n && colon > 0 && str_find(s, '/', 0) > colon;
}

/* ---- sessions by name ---- */

struct named {
    struct str word;
    struct str id; /* of the last that has the name */
    size_t count;
    struct buf list; /* "ses-… (created 2026-…)" of those */
};

static int note_named(struct cli_run *run, struct named *named, const struct json *element)
{
    struct cli_session session = {0};
    int r = cli_shape_read(run, &cli_shape_session, element, &session);
    if (r < 0 || !str_eq(session.name, named->word)) {
        return r;
    }
    if (++named->count <= NAMED_MOST) {
        struct str created = cli_time_text(&run->arena, session.created_at);
        buf_printf(&named->list, "%s" STR_FMT " (created " STR_FMT ")",
                   named->count > 1 ? ", " : "", STR_ARG(session.id), STR_ARG(created));
    }
    named->id = arena_str(&run->arena, session.id);
    return 0;
}

static int look_for_name(struct cli_run *run, struct named *named, bool deleted)
{
    struct cli_client *client;
    struct cli_reply reply = {0};
    int r = cli_client(run, &client);
    struct str cursor = STR_EMPTY;
    while (r == 0) {
        struct cli_sessions_list_in in = {.deleted = deleted,
                                          .has_deleted = true,
                                          .limit = SESSION_PAGE,
                                          .has_limit = true,
                                          .cursor = cursor,
                                          .has_cursor = cursor.n > 0};
        r = cli_sessions_list(client, &in, NULL, &reply);
        const struct json *element = r == 0 ? reply.data->first : NULL;
        for (; r == 0 && element; element = element->next) {
            r = note_named(run, named, element);
        }
        if (r < 0 || reply.next.n == 0) {
            break;
        }
        cursor = arena_str(&run->arena, reply.next);
    }
    return r;
}

int cli_session_find(struct cli_run *run, struct str word, bool deleted, struct str *ret_id)
{
    if (cli_is_id(word, "ses")) {
        *ret_id = word;
        return 0;
    }
    struct named named = {.word = word};
    buf_init(&named.list, 8192);
    int r = look_for_name(run, &named, deleted);
    if (r == 0 && named.count == 0) {
        r = cli_fail(run, ERR_NOT_FOUND, "no %ssession has this name: " STR_FMT,
                     deleted ? "deleted " : "", STR_ARG(word));
    } else if (r == 0 && named.count > 1) {
        r = cli_fail(run, ERR_INVALID, "%zu sessions have this name; say which by its id: %s",
                     named.count, buf_z(&named.list));
    } else if (r == 0) {
        *ret_id = named.id;
    }
    buf_fini(&named.list);
    return r;
}

/* ---- places ---- */

static int take_session(struct cli_run *run, struct str *path, struct cli_place *place)
{
    size_t colon = str_find(*path, ':', 0);
    if (colon == path->n || colon == 0) {
        return cli_fail(run, ERR_INVALID, "this is not SESSION:PATH");
    }
    place->session = arena_str(&run->arena, str_slice(*path, 0, colon));
    *path = str_slice(*path, colon + 1, path->n);
    return 0;
}

int cli_place_find(struct cli_run *run, const char *word, struct cli_place *ret_place)
{
    struct cli_place place = {.home = cli_is_home(run)};
    struct str path = word ? str_from(word) : STR_EMPTY;
    run->subject = word;
    int r = place.home ? 0 : take_session(run, &path, &place);
    if (r < 0) {
        return r;
    }
    place.folder = path.n == 0 || path.p[path.n - 1] == '/';
    while (path.n > 0 && path.p[0] == '/') {
        path = str_slice(path, 1, path.n);
    }
    while (path.n > 0 && path.p[path.n - 1] == '/') {
        path.n--;
    }
    if (path.n > CLI_PATH_MOST) {
        return cli_fail(run, ERR_INVALID, "a path has at most %d bytes", CLI_PATH_MOST);
    }
    place.path = arena_str(&run->arena, path);
    r = place.home ? 0 : cli_session_find(run, place.session, /* deleted= */ false, &place.id);
    if (r == 0) {
        *ret_place = place;
    }
    return r;
}

int cli_place_file(struct cli_run *run, const char *word, struct cli_place *ret_place)
{
    struct cli_place place;
    int r = cli_place_find(run, word, &place);
    if (r == 0 && place.path.n == 0) {
        return cli_fail(run, ERR_INVALID,
                        place.home ? "a path in the home is missing"
                                   : "a path in the session is missing behind the colon");
    }
    if (r == 0) {
        *ret_place = place;
    }
    return r;
}

struct str cli_entry_path(struct arena *arena, const struct cli_entry *entry)
{
    BUF_AUTO(bytes, CLI_PATH_MOST + 1);
    if (entry->has_path_b64 && encode_unbase64url(&bytes, entry->path_b64) == 0) {
        return arena_str(arena, buf_str(&bytes));
    }
    return entry->path;
}

struct cli_facts cli_entry_facts(const struct cli_entry *entry)
{
    struct cli_facts facts = {.link = str_eq(entry->type, STR("symlink")),
                              .mode = (int)(entry->mode & 07777)};
    facts.timed = time_parse(entry->mtime, &facts.mtime) == 0;
    return facts;
}

int cli_folder_probe(struct cli_run *run, const struct cli_place *place)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_files_list_in in = {.session_id = place->id,
                                   .path = place->path,
                                   .has_path = place->path.n > 0,
                                   .limit = 1,
                                   .has_limit = true};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_files_list(client, &in, NULL, &reply);
}

struct str cli_last_name(struct str path)
{
    size_t start = path.n;
    while (start > 0 && path.p[start - 1] != '/') {
        start--;
    }
    return str_slice(path, start, path.n);
}

/* ---- operands one by one ---- */

int cli_reply_print(struct cli_run *run, const struct cli_reply *reply)
{
    if (run->json) {
        cli_print_value(run, reply->data);
    }
    return 0;
}

static int each(struct cli_run *run, size_t first, cli_one_call *call, cli_one_print *print)
{
    struct cli_client *client;
    int r = cli_client(run, &client);
    for (size_t i = first; r == 0 && i < run->operand_count; i++) {
        struct cli_reply reply;
        run->subject = run->operands[i];
        r = call(run, run->operands[i], &reply);
        r = r < 0 ? r : print(run, &reply);
    }
    return r;
}

int cli_each(struct cli_run *run, cli_one_call *call, cli_one_print *print)
{
    return each(run, /* first= */ 0, call, print);
}

int cli_each_of_session(struct cli_run *run, cli_one_call *call)
{
    run->subject = run->operands[0];
    int r = cli_session_find(run, str_from(run->operands[0]), /* deleted= */ false, &run->session);
    return r < 0 ? r : each(run, /* first= */ 1, call, cli_reply_print);
}

/* ---- lists ---- */

/* *shown grows; at pages->most it ends. */
static int show_page(struct cli_run *run, const struct cli_pages *pages, const struct json *data,
                     int64_t *shown)
{
    int r = 0;
    const struct json *e = data->first;
    for (; r == 0 && e && (pages->most == 0 || *shown < pages->most); e = e->next) {
        if (run->json) {
            cli_print(run, *shown == 0 ? STR("[") : STR(","));
            cli_print_value(run, e);
        } else {
            r = pages->show(run, pages->ctx, e);
        }
        ++*shown;
    }
    if (pages->table) {
        cli_table_flush(pages->table);
    }
    return r < 0 ? r : cli_flush(run);
}

int cli_pages_show(struct cli_run *run, const struct cli_pages *pages)
{
    struct cli_reply reply;
    struct str cursor = STR_EMPTY;
    BUF_AUTO(kept, 16 * 1024);
    int64_t shown = 0;
    for (;;) {
        int r = pages->fetch(run, pages->ctx, cursor, &reply);
        r = r < 0 ? r : show_page(run, pages, reply.data, &shown);
        if (r < 0) {
            return r;
        }
        if (reply.next.n == 0 || (pages->most > 0 && shown >= pages->most)) {
            break;
        }
        buf_clear(&kept);
        buf_add(&kept, reply.next);
        cursor = buf_str(&kept);
    }
    if (run->json) {
        cli_print(run, shown == 0 ? STR("[]\n") : STR("]\n"));
    }
    return cli_flush(run);
}

struct cli_order cli_order(const struct cli_run *run)
{
    const char *words = cli_value(run, "search");
    const char *sort = cli_value(run, "sort");
    return (struct cli_order){.words = str_from(words ? words : ""),
                              .has_words = words != NULL,
                              .sort = str_from(sort ? sort : ""),
                              .has_sort = sort != NULL,
                              .reverse = cli_given(run, "reverse")};
}

int cli_list_show(struct cli_run *run, const char *const *heads, const struct cli_pages *pages)
{
    struct cli_table table;
    struct cli_pages shown = *pages;
    shown.table = &table;
    shown.ctx = &table;
    cli_table_init(&table, run, heads);
    int r = cli_pages_show(run, &shown);
    cli_table_fini(&table);
    return r;
}
