/*
 * Files that are written to through memory (mapped.h). That makes no event, and touches the file's times only when a page is written
 * to for the first time since it was brought to the disk; from then on the page can be written to and nothing tells.
 *
 * 1. A look is believed only if whatever is written after the reading that goes with it touches the times. So a file that is
 *    mapped is looked at, then brought to the disk, then read.
 * 2. Whether it is mapped was seen when the processes were last gone through. What changed later than that may have been mapped
 *    since, so its look is doubted. What did not, and was not mapped then, has no page that can be written to and nothing tells.
 * 3. Who writes without a pause would never let a file be read between two looks that are the same: the second time it is taken
 *    as it was read. Its look is the first one, so the next look finds that it changed.
 * 4. A file that is not mapped any more is looked at once more: not every file system tells when the last one lets go of it.
 * 5. A file system in memory never touches the times: as long as they are mapped its files are compared by their content.
 */
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "codi2/mirror_int.h"

enum { MOST_KNOWN = 16384 };

static char mapped_mark;
static char torn_mark;

static struct str key_of(const uint64_t *inode)
{
    return str_of(inode, sizeof *inode);
}

struct search {
    struct codi2_mirror *m;
    bool all;
};

static void on_found(void *ctx, const struct codi2_mapped_file *file)
{
    struct search *s = ctx;
    if (map_count(s->m->mapped) < MOST_KNOWN) {
        (void)map_put(s->m->mapped, key_of(&file->inode), &mapped_mark);
    } else {
        s->all = s->all && map_get(s->m->mapped, key_of(&file->inode));
    }
    codi2_mirror_seen_mapped(s->m, file);
}

/* Those that were mapped before. Unless all were found they may still be. */
static void see_off(struct codi2_mirror *m, const struct map *before, bool all)
{
    size_t position = 0;
    struct str key;
    void *mark;
    while (map_next(before, &position, &key, &mark)) {
        uint64_t inode;
        memcpy(&inode, key.p, sizeof inode);
        if (map_get(m->mapped, key)) {
            continue;
        }
        if (all) {
            codi2_mirror_seen_file(m, inode);
        } else if (map_count(m->mapped) < 2 * MOST_KNOWN) {
            (void)map_put(m->mapped, key, &mapped_mark);
        } else { /* too many to know of any */
            m->mapped_at = m->mapped_at_monotonic = 0;
        }
    }
}

/* Also for each barrier: what was written to memory before it was asked for is to be in the store as well. */
void codi2_mirror_look_at_mapped(struct codi2_mirror *m, uint64_t barrier)
{
    const usec_t now = time_monotonic();
    const usec_t wall = time_now();
    if (now < m->next_mapped && barrier <= m->mapped_for) {
        return;
    }
    struct map *before = m->mapped;
    struct search search = {.m = m, .all = true};
    bool all;
    m->mapped_for = barrier;
    m->mapped = map_create();
    (void)codi2_mapped_find(&(struct codi2_mapped_query){.tree = &m->tree,
                                                         .root = str_from(m->root),
                                                         .found = on_found,
                                                         .ctx = &search,
                                                         .most = CODI2_MOST_MAPS},
                            &all);
    all = all && search.all;
    see_off(m, before, all);
    map_destroy(before);
    if (all) {
        m->mapped_at = wall;
        m->mapped_at_monotonic = now;
    }
    m->next_mapped = time_monotonic() + MIRROR_MAPPED_S * USEC_PER_SEC;
}

/* By both clocks: the one may have been set meanwhile. */
static usec_t seen_ago(const struct codi2_mirror *m)
{
    usec_t ago = time_now() - m->mapped_at;
    usec_t passed = time_monotonic() - m->mapped_at_monotonic;
    return ago > passed ? ago : passed;
}

static bool is_mapped(const struct codi2_mirror *m, const struct codi2_look *look)
{
    return look->kind == CODI2_FILE && map_get(m->mapped, key_of(&look->inode));
}

void codi2_mirror_doubt(struct codi2_mirror *m, struct codi2_look *look)
{
    codi2_look_doubt_since(look, look->kind == CODI2_FILE ? seen_ago(m) : 0);
    if (is_mapped(m, look)) {
        look->ctime = 0;
    }
}

void codi2_mirror_hold(struct codi2_mirror *m, int fd, struct codi2_look *look)
{
    struct statfs system;
    if (!is_mapped(m, look)) {
        codi2_mirror_doubt(m, look);
        return;
    }
    codi2_look_doubt(look);
    if (fdatasync(fd) < 0 || fstatfs(fd, &system) < 0 || system.f_type == TMPFS_MAGIC) {
        look->ctime = 0;
    }
}

bool codi2_mirror_is_torn(struct codi2_mirror *m, const struct codi2_look *before,
                          const struct codi2_look *after)
{
    struct codi2_look timeless = *after;
    timeless.mtime = before->mtime;
    timeless.ctime = before->ctime;
    bool torn = !codi2_look_same(after, before);
    if (!torn || !is_mapped(m, before) || !codi2_look_same(&timeless, before)) {
        return torn;
    }
    return map_put(m->mapped, key_of(&before->inode), &torn_mark) != &torn_mark;
}
