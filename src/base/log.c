/*
 * A line is built on the stack and written by one write(2). It is at most PIPE_BUF bytes, which a pipe takes whole or not at
 * all, so that lines of several threads or processes never mix. What does not fit is shortened: first each value to VALUE_MOST
 * bytes, then to what is left of the line.
 *
 * Whoever reads the log may be slow or stuck, and that must not stop the server: a line below warning that would have to wait
 * is dropped and counted, and the next line that goes says how many were. Warnings and errors wait.
 */
#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/time.h"

enum {
    LINE_MOST = PIPE_BUF,
    VALUE_MOST = 1024,
    TAIL_ROOM = 8,      /* for the end of the line: "}\n" */
    LONGEST_ESCAPE = 6, /* of one byte: \u001f */
    MESSAGE_MOST = VALUE_MOST + 1
};

static _Atomic int least_level = LOG_INFO;
static _Atomic int line_form = LOG_TEXT;

static _Atomic unsigned dropped;
static _Thread_local const struct log_field *bound;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, enum log_form form)
{
    atomic_store(&least_level, least);
    atomic_store(&line_form, form);
}

void log_bind(const struct log_field *fields)
{
    bound = fields;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

/* At most most bytes of s; never ends within a UTF-8 sequence. */
static struct str cut(struct str s, size_t most)
{
    if (s.n <= most) {
        return s;
    }
    size_t end = most;
    while (end > 0 && most - end < 3 && ((unsigned char)s.p[end] & 0xC0) == 0x80) {
        end--;
    }
    return str_slice(s, 0, end);
}

/*
 * A buf over memory on the stack: its room is its maximum, so that it never grows and is never freed. Two writers share it:
 * json's and put_plain.
 */
static struct buf line_over(char *memory)
{
    return (struct buf){.p = memory, .room = LINE_MOST - 1, .max = LINE_MOST - 1 - TAIL_ROOM};
}

/* How a pair is appended: as a member of a JSON object or as text. */
struct line {
    struct buf buf;
    struct json_writer json;
    void (*put)(struct line *line, const char *name, struct str value);
};

static void put_json(struct line *line, const char *name, struct str value)
{
    json_member_string(&line->json, name, value);
}

/* Control characters could end the line or drive the reader's terminal. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == '"' || c == '\\' || c >= 0x7F) {
            return false;
        }
    }
    return s.n > 0;
}

static void put_text(struct line *line, const char *name, struct str value)
{
    buf_byte(&line->buf, ' ');
    buf_add(&line->buf, str_from(name));
    buf_byte(&line->buf, '=');
    if (is_plain(value)) {
        buf_add(&line->buf, value);
        return;
    }
    struct json_writer quoted;
    json_writer_init(&quoted, &line->buf);
    json_string(&quoted, value);
}

/* Appends the pair, with less of its value or not at all when the line is nearly full. */
static void put_pair(struct line *line, const char *name, struct str value)
{
    struct line before = *line;
    line->put(line, name, cut(value, VALUE_MOST));
    if (!line->buf.error) {
        return;
    }
    size_t overhead = strlen(name) + sizeof ",\"\":\"\"";
    size_t left = before.buf.max - before.buf.n;
    size_t most = left > overhead ? (left - overhead) / LONGEST_ESCAPE : 0;
    *line = before;
    if (most > 0) {
        line->put(line, name, cut(value, most));
        ASSERT(!line->buf.error);
    }
}

static void put_field(struct line *line, const struct log_field *field)
{
    struct line before = *line;
    if (!field->number || line->put != put_json) {
        put_pair(line, field->name, field->value);
        return;
    }
    json_name(&line->json, field->name);
    json_raw(&line->json, field->value);
    if (line->buf.error) {
        *line = before;
    }
}

static bool is_named(const struct log_field *fields, const char *name)
{
    while (fields && fields->name && strcmp(fields->name, name) != 0) {
        fields++;
    }
    return fields && fields->name;
}

static void put_fields(struct line *line, const struct log_field *fields)
{
    for (const struct log_field *f = fields; f && f->name; f++) {
        put_field(line, f);
    }
    for (const struct log_field *f = bound; f && f->name; f++) {
        if (f->value.n > 0 && !is_named(fields, f->name)) {
            put_field(line, f);
        }
    }
}

static void end_line(struct line *line, struct str tail)
{
    line->buf.max += TAIL_ROOM;
    buf_add(&line->buf, tail);
    ASSERT(!line->buf.error);
    /* Where the log cannot be written there is nobody to tell. */
    (void)!fd_write_all(STDERR_FILENO, buf_str(&line->buf));
}

static void write_json(enum log_level level, const char *area, struct str message,
                       const struct log_field *fields)
{
    char memory[LINE_MOST];
    char now[25];
    struct line line = {.buf = line_over(memory), .put = put_json};
    json_writer_init(&line.json, &line.buf);
    json_object(&line.json);
    json_member_string(&line.json, "time", time_str(now, time_now()));
    json_member_string(&line.json, "level", str_from(level_names[level]));
    put_pair(&line, "area", str_from(area));
    put_pair(&line, "message", message);
    put_fields(&line, fields);
    end_line(&line, STR("}\n"));
}

/* 2026-11-21T04:05:06.789Z warn  store: message name=value other="quoted value" */
static void write_text(enum log_level level, const char *area, struct str message,
                       const struct log_field *fields)
{
    char memory[LINE_MOST];
    char now[25];
    struct line line = {.buf = line_over(memory), .put = put_text};
    buf_printf(&line.buf, "%s %-5s %.64s: ", time_str(now, time_now()).p, level_names[level], area);
    /* The message is quoted as a value is, without the quotes around it. */
    struct str shown = cut(message, VALUE_MOST / 2);
    size_t from = line.buf.n;
    struct json_writer quoted;
    json_writer_init(&quoted, &line.buf);
    json_string(&quoted, shown);
    line.buf.n--;
    memmove(memory + from, memory + from + 1, line.buf.n - from - 1);
    line.buf.n--;
    put_fields(&line, fields);
    end_line(&line, STR("\n"));
}

static void write_line(enum log_level level, const char *area, struct str message,
                       const struct log_field *fields)
{
    if (atomic_load(&line_form) == LOG_JSON) {
        write_json(level, area, message, fields);
    } else {
        write_text(level, area, message, fields);
    }
}

/* A pipe that is ready has room for a whole line (PIPE_BUF). What cannot be asked is written to. */
static bool would_wait(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&p, 1, 0) == 0;
}

static void tell_dropped(void)
{
    unsigned count = atomic_load_explicit(&dropped, memory_order_relaxed);
    if (count > 0 && (count = atomic_exchange(&dropped, 0)) > 0) {
        char text[80];
        int n =
            snprintf(text, sizeof text, "%u lines were dropped: the log is read too slowly", count);
        write_line(LOG_WARN, "log", str_of(text, (size_t)n), NULL);
    }
}

void log_event(enum log_level level, const char *area, struct str message,
               const struct log_field *fields)
{
    ASSERT(level >= LOG_DEBUG && level <= LOG_ERROR);
    if (!log_enabled(level)) {
        return;
    }
    if (level < LOG_WARN && would_wait()) {
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
        return;
    }
    tell_dropped();
    write_line(level, area, message, fields);
}

static void log_args(enum log_level level, const char *area, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void log_args(enum log_level level, const char *area, const char *format, va_list args)
{
    if (!log_enabled(level)) {
        return;
    }
    char message[MESSAGE_MOST];
    int length = vsnprintf(message, sizeof message, format, args);
    ASSERT(length >= 0);
    size_t n = (size_t)length < sizeof message ? (size_t)length : sizeof message - 1;
    log_event(level, area, str_of(message, n), NULL);
}

void log_printf(enum log_level level, const char *area, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_args(level, area, format, args);
    va_end(args);
}

int log_err(int code, const char *area, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_args(LOG_ERROR, area, format, args);
    va_end(args);
    return code;
}
