/*
 * One workspace, one turn: what is known becomes facts, decide.c decides, and the step is done and shown.
 *
 * 1. Every start has a generation of its own, committed before the process begins: whoever came before is refused by the wire.
 */
#include <unistd.h>

#include "auth/auth.h"
#include "base/log.h"
#include "base/rand.h"
#include "sessions/sessions.h"
#include "workspaces/keeper_int.h"

enum { UID_TRIES = 20 };

static const usec_t appear = 10 * USEC_PER_SEC; /* from the start to the supervisor's first word */
static const usec_t fresh_start = 60 * USEC_PER_SEC; /* how long a word of the past counts */
static const usec_t settled = 600 * USEC_PER_SEC;    /* after which old failures are forgotten */
static const usec_t jitter = 5 * USEC_PER_SEC;
static const usec_t owner_every = 2 * USEC_PER_SEC;

static void remember(struct turn *t, usec_t now, bool alive)
{
    struct kept *m = t->m;
    if (!alive) {
        m->seen_since = m->asked_at = 0;
        return;
    }
    if (m->seen_since == 0) {
        m->seen_since = now;
    }
    if (t->process.generation == m->generation) {
        m->mine = true;
    }
    if (t->reported && now - m->seen_since > settled) {
        m->failures = 0;
        m->error[0] = '\0';
    }
}

static struct facts facts_of(struct turn *t)
{
    struct kept *m = t->m;
    usec_t now = time_monotonic();
    bool alive = workspaces_lives(t->process.phase);
    bool ours = t->process.generation == m->generation;
    if (m->mine && !alive && !ours && now - m->started_at < appear) {
        t->process.phase = WORKSPACES_STARTING; /* it has not written its state yet */
        t->process.generation = m->generation;
        alive = true;
    }
    remember(t, now, alive);
    enum report_state said = t->reported ? t->report.state : REPORT_NONE;
    if (said == REPORT_IDE && t->a->record.state == DATA_WORKSPACE_STATE_RUNNING) {
        said = REPORT_READY; /* it is started again: the page waits in its frame */
    }
    bool known = t->a->record.state == DATA_WORKSPACE_STATE_RUNNING && alive &&
                 t->process.generation == m->generation && now - m->seen_since < fresh_start;
    if (said == REPORT_NONE && known) {
        said = REPORT_READY; /* it ran for the server before this one, and has not spoken yet */
    }
    return (struct facts){
        .wanted = t->a->record.desired == DATA_WORKSPACE_DESIRED_RUNNING,
        .failed = t->a->record.state == DATA_WORKSPACE_STATE_FAILED,
        .generation = m->generation,
        .phase = t->process.phase,
        .running_generation = t->process.generation,
        .now = now,
        .seen_since = m->seen_since,
        .asked_at = m->asked_at,
        .not_before = m->not_before,
        .failures = m->failures,
        .counted = !m->mine,
        .report = said,
        .crowded = t->crowded,
        .disk_low = t->disk_low,
    };
}

static void set_error(struct kept *m, struct str text)
{
    struct str cut = data_text_cut(text, KEEPER_ERROR);
    if (cut.n > 0) {
        memcpy(m->error, cut.p, cut.n);
    }
    m->error[cut.n] = '\0';
}

/* The process, or the attempt to make one, has failed. */
static void count_failure(struct turn *t, struct str why)
{
    struct kept *m = t->m;
    m->mine = false;
    m->failures++;
    m->not_before = time_monotonic() + workspaces_back_off(m->failures);
    set_error(m, why);
    log_warn("workspaces", STR_FMT " failed %u times: %s", STR_ARG(t->a->record.session_id),
             m->failures, m->error);
}

static struct str end_in_words(const struct turn *t)
{
    if (t->process.error.n > 0) {
        return t->process.error;
    }
    return arena_printf(t->arena, "The workspace ended unexpectedly (status %d).",
                        t->process.exit_code);
}

static uid_t candidate(const struct workspaces_keeper_options *o)
{
    uint32_t number;
    rand_bytes(&number, sizeof number);
    return o->first_uid + number % (o->last_uid - o->first_uid + 1);
}

static int claim(struct turn *t, struct claim *ret_claim)
{
    const struct workspaces_keeper_options *o = t->options;
    int r = ERR_EXISTS;
    for (unsigned i = 0; r == ERR_EXISTS && i < UID_TRIES; i++) {
        *ret_claim = (struct claim){.want_uid = o->first_uid != 0};
        ret_claim->uid = ret_claim->want_uid ? candidate(o) : 0;
        r = workspaces_claim(o->store, t->arena, t->a, ret_claim);
    }
    return r;
}

static void start(struct turn *t)
{
    const struct workspaces_keeper_options *o = t->options;
    const struct data_workspace *w = &t->a->record;
    struct claim c;
    int r = claim(t, &c);
    if (r < 0) {
        if (r != ERR_STALE && r != ERR_NOT_FOUND) {
            log_warn("workspaces", STR_FMT " cannot be started: %s", STR_ARG(w->session_id),
                     err_name(r));
        }
        return; /* the next turn sees what is wanted now */
    }
    t->m->generation = c.generation;
    workspaces_lag_restart(&t->m->lag);
    t->m->started_at = time_monotonic();
    t->m->mine = true;
    struct auth_workspace token = {w->tenant_id, w->user_id, w->session_id, c.generation};
    struct workspaces_start s = {
        .tenant = w->tenant_id,
        .user = w->user_id,
        .session = w->session_id,
        .name = c.name,
        .token = auth_workspace_token(o->auth, t->arena, &token),
        .generation = c.generation,
        .uid = o->first_uid != 0 ? c.result : geteuid(),
        .memory = o->memory,
        .processes = o->processes,
        .cpu = o->cpu,
        .network = o->network,
    };
    struct str why;
    r = workspaces_local_start(o->local, t->arena, &s, &why);
    if (r < 0) {
        count_failure(t, why);
    } else {
        log_info("workspaces", STR_FMT " starts, generation %lld", STR_ARG(w->session_id),
                 (long long)c.generation);
    }
}

static void end_process(struct turn *t, bool force)
{
    int r = workspaces_local_stop(t->options->local, t->a->record.session_id, &t->process, force);
    if (r < 0 && r != ERR_NOT_FOUND) {
        log_warn("workspaces", STR_FMT " cannot be stopped: %s", STR_ARG(t->a->record.session_id),
                 err_name(r));
    }
    t->m->asked_at = time_monotonic();
}

static void act(struct turn *t, enum step step)
{
    switch (step) {
    case STEP_NOTHING:
        return;
    case STEP_START:
        start(t);
        return;
    case STEP_STOP:
        end_process(t, /* force= */ false);
        return;
    case STEP_KILL:
        end_process(t, /* force= */ true);
        return;
    case STEP_BACK_OFF:
    case STEP_GIVE_UP:
        count_failure(t, end_in_words(t));
        return;
    }
}

static const char paused_for_space[] = "Paused because the server's disk is almost full. "
                                       "Everything is kept; open it again when there is space.";

static const char not_stored[] =
    "It ended before all that was written in it was stored. The rest lies on the server's disk: "
    "open it to have it stored, or to see why it is not.";

/* When it will be paused: the stored time stands while it is about the same, so that it is not written each turn. */
static usec_t pauses_at(const struct turn *t)
{
    usec_t limit = t->options->idle_limit;
    if (limit == 0 || t->report.idle_ms == 0) {
        return 0;
    }
    usec_t at = time_now() - t->report.idle_ms * USEC_PER_MS + limit;
    usec_t stored = t->a->record.pauses_at;
    return at - stored < jitter && stored - at < jitter ? stored : at;
}

static struct shown shown_of(struct turn *t, const struct decision *d)
{
    struct shown s = {.state = d->state,
                      .step = d->words ? str_from(d->words) : STR_EMPTY,
                      .connected = t->reported};
    bool trouble = d->state == DATA_WORKSPACE_STATE_FAILED ||
                   (d->state == DATA_WORKSPACE_STATE_STARTING && t->m->failures > 0);
    if (trouble) {
        s.error = t->m->error[0] ? str_from(t->m->error) : t->a->record.error;
    }
    bool ends =
        d->state == DATA_WORKSPACE_STATE_STOPPING || d->state == DATA_WORKSPACE_STATE_STOPPED;
    if (t->m->pressed && ends) {
        s.message = str_from(paused_for_space);
        return s;
    }
    if (d->state == DATA_WORKSPACE_STATE_STOPPED && !t->process.stored) {
        s.message = str_from(not_stored);
        return s;
    }
    if (!t->reported) {
        return s;
    }
    s.message = str_from(t->report.message);
    s.trouble = str_from(t->report.trouble);
    s.pending = t->report.pending;
    s.quiet = t->report.quiet;
    s.held_back = t->report.held_back;
    s.failed = t->report.failed;
    s.damaged = t->report.damaged;
    if (d->state == DATA_WORKSPACE_STATE_RESTORING) {
        s.done = t->report.done;
        s.total = t->report.total;
    }
    if (d->state == DATA_WORKSPACE_STATE_RUNNING) {
        s.awake = str_from(t->report.awake);
        s.pauses_at = pauses_at(t);
    }
    return s;
}

int workspaces_pause(const struct workspaces_keeper_options *options, const struct attended *a,
                     const char *reason)
{
    ARENA_AUTO(arena);
    struct data_context ctx = {.store = options->store,
                               .arena = &arena,
                               .scope = a->scope,
                               .client = {.nobody = true},
                               .op = store_op_new()};
    struct sessions_view view;
    int r = sessions_pause(&ctx, a->record.session_id, &view);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return log_err(r, "workspaces", STR_FMT " cannot be paused: %s",
                       STR_ARG(a->record.session_id), err_name(r));
    }
    log_info("workspaces", STR_FMT " is paused: %s", STR_ARG(a->record.session_id), reason);
    return 0;
}

/* Whether its owner, who was there in the turn before, is logged in nowhere now. Whoever was not there since it started is left
 * to the limit of idleness: somebody may act for them. */
static bool owner_has_gone(struct turn *t)
{
    usec_t now = time_monotonic();
    if (now - t->m->owner_at < owner_every) {
        return false;
    }
    struct data_context ctx = {.store = t->options->store, .arena = t->arena, .scope = t->a->scope};
    bool in;
    int r = auth_anybody_in(&ctx, &in);
    if (r < 0) {
        log_warn("workspaces", "whether somebody is logged in cannot be read: %s", err_name(r));
        return false;
    }
    t->m->owner_at = now;
    t->m->owner_in = t->m->owner_in || in;
    return t->m->owner_in && !in;
}

static void pause_when_unused(struct turn *t)
{
    usec_t limit = t->options->idle_limit;
    if (limit != 0 && t->report.idle_ms * USEC_PER_MS >= limit) {
        (void)!workspaces_pause(t->options, t->a, "nobody used it");
    } else if (t->reported && !t->report.works && owner_has_gone(t)) {
        (void)!workspaces_pause(t->options, t->a, "its owner is logged in nowhere");
    }
}

void workspaces_look_after(struct turn *t)
{
    const struct attended *a = t->a;
    workspaces_local_look(t->options->local, t->arena, a->record.session_id, &t->process);
    struct facts facts = facts_of(t);
    bool lives = workspaces_lives(facts.phase);
    t->reported = t->reported && lives;
    struct decision d = workspaces_decide(&facts);
    t->starting = d.step == STEP_START || (lives && (d.state == DATA_WORKSPACE_STATE_STARTING ||
                                                     d.state == DATA_WORKSPACE_STATE_RESTORING));
    act(t, d.step);
    if (d.step == STEP_START) {
        return; /* the record has another generation now */
    }
    struct shown shown = shown_of(t, &d);
    if (workspaces_differs(&a->record, &shown)) {
        int r = workspaces_show(t->options->store, a, &shown);
        if (r < 0) {
            log_warn("workspaces", "the state of " STR_FMT " cannot be written: %s",
                     STR_ARG(a->record.session_id), err_name(r));
        }
    }
    if (d.state == DATA_WORKSPACE_STATE_RUNNING) {
        pause_when_unused(t);
    }
}
