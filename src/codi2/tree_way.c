/*
 * Folders that are opened for the time of one deed, a file's download at the longest. Who is killed in it leaves them open: a mode is
 * lost then, and no byte. The looks that count are taken by the thread that opens the way, so none of them falls into it. What
 * somebody else makes of the mode meanwhile stands.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codi2/tree_int.h"

/* fchmod(2) takes no O_PATH, and a folder that is shut gives no other. */
static int set_mode(int fd, uint32_t mode)
{
    char link[32];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return chmod(link, mode);
}

static void open_gate(const struct codi2_tree *t, struct str folder, struct codi2_way *way)
{
    struct stat facts;
    int fd = codi2_tree_open_beneath(t, folder, O_PATH | O_DIRECTORY);
    if (fd < 0) {
        return;
    }
    struct codi2_gate gate = {fd, 0};
    bool shut = fstat(fd, &facts) == 0 && (facts.st_mode & S_IRWXU) != S_IRWXU;
    gate.mode = shut ? facts.st_mode & 07777 : 0;
    if (shut && set_mode(fd, gate.mode | S_IRWXU) == 0) {
        VEC_ADD(&way->gates, gate);
    } else {
        (void)close(fd);
    }
}

void codi2_way_open(const struct codi2_tree *t, struct str path, struct codi2_way *way)
{
    open_gate(t, STR(""), way);
    for (size_t end = str_find(path, '/', 0); end < path.n; end = str_find(path, '/', end + 1)) {
        open_gate(t, str_slice(path, 0, end), way);
    }
}

void codi2_way_shut(struct codi2_way *way)
{
    while (way->gates.n > 0) {
        const struct codi2_gate *gate = &way->gates.at[--way->gates.n];
        struct stat now;
        if (fstat(gate->fd, &now) == 0 && (now.st_mode & 07777) == (gate->mode | S_IRWXU)) {
            (void)set_mode(gate->fd, gate->mode);
        }
        (void)close(gate->fd);
    }
    VEC_FREE(&way->gates);
}
