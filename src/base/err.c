#include "base/err.h"

#include <errno.h>

#include "base/assert.h"

const struct err_row *err_row(int code)
{
    ASSERT(code < 0 && code >= -ERR_COUNT);
    return &err_table[-code - 1];
}

int err_from_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}
