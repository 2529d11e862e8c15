/* Changes of a workspace, for tests of batches. */
#ifndef FILES_CHANGES_H
#define FILES_CHANGES_H

#include "files/fixture.h"

static const struct files_author terminal = {FILES_TERMINAL, {"t1", 2}};

static inline struct files_change put_change(const char *path, struct str bytes, uint64_t base)
{
    struct files_change change = {.kind = FILES_CHANGE_PUT,
                                  .path = str_from(path),
                                  .base = base,
                                  .mode = 0600,
                                  .mtime = 1000,
                                  .bytes = bytes,
                                  .author = terminal};
    content_hash(bytes, &change.hash);
    change.manifest =
        (struct content_manifest){.hash = change.hash, .length = bytes.n, .small = true};
    return change;
}

static inline struct files_change other_change(enum files_change_kind kind, const char *path,
                                               uint64_t base)
{
    return (struct files_change){.kind = kind,
                                 .path = str_from(path),
                                 .base = base,
                                 .mode = 0755,
                                 .mtime = 1000,
                                 .author = terminal};
}

static inline struct files_apply_result apply(struct fixture *f, const struct files_change *changes,
                                              size_t count)
{
    struct files_apply_input in = {.session = f->session, .changes = changes, .count = count};
    struct files_apply_result result;
    assert_ok(files_apply(fixture_ctx(f), &in, &result));
    return result;
}

#endif
