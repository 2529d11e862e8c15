/* From a session and a name to a socket at whose other end a shell has said which it is. */
#include <poll.h>

#include "cli/shell.h"

enum { TARGET_MOST = 8 * 1024, OUT_MOST = 128 * 1024, HEADER_MOST = 8 * 1024, PIECE = 16 * 1024 };

static const usec_t patience = 30 * USEC_PER_SEC; /* for the handshake */

/* The address of the account, as "https://c.example.com" and what a proxy takes off behind it. */
struct server {
    const char *url; /* without that */
    struct str host, below;
};

static struct server server_of(struct cli_run *run)
{
    struct str url = cli_client_account(run->client)->url;
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    size_t host = str_find(url, '/', 0) + 2; /* it begins with http:// or https:// */
    size_t end = str_find(url, '/', host);
    return (struct server){
        .url = arena_printf(&run->arena, STR_FMT "/", STR_ARG(str_slice(url, 0, end))).p,
        .host = str_slice(url, host, end),
        .below = str_slice(url, end, url.n)};
}

static void add_target(const struct cli_shell *s, struct str below, struct buf *out)
{
    buf_printf(out, STR_FMT "/ws/sessions/" STR_FMT "/terminals/" STR_FMT, STR_ARG(below),
               STR_ARG(s->session), STR_ARG(s->name));
    char before = '?';
    if (s->which[0]) {
        buf_printf(out, "?since=%llu&run=%s", (unsigned long long)s->offset, s->which);
        before = '&';
    }
    if (s->cols > 0) {
        buf_printf(out, "%ccols=%u&rows=%u", before, s->cols, s->rows);
        before = '&';
    }
    if (s->command && !s->which[0]) {
        buf_printf(out, "%ccommand=", before);
        http_percent_encode(out, str_from(s->command));
    }
}

static int begin(struct cli_shell *s, const struct server *server)
{
    BUF_AUTO(target, TARGET_MOST);
    BUF_AUTO(bearer, HEADER_MOST);
    add_target(s, server->below, &target);
    buf_printf(&bearer, "Bearer " STR_FMT, STR_ARG(cli_client_account(s->run->client)->token));
    const struct http_header header = {STR("Authorization"), buf_str(&bearer)};
    const struct http_dial_options options = {.host = server->host,
                                              .target = buf_str(&target),
                                              .headers = &header,
                                              .header_count = 1,
                                              .max_message = CLI_SHELL_MESSAGE};
    if (target.error || bearer.error || http_dial_create(&options, &s->out, &s->dial) != 0) {
        return cli_fail(s->run, ERR_INVALID, "the server's address or the token is none");
    }
    return 0;
}

/* Sends what is to be sent, reads what has come, or waits for either. */
static int move(struct cli_shell *s, usec_t until)
{
    char piece[PIECE];
    usec_t now = time_monotonic();
    if (now > until) { /* also of one that talks all the time */
        return cli_fail(s->run, ERR_UNAVAILABLE, "the server does not answer");
    }
    ssize_t n = cli_connection_receive(s->connection, piece, sizeof piece);
    if (n > 0) {
        cli_shell_hear(s, str_of(piece, (size_t)n));
        return 0;
    }
    struct str rest = str_slice(buf_str(&s->out), s->sent, s->out.n);
    ssize_t went = n < 0 || rest.n == 0 ? 0 : cli_connection_send(s->connection, rest);
    if (n < 0 || went < 0) {
        return cli_fail(s->run, ERR_UNAVAILABLE, "the connection broke");
    }
    s->sent += (size_t)went;
    struct pollfd fd = {.fd = cli_connection_fd(s->connection), .events = POLLIN};
    if (s->sent < s->out.n) {
        fd.events |= POLLOUT;
    }
    (void)poll(&fd, 1, (int)((until - now) / USEC_PER_MS) + 1);
    return 0;
}

static int shake_hands(struct cli_shell *s)
{
    usec_t until = time_monotonic() + patience;
    int r = 0;
    while (r == 0 && !s->opened && s->end == CLI_SHELL_GOES_ON) {
        r = move(s, until);
    }
    if (r == 0 && s->end == CLI_SHELL_LOST) {
        r = cli_fail(s->run, ERR_UNAVAILABLE, "the connection broke");
    } else if (r == 0 && s->end == CLI_SHELL_REFUSED && !s->opened) {
        r = s->number;
    }
    if (r < 0) {
        s->end = CLI_SHELL_GOES_ON; /* it may be tried again */
    }
    return r;
}

int cli_shell_dial(struct cli_shell *s)
{
    struct server server = server_of(s->run);
    cli_shell_measure(s);
    s->sized = false; /* the request says it */
    buf_init(&s->out, OUT_MOST);
    s->sent = 0;
    s->opened = s->dry = s->pongs = s->pinged = false;
    s->given = s->had = s->mattered = 0;
    int r = begin(s, &server);
    r = r < 0 ? r : cli_connection_open(s->transport, server.url, &s->connection);
    r = r < 0 ? r : shake_hands(s);
    s->heard = s->stirred_at = s->dialed_at = time_monotonic();
    if (r < 0) {
        cli_shell_hang_up(s);
    }
    return r;
}

void cli_shell_hang_up(struct cli_shell *s)
{
    cli_connection_close(s->connection);
    http_dial_destroy(s->dial);
    buf_fini(&s->out);
    s->connection = NULL;
    s->dial = NULL;
}
