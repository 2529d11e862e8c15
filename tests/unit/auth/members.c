#include "auth/world.h"

PEOPLE_SETUP

struct change {
    struct data_context *ctx;
    struct auth_member_change in;
    struct data_user user;
};

static int put_fn(struct txn *txn, void *ctx)
{
    struct change *c = ctx;
    int r = auth_member_put_in(txn, c->ctx, &c->in, &c->user);
    if (r == 0) {
        data_user_copy(c->ctx->arena, &c->user);
    }
    return r;
}

static int put(struct data_context *by, const struct data_context *who, enum data_role role)
{
    struct change c = {.ctx = by, .in = {.user_id = who->scope.user_id, .role = role}};
    struct store_op op = store_op_new();
    return store_write(by->store, &op, put_fn, &c);
}

static int remove_fn(struct txn *txn, void *ctx)
{
    struct change *c = ctx;
    return auth_member_remove_in(txn, c->ctx, c->in.user_id, c->in.revision);
}

static int take_out(struct data_context *by, const struct data_context *who)
{
    struct change c = {.ctx = by, .in = {.user_id = who->scope.user_id}};
    struct store_op op = store_op_new();
    return store_write(by->store, &op, remove_fn, &c);
}

static void everybody_changes_up_to_their_own_role(void **state)
{
    struct people *p = *state;
    struct data_context people[5];
    people[DATA_ROLE_OWNER] = people_request_of(p, "ada@example.com");
    struct data_context *ada = &people[DATA_ROLE_OWNER];
    people[DATA_ROLE_ADMIN] = people_join(p, ada, "adam@example.com", DATA_ROLE_ADMIN);
    people[DATA_ROLE_MEMBER] = people_join(p, ada, "mel@example.com", DATA_ROLE_MEMBER);
    people[DATA_ROLE_VIEWER] = people_join(p, ada, "vic@example.com", DATA_ROLE_VIEWER);
    for (int by = DATA_ROLE_OWNER; by <= DATA_ROLE_VIEWER; by++) {
        for (int was = DATA_ROLE_OWNER; was <= DATA_ROLE_VIEWER; was++) {
            bool reaches = was >= by;
            assert_int_equal(auth_role_reaches((enum data_role)by, (enum data_role)was), reaches);
            int r = put(&people[by], &people[was], (enum data_role)was);
            assert_int_equal(r, reaches ? 0 : ERR_FORBIDDEN);
        }
    }
    assert_int_equal(put(&people[DATA_ROLE_ADMIN], &people[DATA_ROLE_VIEWER], DATA_ROLE_OWNER),
                     ERR_FORBIDDEN);
    struct data_context eve = people_request_of(p, "eve@example.com");
    assert_int_equal(put(&eve, &people[DATA_ROLE_VIEWER], DATA_ROLE_MEMBER), ERR_NOT_FOUND);
    assert_int_equal(take_out(&eve, &people[DATA_ROLE_VIEWER]), ERR_NOT_FOUND);
}

static void the_last_owner_stays(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_MEMBER);
    assert_int_equal(put(&ada, &ada, DATA_ROLE_MEMBER), ERR_CONFLICT);
    assert_int_equal(take_out(&ada, &ada), ERR_CONFLICT);
    struct data_user owner;
    assert_int_equal(auth_tenant_transfer(&ada, ada.scope.user_id, &owner), ERR_CONFLICT);
    assert_int_equal(auth_tenant_transfer(&ada, mel.scope.user_id, &owner), 0);
    assert_str(owner.id, mel.scope.user_id.p);
    assert_int_equal(auth_still(p->auth, &ada), 0);
    assert_int_equal(ada.scope.role, DATA_ROLE_ADMIN);
    assert_int_equal(auth_still(p->auth, &mel), 0);
    assert_int_equal(take_out(&mel, &ada), 0);
    assert_int_equal(take_out(&mel, &mel), ERR_CONFLICT);
    assert_int_equal(auth_tenant_transfer(&mel, ada.scope.user_id, &owner), ERR_NOT_FOUND);
}

/* What a request was permitted by is what the store says when it is done, not what it said when the request came. */
static void who_asks_with_a_role_of_before_is_refused(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context adam = people_join(p, &ada, "adam@example.com", DATA_ROLE_ADMIN);
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_MEMBER);
    struct data_invitation invitation;
    struct str token;
    struct auth_invitation_input in = {.email = STR("eve@example.org"), .role = DATA_ROLE_OWNER};
    ada.op = store_op_new();
    assert_int_equal(auth_invitation_create(&ada, &in, &invitation, &token), 0);
    struct data_user owner;
    assert_int_equal(auth_tenant_transfer(&ada, adam.scope.user_id, &owner), 0);
    assert_int_equal(auth_tenant_transfer(&ada, mel.scope.user_id, &owner), ERR_FORBIDDEN);
    assert_int_equal(put(&ada, &mel, DATA_ROLE_OWNER), ERR_FORBIDDEN);
    assert_int_equal(take_out(&ada, &mel), ERR_FORBIDDEN);
    ada.op = store_op_new();
    assert_int_equal(auth_invitation_create(&ada, &in, &invitation, &token), ERR_FORBIDDEN);
    struct auth_reset reset;
    assert_int_equal(auth_member_reset(&ada, mel.scope.user_id, &reset), ERR_FORBIDDEN);
    assert_int_equal(auth_member_totp_end(&ada, mel.scope.user_id), ERR_FORBIDDEN);
    assert_int_equal(auth_still(p->auth, &ada), 0);
    assert_int_equal(auth_still(p->auth, &adam), 0);
    assert_int_equal(take_out(&adam, &ada), 0);
    assert_int_equal(put(&ada, &mel, DATA_ROLE_VIEWER), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_invitation_end(&ada, invitation.id), ERR_UNAUTHENTICATED);
}

static void who_is_removed_is_out_and_the_account_stays(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_MEMBER);
    struct auth_apikey_input wanted = {
        .name = STR("script"), .access = DATA_APIKEY_ACCESS_READ, .days = 1};
    enum data_apikey_access access;
    struct data_apikey key;
    struct str token;
    assert_int_equal(auth_apikey_create(&mel, &wanted, &key, &token), 0);
    assert_int_equal(take_out(&ada, &mel), 0);
    assert_int_equal(take_out(&ada, &mel), ERR_NOT_FOUND);
    struct data_context script = people_request(p);
    assert_int_equal(auth_apikey_authenticate(p->auth, &script, token, &access),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(auth_apikey_revoke(&mel, key.id), ERR_NOT_FOUND); /* it is gone */
    assert_int_equal(auth_apikey_create(&mel, &wanted, &key, &token), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_still(p->auth, &mel), ERR_UNAUTHENTICATED);
    struct auth_result result;
    assert_int_equal(people_login(p, "mel@example.com", WORLD_PASSWORD, &result),
                     ERR_BAD_CREDENTIALS);
    struct data_user user;
    assert_int_equal(auth_member_get(&ada, mel.scope.user_id, &user), ERR_NOT_FOUND);
    struct auth_members_input in = {.limit = 10, .former = true};
    struct auth_members former;
    assert_int_equal(auth_members_list(&ada, &in, &former), 0);
    assert_int_equal(former.n, 1);
    assert_str(former.at[0].id, mel.scope.user_id.p);
    in.former = false;
    assert_int_equal(auth_members_list(&ada, &in, &former), 0);
    assert_int_equal(former.n, 1);
    assert_str(former.at[0].id, ada.scope.user_id.p);
}

static int use_link(struct people *p, const struct auth_reset *reset)
{
    struct data_context nobody = people_request(p);
    const struct auth_reset_input in = {reset->token, STR("better horse staple")};
    return auth_reset_use(p->auth, &nobody, &in);
}

static void a_link_is_worth_what_its_maker_may_give(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context adam = people_join(p, &ada, "adam@example.com", DATA_ROLE_ADMIN);
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_MEMBER);
    struct auth_reset reset;
    assert_int_equal(auth_member_reset(&adam, mel.scope.user_id, &reset), 0);
    assert_int_equal(put(&ada, &mel, DATA_ROLE_OWNER), 0);
    assert_int_equal(use_link(p, &reset), ERR_FORBIDDEN);
    assert_int_equal(put(&ada, &mel, DATA_ROLE_VIEWER), 0);
    assert_int_equal(put(&ada, &adam, DATA_ROLE_VIEWER), 0); /* reaches, but manages nobody */
    assert_int_equal(use_link(p, &reset), ERR_FORBIDDEN);
    assert_int_equal(put(&ada, &adam, DATA_ROLE_ADMIN), 0);
    assert_int_equal(use_link(p, &reset), 0);
    assert_int_equal(auth_member_reset(&adam, mel.scope.user_id, &reset), 0);
    assert_int_equal(take_out(&ada, &adam), 0);
    assert_int_equal(use_link(p, &reset), ERR_FORBIDDEN);
    struct data_context console = people_request(p);
    assert_int_equal(auth_console_reset(&console, STR("mel@example.com"), &reset), 0);
    assert_int_equal(use_link(p, &reset), 0); /* the operator's is nobody's */
}

static int take_up(struct people *p, const char *email, struct str token)
{
    struct data_context ctx = people_request(p);
    struct auth_result result;
    const struct auth_register_input as = {
        .email = str_from(email), .password = WORLD_PASSWORD, .invitation = token};
    return auth_register(p->auth, &ctx, &as, &result);
}

static struct str invite(struct data_context *by, const char *email)
{
    const struct auth_invitation_input in = {.email = str_from(email), .role = DATA_ROLE_MEMBER};
    struct data_invitation invitation;
    struct str token;
    by->op = store_op_new();
    assert_int_equal(auth_invitation_create(by, &in, &invitation, &token), 0);
    return token;
}

static size_t open_ones(struct data_context *by)
{
    struct auth_invitations list;
    const struct auth_invitations_input in = {.limit = DATA_MAX_LIST};
    assert_int_equal(auth_invitations_list(by, &in, &list), 0);
    return list.n;
}

static void an_invitation_is_worth_what_its_maker_may_give(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context adam = people_join(p, &ada, "adam@example.com", DATA_ROLE_ADMIN);
    struct data_invitation invitation;
    struct str token;
    const struct auth_invitation_input in = {.email = STR("a2@example.com"),
                                             .role = DATA_ROLE_ADMIN};
    adam.op = store_op_new();
    assert_int_equal(auth_invitation_create(&adam, &in, &invitation, &token), 0);
    struct str others = invite(&ada, "a3@example.com");
    assert_int_equal(open_ones(&ada), 2);
    assert_int_equal(put(&ada, &adam, DATA_ROLE_MEMBER), 0);
    assert_int_equal(open_ones(&ada), 1);
    assert_int_equal(take_up(p, "a2@example.com", token), ERR_FORBIDDEN);
    assert_int_equal(put(&ada, &adam, DATA_ROLE_ADMIN), 0); /* what has ended has */
    assert_int_equal(take_up(p, "a2@example.com", token), ERR_FORBIDDEN);
    adam.scope.role = DATA_ROLE_ADMIN;
    struct str his = invite(&adam, "a4@example.com");
    assert_int_equal(open_ones(&ada), 2);
    assert_int_equal(take_out(&ada, &adam), 0);
    assert_int_equal(open_ones(&ada), 1);
    assert_int_equal(take_up(p, "a4@example.com", his), ERR_FORBIDDEN);
    assert_int_equal(take_up(p, "a3@example.com", others), 0);
    /* An account of somebody before is an owner's to give. */
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_OWNER);
    const struct auth_invitation_input again = {
        .email = STR("eve@example.com"), .role = DATA_ROLE_MEMBER, .user_id = adam.scope.user_id};
    ada.op = store_op_new();
    assert_int_equal(auth_invitation_create(&ada, &again, &invitation, &token), 0);
    assert_int_equal(put(&mel, &ada, DATA_ROLE_ADMIN), 0);
    assert_int_equal(open_ones(&mel), 0);
    assert_int_equal(take_up(p, "eve@example.com", token), ERR_FORBIDDEN);
    assert_int_equal(put(&mel, &ada, DATA_ROLE_OWNER), 0);
    assert_int_equal(take_up(p, "eve@example.com", token), ERR_FORBIDDEN);
    /* One account is given once: who gets it first ends what others were offered of it. */
    struct str second;
    struct auth_invitation_input to_another = again;
    to_another.email = STR("eva@example.com");
    ada.op = store_op_new();
    assert_int_equal(auth_invitation_create(&ada, &again, &invitation, &token), 0);
    ada.op = store_op_new();
    assert_int_equal(auth_invitation_create(&ada, &to_another, &invitation, &second), 0);
    assert_int_equal(open_ones(&ada), 2);
    assert_int_equal(take_up(p, "eve@example.com", token), 0);
    assert_int_equal(open_ones(&ada), 0);
    assert_int_equal(take_up(p, "eva@example.com", second), ERR_FORBIDDEN);
}

struct left_behind {
    struct scope scope;
    struct data_apikey key;
};

static int leave_behind_fn(struct txn *txn, void *ctx)
{
    struct left_behind *l = ctx;
    return data_apikey_put(txn, &l->scope, &l->key);
}

static void who_is_given_an_account_gets_no_keys_with_it(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context mel = people_join(p, &ada, "mel@example.com", DATA_ROLE_MEMBER);
    const struct auth_apikey_input wanted = {
        .name = STR("script"), .access = DATA_APIKEY_ACCESS_READ, .days = 1};
    struct left_behind behind = {.scope = mel.scope};
    struct str key;
    struct str token;
    assert_int_equal(auth_apikey_create(&mel, &wanted, &behind.key, &key), 0);
    assert_int_equal(take_out(&ada, &mel), 0);
    assert_int_equal(world_write(&p->w, leave_behind_fn, &behind), 0);
    struct data_invitation invitation;
    const struct auth_invitation_input in = {
        .email = STR("eve@example.com"), .role = DATA_ROLE_MEMBER, .user_id = mel.scope.user_id};
    ada.op = store_op_new();
    assert_int_equal(auth_invitation_create(&ada, &in, &invitation, &token), 0);
    assert_int_equal(take_up(p, "eve@example.com", token), 0);
    struct data_context script = people_request(p);
    enum data_apikey_access access;
    assert_int_equal(auth_apikey_authenticate(p->auth, &script, key, &access), ERR_UNAUTHENTICATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everybody_changes_up_to_their_own_role),
        TEST(the_last_owner_stays),
        TEST(who_asks_with_a_role_of_before_is_refused),
        TEST(a_link_is_worth_what_its_maker_may_give),
        TEST(an_invitation_is_worth_what_its_maker_may_give),
        TEST(who_is_given_an_account_gets_no_keys_with_it),
        TEST(who_is_removed_is_out_and_the_account_stays),
        TEST_SQLITE(who_is_removed_is_out_and_the_account_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
