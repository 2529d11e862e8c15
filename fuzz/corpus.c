/* main of a fuzz target without libFuzzer: corpus PATH… runs it over each file, and over each file of each folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "fuzz.h"

enum { LARGEST_INPUT = 1 << 20 };

static size_t inputs;

static void fail(const char *path)
{
    (void)fprintf(stderr, "corpus: %s: %s\n", path, strerror(errno));
    exit(1);
}

static void run_file(const char *path)
{
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0 || info.st_size > LARGEST_INPUT) {
        fail(path);
    }
    /* A block of exactly the input's size: a read behind its end is seen by AddressSanitizer. */
    size_t size = (size_t)info.st_size;
    MEM_AUTO char *data = mem_grow(NULL, size);
    if (fd_read_full(fd, data, size) != info.st_size) {
        fail(path);
    }
    assert_context(path);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    assert_context(NULL);
    inputs++;
}

static void run_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        fail(path);
    }
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char file[4096];
        int length = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        ASSERT(length > 0 && (size_t)length < sizeof file);
        if (entry->d_name[0] != '.') {
            run_file(file);
        }
    }
    (void)closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) < 0) {
            fail(argv[i]);
        }
        if (S_ISDIR(info.st_mode)) {
            run_folder(argv[i]);
        } else {
            run_file(argv[i]);
        }
    }
    (void)printf("%zu inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
