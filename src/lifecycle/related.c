/*
 * Which of a person's sessions have to do with one of them: forks, the project, the name, the repository, files.
 *
 * 1. Only what the person's own list shows is looked at, so that nothing of anybody else can come into it.
 * 2. The work is bounded: all sessions (at most SESSIONS_MAX_PER_USER) by their records; files only of the likeliest CANDIDATES,
 *    and of each the first LIFECYCLE_RELATED_FILES entries, in PAGES_MOST reads. Of a session that is related by its files alone, those
 *    of the latest activity are likeliest.
 * 3. A repository is known by the address that a session was made with, however that is written. Two clones made otherwise usually
 *    have the same .git/config, which names where they came from.
 * 4. What git keeps for itself in .git is nobody's work: two new repositories have the same hooks. It is stepped over, not read.
 */
#include "base/assert.h"
#include "files/files.h"
#include "lifecycle/lifecycle.h"

enum { CANDIDATES = LIFECYCLE_RELATED_MAX, PAIRS = 4096, PAGES_MOST = 8 };

/* What a reason is worth; files up to FILES, a name up to NAME. */
enum { FORK = 40, ORIGIN = 25, PROJECT = 15, NAME = 15, REPOSITORY = 20, FILES = 30, MOST = 100 };

struct related {
    struct data_context *ctx;
    struct sessions_view self;
    uint8_t pairs[PAIRS / 8]; /* of neighbouring bytes that the name has */
    size_t pair_count;
    struct str repository; /* that it was made with; empty: none */
    struct files_page files;
    struct str config; /* hash of .git/config; empty: none */
    struct lifecycle_relation *at;
    size_t n;
};

static unsigned pair_of(struct str text, size_t i)
{
    return ((unsigned)(uint8_t)text.p[i] * 61 + (uint8_t)text.p[i + 1]) % PAIRS;
}

static void read_name(struct related *s)
{
    struct str name = data_text_fold(s->ctx->arena, s->self.session.name);
    s->pair_count = name.n > 0 ? name.n - 1 : 0;
    for (size_t i = 0; i < s->pair_count; i++) {
        unsigned pair = pair_of(name, i);
        s->pairs[pair / 8] |= (uint8_t)(1u << pair % 8);
    }
}

/* How much of the longer name's pairs both have, in percent. */
static unsigned likeness(const struct related *s, struct str other)
{
    struct str name = data_text_fold(s->ctx->arena, other);
    size_t count = name.n > 0 ? name.n - 1 : 0;
    size_t most = count > s->pair_count ? count : s->pair_count;
    size_t both = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned pair = pair_of(name, i);
        both += s->pairs[pair / 8] >> pair % 8 & 1;
    }
    return most > 0 ? (unsigned)(both * 100 / most) : 0;
}

/* An address of a repository without its scheme and what is optional at its end, the host in lower case. */
static struct str repository_of(struct arena *arena, struct str url)
{
    size_t begin = str_find(url, ':', 0) + strlen("://");
    struct str rest = begin < url.n ? str_slice(url, begin, url.n) : STR_EMPTY;
    while (str_ends(rest, STR("/"))) {
        rest.n--;
    }
    rest.n -= str_ends(rest, STR(".git")) ? strlen(".git") : 0;
    BUF_AUTO(text, SESSIONS_URL_MAX);
    bool host = true;
    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i];
        host = host && c != '/';
        buf_byte(&text, host && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    return arena_str(arena, buf_str(&text));
}

static void add(struct lifecycle_relation *one, enum lifecycle_reason reason, unsigned worth)
{
    one->reasons |= 1u << reason;
    one->score += worth;
}

static void judge_record(const struct related *s, struct lifecycle_relation *one)
{
    const struct data_session *self = &s->self.session;
    const struct data_session *other = &one->view.session;
    if (str_eq(self->forked_from, other->id)) {
        add(one, LIFECYCLE_FORK_OF, FORK);
    }
    if (str_eq(other->forked_from, self->id)) {
        add(one, LIFECYCLE_FORK, FORK);
    }
    if (self->forked_from.n > 0 && str_eq(self->forked_from, other->forked_from)) {
        add(one, LIFECYCLE_SAME_ORIGIN, ORIGIN);
    }
    if (self->project_id.n > 0 && str_eq(self->project_id, other->project_id)) {
        add(one, LIFECYCLE_PROJECT, PROJECT);
    }
    if (s->repository.n > 0 &&
        str_eq(s->repository, repository_of(s->ctx->arena, other->source_url))) {
        add(one, LIFECYCLE_REPOSITORY, REPOSITORY);
    }
    unsigned percent = likeness(s, other->name);
    if (percent >= 50) {
        add(one, LIFECYCLE_NAME, percent * NAME / 100);
    }
}

/* The best stay, at most CANDIDATES; of equals those that came first, whose activity is later. */
static void keep(struct related *s, const struct lifecycle_relation *one)
{
    size_t i = s->n;
    if (i == CANDIDATES && s->at[i - 1].score >= one->score) {
        return;
    }
    i = i == CANDIDATES ? i - 1 : i;
    for (; i > 0 && s->at[i - 1].score < one->score; i--) {
        s->at[i] = s->at[i - 1];
    }
    s->at[i] = *one;
    s->n += s->n < CANDIDATES;
}

static int look_at_records(struct related *s)
{
    struct sessions_page page = {.next = STR_EMPTY};
    do {
        struct sessions_list_input in = {.limit = DATA_MAX_LIST, .cursor = page.next};
        int r = sessions_list(s->ctx, &in, &page);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < page.n; i++) {
            struct lifecycle_relation one = {.view = page.at[i]};
            if (!str_eq(one.view.session.id, s->self.session.id)) {
                judge_record(s, &one);
                keep(s, &one);
            }
        }
    } while (page.next.n > 0);
    return 0;
}

/* ---- Files ---- */

/* In the session's root, else where the repository was cloned to that it began with: a claim of its workspace. */
static int stat_config(struct data_context *ctx, const struct data_session *session,
                       struct files_entry *ret_entry)
{
    struct str folder = session->source_folder;
    int r = files_stat(ctx, session->id, STR(".git/config"), ret_entry);
    if ((r != ERR_NOT_FOUND && r != ERR_NOT_DIRECTORY) || folder.n == 0) {
        return r;
    }
    r = files_stat(ctx, session->id,
                   arena_printf(ctx->arena, STR_FMT "/.git/config", STR_ARG(folder)), ret_entry);
    return r == ERR_INVALID ? ERR_NOT_FOUND : r;
}

static int config_of(struct data_context *ctx, const struct data_session *session,
                     struct str *ret_hash)
{
    struct files_entry entry;
    int r = stat_config(ctx, session, &entry);
    if (r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY) {
        *ret_hash = STR_EMPTY;
        return 0;
    }
    if (r == 0) {
        *ret_hash =
            entry.kind == FILES_FILE
                ? arena_str(ctx->arena, str_of((const char *)&entry.hash, sizeof entry.hash))
                : STR_EMPTY;
    }
    return r;
}

static bool is_git(struct str path)
{
    return str_eq(path, STR(".git")) || str_ends(path, STR("/.git"));
}

/* Adds what is listed behind `after`; stops at a .git, behind which the next page begins. Empty: that was all. */
static int add_entries(struct data_context *ctx, struct files_page *all, struct str *after,
                       struct str session)
{
    struct files_list_input in = {.session = session,
                                  .after = *after,
                                  .limit = LIFECYCLE_RELATED_FILES - all->count,
                                  .recursive = true};
    struct files_page page;
    int r = files_list(ctx, &in, &page);
    if (r < 0) {
        return r;
    }
    *after = page.more ? page.next : STR_EMPTY;
    for (size_t i = 0; i < page.count; i++) {
        if (is_git(page.entries[i].path)) {
            /* no name is larger than one that ends in the largest byte, of which UTF-8 has none */
            *after = arena_printf(ctx->arena, STR_FMT "/\xff", STR_ARG(page.entries[i].path));
            break;
        }
        all->entries[all->count++] = page.entries[i];
    }
    return 0;
}

static int entries_of(struct data_context *ctx, struct str session, struct files_page *ret_page)
{
    struct files_page all = {
        .entries = ARENA_ARRAY(ctx->arena, struct files_entry, LIFECYCLE_RELATED_FILES)};
    struct str after = STR_EMPTY;
    int r = add_entries(ctx, &all, &after, session);
    for (unsigned i = 1; r == 0 && after.n > 0 && i < PAGES_MOST; i++) {
        if (all.count == LIFECYCLE_RELATED_FILES) {
            break;
        }
        r = add_entries(ctx, &all, &after, session);
    }
    if (r == 0) {
        *ret_page = all;
    }
    return r;
}

/* In the order of a recursive list: a folder's content right behind it. */
static int path_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        unsigned x = a.p[i] == '/' ? 0 : (uint8_t)a.p[i];
        unsigned y = b.p[i] == '/' ? 0 : (uint8_t)b.p[i];
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static bool is_same(const struct files_entry *a, const struct files_entry *b)
{
    return a->kind == FILES_FILE && b->kind == FILES_FILE && a->size > 0 && a->size == b->size &&
           memcmp(&a->hash, &b->hash, sizeof a->hash) == 0;
}

static unsigned shared(const struct files_page *a, const struct files_page *b)
{
    unsigned count = 0;
    for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
        int order = path_cmp(a->entries[i].path, b->entries[k].path);
        count += order == 0 && is_same(&a->entries[i], &b->entries[k]);
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}

static size_t files_in(const struct files_page *page)
{
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        count += page->entries[i].kind == FILES_FILE && page->entries[i].size > 0;
    }
    return count;
}

static int judge_files(const struct related *s, struct lifecycle_relation *one)
{
    ARENA_AUTO(arena);
    struct data_context ctx = *s->ctx;
    ctx.arena = &arena;
    struct files_page page;
    struct str config;
    int r = entries_of(&ctx, one->view.session.id, &page);
    bool known = s->config.n == 0 || (one->reasons & 1u << LIFECYCLE_REPOSITORY);
    r = r < 0 || known ? r : config_of(&ctx, &one->view.session, &config);
    if (r < 0) {
        return r;
    }
    if (!known && str_eq(config, s->config)) {
        add(one, LIFECYCLE_REPOSITORY, REPOSITORY);
    }
    size_t own = files_in(&s->files);
    size_t theirs = files_in(&page);
    one->shared = shared(&s->files, &page);
    if (one->shared > 0) {
        size_t most = own > theirs ? own : theirs;
        add(one, LIFECYCLE_FILES, 1 + (unsigned)(one->shared * (FILES - 1) / most));
    }
    return 0;
}

static int look_at_files(struct related *s)
{
    int r = entries_of(s->ctx, s->self.session.id, &s->files);
    r = r < 0 ? r : config_of(s->ctx, &s->self.session, &s->config);
    size_t n = s->n;
    struct lifecycle_relation *judged = s->at;
    s->at = ARENA_ARRAY(s->ctx->arena, struct lifecycle_relation, CANDIDATES);
    s->n = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        int looked = judge_files(s, &judged[i]);
        if (looked == ERR_NOT_FOUND) {
            continue; /* deleted meanwhile */
        }
        r = looked;
        judged[i].score = judged[i].score > MOST ? MOST : judged[i].score;
        if (r == 0 && judged[i].score > 0) {
            keep(s, &judged[i]);
        }
    }
    return r;
}

int lifecycle_related(struct data_context *ctx, struct str id,
                      struct lifecycle_related *ret_related)
{
    struct related s = {.ctx = ctx};
    int r = sessions_get(ctx, id, &s.self);
    if (r < 0 || s.self.session.deleted) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    s.at = ARENA_ARRAY(ctx->arena, struct lifecycle_relation, CANDIDATES);
    s.repository = repository_of(ctx->arena, s.self.session.source_url);
    read_name(&s);
    r = look_at_records(&s);
    r = r < 0 ? r : look_at_files(&s);
    if (r == 0) {
        *ret_related = (struct lifecycle_related){.at = s.at, .n = s.n};
    }
    return r;
}
