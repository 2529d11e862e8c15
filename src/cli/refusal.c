/* What a server says that refuses: the envelope of the API, which its door for the operator and its sockets have, too. */
#include "cli/cli_int.h"

enum { MESSAGE_MOST = 4096, TEXT_MOST = 8192, ID_MOST = 200 };

int cli_code_named(struct str name, int status)
{
    int code = status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
    for (int i = ERR_COUNT - 1; i >= 0; i--) {
        if (str_eq(str_from(err_table[i].name), name)) {
            return -i - 1;
        }
        code = err_table[i].status == status ? -i - 1 : code;
    }
    return code;
}

static void add_fields(struct buf *out, const struct json *fields)
{
    const char *before = " (";
    for (const struct json *f = fields ? fields->first : NULL; f; f = f->next) {
        if (f->kind == JSON_STRING) {
            buf_printf(out, "%s" STR_FMT " " STR_FMT, before, STR_ARG(f->name), STR_ARG(f->string));
            before = "; ";
        }
    }
    buf_printf(out, before[0] == ' ' ? "" : ")");
}

/* It came from something in between, or from another server; the former may pass. */
static int none_of_ours(struct cli_run *run, int status)
{
    bool stays = status >= 300 && status < 500 && status != 408 && status != 429;
    return cli_fail(run, stays ? ERR_INVALID : ERR_UNAVAILABLE,
                    "the server answered %d, not as Coditect does; is the address right?", status);
}

int cli_refused(struct cli_run *run, int status, const struct json *reply)
{
    const struct json *error = json_get(reply, "error");
    const struct json *name = json_get(error, "code");
    const struct json *message = json_get(error, "message");
    const struct json *id = json_get(error, "request_id");
    if (!message || message->kind != JSON_STRING) {
        return none_of_ours(run, status);
    }
    BUF_AUTO(text, TEXT_MOST);
    buf_add(&text, str_slice(message->string, 0, MESSAGE_MOST));
    add_fields(&text, json_get(error, "fields"));
    if (status >= 500 && id && id->kind == JSON_STRING) {
        buf_printf(&text, " (" STR_FMT ")", STR_ARG(id->string));
    }
    if (text.error) { /* of more fields than anybody reads */
        buf_clear(&text);
        buf_add(&text, str_slice(message->string, 0, MESSAGE_MOST));
    }
    struct str named = name && name->kind == JSON_STRING ? name->string : STR_EMPTY;
    int code = cli_fail(run, cli_code_named(named, status), "%s", buf_z(&text));
    if (id && id->kind == JSON_STRING && id->string.n <= ID_MOST && str_is_utf8(id->string)) {
        buf_add(&run->request_id, id->string);
    }
    return code;
}
