/*
 * A message as it goes over the wire: plain text in UTF-8, quoted-printable (RFC 2045 section 6.7), words of the head that are no
 * plain ASCII encoded (RFC 2047).
 *
 * 1. What becomes part of the head is either an address that was found to be visible ASCII, or goes through word(), whose output
 *    is letters, digits and few signs: no text can begin a line of its own.
 * 2. No line is longer than 76 characters, but of the head where an address is.
 */
#include "base/assert.h"
#include "base/encode.h"
#include "mail/mail_int.h"

enum {
    LINE = 76,
    WORD_BYTES = 39, /* of text in one encoded word: with the name of the header one line */
};

/* ---- Addresses ---- */

static bool is_visible(struct str text, const char *but)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || (uint8_t)text.p[i] >= 0x7F || strchr(but, text.p[i])) {
            return false;
        }
    }
    return true;
}

static bool is_text(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((uint8_t)text.p[i] < ' ' || text.p[i] == 0x7F) {
            return false;
        }
    }
    return str_is_utf8(text);
}

int mail_box_read(struct str text, struct mail_box *ret_box)
{
    struct mail_box box = {.address = str_trim(text)};
    if (str_ends(box.address, STR(">"))) {
        size_t open = str_find(box.address, '<', 0);
        box.name = str_trim(str_slice(box.address, 0, open));
        box.address = str_slice(box.address, open + 1, box.address.n - 1);
    }
    size_t at = str_find(box.address, '@', 0);
    bool fits = at > 0 && at + 1 < box.address.n &&
                str_find(box.address, '@', at + 1) == box.address.n &&
                box.address.n <= MAIL_MAX_ADDRESS && box.name.n <= MAIL_MAX_SUBJECT &&
                is_visible(box.address, "<>\"(),:;\\[]") && is_text(box.name);
    if (!fits) {
        return ERR_INVALID;
    }
    *ret_box = box;
    return 0;
}

/* ---- The head ---- */

static void encoded_word(struct buf *out, struct str part)
{
    buf_add(out, STR("=?UTF-8?B?"));
    encode_base64(out, part);
    buf_add(out, STR("?="));
}

/* Letters, digits, spaces between them and a few signs stand as they are; everything else is encoded, in pieces on lines of their own. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && c != ' ' && c != '-' && c != '\'') {
            return false;
        }
    }
    return text.n < LINE - sizeof "Subject: ";
}

static void words(struct buf *out, struct str text)
{
    if (is_plain(text)) {
        buf_add(out, text);
        return;
    }
    for (size_t from = 0; from < text.n;) {
        size_t n = 0;
        for (size_t step; from + n < text.n; n += step) {
            step = str_utf8_length(str_slice(text, from + n, text.n));
            step = step > 0 ? step : 1;
            if (n + step > WORD_BYTES) {
                break;
            }
        }
        buf_add(out, from > 0 ? STR("\r\n ") : STR_EMPTY);
        encoded_word(out, str_slice(text, from, from + n));
        from += n;
    }
}

static void header(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, "%s: " STR_FMT "\r\n", name, STR_ARG(value));
}

static void write_head(struct buf *out, const struct mail_message *m)
{
    char date[30];
    struct str at = time_http_date(date, m->at);
    struct str domain =
        str_slice(m->from.address, str_find(m->from.address, '@', 0) + 1, m->from.address.n);
    buf_printf(out, "Date: " STR_FMT " +0000\r\nFrom: ", STR_ARG(str_slice(at, 0, at.n - 4)));
    words(out, m->from.name);
    buf_printf(out, m->from.name.n > 0 ? "\r\n <" STR_FMT ">\r\n" : STR_FMT "\r\n",
               STR_ARG(m->from.address));
    header(out, "To", m->to);
    buf_add(out, STR("Subject: "));
    words(out, m->letter.subject);
    buf_printf(out, "\r\nMessage-ID: <" STR_FMT "@" STR_FMT ">\r\n", STR_ARG(m->id),
               STR_ARG(domain));
    header(out, "MIME-Version", STR("1.0"));
    header(out, "Content-Type", STR("text/plain; charset=utf-8"));
    header(out, "Content-Transfer-Encoding", STR("quoted-printable"));
    header(out, "Auto-Submitted", STR("auto-generated")); /* RFC 3834: nobody's holiday answers */
}

/* ---- The body ---- */

/* As few as the rules allow stand as they are; a space that a line ends with does not (section 6.7, rule 3). */
static bool stands(struct str line, size_t i)
{
    uint8_t c = (uint8_t)line.p[i];
    bool last = i + 1 == line.n;
    return ((c > ' ' && c < 0x7F) || (c == ' ' && !last)) && c != '=';
}

static void write_line(struct buf *out, struct str line)
{
    size_t column = 0;
    for (size_t i = 0; i < line.n; i++) {
        bool plain = stands(line, i);
        if (column + (plain ? 1 : 3) > LINE - 1) {
            buf_add(out, STR("=\r\n"));
            column = 0;
        }
        plain = plain && !(column == 0 && line.p[i] == '.');
        if (plain) {
            buf_byte(out, line.p[i]);
        } else {
            buf_printf(out, "=%02X", (unsigned)(uint8_t)line.p[i]);
        }
        column += plain ? 1 : 3;
    }
    buf_add(out, STR("\r\n"));
}

void mail_message_write(struct buf *out, const struct mail_message *message)
{
    const struct mail_letter *letter = &message->letter;
    ASSERT(letter->subject.n <= MAIL_MAX_SUBJECT && letter->text.n <= MAIL_MAX_TEXT);
    ASSERT(is_visible(message->to, "<>\"(),:;\\[]") && is_visible(message->from.address, "<>"));
    write_head(out, message);
    buf_add(out, STR("\r\n"));
    struct str rest = letter->text;
    struct str line;
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        write_line(out, line);
    }
}
