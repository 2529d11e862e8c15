/*
 * Messages that wait. All lie below the house (src/data/house.c), so that what a stranger asks for costs the same and leaves the
 * same whether or not anybody has the address.
 *
 * 1. `due_at` orders them. Who takes one moves it by MAIL_LEASE and counts `tries` up in one transaction: of several senders one
 *    has it, and what a sender left that died is taken again after that time.
 * 2. A sender that comes late (tries has moved on) changes nothing.
 * 3. Text is made in the transaction that takes it, so that a link's hash is in the store before the link is on its way.
 */
#include "base/assert.h"
#include "mail/mail_int.h"

static const usec_t back_off_most = 15 * 60 * USEC_PER_SEC;

/* ---- Posting ---- */

static int count_in(struct txn *txn, uint64_t *ret_count)
{
    const struct data_mail any = {0};
    const struct data_query query = {.index = DATA_MAIL_BY_DUE, .match = &any};
    return data_counted(txn, &(struct data_count_of){&data_house, &data_mail_type}, &query,
                        ret_count);
}

static bool is_address(struct str text)
{
    size_t at = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || (uint8_t)text.p[i] >= 0x7F || strchr("<>\"(),:;\\[]", text.p[i])) {
            return false;
        }
        at += text.p[i] == '@';
    }
    return at == 1 && text.n <= MAIL_MAX_ADDRESS && text.p[0] != '@' && text.p[text.n - 1] != '@';
}

int mail_post_in(struct txn *txn, const struct mail_post *post)
{
    ASSERT(is_address(post->email));
    uint64_t waiting;
    int r = data_house_in(txn);
    r = r < 0 ? r : count_in(txn, &waiting);
    if (r == 0 && post->from_stranger && waiting >= MAIL_MAX_WAITING) {
        return ERR_BUSY;
    }
    usec_t now = time_now();
    struct data_mail mail = {
        .id = data_id_make(store_arena(txn), "mal"),
        .kind = post->kind,
        .email = post->email,
        .their_tenant_id = post->tenant_id,
        .user_id = post->user_id,
        .invitation_id = post->invitation_id,
        .created_at = now,
        .due_at = now,
    };
    r = r < 0 ? r : data_mail_put(txn, &data_house, &mail);
    if (r == 0) {
        store_put(txn, data_key_bell(store_arena(txn), MAIL_BELL), mail.id);
    }
    return r;
}

static int waiting_fn(struct txn *txn, void *ctx)
{
    return count_in(txn, ctx);
}

int mail_waiting(struct store *store, uint64_t *ret_count)
{
    uint64_t count = 0;
    int r = store_read(store, waiting_fn, &count);
    if (r == 0) {
        *ret_count = count;
    }
    return r;
}

/* ---- Taking ---- */

struct take {
    const struct mail_options *options;
    struct arena *arena;
    bool only_look;
    struct mail_taken taken; /* result */
};

static int take_this(struct txn *txn, struct take *t, struct data_mail *mail)
{
    usec_t now = time_now();
    if (now - mail->created_at >= MAIL_HOURS * 3600 * USEC_PER_SEC) {
        t->taken.turn = MAIL_TURN_OLD;
        return data_mail_delete(txn, &data_house, mail->id);
    }
    const struct mail_draft draft = {.txn = txn, .arena = t->arena, .mail = mail};
    int r = t->options->compose(t->options->compose_ctx, &draft, &t->taken.letter);
    if (r == ERR_NOT_FOUND) {
        t->taken.turn = MAIL_TURN_DROPPED;
        return data_mail_delete(txn, &data_house, mail->id);
    }
    if (r < 0) {
        return r;
    }
    t->taken.turn = MAIL_TURN_SEND;
    mail->due_at = now + MAIL_LEASE;
    mail->tries++;
    return data_mail_put(txn, &data_house, mail);
}

static int take_fn(struct txn *txn, void *ctx)
{
    struct take *t = ctx;
    t->taken = (struct mail_taken){.turn = MAIL_TURN_NONE};
    const struct data_query query = {.index = DATA_MAIL_BY_DUE, .limit = 1, .pass_over = true};
    struct data_mail_list page;
    int r = data_mail_list(txn, &data_house, &query, &page);
    if (r < 0 || page.n == 0) {
        return r;
    }
    struct data_mail mail = page.at[0];
    t->taken.due = mail.due_at;
    if (!t->only_look && mail.due_at <= time_now()) {
        r = take_this(txn, t, &mail);
    }
    t->taken.mail = mail;
    data_mail_copy(t->arena, &t->taken.mail);
    return r;
}

/* Looks before it writes: most of the time there is nothing. */
int mail_queue_take(const struct mail_options *o, struct arena *arena, struct mail_taken *ret_taken)
{
    struct take t = {.options = o, .arena = arena, .only_look = true};
    int r = store_read(o->store, take_fn, &t);
    if (r == 0 && t.taken.due != 0 && t.taken.due <= time_now()) {
        t.only_look = false;
        struct store_op op = store_op_new();
        op.reserve = true; /* who cannot come in cannot delete anything */
        r = store_write(o->store, &op, take_fn, &t);
    }
    if (r == 0) {
        *ret_taken = t.taken;
    }
    return r;
}

/* ---- Afterwards ---- */

struct after {
    const struct data_mail *mail; /* as it was taken */
    usec_t retry;                 /* 0: it goes */
};

static usec_t back_off(usec_t retry, int64_t tries)
{
    for (; tries > 1 && retry < back_off_most; tries--) {
        retry *= 2;
    }
    return retry < back_off_most ? retry : back_off_most;
}

static int after_fn(struct txn *txn, void *ctx)
{
    const struct after *after = ctx;
    struct data_mail now;
    int r = data_mail_get(txn, &data_house, after->mail->id, &now);
    if (r == ERR_NOT_FOUND || (r == 0 && now.tries != after->mail->tries)) {
        return 0;
    }
    if (r == 0 && after->retry == 0) {
        return data_mail_delete(txn, &data_house, now.id);
    }
    if (r == 0) {
        now.due_at = time_now() + back_off(after->retry, now.tries);
        r = data_mail_put(txn, &data_house, &now);
    }
    return r;
}

int mail_queue_end(struct store *store, const struct data_mail *mail)
{
    struct after after = {.mail = mail};
    struct store_op op = store_op_new();
    op.reserve = true; /* it takes away */
    return store_write(store, &op, after_fn, &after);
}

int mail_queue_put_back(const struct mail_options *o, const struct data_mail *mail)
{
    struct after after = {.mail = mail, .retry = o->retry};
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(o->store, &op, after_fn, &after);
}
