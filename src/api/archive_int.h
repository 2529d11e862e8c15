/* What archive.c and the files of unpack share. Names are UTF-8 for libarchive, whatever the process's locale is. */
#ifndef API_ARCHIVE_INT_H
#define API_ARCHIVE_INT_H

#include <locale.h>
#include <zlib.h>

#include "api/api_int.h"

struct api_locale {
    locale_t utf8;
    locale_t before;
};

/* The calling thread's locale is C.UTF-8 (part of every glibc since 2.35) until api_locale_end. */
struct api_locale api_locale_begin(void);
void api_locale_end(struct api_locale *l);

#define API_UTF8_LOCALE(name) \
    struct api_locale name __attribute__((cleanup(api_locale_end), unused)) = api_locale_begin()

enum { API_UNPACK_MAX_ENTRIES = 100 * 1000 };

/* ---- unpack_names.c: the list of a zip archive, and names that libarchive takes for others ---- */

struct api_unpack_names {
    struct map *map; /* private, as all below */
    struct arena arena;
    size_t bytes;
};

/* Reads the list of the zip archive of so many bytes in fd. ERR_TOO_LARGE: more such names than are held; ERR_INVALID: two
   that libarchive takes for one; ERR_CORRUPT: an entry is missing, or is called otherwise than the list says. End it in any case. */
int api_unpack_names_read(struct api_unpack_names *names, int fd, uint64_t size) BASE_MUST_USE;

/* The name that libarchive took for this one, or itself. */
const char *api_unpack_name(const struct api_unpack_names *names, const char *taken);
void api_unpack_names_fini(struct api_unpack_names *names); /* also of nothing but zeros */

/* ---- unpack_source.c: the bytes of an archive that comes in ---- */

struct archive;
struct archive_entry;

/* Of one call, in its request's arena; for one thread. */
struct api_unpack_source {
    struct api_call *call;
    struct archive *archive; /* from begin to end */
    uint64_t in;             /* bytes that came in */
    int error; /* what ended it; the call's problem says it, when it is not the connection's */
    struct api_unpack_names kept; /* of a zip archive */
    bool zip,
        empty; /* empty: a zip archive of nothing, of which libarchive would say that it is none */

    /* private */
    char *step;      /* bytes that came in */
    struct str held; /* of those, not taken yet */
    char *plain;     /* unpacked by gzip */
    uint64_t out;    /* bytes of the plain stream */
    uint64_t solid;  /* so many of them are up to the last that is not 0 */
    uint64_t head;   /* read for one header */
    bool heading;    /* libarchive reads one */
    bool begun;      /* there was an entry */
    z_stream gzip;
    bool packed, whole; /* by gzip; its last member ended as it says */
    int fd;             /* the zip archive */
    uint64_t names;     /* in the list at its end */
};

/* Ready to be read by source->archive. ERR_INVALID: no archive; ERR_TOO_LARGE; ERR_CLOSED. End it in any case. */
int api_unpack_begin(struct api_unpack_source *source, struct api_call *call) BASE_MUST_USE;

/* The next entry, until the next call; NULL: there is none any more. What was not read of the one before is passed over.
   ERR_INVALID; ERR_TOO_LARGE; ERR_CLOSED. */
int api_unpack_next(struct api_unpack_source *source,
                    struct archive_entry **ret_entry) BASE_MUST_USE;

/* Whether out is more than any real content makes of what came in. */
bool api_unpack_is_bomb(const struct api_unpack_source *source, uint64_t out) BASE_MUST_USE;

/* Behind the last entry: takes what is left. ERR_INVALID: there should be more or less, or it is not what its check sum is of. */
int api_unpack_rest(struct api_unpack_source *source) BASE_MUST_USE;

void api_unpack_end(struct api_unpack_source *source);

/* What libarchive answered, as ours. Nothing that is less than ARCHIVE_OK is an entry's bytes: is_data. */
int api_unpack_result(struct api_unpack_source *source, ssize_t r, bool is_data) BASE_MUST_USE;

#endif
