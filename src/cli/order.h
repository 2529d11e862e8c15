#ifndef CLI_ORDER_H
#define CLI_ORDER_H

#include "cli/cli_int.h"

/* Which records of a list, in which order: options of the command, and members of the request's input. */
struct cli_order {
    struct str words, sort;
    bool has_words, has_sort, reverse;
};
struct cli_order cli_order(const struct cli_run *run);
#define CLI_ORDER_OPTIONS(in_what, orders) \
    {.name = "search", .value = "TEXT", .text = "only those with this in their " in_what}, \
        {.name = "sort", .value = orders, .text = "in this order"}, \
    { \
        .name = "reverse", .text = "the other way round" \
    }
#define CLI_ORDERED(order) \
    .q = (order).words, .has_q = (order).has_words, .sort = (order).sort, \
    .has_sort = (order).has_sort, .reverse = (order).reverse, .has_reverse = (order).reverse

#endif
