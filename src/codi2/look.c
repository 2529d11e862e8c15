/* What a file looks like, and what that proves: index.h. */
#include "base/time.h"
#include "codi2/index.h"

int64_t codi2_nanoseconds(int64_t seconds, int64_t nanoseconds)
{
    const int64_t most = 9223372035; /* and any part of a second */
    seconds = seconds > most ? most : seconds < -most ? -most : seconds;
    return seconds * 1000000000 + nanoseconds;
}

bool codi2_look_of(const struct stat *facts, struct codi2_look *ret_look)
{
    enum codi2_kind kind = S_ISREG(facts->st_mode)   ? CODI2_FILE
                           : S_ISDIR(facts->st_mode) ? CODI2_FOLDER
                                                     : CODI2_SYMLINK;
    if (kind == CODI2_SYMLINK && !S_ISLNK(facts->st_mode)) {
        return false;
    }
    *ret_look = (struct codi2_look){
        .kind = kind,
        .mode = facts->st_mode & 07777,
        .size = kind == CODI2_FOLDER ? 0 : (uint64_t)facts->st_size,
        .inode = (uint64_t)facts->st_ino,
        .mtime = codi2_nanoseconds(facts->st_mtim.tv_sec, facts->st_mtim.tv_nsec),
        .ctime = codi2_nanoseconds(facts->st_ctim.tv_sec, facts->st_ctim.tv_nsec),
        .linked = kind == CODI2_FILE && facts->st_nlink > 1,
    };
    return true;
}

bool codi2_look_same(const struct codi2_look *a, const struct codi2_look *b)
{
    bool same = a->kind == b->kind && a->mode == b->mode && a->inode == b->inode;
    if (!same || a->kind == CODI2_FOLDER) {
        return same; /* a folder's times change with its entries, which are looked at themselves */
    }
    return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime;
}

enum { STEP_MS = 50 }; /* the longest step, and some more */

int64_t codi2_look_time(const struct codi2_look *look)
{
    return look->mtime / 1000 - (look->mtime % 1000 < 0 ? 1 : 0); /* down, before 1970 too */
}

void codi2_look_doubt_since(struct codi2_look *look, usec_t ago)
{
    usec_t age = time_now() - look->ctime / 1000;
    if (look->kind != CODI2_FOLDER && age < ago + STEP_MS * USEC_PER_MS) {
        look->ctime = 0;
    }
}

void codi2_look_doubt(struct codi2_look *look)
{
    codi2_look_doubt_since(look, 0);
}

bool codi2_look_alike(const struct codi2_look *doubted, const struct codi2_look *now)
{
    struct codi2_look same = *doubted;
    same.ctime = now->ctime;
    return doubted->ctime == 0 && codi2_look_same(&same, now);
}
