/* Drafts: what is not finished yet, under a name that is never mirrored. The IDE saves by such names, too. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codi2/tree_int.h"

bool codi2_tree_is_own_name(struct str folder, struct str name)
{
    const struct str prefix = STR(CODI2_OWN_PREFIX);
    bool own = name.n == prefix.n + 16 && str_starts(name, prefix);
    for (size_t i = prefix.n; own && i < name.n; i++) {
        own = (name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'a' && name.p[i] <= 'f');
    }
    return own || (folder.n == 0 && str_eq(name, STR(CODI2_OWN_CLONE)));
}

void codi2_tree_drop_draft(const struct codi2_tree *t, int folder, const char *name)
{
    struct stat facts;
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode) &&
        facts.st_ctim.tv_sec * 1000000000LL + facts.st_ctim.tv_nsec < t->drafts_from) {
        (void)unlinkat(folder, name, 0);
    }
}
