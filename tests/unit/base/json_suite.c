/* JSONTestSuite (Nicolas Seriot, MIT): y_ must be accepted, n_ refused, i_ may be either. Skipped where it is not present. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/json.h"
#include "unit.h"

enum { LARGEST = 1 << 20 };

/* RFC 8259 section 4 lets a reader refuse names that are not unique; ours does, since it hides what a person meant. */
static const char *const refused_by_choice[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
};

static bool is_refused_by_choice(const char *name)
{
    for (size_t i = 0; i < sizeof refused_by_choice / sizeof *refused_by_choice; i++) {
        if (strcmp(name, refused_by_choice[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void read_file(int folder, const char *name, struct buf *ret_text)
{
    FD_AUTO int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    struct stat info;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    char *to = buf_reserve(ret_text, (size_t)info.st_size);
    assert_non_null(to);
    assert_int_equal(fd_read_full(fd, to, (size_t)info.st_size), info.st_size);
    buf_commit(ret_text, (size_t)info.st_size);
}

static bool is_accepted(int folder, const char *name)
{
    ARENA_AUTO(arena);
    BUF_AUTO(text, LARGEST);
    struct json *value;
    read_file(folder, name, &text);
    return json_parse(&arena, buf_str(&text), &value, NULL) == 0;
}

static void suite(void **state)
{
    (void)state;
    const char *data = getenv("CODITECT_SHARED_DATA");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/jsontestsuite/test_parsing", data ? data : "");
    DIR *folder = opendir(path);
    if (!folder) {
        print_message("JSONTestSuite is not here (%s)\n", path);
        skip();
    }
    int files = 0;
    int wrong = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        const char *name = entry->d_name;
        if (name[0] == '.') {
            continue;
        }
        bool accepted = is_accepted(dirfd(folder), name);
        bool wanted = name[0] == 'y' && !is_refused_by_choice(name);
        if (name[0] != 'i' && accepted != wanted) {
            print_error("%s is %s\n", name, accepted ? "accepted" : "refused");
            wrong++;
        }
        files++;
    }
    (void)closedir(folder);
    assert_int_equal(wrong, 0);
    assert_true(files >= 318);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
