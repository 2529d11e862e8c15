#include "data/world.h"
#include "mail/mail_int.h"

#define HOUR (3600 * USEC_PER_SEC)

struct letters {
    struct world w;
    struct mail_options options;
    int answer; /* of compose */
    unsigned composed;
};

static int compose(void *ctx, const struct mail_draft *draft, struct mail_letter *ret_letter)
{
    struct letters *l = ctx;
    l->composed++;
    *ret_letter = (struct mail_letter){.subject = STR("S"),
                                       .text = arena_str(draft->arena, draft->mail->email)};
    return l->answer;
}

static void begin(struct letters *l)
{
    *l = (struct letters){0};
    world_init(&l->w, "memory");
    l->options = (struct mail_options){
        .store = l->w.store, .compose = compose, .compose_ctx = l, .retry = 10 * USEC_PER_SEC};
}

static void end(struct letters *l)
{
    world_assert_consistent(l->w.store);
    world_fini(&l->w);
}

static int post_fn(struct txn *txn, void *ctx)
{
    return mail_post_in(txn, ctx);
}

static int post(struct letters *l, const char *email, bool from_stranger)
{
    struct mail_post in = {
        .kind = DATA_MAIL_KIND_RESET, .email = str_from(email), .from_stranger = from_stranger};
    return world_write(&l->w, post_fn, &in);
}

static struct mail_taken take(struct letters *l)
{
    struct mail_taken taken;
    assert_int_equal(mail_queue_take(&l->options, &l->w.arena, &taken), 0);
    return taken;
}

static uint64_t waiting(struct letters *l)
{
    uint64_t n;
    assert_int_equal(mail_waiting(l->w.store, &n), 0);
    return n;
}

struct damage {
    struct str id, value;
    struct str was; /* result, in arena */
    struct arena *arena;
};

static int damage_fn(struct txn *txn, void *ctx)
{
    struct damage *d = ctx;
    struct str key = arena_printf(store_arena(txn), "t/" STR_FMT "/mail/" STR_FMT,
                                  STR_ARG(data_house.tenant_id), STR_ARG(d->id));
    struct str was;
    int r = store_get(txn, key, &was);
    d->was = r == 0 ? arena_str(d->arena, was) : STR_EMPTY;
    store_put(txn, key, d->value);
    return r;
}

static void what_cannot_be_read_keeps_no_other_from_being_sent(void **state)
{
    struct letters l;
    begin(&l);
    assert_int_equal(post(&l, "ada@example.com", false), 0);
    struct mail_taken first = take(&l);
    assert_int_equal(mail_queue_put_back(&l.options, &first.mail), 0);
    struct damage d = {.id = first.mail.id, .value = STR("99 {}"), .arena = &l.w.arena};
    assert_int_equal(world_write(&l.w, damage_fn, &d), 0);
    time_test_advance(HOUR);
    assert_int_equal(post(&l, "bob@example.com", false), 0);
    assert_str(take(&l).letter.text, "bob@example.com");
    d.value = d.was;
    assert_int_equal(world_write(&l.w, damage_fn, &d), 0);
    end(&l);
}

static void gives_each_to_one_and_forgets_what_was_sent(void **state)
{
    struct letters l;
    begin(&l);
    assert_int_equal(take(&l).turn, MAIL_TURN_NONE);
    assert_int_equal(take(&l).due, 0);
    assert_int_equal(post(&l, "ada@example.com", false), 0);
    time_test_advance(USEC_PER_MS);
    assert_int_equal(post(&l, "bob@example.com", false), 0);
    struct mail_taken first = take(&l);
    struct mail_taken second = take(&l);
    assert_int_equal(first.turn, MAIL_TURN_SEND);
    assert_str(first.letter.text, "ada@example.com");
    assert_str(second.letter.text, "bob@example.com");
    assert_int_equal(first.mail.tries, 1);
    struct mail_taken none = take(&l);
    assert_int_equal(none.turn, MAIL_TURN_NONE);
    assert_int_equal(none.due, first.mail.due_at);
    assert_int_equal(waiting(&l), 2);
    assert_int_equal(mail_queue_end(l.w.store, &first.mail), 0);
    assert_int_equal(mail_queue_end(l.w.store, &second.mail), 0);
    assert_int_equal(waiting(&l), 0);
    end(&l);
}

static void tries_again_later_and_later(void **state)
{
    struct letters l;
    begin(&l);
    assert_int_equal(post(&l, "ada@example.com", false), 0);
    static const int64_t seconds[] = {10, 20, 40, 80, 160, 320, 640, 900, 900};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct mail_taken taken = take(&l);
        assert_int_equal(taken.turn, MAIL_TURN_SEND);
        assert_int_equal(mail_queue_put_back(&l.options, &taken.mail), 0);
        usec_t due = take(&l).due;
        assert_int_equal(due - time_now(), seconds[i] * USEC_PER_SEC);
        time_test_advance(due - time_now());
    }
    end(&l);
}

/* What a sender left that died is somebody else's after the lease; should it come back, it changes nothing. */
static void takes_over_from_who_died(void **state)
{
    struct letters l;
    begin(&l);
    assert_int_equal(post(&l, "ada@example.com", false), 0);
    struct mail_taken dead = take(&l);
    time_test_advance(MAIL_LEASE);
    struct mail_taken taken = take(&l);
    assert_int_equal(taken.turn, MAIL_TURN_SEND);
    assert_int_equal(taken.mail.tries, 2);
    assert_int_equal(mail_queue_end(l.w.store, &dead.mail), 0);
    assert_int_equal(mail_queue_put_back(&l.options, &dead.mail), 0);
    assert_int_equal(waiting(&l), 1);
    assert_int_equal(take(&l).due, taken.mail.due_at);
    assert_int_equal(mail_queue_end(l.w.store, &taken.mail), 0);
    assert_int_equal(mail_queue_put_back(&l.options, &taken.mail), 0);
    assert_int_equal(waiting(&l), 0);
    end(&l);
}

static void gives_up_after_a_day(void **state)
{
    struct letters l;
    begin(&l);
    assert_int_equal(post(&l, "ada@example.com", false), 0);
    time_test_advance(MAIL_HOURS * HOUR - 1);
    struct mail_taken taken = take(&l);
    assert_int_equal(taken.turn, MAIL_TURN_SEND);
    assert_int_equal(mail_queue_put_back(&l.options, &taken.mail), 0);
    time_test_advance(HOUR);
    assert_int_equal(take(&l).turn, MAIL_TURN_OLD);
    assert_int_equal(waiting(&l), 0);
    end(&l);
}

static void drops_what_there_is_nothing_to_tell_of(void **state)
{
    struct letters l;
    begin(&l);
    assert_int_equal(post(&l, "nobody@example.com", true), 0);
    l.answer = ERR_NOT_FOUND;
    assert_int_equal(take(&l).turn, MAIL_TURN_DROPPED);
    assert_int_equal(waiting(&l), 0);
    assert_int_equal(post(&l, "ada@example.com", true), 0);
    l.answer = ERR_CORRUPT;
    struct mail_taken taken;
    assert_int_equal(mail_queue_take(&l.options, &l.w.arena, &taken), ERR_CORRUPT);
    assert_int_equal(waiting(&l), 1);
    end(&l);
}

static int fill_fn(struct txn *txn, void *ctx)
{
    struct mail_post in = {.kind = DATA_MAIL_KIND_RESET, .email = STR("x@example.com")};
    for (int i = 0; i < MAIL_MAX_WAITING / 10; i++) {
        int r = mail_post_in(txn, &in);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void holds_no_more_for_strangers_than_it_may(void **state)
{
    struct letters l;
    begin(&l);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(post(&l, "ada@example.com", true), 0);
        assert_int_equal(world_write(&l.w, fill_fn, NULL), 0);
    }
    assert_int_equal(post(&l, "ada@example.com", true), ERR_BUSY);
    assert_int_equal(post(&l, "ada@example.com", false), 0);
    end(&l);
}

static int setup(void **state)
{
    time_test_set(1000000000 * USEC_PER_SEC, 1000 * USEC_PER_SEC);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(gives_each_to_one_and_forgets_what_was_sent, setup),
        cmocka_unit_test_setup(what_cannot_be_read_keeps_no_other_from_being_sent, setup),
        cmocka_unit_test_setup(tries_again_later_and_later, setup),
        cmocka_unit_test_setup(takes_over_from_who_died, setup),
        cmocka_unit_test_setup(gives_up_after_a_day, setup),
        cmocka_unit_test_setup(drops_what_there_is_nothing_to_tell_of, setup),
        cmocka_unit_test_setup(holds_no_more_for_strangers_than_it_may, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
