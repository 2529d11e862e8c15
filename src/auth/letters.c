/*
 * What is told by e-mail: asked for here, and put into words when it is sent.
 *
 * 1. What a stranger asks for is written down without a look at who has the address: answer, work and time are the same.
 * 2. A letter contains our own words, links, and addresses: no name or other text that somebody chose, so that nobody can send
 *    theirs through us.
 * 3. A link's secret is made for one try and is nowhere but in that message.
 */
#include "auth/auth_int.h"

/* ---- Asked for ---- */

static int post_fn(struct txn *txn, void *ctx)
{
    return mail_post_in(txn, ctx);
}

int auth_reset_ask(struct auth *a, struct data_context *ctx, struct str email)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    if (!a->mail_base) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL,
                          "This installation sends no mail. Ask your administrator for a link.");
    }
    struct mail_post post = {.kind = DATA_MAIL_KIND_RESET, .from_stranger = true};
    int r = auth_email_clean(ctx, email, &post.email);
    if (r < 0) {
        return r;
    }
    struct auth_limit_state state;
    r = auth_limit(a, AUTH_LIMIT_REGISTER, auth_limit_network(ctx->arena, ctx->client.address),
                   &state);
    if (r < 0) {
        ctx->fault = (struct data_fault){.retry_after_ms = state.retry_after_ms};
        return r;
    }
    if (auth_limit(a, AUTH_LIMIT_MAIL, post.email, NULL) < 0) {
        return 0;
    }
    struct store_op op = store_op_new();
    op.reserve = true; /* who cannot come in cannot delete anything */
    r = store_write(ctx->store, &op, post_fn, &post);
    if (r < 0) {
        auth_limit_return(a, AUTH_LIMIT_MAIL, post.email);
    }
    return r;
}

/* ---- Put into words ---- */

static int reset_letter(const struct auth *a, const struct mail_draft *draft,
                        struct mail_letter *letter)
{
    struct scope scope;
    struct data_user user;
    int r = data_user_by_email(draft->txn, draft->mail->email, &scope);
    r = r < 0 ? r : data_user_get(draft->txn, &scope, scope.user_id, &user);
    if (r < 0) {
        return r;
    }
    const struct auth_reset_making making = {
        .arena = draft->arena, .scope = &scope, .user_id = user.id};
    struct auth_reset reset;
    r = auth_reset_make_in(draft->txn, &making, &reset);
    if (r == 0 && draft->mail->tries == 0) {
        const struct data_context nobody = {.scope = {.tenant_id = scope.tenant_id}};
        r = data_audit(draft->txn, &nobody, "reset.create", user.id, DATA_OUTCOME_OK);
    }
    if (r < 0) {
        return r;
    }
    letter->subject = STR("Set another password");
    letter->text =
        arena_printf(draft->arena,
                     "Somebody, probably you, asked for another password for the account of\n"
                     "this address at %s.\n\n"
                     "To set one, open this link within %d minutes:\n\n"
                     "%s/reset#token=" STR_FMT "\n\n"
                     "It works once, and ends all logins.\n\n"
                     "If it was not you, there is nothing to do: your password stays as it is.\n",
                     a->mail_base, AUTH_RESET_MINUTES, a->mail_base, STR_ARG(reset.token));
    return 0;
}

int auth_letter(void *ctx, const struct mail_draft *draft, struct mail_letter *ret_letter)
{
    const struct auth *a = ctx;
    ASSERT_MAGIC(a, AUTH_MAGIC);
    ASSERT(a->mail_base);
    struct mail_letter letter;
    int r = ERR_NOT_FOUND;
    switch (draft->mail->kind) {
    case DATA_MAIL_KIND_RESET:
        r = reset_letter(a, draft, &letter);
        break;
    }
    if (r == 0) {
        *ret_letter = letter;
    }
    return r;
}
