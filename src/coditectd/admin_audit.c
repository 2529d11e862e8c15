/* What strangers were refused, and turns of keys, for the operator: the audit log of the house, newest first. */
#include "coditectd/admin_int.h"

static int say_page(struct coditectd_admin_call *c, const struct auth_audit_page *page)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < page->n; i++) {
        BUF_AUTO(line, CODITECTD_ADMIN_LINE);
        buf_add(&line, page->at[i].reply);
        r = coditectd_admin_send(c, &line);
    }
    return r;
}

int coditectd_admin_audit(struct coditectd_admin_call *c)
{
    struct auth_audit_input input = {.limit = DATA_MAX_LIST, .since = c->in.since};
    char cursor[DATA_MAX_CURSOR];
    uint64_t count = 0;
    int r = coditectd_admin_begin(c);
    do {
        ARENA_AUTO(arena);
        struct auth_audit_page page;
        struct data_context ctx = {
            .store = c->admin->options.store, .arena = &arena, .scope = data_house};
        r = r < 0 ? r : auth_audit_list(&ctx, &input, &page);
        r = r < 0 ? r : say_page(c, &page);
        count += r == 0 ? page.n : 0;
        if (r == 0 && page.next.n > 0) {
            memcpy(cursor, page.next.p, page.next.n);
        }
        input.cursor = str_of(cursor, r == 0 ? page.next.n : 0);
    } while (r == 0 && input.cursor.n > 0);
    return r < 0 ? r
                 : coditectd_admin_say_end(
                       c, (struct coditectd_admin_total[]){{"records", count}, {NULL, 0}});
}
