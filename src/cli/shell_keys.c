/* What is typed, and what of it is for coditect instead of the shell. */
#include "cli/shell.h"

/* c was typed behind a held ~. */
static enum cli_wish escaped(struct cli_keys *keys, char c, struct buf *out)
{
    keys->tilde = false;
    if (c == '.') {
        return CLI_WISH_LEAVE;
    }
    if (c == '?') {
        return CLI_WISH_HELP;
    }
    buf_byte(out, '~');
    if (c != '~') {
        buf_byte(out, c);
    }
    keys->inside = c != '\r' && c != '\n';
    return CLI_WISH_NONE;
}

enum cli_wish cli_keys_take(struct cli_keys *keys, struct str *in, struct buf *out)
{
    enum cli_wish wish = CLI_WISH_NONE;
    while (in->n > 0 && wish == CLI_WISH_NONE) {
        char c = in->p[0];
        *in = str_slice(*in, 1, in->n);
        if (keys->tilde) {
            wish = escaped(keys, c, out);
        } else if (c == '~' && !keys->inside) {
            keys->tilde = true;
        } else {
            buf_byte(out, c);
            keys->inside = c != '\r' && c != '\n';
        }
    }
    return wish;
}
