#include "random_tail.h"

enum { PAGE = 7 };

struct page {
    const struct random_tail *tail;
    uint8_t position[STORE_POSITION_SIZE];
    uint64_t seen[RANDOM_TAIL_WRITERS];
    size_t count;
    const char *wrong;
};

void random_tail_wake(void *ctx)
{
    struct random_tail *t = ctx;
    LOCK_SCOPE(&t->lock);
    t->woken = true;
    lock_cond_signal(&t->changed);
}

static int read_page(struct txn *txn, void *ctx)
{
    struct page *p = ctx;
    memcpy(p->position, p->tail->position, sizeof p->position);
    memcpy(p->seen, p->tail->seen, sizeof p->seen);
    p->wrong = NULL;
    struct store_feed_range range = {.feed = STR("events"), .limit = PAGE};
    memcpy(range.behind, p->position, sizeof range.behind);
    struct store_event *events;
    int r = store_feed(txn, &range, &events, &p->count);
    for (size_t i = 0; r == 0 && i < p->count; i++) {
        struct str rest = events[i].value, thread = STR_EMPTY, number = STR_EMPTY;
        (void)(str_split(&rest, ' ', &thread) && str_split(&rest, ' ', &number));
        uint64_t t = RANDOM_TAIL_WRITERS, n = 0;
        if (str_u64(thread, RANDOM_TAIL_WRITERS - 1, &t) || str_u64(number, UINT32_MAX, &n) ||
            n != p->seen[t]) {
            p->wrong = "an event is missing, doubled or out of order";
            break;
        }
        p->seen[t]++;
        memcpy(p->position, events[i].position, sizeof p->position);
    }
    return r;
}

bool random_tail_read(struct random_tail *t)
{
    for (;;) {
        struct page page = {.tail = t};
        if (store_test_read(t->t, read_page, &page) != 0) {
            page.wrong = "the feed cannot be read";
        }
        t->wrong = page.wrong;
        memcpy(t->position, page.position, sizeof t->position);
        memcpy(t->seen, page.seen, sizeof t->seen);
        if (t->wrong || page.count == 0) {
            return !t->wrong;
        }
    }
}

static bool wait_for_event(struct random_tail *t)
{
    LOCK_SCOPE(&t->lock);
    while (!t->woken && !t->stop) {
        lock_cond_wait(&t->changed, &t->lock);
    }
    bool go_on = t->woken;
    t->woken = false;
    return go_on;
}

void *random_tail_main(void *ctx)
{
    struct random_tail *t = ctx;
    while (wait_for_event(t) && random_tail_read(t)) {
    }
    return NULL;
}
