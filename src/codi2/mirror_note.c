/*
 * What the store answered to a batch becomes the index's knowledge: what it took, or which of the changes stands on something
 * else than what stands there; and up to where its changes were applied.
 */
#include "base/assert.h"
#include "codi2/mirror_int.h"

struct note {
    struct codi2_mirror *m;
    struct arena *arena;
};

int codi2_mirror_enter(struct codi2_mirror *m, const struct codi2_entry *entry)
{
    ARENA_AUTO(arena);
    struct codi2_entry above = {.path = entry->path};
    struct codi2_entry known;
    struct str name;
    int error = codi2_index_put(m->index, entry);
    while (!error) {
        content_path_split(above.path, &above.path, &name);
        if (above.path.n == 0 ||
            (error = codi2_index_get(m->index, &arena, above.path, &known)) == 0) {
            break; /* what is above a known one is known */
        }
        above.look = (struct codi2_look){.kind = CODI2_FOLDER, .mode = 0755};
        error = error == ERR_NOT_FOUND ? codi2_index_put(m->index, &above) : error;
        codi2_dirty_add(m->dirty, above.path, /* deep= */ false);
    }
    return error;
}

/* A move carries neither content nor mode: the entry keeps those that the store has, and a new mode is looked at next. */
static int note_moved(struct note *n, struct codi2_entry *entry)
{
    struct codi2_entry moved;
    int error = codi2_index_get(n->m->index, n->arena, entry->path, &moved);
    if (error) {
        return error;
    }
    entry->hash = moved.hash;
    if (entry->look.mode != moved.look.mode) {
        entry->look.mode = moved.look.mode;
        codi2_dirty_add(n->m->dirty, entry->path, /* deep= */ false);
    }
    return 0;
}

static int note_accepted(struct note *n, const struct codi2_change *change, uint64_t version)
{
    struct codi2_index *index = n->m->index;
    const struct codi2_step *s = &change->step;
    if (s->op == CODI2_DELETE) {
        return codi2_index_delete(index, s->path);
    }
    if (s->op == CODI2_MOVE) {
        int error = s->overwrite ? codi2_index_delete(index, s->path) : 0;
        if (!error) {
            error = codi2_index_move(index, s->from, s->path);
        }
        if (error) {
            return error;
        }
    }
    struct codi2_entry entry = {
        .path = s->path, .look = s->look, .version = version, .hash = change->content.hash};
    if (s->op == CODI2_MOVE) {
        codi2_dirty_add(n->m->dirty, s->from,
                        /* deep= */ true); /* something else may stand there */
        int error = note_moved(n, &entry);
        if (error) {
            return error;
        }
    }
    return codi2_mirror_enter(n->m, &entry);
}

/* The change that made this version, as the store tells it. */
static bool find_change(struct note *n, uint64_t version, struct codi2_remote *ret_change)
{
    struct codi2_remotes changes = {0};
    if (version == 0 ||
        codi2_link_changes(n->m->link, n->arena,
                           &(struct codi2_changes_query){.since = version - 1}, &changes) != 0 ||
        changes.count == 0 || changes.at[0].version != version) {
        return false;
    }
    *ret_change = changes.at[0];
    return true;
}

/*
 * A folder that is gone here was changed by others, or something in it was, which has not come yet: that is pulled before anything
 * is sent, and comes back with the folder. What else was in it stays deleted, as it was seen going: the index knows it, and it is
 * named. When no pull will tell of the version that stands there the index is wrong: all comes back.
 */
static int note_folder(struct note *n, const struct codi2_entry *folder, uint64_t version)
{
    ARENA_AUTO(arena);
    BUF_AUTO(after, CONTENT_MAX_PATH);
    struct codi2_mirror *m = n->m;
    struct codi2_entries page;
    if (folder->version == 0) { /* made on the way to what was in it: now it is known */
        struct codi2_entry learned = *folder;
        learned.version = version;
        return codi2_index_put(m->index, &learned);
    }
    if (version != folder->version && version <= m->seen) {
        int error = codi2_index_delete(m->index, folder->path);
        return error ? error : codi2_mirror_start_anew(m);
    }
    do {
        arena_reset(&arena);
        struct codi2_span span = {.folder = folder->path, .after = buf_str(&after)};
        int error = codi2_index_below(m->index, &arena, &span, &page);
        if (error) {
            return error;
        }
        for (size_t i = 0; i < page.count; i++) {
            codi2_dirty_add(m->dirty, page.at[i].path, /* deep= */ false);
        }
        if (page.count > 0) {
            buf_clear(&after);
            buf_add(&after, page.at[page.count - 1].path);
        }
    } while (page.count == CODI2_PAGE);
    return 0;
}

/*
 * A deletion or a move was refused, since another version stands there. When it is our own (the index had not heard of it when
 * codi2 was killed), or stands in a move's way, the step is taken again on top of it. What others made wins: it comes back.
 */
static int note_refused(struct note *n, const struct codi2_step *s, uint64_t version)
{
    struct codi2_index *index = n->m->index;
    struct str source = s->op == CODI2_MOVE ? s->from : s->path;
    struct codi2_remote last;
    struct codi2_entry known;
    bool indexed = codi2_index_get(index, n->arena, source, &known) == 0;
    bool told = find_change(n, version, &last);
    if (told && s->op == CODI2_MOVE && str_eq(last.path, s->path)) {
        return codi2_index_put(index, &(struct codi2_entry){.path = s->path,
                                                            .look = {.kind = s->look.kind},
                                                            .version = version});
    }
    if (indexed && known.look.kind == CODI2_FOLDER && version > 0) {
        return note_folder(n, &known, version);
    }
    if (told && indexed && last.ours && str_eq(last.path, source)) {
        known.version = version;
        return codi2_index_put(index, &known);
    }
    return codi2_index_delete(index, source);
}

/* A folder is refused by what is none, and a file on top of the very version that stands there by a folder: it makes room. */
static enum codi2_kind stands_there(const struct codi2_step *s, uint64_t version)
{
    return s->look.kind == CODI2_FOLDER ? CODI2_FILE
           : s->base == version         ? CODI2_FOLDER
                                        : s->look.kind;
}

/* Somebody else changed the path meanwhile. A local write goes on top of theirs, which stays in the history. */
static int note_conflict(struct note *n, const struct codi2_change *change, uint64_t version)
{
    struct codi2_index *index = n->m->index;
    const struct codi2_step *s = &change->step;
    atomic_store(&n->m->remote, true);
    if (s->op == CODI2_DELETE && s->look.inode != 0) { /* what stands there now goes on top */
        codi2_dirty_conflict(n->m->dirty, s->path, CODI2_BOTH_CHANGED);
    }
    if (s->op == CODI2_DELETE || s->op == CODI2_MOVE) {
        return note_refused(n, s, version);
    }
    if (version == 0) {
        return codi2_index_delete(index, s->path);
    }
    if (codi2_mirror_leaves_to_pull(n->m, change, version)) {
        return 0;
    }
    codi2_dirty_conflict(n->m->dirty, s->path, CODI2_BOTH_CHANGED);
    struct codi2_entry entry = {
        .path = s->path, .look = {.kind = stands_there(s, version)}, .version = version};
    return codi2_index_put(index, &entry);
}

void codi2_mirror_meet_above(struct codi2_mirror *m, struct str path)
{
    for (size_t end = str_find(path, '/', 0); end < path.n; end = str_find(path, '/', end + 1)) {
        struct str above = str_slice(path, 0, end);
        struct codi2_look look;
        if (codi2_tree_look(&m->tree, above, &look) == 0 && look.kind != CODI2_FOLDER) {
            codi2_dirty_conflict(m->dirty, above, CODI2_BOTH_CHANGED);
            codi2_dirty_add(m->dirty, above, /* deep= */ false);
            return;
        }
    }
}

static int note(struct codi2_mirror *m, struct arena *arena, const struct codi2_batch *batch,
                const struct codi2_reply *reply)
{
    struct note *n = &(struct note){m, arena};
    int error = codi2_index_begin(n->m->index);
    if (!error && reply->verdict == CODI2_ACCEPTED) {
        for (size_t i = 0; i < batch->count && !error; i++) {
            error = note_accepted(n, &batch->changes[i], reply->versions[i]);
        }
    } else if (!error && reply->verdict == CODI2_CONFLICT) {
        ASSERT(reply->index < batch->count);
        error = note_conflict(n, &batch->changes[reply->index], reply->version);
    }
    if (!error && reply->verdict == CODI2_ACCEPTED) {
        error = codi2_index_set_fact(n->m->index, "heard", reply->seq);
    }
    int committed = codi2_index_commit(n->m->index);
    if (!error && !committed && reply->verdict == CODI2_ACCEPTED) {
        m->heard = reply->seq;
        m->seen = reply->first == m->seen + 1 ? reply->seq : m->seen;
    }
    return error ? error : committed;
}

/* ---- what is persisted now ---- */

enum { MOST_NAME = 120 };

void codi2_mirror_tell(struct codi2_mirror *m, struct str path, const char *what)
{
    BUF_AUTO(text, 1024);
    struct str name = path.n > MOST_NAME ? str_slice(path, path.n - MOST_NAME, path.n) : path;
    while (name.n > 0 && ((unsigned char)name.p[0] & 0xc0) == 0x80) {
        name = str_slice(name, 1, name.n); /* from the start of a character */
    }
    name.n = str_utf8_prefix(name);
    buf_printf(&text, STR_FMT " %s", STR_ARG(name), what);
    codi2_status_notice(
        m->options.status,
        &(struct codi2_notice){.text = buf_str(&text), .root = m->options.number, .path = path});
}

void codi2_mirror_tell_back(struct codi2_mirror *m, struct str path, bool below)
{
    if (!m->options.home && m->facts.held_back == 0) { /* those nobody has deleted */
        codi2_mirror_tell(
            m, path,
            below ? "was deleted or moved here while something in it was changed elsewhere. What "
                    "was changed is kept there; delete it again if you do not want it."
                  : "was deleted or moved here while it was changed elsewhere. It is kept there as "
                    "it was changed; delete it again if you do not want it.");
    }
}

void codi2_mirror_tell_stays(struct codi2_mirror *m, struct str path, enum codi2_kind kind)
{
    if (!m->options.home && m->ours_stays) {
        codi2_mirror_tell(
            m, path,
            kind == CODI2_FOLDER
                ? "was deleted elsewhere. What was changed or made here in it meanwhile stays; "
                  "delete "
                  "it again if you do not want it."
                : "was deleted elsewhere while it was changed here. It is kept as it was changed; "
                  "delete it again if you do not want it.");
    }
}

/* Whoever works here has changed what others changed too: their version is the one before ours in the history. */
static void tell_conflict(struct codi2_mirror *m, struct str path, enum codi2_conflict how)
{
    codi2_mirror_tell(m, path,
                      how == CODI2_DIFFERS
                          ? "differs from what was stored. What you have here stays on top; the "
                            "other version is in its history."
                          : "was changed here and elsewhere at the same time. What you have here "
                            "stays; the other version is in its history.");
}

static void settle(struct codi2_mirror *m, const struct codi2_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct codi2_step *step = &batch->changes[i].step;
        codi2_mirror_damage_touched(m, step->path);
        codi2_mirror_damage_touched(m, step->from);
        bool room = step->op == CODI2_DELETE && step->look.inode != 0; /* for another kind */
        bool content = step->op == CODI2_WRITE || step->op == CODI2_LINK || room;
        if (batch->changes[i].saved) {
            codi2_saves_done(m->saves, step->path, &batch->changes[i].content.hash);
        }
        enum codi2_conflict conflict = codi2_dirty_persisted(m->dirty, step->path);
        /* In a home the last writer wins (ADR 17), except over what a person has just saved: who pressed the key is told. */
        if (conflict && content && (!m->options.home || batch->changes[i].saved)) {
            tell_conflict(m, step->path, conflict);
        }
    }
}

int codi2_mirror_send(struct codi2_mirror *m, const struct codi2_batch *batch, bool *ret_refused)
{
    ARENA_AUTO(arena);
    struct codi2_reply reply;
    int error = codi2_link_push(m->link, &arena, batch, &reply);
    error = error ? error : note(m, &arena, batch, &reply);
    if (error) {
        return error;
    }
    bool taken = reply.verdict == CODI2_ACCEPTED;
    if (taken) {
        settle(m, batch);
    }
    m->facts.seq = reply.seq > m->facts.seq ? reply.seq : m->facts.seq;
    *ret_refused = !taken;
    return 0;
}

int codi2_mirror_applied(struct codi2_mirror *m, uint64_t seq)
{
    int error = codi2_index_set_fact(m->index, "seq", seq);
    if (!error) {
        m->heard = seq > m->heard ? seq : m->heard;
        error = codi2_index_set_fact(m->index, "heard", m->heard);
    }
    if (!error) {
        atomic_store(&m->applied, seq);
        m->seen = seq > m->seen ? seq : m->seen;
        m->facts.seq = seq > m->facts.seq ? seq : m->facts.seq;
    }
    return error;
}
