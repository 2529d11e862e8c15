/*
 * Inside backup: frames (frame.c), moments and their table (moment.c), files by name in a directory or a bucket (shelf_*.c,
 * bucket*.c), moments and packs there (place.c), the entries of a moment in order (lister.c), writing (write.c, pass.c, rescue.c), removing (retain.c), reading all of it (read.c, restore.c, prove.c).
 *
 * Words: a frame is a piece of at most 1 MiB with its hash. A pack is a file of frames: values (content) and blocks (entries of
 * neighbouring keys, small values in them, content by the place of its frame). A moment's table names its blocks in order.
 */
#ifndef BACKUP_BACKUP_INT_H
#define BACKUP_BACKUP_INT_H

#include <sys/types.h>

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

bool backup_is_same_place(const struct backup_place *a, const struct backup_place *b);

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

/* Where a reader gets its bytes: n of them, or fewer at the end; ERR_IO and what the place knows. */
struct backup_input {
    ssize_t (*read)(void *ctx, uint64_t offset, char *to, size_t n);
    void *ctx;
};
ssize_t backup_read_fd(void *fd, uint64_t offset, char *to, size_t n); /* a read; of pipes too */

/* Reads frames: one behind the other, or at a place. */
struct backup_reader {
    struct backup_input from;
    const char *name; /* for what is said of it */
    uint64_t offset;  /* of the next frame */
    struct buf stored, plain;
};
void backup_reader_init(struct backup_reader *r, const struct backup_input *from, const char *name);
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

/* ---- shelf_directory.c, shelf_bucket.c: files by name, wherever they lie -------------------------------------------- */

enum { BACKUP_FILE_ROOM = BACKUP_NAME_ROOM + 16 };

struct backup_shelf {
    const struct backup_shelf_driver *driver;
};
struct backup_file { /* being read or written, by one thread */
    struct backup_shelf *shelf;
    char name[BACKUP_FILE_ROOM];
};
struct backup_names {
    void (*take)(void *ctx, const char *name); /* which may remove it */
    void *ctx;
};
/* What goes wrong is said, unless a function's comment names it. */
struct backup_shelf_driver {
    const char *name;
    void (*close)(struct backup_shelf *s);
    /* All names, in no order; of what has no name yet too, with ".part" behind it, where the place shows it. */
    int (*list)(struct backup_shelf *s, const struct backup_names *to);
    int (*remove)(struct backup_shelf *s, const char *name); /* not said */
    /* What was named and removed before is so whatever happens now. */
    int (*settle)(struct backup_shelf *s);
    /* To read. ERR_NOT_FOUND (not said). */
    int (*open)(struct backup_shelf *s, const char *name, struct backup_file **ret_file);
    /* To write, and to read what was written; nobody takes it for whole before it was named. */
    int (*create)(struct backup_shelf *s, const char *name, struct backup_file **ret_file);
    int (*write)(struct backup_file *f, struct str bytes); /* behind what was written; not said */
    /* All that was written has left this process, and is read from where it lies. Not said. */
    int (*sync)(struct backup_file *f);
    int (*give_name)(struct backup_file *f); /* after sync; not said */
    ssize_t (*read)(struct backup_file *f, uint64_t offset, char *to,
                    size_t n); /* as backup_input */
    int (*size)(struct backup_file *f, uint64_t *ret_size);
    /* What is read from now on comes from where it lies, as far as this machine lets us. */
    void (*forget)(struct backup_file *f);
    void (*close_file)(struct backup_file *f);
};
/* To write: made when absent, and held. To add: held. ERR_BUSY */
enum backup_open { BACKUP_TO_READ, BACKUP_TO_WRITE, BACKUP_TO_ADD };
int backup_shelf_directory(const char *path, enum backup_open how,
                           struct backup_shelf **ret_s) BASE_MUST_USE;
/* store: whose writers exclude each other. */
int backup_shelf_bucket(const struct backup_where *where, const char *store, enum backup_open how,
                        struct backup_shelf **ret_s) BASE_MUST_USE;
struct backup_output backup_file_output(struct backup_file *f);
struct backup_input backup_file_input(struct backup_file *f);
void backup_file_close(struct backup_file **f); /* of NULL allowed */

/* ---- bucket_address.c, bucket_sign.c, bucket_reply.c, bucket.c: requests to a bucket -------------------------------------------------- */

enum {
    BACKUP_SIGN_TIME = 17,             /* "20261121T040506Z" and a NUL */
    BACKUP_REPLY_MOST = 4 << 20,       /* bytes of XML */
    BACKUP_OBJECT_MOST = 1 << 30,      /* bytes of an object that can be one of ours */
    BACKUP_OBJECTS_MOST = 1000 * 1000, /* in a bucket's prefix */
    BACKUP_HASH_TEXT = 65,             /* and a NUL */
};

struct backup_header {
    const char *name, *value;
};
struct backup_signing {
    const struct backup_access *access;
    const char *method;
    const char *path;                    /* as S3 encodes it */
    struct str query;                    /* parameters in order of their names, encoded */
    const struct backup_header *headers; /* in order of their names, which are in lower case */
    size_t header_count;
    char body_hash[BACKUP_HASH_TEXT];
    char time[BACKUP_SIGN_TIME]; /* of the header x-amz-date */
};
void backup_sign_time(char ret_text[static BACKUP_SIGN_TIME], usec_t at);
/* Adds the line "Authorization: …", without an end. */
void backup_sign(const struct backup_signing *s, struct buf *b);

struct backup_object {
    char name[BACKUP_FILE_ROOM + 24]; /* what stands behind the prefix */
    uint64_t size;                    /* 0 also: it is not said, or cannot be one of ours */
};
struct backup_reply {                  /* zero-initialised */
    VEC(struct backup_object) objects; /* freed by VEC_FREE */
    bool is_list, more;
    char token[1024];            /* where the next page begins; empty: not said */
    char code[64], message[256]; /* of a refusal; empty: not said */
};
/* Adds to what is there. ERR_CORRUPT (not said): it is no XML, or more than is believed. */
int backup_reply_parse(struct str xml, struct str prefix, struct backup_reply *reply) BASE_MUST_USE;

enum { BACKUP_ADDRESS_MOST = 1024 };
struct backup_address {
    struct str scheme;
    char host[BACKUP_ADDRESS_MOST];   /* with the port when it is none of the scheme's */
    char path[BACKUP_ADDRESS_MOST];   /* "/bucket" */
    char prefix[BACKUP_ADDRESS_MOST]; /* "" or "prefix/" */
};
int backup_address_read(const char *url, struct backup_address *ret_address) BASE_MUST_USE;

/* A connection, of one thread. Once it gave a request up it tries none any more. */
struct backup_bucket;
int backup_bucket_create(const struct backup_where *where,
                         struct backup_bucket **ret_b) BASE_MUST_USE;
void backup_bucket_destroy(struct backup_bucket *b); /* NULL allowed */
struct backup_request {
    const char *method;
    const char *name;  /* of an object; NULL: its list */
    struct str query;  /* as backup_signing's */
    uint64_t first, n; /* bytes of the object; n 0: all */
    struct str body;
};
/*
 * Tried again while that can help and there is time. reply, cleared before, has the body; exactly n bytes when n was said.
 * ERR_NOT_FOUND (not said): no such object.
 */
int backup_bucket_ask(struct backup_bucket *b, const struct backup_request *q,
                      struct buf *reply) BASE_MUST_USE;
/* All objects behind the prefix. ERR_LIMIT: more than BACKUP_OBJECTS_MOST. */
int backup_bucket_list(struct backup_bucket *b, struct backup_reply *reply) BASE_MUST_USE;

/* ---- place.c: a place with moments ---------------------------------------------------------------------------------- */

enum { BACKUP_OPEN_PACKS = 16, BACKUP_KEPT_MOST = 8 << 20 };

struct backup_directory {
    const char *path;
    struct backup_shelf *shelf;
    struct {
        uint64_t id;
        struct backup_file *file; /* NULL: none */
    } open[BACKUP_OPEN_PACKS];
    const struct backup_source *source; /* asked at each frame that is read; NULL: nobody */
    uint64_t looked;                    /* what it is told */
    uint64_t own;                       /* the pack that is being written; 0: none */
    struct backup_file *own_file;       /* whoever writes it owns it */
    struct backup_reader reader;        /* of packs */
    struct buf name;                    /* of the pack that it reads */
    struct map *checked;                /* names of packs whose beginning was found right */
    struct map *kept;   /* place → struct backup_frame, of blocks that are asked for again */
    struct arena arena; /* of kept */
    size_t room;        /* bytes that kept may still take; 0: what is read is what lies there */
};
/* store: as backup_shelf_bucket's; NULL to read. */
int backup_directory_open(const struct backup_where *where, const char *store, enum backup_open how,
                          struct backup_directory **ret_d) BASE_MUST_USE;
void backup_directory_close(struct backup_directory *d); /* NULL allowed */
/*
 * The frame at a place, which must be of this type. Borrowed until the next call. Opened to write or add in a bucket, blocks of
 * older packs are asked for once, as far as there is room.
 */
int backup_directory_frame(struct backup_directory *d, const struct backup_place *place,
                           struct backup_frame *frame) BASE_MUST_USE;
/* A pack is read from where it lies from now on (shelf's forget). One that cannot be opened is not. */
void backup_directory_forget(struct backup_directory *d, uint64_t pack);
/* Whether r says that what lies there is damaged, and not that nobody knows: the place does not answer, somebody ends it. */
bool backup_directory_is_damage(const struct backup_directory *d, int r);
/* Bytes of a pack. */
int backup_directory_pack_size(struct backup_directory *d, uint64_t pack,
                               uint64_t *ret_size) BASE_MUST_USE;
/* Whether a pack is as large as it was when the moment was made. ERR_CORRUPT; ret_size: of what there is of it. */
int backup_directory_check_use(struct backup_directory *d, const struct backup_use *use,
                               uint64_t *ret_size) BASE_MUST_USE;
/* Each that a moment needs. */
int backup_directory_check_uses(struct backup_directory *d,
                                const struct backup_table *table) BASE_MUST_USE;
/* Names of files. */
void backup_pack_file(char ret_name[static BACKUP_FILE_ROOM], uint64_t pack);
void backup_moment_file(char ret_name[static BACKUP_FILE_ROOM], const char *moment);
bool backup_is_moment_file(struct str file, struct backup_moment *ret_moment);
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
/* From then on: entries of blocks that may hold key or what is behind it. ERR_NOT_FOUND: there are none. */
int backup_lister_begin(struct backup_lister *l, struct str key) BASE_MUST_USE;
/* After a failure: goes on behind the block that it was of. */
const struct backup_place *backup_lister_skip(struct backup_lister *l);

/* ---- rescue.c: content that only an older moment has whole ----------------------------------------------------------- */

struct backup_wanted {
    struct str key;
    struct content_hash hash;
};
struct backup_rescue {
    VEC(struct backup_wanted) wanted; /* not found as yet; in order of keys */
    struct map *places; /* key → struct backup_place, of what was found and written anew */
    struct content_codec *codec;
    struct arena arena;
};
void backup_rescue_init(struct backup_rescue *g);
void backup_rescue_fini(struct backup_rescue *g);
void backup_rescue_want(struct backup_rescue *g, const struct backup_wanted *what);
struct backup_rescue_to {
    struct backup_directory *d;
    struct backup_writer *writer;
    uint64_t pack;
};
/* Looks in all moments for what is wanted. What is nowhere whole is still wanted. */
int backup_rescue_run(struct backup_rescue *g, const struct backup_rescue_to *to) BASE_MUST_USE;
/* NULL: it was not found. */
const struct backup_place *backup_rescue_find(const struct backup_rescue *g, struct str key);

/* ---- pass.c: one walk over the store --------------------------------------------------------------------------------- */

struct backup_pass {
    const struct backup_source *source;
    struct backup_writer *writer;
    uint64_t pack;
    bool content_only; /* the first walk: no moment, the snapshot is renewed again and again */
    struct backup_directory *d;        /* NULL: a stream */
    const struct backup_table *before; /* NULL: nothing is known */
    const struct map
        *spent; /* packs that are mostly waste: what lies there is written anew; NULL */
    const struct backup_harms *harms; /* the same, piece by piece; NULL */
    struct map *known;            /* hash → struct backup_ref of blocks that can be read; NULL */
    struct arena *arena;          /* of known's refs */
    struct backup_rescue *rescue; /* the first walk wants, the next one finds; NULL: nobody looks */
    struct backup_table *table;   /* result */
    uint64_t damaged;             /* result */
    uint64_t rescued;             /* result */
    uint64_t healed;              /* result, of all runs */
    uint64_t looked;              /* keys, of all runs */
};
int backup_page(const struct backup_source *source, uint64_t keys) BASE_MUST_USE;
int backup_pass_run(struct backup_pass *p) BASE_MUST_USE;

/* ---- retain.c ------------------------------------------------------------------------------------------------------ */

/* What nobody's moment needs, and what an interrupted backup left; then all but the newest keep moments (0: none). */
int backup_retain(struct backup_directory *d, unsigned keep, uint64_t *ret_gone) BASE_MUST_USE;

/* ---- read.c -------------------------------------------------------------------------------------------------------- */

/* Takes each pair of a backup. */
struct backup_sink {
    int (*take)(void *ctx, struct str key,
                struct str value); /* NULL: content is looked at only where it lies */
    void *ctx;
    /* What is damaged is passed over: content, by its key; a block or the end of a pack, of which the key is empty. NULL: it
     * ends the reading. Not of a stream. */
    int (*lost)(void *ctx, const struct backup_harm *harm, struct str key);
    /* Told of each entry first. 1: its content is not read; < 0 ends it. Not of a stream. NULL: all is read. */
    int (*is_read)(void *ctx, const struct backup_entry *entry);
    struct str from; /* what comes before is passed over; empty: nothing */
    bool part;       /* the table has not all blocks */
};
int backup_read(const struct backup_from *from, const struct backup_sink *sink,
                struct backup_report *report) BASE_MUST_USE;
/* All of a moment's table. sink: NULL as one that has nothing. */
int backup_read_table(struct backup_directory *d, const struct backup_table *table,
                      const struct backup_sink *sink) BASE_MUST_USE;

/* ---- prove.c ------------------------------------------------------------------------------------------------------- */

bool backup_is_harmed(const struct backup_harms *harms, const struct backup_place *place);
/* Of a pack with too much harm all is. */
void backup_harms_add(struct backup_harms *harms, const struct backup_harm *harm);

#endif
