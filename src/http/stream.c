/*
 * Streamed bodies, in and out, on a lane's thread. While the handler runs, its thread uses the connection's socket itself: the
 * kernel's socket buffers are the bounded pipe between client and handler, back-pressure comes from them, and no byte is
 * copied between threads. The loop only notes events meanwhile (connection.c, invariant 1).
 *
 * Time counts only while the thread waits for the client: a handler that is slow itself does not use up the client's time.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/assert.h"
#include "http/http_int.h"

/* Waits until the socket is ready; ERR_REQUEST_TIMEOUT when the client is slower than the least rate. */
static int wait_for_client(struct http_exchange *x, bool to_write, uint64_t bytes)
{
    const struct http_limits *limits = &http_connection_server(x->connection)->limits;
    usec_t start = time_monotonic();
    usec_t allowed = limits->grace + (usec_t)(bytes * USEC_PER_SEC / limits->least_rate);
    int r = net_wait(x->connection->watch.fd, to_write, start + allowed - x->waited);
    x->waited += time_monotonic() - start;
    return r == ERR_TIMEOUT ? ERR_REQUEST_TIMEOUT : r < 0 ? ERR_CLOSED : 0;
}

/* ---- in ---- */

/* > 0, or ERR_CLOSED, ERR_REQUEST_TIMEOUT. */
static ssize_t recv_some(struct http_exchange *x, void *to, size_t n)
{
    for (;;) {
        ssize_t got = recv(x->connection->watch.fd, to, n, 0);
        if (got > 0) {
            return got;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return ERR_CLOSED;
        }
        int r = errno == EAGAIN ? wait_for_client(x, /* to_write= */ false, x->body_seen) : 0;
        if (r < 0) {
            return r;
        }
    }
}

static int send_continue(struct http_exchange *x)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool wanted = x->expects && x->in.n == x->taken;
    x->expects = false;
    if (!wanted) {
        return 0;
    }
    ssize_t n = send(x->connection->watch.fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
    return n == (ssize_t)sizeof go_on - 1 ? 0 : ERR_CLOSED;
}

static ssize_t read_sized(struct http_exchange *x, void *to, size_t n)
{
    uint64_t left = (uint64_t)x->request.content_length - x->body_seen;
    n = n < left ? n : (size_t)left;
    struct str came = str_slice(buf_str(&x->in), x->taken, x->taken + n);
    ssize_t got = (ssize_t)came.n;
    if (came.n > 0) {
        memcpy(to, came.p, came.n);
        x->taken += came.n;
    } else {
        got = recv_some(x, to, n);
    }
    if (got > 0) {
        x->body_seen += (uint64_t)got;
        x->body_done = x->body_seen == (uint64_t)x->request.content_length;
    }
    return got;
}

/* At most n bytes of input are decoded at once, so that no more than n bytes of content come out. */
static ssize_t read_chunks(struct http_exchange *x, void *to, size_t n)
{
    for (;;) {
        struct str rest = str_slice(buf_str(&x->in), x->taken, x->taken + n), data;
        size_t before = rest.n;
        int r = http_chunks_next(&x->chunks, &rest, &data);
        x->taken += before - rest.n;
        if (r == HTTP_DATA) {
            memcpy(to, data.p, data.n);
            x->body_seen += data.n;
            return x->body_seen > x->route.max_body ? ERR_TOO_LARGE : (ssize_t)data.n;
        }
        if (r != HTTP_MORE) {
            x->body_done = r == 0;
            return r;
        }
        if (x->taken < x->in.n) {
            continue;
        }
        x->in.n = x->taken = x->head.end;
        ssize_t got = recv_some(x, x->in.p + x->in.n, x->in.room - x->in.n);
        if (got < 0) {
            return got;
        }
        buf_commit(&x->in, (size_t)got);
    }
}

static ssize_t read_collected(struct http_exchange *x, void *to, size_t n)
{
    struct str part = str_slice(x->request.body, x->sent, x->sent + n);
    if (part.n > 0) {
        memcpy(to, part.p, part.n);
        x->sent += part.n;
    }
    return (ssize_t)part.n;
}

ssize_t http_body_read(struct http_request *request, void *to, size_t n)
{
    struct http_exchange *x = (struct http_exchange *)(void *)request; /* its first member */
    if (!x->route.stream_body) {
        return read_collected(x, to, n);
    }
    if (x->body_error || x->body_done || n == 0) {
        return x->body_error;
    }
    ssize_t got = send_continue(x);
    if (got == 0) {
        got = request->content_length < 0 ? read_chunks(x, to, n) : read_sized(x, to, n);
    }
    if (got < 0) {
        x->body_error = (int)got;
    }
    return got;
}

/* ---- out ---- */

static int cut(struct http_exchange *x)
{
    x->response.aborted = true;
    return ERR_CLOSED;
}

/* Sends all of message, whose iov it uses up. */
static int send_all(struct http_exchange *x, struct msghdr *message)
{
    while (message->msg_iovlen > 0) {
        struct iovec *iov = message->msg_iov;
        ssize_t n = sendmsg(x->connection->watch.fd, message, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return cut(x);
        }
        if (n < 0 && errno == EAGAIN && wait_for_client(x, /* to_write= */ true, x->sent) < 0) {
            return cut(x);
        }
        size_t sent = n > 0 ? (size_t)n : 0;
        x->sent += sent;
        while (message->msg_iovlen > 0 && sent >= iov->iov_len) {
            sent -= iov->iov_len;
            message->msg_iov = ++iov;
            message->msg_iovlen--;
        }
        if (message->msg_iovlen > 0) {
            iov->iov_base = (char *)iov->iov_base + sent;
            iov->iov_len -= sent;
        }
    }
    return 0;
}

static int send_str(struct http_exchange *x, struct str s)
{
    struct iovec iov = {(char *)(uintptr_t)s.p, s.n};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return send_all(x, &message);
}

int http_stream(struct http_response *response, int64_t length)
{
    struct http_exchange *x = response->exchange;
    ASSERT(!response->streaming && x->route.lane != HTTP_INLINE && length >= -1);
    ASSERT(!response->fields.error);
    response->streaming = true;
    response->left = http_response_may_have_body(x) ? length : 0;
    x->sent = 0;
    x->waited = 0;
    http_response_head(x, &x->out, length);
    return send_str(x, buf_str(&x->out));
}

static bool is_chunked(const struct http_exchange *x)
{
    return x->response.left < 0 && !x->request.http10;
}

/* Takes n bytes off what was announced; false when there is nothing to send. */
static bool count_out(struct http_exchange *x, size_t n)
{
    struct http_response *response = &x->response;
    ASSERT(response->streaming);
    if (n == 0 || !http_response_may_have_body(x)) {
        return false;
    }
    ASSERT(response->left < 0 || (uint64_t)response->left >= n);
    response->left -= response->left < 0 ? 0 : (int64_t)n;
    response->sent += n;
    return true;
}

int http_write(struct http_response *response, struct str bytes)
{
    struct http_exchange *x = response->exchange;
    if (response->aborted) {
        return ERR_CLOSED;
    }
    if (!count_out(x, bytes.n)) {
        return 0;
    }
    if (!is_chunked(x)) {
        return send_str(x, bytes);
    }
    char size[20];
    int digits = snprintf(size, sizeof size, "%zx\r\n", bytes.n);
    struct iovec iov[] = {
        {size, (size_t)digits},
        {(char *)(uintptr_t)bytes.p, bytes.n},
        {(char *)(uintptr_t) "\r\n", 2},
    };
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = 3};
    return send_all(x, &message);
}

static int send_file(struct http_exchange *x, int fd, struct http_range range)
{
    off_t at = (off_t)range.offset;
    uint64_t left = range.length;
    while (left > 0) {
        size_t most = left < 1 << 20 ? (size_t)left : 1 << 20;
        ssize_t n = sendfile(x->connection->watch.fd, fd, &at, most);
        if (n > 0) {
            left -= (uint64_t)n;
            x->sent += (uint64_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            bool client = n < 0 && (errno == EPIPE || errno == ECONNRESET);
            (void)cut(x);
            return client ? ERR_CLOSED : ERR_IO;
        } else if (errno == EAGAIN && wait_for_client(x, /* to_write= */ true, x->sent) < 0) {
            return cut(x);
        }
    }
    return 0;
}

int http_write_file(struct http_response *response, int fd, struct http_range range)
{
    struct http_exchange *x = response->exchange;
    if (response->aborted) {
        return ERR_CLOSED;
    }
    ASSERT(response->left >= 0);
    return count_out(x, range.length) ? send_file(x, fd, range) : 0;
}

void http_abort(struct http_response *response)
{
    ASSERT(response->streaming);
    response->aborted = true;
}

void http_stream_end(struct http_exchange *x)
{
    struct http_response *response = &x->response;
    if (!response->streaming || response->aborted) {
        return;
    }
    if (response->left > 0) {
        response->aborted = true;
    } else if (is_chunked(x)) {
        (void)send_str(x, STR("0\r\n\r\n"));
    }
}
