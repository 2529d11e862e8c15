/* What a bucket answers in XML: a page of its list, or a refusal. */
#include "backup/backup_int.h"
#include "base/assert.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_reply reply = {.is_list = false};
    int r = backup_reply_parse(str_of(data, size), STR("backups/"), &reply);
    ASSERT(r == 0 || r == ERR_CORRUPT);
    for (size_t i = 0; i < reply.objects.n; i++) {
        const struct backup_object *object = &reply.objects.at[i];
        size_t n = strnlen(object->name, sizeof object->name);
        ASSERT(n > 0 && n < sizeof object->name && object->size <= BACKUP_OBJECT_MOST);
    }
    ASSERT(strnlen(reply.token, sizeof reply.token) < sizeof reply.token);
    ASSERT(strnlen(reply.code, sizeof reply.code) < sizeof reply.code);
    ASSERT(strnlen(reply.message, sizeof reply.message) < sizeof reply.message);
    VEC_FREE(&reply.objects);
    return 0;
}
