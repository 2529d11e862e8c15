/*
 * Chunked bodies (RFC 9112 section 7.1), byte by byte except for content. Stricter than the grammar: no white space between a
 * size and what follows. Extensions and trailers are checked, bounded and dropped.
 */
#include "http/http_int.h"

enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    CONTENT,
    CONTENT_CR,
    CONTENT_LF,
    TRAILER_START,
    TRAILER,
    TRAILER_LF,
    END_LF,
    END,
};

enum { MOST_DIGITS = 15 };

static int take_size(struct http_chunks *c, char byte)
{
    int digit = http_chars_hex(byte);
    if (digit >= 0) {
        c->left = c->left << 4 | (unsigned)digit;
        return ++c->digits > MOST_DIGITS ? ERR_INVALID : 0;
    }
    if (c->digits == 0 || (byte != '\r' && byte != ';')) {
        return ERR_INVALID;
    }
    c->state = byte == ';' ? EXTENSION : SIZE_LF;
    return 0;
}

static int take_extension(struct http_chunks *c, char byte)
{
    if (byte == '\r') {
        c->state = SIZE_LF;
        return 0;
    }
    return http_chars_is(byte, CHAR_VALUE) && ++c->extension <= HTTP_MAX_EXTENSIONS ? 0
                                                                                    : ERR_INVALID;
}

static int take_lf(struct http_chunks *c, char byte, enum state next)
{
    c->state = next;
    return byte == '\n' ? 0 : ERR_INVALID;
}

static int take_trailer(struct http_chunks *c, char byte)
{
    if (++c->trailer > HTTP_MAX_TRAILERS) {
        return ERR_INVALID;
    }
    if (c->state == TRAILER_START) {
        c->named = false;
        c->state = byte == '\r' ? END_LF : TRAILER;
        return byte == '\r' || http_chars_is(byte, CHAR_TOKEN) ? 0 : ERR_INVALID;
    }
    if (byte == '\r') {
        c->state = TRAILER_LF;
        return c->named ? 0 : ERR_INVALID;
    }
    bool valid =
        http_chars_is(byte, c->named ? CHAR_VALUE : CHAR_TOKEN) || (!c->named && byte == ':');
    c->named |= byte == ':';
    return valid ? 0 : ERR_INVALID;
}

static int take_byte(struct http_chunks *c, char byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        return take_size(c, byte);
    case EXTENSION:
        return take_extension(c, byte);
    case SIZE_LF:
        c->digits = 0;
        return take_lf(c, byte, c->left > 0 ? CONTENT : TRAILER_START);
    case CONTENT_CR:
        c->state = CONTENT_LF;
        return byte == '\r' ? 0 : ERR_INVALID;
    case CONTENT_LF:
        return take_lf(c, byte, SIZE);
    case TRAILER_START:
    case TRAILER:
        return take_trailer(c, byte);
    case TRAILER_LF:
        c->trailer++;
        return take_lf(c, byte, TRAILER_START);
    case END_LF:
        return take_lf(c, byte, END);
    case CONTENT:
    case END:
        break;
    }
    return ERR_INTERNAL;
}

int http_chunks_next(struct http_chunks *c, struct str *in, struct str *ret_data)
{
    while (c->state != END) {
        if (in->n == 0) {
            return HTTP_MORE;
        }
        if (c->state == CONTENT) {
            *ret_data = str_slice(*in, 0, c->left < in->n ? (size_t)c->left : in->n);
            c->left -= ret_data->n;
            c->state = c->left > 0 ? CONTENT : CONTENT_CR;
            *in = str_slice(*in, ret_data->n, in->n);
            return HTTP_DATA;
        }
        int r = take_byte(c, in->p[0]);
        if (r < 0) {
            return r;
        }
        *in = str_slice(*in, 1, in->n);
    }
    return 0;
}
