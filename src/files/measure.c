/*
 * How far a folder reaches, looked up. What is recorded of it (node.c) bounds from above: what was deleted or moved away is still
 * in it. So what the record alone refuses is refused only once the names themselves were looked at; what they come to is
 * recorded, and the next one need not look.
 *
 * 1. Names are read beside the writer, a few of one folder in each transaction. All are of one seq of the session, or it begins
 *    again: nothing came meanwhile that the record would not know of.
 * 2. Folders that fit by what is recorded of them are not entered: for them the record is good enough.
 * 3. It ends at the first name that lies too far, and after LOOKS transactions, refusing what may fit; what was measured until
 *    then is recorded, so that the next attempt comes further.
 */
#include "files/node_int.h"

enum { NAMES = 64, LOOKS = 10000, KEPT = 500, TRIES = 3 };

struct level { /* a folder on the way to the names in hand */
    uint64_t folder;
    size_t name_n;          /* bytes of its name */
    size_t before;          /* of a path up to a name in it, from the folder that is measured */
    struct files_node node; /* how far it reaches by what was looked at */
    bool more;              /* there may be names behind the last */
    size_t last_n;
    char last[CONTENT_MAX_NAME];
};

struct child {
    struct str name;
    uint64_t id;
    struct files_node node;
};

struct measured {
    uint64_t folder;
    uint64_t reach;
    uint64_t levels;
};

struct measure {
    struct data_context *ctx;
    struct str session;
    const struct files_tight *tight;
    uint64_t seq; /* that all is of; 0: not known yet */
    struct level *levels;
    size_t depth;
    struct measured *kept; /* to be recorded */
    size_t kept_n;
    unsigned looks;
    /* the names in hand */
    struct arena arena;
    struct child *children;
    size_t n;
    bool more;
};

static struct level *innermost(struct measure *m)
{
    return &m->levels[m->depth - 1];
}

/* ---- in transactions ---- */

static int tx_begin(struct measure *m, struct txn *txn, struct files_tx *ret_tx)
{
    *ret_tx = (struct files_tx){0};
    int r = files_tx_begin(ret_tx, txn, &m->ctx->scope, m->session);
    if (r == 0 && m->seq == 0) {
        m->seq = ret_tx->usage.seq;
    }
    return r == 0 && ret_tx->usage.seq != m->seq ? ERR_CONFLICT : r;
}

static int names_read(struct txn *txn, void *arg)
{
    struct measure *m = arg;
    const struct level *level = innermost(m);
    struct files_children_query query = {.folder = level->folder,
                                         .at = FILES_NOW,
                                         .after = str_of(level->last, level->last_n),
                                         .limit = NAMES};
    struct files_children found = {0};
    struct files_tx tx;
    m->n = 0;
    int r = tx_begin(m, txn, &tx);
    r = r < 0 ? r : files_children(&tx, &query, &found);
    for (size_t i = 0; r == 0 && i < found.n; i++) {
        struct child *child = &m->children[m->n++];
        child->name = arena_str(&m->arena, found.at[i].name);
        child->id = found.at[i].record.id;
        r = files_node_of(&tx, &found.at[i].record, &child->node);
    }
    m->more = found.more;
    return r;
}

static int kept_write(struct txn *txn, void *arg)
{
    struct measure *m = arg;
    struct files_tx tx;
    int r = tx_begin(m, txn, &tx);
    for (size_t i = 0; r == 0 && i < m->kept_n; i++) {
        const struct measured *one = &m->kept[i];
        const struct files_record folder = {.kind = FILES_FOLDER, .id = one->folder};
        struct files_node node = {0};
        r = files_node_of(&tx, &folder, &node);
        bool lower = node.reach > one->reach || node.levels > one->levels;
        if (r == 0 && lower) { /* of a folder that went meanwhile there is no record */
            node.reach = one->reach;
            node.levels = one->levels;
            files_node_put(&tx, one->folder, &node);
        }
    }
    return r;
}

/* ---- from name to name ---- */

static int record_kept(struct measure *m)
{
    int r = m->kept_n > 0 ? store_write(m->ctx->store, NULL, kept_write, m) : 0;
    m->kept_n = 0;
    return r;
}

static void enter(struct measure *m, struct level folder)
{
    ASSERT(m->depth <= CONTENT_MAX_DEPTH);
    folder.more = true;
    m->levels[m->depth++] = folder;
}

static int leave(struct measure *m)
{
    const struct level *level = innermost(m);
    m->depth--;
    m->kept[m->kept_n++] = (struct measured){level->folder, level->node.reach, level->node.levels};
    if (m->depth > 0) {
        files_node_hold(&innermost(m)->node, level->name_n, &level->node);
    }
    return m->kept_n == KEPT ? record_kept(m) : 0;
}

/* A name counts in its folder, or is entered first. */
static int look(struct measure *m, const struct child *child)
{
    struct level *level = innermost(m);
    const struct files_node *node = &child->node;
    uint64_t path = level->before + child->name.n;
    uint64_t below = node->reach > 0 ? 1 + node->reach : 0;
    level->last_n = child->name.n;
    memcpy(level->last, child->name.p, child->name.n);
    if (path > m->tight->reach || m->depth > m->tight->levels) {
        return ERR_LIMIT;
    }
    if (path + below > m->tight->reach || m->depth + node->levels > m->tight->levels) {
        enter(m, (struct level){.folder = child->id, .name_n = child->name.n, .before = path + 1});
    } else {
        files_node_hold(&level->node, child->name.n, node);
    }
    return 0;
}

/* The next names of the innermost folder, up to one that is entered. */
static int look_on(struct measure *m)
{
    size_t depth = m->depth;
    if (m->looks++ == LOOKS) {
        return ERR_LIMIT;
    }
    arena_reset(&m->arena);
    int r = store_read(m->ctx->store, names_read, m);
    for (size_t i = 0; r == 0 && i < m->n && m->depth == depth; i++) {
        r = look(m, &m->children[i]);
    }
    if (m->depth == depth) {
        innermost(m)->more = m->more;
    }
    return r;
}

static int measure_once(struct measure *m)
{
    int r = 0;
    m->seq = 0;
    m->depth = 0;
    m->kept_n = 0;
    enter(m, (struct level){.folder = m->tight->folder});
    while (r == 0 && m->depth > 0) {
        r = innermost(m)->more ? look_on(m) : leave(m);
    }
    int recorded = r == 0 || r == ERR_LIMIT ? record_kept(m) : 0;
    return recorded < 0 ? recorded : r;
}

int files_measure(struct data_context *ctx, struct str session, const struct files_tight *tight)
{
    struct measure m = {.ctx = ctx,
                        .session = session,
                        .tight = tight,
                        .levels = ARENA_ARRAY(ctx->arena, struct level, CONTENT_MAX_DEPTH + 1),
                        .kept = ARENA_ARRAY(ctx->arena, struct measured, KEPT),
                        .children = ARENA_ARRAY(ctx->arena, struct child, NAMES)};
    arena_init(&m.arena);
    int r = ERR_CONFLICT;
    for (int i = 0; i < TRIES && r == ERR_CONFLICT; i++) {
        r = measure_once(&m);
    }
    arena_fini(&m.arena);
    return r == ERR_CONFLICT ? ERR_LIMIT : r;
}
