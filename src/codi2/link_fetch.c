/*
 * Content from the server, every chunk's hash checked. Many small files, and the parts of a large one, are asked for in lots
 * that one answer holds, and the next lot is on its way while this one is written. A lot is a hint: what did not come with it
 * is asked for by itself.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codi2/link_int.h"

/* ---- lots ---- */

static struct link_ahead *ahead_create(const struct codi2_link *l)
{
    struct link_ahead *a = MEM_NEW(struct link_ahead);
    a->link = codi2_link_create(&l->options);
    for (int i = 0; i < 2; i++) {
        buf_init(&a->came[i].bytes, WIRE_MAX_CHUNK_BYTES);
        arena_init(&a->came[i].arena);
    }
    return a;
}

static void join(struct link_ahead *a)
{
    if (a->running) {
        (void)pthread_join(a->thread, NULL);
        a->running = false;
    }
}

void codi2_link_ahead_destroy(struct link_ahead *a)
{
    if (!a) {
        return;
    }
    join(a);
    for (int i = 0; i < 2; i++) {
        buf_fini(&a->came[i].bytes);
        arena_fini(&a->came[i].arena);
    }
    codi2_link_destroy(a->link);
    mem_free(a);
}

static void *bring(void *ctx)
{
    struct link_ahead *a = ctx;
    struct link_came *came = &a->came[a->coming];
    BUF_AUTO(body, WIRE_MAX_REQUEST);
    wire_hashes_write(&body, &(struct wire_hashes){a->wanted, a->count});
    struct link_request request = {.method = "POST",
                                   .call = "chunks:get",
                                   .query = "",
                                   .type = "application/json",
                                   .body = buf_str(&body)};
    if (codi2_link_call(a->link, &request, &came->bytes) != 0 ||
        wire_chunks_read(&came->arena, buf_str(&came->bytes), &came->chunks) != 0) {
        came->chunks.n = 0;
    }
    return NULL;
}

/* What came becomes what is used; what is wanted is on its way. */
static void turn(struct link_ahead *a)
{
    join(a);
    a->coming = 1 - a->coming;
    struct link_came *came = &a->came[a->coming];
    arena_reset(&came->arena);
    buf_clear(&came->bytes);
    came->chunks = (struct wire_chunks){0};
    a->running = a->count > 0 && pthread_create(&a->thread, NULL, bring, a) == 0;
}

static bool find(const struct link_ahead *a, const struct content_hash *hash,
                 struct str *ret_encoded)
{
    const struct wire_chunks *chunks = a ? &a->came[1 - a->coming].chunks : NULL;
    for (size_t i = 0; chunks && i < chunks->n; i++) {
        if (content_hash_eq(&chunks->at[i].hash, hash)) {
            *ret_encoded = chunks->at[i].encoded;
            return true;
        }
    }
    return false;
}

size_t codi2_link_ahead(struct codi2_link *l, const struct codi2_remote *remotes, size_t count)
{
    uint64_t bytes = 0;
    size_t taken = 0;
    if (!l->files) {
        l->files = ahead_create(l);
    }
    join(l->files);
    for (l->files->count = 0; taken < count && taken < LINK_LOT; taken++) {
        const struct codi2_remote *r = &remotes[taken];
        if (r->kind != CODI2_FILE || r->manifest.small || r->manifest.levels > 0) {
            continue;
        }
        bytes += r->size;
        if (bytes > LINK_GROUP_BYTES) {
            break;
        }
        l->files->wanted[l->files->count++] = r->manifest.hash;
    }
    turn(l->files);
    return taken;
}

void codi2_link_ahead_end(struct codi2_link *l)
{
    codi2_link_ahead_destroy(l->files);
    l->files = NULL;
}

/* ---- one chunk ---- */

static int fetch_alone(struct codi2_link *l, const struct content_hash *hash, struct buf *reply)
{
    char text[CONTENT_HASH_TEXT + 1];
    content_hash_text(hash, text);
    BUF_AUTO(call, 128);
    buf_printf(&call, "chunks/%s", text);
    struct link_request request = {.method = "GET", .call = buf_z(&call), .query = "", .type = ""};
    int error = codi2_link_call(l, &request, reply);
    return error == ERR_NOT_FOUND ? ERR_CORRUPT : error; /* an entry names it */
}

static int fetch(struct codi2_link *l, const struct content_hash *hash, struct str *ret_plain)
{
    BUF_AUTO(reply, CONTENT_ENCODED_MAX);
    struct str encoded;
    if (!find(l->files, hash, &encoded) && !find(l->parts, hash, &encoded)) {
        int error = fetch_alone(l, hash, &reply);
        if (error) {
            return error;
        }
        encoded = buf_str(&reply);
    }
    return content_decode_checked(l->codec, encoded, hash, ret_plain);
}

/* ---- a file ---- */

/* The parts from here on that one answer has room for, as far as a chunk's length is known. */
static size_t parts_ahead(struct codi2_link *l, const struct content_page *page, size_t from)
{
    uint64_t bytes = 0;
    size_t at = from;
    if (!l->parts) {
        l->parts = ahead_create(l);
    }
    join(l->parts);
    for (l->parts->count = 0; at < page->count && l->parts->count < WIRE_MAX_CHUNKS; at++) {
        bytes += page->refs[at].length;
        if (bytes > LINK_GROUP_BYTES) {
            break;
        }
        l->parts->wanted[l->parts->count++] = page->refs[at].hash;
    }
    turn(l->parts);
    return at;
}

static bool is_hole(struct str plain)
{
    return plain.n > 0 && plain.p[0] == 0 && memcmp(plain.p, plain.p + 1, plain.n - 1) == 0;
}

/* What is zero is not written: a file of holes need not fit on the disk. */
static int write_chunk(struct codi2_link *l, const struct content_hash *hash, int fd)
{
    struct str plain;
    int error = fetch(l, hash, &plain);
    if (error || !is_hole(plain)) {
        return error ? error : fd_write_all(fd, plain);
    }
    return lseek(fd, (off_t)plain.n, SEEK_CUR) < 0 ? err_from_errno(errno) : 0;
}

/* A hole at the end makes no file longer. */
static int write_end(int fd)
{
    off_t end = lseek(fd, 0, SEEK_CUR);
    return end < 0 || ftruncate(fd, end) < 0 ? err_from_errno(errno) : 0;
}

static int write_leaf(struct codi2_link *l, const struct content_page *page, int fd)
{
    int error = 0;
    size_t asked = parts_ahead(l, page, 0);
    for (size_t i = 0, lot = 0; i < page->count && !error; i++) {
        if (i == lot) {
            lot = asked;
            asked = parts_ahead(l, page, asked);
        }
        error = write_chunk(l, &page->refs[i].hash, fd);
    }
    return error;
}

static int write_below(struct codi2_link *l, const struct content_hash *hash, unsigned level,
                       int fd)
{
    struct str plain;
    if (level == 0) {
        return write_chunk(l, hash, fd);
    }
    int error = fetch(l, hash, &plain);
    if (error) {
        return error;
    }
    struct content_page *page = mem_alloc(sizeof *page);
    error = content_page_decode(plain, page);
    if (!error && page->level != level) {
        error = ERR_CORRUPT;
    }
    if (!error && level == 1) {
        error = write_leaf(l, page, fd);
    }
    for (size_t i = 0; level > 1 && i < page->count && !error; i++) {
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
    int error = write_below(l, &remote->manifest.hash, remote->manifest.levels, fd);
    codi2_link_ahead_destroy(l->parts);
    l->parts = NULL;
    return error ? error : write_end(fd);
}
