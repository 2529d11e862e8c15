/* Every row of what the keeper does about a workspace. */
#include "unit.h"
#include "workspaces/keeper_int.h"

#define SECONDS(n) ((n)*USEC_PER_SEC)

static const usec_t now = SECONDS(10000);

struct row {
    const char *name;
    struct facts facts;
    enum step step;
    enum data_workspace_state state;
};

#define LIVES .phase = WORKSPACES_RUNNING, .generation = 7, .running_generation = 7
#define DEAD .phase = WORKSPACES_GONE, .generation = 7

static const struct row rows[] = {
    {"not wanted and gone", {DEAD, .counted = true}, STEP_NOTHING, DATA_WORKSPACE_STATE_STOPPED},
    {"not wanted, its end not yet counted", {DEAD}, STEP_NOTHING, DATA_WORKSPACE_STATE_STOPPED},
    {"not wanted and alive", {LIVES}, STEP_STOP, DATA_WORKSPACE_STATE_STOPPING},
    {"asked to end, and it has time",
     {LIVES, .asked_at = now - SECONDS(40)},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STOPPING},
    {"asked to end, and it does not",
     {LIVES, .asked_at = now - SECONDS(46)},
     STEP_KILL,
     DATA_WORKSPACE_STATE_STOPPING},
    {"not wanted, and it ends by itself",
     {.phase = WORKSPACES_STOPPING, .generation = 7, .running_generation = 7},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STOPPING},
    {"wanted and gone",
     {DEAD, .wanted = true, .counted = true},
     STEP_START,
     DATA_WORKSPACE_STATE_STARTING},
    {"wanted and gone, while many start",
     {DEAD, .wanted = true, .counted = true, .crowded = true},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STARTING},
    {"wanted and gone, while the disk is almost full",
     {DEAD, .wanted = true, .counted = true, .disk_low = true},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STARTING},
    {"wanted and ready, while the disk is almost full",
     {LIVES, .wanted = true, .report = REPORT_READY, .disk_low = true},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_RUNNING},
    {"wanted and ended before anybody looked",
     {.phase = WORKSPACES_ENDED,
      .generation = 7,
      .running_generation = 7,
      .wanted = true,
      .counted = true},
     STEP_START,
     DATA_WORKSPACE_STATE_STARTING},
    {"wanted and silent",
     {LIVES, .wanted = true, .seen_since = now - SECONDS(80)},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STARTING},
    {"wanted and silent for too long",
     {LIVES, .wanted = true, .seen_since = now - SECONDS(91)},
     STEP_KILL,
     DATA_WORKSPACE_STATE_STARTING},
    {"wanted and restoring",
     {LIVES, .wanted = true, .seen_since = now - SECONDS(900), .report = REPORT_RESTORING},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_RESTORING},
    {"wanted, whole, without its IDE yet",
     {LIVES, .wanted = true, .report = REPORT_IDE},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STARTING},
    {"wanted and ready",
     {LIVES, .wanted = true, .report = REPORT_READY},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_RUNNING},
    {"an older generation lives",
     {.wanted = true,
      .phase = WORKSPACES_RUNNING,
      .generation = 8,
      .running_generation = 7,
      .counted = true,
      .report = REPORT_READY},
     STEP_STOP,
     DATA_WORKSPACE_STATE_STARTING},
    {"an older generation ends",
     {.wanted = true, .phase = WORKSPACES_STOPPING, .generation = 8, .running_generation = 7},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STARTING},
    {"it died", {DEAD, .wanted = true}, STEP_BACK_OFF, DATA_WORKSPACE_STATE_STARTING},
    {"it died, and the wait is not over",
     {DEAD, .wanted = true, .counted = true, .failures = 2, .not_before = now + 1},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STARTING},
    {"it died, and the wait is over",
     {DEAD, .wanted = true, .counted = true, .failures = 2, .not_before = now},
     STEP_START,
     DATA_WORKSPACE_STATE_STARTING},
    {"it died too often",
     {DEAD, .wanted = true, .failures = KEEPER_MAX_FAILURES - 1},
     STEP_GIVE_UP,
     DATA_WORKSPACE_STATE_FAILED},
    {"given up",
     {DEAD, .wanted = true, .failed = true, .counted = true},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_FAILED},
    {"given up, then not wanted",
     {DEAD, .failed = true, .counted = true},
     STEP_NOTHING,
     DATA_WORKSPACE_STATE_STOPPED},
};

static void decides_each_row(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts facts = rows[i].facts;
        facts.now = now;
        struct decision d = workspaces_decide(&facts);
        if (d.step != rows[i].step || d.state != rows[i].state) {
            fail_msg("%s: step %d, state %d", rows[i].name, (int)d.step, (int)d.state);
        }
    }
}

/* Whatever is known, nothing is started beside something that lives. */
static void never_two_at_once(void **state)
{
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        struct facts f = {
            .wanted = bits & 1,
            .failed = bits & 2,
            .generation = 8,
            .phase = bits & 4 ? WORKSPACES_RUNNING
                              : (bits & 8 ? WORKSPACES_STARTING : WORKSPACES_STOPPING),
            .running_generation = bits & 16 ? 8 : 7,
            .now = now,
            .seen_since = bits & 32 ? now - SECONDS(500) : now,
            .asked_at = bits & 64 ? now - SECONDS(500) : 0,
            .counted = bits & 128,
            .report = bits & 256 ? REPORT_READY : REPORT_NONE,
        };
        assert_int_not_equal(workspaces_decide(&f).step, STEP_START);
    }
}

static void backs_off(void **state)
{
    assert_int_equal(workspaces_back_off(1), SECONDS(1));
    assert_int_equal(workspaces_back_off(2), SECONDS(2));
    assert_int_equal(workspaces_back_off(4), SECONDS(8));
    assert_int_equal(workspaces_back_off(1000000), SECONDS(60));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_each_row),
        cmocka_unit_test(never_two_at_once),
        cmocka_unit_test(backs_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
