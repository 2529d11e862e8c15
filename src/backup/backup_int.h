/*
 * Inside backup: frames (frame.c), moments and their table (moment.c), a directory with its packs (place.c), the entries of a
 * moment in order (lister.c), writing (write.c, pass.c), removing (retain.c), reading all of it (read.c, restore.c).
 *
 * Words: a frame is a piece of at most 1 MiB with its hash. A pack is a file of frames: values (content) and blocks (entries of
 * neighbouring keys, small values in them, content by the place of its frame). A moment's table names its blocks in order.
 */
#ifndef BACKUP_BACKUP_INT_H
#define BACKUP_BACKUP_INT_H

#include "backup/backup.h"
#include "base/buf.h"
#include "store/store.h"

/* ---- frame.c ------------------------------------------------------------------------------------------------------- */

enum {
    BACKUP_VERSION = 1,
    BACKUP_HEADER = 32,           /* magic, version, kind, pack id */
    BACKUP_FRAME_HEAD = 44,       /* type, length, plain length, hash */
    BACKUP_FRAME_MOST = 1 << 20,  /* plain bytes */
    BACKUP_BLOCK_CUT = 256 << 10, /* a block of so many bytes ends */
    BACKUP_TABLE_REFS = 4096,     /* in one frame */
};

enum backup_kind { BACKUP_PACK = 1, BACKUP_MOMENT = 2, BACKUP_STREAM = 3 };
enum backup_type { BACKUP_VALUE = 'V', BACKUP_BLOCK = 'B', BACKUP_TABLE = 'T', BACKUP_END = 'E' };

/* Where a frame lies. */
struct backup_place {
    uint64_t pack;
    uint64_t offset;
    uint32_t size; /* with its head */
};

/* Writes frames one behind the other, through a buffer. */
struct backup_writer;
struct backup_writer *backup_writer_create(const struct backup_output *to);
void backup_writer_destroy(struct backup_writer *w); /* NULL allowed; what is buffered is lost */
int backup_writer_header(struct backup_writer *w, enum backup_kind kind,
                         uint64_t pack) BASE_MUST_USE;
/* hash: of type and bytes; made here when NULL. */
struct backup_frame {
    enum backup_type type;
    struct str plain;
    struct content_hash hash;
};
void backup_frame_hash(struct backup_frame *frame);
/* The frame's hash must be made. Its place (pack 0) is where it begins. */
int backup_writer_frame(struct backup_writer *w, const struct backup_frame *frame,
                        struct backup_place *ret_place) BASE_MUST_USE;
int backup_writer_flush(struct backup_writer *w) BASE_MUST_USE;
uint64_t backup_writer_bytes(const struct backup_writer *w);

/* Reads frames: one behind the other (of pipes too), or at a place. */
struct backup_reader {
    int fd;
    const char *name; /* for what is said of it */
    uint64_t offset;  /* of the next frame */
    bool random;      /* pread: the descriptor may be shared */
    struct buf stored, plain;
};
void backup_reader_init(struct backup_reader *r, int fd, const char *name, bool random);
void backup_reader_fini(struct backup_reader *r);
int backup_reader_header(struct backup_reader *r, enum backup_kind *ret_kind,
                         uint64_t *ret_pack) BASE_MUST_USE;
/* Checked by its hash; plain is borrowed until the next call. ERR_CORRUPT also at the end of the file. */
int backup_reader_next(struct backup_reader *r, struct backup_frame *ret_frame) BASE_MUST_USE;

/* Numbers, big endian. A taker returns false and takes nothing when bytes are missing. */
void backup_put(struct buf *b, unsigned bytes, uint64_t value);
bool backup_take(struct str *rest, unsigned bytes, uint64_t *ret_value);
bool backup_take_str(struct str *rest, uint64_t n, struct str *ret_s);

/* ---- moment.c ------------------------------------------------------------------------------------------------------ */

struct backup_ref { /* a block */
    struct content_hash hash;
    struct backup_place place;
};

struct backup_use { /* a pack that the moment needs */
    uint64_t pack;
    uint64_t used; /* bytes of its frames */
    uint64_t size; /* of the file, when the moment was made */
};

struct backup_table {
    char name[BACKUP_NAME_ROOM];
    usec_t at;
    uint64_t keys, contents;
    VEC(struct backup_ref) blocks;
    VEC(struct backup_use) uses;
};
void backup_table_fini(struct backup_table *t);
/* Adds to what is used of a pack. */
void backup_table_use(struct backup_table *t, const struct backup_place *place);
/* The frames T and E behind what the writer wrote. */
int backup_table_write(const struct backup_table *t, struct backup_writer *w) BASE_MUST_USE;
/* Takes one of these frames; E must fit all T before it. *ret_end: it was E. ERR_CORRUPT (not said). */
struct backup_table_reading {
    struct backup_table *table;
    struct content_hasher *hasher;
};
int backup_table_take(struct backup_table_reading *reading, const struct backup_frame *frame,
                      bool *ret_end) BASE_MUST_USE;

/* One entry of a block. */
struct backup_entry {
    struct str key;
    bool stored;               /* value lies in a frame of its own */
    struct str value;          /* unless stored */
    struct backup_place place; /* when stored */
};
void backup_entry_put(struct buf *block, const struct backup_entry *entry);
/* ERR_NOT_FOUND: there is none any more; ERR_CORRUPT (not said). */
int backup_entry_take(struct str *rest, struct backup_entry *ret_entry) BASE_MUST_USE;
/* The plain bytes of a value's frame. */
void backup_value_put(struct buf *b, struct str key, struct str value);
int backup_value_take(struct str plain, struct str *ret_key, struct str *ret_value) BASE_MUST_USE;

/* ---- place.c: a backup directory ------------------------------------------------------------------------------------ */

enum { BACKUP_OPEN_PACKS = 16 };

struct backup_directory {
    const char *path;
    int fd, lock;
    struct {
        uint64_t id;
        int fd; /* -1: none */
    } open[BACKUP_OPEN_PACKS];
    const struct backup_source *source; /* asked at each frame that is read; NULL: nobody */
    uint64_t looked;                    /* what it is told */
    uint64_t own;                       /* the pack that is being written; 0: none */
    int own_fd;                         /* whoever writes it owns it */
    struct backup_reader reader;        /* of packs */
    struct buf name;                    /* of the pack that it reads */
};
enum backup_open { BACKUP_TO_READ, BACKUP_TO_WRITE }; /* to write: made, and held. ERR_BUSY */
int backup_directory_open(const char *path, enum backup_open how,
                          struct backup_directory **ret_d) BASE_MUST_USE;
void backup_directory_close(struct backup_directory *d); /* NULL allowed */
/* The frame at a place, which must be of this type. Borrowed until the next call. */
int backup_directory_frame(struct backup_directory *d, const struct backup_place *place,
                           struct backup_frame *frame) BASE_MUST_USE;
/* Bytes of a pack. */
int backup_directory_pack_size(struct backup_directory *d, uint64_t pack,
                               uint64_t *ret_size) BASE_MUST_USE;
void backup_pack_name(char ret_name[static 32], uint64_t pack, bool part);
void backup_moment_name(char ret_name[static BACKUP_NAME_ROOM], usec_t at, uint64_t pack);
int backup_directory_list(struct backup_directory *d,
                          struct backup_moments *ret_moments) BASE_MUST_USE;
/* Reads the table of a moment; ret_table is to be fini'ed in any case (zero-initialised before). */
int backup_directory_table(struct backup_directory *d, const char *moment,
                           struct backup_table *ret_table) BASE_MUST_USE;

/* ---- lister.c: the entries of a table in order ---------------------------------------------------------------------- */

struct backup_lister {
    struct backup_directory *d;
    const struct backup_table *table;
    size_t next;      /* block */
    struct buf block; /* a copy: others read through d meanwhile */
    struct str rest;
    bool some; /* entry is the next one */
    struct backup_entry entry;
};
void backup_lister_init(struct backup_lister *l, struct backup_directory *d,
                        const struct backup_table *table);
void backup_lister_fini(struct backup_lister *l);
/* The first entry that does not come before key, borrowed until the next call. ERR_NOT_FOUND. */
int backup_lister_seek(struct backup_lister *l, struct str key,
                       const struct backup_entry **ret_entry) BASE_MUST_USE;
/* The next entry. ERR_NOT_FOUND: that was the last. */
int backup_lister_next(struct backup_lister *l,
                       const struct backup_entry **ret_entry) BASE_MUST_USE;

/* ---- pass.c: one walk over the store --------------------------------------------------------------------------------- */

struct backup_pass {
    const struct backup_source *source;
    struct backup_writer *writer;
    uint64_t pack;
    bool content_only; /* the first walk: no moment, the snapshot is renewed again and again */
    struct backup_directory *d;        /* NULL: a stream */
    const struct backup_table *before; /* NULL: nothing is known */
    const struct map
        *spent;          /* packs that are mostly waste: what lies there is written anew; NULL */
    struct map *known;   /* hash → struct backup_ref of blocks that can be read; NULL */
    struct arena *arena; /* of known's refs */
    struct backup_table *table; /* result */
    uint64_t damaged;           /* result */
    uint64_t looked;            /* keys, of all runs */
};
int backup_page(const struct backup_source *source, uint64_t keys) BASE_MUST_USE;
int backup_pass_run(struct backup_pass *p) BASE_MUST_USE;

/* ---- retain.c ------------------------------------------------------------------------------------------------------ */

/* What nobody's moment needs, and what an interrupted backup left; then all but the newest keep moments (0: none). */
int backup_retain(struct backup_directory *d, unsigned keep, uint64_t *ret_gone) BASE_MUST_USE;

/* ---- read.c -------------------------------------------------------------------------------------------------------- */

/* Takes each pair of a backup. */
struct backup_sink {
    int (*take)(void *ctx, struct str key, struct str value);
    void *ctx;
};
int backup_read(const struct backup_from *from, const struct backup_sink *sink,
                struct backup_report *report) BASE_MUST_USE;
/* All of a moment's table; contents only where they lie, unless sink wants them (NULL). */
int backup_read_table(struct backup_directory *d, const struct backup_table *table,
                      const struct backup_sink *sink) BASE_MUST_USE;

#endif
