/* Stored records: what decodes is within its bounds and is stored again as the same bytes of meaning. */
#include "fuzz.h"

#include "base/assert.h"
#include "data/data_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO(arena);
    for (const struct data_type *const *type = data_types; *type; type++) {
        void *record = arena_alloc(&arena, (*type)->size);
        void *again = arena_alloc(&arena, (*type)->size);
        if (data_record_decode(&arena, *type, str_of(data, size), record) == 0) {
            struct str value = data_record_encode(&arena, *type, record);
            ASSERT(data_record_decode(&arena, *type, value, again) == 0);
            ASSERT(str_eq(value, data_record_encode(&arena, *type, again)));
        }
    }
    return 0;
}
