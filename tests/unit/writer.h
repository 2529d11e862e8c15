/* A writer of JSON and what it wrote, anew for each test of a file. */
#ifndef UNIT_WRITER_H
#define UNIT_WRITER_H

#include "base/json.h"
#include "unit.h"

static struct buf out;
static struct json_writer w;

static inline int writer_begin(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    json_writer_init(&w, &out);
    return 0;
}

static inline int writer_end(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

#define WRITER_TEST(f) cmocka_unit_test_setup_teardown(f, writer_begin, writer_end)

#endif
