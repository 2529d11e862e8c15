/* How long what failed waits. A map holds only what failed last: of a healthy server it is empty. */
#include "base/mem.h"
#include "lifecycle/lifecycle_int.h"

static const usec_t shortest = USEC_PER_SEC;
static const usec_t longest = 60 * USEC_PER_SEC;

struct delay {
    usec_t wait;
    usec_t due; /* monotonic */
};

void lifecycle_delays_init(struct lifecycle_delays *d)
{
    *d = (struct lifecycle_delays){.of = map_create(), .now = time_monotonic()};
}

void lifecycle_delays_fini(struct lifecycle_delays *d)
{
    size_t position = 0;
    struct str what;
    void *delay;
    while (map_next(d->of, &position, &what, &delay)) {
        mem_free(delay);
    }
    map_destroy(d->of);
}

void lifecycle_delays_begin(struct lifecycle_delays *d)
{
    d->now = time_monotonic();
}

bool lifecycle_delays_due(const struct lifecycle_delays *d, struct str what)
{
    const struct delay *delay = map_get(d->of, what);
    return !delay || delay->due <= d->now;
}

void lifecycle_delays_tried(struct lifecycle_delays *d, struct str what, bool failed)
{
    if (!failed) {
        mem_free(map_remove(d->of, what));
        return;
    }
    struct delay *delay = map_get(d->of, what);
    if (!delay) {
        delay = MEM_NEW(struct delay);
        (void)map_put(d->of, what, delay);
    }
    delay->wait = delay->wait == 0            ? shortest
                  : delay->wait * 2 < longest ? delay->wait * 2
                                              : longest;
    delay->due = d->now + delay->wait;
}

usec_t lifecycle_delays_end(struct lifecycle_delays *d)
{
    usec_t next = d->now + longest;
    size_t position = 0;
    struct str what;
    void *value;
    while (map_next(d->of, &position, &what, &value)) {
        const struct delay *delay = value;
        if (delay->due <= d->now) {
            mem_free(map_remove(d->of, what));
        } else if (delay->due < next) {
            next = delay->due;
        }
    }
    return next;
}
