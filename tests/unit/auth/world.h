/* A store, an auth with cheap hashes, and people, for tests of auth/ and of what lies above it. */
#ifndef UNIT_AUTH_WORLD_H
#define UNIT_AUTH_WORLD_H

#include "auth/auth.h"
#include "data/world.h"

#define WORLD_PASSWORD STR("correct horse battery")

struct people {
    struct world w;
    struct auth *auth;
};

static inline void people_init(struct people *p, const char *driver,
                               const struct auth_options *more)
{
    world_init(&p->w, driver);
    struct auth_options options =
        more ? *more : (struct auth_options){.limits_given = true}; /* no limits */
    options.store = p->w.store;
    options.cheap_hash = true;
    assert_int_equal(auth_create(&options, &p->auth), 0);
}

static inline void people_assert_identified(struct people *p)
{
    struct data_report report;
    assert_int_equal(data_check(p->w.store, auth_judge, &report), 0);
    for (size_t i = 0; i < report.lines.n; i++) {
        print_error("%s\n", report.lines.at[i]);
    }
    assert_int_equal(report.faults, 0);
    data_report_fini(&report);
}

static inline void people_fini(struct people *p)
{
    auth_destroy(p->auth);
    world_assert_consistent(p->w.store);
    people_assert_identified(p);
    world_fini(&p->w);
}

/* A request of nobody yet, with its own operation. */
static inline struct data_context people_request(struct people *p)
{
    return (struct data_context){
        .store = p->w.store,
        .arena = &p->w.arena,
        .op = store_op_new(),
        .client = {.address = STR("192.0.2.7"),
                   .user_agent = STR("Firefox"),
                   .request_id = STR("req-1")},
    };
}

static inline struct auth_result people_register(struct people *p, const char *email)
{
    struct data_context ctx = people_request(p);
    struct auth_result result;
    struct auth_register_input in = {
        .email = str_from(email), .password = WORLD_PASSWORD, .name = STR("Ada")};
    assert_int_equal(auth_register(p->auth, &ctx, &in, &result), 0);
    return result;
}

/* A request of somebody who registers for it. */
static inline struct data_context people_request_of(struct people *p, const char *email)
{
    struct auth_result result = people_register(p, email);
    struct data_context ctx = people_request(p);
    assert_int_equal(auth_authenticate(p->auth, &ctx, result.token), 0);
    return ctx;
}

/* A request of a new member of the tenant of `by`, who invites them. */
static inline struct data_context people_join(struct people *p, struct data_context *by,
                                              const char *email, enum data_role role)
{
    struct data_invitation invitation;
    struct str token;
    by->op = store_op_new();
    struct auth_invitation_input in = {.email = str_from(email), .role = role};
    assert_int_equal(auth_invitation_create(by, &in, &invitation, &token), 0);
    struct data_context ctx = people_request(p);
    struct auth_result result;
    struct auth_register_input as = {
        .email = in.email, .password = WORLD_PASSWORD, .invitation = token};
    assert_int_equal(auth_register(p->auth, &ctx, &as, &result), 0);
    assert_int_equal(auth_authenticate(p->auth, &ctx, result.token), 0);
    return ctx;
}

static inline int people_login(struct people *p, const char *email, struct str password,
                               struct auth_result *ret_result)
{
    struct data_context ctx = people_request(p);
    struct auth_login_input in = {.email = str_from(email), .password = password};
    return auth_login(p->auth, &ctx, &in, ret_result);
}

static inline int people_use(struct people *p, struct str token)
{
    struct data_context ctx = people_request(p);
    return auth_authenticate(p->auth, &ctx, token);
}

static inline int people_refresh(struct people *p, struct str token, struct auth_result *ret_result,
                                 enum auth_cause *ret_cause)
{
    struct data_context ctx = people_request(p);
    return auth_refresh(p->auth, &ctx, token, ret_result, ret_cause);
}

struct people_damage {
    struct str key;   /* of a record: t/{tenant}/{type}/{id} */
    struct str value; /* empty: the record goes and its index entries stay; else what it is again */
    struct str was;   /* result, in arena; empty: there was none */
    struct arena *arena;
};

static inline int people_damage_fn(struct txn *txn, void *ctx)
{
    struct people_damage *d = ctx;
    struct str was;
    int r = store_get(txn, d->key, &was);
    d->was = r == 0 ? arena_str(d->arena, was) : STR_EMPTY;
    if (d->value.n > 0) {
        store_put(txn, d->key, d->value);
    } else if (r == 0) {
        store_delete(txn, d->key);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* What the record of this type and id was, which is now this. */
static inline struct str people_damage(struct people *p, struct str key, struct str value)
{
    struct people_damage d = {.key = key, .value = value, .arena = &p->w.arena};
    assert_int_equal(world_write(&p->w, people_damage_fn, &d), 0);
    return d.was;
}

/* Of a type, "link", and the id of one. */
static inline struct str people_key(struct people *p, const struct data_context *of,
                                    const char *type, struct str id)
{
    return arena_printf(&p->w.arena, "t/" STR_FMT "/%s/" STR_FMT, STR_ARG(of->scope.tenant_id),
                        type, STR_ARG(id));
}

/* Both drivers, a fresh world each. */
#define PEOPLE_SETUP \
    static int setup(void **state) \
    { \
        static struct people p; \
        people_init(&p, "memory", NULL); \
        *state = &p; \
        return 0; \
    } \
    static int setup_sqlite(void **state) \
    { \
        static struct people p; \
        people_init(&p, "sqlite", NULL); \
        *state = &p; \
        return 0; \
    } \
    static int teardown(void **state) \
    { \
        people_fini(*state); \
        return 0; \
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_SQLITE(name) cmocka_unit_test_setup_teardown(name, setup_sqlite, teardown)

/* Three tests of fn(people, how): of a record that is lost (how is empty), damaged, and of a newer version. */
#define PEOPLE_UNREADABLE(fn) \
    static void a_lost_record_##fn(void **state) \
    { \
        fn(*state, STR_EMPTY); \
    } \
    static void a_damaged_record_##fn(void **state) \
    { \
        fn(*state, STR("1 {")); \
    } \
    static void a_newer_record_##fn(void **state) \
    { \
        fn(*state, STR("99 {}")); \
    }

#endif
