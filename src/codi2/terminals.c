/*
 * The loop is learned from the first socket. Other threads post to it, and only once there is a terminal: before that they have
 * nothing to say.
 */
#include "codi2/terminals.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "codi2/terminal.h"

enum {
    MAGIC = 0x7465726d,
    QUEUE = 128 * 1024, /* of a socket */
    CLOSE_NORMAL = 1000,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_POLICY = 1008,
    CLOSE_INTERNAL = 1011,
    CLOSE_TRY_LATER = 1013
};

struct codi2_terminals {
    unsigned magic;
    struct arena arena;
    struct codi2_shell_setting setting;
    struct codi2_status *status;
    _Atomic(struct net_loop *) loop; /* NULL: no socket was opened yet */
    atomic_bool ending;
    struct net_message end;
    struct codi2_terminal *at[CODI2_TERMINALS];
    size_t count;
};

/* A client's socket, in its request's arena, which lives until it is closed. */
struct visit {
    struct codi2_viewer viewer;
    struct codi2_terminals *all;
    struct str id, run;  /* run empty: any */
    const char *command; /* NULL: none */
    bool goes_on;        /* from viewer.at */
    bool sized;
    struct codi2_size size;
};

struct codi2_terminals *codi2_terminals_create(const char *workspace, struct codi2_status *status)
{
    struct codi2_terminals *all = MEM_NEW(struct codi2_terminals);
    all->magic = MAGIC;
    arena_init(&all->arena);
    codi2_shell_setting_make(&all->arena, workspace, &all->setting);
    all->status = status;
    return all;
}

static void forget(struct codi2_terminals *all, size_t i)
{
    codi2_terminal_destroy(all->at[i]);
    all->at[i] = all->at[--all->count];
}

void codi2_terminals_destroy(struct codi2_terminals *all)
{
    if (!all) {
        return;
    }
    ASSERT_MAGIC(all, MAGIC);
    ASSERT(all->count == 0); /* codi2_terminals_end came first */
    arena_fini(&all->arena);
    all->magic = 0;
    mem_free(all);
}

/* all->count: there is none. */
static size_t find(const struct codi2_terminals *all, struct str id)
{
    size_t i = 0;
    while (i < all->count && !str_eq(str_from(all->at[i]->id), id)) {
        i++;
    }
    return i;
}

/* ---- sockets ---- */

static struct codi2_terminal *refuse(struct visit *v, int code, struct str reason)
{
    http_socket_close(v->viewer.socket, code, reason);
    return NULL;
}

static struct codi2_terminal *say_gone(struct visit *v)
{
    BUF_AUTO(text, CODI2_TERMINAL_WORD);
    codi2_terminal_say_gone(&text);
    (void)!http_socket_send(v->viewer.socket, /* text= */ true, buf_str(&text));
    return refuse(v, CLOSE_NORMAL, STR("this shell is not here any more"));
}

/* One that has ended makes room for a new one, best one whose end was told. */
static void make_room(struct codi2_terminals *all)
{
    size_t found = all->count;
    for (size_t i = 0; i < all->count; i++) {
        bool ended = codi2_terminal_has_ended(all->at[i]);
        if (ended && (found == all->count || all->at[i]->told)) {
            found = i;
        }
    }
    if (found < all->count) {
        forget(all, found);
    }
}

static struct codi2_terminal *begin(struct visit *v)
{
    struct codi2_terminals *all = v->all;
    struct codi2_terminal *t;
    const struct codi2_terminal_begin new = {.id = v->id, .command = v->command, .size = v->size};
    if (all->count == CODI2_TERMINALS) {
        make_room(all);
    }
    if (all->count == CODI2_TERMINALS) {
        return refuse(v, CLOSE_TRY_LATER, STR("there are 16 terminals, the most: end one first"));
    }
    if (codi2_terminal_begin(atomic_load(&all->loop), &all->setting, &new, &t) != 0) {
        return refuse(v, CLOSE_INTERNAL, STR("the workspace has no room for another process"));
    }
    all->at[all->count++] = t;
    return t;
}

/* The terminal that the client asked for; NULL: there is none for it, and it was told. */
static struct codi2_terminal *enter(struct visit *v, bool *ret_fresh)
{
    struct codi2_terminals *all = v->all;
    size_t i = find(all, v->id);
    struct codi2_terminal *t = i < all->count ? all->at[i] : NULL;
    *ret_fresh = false;
    if (v->run.n > 0) {
        return t && str_eq(v->run, str_from(t->run)) ? t : say_gone(v);
    }
    if (t && codi2_terminal_has_ended(t) && t->told) {
        forget(all, i);
        t = NULL;
    }
    *ret_fresh = t == NULL;
    return t ? t : begin(v);
}

static void on_opened(void *ctx, struct http_socket *socket)
{
    struct visit *v = ctx;
    bool fresh;
    v->viewer.socket = socket;
    atomic_store(&v->all->loop, http_socket_loop(socket));
    if (atomic_load(&v->all->ending)) {
        (void)refuse(v, CLOSE_GOING_AWAY, STR_EMPTY);
        return;
    }
    struct codi2_terminal *t = enter(v, &fresh);
    if (!t) {
        return;
    }
    v->viewer.at = v->goes_on ? v->viewer.at : codi2_ring_start(&t->ring);
    if (v->sized && !fresh) {
        codi2_terminal_resize(t, &v->size);
    }
    if (codi2_terminal_attach(t, &v->viewer, fresh) != 0) {
        (void)refuse(v, CLOSE_TRY_LATER, STR("too many look at this terminal"));
    }
}

static void on_message(void *ctx, struct http_socket *socket, bool text, struct str data)
{
    struct visit *v = ctx;
    struct codi2_size size;
    if (!v->viewer.terminal) {
        return;
    }
    if (!text) {
        codi2_status_browser(v->all->status); /* somebody types */
        codi2_terminal_type(&v->viewer, data);
    } else if (codi2_terminal_word(data, &size) == 0) {
        codi2_terminal_resize(v->viewer.terminal, &size);
    } else {
        http_socket_close(socket, CLOSE_POLICY, STR("no message that a terminal knows"));
    }
}

static void on_writable(void *ctx, struct http_socket *socket)
{
    struct visit *v = ctx;
    (void)socket;
    codi2_terminal_writable(&v->viewer);
}

static void on_closed(void *ctx, struct http_socket *socket, int code)
{
    struct visit *v = ctx;
    (void)socket;
    (void)code;
    codi2_terminal_detach(&v->viewer);
}

/* 0 when it is not there, 1 when it is. ERR_INVALID. */
static int read_side(const struct http_request *request, const char *name, unsigned *ret_side)
{
    struct str text;
    int error = http_query(request, name, &text);
    if (error) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    error = codi2_terminal_side(text, ret_side);
    return error ? error : 1;
}

static int read_command(const struct http_request *request, const char **ret_command)
{
    struct str text;
    int error = http_query(request, "command", &text);
    if (error) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    *ret_command = arena_str(request->arena, text).p;
    return text.n > 0 && text.n <= CODI2_TERMINAL_COMMAND ? 0 : ERR_INVALID;
}

static int read_place(const struct http_request *request, struct visit *v)
{
    struct str text;
    int error = http_query(request, "since", &text);
    v->goes_on = error == 0;
    if (error == 0) {
        error = str_u64(text, INT64_MAX, &v->viewer.at);
    }
    if (error == 0 || error == ERR_NOT_FOUND) {
        error = http_query(request, "run", &v->run);
        error = error == 0 && v->run.n != CODI2_TERMINAL_RUN ? ERR_INVALID : error;
    }
    return error == ERR_NOT_FOUND ? 0 : error;
}

static int read_query(const struct http_request *request, struct visit *v)
{
    int cols = read_side(request, "cols", &v->size.cols);
    int rows = read_side(request, "rows", &v->size.rows);
    v->sized = cols > 0 && rows > 0;
    int error = cols < 0 || rows < 0 ? ERR_INVALID : read_place(request, v);
    return error ? error : read_command(request, &v->command);
}

int codi2_terminals_open(struct codi2_terminals *all, struct http_request *request,
                         struct http_response *response, struct str id)
{
    static const struct http_socket_handler handler = {on_opened, on_message, on_writable,
                                                       on_closed};
    /* The gateway sends no Origin: this is a page that something led here, as a forwarded port would. */
    static const char *const no_page[] = {NULL};
    ASSERT_MAGIC(all, MAGIC);
    struct visit *v = ARENA_NEW(request->arena, struct visit);
    *v = (struct visit){.all = all, .id = id, .size = {.cols = 80, .rows = 24}};
    int error = read_query(request, v);
    if (error) {
        return error;
    }
    if (atomic_load(&all->ending)) {
        return ERR_CLOSED;
    }
    const struct http_socket_options options = {.handler = &handler,
                                                .ctx = v,
                                                .origins = no_page,
                                                .max_message = CODI2_TYPED,
                                                .max_queue = QUEUE};
    return http_websocket(request, response, &options);
}

/* ---- what there is ---- */

static void write_one(struct json_writer *w, const struct codi2_terminal *t)
{
    char text[25];
    bool ended = codi2_terminal_has_ended(t);
    json_object(w);
    json_member_string(w, "id", str_from(t->id));
    json_member_string(w, "run", str_from(t->run));
    json_member_string(w, "state", ended ? STR("ended") : STR("running"));
    json_member_string(w, "started_at", time_str(text, t->started));
    json_member_integer(w, "sockets", (int64_t)t->viewer_count);
    if (ended) {
        json_member_integer(w, t->how.by_signal ? "signal" : "exit_code", t->how.number);
    }
    json_object_end(w);
}

void codi2_terminals_write(const struct codi2_terminals *all, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_name(&w, "terminals");
    json_array(&w);
    for (size_t i = 0; i < all->count; i++) {
        write_one(&w, all->at[i]);
    }
    json_array_end(&w);
    json_object_end(&w);
}

int codi2_terminals_delete(struct codi2_terminals *all, struct str id)
{
    size_t i = find(all, id);
    if (i == all->count) {
        return ERR_NOT_FOUND;
    }
    forget(all, i);
    return 0;
}

/* ---- from other threads ---- */

struct reaped {
    struct net_message message;
    struct codi2_terminals *all;
    pid_t pid;
    int status;
};

static void take_reaped(struct net_message *m)
{
    struct reaped *r = (struct reaped *)(void *)m; /* its first member */
    for (size_t i = 0; i < r->all->count; i++) {
        if (r->all->at[i]->pid == r->pid) {
            codi2_terminal_reaped(r->all->at[i], r->status);
        }
    }
    mem_free(r);
}

void codi2_terminals_reaped(void *terminals, pid_t pid, int status)
{
    struct codi2_terminals *all = terminals;
    ASSERT_MAGIC(all, MAGIC);
    struct net_loop *loop = atomic_load(&all->loop);
    if (!loop) {
        return;
    }
    struct reaped *r = MEM_NEW(struct reaped);
    *r = (struct reaped){.message.run = take_reaped, .all = all, .pid = pid, .status = status};
    net_loop_post(loop, &r->message);
}

static void take_end(struct net_message *m)
{
    struct codi2_terminals *all =
        (struct codi2_terminals *)(void *)((char *)m - offsetof(struct codi2_terminals, end));
    while (all->count > 0) {
        forget(all, all->count - 1);
    }
}

/* Whoever opens one now has either left the loop here, or sees that it is over. */
void codi2_terminals_end(struct codi2_terminals *all)
{
    ASSERT_MAGIC(all, MAGIC);
    bool ended = atomic_exchange(&all->ending, true);
    struct net_loop *loop = atomic_load(&all->loop);
    if (loop && !ended) {
        all->end.run = take_end;
        net_loop_post(loop, &all->end);
    }
}
