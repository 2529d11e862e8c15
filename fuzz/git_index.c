/* Git's index: whatever is in it, only checked paths come out, and none when it is refused. */
#include "fuzz.h"

#include "base/assert.h"
#include "codi2/git_index.h"
#include "content/content.h"

static void on_path(void *ctx, struct str path)
{
    size_t *seen = ctx;
    ASSERT(path.n > 0 && content_path_check(path) == 0);
    ++*seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t seen = 0;
    int r = codi2_git_index_read(str_of(data, size), on_path, &seen);
    ASSERT(r == 0 || (r == ERR_INVALID && seen == 0));
    return 0;
}
