/*
 * What cannot be watched is looked at by the clock, and by each barrier; and it is said, as whatever else a person should know: of a
 * folder that cannot be listed whole those names that were found are stored, and others when an event names them. Something waits then.
 */
#include "base/log.h"
#include "codi2/mirror_int.h"

void codi2_mirror_say(struct codi2_mirror *m)
{
    const char *words = "";
    if (m->facts.held_back > 0) {
        words = "Many files and folders are missing and nobody was seen deleting them. The store "
                "keeps them until you choose to delete or to restore them.";
    } else if (m->trouble) {
        words = m->trouble;
    } else if (m->crowded) {
        words = "A folder cannot be listed whole, as it has more than 1,000,000 names or its disk "
                "fails: not all that is in it is stored. The workspace's log names it.";
    } else if (m->blind) {
        words = "Not every folder can be watched: it may take 10 seconds until a change is "
                "noticed. Less files, or a higher fs.inotify.max_user_watches, end this.";
    } else if (m->unwatched_links) {
        words = "Not every file with several names can be watched: it may take 10 seconds until a "
                "change is noticed. Less hard links, or a higher fs.inotify.max_user_watches, end "
                "this.";
    }
    struct str said = words[0] ? str_from(words) : buf_str(&m->rules_said);
    codi2_status_message(m->options.status, m->options.number, said);
}

int codi2_mirror_add_watch(struct codi2_mirror *m, struct str path)
{
    int error = codi2_watch_add(m->watch, path);
    m->root_watched = m->root_watched || (!error && path.n == 0);
    if (error == ERR_LIMIT) {
        m->blind_now = true;
        error = 0;
    }
    return error;
}

static void say_whether(struct codi2_mirror *m, bool *fact, bool is)
{
    if (*fact != is) {
        *fact = is;
        codi2_mirror_say(m);
    }
}

void codi2_mirror_unwatched(struct codi2_mirror *m)
{
    m->unwatched_now = true;
    say_whether(m, &m->unwatched_links, true);
}

/* One that the disk did not list may be listed soon. */
void codi2_mirror_crowded(struct codi2_mirror *m, struct str folder, bool broken)
{
    if (!m->crowded_now) {
        log_warn("codi2", "%s/" STR_FMT " %s: not all names in it are looked at",
                 m->options.link.root, STR_ARG(folder),
                 broken ? "cannot be read to its end" : "has more than 1,000,000 names");
    }
    m->crowded_now = true;
    if (broken) {
        codi2_mirror_seek(m);
    }
}

/* After a look at the whole tree it is known whether every folder is watched; before, that one is not. Files: after the next. */
void codi2_mirror_looked(struct codi2_mirror *m, bool whole)
{
    bool blind = m->blind_now || (m->blind && !whole);
    m->blind_now = false;
    say_whether(m, &m->crowded, m->crowded_now || (m->crowded && !whole));
    m->crowded_now = false;
    if (whole) {
        say_whether(m, &m->unwatched_links, m->unwatched_now);
        m->unwatched_now = false;
    }
    if (blind == m->blind) {
        return;
    }
    m->blind = blind;
    if (blind) {
        log_warn("codi2", "not every folder can be watched: raise fs.inotify.max_user_watches");
        m->next_sweep = 0;
    } else {
        log_info("codi2", "every folder is watched again");
    }
    codi2_mirror_say(m);
}
