/*
 * Text for people. Names come from others: a file called "\e]0;…" must not move the terminal of whoever lists it.
 *
 * 1. What cli_escape gives has no control character, is well-formed UTF-8 and can be read back without doubt.
 */
#include <wchar.h>

#include "base/assert.h"
#include "cli/cli_int.h"

static uint32_t code_point(struct str s, size_t n)
{
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)s.p[0] & lead[n];
    for (size_t i = 1; i < n; i++) {
        code = code << 6 | ((unsigned char)s.p[i] & 0x3f);
    }
    return code;
}

/* What could move a terminal or turn the direction of what stands beside it. */
static bool is_active(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void escape_code(struct buf *out, uint32_t code)
{
    static const char names[] = "abtnvfr"; /* 7 to 13 */
    if (code >= 7 && code <= 13) {
        buf_printf(out, "\\%c", names[code - 7]);
    } else if (code < 0x80) {
        buf_printf(out, "\\x%02x", (unsigned)code);
    } else {
        buf_printf(out, "\\u%04x", (unsigned)code);
    }
}

static void escape(struct buf *out, struct str s, struct str backslash)
{
    while (s.n > 0) {
        size_t n = str_utf8_length(s);
        uint32_t code = n > 0 ? code_point(s, n) : 0;
        if (n == 0) {
            buf_printf(out, "\\x%02x", (unsigned)(unsigned char)s.p[0]);
            n = 1;
        } else if (code == '\\') {
            buf_add(out, backslash);
        } else if (is_active(code)) {
            escape_code(out, code);
        } else {
            buf_add(out, str_slice(s, 0, n));
        }
        s = str_slice(s, n, s.n);
    }
}

void cli_escape(struct buf *out, struct str s)
{
    escape(out, s, STR("\\\\"));
}

void cli_escape_but_backslashes(struct buf *out, struct str s)
{
    escape(out, s, STR("\\"));
}

struct str cli_escaped(struct arena *arena, struct str s)
{
    BUF_AUTO(out, 64 * 1024);
    cli_escape(&out, str_slice(s, 0, 8192));
    return arena_str(arena, buf_str(&out));
}

size_t cli_width(struct str escaped)
{
    size_t width = 0;
    while (escaped.n > 0) {
        size_t n = str_utf8_length(escaped);
        ASSERT(n > 0);
        int columns = wcwidth((wchar_t)code_point(escaped, n));
        width += columns < 0 ? 1 : (size_t)columns;
        escaped = str_slice(escaped, n, escaped.n);
    }
    return width;
}

struct str cli_size_text(struct arena *arena, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double size = (double)bytes;
    while (size >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1024;
        unit++;
    }
    return arena_printf(arena, unit == 0 || size >= 99.95 ? "%.0f %s" : "%.1f %s", size,
                        units[unit]);
}

struct str cli_time_text(struct arena *arena, struct str rfc3339)
{
    usec_t t;
    if (time_parse(rfc3339, &t) < 0) {
        return rfc3339;
    }
    char text[25];
    struct str whole = time_str(text, t);
    return arena_printf(arena, "%.10s %.8s", whole.p, whole.p + 11);
}

struct str cli_mode_text(struct arena *arena, const struct cli_entry *entry)
{
    char text[] = "-rwxrwxrwx";
    text[0] = str_eq(entry->type, STR("dir"))       ? 'd'
              : str_eq(entry->type, STR("symlink")) ? 'l'
                                                    : '-';
    for (int bit = 0; bit < 9; bit++) {
        if (!(entry->mode >> (8 - bit) & 1)) {
            text[1 + bit] = '-';
        }
    }
    return arena_str(arena, str_of(text, 10));
}

/* ---- standard output's JSON ---- */

static void print_json(struct buf *out, struct str json)
{
    while (json.n > 0) {
        size_t n = str_utf8_length(json);
        ASSERT(n > 0);
        uint32_t code = code_point(json, n);
        if (code >= 0x7f && is_active(code)) {
            buf_printf(out, "\\u%04x", (unsigned)code);
        } else {
            buf_add(out, str_slice(json, 0, n));
        }
        json = str_slice(json, n, json.n);
    }
}

void cli_print_json(struct cli_run *run, struct str json)
{
    BUF_AUTO(out, 64u * 1024 * 1024);
    print_json(&out, json);
    ASSERT(!out.error);
    cli_print(run, buf_str(&out));
}

void cli_print_value(struct cli_run *run, const struct json *value)
{
    BUF_AUTO(text, 32u * 1024 * 1024);
    struct json_writer w;
    json_writer_init(&w, &text);
    json_value(&w, value);
    ASSERT(!text.error);
    cli_print_json(run, buf_str(&text));
    cli_print(run, STR("\n"));
}
