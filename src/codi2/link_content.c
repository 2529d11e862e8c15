/*
 * Content both ways. Chunks that were cut wait in memory and are sent together: the server is asked once which of them it
 * lacks, and those are sent over several connections at once, since each is answered only when it is on the server's disk
 * and the server commits in groups.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codi2/link_int.h"

/* ---- sending ---- */

void codi2_link_forget(struct codi2_link *l)
{
    for (size_t i = 0; i < l->waiting_count; i++) {
        MEM_FREE(l->waiting[i].bytes);
    }
    l->waiting_count = 0;
}

static int send_piece(struct codi2_link *l, const struct link_piece *piece)
{
    char hash[CONTENT_HASH_TEXT + 1];
    content_hash_text(&piece->hash, hash);
    BUF_AUTO(call, 128);
    BUF_AUTO(reply, 4096);
    buf_printf(&call, "chunks/%s", hash);
    struct link_request request = {.method = "PUT",
                                   .call = buf_z(&call),
                                   .query = "",
                                   .type = "application/octet-stream",
                                   .body =
                                       content_encode(l->codec, str_of(piece->bytes, piece->n))};
    return codi2_link_call(l, &request, &reply);
}

struct sending {
    const struct codi2_link_options *options;
    const struct link_piece *const *pieces;
    size_t count;
    atomic_size_t next;
    atomic_int error;
};

static void *sender(void *ctx)
{
    struct sending *s = ctx;
    struct codi2_link *l = codi2_link_create(s->options);
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->count && atomic_load(&s->error) == 0;) {
        int error = send_piece(l, s->pieces[i]);
        if (error) {
            atomic_store(&s->error, error);
        }
    }
    codi2_link_destroy(l);
    return NULL;
}

static int send_all(struct codi2_link *l, const struct link_piece *const *pieces, size_t count)
{
    struct sending s = {.options = &l->options, .pieces = pieces, .count = count};
    pthread_t threads[LINK_SENDERS];
    size_t started = 0;
    for (size_t wanted = count / 2; count > 2 && started < wanted && started < LINK_SENDERS;
         started++) {
        if (pthread_create(&threads[started], NULL, sender, &s) != 0) {
            break;
        }
    }
    for (size_t i; started == 0 && (i = s.next++) < count && s.error == 0;) {
        s.error = send_piece(l, pieces[i]);
    }
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return atomic_load(&s.error);
}

static int ask_missing(struct codi2_link *l, struct arena *arena, struct wire_hashes *ret_missing)
{
    struct wire_hashes have = {.at = ARENA_ARRAY(arena, struct content_hash, l->waiting_count),
                               .n = l->waiting_count};
    for (size_t i = 0; i < have.n; i++) {
        have.at[i] = l->waiting[i].hash;
    }
    BUF_AUTO(body, WIRE_MAX_REQUEST);
    BUF_AUTO(reply, WIRE_MAX_MESSAGE);
    wire_hashes_write(&body, &have);
    struct link_request request = {.method = "POST",
                                   .call = "chunks:missing",
                                   .query = "",
                                   .type = "application/json",
                                   .body = buf_str(&body)};
    int error = codi2_link_call(l, &request, &reply);
    return error ? error : wire_hashes_read(arena, arena_str(arena, buf_str(&reply)), ret_missing);
}

static bool is_listed(const struct wire_hashes *hashes, const struct content_hash *hash)
{
    for (size_t i = 0; i < hashes->n; i++) {
        if (content_hash_eq(&hashes->at[i], hash)) {
            return true;
        }
    }
    return false;
}

int codi2_link_flush(struct codi2_link *l)
{
    if (l->waiting_count == 0) {
        return 0;
    }
    ARENA_AUTO(arena);
    struct wire_hashes missing = {0};
    int error = ask_missing(l, &arena, &missing);
    const struct link_piece *to_send[LINK_WAITING];
    size_t count = 0;
    for (size_t i = 0; i < l->waiting_count && !error; i++) {
        if (is_listed(&missing, &l->waiting[i].hash)) {
            to_send[count++] = &l->waiting[i];
        }
    }
    if (!error) {
        error = send_all(l, to_send, count);
    }
    codi2_link_forget(l);
    return error;
}

/* ---- cutting ---- */

static int wait_with(struct codi2_link *l, const struct content_hash *hash, struct str bytes)
{
    int error = l->waiting_count == LINK_WAITING ? codi2_link_flush(l) : 0;
    if (!error) {
        l->waiting[l->waiting_count++] =
            (struct link_piece){.hash = *hash, .bytes = mem_dup(bytes.p, bytes.n), .n = bytes.n};
    }
    return error;
}

static int on_page(void *ctx, const struct content_hash *hash, const struct content_page *page,
                   struct str bytes)
{
    (void)page;
    return wait_with(ctx, hash, bytes);
}

static int take_pieces(struct codi2_link *l, struct content_builder *builder)
{
    struct str piece;
    while (content_cutter_next(l->cutter, &piece)) {
        struct content_ref ref = {.length = piece.n};
        content_hash(piece, &ref.hash);
        int error = wait_with(l, &ref.hash, piece);
        if (!error) {
            error = content_builder_add(builder, &ref);
        }
        if (error) {
            return error;
        }
    }
    return 0;
}

/* Reads the file to its end through the cutter. ERR_CONFLICT: it is not as long as it was. */
static int cut(struct codi2_link *l, struct content_builder *builder, int fd, uint64_t length)
{
    uint64_t total = 0;
    int error = 0;
    for (;;) {
        size_t room;
        char *to = content_cutter_room(l->cutter, &room);
        ssize_t n = fd_read_full(fd, to, room);
        if (n < 0) {
            return (int)n;
        }
        total += (uint64_t)n;
        if (n == 0 || total > length) {
            break;
        }
        content_hasher_add(l->hasher, str_of(to, (size_t)n));
        content_cutter_filled(l->cutter, (size_t)n);
        error = take_pieces(l, builder);
        if (error) {
            return error;
        }
    }
    content_cutter_end(l->cutter);
    error = take_pieces(l, builder);
    return error ? error : total == length ? 0 : ERR_CONFLICT;
}

static int read_small(struct codi2_content *content, int fd, uint64_t length)
{
    char more;
    ssize_t n = fd_read_full(fd, content->small, (size_t)length);
    if (n < 0) {
        return (int)n;
    }
    if ((uint64_t)n != length || read(fd, &more, 1) != 0) {
        return ERR_CONFLICT;
    }
    content_hash(str_of(content->small, (size_t)length), &content->hash);
    content->manifest =
        (struct content_manifest){.hash = content->hash, .length = length, .small = true};
    return 0;
}

int codi2_link_upload(struct codi2_link *l, struct codi2_content *ret_content, int fd,
                      uint64_t length)
{
    if (length <= CONTENT_INLINE_MAX) {
        return read_small(ret_content, fd, length);
    }
    struct content_builder *builder = content_builder_create(on_page, l);
    struct content_hash unused;
    content_cutter_reset(l->cutter);
    content_hasher_end(l->hasher, &unused); /* starts anew */
    int error = cut(l, builder, fd, length);
    if (!error) {
        error = content_builder_end(builder, &ret_content->manifest);
    }
    if (!error) {
        content_hasher_end(l->hasher, &ret_content->hash);
    }
    content_builder_destroy(builder);
    return error;
}

/* ---- fetching ---- */

static int fetch(struct codi2_link *l, const struct content_hash *hash, struct str *ret_plain)
{
    char text[CONTENT_HASH_TEXT + 1];
    content_hash_text(hash, text);
    BUF_AUTO(call, 128);
    BUF_AUTO(reply, CONTENT_ENCODED_MAX);
    buf_printf(&call, "chunks/%s", text);
    struct link_request request = {.method = "GET", .call = buf_z(&call), .query = "", .type = ""};
    int error = codi2_link_call(l, &request, &reply);
    if (error == ERR_NOT_FOUND) {
        return ERR_CORRUPT; /* an entry names it */
    }
    return error ? error : content_decode_checked(l->codec, buf_str(&reply), hash, ret_plain);
}

static int write_below(struct codi2_link *l, const struct content_hash *hash, unsigned level,
                       int fd)
{
    struct str plain;
    int error = fetch(l, hash, &plain);
    if (error || level == 0) {
        return error ? error : fd_write_all(fd, plain);
    }
    struct content_page *page = mem_alloc(sizeof *page);
    error = content_page_decode(plain, page);
    if (!error && page->level != level) {
        error = ERR_CORRUPT;
    }
    for (size_t i = 0; i < page->count && !error; i++) {
        error = write_below(l, &page->refs[i].hash, level - 1, fd);
    }
    mem_free(page);
    return error;
}

int codi2_link_download(struct codi2_link *l, const struct codi2_remote *remote, int fd)
{
    if (remote->manifest.small) {
        return fd_write_all(fd, remote->bytes);
    }
    if (remote->manifest.levels > CONTENT_MAX_LEVELS) {
        return ERR_CORRUPT;
    }
    return write_below(l, &remote->manifest.hash, remote->manifest.levels, fd);
}
