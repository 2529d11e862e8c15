#include "settings/settings.h"

#include "auth/world.h"
#include "content/content.h"

PEOPLE_SETUP

static struct settings_place place(const char *name, enum settings_scope scope)
{
    struct str rest = str_from(name);
    struct settings_place at = {.scope = scope};
    (void)str_split(&rest, '.', &at.category);
    at.key = rest;
    return at;
}

static int put(struct data_context *ctx, const struct settings_place *at, const char *json,
               struct settings_view *ret_view)
{
    struct json *value;
    assert_int_equal(json_parse(ctx->arena, str_from(json), &value, NULL), 0);
    return settings_put(ctx, at, value, ret_view);
}

static int64_t standard_size(void)
{
    uint64_t n = 0;
    assert_int_equal(str_u64(str_from(settings_rows[SETTING_EDITOR_FONT_SIZE].standard), 72, &n),
                     0);
    return (int64_t)n;
}

static void the_persons_before_the_tenants_before_the_default(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context mate = ada;
    mate.scope.user_id = data_id_make(&p->w.arena, "usr");
    struct settings_place own = place("editor.font_size", SETTINGS_OF_USER);
    struct settings_place all = place("editor.font_size", SETTINGS_OF_TENANT);
    struct settings_view v;
    struct settings_view views[SETTINGS_COUNT];
    assert_int_equal(settings_list(&ada, views), 0);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        assert_ptr_equal(views[i].row, &settings_rows[i]);
        assert_str(views[i].value, settings_rows[i].standard);
    }
    assert_int_equal(put(&ada, &all, "16", &v), 0);
    assert_str(v.value, "16");
    assert_int_equal(put(&ada, &own, "20", &v), 0);
    assert_str(v.value, "20");
    assert_str(v.tenant, "16");
    assert_int_equal(settings_list(&mate, views), 0);
    assert_str(views[SETTING_EDITOR_FONT_SIZE].value, "16");
    int64_t number;
    assert_int_equal(settings_number(&ada, SETTING_EDITOR_FONT_SIZE, &number), 0);
    assert_int_equal(number, 20);
    for (int i = 0; i < 2; i++) { /* twice is harmless */
        assert_int_equal(settings_delete(&ada, &own, &v), 0);
        assert_str(v.value, "16");
    }
    assert_int_equal(settings_delete(&ada, &all, &v), 0);
    assert_str(v.value, settings_rows[SETTING_EDITOR_FONT_SIZE].standard);
    struct data_context eve = people_request_of(p, "eve@example.com");
    assert_int_equal(put(&ada, &all, "30", &v), 0);
    assert_int_equal(settings_number(&eve, SETTING_EDITOR_FONT_SIZE, &number), 0);
    assert_int_equal(number, standard_size());
}

static void values_keep_to_their_rows(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    static const struct {
        const char *name, *value;
        int result;
    } rows[] = {
        {"editor.font_size", "6", 0},
        {"editor.font_size", "72", 0},
        {"editor.font_size", "5", ERR_INVALID},
        {"editor.font_size", "73", ERR_INVALID},
        {"editor.font_size", "\"14\"", ERR_INVALID},
        {"editor.font_size", "14.5", ERR_INVALID},
        {"editor.minimap", "false", 0},
        {"editor.minimap", "0", ERR_INVALID},
        {"appearance.theme", "\"dark\"", 0},
        {"appearance.theme", "\"Dark\"", ERR_INVALID},
        {"appearance.theme", "null", ERR_INVALID},
        {"editor.font_family", "\"Fira Code, \\u0441\"", 0},
        {"editor.font_family", "\"\"", ERR_INVALID},
        {"editor.font_family", "\"a\\nb\"", ERR_INVALID},
        {"editor.font_family", "[]", ERR_INVALID},
        {"editor.nothing", "1", ERR_NOT_FOUND},
        {"nothing.font_size", "1", ERR_NOT_FOUND},
        {"workspaces.running", "2", ERR_FORBIDDEN},
    };
    struct settings_view v;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings_place at = place(rows[i].name, SETTINGS_OF_USER);
        assert_int_equal(put(&ada, &at, rows[i].value, &v), rows[i].result);
        if (rows[i].result == ERR_INVALID) {
            assert_str(ada.fault.field, "value");
            assert_true(str_starts(ada.fault.message, STR("must be ")));
        }
    }
    struct settings_place running = place("workspaces.running", SETTINGS_OF_TENANT);
    assert_int_equal(put(&ada, &running, "16", &v), 0);
    assert_int_equal(put(&ada, &running, "17", &v), ERR_INVALID);
}

static void texts_have_at_most_as_many_characters(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct settings_place font = place("editor.font_family", SETTINGS_OF_USER);
    BUF_AUTO(text, 4096);
    for (int i = 0; i < SETTINGS_MAX_TEXT; i++) {
        buf_add(&text, STR("\xe8\xaa\x9e"));
    }
    struct json value = {.kind = JSON_STRING, .string = buf_str(&text)};
    struct settings_view v;
    assert_int_equal(settings_put(&ada, &font, &value, &v), 0);
    buf_byte(&text, '"');
    value.string = buf_str(&text);
    assert_int_equal(settings_put(&ada, &font, &value, &v), ERR_INVALID);
}

static void patterns_name_the_line_that_is_wrong(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct settings_place all = place("files.ignore", SETTINGS_OF_TENANT);
    struct settings_place own = place("files.ignore", SETTINGS_OF_USER);
    struct settings_view v;
    struct str text;
    assert_int_equal(settings_patterns(&ada, SETTING_FILES_IGNORE, &text), 0);
    assert_str(text, "");
    assert_int_equal(put(&ada, &own, "\"*.log\"", &v), ERR_FORBIDDEN);
    assert_int_equal(put(&ada, &all, "\"*.log\\n!\\\"a\\\"\\n\"", &v), 0);
    assert_int_equal(settings_patterns(&ada, SETTING_FILES_IGNORE, &text), 0);
    assert_str(text, "*.log\n!\"a\"\n");
    assert_int_equal(settings_patterns(&eve, SETTING_FILES_IGNORE, &text), 0);
    assert_str(text, "");
    assert_int_equal(put(&ada, &all, "\"ok\\n*\"", &v), ERR_INVALID);
    assert_str(ada.fault.field, "value");
    assert_str(ada.fault.message, "must be patterns as in .gitignore; line 2: the pattern "
                                  "names everything");
    assert_int_equal(put(&ada, &all, "7", &v), ERR_INVALID);
    assert_str(ada.fault.message, "must be a text of lines");
    assert_int_equal(settings_patterns(&ada, SETTING_FILES_IGNORE, &text), 0);
    assert_str(text, "*.log\n!\"a\"\n"); /* what was refused changed nothing */
    BUF_AUTO(longest, 2 * CONTENT_MAX_PATTERN_BYTES);
    for (int i = 0; i < CONTENT_MAX_PATTERN_BYTES; i++) {
        buf_byte(&longest, i % 64 == 63 ? '\n' : '"');
    }
    struct json value = {.kind = JSON_STRING, .string = buf_str(&longest)};
    assert_int_equal(settings_put(&ada, &all, &value, &v), 0);
    assert_int_equal(settings_patterns(&ada, SETTING_FILES_IGNORE, &text), 0);
    assert_int_equal(text.n, longest.n);
    buf_byte(&longest, 'x');
    value.string = buf_str(&longest);
    assert_int_equal(settings_put(&ada, &all, &value, &v), ERR_INVALID);
    assert_str(ada.fault.message,
               "must be patterns as in .gitignore: there are at most 8192 bytes");
}

struct raw {
    struct scope scope;
    struct str owner, name, value;
};

static int raw_fn(struct txn *txn, void *ctx)
{
    const struct raw *raw = ctx;
    store_put(txn,
              DATA_KEY(store_arena(txn), &raw->scope, DATA_SPACE_SETTING, raw->owner, raw->name),
              raw->value);
    return 0;
}

static int raw_delete_fn(struct txn *txn, void *ctx)
{
    const struct raw *raw = ctx;
    store_delete(
        txn, DATA_KEY(store_arena(txn), &raw->scope, DATA_SPACE_SETTING, raw->owner, raw->name));
    return 0;
}

static uint64_t faults(struct people *p)
{
    struct data_report report;
    assert_int_equal(data_check(p->w.store, settings_judge, &report), 0);
    uint64_t n = report.faults;
    data_report_fini(&report);
    return n;
}

/* What an older or a newer server stored. */
static void what_no_row_allows_counts_as_not_set(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct raw raw = {ada.scope, ada.scope.user_id, STR("editor.font_size"), STR("1000")};
    int64_t number;
    assert_int_equal(world_write(&p->w, raw_fn, &raw), 0);
    raw.name = STR("editor.gone");
    assert_int_equal(world_write(&p->w, raw_fn, &raw), 0);
    assert_int_equal(settings_number(&ada, SETTING_EDITOR_FONT_SIZE, &number), 0);
    assert_int_equal(number, standard_size());
    assert_int_equal(faults(p), 0);
    raw.value = STR("{");
    assert_int_equal(world_write(&p->w, raw_fn, &raw), 0);
    assert_int_equal(faults(p), 1);
    raw = (struct raw){ada.scope, STR("nobody"), STR("editor.font_size"), STR("14")};
    assert_int_equal(world_write(&p->w, raw_fn, &raw), 0);
    assert_int_equal(faults(p), 3); /* nobody's, twice: its name, and that there is none of it */
    assert_int_equal(world_write(&p->w, raw_delete_fn, &raw), 0);
}

static void a_revision_is_of_what_is_stored(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct settings_place own = place("editor.font_size", SETTINGS_OF_USER);
    struct settings_view none;
    struct settings_view v;
    assert_int_equal(settings_delete(&ada, &own, &none), 0);
    own.revision = none.user_revision;
    assert_int_equal(put(&ada, &own, "20", &v), 0);
    assert_int_not_equal(v.user_revision, none.user_revision);
    assert_int_equal(v.tenant_revision, none.tenant_revision);
    assert_int_equal(put(&ada, &own, "21", &v), ERR_PRECONDITION);
    assert_int_equal(settings_delete(&ada, &own, &v), ERR_PRECONDITION);
    assert_str(v.user, "20");
    assert_int_equal(put(&ada, &own, "20", &v), 0); /* once more: its answer was lost */
    own.revision = v.user_revision;
    assert_int_equal(put(&ada, &own, "21", &v), 0);
    own.revision = v.user_revision;
    assert_int_equal(settings_delete(&ada, &own, &v), 0);
    assert_int_equal(v.user_revision, none.user_revision);
    assert_in_range(v.user_revision, 1, 9007199254740991);
    assert_int_equal(settings_delete(&ada, &own, &v), 0); /* once more */
    own.revision = none.tenant_revision + 1;
    assert_int_equal(put(&ada, &own, "21", &v), ERR_PRECONDITION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_persons_before_the_tenants_before_the_default),
        TEST_SQLITE(the_persons_before_the_tenants_before_the_default),
        TEST(values_keep_to_their_rows),
        TEST(texts_have_at_most_as_many_characters),
        TEST(patterns_name_the_line_that_is_wrong),
        TEST(a_revision_is_of_what_is_stored),
        TEST(what_no_row_allows_counts_as_not_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
