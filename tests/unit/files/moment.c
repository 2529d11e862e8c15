/*
 * Random operations on the tree and on a plain model of it: the same answers, the same listing in pages of any size, the
 * same totals, and afterwards every moment that was remembered is listed as it was.
 */
#include "files/fixture.h"

#include "base/mem.h"
#include "base/rand.h"

enum { MOST = 200, STEPS = 600, MOMENTS = 25, PATH_ROOM = 64 };

struct thing {
    char path[PATH_ROOM];
    bool folder;
    char content[8];
};

struct model {
    struct thing at[MOST];
    size_t n;
    uint64_t seq;
};

/* Names around '/' and the escape, so that the orders of names and of keys would differ. */
static const char *const names[] = {"a", "b", "a!", "a b", "0", "00", "\xff", "a.x", "-"};

static struct thing *find(struct model *m, const char *path)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->at[i].path, path) == 0) {
            return &m->at[i];
        }
    }
    return NULL;
}

static bool parent_is_folder(struct model *m, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return true;
    }
    char parent[PATH_ROOM];
    (void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    const struct thing *found = find(m, parent);
    return found && found->folder;
}

static bool below(const char *path, const char *folder)
{
    return content_path_within(str_from(path), str_from(folder));
}

static void model_drop(struct model *m, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (!below(m->at[i].path, path)) {
            m->at[kept++] = m->at[i];
        }
    }
    m->n = kept;
}

static void model_move(struct model *m, const char *from, const char *to)
{
    model_drop(m, to);
    for (size_t i = 0; i < m->n; i++) {
        if (below(m->at[i].path, from)) {
            char moved[2 * PATH_ROOM];
            (void)snprintf(moved, sizeof moved, "%s%s", to, m->at[i].path + strlen(from));
            assert_true(strlen(moved) < PATH_ROOM);
            memcpy(m->at[i].path, moved, strlen(moved) + 1);
        }
    }
}

static void model_set(struct model *m, const char *path, bool folder, const char *content)
{
    struct thing *t = find(m, path);
    if (!t) {
        assert_true(m->n < MOST);
        t = &m->at[m->n++];
    }
    *t = (struct thing){.folder = folder};
    (void)snprintf(t->path, sizeof t->path, "%s", path);
    (void)snprintf(t->content, sizeof t->content, "%s", content);
}

/* In the order of a walk: by names, a folder before what is in it. */
static int by_names(const void *a, const void *b)
{
    struct str x = str_from(((const struct thing *)a)->path);
    struct str y = str_from(((const struct thing *)b)->path);
    struct str p;
    struct str q;
    while (x.p && y.p) {
        (void)str_split(&x, '/', &p);
        (void)str_split(&y, '/', &q);
        int order = str_cmp(p, q);
        if (order != 0) {
            return order;
        }
    }
    return x.p ? 1 : y.p ? -1 : 0;
}

static void random_path(char ret_path[static PATH_ROOM])
{
    size_t depth = 1 + rand_below(3);
    size_t n = 0;
    for (size_t i = 0; i < depth; i++) {
        const char *name = names[rand_below(sizeof names / sizeof *names)];
        n += (size_t)snprintf(ret_path + n, PATH_ROOM - n, "%s%s", i ? "/" : "", name);
    }
}

static bool step_put(struct fixture *f, struct model *m, const char *path)
{
    char content[8];
    (void)snprintf(content, sizeof content, "%x", (unsigned)rand_below(0x1000));
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    in.parents = false;
    int r = files_put(fixture_ctx(f), &in, str_from(content), &entry);
    const struct thing *t = find(m, path);
    bool allowed = parent_is_folder(m, path) && !(t && t->folder);
    assert_int_equal(r == 0, allowed);
    if (allowed) {
        model_set(m, path, false, content);
    }
    return allowed;
}

static bool step_mkdir(struct fixture *f, struct model *m, const char *path)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    in.parents = false;
    int r = files_mkdir(fixture_ctx(f), &in, &entry);
    bool allowed = parent_is_folder(m, path) && !find(m, path);
    assert_int_equal(r == 0, allowed);
    if (allowed) {
        model_set(m, path, true, "");
    }
    return allowed;
}

static bool step_delete(struct fixture *f, struct model *m, const char *path)
{
    struct files_delete_input in = {.session = f->session,
                                    .path = str_from(path),
                                    .author = {FILES_API, STR("k")},
                                    .recursive = true};
    uint64_t seq;
    int r = files_delete(fixture_ctx(f), &in, &seq);
    bool allowed = find(m, path) != NULL;
    assert_int_equal(r == 0, allowed);
    if (allowed) {
        model_drop(m, path);
    }
    return allowed;
}

static bool step_move(struct fixture *f, struct model *m, const char *from, const char *to)
{
    const struct thing *a = find(m, from);
    const struct thing *b = find(m, to);
    for (size_t i = 0; i < m->n; i++) {
        if (below(m->at[i].path, from) && strlen(m->at[i].path) + strlen(to) >= PATH_ROOM) {
            return false;
        }
    }
    struct files_move_input in = {.session = f->session,
                                  .from = str_from(from),
                                  .to = str_from(to),
                                  .author = {FILES_TERMINAL, STR("t")},
                                  .overwrite = true};
    struct files_entry entry;
    int r = files_move(fixture_ctx(f), &in, &entry);
    bool allowed =
        a && parent_is_folder(m, to) && !below(to, from) && !(b && (a->folder || b->folder));
    assert_int_equal(r == 0, allowed);
    if (allowed) {
        model_move(m, from, to);
    }
    return allowed;
}

static bool step(struct fixture *f, struct model *m)
{
    char path[PATH_ROOM];
    char other[PATH_ROOM];
    random_path(path);
    random_path(other);
    switch (rand_below(8)) {
    case 0:
        return step_delete(f, m, path);
    case 1:
    case 2:
        return step_move(f, m, path, other);
    case 3:
    case 4:
        return step_mkdir(f, m, path);
    default:
        return step_put(f, m, path);
    }
}

static void same_entry(const struct files_entry *entry, const struct thing *t)
{
    assert_str(entry->path, t->path);
    assert_int_equal(entry->kind, t->folder ? FILES_FOLDER : FILES_FILE);
    if (!t->folder) {
        struct content_hash hash;
        content_hash(str_from(t->content), &hash);
        assert_true(content_hash_eq(&hash, &entry->hash));
    }
}

static void same_now(struct fixture *f, struct model *m)
{
    qsort(m->at, m->n, sizeof m->at[0], by_names);
    struct files_list_input in = {
        .session = f->session, .limit = 1 + rand_below(9), .recursive = true};
    struct files_page page;
    size_t i = 0;
    do {
        assert_ok(files_list(&f->ctx, &in, &page));
        for (size_t k = 0; k < page.count; k++, i++) {
            assert_true(i < m->n);
            same_entry(&page.entries[k], &m->at[i]);
        }
        in.after = page.next;
    } while (page.more);
    assert_int_equal(i, m->n);
    struct files_totals totals;
    uint64_t files = 0;
    uint64_t bytes = 0;
    for (i = 0; i < m->n; i++) {
        files += !m->at[i].folder;
        bytes += strlen(m->at[i].content);
    }
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.files, files);
    assert_int_equal(totals.bytes, bytes);
    assert_int_equal(totals.seq, m->seq);
}

static void same_then(struct fixture *f, const struct model *m)
{
    struct files_tree_input in = {.session = f->session, .at = m->seq, .limit = 1 + rand_below(20)};
    struct files_page page;
    size_t i = 0;
    do {
        assert_ok(files_tree(&f->ctx, &in, &page));
        for (size_t k = 0; k < page.count; k++, i++) {
            assert_true(i < m->n);
            same_entry(&page.entries[k], &m->at[i]);
            assert_true(m->at[i].folder ||
                        str_eq(page.entries[k].bytes, str_from(m->at[i].content)));
            assert_true(page.entries[k].version <= m->seq);
        }
        in.after = page.next;
    } while (page.more);
    assert_int_equal(i, m->n);
}

static void test_random(void **state)
{
    struct fixture *f = *state;
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time_now();
    print_message("SEED=%llu\n", (unsigned long long)seed);
    struct model *m = MEM_NEW(struct model);
    struct model *moments = mem_alloc(MOMENTS * sizeof *moments);
    size_t taken = 0;
    /* The store draws random numbers on its own threads: ours come from a stream that is set before each step. */
    for (uint64_t i = 0; i < STEPS; i++) {
        rand_test_seed(seed + i * 1000003);
        m->seq += step(f, m);
        if (m->seq > 0 && taken < MOMENTS && i % (STEPS / MOMENTS) == 0) {
            same_now(f, m);
            moments[taken++] = *m;
        }
    }
    same_now(f, m);
    for (size_t i = 0; i < taken; i++) {
        same_then(f, &moments[i]);
    }
    rand_test_real();
    mem_free(moments);
    mem_free(m);
}

/* A folder with more than a page of names, gone and there, listed at every moment. */
static void test_many_names(void **state)
{
    struct fixture *f = *state;
    enum { NAMES = 300 };
    char path[PATH_ROOM];
    for (size_t i = 0; i < NAMES; i++) {
        (void)snprintf(path, sizeof path, "d/%03zu", i);
        put(f, path, STR("x"));
    }
    for (size_t i = 0; i < NAMES; i += 3) {
        (void)snprintf(path, sizeof path, "d/%03zu", i);
        drop(f, path);
    }
    put(f, "d/000", STR("again"));
    static const struct {
        uint64_t at;
        size_t count;
    } rows[] = {{150, 151},
                {NAMES, NAMES + 1},
                {NAMES + 50, NAMES - 50 + 1},
                {NAMES + 100, NAMES - 100 + 1},
                {NAMES + 101, NAMES - 99 + 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct files_tree_input in = {
            .session = f->session, .at = rows[i].at, .limit = FILES_MAX_LIST};
        struct files_page page;
        assert_ok(files_tree(&f->ctx, &in, &page));
        assert_int_equal(page.count, rows[i].count);
        assert_int_equal(page.seq, rows[i].at);
    }
    struct files_tree_input ahead = {.session = f->session, .at = 10000, .limit = 1};
    struct files_page page;
    assert_int_equal(files_tree(&f->ctx, &ahead, &page), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_many_names)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
