/*
 * Copies of files and folders within a session: names are written anew, content is not (what a manifest names is shared).
 *
 * 1. A file or link is one transaction. A folder begins as an empty one; what is in it follows in batches.
 * 2. What is copied is what was there just before the copy was made: the moment is the seq before the new folder's, which a
 *    repeated operation finds again. So one that was cut off is begun again under the same op and comes to the same.
 * 3. What somebody wrote into the copy meanwhile stays. If the copy itself is deleted or renamed meanwhile, it ends there; also when
 *    it lies in what goes back to a moment, which may take away what came already and leave what comes then.
 * 4. Content is not looked at. What of it is damaged or gone is so in the copy as well, whose readers find out by its hash.
 */
#include "files/node_int.h"
#include "files/quota_int.h"
#include "files/rewind_int.h"

enum { STEP = 250 }; /* entries */

/*
 * A small file's bytes as the version has them. Where that cannot be read they are zeros, of which the hash says that they are
 * wrong: so the copy can be deleted and moved as any file.
 */
static int small_bytes(struct files_tx *tx, const struct files_record *record,
                       struct str *ret_bytes)
{
    struct files_past_version version;
    struct str value;
    int r = store_get(tx->txn, files_key_version(tx, record->id, record->version), &value);
    r = r < 0 ? r : files_version_decode(value, &version);
    if (r < 0 && r != ERR_NOT_FOUND && r != ERR_CORRUPT) {
        return r;
    }
    uint64_t n = record->manifest.length;
    n = n < CONTENT_INLINE_MAX ? n : CONTENT_INLINE_MAX;
    bool whole = r == 0 && version.bytes.n == n;
    *ret_bytes = whole ? version.bytes : str_of(arena_alloc(tx->arena, n), n);
    return 0;
}

/* The file or link as it is, under another name. */
static int copy_leaf(struct files_tx *tx, const struct files_record *record, struct files_place *to)
{
    struct files_content content = {
        .kind = record->kind, .hash = record->hash, .manifest = record->manifest, .named = true};
    int r = record->manifest.small ? small_bytes(tx, record, &content.bytes) : 0;
    struct files_write write = {
        .content = &content, .op = FILES_WRITE, .mode = record->mode, .mtime = record->mtime};
    return r < 0 ? r : files_change_write(tx, to, &write);
}

struct copying {
    const struct files_copy_input *in;
    bool much; /* below the folder was more than may be copied, just before */
};

static int copy_begin(struct files_tx *tx, const struct files_edit *edit,
                      const struct files_record *record, struct files_place *to)
{
    const struct copying *copying = edit->in;
    struct files_node node;
    int r = files_rewind_none(tx);
    if (r == ERR_CONFLICT) { /* of now there is no moment that could be copied */
        return data_fault(edit->ctx, r, NULL,
                          "Its files are going back to a moment. Copy the folder when that is "
                          "done.");
    }
    r = r < 0 ? r : files_node_of(tx, record, &node);
    if (r == 0 && (copying->much || node.files > copying->in->limit)) {
        tx->refusal = "The folder holds more files and folders than may be copied at once.";
        return ERR_LIMIT;
    }
    r = r < 0 ? r : files_node_to(tx, to, record, &node);
    r = r < 0 ? r : files_quota_fits(tx, node.bytes); /* all of it or nothing */
    return r < 0 ? r : files_change_mkdir(tx, to, record->mode, record->mtime);
}

static int copy_step(struct files_tx *tx, struct files_edit *edit)
{
    const struct files_copy_input *in = ((const struct copying *)edit->in)->in;
    struct files_place *from;
    struct files_place *to;
    int r = files_place_find(tx, in->from, &from);
    if (r < 0) {
        return r;
    }
    if (!from->there) {
        return ERR_NOT_FOUND;
    }
    r = files_place_make(tx, in->to, &to);
    if (r < 0 || to->there) {
        return r < 0 ? r : ERR_EXISTS;
    }
    r = from->record.kind == FILES_FOLDER ? copy_begin(tx, edit, &from->record, to)
                                          : copy_leaf(tx, &from->record, to);
    edit->record = to->record;
    return r;
}

/*
 * Whether there is more below the path than may be copied: no folder knows how many folders are in it, so names are looked at, up
 * to that many. What else is wrong there, the copy itself says.
 */
static int look(struct data_context *ctx, struct copying *copying)
{
    const struct files_copy_input *in = copying->in;
    BUF_AUTO(after, CONTENT_MAX_PATH + 1);
    struct files_page page = {.more = true};
    uint64_t n = 0;
    int r = 0;
    while (r == 0 && page.more && n <= in->limit) {
        ARENA_AUTO(arena);
        struct data_context looking = *ctx;
        looking.arena = &arena;
        struct files_list_input names = {.session = in->session,
                                         .path = in->from,
                                         .after = buf_str(&after),
                                         .limit = FILES_MAX_LIST,
                                         .recursive = true};
        r = files_list(&looking, &names, &page);
        if (r == 0) {
            n += page.count;
            buf_clear(&after);
            buf_add(&after, page.next);
        }
    }
    copying->much = n > in->limit;
    return r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY ? 0 : r;
}

/* ---- What is in a folder ---- */

struct filling {
    struct data_context *ctx;
    const struct files_copy_input *in;
    uint64_t id; /* of the new folder */
    uint64_t at; /* the moment that is copied */
    bool torn;   /* some of the copy goes back to a moment, or went */
};

static int rewound(struct files_tx *tx, const struct filling *f, bool *ret_torn)
{
    struct files_rewind_record rewind = {0};
    uint64_t first = f->at;
    int r = 0;
    while (r == 0 && !*ret_torn) {
        r = files_rewind_next(tx, first, &first);
        if (r < 0 || first == UINT64_MAX) {
            return r;
        }
        r = files_rewind_get(tx, first, &rewind);
        *ret_torn = r == 0 && (content_path_within(f->in->to, rewind.path) ||
                               content_path_within(rewind.path, f->in->to));
    }
    return r;
}

/* The copy is still what this operation made. */
static int still_there(struct files_tx *tx, struct filling *f)
{
    struct files_place *place;
    f->torn = false;
    int r = files_place_find(tx, f->in->to, &place);
    if (r < 0) {
        return r;
    }
    if (!place->there || place->record.id != f->id) {
        return ERR_NOT_FOUND;
    }
    r = rewound(tx, f, &f->torn);
    return f->torn ? ERR_NOT_FOUND : r;
}

/* What is there under its name, or in the way to it, is somebody's: ERR_EXISTS, ERR_NOT_DIRECTORY. */
static int copy_entry(struct files_tx *tx, const struct filling *f, const struct files_entry *entry)
{
    struct str below = str_slice(entry->path, f->in->from.n, entry->path.n);
    struct str path = arena_printf(tx->arena, STR_FMT STR_FMT, STR_ARG(f->in->to), STR_ARG(below));
    struct files_record record = {.kind = entry->kind,
                                  .mode = entry->mode,
                                  .id = entry->id,
                                  .version = entry->version,
                                  .mtime = entry->mtime,
                                  .hash = entry->hash,
                                  .manifest = entry->manifest};
    struct files_place *to;
    int r = files_place_make(tx, path, &to);
    if (r < 0 || to->there) {
        return r < 0 ? r : ERR_EXISTS;
    }
    return record.kind == FILES_FOLDER ? files_change_mkdir(tx, to, record.mode, record.mtime)
                                       : copy_leaf(tx, &record, to);
}

struct batch {
    struct filling *f;
    const struct files_entry *entries;
    size_t count;
};

/* Each change has a seq of its own; the one that is left over is given back. */
static int batch_step(struct files_tx *tx, struct files_edit *edit)
{
    const struct batch *batch = edit->in;
    int r = still_there(tx, batch->f);
    for (size_t i = 0; r == 0 && i < batch->count; i++) {
        r = copy_entry(tx, batch->f, &batch->entries[i]);
        if (r == 0) {
            files_tx_next(tx);
        }
        r = r == ERR_EXISTS || r == ERR_NOT_DIRECTORY ? 0 : r;
    }
    tx->seq = --tx->usage.seq;
    return r;
}

/* All or none of it. With long paths it may be more than FILES_MAX_TXN: then its halves. */
static int fill_batch(struct filling *f, const struct files_entry *entries, size_t count)
{
    enum { ENTRY_COST = 800 };
    struct data_context ctx = *f->ctx;
    struct batch batch = {f, entries, count};
    struct files_edit edit = {.ctx = &ctx,
                              .session = f->in->session,
                              .author = &f->in->author,
                              .step = batch_step,
                              .in = &batch};
    for (size_t i = 0; i < count; i++) {
        const struct content_manifest *m = &entries[i].manifest;
        edit.bytes += ENTRY_COST + entries[i].path.n + (m->small ? CONTENT_INLINE_MAX : 0);
    }
    ctx.op = store_op_new();
    int r = count > 0 ? files_edit(&edit) : 0;
    f->ctx->fault = ctx.fault;
    if (r != ERR_TOO_LARGE || count == 1) {
        return r;
    }
    size_t half = count / 2;
    r = fill_batch(f, entries, half);
    return r < 0 ? r : fill_batch(f, entries + half, count - half);
}

static int fill(struct filling *f)
{
    struct arena *answers = f->ctx->arena;
    BUF_AUTO(after, CONTENT_MAX_PATH + 1);
    struct files_page page = {.more = true};
    int r = 0;
    while (r == 0 && page.more) {
        ARENA_AUTO(arena);
        f->ctx->arena = &arena;
        struct files_list_input in = {.session = f->in->session,
                                      .path = f->in->from,
                                      .after = buf_str(&after),
                                      .limit = STEP,
                                      .recursive = true,
                                      .at = f->at};
        r = files_list(f->ctx, &in, &page);
        if (r == 0) {
            buf_clear(&after);
            buf_add(&after, page.next);
            r = fill_batch(f, page.entries, page.count);
        }
        f->ctx->arena = answers;
    }
    return r;
}

int files_copy(struct data_context *ctx, const struct files_copy_input *in,
               struct files_entry *ret_entry)
{
    int r = files_input_check(&in->author, in->from);
    if (r < 0 || files_input_check(&in->author, in->to) < 0) {
        return ERR_INVALID;
    }
    if (content_path_within(in->to, in->from)) {
        return data_fault(ctx, ERR_INVALID, NULL, "Nothing can be copied into itself.");
    }
    struct copying copying = {.in = in};
    struct files_edit edit = {.ctx = ctx,
                              .session = in->session,
                              .author = &in->author,
                              .step = copy_step,
                              .in = &copying};
    r = look(ctx, &copying);
    r = r < 0 ? r : files_edit(&edit);
    if (r < 0) {
        return r;
    }
    files_entry_from(ctx->arena, &edit.record, in->to, ret_entry);
    struct filling filling = {.ctx = ctx, .in = in, .id = edit.record.id, .at = edit.seq - 1};
    /* Before the first change there was nothing to copy: a seq of 0 cannot come here. */
    ASSERT(edit.seq > 1);
    r = edit.record.kind == FILES_FOLDER ? fill(&filling) : 0;
    return !filling.torn ? r
                         : data_fault(ctx, ERR_CONFLICT, NULL,
                                      "The copy went back to a moment while it was made: it is not "
                                      "whole.");
}
