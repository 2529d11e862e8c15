/* The heads of a relayed request and its answer: what is hop-by-hop (RFC 9110 section 7.6.1) is ours, the rest passes the
 * caller's filters. */
#include "base/assert.h"
#include "http/relay_int.h"

/* Also what Connection names; Connection itself is always written anew. */
static bool is_hop_by_hop(const struct http_request *message, struct str name)
{
    static const char *const names[] = {"Connection", "Keep-Alive", "Proxy-Connection", "TE",
                                        "Trailer",    "Upgrade",    "Expect",           NULL};
    if (str_in_nocase(name, names)) {
        return true;
    }
    for (size_t i = 0; i < message->header_count; i++) {
        struct str list = message->headers[i].value, part;
        while (str_eq_nocase(message->headers[i].name, STR("Connection")) &&
               str_split(&list, ',', &part)) {
            if (str_eq_nocase(str_trim(part), name)) {
                return true;
            }
        }
    }
    return false;
}

static void add_line(struct buf *out, struct str name, struct str value)
{
    ASSERT(http_chars_all(name, CHAR_TOKEN) && http_chars_all(value, CHAR_VALUE));
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

static void add_all(struct buf *out, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_line(out, headers[i].name, headers[i].value);
    }
}

static bool wants_websocket(const struct http_request *request)
{
    return request->method == HTTP_GET && !request->http10 && request->content_length == 0 &&
           http_header_has_token(request, "Connection", "upgrade") &&
           str_eq_nocase(http_header(request, "Upgrade"), STR("websocket"));
}

int http_relay_request(struct http_relay *relay)
{
    const struct http_request *request = &relay->c->exchange->request;
    const struct http_relay_options *o = &relay->options;
    struct buf *out = &relay->to_up;
    relay->upgrading = wants_websocket(request);
    buf_add(out, request->method_text);
    buf_byte(out, ' ');
    if (o->target.n > 0) {
        ASSERT(http_chars_all(o->target, CHAR_TARGET));
        buf_add(out, o->target);
    } else {
        buf_add(out, request->path);
        buf_add(out, request->query.n > 0 ? STR("?") : STR_EMPTY);
        buf_add(out, request->query);
    }
    buf_add(out, STR(" HTTP/1.1\r\n"));
    bool host = http_header_count(request, "Host") > 0;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name, value = request->headers[i].value;
        /* The framing we understood is the framing we send: a Connection header cannot take it out. */
        bool framing = str_eq_nocase(name, STR("Content-Length")) ||
                       str_eq_nocase(name, STR("Transfer-Encoding")) ||
                       str_eq_nocase(name, STR("Host"));
        bool pass = framing || !is_hop_by_hop(request, name);
        if (str_eq_nocase(name, STR("Host"))) {
            value = request->host;
        }
        if (pass && (!o->pass_in || framing || o->pass_in(o->ctx, name, &value))) {
            add_line(out, name, value);
        }
    }
    if (!host) {
        add_line(out, STR("Host"), STR("localhost"));
    }
    add_all(out, o->add_in, o->add_in_count);
    buf_add(out, relay->upgrading ? STR("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                                  : STR("Connection: close\r\n\r\n"));
    return out->error;
}

/* How the answer's body ends (RFC 9112 section 6.3). */
static int read_framing(struct http_relay *relay, const struct http_request *answer)
{
    struct http_framing framing = {0};
    int status = relay->head.status;
    if (http_framing_of(answer->headers, answer->header_count, relay->head.http10, &framing) < 0) {
        return ERR_BAD_GATEWAY;
    }
    if (status == 101) {
        relay->piping = true;
        return relay->upgrading ? 0 : ERR_BAD_GATEWAY;
    }
    if (relay->options.socket) {
        return ERR_BAD_GATEWAY;
    }
    bool bodiless =
        relay->c->exchange->request.method == HTTP_HEAD || status == 204 || status == 304;
    relay->left = bodiless ? 0 : framing.length;
    relay->until_close = !bodiless && framing.length == 0 && !framing.has_length;
    relay->reply_done = relay->left == 0 && !relay->until_close;
    return 0;
}

static void add_answer_lines(struct http_relay *relay, const struct http_request *answer)
{
    const struct http_relay_options *o = &relay->options;
    const struct http_request *request = &relay->c->exchange->request;
    for (size_t i = 0; i < answer->header_count; i++) {
        struct str name = answer->headers[i].name, value = answer->headers[i].value;
        bool length = str_eq_nocase(name, STR("Content-Length"));
        bool coding = str_eq_nocase(name, STR("Transfer-Encoding"));
        if ((coding && request->http10) || (!length && !coding && is_hop_by_hop(answer, name))) {
            continue;
        }
        if (length || coding || !o->pass_out || o->pass_out(o->ctx, name, &value)) {
            add_line(&relay->to_client, name, value);
        }
    }
    add_all(&relay->to_client, o->add_out, o->add_out_count);
}

int http_relay_answer(struct http_relay *relay)
{
    struct http_exchange *x = relay->c->exchange;
    struct http_header *headers = ARENA_ARRAY(&x->arena, struct http_header, HTTP_MAX_HEADERS);
    http_head_headers(&relay->head, buf_str(&relay->up_head), headers);
    const struct http_request answer = {.headers = headers, .header_count = relay->head.count};
    int r = read_framing(relay, &answer);
    if (r < 0) {
        return r;
    }
    bool plain10 = x->request.http10 && relay->left < 0;
    relay->c->closing |= relay->until_close || plain10 || !relay->request_done;
    x->response.status = relay->head.status;
    buf_printf(&relay->to_client, "HTTP/1.1 %d %s\r\n", relay->head.status,
               http_reason(relay->head.status));
    add_answer_lines(relay, &answer);
    buf_add(&relay->to_client, relay->piping
                                   ? STR("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                               : relay->c->closing ? STR("Connection: close\r\n\r\n")
                                                   : STR("\r\n"));
    relay->head_sent = true;
    /* What came behind the head begins the body. */
    relay->early = arena_str(
        &x->arena, str_slice(buf_str(&relay->up_head), relay->head.end, relay->up_head.n));
    buf_fini(&relay->up_head);
    return relay->to_client.error ? ERR_BAD_GATEWAY : 0;
}
