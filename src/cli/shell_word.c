/*
 * What the server says of a shell (the words of codi2/terminal_words.h), and its bytes. Nothing of it is believed beyond its
 * bounds: who works in the workspace can say anything there.
 */
#include "base/encode.h"
#include "cli/shell.h"

enum {
    MOST_WORD = 4096,
    MOST_REASON = 200,
    CLOSE_POLICY = 1008,
    CLOSE_INTERNAL = 1011,
    CLOSE_TRY_LATER = 1013
};

static void refuse(struct cli_shell *s, int code)
{
    s->end = CLI_SHELL_REFUSED;
    s->number = code;
}

static void is_none(struct cli_shell *s)
{
    refuse(s, cli_fail(s->run, ERR_CORRUPT,
                       "the server does not answer as Coditect does; is the address right?"));
}

/* ---- words ---- */

static bool read_number(const struct json *word, const char *name, uint64_t most, uint64_t *ret)
{
    const struct json *value = json_get(word, name);
    if (!value || value->kind != JSON_INTEGER || value->integer < 0 ||
        (uint64_t)value->integer > most) {
        return false;
    }
    *ret = (uint64_t)value->integer;
    return true;
}

static void hear_opened(struct cli_shell *s, const struct json *word)
{
    const struct json *which = json_get(word, "run");
    const struct json *fresh = json_get(word, "new");
    uint64_t offset;
    bool good = which && which->kind == JSON_STRING && which->string.n == CLI_SHELL_RUN &&
                str_is_word(which->string, CLI_SHELL_RUN) && fresh && fresh->kind == JSON_BOOL &&
                read_number(word, "offset", INT64_MAX, &offset);
    if (!good || s->opened || (s->which[0] && !str_eq(which->string, str_from(s->which)))) {
        is_none(s);
        return;
    }
    memcpy(s->which, which->string.p, CLI_SHELL_RUN);
    s->offset = offset;
    s->fresh = fresh->boolean;
    s->opened = true;
}

static void hear_missed(struct cli_shell *s, const struct json *word)
{
    uint64_t bytes, offset;
    if (!read_number(word, "bytes", INT64_MAX, &bytes) ||
        !read_number(word, "offset", INT64_MAX, &offset)) {
        is_none(s);
        return;
    }
    s->offset = offset;
    if (s->by_hand) {
        cli_shell_say(s, "%llu bytes are not kept any more", (unsigned long long)bytes);
    } else { /* whoever reads the output takes it for all there is */
        refuse(s,
               cli_fail(s->run, ERR_UNAVAILABLE, "%llu bytes of its output are not kept any more",
                        (unsigned long long)bytes));
    }
}

static void hear_ended(struct cli_shell *s, const struct json *word)
{
    uint64_t number = 0;
    s->end = read_number(word, "exit_code", 255, &number) ? CLI_SHELL_EXITED
             : read_number(word, "signal", 127, &number)  ? CLI_SHELL_KILLED
                                                          : CLI_SHELL_HUNG_UP;
    s->number = (int)number;
}

/* Words that a later server says are passed over. */
static void hear_word(struct cli_shell *s, struct str text)
{
    ARENA_AUTO(arena);
    struct json *word;
    const struct json *type = NULL;
    if (text.n <= MOST_WORD && json_parse(&arena, text, &word, NULL) == 0) {
        type = json_get(word, "type");
    }
    if (!type || type->kind != JSON_STRING) {
        is_none(s);
    } else if (str_eq(type->string, STR("opened"))) {
        hear_opened(s, word);
    } else if (str_eq(type->string, STR("missed"))) {
        hear_missed(s, word);
    } else if (str_eq(type->string, STR("ended"))) {
        hear_ended(s, word);
    } else if (str_eq(type->string, STR("gone"))) {
        s->end = CLI_SHELL_GONE;
    }
}

/* ---- everything else ---- */

static void hear_refused(struct cli_shell *s, const struct http_dial_event *e)
{
    ARENA_AUTO(arena);
    struct json *reply = NULL;
    bool json = json_parse(&arena, e->data, &reply, NULL) == 0;
    refuse(s, cli_refused(s->run, e->code, json ? reply : NULL));
}

/* After any other code, and without one, it may be reached again. */
static void hear_closed(struct cli_shell *s, const struct http_dial_event *e)
{
    if (e->code != CLOSE_POLICY && e->code != CLOSE_INTERNAL && e->code != CLOSE_TRY_LATER) {
        s->end = CLI_SHELL_LOST;
        return;
    }
    refuse(s, cli_fail(s->run, e->code == CLOSE_TRY_LATER ? ERR_LIMIT : ERR_BAD_GATEWAY,
                       "the shell cannot be reached: " STR_FMT,
                       STR_ARG(str_slice(e->data, 0, MOST_REASON))));
}

static void hear_pong(struct cli_shell *s, struct str number)
{
    uint64_t had;
    if (s->pinged && str_u64(number, s->given, &had) == 0) {
        s->had = had;
        s->pinged = false;
    }
}

static void hear_ping(struct cli_shell *s, struct str data)
{
    s->pongs = true; /* who asks again before it was answered gets one answer, to the last */
    s->pong_n = data.n < CLI_SHELL_PONG ? data.n : CLI_SHELL_PONG;
    memcpy(s->pong, data.n > 0 ? data.p : "", s->pong_n);
}

static void hear_bytes(struct cli_shell *s, struct str bytes)
{
    if (!s->opened) {
        is_none(s);
        return;
    }
    buf_add(&s->show, bytes);
    s->offset += bytes.n;
}

static void hear(struct cli_shell *s, const struct http_dial_event *e)
{
    switch (e->kind) {
    case HTTP_DIAL_REFUSED:
        hear_refused(s, e);
        break;
    case HTTP_DIAL_TEXT:
        hear_word(s, e->data);
        break;
    case HTTP_DIAL_BINARY:
        hear_bytes(s, e->data);
        break;
    case HTTP_DIAL_PING:
        hear_ping(s, e->data);
        break;
    case HTTP_DIAL_PONG:
        hear_pong(s, e->data);
        break;
    case HTTP_DIAL_CLOSED:
        hear_closed(s, e);
        break;
    case HTTP_DIAL_MORE:
    case HTTP_DIAL_OPENED:
        break;
    }
}

void cli_shell_hear(struct cli_shell *s, struct str bytes)
{
    struct http_dial_event e = {.kind = HTTP_DIAL_OPENED};
    while (s->end == CLI_SHELL_GOES_ON && e.kind != HTTP_DIAL_MORE) {
        if (http_dial_next(s->dial, &bytes, &e) < 0) {
            is_none(s);
            return;
        }
        hear(s, &e);
    }
}
