/*
 * What to do about one workspace, from what is wanted and what is seen. A pure function, so that every row of it is tested.
 *
 * 1. There is never a second process beside one that lives: a start waits for the end of what was before.
 * 2. What lives under an older generation is asked to end; it cannot write any more, since the wire refuses it.
 * 3. What was asked to end has time to persist, and is then killed: what it had lies on this machine's disk.
 */
#include "base/assert.h"
#include "workspaces/keeper_int.h"

static const usec_t patience = 45 * USEC_PER_SEC; /* the supervisor's own is 30 s */
static const usec_t silence = 90 * USEC_PER_SEC;  /* until a process counts as hung */
static const usec_t longest = 60 * USEC_PER_SEC;

usec_t workspaces_back_off(unsigned failures)
{
    usec_t wait = USEC_PER_SEC;
    for (unsigned i = 1; i < failures && wait < longest; i++) {
        wait *= 2;
    }
    return wait < longest ? wait : longest;
}

static enum step end_it(const struct facts *f)
{
    if (f->asked_at == 0) {
        return f->phase == WORKSPACES_STOPPING ? STEP_NOTHING : STEP_STOP;
    }
    return f->now - f->asked_at > patience ? STEP_KILL : STEP_NOTHING;
}

static struct decision for_living(const struct facts *f)
{
    if (!f->wanted) {
        return (struct decision){end_it(f), DATA_WORKSPACE_STATE_STOPPING,
                                 "Persisting and stopping"};
    }
    if (f->running_generation != f->generation || f->phase == WORKSPACES_STOPPING) {
        return (struct decision){end_it(f), DATA_WORKSPACE_STATE_STARTING,
                                 "Waiting for the previous run to end"};
    }
    switch (f->report) {
    case REPORT_READY:
        return (struct decision){STEP_NOTHING, DATA_WORKSPACE_STATE_RUNNING, NULL};
    case REPORT_IDE:
        return (struct decision){STEP_NOTHING, DATA_WORKSPACE_STATE_STARTING, "Starting the IDE"};
    case REPORT_RESTORING:
        return (struct decision){STEP_NOTHING, DATA_WORKSPACE_STATE_RESTORING, "Restoring files"};
    case REPORT_NONE:
        break;
    }
    enum step step = f->now - f->seen_since > silence ? STEP_KILL : STEP_NOTHING;
    return (struct decision){step, DATA_WORKSPACE_STATE_STARTING, "Starting the workspace"};
}

static struct decision for_dead(const struct facts *f)
{
    if (!f->wanted) {
        return (struct decision){STEP_NOTHING, DATA_WORKSPACE_STATE_STOPPED, NULL};
    }
    if (f->failed) {
        return (struct decision){STEP_NOTHING, DATA_WORKSPACE_STATE_FAILED, NULL};
    }
    if (!f->counted) {
        bool over = f->failures + 1 >= KEEPER_MAX_FAILURES;
        return (struct decision){over ? STEP_GIVE_UP : STEP_BACK_OFF,
                                 over ? DATA_WORKSPACE_STATE_FAILED : DATA_WORKSPACE_STATE_STARTING,
                                 over ? NULL : "Starting again"};
    }
    if (f->crowded) {
        return (struct decision){STEP_NOTHING, DATA_WORKSPACE_STATE_STARTING,
                                 "Waiting for others to start"};
    }
    if (f->disk_low) {
        return (struct decision){STEP_NOTHING, DATA_WORKSPACE_STATE_STARTING,
                                 "Waiting for space on the server's disk"};
    }
    bool wait = f->now < f->not_before;
    return (struct decision){wait ? STEP_NOTHING : STEP_START, DATA_WORKSPACE_STATE_STARTING,
                             f->failures > 0 ? "Starting again" : "Starting the workspace"};
}

struct decision workspaces_decide(const struct facts *f)
{
    switch (f->phase) {
    case WORKSPACES_GONE:
    case WORKSPACES_ENDED:
        return for_dead(f);
    case WORKSPACES_STARTING:
    case WORKSPACES_RUNNING:
    case WORKSPACES_STOPPING:
        return for_living(f);
    }
    UNREACHABLE();
}
