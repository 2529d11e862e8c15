/* A file system of 1 TiB, everywhere: preloaded, it says that so many GiB of it are free as the variable DISK_FREE does. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* In place of libc's, under both their names for the linker alone. */
__attribute__((visibility("default"))) int look(const char *path,
                                                struct statvfs *ret_facts) __asm__("statvfs");
__attribute__((visibility("default"))) int look_64(const char *path,
                                                   struct statvfs *ret_facts) __asm__("statvfs64");

int look(const char *path, struct statvfs *ret_facts)
{
    const char *free_gib = getenv("DISK_FREE");
    (void)path;
    (void)memset(ret_facts, 0, sizeof *ret_facts);
    ret_facts->f_frsize = 1 << 20;
    ret_facts->f_blocks = 1 << 20;
    ret_facts->f_bavail = free_gib ? strtoul(free_gib, NULL, 10) << 10 : 0;
    return 0;
}

int look_64(const char *path, struct statvfs *ret_facts)
{
    return look(path, ret_facts);
}
