/*
 * The reader goes through the text line by line; only arrays span lines. The text is checked to be UTF-8 first, so that below
 * only ASCII needs a look.
 *
 * While a table is read, `boolean` of its value (unused in an object) says that its own header was seen: [a.b] makes a table a,
 * which [a] may still define, once.
 */
#include "base/toml.h"

#include "base/assert.h"

struct toml {
    struct arena *arena;
    const char *start, *at, *end;
    size_t values;
    const char *error; /* NULL until something is wrong */
    const char *error_at;
};

/* Always false, so that a check can end in: return fail(t, "…"). */
static bool fail_at(struct toml *t, const char *at, const char *what)
{
    if (!t->error) {
        t->error = what;
        t->error_at = at;
    }
    return false;
}

static bool fail(struct toml *t, const char *what)
{
    return fail_at(t, t->at, what);
}

static char peek(const struct toml *t)
{
    return t->at < t->end ? *t->at : '\0';
}

static bool take(struct toml *t, char c)
{
    bool is = t->at < t->end && *t->at == c;
    t->at += is;
    return is;
}

static bool take_text(struct toml *t, struct str text)
{
    if (!str_starts(str_of(t->at, (size_t)(t->end - t->at)), text)) {
        return false;
    }
    t->at += text.n;
    return true;
}

static void skip_blanks(struct toml *t)
{
    while (peek(t) == ' ' || peek(t) == '\t') {
        t->at++;
    }
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_newline(struct toml *t)
{
    return take(t, '\n') || take_text(t, STR("\r\n"));
}

static bool skip_comment(struct toml *t)
{
    if (peek(t) != '#') {
        return true;
    }
    while (t->at < t->end && !is_control(*t->at)) {
        t->at++;
    }
    const char *at = t->at;
    if (t->at == t->end || take_newline(t)) {
        t->at = at;
        return true;
    }
    return fail(t, "a control character stands in a comment");
}

/* Blanks, a comment, and the end of the line or of the text. */
static bool end_line(struct toml *t)
{
    skip_blanks(t);
    return skip_comment(t) &&
           (t->at == t->end || take_newline(t) || fail(t, "something follows on the same line"));
}

/* All blanks, comments and newlines. */
static bool skip_lines(struct toml *t)
{
    do {
        skip_blanks(t);
        if (!skip_comment(t)) {
            return false;
        }
    } while (take_newline(t));
    return true;
}

static struct json *new_value(struct toml *t, enum json_kind kind)
{
    if (t->values >= TOML_MAX_VALUES) {
        (void)fail(t, "there are too many values");
        return NULL;
    }
    t->values++;
    struct json *value = ARENA_NEW(t->arena, struct json);
    value->kind = kind;
    return value;
}

static struct json *find(const struct json *table, struct str name)
{
    struct json *m = table->first;
    while (m && !str_eq(m->name, name)) {
        m = m->next;
    }
    return m;
}

static void append(struct json *container, struct json **last, struct json *value)
{
    if (*last) {
        (*last)->next = value;
    } else {
        container->first = value;
    }
    *last = value;
    container->count++;
}

static void append_member(struct json *table, struct str name, struct json *value)
{
    struct json *last = table->first;
    while (last && last->next) {
        last = last->next;
    }
    value->name = name;
    append(table, &last, value);
}

static bool is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
}

static bool take_key(struct toml *t, struct str *ret_key)
{
    const char *start = t->at;
    while (is_key_character(peek(t))) {
        t->at++;
    }
    if (t->at == start) {
        return fail(t, peek(t) == '"' || peek(t) == '\'' ? "quoted keys are not supported"
                                                         : "a key is missing");
    }
    *ret_key = str_of(start, (size_t)(t->at - start));
    return true;
}

/* ---- values ---- */

static bool take_code_point(struct toml *t, int digits, char **to)
{
    uint32_t code = 0;
    for (; digits > 0; digits--, t->at++) {
        int digit = str_hex_digit(peek(t));
        if (digit < 0) {
            return fail(t, "hexadecimal digits are missing behind \\u (4) or \\U (8)");
        }
        code = code << 4 | (uint32_t)digit;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return fail(t, "the escape before this stands for no character");
    }
    *to += str_put_utf8(*to, code);
    return true;
}

static bool take_escape(struct toml *t, char **to)
{
    static const char letters[] = "btnfr\"\\";
    static const char meanings[] = "\b\t\n\f\r\"\\";
    char c = peek(t);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        t->at++;
        *(*to)++ = meanings[letter - letters];
        return true;
    }
    if (take(t, 'u')) {
        return take_code_point(t, 4, to);
    }
    if (take(t, 'U')) {
        return take_code_point(t, 8, to);
    }
    return fail(t, "an unknown escape follows a backslash");
}

/* The closing quote of a string whose content starts at t->at; NULL when the line ends before. */
static const char *find_close(struct toml *t, char quote, bool *ret_escapes)
{
    const char *at = t->at;
    *ret_escapes = false;
    while (at < t->end && *at != quote) {
        if (is_control(*at)) {
            (void)fail_at(t, at,
                          *at == '\n' || *at == '\r' ? "a quote is missing at the end of a string"
                                                     : "a control character stands in a string");
            return NULL;
        }
        if (*at == '\\' && quote == '"') {
            *ret_escapes = true;
            at += at + 1 < t->end && !is_control(at[1]);
        }
        at++;
    }
    if (at >= t->end) {
        (void)fail_at(t, t->end, "a quote is missing at the end of a string");
        return NULL;
    }
    return at;
}

/* Copies up to close what escapes stand for. Their text is never shorter than what they mean. */
static bool unescape(struct toml *t, const char *close, struct str *string)
{
    char *copy = arena_alloc(t->arena, string->n + 1);
    char *to = copy;
    while (t->at < close) {
        if (!take(t, '\\')) {
            *to++ = *t->at++;
        } else if (!take_escape(t, &to)) {
            return false;
        }
    }
    *string = str_of(copy, (size_t)(to - copy));
    return true;
}

static bool take_string(struct toml *t, struct json *value)
{
    const char *start = t->at;
    char quote = *t->at++;
    if (take_text(t, quote == '"' ? STR("\"\"") : STR("''"))) {
        return fail_at(t, start, "strings of several lines are not supported");
    }
    bool escapes;
    const char *close = find_close(t, quote, &escapes);
    if (!close) {
        return false;
    }
    value->kind = JSON_STRING;
    value->string = str_of(t->at, (size_t)(close - t->at));
    if (escapes && !unescape(t, close, &value->string)) {
        return false;
    }
    t->at = close + 1;
    return true;
}

/* The digits of an integer into *ret_value; an underscore stands between two digits. */
static bool take_digits(struct toml *t, uint64_t most, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *start = t->at;
    while (is_digit(peek(t))) {
        uint64_t digit = (uint64_t)(*t->at++ - '0');
        if (value > (most - digit) / 10) {
            return fail_at(t, start, "a number is too large");
        }
        value = value * 10 + digit;
        if (peek(t) == '_' && t->at + 1 < t->end && is_digit(t->at[1])) {
            t->at++;
        }
    }
    *ret_value = value;
    return true;
}

static bool take_integer(struct toml *t, struct json *value)
{
    const char *start = t->at;
    bool negative = take(t, '-');
    if (!negative) {
        (void)take(t, '+');
    }
    bool leading_zero = peek(t) == '0';
    const char *first = t->at;
    uint64_t number = 0;
    if (!take_digits(t, (uint64_t)INT64_MAX + negative, &number)) {
        return false;
    }
    bool ends = !is_key_character(peek(t)) && peek(t) != '.' && peek(t) != ':';
    if (t->at == first || !ends || (leading_zero && t->at - first > 1)) {
        return fail_at(t, start, "only whole decimal numbers are supported");
    }
    value->kind = JSON_INTEGER;
    value->integer = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static bool take_scalar(struct toml *t, struct json *value)
{
    char c = peek(t);
    if (c == '"' || c == '\'') {
        return take_string(t, value);
    }
    if (is_digit(c) || c == '+' || c == '-') {
        return take_integer(t, value);
    }
    const char *start = t->at;
    struct str word;
    if (is_key_character(c) && take_key(t, &word)) {
        value->kind = JSON_BOOL;
        value->boolean = str_eq(word, STR("true"));
        return value->boolean || str_eq(word, STR("false")) ||
               fail_at(t, start,
                       "a value is a text in quotes, a whole number, true, false or a list");
    }
    return fail(t, c == '{'   ? "inline tables are not supported: write a [table]"
                   : c == '[' ? "lists of lists are not supported"
                              : "a value is missing");
}

/* May span lines and hold comments; a comma may stand behind the last element. */
static bool take_array(struct toml *t, struct json *array)
{
    struct json *last = NULL;
    bool more = true;
    t->at++;
    while (skip_lines(t)) {
        if (take(t, ']')) {
            return true;
        }
        if (!more) {
            return fail(t, "a comma or a closing bracket is missing");
        }
        struct json *element = new_value(t, JSON_NULL);
        if (!element || !take_scalar(t, element) || !skip_lines(t)) {
            return false;
        }
        append(array, &last, element);
        more = take(t, ',');
    }
    return false;
}

/* ---- lines ---- */

static bool take_pair(struct toml *t, struct json *table)
{
    const char *start = t->at;
    struct str key;
    if (!take_key(t, &key)) {
        return false;
    }
    if (find(table, key)) {
        return fail_at(t, start, "the key stands twice");
    }
    skip_blanks(t);
    if (!take(t, '=')) {
        return fail(t, peek(t) == '.' ? "dotted keys are not supported: write a [table]"
                                      : "a = is missing behind the key");
    }
    skip_blanks(t);
    struct json *value = new_value(t, JSON_ARRAY);
    if (!value || !(peek(t) == '[' ? take_array(t, value) : take_scalar(t, value))) {
        return false;
    }
    append_member(table, key, value);
    return true;
}

/* One part of a header: the table of that name, made when it is missing. */
static struct json *enter_table(struct toml *t, struct json *parent)
{
    const char *start = t->at;
    struct str name;
    if (!take_key(t, &name)) {
        return NULL;
    }
    struct json *table = find(parent, name);
    if (!table) {
        table = new_value(t, JSON_OBJECT);
        if (table) {
            append_member(parent, name, table);
        }
        return table;
    }
    if (table->kind != JSON_OBJECT) {
        (void)fail_at(t, start, "the name of the table is already a key");
        return NULL;
    }
    return table;
}

static bool take_header(struct toml *t, struct json *root, struct json **table)
{
    const char *start = t->at;
    t->at++;
    if (peek(t) == '[') {
        return fail(t, "lists of tables are not supported");
    }
    struct json *inner = root;
    unsigned depth = 0;
    do {
        if (depth++ == TOML_MAX_DEPTH) {
            return fail(t, "the name of the table has too many parts");
        }
        skip_blanks(t);
        inner = enter_table(t, inner);
        if (!inner) {
            return false;
        }
        skip_blanks(t);
    } while (take(t, '.'));
    if (!take(t, ']')) {
        return fail(t, "a closing bracket is missing");
    }
    if (inner->boolean) {
        return fail_at(t, start, "the table stands twice");
    }
    inner->boolean = true;
    *table = inner;
    return true;
}

static bool parse_text(struct toml *t, struct json *root)
{
    struct json *table = root;
    for (;;) {
        if (!skip_lines(t)) {
            return false;
        }
        if (t->at == t->end) {
            return true;
        }
        bool ok = peek(t) == '[' ? take_header(t, root, &table) : take_pair(t, table);
        if (!ok || !end_line(t)) {
            return false;
        }
    }
}

static bool check_text(struct toml *t)
{
    if (t->end - t->start > TOML_MAX_TEXT) {
        return fail_at(t, t->start + TOML_MAX_TEXT, "the text is too long");
    }
    size_t good = str_utf8_prefix(str_of(t->start, (size_t)(t->end - t->start)));
    return t->start + good == t->end || fail_at(t, t->start + good, "the text is not UTF-8");
}

struct toml_error toml_where(struct str text, const char *at)
{
    struct toml_error error = {.line = 1, .column = 1};
    ASSERT(text.n == 0 || (at >= text.p && at <= text.p + text.n));
    for (const char *p = text.p; p && p < at; p++) {
        if (*p == '\n') {
            error.line++;
            error.column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            error.column++;
        }
    }
    return error;
}

int toml_parse(struct arena *arena, struct str text, struct json **ret_value,
               struct toml_error *ret_error)
{
    const char *start = text.p ? text.p : "";
    struct toml t = {.arena = arena, .start = start, .at = start, .end = start + text.n};
    struct json *root = new_value(&t, JSON_OBJECT);
    if (check_text(&t) && parse_text(&t, root)) {
        *ret_value = root;
        return 0;
    }
    if (ret_error) {
        *ret_error = toml_where(text, t.error_at);
        ret_error->what = t.error;
    }
    return ERR_INVALID;
}
