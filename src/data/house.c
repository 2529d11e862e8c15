/*
 * The house: a tenant that nobody belongs to. Below it lies what is no tenant's: the mail that waits, what strangers were
 * refused, turns of keys. Written with the first of it.
 */
#include "data/data_int.h"

const struct scope data_house = {.tenant_id = STR("ten-00000000000000000000000000")};

bool data_is_house(struct str tenant_id)
{
    return str_eq(tenant_id, data_house.tenant_id);
}

int data_house_in(struct txn *txn)
{
    struct data_tenant tenant;
    int r = data_tenant_get(txn, &data_house, data_house.tenant_id, &tenant);
    if (r != ERR_NOT_FOUND) {
        return r;
    }
    usec_t now = time_now();
    tenant = (struct data_tenant){.id = data_house.tenant_id,
                                  .name = STR("house"),
                                  .created_at = now,
                                  .updated_at = now,
                                  .revision = 1};
    return data_tenant_put(txn, &data_house, &tenant);
}
