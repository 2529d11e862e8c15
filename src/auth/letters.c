/*
 * What is told by e-mail: asked for here, and put into words when it is sent.
 *
 * 1. What a stranger asks for is written down without a look at who has the address: answer, work and time are the same.
 * 2. A letter contains our own words, links, and addresses: no name or other text that somebody chose, so that nobody can send
 *    theirs through us.
 * 3. A link's secret is made for one try and is nowhere but in that message.
 * 4. Each kind of letter is counted for itself: who asks for one keeps nobody from another. Who uses up one kind had it sent to whom it
 *    is for, and its link holds longer than it takes until the next.
 */
#include "auth/auth_int.h"

/* ---- Asked for ---- */

struct asking {
    struct data_context *ctx;
    struct mail_post post;
    const struct auth_acceptance *accepted; /* of who registers; NULL: uninvited */
    const struct data_user *user;           /* whose address is to change */
};

static const usec_t link_life = (usec_t)AUTH_CONFIRM_HOURS * 3600 * USEC_PER_SEC;

/* What strangers ask for is counted with registrations. */
static int limited(struct auth *a, struct data_context *ctx)
{
    return auth_limit_request(a, ctx, AUTH_LIMIT_REGISTER,
                              auth_limit_network(ctx->arena, ctx->client.address));
}

/* What letters are counted by: the address, what they are for, and for whose account or by which invitation. */
static struct str letters_key(const struct asking *asking)
{
    const struct mail_post *post = &asking->post;
    return arena_printf(asking->ctx->arena, "%d " STR_FMT STR_FMT " " STR_FMT, (int)post->kind,
                        STR_ARG(post->user_id), STR_ARG(post->invitation_id), STR_ARG(post->email));
}

/*
 * Nobody's mailbox is filled: what is above is dropped, and answered alike. A letter that will not be sent, since nobody has the
 * address, counts as well: else what is dropped, which takes less time, would tell who has an account.
 */
static int ask(struct auth *a, store_fn *fn, const struct store_op *op, struct asking *asking)
{
    struct str key = letters_key(asking);
    if (auth_limit(a, AUTH_LIMIT_MAIL, key, NULL) < 0) {
        return 0;
    }
    int r = store_write(asking->ctx->store, op, fn, asking);
    if (r < 0) {
        auth_limit_return(a, AUTH_LIMIT_MAIL, key);
    }
    return r;
}

static int reset_fn(struct txn *txn, void *ctx)
{
    const struct asking *asking = ctx;
    return mail_post_in(txn, &asking->post);
}

int auth_reset_ask(struct auth *a, struct data_context *ctx, struct str email)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    if (!a->mail_base) {
        return data_fault(ctx, ERR_FORBIDDEN, NULL,
                          "This installation sends no mail. Ask your administrator for a link.");
    }
    struct asking asking = {.ctx = ctx,
                            .post = {.kind = DATA_MAIL_KIND_RESET, .from_stranger = true}};
    int r = auth_email_clean(ctx, email, &asking.post.email);
    r = r < 0 ? r : limited(a, ctx);
    if (r < 0) {
        return r;
    }
    struct store_op op = store_op_new();
    op.reserve = true; /* who cannot come in cannot delete anything */
    return ask(a, reset_fn, &op, &asking);
}

static int register_fn(struct txn *txn, void *ctx)
{
    const struct asking *asking = ctx;
    bool found;
    struct str text;
    int r = data_replay(txn, asking->ctx, &found, &text);
    if (r < 0 || found) { /* an account: addresses were not confirmed then */
        return r < 0 || str_eq(text, STR("asked")) ? r : ERR_CONFLICT;
    }
    if (asking->accepted) {
        r = auth_invitation_check_in(txn, asking->ctx, asking->accepted, asking->post.email);
    }
    r = r < 0 ? r : mail_post_in(txn, &asking->post);
    if (r == 0) {
        data_remember(txn, asking->ctx, STR("asked"));
    }
    return r;
}

int auth_register_ask(struct auth *a, struct data_context *ctx, const struct auth_register_ask *in)
{
    ASSERT(a->confirm);
    int r = limited(a, ctx);
    if (r < 0) {
        return r;
    }
    struct data_context undigested = *ctx; /* a digest is a fast hash of what may have a password */
    undigested.digested = false;
    memset(undigested.digest, 0, sizeof undigested.digest);
    struct asking asking = {
        .ctx = &undigested,
        .post = {.kind = DATA_MAIL_KIND_REGISTER, .email = in->email, .from_stranger = true},
        .accepted = in->accepted};
    if (in->accepted) {
        asking.post.tenant_id = in->accepted->tenant_id;
        asking.post.invitation_id = in->accepted->invitation_id;
    }
    r = ask(a, register_fn, &ctx->op, &asking);
    ctx->fault = undigested.fault;
    return r;
}

static int address_fn(struct txn *txn, void *ctx)
{
    const struct asking *asking = ctx;
    const struct data_context *by = asking->ctx;
    struct data_user user;
    int r = data_user_get(txn, &by->scope, by->scope.user_id, &user);
    if (r == ERR_NOT_FOUND || (r == 0 && !str_eq(user.password, asking->user->password))) {
        return ERR_BAD_CREDENTIALS;
    }
    r = r < 0 ? r : mail_post_in(txn, &asking->post);
    return r < 0 ? r : data_audit(txn, by, "user.email_ask", user.id, DATA_OUTCOME_OK);
}

int auth_address_ask(struct auth *a, struct data_context *ctx, const struct data_user *user,
                     struct str email)
{
    ASSERT(a->confirm);
    struct asking asking = {.ctx = ctx,
                            .post = {.kind = DATA_MAIL_KIND_ADDRESS,
                                     .email = email,
                                     .from_stranger = true,
                                     .tenant_id = user->tenant_id,
                                     .user_id = user->id},
                            .user = user};
    struct store_op op = store_op_new();
    return ask(a, address_fn, &op, &asking);
}

int auth_address_tell_in(struct txn *txn, const struct auth *a, const struct data_user *before)
{
    if (!a->mail_base) {
        return 0;
    }
    return mail_post_in(txn,
                        &(struct mail_post){.kind = DATA_MAIL_KIND_MOVED, .email = before->email});
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
                     "It works once, and ends all logins and API keys.\n\n"
                     "If it was not you, there is nothing to do: your password stays as it is.\n",
                     a->mail_base, AUTH_RESET_MINUTES, a->mail_base, STR_ARG(reset.token));
    return 0;
}

/* The part of a link behind '#': no server's log has it. */
static struct str link_end(struct arena *arena, struct str token, struct str email)
{
    BUF_AUTO(text, AUTH_EMAIL_MAX * 3);
    auth_percent(&text, email);
    ASSERT(text.error == 0);
    return arena_printf(arena, "confirmation=" STR_FMT "&email=" STR_FMT, STR_ARG(token),
                        STR_ARG(buf_str(&text)));
}

/* ERR_NOT_FOUND: nobody has the address. */
static int address_taken(const struct mail_draft *draft)
{
    struct scope scope;
    return data_user_by_email(draft->txn, draft->mail->email, &scope);
}

static struct str known_text(const struct auth *a, struct arena *arena)
{
    return arena_printf(arena,
                        "Somebody, probably you, wanted to make an account with this address at\n"
                        "%s. There is one already.\n\n"
                        "To log in:\n\n%s/login\n\n"
                        "If you forgot the password:\n\n%s/forgot\n\n"
                        "If it was not you, there is nothing to do.\n",
                        a->mail_base, a->mail_base, a->mail_base);
}

static int register_letter(const struct auth *a, const struct mail_draft *draft,
                           struct mail_letter *letter)
{
    const struct data_mail *mail = draft->mail;
    struct arena *arena = draft->arena;
    int r = address_taken(draft);
    if (r == 0) {
        letter->subject = STR("You have an account already");
        letter->text = known_text(a, arena);
        return 0;
    }
    if (r != ERR_NOT_FOUND) {
        return r;
    }
    bool invited = mail->invitation_id.n > 0;
    struct str invitation =
        invited ? arena_printf(arena, STR_FMT "." STR_FMT, STR_ARG(mail->their_tenant_id),
                               STR_ARG(mail->invitation_id))
                : STR_EMPTY;
    struct str token = auth_confirmation_make(
        a, arena, auth_confirm_register(arena, mail->email, invitation), link_life);
    letter->subject = STR("Finish your account");
    letter->text = arena_printf(
        arena,
        "Somebody, probably you, wants to make an account with this address at\n%s.\n\n"
        "To choose a password and begin, open this link within %d hours:\n\n"
        "%s/register#%s" STR_FMT "%s" STR_FMT "\n\n"
        "If it was not you, there is nothing to do: no account is made.\n",
        a->mail_base, AUTH_CONFIRM_HOURS, a->mail_base, invited ? "invitation=" : "",
        STR_ARG(invitation), invited ? "&" : "", STR_ARG(link_end(arena, token, mail->email)));
    return 0;
}

static int address_letter(const struct auth *a, const struct mail_draft *draft,
                          struct mail_letter *letter)
{
    const struct data_mail *mail = draft->mail;
    struct arena *arena = draft->arena;
    const struct scope scope = {.tenant_id = mail->their_tenant_id};
    struct data_user user;
    int r = data_user_get(draft->txn, &scope, mail->user_id, &user);
    /* Whoever changed the password since it was asked for took the account back. */
    if (r < 0 || user.email.n == 0 || str_eq(user.email, mail->email) ||
        user.password_changed_at >= mail->created_at) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    r = address_taken(draft);
    if (r == 0) {
        letter->subject = STR("This address has an account already");
        letter->text =
            arena_printf(arena,
                         "Somebody, probably you, wanted this address for their account at\n"
                         "%s. It is another account's, and stays that one's.\n\n"
                         "If it was not you, there is nothing to do.\n",
                         a->mail_base);
        return 0;
    }
    if (r != ERR_NOT_FOUND) {
        return r;
    }
    struct str token = auth_confirmation_make(
        a, arena, auth_confirm_address(arena, &user, mail->email), link_life);
    letter->subject = STR("Confirm your new address");
    letter->text =
        arena_printf(arena,
                     "Somebody, probably you, wants this address for their account at\n%s.\n\n"
                     "To confirm it, open this link within %d hours, where you are logged in:\n\n"
                     "%s/address#" STR_FMT "\n\n"
                     "If it was not you, there is nothing to do.\n",
                     a->mail_base, AUTH_CONFIRM_HOURS, a->mail_base,
                     STR_ARG(link_end(arena, token, mail->email)));
    return 0;
}

static int moved_letter(const struct auth *a, const struct mail_draft *draft,
                        struct mail_letter *letter)
{
    letter->subject = STR("Your address was changed");
    letter->text = arena_printf(
        draft->arena,
        "The account of this address at %s\nhas another address from now on, to log in "
        "with and for letters.\n\n"
        "If it was you, there is nothing to do.\n\n"
        "If it was not, somebody knows your password: tell your administrator.\n",
        a->mail_base);
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
    case DATA_MAIL_KIND_REGISTER:
        r = register_letter(a, draft, &letter);
        break;
    case DATA_MAIL_KIND_ADDRESS:
        r = address_letter(a, draft, &letter);
        break;
    case DATA_MAIL_KIND_MOVED:
        r = moved_letter(a, draft, &letter);
        break;
    }
    if (r == 0) {
        *ret_letter = letter;
    }
    return r;
}
