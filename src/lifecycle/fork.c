/*
 * The files of a fork. How they are copied stands in files/fork.c: what is there already is passed over, so a copy that was cut
 * off is begun again and comes to the same. Each step asks in its transaction whether the fork is still in hand.
 */
#include "files/upkeep.h"
#include "lifecycle/lifecycle_int.h"

int lifecycle_copy_step(struct store *store, struct arena *arena, const struct lifecycle_copy *copy,
                        struct lifecycle_copied *ret_copied)
{
    struct sessions_forking fork = *copy->fork;
    struct data_context ctx = {.store = store, .arena = arena, .scope = fork.scope};
    struct files_fork_input in = {.from = fork.from,
                                  .at = fork.seq,
                                  .to = fork.id,
                                  .after = copy->after,
                                  .guard = sessions_fork_guard,
                                  .guard_ctx = &fork};
    struct files_forked forked = {0};
    int r = fork.seq > 0 ? files_fork_step(&ctx, &in, &forked) : 0; /* 0: nothing was ever in it */
    if (r == 0 && !forked.more) {
        r = sessions_fork_whole(store, &fork);
    }
    if (r == 0) {
        *ret_copied = (struct lifecycle_copied){.whole = !forked.more, .after = forked.next};
    }
    return r;
}
