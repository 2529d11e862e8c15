/* Paths and ignore rules: the first line is a path, the rest the text of an ignore file. */
#include "fuzz.h"

#include "base/assert.h"
#include "content/content.h"

static void check_split(struct str path)
{
    struct str folder;
    struct str name;
    content_path_split(path, &folder, &name);
    ASSERT(content_name_check(name) == 0 && content_path_check(folder) == 0);
    ASSERT(content_path_within(path, folder) && folder.n < path.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_of(data, size);
    size_t line = str_find(all, '\n', 0);
    struct str path = str_slice(all, 0, line);
    if (content_path_check(path) < 0) {
        return 0;
    }
    ASSERT(path.n <= CONTENT_MAX_PATH && str_find(path, '\0', 0) == path.n);
    if (path.n > 0) {
        check_split(path);
    }
    struct content_ignore *rules = content_ignore_create();
    int r = content_ignore_add(rules, STR_EMPTY, str_slice(all, line + 1, all.n));
    ASSERT(r == 0 || r == ERR_LIMIT);
    bool ignored = content_ignore_path(rules, path, /* is_folder= */ false);
    ASSERT(!ignored || path.n > 0);
    content_ignore_drop(rules, STR_EMPTY);
    ASSERT(!content_ignore_path(rules, path, /* is_folder= */ true));
    content_ignore_destroy(rules);
    return 0;
}
