/* What git says while it clones, in its own English (LC_ALL=C): how far it is, and in whose words to tell why it failed. */
#include <stdio.h>
#include <string.h>

#include "codi2/clone.h"

#define PRIVATE \
    "There is no such repository, or it is private. A private one is cloned in the session's " \
    "terminal, where you can log in."
#define FULL "The workspace's disk is full."
#define UNTRUSTED "The host's certificate is none that the workspace trusts."
#define SILENT "The host does not answer, or too slowly. Try again later."

/* The first that is found in what git said is told, so what is particular stands before what is general. */
static const struct {
    const char *said;
    const char *why;
} reasons[] = {
    {"No space left on device", FULL},
    {"Disk quota exceeded", FULL},
    {"Could not resolve host",
     "The host was not found: its name is wrong, or the workspace has no network."},
    {"Network is unreachable", "The workspace has no network."},
    {"Remote branch ", "The repository has no branch and no tag of this name."},
    {"could not read Username", PRIVATE},
    {"could not read Password", PRIVATE},
    {"Authentication failed", PRIVATE},
    {"returned error: 401", PRIVATE},
    {"returned error: 403", "The host refuses to show this repository."},
    {"returned error: 404", PRIVATE},
    {"returned error: 5", "The host has trouble of its own. Try again later."},
    {"certificate problem", UNTRUSTED},
    {"certificate verif", UNTRUSTED}, /* … verification failed, … verify failed */
    {"certificate subject name", UNTRUSTED},
    {"is this a git repository", "There is no git repository at this address."},
    {"Connection refused", "Nobody answers at this address."},
    {"Failed to connect", "Nobody answers at this address."},
    {"timed out", SILENT},
    {"Operation too slow", SILENT},
    {"' not allowed", "The host sends on to another kind of address, which is not followed."},
    {"repository '", PRIVATE}, /* … not found */
    {"early EOF", "The connection broke. Try again."},
    {"RPC failed", "The connection broke. Try again."},
};
enum { REASONS = sizeof reasons / sizeof reasons[0] };

/* Parts of the whole; a repository that comes as single objects counts them without an end. */
static const struct {
    const char *said;
    unsigned from;
    unsigned to;
} phases[] = {
    {"Receiving objects:", 0, 80},
    {"Resolving deltas:", 80, 90},
    {"Updating files:", 90, 100},
};

void codi2_clone_words_init(struct codi2_clone_words *words)
{
    *words = (struct codi2_clone_words){.reason = REASONS};
}

/* The number before the '%'. */
static bool percent_of(const char *text, unsigned *ret_percent)
{
    const char *end = strchr(text, '%');
    const char *begin = end;
    while (begin && begin > text && begin[-1] >= '0' && begin[-1] <= '9') {
        begin--;
    }
    uint64_t value;
    if (!begin || str_u64(str_of(begin, (size_t)(end - begin)), 100, &value) != 0) {
        return false;
    }
    *ret_percent = (unsigned)value;
    return true;
}

static void hear_progress(struct codi2_clone_words *words, const char *line)
{
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        unsigned percent;
        size_t n = strlen(phases[i].said);
        if (strncmp(line, phases[i].said, n) != 0 || !percent_of(line + n, &percent)) {
            continue;
        }
        unsigned all = phases[i].from + (phases[i].to - phases[i].from) * percent / 100;
        words->percent = all > words->percent ? all : words->percent;
    }
}

void codi2_clone_hear(struct codi2_clone_words *words, struct str line)
{
    char text[sizeof words->last];
    (void)snprintf(text, sizeof text, STR_FMT, STR_ARG(line)); /* up to a NUL, if it has one */
    hear_progress(words, text);
    for (size_t i = 0; i < words->reason; i++) {
        if (strstr(text, reasons[i].said)) {
            words->reason = i;
        }
    }
    const char *rest =
        strncmp(text, "fatal: ", 7) == 0 || strncmp(text, "error: ", 7) == 0 ? text + 7 : NULL;
    if (rest) {
        (void)snprintf(words->last, sizeof words->last, "%s", rest);
    }
}

void codi2_clone_why(const struct codi2_clone_words *words, struct buf *ret_why)
{
    if (words->reason < REASONS) {
        buf_printf(ret_why, "%s", reasons[words->reason].why);
        return;
    }
    struct str last = str_from(words->last);
    last.n = str_utf8_prefix(last);
    if (last.n == 0) {
        buf_add(ret_why, STR("git ended without a word."));
        return;
    }
    buf_printf(ret_why, "git says: " STR_FMT, STR_ARG(last));
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static struct str without_slashes(struct str url)
{
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    return url;
}

/* The last part of the address, without ".git", or the one before it where that is all of the part. */
static struct str last_part(struct str url)
{
    url = without_slashes(url);
    if (str_ends(url, STR(".git"))) {
        url.n -= 4;
    }
    url = without_slashes(url);
    size_t from = url.n;
    while (from > 0 && url.p[from - 1] != '/') {
        from--;
    }
    return str_slice(url, from, url.n);
}

struct str codi2_clone_name(struct arena *arena, struct str url)
{
    enum { MOST = 100 };
    struct str part = last_part(url);
    char name[MOST + 1];
    size_t n = 0;
    for (size_t i = 0; i < part.n && n < MOST; i++) {
        char c = part.p[i];
        bool may_begin = is_plain(c) && c != '.' && c != '-';
        if (n > 0 || may_begin) {
            name[n++] = is_plain(c) ? c : '-';
        }
    }
    return n > 0 ? arena_str(arena, str_of(name, n)) : STR("repository");
}
