/*
 * One tenant as an archive: a backup's stream (docs/backup.md) with this tenant's keys alone, and back into a store that may
 * hold others.
 *
 * 1. Of an archive nothing is believed: it becomes a store of its own first, which the checker and the scrub go through as they
 *    would through any; and each key in it must be this tenant's. Only then is anything written.
 * 2. Nothing is overwritten: not a tenant, not an id, and not the address of an account.
 * 3. The tenant's record is written last. What an import that was killed left has none; the next one begins with removing it.
 * 4. Logins stay behind: their tokens are the other server's.
 * 5. No workspace comes running: what is wanted and whose processes they are (host_uid) is the other machine's.
 * 6. The tenant's own log says that it was brought in (tenant.import).
 */
#include "coditectd/tenant.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "coditectd/backup.h"
#include "coditectd/check.h"
#include "files/upkeep.h"

#define PART "store/import" /* in the data directory */

enum { BATCH_PAIRS = 1000, BATCH_BYTES = 1 << 20 };

/* ---- Export ---- */

static bool wanted(void *ctx, struct str key, struct str value)
{
    return data_key_belongs(str_from(ctx), key, value) != DATA_ALIEN;
}

int coditectd_tenant_export(const char *tenant)
{
    char id[DATA_ID_ROOM];
    if (!data_id_is(str_from(tenant), "ten")) {
        log_error("coditectd", "%s is no id of a tenant (ten-…)", tenant);
        return 1;
    }
    if (isatty(STDOUT_FILENO)) {
        log_error("coditectd", "an archive is not for a terminal: send it into a file");
        return 1;
    }
    (void)snprintf(id, sizeof id, "%s", tenant);
    const struct backup_source source = {
        .store = "store", .content = coditectd_backup_content, .wanted = wanted, .ctx = id};
    struct backup_report report;
    int out = STDOUT_FILENO;
    int r = backup_stream(&source, &(struct backup_output){backup_write_fd, &out}, &report);
    if (r < 0) {
        log_error("coditectd", "%s is not exported: %s", tenant,
                  r == ERR_NOT_FOUND ? "there is no such tenant" : err_row(r)->text);
        return 1;
    }
    (void)fprintf(stderr, "exported %s: %llu keys, %llu of them content; %llu bytes\n", tenant,
                  (unsigned long long)report.keys, (unsigned long long)report.contents,
                  (unsigned long long)report.written);
    return report.damaged > 0 ? 1 : 0;
}

/* ---- Import: is the archive whole, and one tenant's? ---- */

struct importing {
    struct store *store;      /* that gets it */
    bool whole;               /* the tenant's record was seen */
    enum data_belonging turn; /* what is loaded now */
    char tenant[DATA_ID_ROOM];
    struct arena arena; /* of a batch */
    struct store_pair pairs[BATCH_PAIRS];
    size_t n, bytes;
    uint64_t keys;
};

static int refuse(const char *why)
{
    return log_err(ERR_CORRUPT, "coditectd", "nothing is imported: %s", why);
}

static void name_damaged(void *ctx, struct str what)
{
    (void)ctx;
    log_warn("coditectd", "damaged in the archive: " STR_FMT, STR_ARG(what));
}

static int open_part(struct store **ret_store)
{
    const struct store_options options = {.driver = "sqlite", .directory = PART, .balloon = 1};
    return store_open(&options, ret_store);
}

static int check_part(void)
{
    struct store *store;
    struct data_report report;
    struct files_scrubbed scrubbed = {0};
    int r = open_part(&store);
    if (r < 0) {
        return r;
    }
    r = data_check(store, coditectd_judge, &report);
    if (r == 0 && report.faults > 0) {
        r = refuse(report.lines.n > 0 ? report.lines.at[0] : "its records do not fit together");
    }
    data_report_fini(&report);
    r = r < 0 ? r : files_scrub(store, &(struct files_scrub){.damaged = name_damaged}, &scrubbed);
    store_close(store);
    return r == 0 && scrubbed.damaged > 0 ? refuse("its content is damaged") : r;
}

/* Called for each pair of the archive that is not the engine's own; value is there. */
typedef int each_pair(struct importing *g, const struct store_snapshot_pair *pair);

static int walk(struct importing *g, each_pair *each)
{
    struct store_snapshot *s;
    struct store_snapshot_pair pair;
    int r = store_snapshot_open(PART, &s);
    if (r < 0) {
        return r;
    }
    while ((r = store_snapshot_next(s, &pair)) == 0) {
        if (str_starts(pair.key, STR("meta/"))) {
            continue;
        }
        r = pair.apart ? store_snapshot_value(s, &pair.value) : 0;
        r = r < 0 ? r : each(g, &pair);
        if (r < 0) {
            break;
        }
    }
    store_snapshot_close(s);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int find_tenant(struct importing *g, const struct store_snapshot_pair *pair)
{
    struct str tenant;
    if (g->tenant[0] == '\0' && data_key_tenant(pair->key, &tenant)) {
        memcpy(g->tenant, tenant.p, tenant.n);
    }
    return 0;
}

/* ---- Import: its workspaces ---- */

/* As of a session that was never opened. Its generation stays: a codi2 of before is refused. */
static int settle_one(struct txn *txn, const struct data_workspace *was)
{
    const struct scope scope = {.tenant_id = was->tenant_id};
    struct data_workspace settled = {
        .id = was->id,
        .state = DATA_WORKSPACE_STATE_STOPPED,
        .runtime = was->runtime,
        .tenant_id = was->tenant_id,
        .user_id = was->user_id,
        .session_id = was->session_id,
        .desired = DATA_WORKSPACE_DESIRED_STOPPED,
        .generation = was->generation,
        .changed_at = was->changed_at,
    };
    return data_workspace_put(txn, &scope, &settled);
}

struct settling {
    struct str tenant;
    char from[DATA_MAX_CURSOR + 1]; /* cursor */
    char next[DATA_MAX_CURSOR + 1]; /* result; empty: all are settled */
};

/* What was to run moves in the index behind what was not: it is met again, and then as it should be. */
static int settle_fn(struct txn *txn, void *ctx)
{
    struct settling *s = ctx;
    const struct scope scope = {.tenant_id = s->tenant};
    const struct data_query query = {
        .index = DATA_WORKSPACE_BY_USER, .limit = DATA_MAX_LIST, .cursor = str_from(s->from)};
    struct data_workspace_list list;
    int r = data_workspace_list(txn, &scope, &query, &list);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        r = settle_one(txn, &list.at[i]);
    }
    if (r == 0) {
        ASSERT(list.next.n < sizeof s->next);
        (void)snprintf(s->next, sizeof s->next, STR_FMT, STR_ARG(list.next));
    }
    return r;
}

static int settle_part(struct importing *g)
{
    struct settling settling = {.tenant = str_from(g->tenant)};
    struct store *store;
    int r = open_part(&store);
    if (r < 0) {
        return r;
    }
    do {
        struct store_op op = store_op_new();
        memcpy(settling.from, settling.next, sizeof settling.from);
        r = store_write(store, &op, settle_fn, &settling);
    } while (r == 0 && settling.next[0]);
    store_close(store);
    return r;
}

/* ---- Import: is there room for it here? ---- */

struct look {
    struct str key;
    struct str value; /* that does not count */
    bool found;
};

static int look_fn(struct txn *txn, void *ctx)
{
    struct look *look = ctx;
    struct str value;
    int r = store_get(txn, look->key, &value);
    look->found = r == 0 && !str_eq(value, look->value);
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* What is of no tenant alone: an id or an address that is taken. What a killed import left says the same as this one. */
static int judge_pair(struct importing *g, const struct store_snapshot_pair *pair)
{
    struct look look = {.key = pair->key, .value = pair->value};
    enum data_belonging whose = data_key_belongs(str_from(g->tenant), pair->key, pair->value);
    if (whose == DATA_ALIEN) {
        return refuse("it holds what is not one tenant's");
    }
    g->whole = g->whole || whose == DATA_OWN_RECORD;
    int r = whose == DATA_OWN_ABROAD ? store_read(g->store, look_fn, &look) : 0;
    if (r == 0 && look.found) {
        return log_err(ERR_EXISTS, "coditectd",
                       "nothing is imported: here is somebody else as %.*s", (int)(pair->key.n - 2),
                       pair->key.p + 2);
    }
    return r;
}

static int tenant_fn(struct txn *txn, void *ctx)
{
    const struct importing *g = ctx;
    const struct scope scope = {.tenant_id = str_from(g->tenant)};
    struct data_tenant tenant;
    return data_tenant_get(txn, &scope, scope.tenant_id, &tenant);
}

static int judge(struct importing *g)
{
    int r = walk(g, find_tenant);
    if (r == 0 && g->tenant[0] == '\0') {
        return refuse("there is no tenant in it");
    }
    r = r < 0 ? r : store_read(g->store, tenant_fn, g);
    if (r != ERR_NOT_FOUND) {
        return r < 0 ? r
                     : log_err(ERR_EXISTS, "coditectd", "nothing is imported: %s is here already",
                               g->tenant);
    }
    r = settle_part(g);
    r = r < 0 ? r : walk(g, judge_pair);
    return r == 0 && !g->whole ? refuse("its tenant is not in it") : r;
}

/* ---- Import: into the store ---- */

static int flush(struct importing *g)
{
    int r = g->n > 0 ? store_load(g->store, g->pairs, g->n) : 0;
    g->keys += g->n;
    g->n = g->bytes = 0;
    arena_reset(&g->arena);
    return r;
}

static int load(struct importing *g, const struct store_snapshot_pair *pair)
{
    if (data_key_belongs(str_from(g->tenant), pair->key, pair->value) != g->turn) {
        return 0;
    }
    g->pairs[g->n++] =
        (struct store_pair){arena_str(&g->arena, pair->key), arena_str(&g->arena, pair->value)};
    g->bytes += pair->key.n + pair->value.n;
    return g->n == BATCH_PAIRS || g->bytes >= BATCH_BYTES ? flush(g) : 0;
}

/* An import was killed here. */
static int remove_fn(struct txn *txn, void *ctx)
{
    const struct importing *g = ctx;
    const struct scope scope = {.tenant_id = str_from(g->tenant)};
    data_tenant_clear(txn, &scope);
    return 0;
}

static int note_fn(struct txn *txn, void *ctx)
{
    const struct importing *g = ctx;
    const struct data_context about = {.scope = {.tenant_id = str_from(g->tenant)},
                                       .client = {.address = STR("console"), .nobody = true}};
    return data_audit(txn, &about, "tenant.import", about.scope.tenant_id, DATA_OUTCOME_OK);
}

static int load_turn(struct importing *g, enum data_belonging turn)
{
    g->turn = turn;
    int r = walk(g, load);
    return r < 0 ? r : flush(g);
}

/* Once the tenant is there, so is the record of its coming. */
static int load_all(struct importing *g)
{
    struct store_op noting = store_op_new();
    int r = store_write(g->store, NULL, remove_fn, g);
    r = r < 0 ? r : load_turn(g, DATA_OWN);
    r = r < 0 ? r : load_turn(g, DATA_OWN_ABROAD);
    r = r < 0 ? r : store_write(g->store, &noting, note_fn, g);
    return r < 0 ? r : load_turn(g, DATA_OWN_RECORD);
}

static int import_part(struct importing *g)
{
    int r = check_part();
    r = r < 0 ? r : judge(g);
    return r < 0 ? r : load_all(g);
}

int coditectd_tenant_import(const char *data, const char *driver)
{
    const struct backup_from from = {.fd = STDIN_FILENO};
    struct backup_report report;
    struct importing *g = MEM_NEW(struct importing);
    arena_init(&g->arena);
    int r = coditectd_check_open(data, driver, &g->store);
    if (r == 0) {
        backup_remove(PART);
        r = coditectd_check_schema(data, g->store);
        r = r < 0 ? r : backup_restore(&from, PART, &report);
        r = r < 0 ? r : import_part(g);
        backup_remove(PART);
        store_close(g->store);
    }
    if (r == 0) {
        (void)printf("imported %s: %llu keys\n", g->tenant, (unsigned long long)g->keys);
    } else {
        log_error("coditectd", "no tenant is imported: %s", err_row(r)->text);
    }
    arena_fini(&g->arena);
    mem_free(g);
    return r == 0 ? 0 : 1;
}
