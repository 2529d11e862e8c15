#include "data/world.h"

struct put {
    struct scope scope;
    struct data_user user;
};

static int put_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    return data_user_put(txn, &p->scope, &p->user);
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    return data_user_delete(txn, &p->scope, p->user.id);
}

static int get_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    struct data_user user;
    return data_user_get(txn, &p->scope, p->user.id, &user);
}

static struct put user_of(struct world *w, const struct scope *scope, const char *email)
{
    return (struct put){.scope = *scope,
                        .user = {
                            .id = data_id_make(&w->arena, "usr"),
                            .tenant_id = scope->tenant_id,
                            .email = str_from(email),
                            .role = DATA_ROLE_OWNER,
                            .created_at = time_now(),
                            .updated_at = time_now(),
                            .revision = 1,
                            .password = STR("x"),
                            .password_changed_at = time_now(),
                        }};
}

struct find {
    struct str email;
    struct str id;
};

static int find_fn(struct txn *txn, void *ctx)
{
    struct find *f = ctx;
    struct scope scope;
    int r = data_user_by_email(txn, f->email, &scope);
    return r < 0 ? r : str_eq(scope.user_id, f->id) ? 0 : ERR_INTERNAL;
}

static void unique_values_belong_to_one(void **state)
{
    struct world *w = *state;
    struct scope a = world_tenant(w);
    struct scope b = world_tenant(w);
    struct put ada = user_of(w, &a, "ada@example.com");
    struct put other = user_of(w, &b, "ada@example.com");
    assert_int_equal(world_write(w, put_fn, &ada), 0);
    assert_int_equal(world_write(w, put_fn, &ada), 0);
    assert_int_equal(world_write(w, put_fn, &other), ERR_EXISTS);
    assert_int_equal(store_read(w->store, get_fn, &other), ERR_NOT_FOUND);
    struct find f = {STR("ada@example.com"), ada.user.id};
    assert_int_equal(store_read(w->store, find_fn, &f), 0);
    ada.user.email = STR("ada@example.org");
    assert_int_equal(world_write(w, put_fn, &ada), 0);
    assert_int_equal(store_read(w->store, find_fn, &f), ERR_NOT_FOUND);
    assert_int_equal(world_write(w, put_fn, &other), 0);
    assert_int_equal(world_write(w, delete_fn, &ada), 0);
    assert_int_equal(world_write(w, delete_fn, &ada), ERR_NOT_FOUND);
}

static void the_wall_stands(void **state)
{
    struct world *w = *state;
    struct scope a = world_tenant(w);
    struct scope b = world_tenant(w);
    struct put ada = user_of(w, &a, "wall@example.com");
    assert_int_equal(world_write(w, put_fn, &ada), 0);
    struct put stranger = {.scope = b, .user.id = ada.user.id};
    assert_int_equal(store_read(w->store, get_fn, &stranger), ERR_NOT_FOUND);
    assert_int_equal(world_write(w, delete_fn, &stranger), ERR_NOT_FOUND);
    static const char *const odd[] = {"", "usr-1", "../usr-00000000000000000000000001",
                                      "ten-00000000000000000000000001"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        stranger.user.id = str_from(odd[i]);
        assert_int_equal(store_read(w->store, get_fn, &stranger), ERR_NOT_FOUND);
    }
    /* A record of another tenant cannot even be written. */
    struct put wrong = user_of(w, &a, "wrong@example.com");
    wrong.scope = b;
    assert_dies(world_write(w, put_fn, &wrong));
}

struct many {
    struct scope scope;
    struct data_session sessions[12];
};

static int many_fn(struct txn *txn, void *ctx)
{
    struct many *m = ctx;
    for (size_t i = 0; i < 12; i++) {
        int r = data_session_put(txn, &m->scope, &m->sessions[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

struct page {
    struct scope scope;
    struct data_query query;
    struct arena *arena;
    size_t n;
    struct str ids[12];
    struct str next;
};

static int page_fn(struct txn *txn, void *ctx)
{
    struct page *p = ctx;
    struct data_session_list list;
    int r = data_session_list(txn, &p->scope, &p->query, &list);
    if (r < 0) {
        return r;
    }
    p->n = list.n;
    for (size_t i = 0; i < list.n; i++) {
        p->ids[i] = arena_str(p->arena, list.at[i].id);
    }
    p->next = arena_str(p->arena, list.next);
    return 0;
}

static struct many sessions_of(struct world *w, const struct scope *scope, struct str user)
{
    struct many m = {.scope = *scope};
    for (size_t i = 0; i < 12; i++) {
        m.sessions[i] = (struct data_session){
            .id = data_id_make(&w->arena, "ses"),
            .name = STR("S"),
            .status = DATA_SESSION_STATUS_ACTIVE,
            .tenant_id = scope->tenant_id,
            .user_id = user,
            .created_at = time_now(),
            .updated_at = time_now(),
            .last_access_at = time_now() + (usec_t)(i / 2) * USEC_PER_SEC, /* pairs of equal ones */
            .revision = 1,
            .workspace_id = data_id_make(&w->arena, "wsp"),
            .deleted = i == 11,
        };
    }
    return m;
}

static void walk(struct world *w, struct page *p, bool reverse)
{
    struct str before = STR_EMPTY;
    size_t seen = 0;
    p->query.reverse = reverse;
    p->query.cursor = STR_EMPTY;
    do {
        assert_int_equal(store_read(w->store, page_fn, p), 0);
        for (size_t i = 0; i < p->n; i++) {
            assert_false(str_eq(before, p->ids[i]));
            before = p->ids[i];
            seen++;
        }
        p->query.cursor = p->next;
    } while (p->next.n > 0);
    assert_int_equal(seen, 11);
}

static void pages_go_through_all_once(void **state)
{
    struct world *w = *state;
    struct scope a = world_tenant(w);
    struct str user = data_id_make(&w->arena, "usr");
    struct many m = sessions_of(w, &a, user);
    struct many others = sessions_of(w, &a, data_id_make(&w->arena, "usr"));
    assert_int_equal(world_write(w, many_fn, &m), 0);
    assert_int_equal(world_write(w, many_fn, &others), 0);
    struct data_session match = {.user_id = user, .deleted = false};
    struct page p = {.scope = a,
                     .arena = &w->arena,
                     .query = {.index = DATA_SESSION_BY_USER, .match = &match, .fixed = 2}};
    for (p.query.limit = 1; p.query.limit <= 12; p.query.limit++) {
        walk(w, &p, true);
        walk(w, &p, false);
    }
    p.query.reverse = true;
    p.query.limit = 1;
    p.query.cursor = STR_EMPTY;
    assert_int_equal(store_read(w->store, page_fn, &p), 0);
    assert_true(str_eq(p.ids[0], m.sessions[10].id));
    match.deleted = true;
    assert_int_equal(store_read(w->store, page_fn, &p), 0);
    assert_int_equal(p.n, 1);
    assert_true(str_eq(p.ids[0], m.sessions[11].id));
}

static void cursors_cannot_leave_the_query(void **state)
{
    struct world *w = *state;
    struct scope a = world_tenant(w);
    struct str user = data_id_make(&w->arena, "usr");
    struct many m = sessions_of(w, &a, user);
    assert_int_equal(world_write(w, many_fn, &m), 0);
    struct data_session match = {.user_id = data_id_make(&w->arena, "usr"), .deleted = false};
    struct page p = {
        .scope = a,
        .arena = &w->arena,
        .query = {.index = DATA_SESSION_BY_USER, .match = &match, .fixed = 2, .limit = 10}};
    /* base64url of "/", "../", "zzzz" and a byte 255: places, all between the begin and the end of nothing */
    static const char *const places[] = {"Lw", "Li4v", "enp6eg", "_w"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        p.query.cursor = str_from(places[i]);
        p.query.reverse = i % 2 == 0;
        assert_int_equal(store_read(w->store, page_fn, &p), 0);
        assert_int_equal(p.n, 0);
    }
    static const char *const bad[] = {"!", "A", "Lw==", "Lx"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p.query.cursor = str_from(bad[i]);
        assert_int_equal(store_read(w->store, page_fn, &p), ERR_INVALID);
    }
    static char large[DATA_MAX_CURSOR + 1];
    memset(large, 'A', sizeof large);
    p.query.cursor = str_of(large, sizeof large);
    assert_int_equal(store_read(w->store, page_fn, &p), ERR_INVALID);
}

struct owned {
    struct scope scope; /* who asks */
    struct data_apikey key;
    bool by_owner;
};

static int owned_fn(struct txn *txn, void *ctx)
{
    struct owned *o = ctx;
    return data_apikey_put(txn, &o->scope, &o->key);
}

static int owner_fn(struct txn *txn, void *ctx)
{
    struct owned *o = ctx;
    struct str owner;
    int r = data_owner(txn, &o->scope, o->key.id, &owner);
    o->by_owner = r == 0 && str_eq(owner, o->key.user_id);
    return r;
}

struct alive {
    struct scope scope;
    size_t listed, placed; /* results */
    bool first;            /* of limit 1: it is the one that is there */
    struct str id;
};

/* The record alone: what an entry that nothing took away looks like. */
static int lose_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    store_delete(txn, arena_printf(store_arena(txn), "t/" STR_FMT "/user/" STR_FMT,
                                   STR_ARG(p->scope.tenant_id), STR_ARG(p->user.id)));
    return 0;
}

/* An entry whose value is no place. */
static int garble_fn(struct txn *txn, void *ctx)
{
    (void)ctx;
    store_put(txn, STR("g/user.deleted/000000000001/x"), STR("nothing"));
    return 0;
}

static int alive_fn(struct txn *txn, void *ctx)
{
    struct alive *a = ctx;
    struct data_user_list rows;
    struct data_place *places;
    struct data_query query = {.index = DATA_USER_BY_CREATED, .limit = 10};
    int r = data_user_list(txn, &a->scope, &query, &rows);
    a->listed = r == 0 ? rows.n : 0;
    query.index = DATA_USER_BY_DELETED;
    query.limit = 1;
    r = r < 0 ? r : data_places(txn, &data_user_type, &query, &places, &a->placed);
    a->first = r == 0 && a->placed == 1 && str_eq(places[0].id, a->id);
    return r;
}

static int unlist_fn(struct txn *txn, void *ctx)
{
    struct put *p = ctx;
    int r = data_user_put(txn, &p->scope, &p->user);
    r = r < 0 ? r : data_user_delete(txn, &p->scope, p->user.id);
    store_delete(txn, STR("g/user.deleted/000000000001/x"));
    return r;
}

/* The first of an index lost its record: who reads it, one at a time or all, comes to those behind it. */
static void an_entry_without_its_record_is_passed_over(void **state)
{
    struct world *w = *state;
    struct scope scope = world_tenant(w);
    struct put lost = user_of(w, &scope, "ada@example.com");
    struct put kept = user_of(w, &scope, "eve@example.com");
    lost.user.deleted_at = USEC_PER_SEC;
    kept.user.deleted_at = 2 * USEC_PER_SEC;
    assert_int_equal(world_write(w, put_fn, &lost), 0);
    assert_int_equal(world_write(w, put_fn, &kept), 0);
    assert_int_equal(world_write(w, lose_fn, &lost), 0);
    assert_int_equal(world_write(w, garble_fn, NULL), 0);
    struct alive a = {.scope = scope, .id = kept.user.id};
    assert_int_equal(store_read(w->store, alive_fn, &a), 0);
    assert_int_equal(a.listed, 1);
    assert_true(a.first);
    assert_int_equal(world_write(w, unlist_fn, &lost), 0); /* in order again */
}

struct damage {
    const struct put *of;
    struct str value;
};

static int damage_fn(struct txn *txn, void *ctx)
{
    const struct damage *d = ctx;
    store_put(txn,
              arena_printf(store_arena(txn), "t/" STR_FMT "/user/" STR_FMT,
                           STR_ARG(d->of->scope.tenant_id), STR_ARG(d->of->user.id)),
              d->value);
    return 0;
}

struct readable {
    struct scope scope;
    const struct put *kept;
    bool passed_places, passed_list; /* results */
    size_t placed, listed;
    bool first, itself;
    int strict;
};

static int readable_fn(struct txn *txn, void *ctx)
{
    struct readable *a = ctx;
    struct data_user_list rows;
    struct data_place *places;
    struct data_query query = {
        .index = DATA_USER_BY_DELETED, .limit = 1, .ret_passed = &a->passed_places};
    a->passed_places = a->passed_list = false;
    int r = data_places(txn, &data_user_type, &query, &places, &a->placed);
    const struct data_user *user = r == 0 && a->placed == 1 ? places[0].record : NULL;
    a->first = user && str_eq(user->name, a->kept->user.name);
    query = (struct data_query){.index = DATA_BY_ID, .limit = 10};
    a->strict = data_user_list(txn, &a->scope, &query, &rows);
    query.pass_over = true;
    query.ret_passed = &a->passed_list;
    r = r < 0 ? r : data_user_list(txn, &a->scope, &query, &rows);
    a->listed = r == 0 ? rows.n : 0;
    a->itself = a->listed == 1 && str_eq(rows.at[0].id, a->kept->user.id);
    return r;
}

/* Damaged, or of a newer program: a duty leaves the record as it is, and hears that there is one. */
static void a_record_that_cannot_be_read_is_passed_over(void **state)
{
    struct world *w = *state;
    struct scope scope = world_tenant(w);
    struct put lost = user_of(w, &scope, "ada@example.com");
    struct put kept = user_of(w, &scope, "eve@example.com");
    lost.user.deleted_at = USEC_PER_SEC;
    kept.user.deleted_at = 2 * USEC_PER_SEC;
    assert_int_equal(world_write(w, put_fn, &lost), 0);
    assert_int_equal(world_write(w, put_fn, &kept), 0);
    struct readable a = {.scope = scope, .kept = &kept};
    assert_int_equal(store_read(w->store, readable_fn, &a), 0);
    assert_false(a.passed_places || a.passed_list);
    assert_int_equal(a.listed, 2);
    const struct damage how[] = {{&lost, STR("1 {")}, {&lost, STR("99 {}")}};
    for (size_t i = 0; i < 2; i++) {
        struct damage d = how[i];
        assert_int_equal(world_write(w, damage_fn, &d), 0);
        assert_int_equal(store_read(w->store, readable_fn, &a), 0);
        assert_true(a.passed_places && a.passed_list);
        assert_true(a.first && a.itself);
        assert_int_equal(a.strict, i == 0 ? ERR_CORRUPT : ERR_NEWER);
    }
    assert_int_equal(world_write(w, lose_fn, &lost), 0);
    assert_int_equal(world_write(w, unlist_fn, &lost), 0); /* in order again */
}

static void an_owner_is_told_within_the_tenant(void **state)
{
    struct world *w = *state;
    struct owned o = {.scope = world_tenant(w)};
    o.key = (struct data_apikey){.id = data_id_make(&w->arena, "key"),
                                 .user_id = data_id_make(&w->arena, "usr"),
                                 .tenant_id = o.scope.tenant_id,
                                 .name = STR("ci"),
                                 .access = DATA_APIKEY_ACCESS_READ,
                                 .hash = STR("x"),
                                 .created_at = time_now(),
                                 .expires_at = time_now()};
    assert_int_equal(world_write(w, owned_fn, &o), 0);
    assert_int_equal(store_read(w->store, owner_fn, &o), 0);
    assert_true(o.by_owner);
    struct owned other = {.scope = world_tenant(w), .key = o.key};
    assert_int_equal(store_read(w->store, owner_fn, &other), ERR_NOT_FOUND);
    static const char *const kinds[] = {"key", "aud", "inv",
                                        "xyz"}; /* nobody's, and of no person's */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        o.key.id = data_id_make(&w->arena, kinds[i]);
        assert_int_equal(store_read(w->store, owner_fn, &o), ERR_NOT_FOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(unique_values_belong_to_one),
        WORLD_TEST_SQLITE(unique_values_belong_to_one),
        WORLD_TEST(the_wall_stands),
        WORLD_TEST(pages_go_through_all_once),
        WORLD_TEST_SQLITE(pages_go_through_all_once),
        WORLD_TEST(cursors_cannot_leave_the_query),
        WORLD_TEST(an_entry_without_its_record_is_passed_over),
        WORLD_TEST_SQLITE(an_entry_without_its_record_is_passed_over),
        WORLD_TEST(a_record_that_cannot_be_read_is_passed_over),
        WORLD_TEST_SQLITE(a_record_that_cannot_be_read_is_passed_over),
        WORLD_TEST(an_owner_is_told_within_the_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
