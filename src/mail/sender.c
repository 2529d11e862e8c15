/*
 * The thread that sends what waits. It knows nothing that the store does not: whoever starts next goes on.
 *
 * 1. A message is taken, sent, and ended in this order. Who dies between the second and the third has it sent once more, after
 *    its lease; nothing else sends a message twice.
 * 2. After a try that failed the thread rests for `retry`, so that a server that is away is not asked by every message.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "mail/mail_int.h"

enum { SENDER_MAGIC = 0x6d61696c, STACK = 1 << 20, MESSAGE_MOST = 128 * 1024 };

static const usec_t look_every = 60 * USEC_PER_SEC; /* should a bell be lost */

struct mail_sender {
    unsigned magic;
    struct mail_options options;
    struct mail_box from;
    struct store_watch *watch;
    pthread_t thread;
    struct lock lock;
    struct lock_cond changed;
    bool rung;
    bool stop;
    _Atomic int64_t cut_at; /* when a stop's patience with the mail server ends; 0: nobody stops */
    _Atomic uint64_t sent, deferred, failed;
};

/* ---- One message ---- */

static enum mail_result hand_over(struct mail_sender *s, struct arena *arena,
                                  const struct mail_taken *taken)
{
    const struct mail_message message = {
        .from = s->from,
        .to = taken->mail.email,
        .id = arena_printf(arena, STR_FMT ".%lld", STR_ARG(taken->mail.id),
                           (long long)taken->mail.tries), /* each try has a link of its own */
        .at = time_now(),
        .letter = taken->letter,
    };
    BUF_AUTO(text, MESSAGE_MOST);
    mail_message_write(&text, &message);
    ASSERT(text.error == 0);
    struct mail_exchange x = {.options = &s->options,
                              .from = s->from.address,
                              .to = taken->mail.email,
                              .message = buf_str(&text),
                              .cut_at = &s->cut_at};
    enum mail_result result = mail_smtp_send(&x);
    if (result != MAIL_SENT) {
        log_warn("mail", STR_FMT " was %s: %s", STR_ARG(taken->mail.id),
                 result == MAIL_REFUSED ? "refused for good" : "not taken", x.why);
    }
    return result;
}

/* False: it did not go, and the next one would not either. */
static bool deal_with(struct mail_sender *s, struct arena *arena, const struct mail_taken *taken)
{
    enum mail_result result = hand_over(s, arena, taken);
    int r = result == MAIL_LATER ? mail_queue_put_back(&s->options, &taken->mail)
                                 : mail_queue_end(s->options.store, &taken->mail);
    atomic_fetch_add(result == MAIL_SENT      ? &s->sent
                     : result == MAIL_REFUSED ? &s->failed
                                              : &s->deferred,
                     1);
    if (r < 0) {
        log_warn("mail", STR_FMT " may be sent once more: %s", STR_ARG(taken->mail.id),
                 err_name(r));
    }
    return result != MAIL_LATER && r == 0;
}

/* ---- The thread ---- */

/* When to look again; 0: at once. */
static usec_t turn(struct mail_sender *s)
{
    ARENA_AUTO(arena);
    struct mail_taken taken;
    int r = mail_queue_take(&s->options, &arena, &taken);
    if (r < 0) {
        log_warn("mail", "what waits cannot be read: %s", err_name(r));
        return s->options.retry;
    }
    switch (taken.turn) {
    case MAIL_TURN_SEND:
        return deal_with(s, &arena, &taken) ? 0 : s->options.retry;
    case MAIL_TURN_OLD:
        atomic_fetch_add(&s->failed, 1);
        log_warn("mail", STR_FMT " is given up: nobody took it in %d hours", STR_ARG(taken.mail.id),
                 MAIL_HOURS);
        return 0;
    case MAIL_TURN_DROPPED:
        return 0;
    case MAIL_TURN_NONE:
        break;
    }
    usec_t wait = taken.due - time_now();
    wait = wait > USEC_PER_MS ? wait : USEC_PER_MS;
    return taken.due != 0 && wait < look_every ? wait : look_every;
}

/* False: it is time to stop. A bell shortens the wait for what is due, not the rest after a failure. */
static bool rest(struct mail_sender *s, usec_t time, bool bell_counts)
{
    usec_t deadline = time_monotonic() + time;
    LOCK_SCOPE(&s->lock);
    while (time > 0 && !s->stop && !(bell_counts && s->rung) &&
           lock_cond_wait_until(&s->changed, &s->lock, deadline)) {
    }
    s->rung = false;
    return !s->stop;
}

static void *run(void *ctx)
{
    struct mail_sender *s = ctx;
    usec_t wait;
    uint64_t deferred;
    do {
        deferred = atomic_load(&s->deferred);
        wait = turn(s);
    } while (rest(s, wait, atomic_load(&s->deferred) == deferred));
    return NULL;
}

/* From a thread of the store, under its lock. */
static void ring(void *ctx)
{
    struct mail_sender *s = ctx;
    LOCK_SCOPE(&s->lock);
    s->rung = true;
    lock_cond_signal(&s->changed);
}

/* ---- Start and end ---- */

int mail_options_check(const struct mail_options *o)
{
    struct mail_box box;
    if (!mail_smtp_url_fits(o->url)) {
        return log_err(ERR_INVALID, "mail",
                       "smtp.url is malformed: it looks like smtp://mail.example.com:587 or "
                       "smtps://mail.example.com, without a name and password");
    }
    if (!o->from || mail_box_read(str_from(o->from), &box) < 0) {
        return log_err(ERR_INVALID, "mail",
                       "smtp.url wants a smtp.from like coditect@example.com or "
                       "Coditect <coditect@example.com>");
    }
    return 0;
}

static void destroy(struct mail_sender *s)
{
    lock_cond_fini(&s->changed);
    lock_fini(&s->lock);
    s->magic = 0;
    mem_free(s);
    curl_global_cleanup();
}

int mail_sender_start(const struct mail_options *options, struct mail_sender **ret_sender)
{
    int r = mail_options_check(options);
    if (r < 0) {
        return r;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        return ERR_BUSY;
    }
    struct mail_sender *s = MEM_NEW(struct mail_sender);
    s->magic = SENDER_MAGIC;
    s->options = *options;
    ASSERT(mail_box_read(str_from(options->from), &s->from) == 0);
    lock_init(&s->lock, LOCK_MAIL);
    lock_cond_init(&s->changed);
    ARENA_AUTO(arena);
    s->watch = store_watch(options->store, data_key_bell(&arena, MAIL_BELL), ring, s);
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK);
    int failed = pthread_create(&s->thread, &attributes, run, s);
    (void)pthread_attr_destroy(&attributes);
    if (failed) {
        store_unwatch(s->watch);
        destroy(s);
        return ERR_BUSY;
    }
    *ret_sender = s;
    return 0;
}

void mail_sender_stop(struct mail_sender *s)
{
    if (!s) {
        return;
    }
    ASSERT_MAGIC(s, SENDER_MAGIC);
    store_unwatch(s->watch);
    atomic_store(&s->cut_at, time_monotonic() + MAIL_GRACE_SECONDS * USEC_PER_SEC);
    lock_take(&s->lock);
    s->stop = true;
    lock_cond_signal(&s->changed);
    lock_release(&s->lock);
    (void)pthread_join(s->thread, NULL);
    destroy(s);
}

void mail_sender_facts(const struct mail_sender *s, struct mail_facts *ret_facts)
{
    *ret_facts = (struct mail_facts){0};
    if (s) {
        ASSERT_MAGIC(s, SENDER_MAGIC);
        ret_facts->sent = atomic_load(&s->sent);
        ret_facts->deferred = atomic_load(&s->deferred);
        ret_facts->failed = atomic_load(&s->failed);
    }
}
