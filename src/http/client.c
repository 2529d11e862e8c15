/*
 * A blocking client for one server. The reply's head is parsed by the same strict code as requests are.
 *
 * Invariant: the connection is kept between calls only if the reply's body was read to its end.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "http/http_int.h"

enum { CLIENT_MAGIC = 0x636c6e74, PIECE = 64 * 1024, READ_ROOM = 16 * 1024, MOST_CONTINUES = 8 };

struct http_client {
    unsigned magic;
    struct net_address address;
    char *host;
    usec_t patience;
    usec_t until; /* of the call in hand; 0: none */
    int fd;
    atomic_bool cancelled;
    atomic_int shared_fd; /* for http_client_cancel */
    bool reused;          /* the connection in use has served a call */
    bool received;        /* something of this call's reply */
    struct buf out;
    struct buf in; /* the head, and what came with it from `taken` on */
    size_t taken;
    struct http_head head;
    struct http_header headers[HTTP_MAX_HEADERS];
    struct http_chunks chunks;
    int64_t left; /* of the body; -1: chunked */
    bool until_close;
    bool done; /* the body has been read */
    bool keep;
};

int http_client_create(const struct http_client_options *options, struct http_client **ret_client)
{
    struct net_address address;
    int r = net_address_parse(options->address, &address);
    if (r < 0) {
        return r;
    }
    struct str host = options->host.n > 0 ? options->host : STR("localhost");
    struct http_client *client = MEM_NEW(struct http_client);
    client->magic = CLIENT_MAGIC;
    client->address = address;
    client->host = mem_dup(host.p, host.n);
    client->patience = options->patience ? options->patience : 30 * USEC_PER_SEC;
    client->fd = -1;
    atomic_store(&client->shared_fd, -1);
    client->done = true;
    buf_init(&client->out, HTTP_MAX_HEAD);
    buf_init(&client->in, HTTP_MAX_HEAD + READ_ROOM);
    *ret_client = client;
    return 0;
}

static void disconnect(struct http_client *client)
{
    atomic_store(&client->shared_fd, -1);
    fd_close(&client->fd);
    client->reused = false;
}

void http_client_destroy(struct http_client *client)
{
    if (!client) {
        return;
    }
    ASSERT_MAGIC(client, CLIENT_MAGIC);
    disconnect(client);
    buf_fini(&client->out);
    buf_fini(&client->in);
    mem_free(client->host);
    client->magic = 0;
    mem_free(client);
}

void http_client_cancel(struct http_client *client)
{
    ASSERT_MAGIC(client, CLIENT_MAGIC);
    atomic_store(&client->cancelled, true);
    int fd = atomic_load(&client->shared_fd);
    if (fd >= 0) {
        (void)shutdown(fd, SHUT_RDWR);
    }
}

static usec_t deadline(const struct http_client *client)
{
    usec_t end = time_monotonic() + client->patience;
    return client->until != 0 && client->until < end ? client->until : end;
}

static int wait_for_server(struct http_client *client, bool to_write)
{
    if (atomic_load(&client->cancelled)) {
        return ERR_IO;
    }
    return net_wait(client->fd, to_write, deadline(client));
}

static int send_all(struct http_client *client, struct str s)
{
    while (s.n > 0) {
        ssize_t n = send(client->fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return ERR_IO;
        }
        if (n > 0) {
            s = str_slice(s, (size_t)n, s.n);
            continue;
        }
        int r = wait_for_server(client, /* to_write= */ true);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* > 0, 0 at the end, or negative. */
static ssize_t recv_some(struct http_client *client, void *to, size_t n)
{
    for (;;) {
        ssize_t got = recv(client->fd, to, n, 0);
        if (got >= 0) {
            client->received |= got > 0;
            return got;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return ERR_IO;
        }
        int r = wait_for_server(client, /* to_write= */ false);
        if (r < 0) {
            return r;
        }
    }
}

static void add_header(struct buf *out, struct str name, struct str value)
{
    ASSERT(name.n > 0 && http_chars_all(name, CHAR_TOKEN) && http_chars_all(value, CHAR_VALUE));
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

static int make_head(struct http_client *client, const struct http_call *call)
{
    struct buf *out = &client->out;
    ASSERT(call->target.n > 0 && http_chars_all(call->target, CHAR_TARGET));
    buf_clear(out);
    buf_printf(out, "%s " STR_FMT " HTTP/1.1\r\n", call->method, STR_ARG(call->target));
    add_header(out, STR("Host"), str_from(client->host));
    for (size_t i = 0; i < call->header_count; i++) {
        add_header(out, call->headers[i].name, call->headers[i].value);
    }
    int64_t length = call->read_body ? call->length : (int64_t)call->body.n;
    if (length < 0) {
        buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
    } else if (length > 0 ||
               !(strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0)) {
        buf_printf(out, "Content-Length: %lld\r\n", (long long)length);
    }
    buf_add(out, STR("\r\n"));
    return out->error ? ERR_INVALID : 0;
}

static int send_piece(struct http_client *client, struct str piece, bool chunked)
{
    if (!chunked) {
        return send_all(client, piece);
    }
    buf_clear(&client->out);
    buf_printf(&client->out, "%zx\r\n", piece.n);
    int r = send_all(client, buf_str(&client->out));
    if (r == 0) {
        r = send_all(client, piece);
    }
    return r < 0 ? r : send_all(client, STR("\r\n"));
}

static int send_pieces(struct http_client *client, const struct http_call *call)
{
    MEM_AUTO char *piece = mem_alloc(PIECE);
    uint64_t sent = 0;
    ssize_t n;
    while ((n = call->read_body(call->ctx, piece, PIECE)) > 0) {
        sent += (uint64_t)n;
        ASSERT(call->length < 0 || sent <= (uint64_t)call->length);
        int r = send_piece(client, str_of(piece, (size_t)n), call->length < 0);
        if (r < 0) {
            return r;
        }
    }
    if (n < 0) {
        return (int)n;
    }
    ASSERT(call->length < 0 || sent == (uint64_t)call->length);
    return call->length < 0 ? send_all(client, STR("0\r\n\r\n")) : 0;
}

static int read_head(struct http_client *client)
{
    memset(&client->head, 0, offsetof(struct http_head, field));
    client->head.response = true;
    int r;
    while ((r = http_head_parse(&client->head, buf_str(&client->in))) == HTTP_MORE) {
        char *to = buf_reserve(&client->in, 4096);
        if (!to) {
            return ERR_INVALID;
        }
        ssize_t got = recv_some(client, to, client->in.room - client->in.n);
        if (got <= 0) {
            return got < 0 ? (int)got : ERR_IO;
        }
        buf_commit(&client->in, (size_t)got);
    }
    return r < 0 ? ERR_INVALID : 0;
}

static int take_head(struct http_client *client, const struct http_call *call)
{
    struct http_framing framing = {0};
    struct http_head *head = &client->head;
    (void)buf_reserve(&client->in, READ_ROOM); /* it does not move from here on */
    http_head_headers(head, buf_str(&client->in), client->headers);
    if (http_framing_of(client->headers, head->count, head->http10, &framing) < 0) {
        return ERR_INVALID;
    }
    bool bodiless = strcmp(call->method, "HEAD") == 0 || head->status == 204 || head->status == 304;
    client->taken = head->end;
    client->chunks = (struct http_chunks){0};
    client->left = bodiless ? 0 : framing.length;
    client->until_close = !bodiless && framing.length == 0 && !framing.has_length;
    client->done = client->left == 0 && !client->until_close;
    struct http_request view = {.headers = client->headers, .header_count = head->count};
    client->keep = !head->http10 && !client->until_close &&
                   !http_header_has_token(&view, "Connection", "close");
    return 0;
}

/* Skips the interim replies (1xx) that may come first. */
static int read_reply(struct http_client *client, const struct http_call *call)
{
    buf_clear(&client->in);
    for (int i = 0; i < MOST_CONTINUES; i++) {
        int r = read_head(client);
        if (r < 0) {
            return r;
        }
        if (client->head.status >= 200) {
            return take_head(client, call);
        }
        buf_consume(&client->in, client->head.end);
    }
    return ERR_INVALID;
}

static int attempt(struct http_client *client, const struct http_call *call)
{
    client->received = false;
    if (atomic_load(&client->cancelled)) {
        return ERR_IO;
    }
    if (client->fd < 0) {
        int r = net_connect_until(&client->address, deadline(client), &client->fd);
        if (r < 0) {
            return r;
        }
        atomic_store(&client->shared_fd, client->fd);
    }
    int r = send_all(client, buf_str(&client->out));
    if (r == 0) {
        r = call->read_body ? send_pieces(client, call) : send_all(client, call->body);
    }
    /* A server may answer before it has read everything, and close. */
    return r == 0 || r == ERR_IO ? read_reply(client, call) : r;
}

int http_client_call(struct http_client *client, const struct http_call *call,
                     struct http_reply *ret_reply)
{
    ASSERT_MAGIC(client, CLIENT_MAGIC);
    if (!client->done || !client->keep) {
        disconnect(client);
    }
    client->until = call->until;
    int r = make_head(client, call);
    if (r < 0) {
        return r;
    }
    bool again = client->reused && !call->read_body;
    r = attempt(client, call);
    if (r == ERR_IO && again && !client->received) {
        disconnect(client);
        r = make_head(client, call);
        r = r < 0 ? r : attempt(client, call);
    }
    if (r < 0) {
        client->done = true;
        disconnect(client);
        return r;
    }
    client->reused = true;
    *ret_reply = (struct http_reply){
        .status = client->head.status,
        .headers = client->headers,
        .header_count = client->head.count,
        .length = client->until_close ? -1 : client->left,
    };
    return 0;
}

/* What came with the head first, then from the socket. */
static ssize_t read_raw(struct http_client *client, void *to, size_t n)
{
    struct str came = str_slice(buf_str(&client->in), client->taken, client->taken + n);
    if (came.n == 0) {
        return recv_some(client, to, n);
    }
    memcpy(to, came.p, came.n);
    client->taken += came.n;
    return (ssize_t)came.n;
}

static ssize_t read_chunks(struct http_client *client, void *to, size_t n)
{
    for (;;) {
        struct str rest = str_slice(buf_str(&client->in), client->taken, client->taken + n), data;
        size_t before = rest.n;
        int r = http_chunks_next(&client->chunks, &rest, &data);
        client->taken += before - rest.n;
        if (r == HTTP_DATA) {
            memcpy(to, data.p, data.n);
            return (ssize_t)data.n;
        }
        if (r != HTTP_MORE) {
            client->done = r == 0;
            return r;
        }
        if (client->taken < client->in.n) {
            continue;
        }
        client->in.n = client->taken = client->head.end;
        ssize_t got =
            recv_some(client, client->in.p + client->in.n, client->in.room - client->in.n);
        if (got <= 0) {
            return got < 0 ? got : ERR_IO;
        }
        buf_commit(&client->in, (size_t)got);
    }
}

ssize_t http_client_read(struct http_client *client, void *to, size_t n)
{
    ASSERT_MAGIC(client, CLIENT_MAGIC);
    if (client->done || n == 0) {
        return 0;
    }
    if (client->left < 0) {
        return read_chunks(client, to, n);
    }
    if (!client->until_close && (uint64_t)client->left < n) {
        n = (size_t)client->left;
    }
    ssize_t got = read_raw(client, to, n);
    if (client->until_close) {
        client->done = got == 0;
        return got;
    }
    if (got == 0) {
        return ERR_IO;
    }
    if (got > 0) {
        client->left -= got;
        client->done = client->left == 0;
    }
    return got;
}

int http_client_body(struct http_client *client, struct buf *out)
{
    while (!client->done) {
        char beyond;
        size_t room = out->max - out->n < READ_ROOM ? out->max - out->n : READ_ROOM;
        char *to = room > 0 ? buf_reserve(out, room) : &beyond;
        ASSERT(to != NULL);
        ssize_t got = http_client_read(client, to, room > 0 ? room : 1);
        if (got < 0) {
            return (int)got;
        }
        if (room == 0 && got > 0) {
            return ERR_TOO_LARGE;
        }
        if (room > 0) {
            buf_commit(out, (size_t)got);
        }
    }
    return 0;
}

struct str http_reply_header(const struct http_reply *reply, const char *name)
{
    const struct http_request view = {.headers = reply->headers,
                                      .header_count = reply->header_count};
    return http_header(&view, name);
}
