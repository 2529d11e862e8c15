/* What the keeper reads of the store in each turn. */
#include "auth/world.h"
#include "sessions/sessions.h"
#include "workspaces/keeper_int.h"

PEOPLE_SETUP

static struct str open_one(struct data_context *ctx)
{
    struct sessions_view view;
    ctx->op = store_op_new();
    assert_int_equal(sessions_create(ctx, &(struct sessions_create_input){.name = STR("A")}, &view),
                     0);
    assert_int_equal(sessions_open(ctx, view.session.id, &view), 0);
    return view.workspace.id;
}

/* It keeps none of the others from being looked after; the keeper hears of it, since it may run, and ends what nobody wants. */
static void one_that_cannot_be_read_is_told(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct str hidden = open_one(&ada);
    time_test_advance(USEC_PER_SEC);
    struct str other = open_one(&eve);
    struct attended_list list;
    assert_int_equal(workspaces_attended(p->w.store, &p->w.arena, &list), 0);
    assert_int_equal(list.n, 2);
    assert_false(list.passed);
    struct str key = people_key(p, &ada, "workspace", hidden);
    struct str was = people_damage(p, key, STR("99 {}"));
    assert_int_equal(workspaces_attended(p->w.store, &p->w.arena, &list), 0);
    assert_int_equal(list.n, 1);
    assert_true(str_eq(list.at[0].record.id, other));
    assert_true(list.passed);
    (void)people_damage(p, key, was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_cannot_be_read_is_told),
        TEST_SQLITE(one_that_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
