/* Text from people: lengths in characters, names without control characters, text as it is compared. */
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

#include "data/data_int.h"

struct str data_text_cut(struct str text, size_t max)
{
    struct str s = text;
    if (s.n > max) {
        s.n = max;
        while (s.n > 0 && ((uint8_t)text.p[s.n] & 0xC0) == 0x80) {
            s.n--;
        }
    }
    return str_is_utf8(s) ? s : STR_EMPTY;
}

size_t data_text_length(struct str utf8)
{
    size_t length = 0;
    for (size_t i = 0; i < utf8.n; i++) {
        length += ((uint8_t)utf8.p[i] & 0xC0) != 0x80;
    }
    return length;
}

/* utf8 is well-formed: C1 controls are C2 80 to C2 9F. */
static bool has_control(struct str utf8)
{
    for (size_t i = 0; i < utf8.n; i++) {
        uint8_t c = (uint8_t)utf8.p[i];
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && (uint8_t)utf8.p[i + 1] < 0xA0)) {
            return true;
        }
    }
    return false;
}

int data_text_name(struct data_context *ctx, const struct data_name_rule *rule, struct str text,
                   struct str *ret_name)
{
    if (!str_is_utf8(text)) {
        return data_fault(ctx, ERR_INVALID, rule->field, "The name is not UTF-8 text.");
    }
    struct str name = str_trim(text);
    if (name.n == 0 && !rule->optional) {
        return data_fault(ctx, ERR_INVALID, rule->field, "The name is empty.");
    }
    if (data_text_length(name) > DATA_NAME_MAX) {
        return data_fault(ctx, ERR_INVALID, rule->field, "The name is longer than 100 characters.");
    }
    if (has_control(name)) {
        return data_fault(ctx, ERR_INVALID, rule->field, "The name contains control characters.");
    }
    *ret_name = name.n > 0 ? arena_str(ctx->arena, name) : STR_EMPTY;
    return 0;
}

static struct str fold_ascii(struct arena *arena, struct str text, bool *ret_plain)
{
    char *p = arena_alloc(arena, text.n + 1);
    *ret_plain = true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        *ret_plain = *ret_plain && (uint8_t)c < 0x80;
        p[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return str_of(p, text.n);
}

struct str data_text_fold(struct arena *arena, struct str utf8)
{
    bool plain;
    struct str folded = fold_ascii(arena, utf8, &plain);
    if (plain) {
        return folded;
    }
    size_t n = utf8.n * 8 + 64; /* no folding and composing makes more of it */
    uint8_t *room = arena_alloc(arena, n);
    const uint8_t *text = u8_casefold((const uint8_t *)utf8.p, utf8.n, NULL, UNINORM_NFC, room, &n);
    ASSERT(text == room);
    return str_of(room, n);
}

bool data_text_has(struct str folded, struct str words)
{
    return words.n == 0 ||
           (folded.n >= words.n && memmem(folded.p, folded.n, words.p, words.n) != NULL);
}
