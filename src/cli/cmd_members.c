/* members: who belongs to the tenant, in which role, and who is invited. */
#include "cli/cli_int.h"
#include "cli/order.h"

/* ---- list ---- */

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    (void)ctx;
    struct cli_client *client;
    const struct cli_order order = cli_order(run);
    struct cli_tenant_members_list_in in = {.former = cli_given(run, "former"),
                                            .has_former = true,
                                            CLI_ORDERED(order),
                                            .cursor = cursor,
                                            .has_cursor = cursor.n > 0};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_tenant_members_list(client, &in, NULL, ret_reply);
}

static void add_member(struct cli_table *table, const struct cli_member *member)
{
    cli_table_add(table, member->id);
    cli_table_add(table, member->role);
    cli_table_add(table, cli_time_text(&table->arena, member->has_removed_at ? member->removed_at
                                                                             : member->created_at));
    cli_table_add(table, member->has_email ? member->email : STR("-"));
    cli_table_add(table, member->has_name ? member->name : STR_EMPTY);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_member member = {0};
    int r = cli_shape_read(run, &cli_shape_member, element, &member);
    if (r == 0) {
        add_member(ctx, &member);
    }
    return r;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"ID", "ROLE", "SINCE (UTC)", "E-MAIL", "NAME", NULL};
    static const char *const former[] = {"ID", "ROLE", "REMOVED (UTC)", "E-MAIL", "NAME", NULL};
    return cli_list_show(run, cli_given(run, "former") ? former : heads,
                         &(struct cli_pages){.fetch = fetch, .show = show});
}

/* ---- one member ---- */

/* A page of members: is one of them who is meant? */
static int look(struct cli_run *run, const struct cli_reply *reply, struct str email,
                struct str *ret_id)
{
    int r = 0;
    for (const struct json *e = reply->data->first; r == 0 && e && ret_id->n == 0; e = e->next) {
        struct cli_member member = {0};
        r = cli_shape_read(run, &cli_shape_member, e, &member);
        if (r == 0 && member.has_email && str_eq_nocase(member.email, email)) {
            *ret_id = arena_str(&run->arena, member.id);
        }
    }
    return r;
}

int cli_member_find(struct cli_run *run, struct str word, struct str *ret_id)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct str cursor = STR_EMPTY;
    struct str id = cli_is_id(word, "usr") ? word : STR_EMPTY;
    int r = cli_client(run, &client);
    while (r == 0 && id.n == 0) {
        struct cli_tenant_members_list_in in = {.cursor = cursor, .has_cursor = cursor.n > 0};
        r = cli_tenant_members_list(client, &in, NULL, &reply);
        r = r < 0 ? r : look(run, &reply, word, &id);
        if (r == 0 && id.n == 0 && reply.next.n == 0) {
            r = cli_fail(run, ERR_NOT_FOUND, "no member has this address: " STR_FMT, STR_ARG(word));
        }
        cursor = r == 0 ? arena_str(&run->arena, reply.next) : STR_EMPTY;
    }
    if (r == 0) {
        *ret_id = id;
    }
    return r;
}

static int set_role(struct cli_run *run)
{
    struct cli_reply reply;
    struct cli_tenant_member_update_in in = {.role = str_from(run->operands[1])};
    run->subject = run->operands[0];
    int r = cli_member_find(run, str_from(run->operands[0]), &in.user_id);
    r = r < 0 ? r : cli_tenant_member_update(run->client, &in, NULL, &reply);
    return r < 0 ? r : cli_reply_print(run, &reply);
}

static int transfer(struct cli_run *run)
{
    struct cli_reply reply;
    struct cli_tenant_transfer_in in;
    run->subject = run->operands[0];
    int r = cli_member_find(run, str_from(run->operands[0]), &in.user_id);
    r = r < 0 ? r : cli_tenant_transfer(run->client, &in, NULL, &reply);
    return r < 0 ? r : cli_reply_print(run, &reply);
}

static int remove_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_tenant_member_remove_in in;
    int r = cli_member_find(run, str_from(word), &in.user_id);
    return r < 0 ? r : cli_tenant_member_remove(run->client, &in, NULL, ret_reply);
}

static int remove_some(struct cli_run *run)
{
    return cli_each(run, remove_call, cli_reply_print);
}

/* ---- invitations ---- */

/* The link alone on standard output: it is shown this once. */
static int invite(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_invitation_made made = {0};
    const char *role = cli_value(run, "role");
    const char *account = cli_value(run, "account");
    struct cli_tenant_invitation_create_in in = {
        .email = str_from(run->operands[0]),
        .role = role ? str_from(role) : STR("member"),
        .user_id = str_from(account),
        .has_user_id = account != NULL,
    };
    run->subject = run->operands[0];
    int r = cli_client(run, &client);
    r = r < 0 ? r : cli_tenant_invitation_create(client, &in, NULL, &reply);
    r = r < 0 ? r : cli_shape_read(run, &cli_shape_invitation_made, reply.data, &made);
    if (r < 0) {
        return r;
    }
    if (run->json) {
        cli_print_value(run, reply.data);
        return 0;
    }
    cli_escape(&run->out, made.url);
    buf_byte(&run->out, '\n');
    return 0;
}

static int fetch_invitations(struct cli_run *run, void *ctx, struct str cursor,
                             struct cli_reply *ret_reply)
{
    (void)ctx;
    struct cli_client *client;
    const struct cli_order order = cli_order(run);
    struct cli_tenant_invitations_list_in in = {CLI_ORDERED(order), .cursor = cursor,
                                                .has_cursor = cursor.n > 0};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_tenant_invitations_list(client, &in, NULL, ret_reply);
}

static int show_invitation(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = ctx;
    struct cli_invitation invitation = {0};
    int r = cli_shape_read(run, &cli_shape_invitation, element, &invitation);
    if (r < 0) {
        return r;
    }
    cli_table_add(table, invitation.id);
    cli_table_add(table, invitation.role);
    cli_table_add(table, cli_time_text(&table->arena, invitation.expires_at));
    cli_table_add(table, invitation.email);
    return 0;
}

static int list_invitations(struct cli_run *run)
{
    static const char *const heads[] = {"ID", "ROLE", "UNTIL (UTC)", "E-MAIL", NULL};
    return cli_list_show(run, heads,
                         &(struct cli_pages){.fetch = fetch_invitations, .show = show_invitation});
}

static int withdraw_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_tenant_invitation_delete_in in = {.invitation_id = str_from(word)};
    return cli_tenant_invitation_delete(run->client, &in, NULL, ret_reply);
}

static int withdraw(struct cli_run *run)
{
    return cli_each(run, withdraw_call, cli_reply_print);
}

/* ---- the table's rows ---- */

static const struct cli_option list_options[] = {
    {.name = "former", .text = "those who were removed, instead of the others"},
    CLI_ORDER_OPTIONS("name or address", "created|name|email"),
    {.name = NULL},
};
static const struct cli_example list_examples[] = {
    {"coditect members ls", "Oldest first."},
    {"coditect members ls --search grace --sort name", "Those with grace in name or address."},
    {.line = NULL},
};
const struct cli_command cli_command_members_ls = {
    .name = "members ls",
    .summary = "List who belongs to your tenant.",
    .options = list_options,
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand role_operands[] = {
    {.name = "MEMBER"},
    {.name = "owner|admin|member|viewer", .complete = CLI_WORDS},
    {.name = NULL},
};
static const struct cli_example role_examples[] = {
    {"coditect members role grace@example.com admin", "From the next request on."},
    {.line = NULL},
};
const struct cli_command cli_command_members_role = {
    .name = "members role",
    .summary = "Give a member another role.",
    .text = "MEMBER is an id or an e-mail address. Nobody gives or takes a role above their own.",
    .operands = role_operands,
    .examples = role_examples,
    .run = set_role,
};

static const struct cli_operand rm_operands[] = {
    {.name = "MEMBER", .many = true},
    {.name = NULL},
};
static const struct cli_example rm_examples[] = {
    {"coditect members rm grace@example.com", "Ends their logins at once; their sessions stay."},
    {.line = NULL},
};
const struct cli_command cli_command_members_rm = {
    .name = "members rm",
    .summary = "Remove members.",
    .text = "MEMBER is an id or an e-mail address. Their sessions stay with the tenant: an "
            "invitation with --account gives them to somebody.",
    .operands = rm_operands,
    .examples = rm_examples,
    .run = remove_some,
};

static const struct cli_operand transfer_operands[] = {{.name = "MEMBER"}, {.name = NULL}};
static const struct cli_example transfer_examples[] = {
    {"coditect members transfer grace@example.com", "She owns the tenant, you are an admin."},
    {.line = NULL},
};
const struct cli_command cli_command_members_transfer = {
    .name = "members transfer",
    .summary = "Make a member the owner in your place, and yourself an admin.",
    .text = "MEMBER is an id or an e-mail address. Owners may. Only who owns the tenant then can "
            "make you an owner again.",
    .operands = transfer_operands,
    .examples = transfer_examples,
    .run = transfer,
};

static const struct cli_operand invite_operands[] = {{.name = "E-MAIL"}, {.name = NULL}};
static const struct cli_option invite_options[] = {
    {.name = "role", .value = "owner|admin|member|viewer", .text = "default: member"},
    {.name = "account",
     .value = "ID",
     .text = "the account of a former member, and with it their sessions"},
    {.name = NULL},
};
static const struct cli_example invite_examples[] = {
    {"coditect members invite grace@example.com", "Prints a link that works once, for 7 days."},
    {.line = NULL},
};
const struct cli_command cli_command_members_invite = {
    .name = "members invite",
    .summary = "Invite somebody: prints the link for them.",
    .operands = invite_operands,
    .options = invite_options,
    .examples = invite_examples,
    .run = invite,
};

static const struct cli_option invitations_options[] = {
    CLI_ORDER_OPTIONS("address", "created|email"),
    {.name = NULL},
};
static const struct cli_example invitations_examples[] = {
    {"coditect members invitations", "Those that nobody has accepted yet."},
    {.line = NULL},
};
const struct cli_command cli_command_members_invitations = {
    .name = "members invitations",
    .summary = "List open invitations.",
    .options = invitations_options,
    .examples = invitations_examples,
    .run = list_invitations,
};

static const struct cli_operand withdraw_operands[] = {
    {.name = "ID", .many = true},
    {.name = NULL},
};
static const struct cli_example withdraw_examples[] = {
    {"coditect members withdraw inv-01jd5k7c9r3m8xq2w4e6y8t0za", "Its link works no more."},
    {.line = NULL},
};
const struct cli_command cli_command_members_withdraw = {
    .name = "members withdraw",
    .summary = "Withdraw invitations.",
    .operands = withdraw_operands,
    .examples = withdraw_examples,
    .run = withdraw,
};
