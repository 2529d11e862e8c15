/*
 * What is kept. Everything but our own temporary files and what the rules leave out: content/'s list of what a program can make
 * again, in a home that of tool chains, then the tenant's, then the root's .coditectignore and .coditect/ignore; each may add to
 * those before or take back by "!". Likewise what is quiet (mirror_quiet.c), of which there is no list of ours. Of what is left
 * out, what git tracks is kept all the same: a `dist` that is checked in is somebody's work.
 *
 * .gitignore is not asked: what git ignores is often just what exists nowhere else (.env, notes, data).
 *
 * 1. Rules speak of what is new. What is in the store already stays in step with the disk, whatever rules and git say later: it is
 *    deleted there only when a person deletes it here, and the other way round.
 * 2. Whatever changes in them, the whole tree is judged anew: what is kept from now on goes to the store before the next barrier.
 * 3. Nothing on the disk is deleted because rules leave it out. When the folder around it is deleted in the store, what can be
 *    made again goes along (`makeable`: content/'s first list alone); a tool chain, and what a tenant or a person named, stays, with
 *    the folder.
 * 4. The locks of git (`.git/index.lock` and its like) are left out without a word and whatever the rules say: each is held by a
 *    process, and on another disk there is none that would let go of it. It is renamed to what it is a new version of, or deleted.
 * 5. The files of rules are kept whatever they or the tenant's say: with them a session would lose what they take back.
 */
#include <sys/stat.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "codi2/mirror_int.h"

static const char *const rule_files[CODI2_LISTS][MIRROR_RULES] = {
    {".coditectignore", ".coditect/ignore"}, {".coditectquiet", ".coditect/quiet"}};

static struct str rule_file(size_t i)
{
    return str_from(rule_files[i / MIRROR_RULES][i % MIRROR_RULES]);
}

static bool is_in_store(struct codi2_mirror *m, struct str path)
{
    ARENA_AUTO(arena);
    struct codi2_entry known;
    return codi2_index_get(m->index, &arena, path, &known) == 0;
}

void codi2_mirror_unkept(struct codi2_mirror *m, struct str path, enum codi2_why why)
{
    codi2_status_not_kept(m->options.status, m->options.number, path, why);
}

void codi2_mirror_kept(struct codi2_mirror *m, struct str path)
{
    codi2_status_kept(m->options.status, m->options.number, path);
}

void codi2_mirror_unkept_if_special(struct codi2_mirror *m, struct str path)
{
    if (codi2_tree_is_special(&m->tree, path) &&
        !content_ignore_path(m->patterns[CODI2_IGNORE], path, /* is_folder= */ false)) {
        codi2_mirror_unkept(m, path, CODI2_SPECIAL);
    }
}

bool codi2_mirror_too_deep(struct str path)
{
    size_t slashes = 0;
    for (size_t i = 0; i < path.n; i++) {
        slashes += path.p[i] == '/';
    }
    return slashes >= CONTENT_MAX_DEPTH;
}

int codi2_mirror_drop_special(struct codi2_mirror *m, struct str path)
{
    if (!codi2_tree_is_special(&m->tree, path)) {
        return 0;
    }
    int error = codi2_tree_remove_special(&m->tree, path);
    if (!error) {
        codi2_mirror_kept(m, path);
        codi2_mirror_tell(m, path,
                          "was a pipe, socket or device here, which is not stored. What was made "
                          "elsewhere under its name has taken its place.");
    }
    return error;
}

bool codi2_mirror_is_rule_file(struct str path)
{
    bool is = false;
    for (size_t i = 0; i < MIRROR_RULE_FILES; i++) {
        is = is || content_path_within(rule_file(i), path);
    }
    return is;
}

/* Where git has its own files (gitrepository-layout(5)), next to those that stand in .git itself. */
static bool is_gits_own(struct str folder)
{
    static const char *const names[] = {"info", "logs",     "modules",   "objects",
                                        "refs", "reftable", "sequencer", "worktrees"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq(folder, str_from(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_others(struct str folder)
{
    return str_eq(folder, STR("annex")) || str_eq(folder, STR("hooks"));
}

/*
 * What ends in .lock where git locks: no branch has such a name, but an annex names content as its file ended (yarn.lock), hooks are
 * a person's, and whole work trees stand in some .git. A submodule's repository, in modules, may have the first two, or their name.
 */
static bool is_git_lock(struct str path, bool is_folder)
{
    struct str folder;
    struct str name;
    struct str below = STR("");
    unsigned others = 0; /* folders that are an annex, or hold hooks */
    content_path_split(path, &folder, &name);
    bool lock = !is_folder && str_ends(name, STR(".lock"));
    while (lock && folder.n > 0) {
        content_path_split(folder, &folder, &name);
        if (str_eq(name, STR(".git"))) {
            return below.n == 0 ||
                   (is_gits_own(below) && (others == 0 || !str_eq(below, STR("modules"))));
        }
        others -= str_eq(name, STR("modules")) && is_others(below); /* a submodule's name */
        others += is_others(name);
        below = name;
    }
    return false;
}

bool codi2_mirror_ignored(struct codi2_mirror *m, struct str path, bool is_folder)
{
    struct str folder;
    struct str name;
    if (path.n == 0) {
        return false;
    }
    content_path_split(path, &folder, &name);
    if (codi2_tree_is_own_name(folder, name)) {
        return true;
    }
    if (is_git_lock(path, is_folder)) {
        return !is_in_store(m, path); /* by a codi2 that did not know of them */
    }
    if (!content_ignore_path(m->patterns[CODI2_IGNORE], path, is_folder) ||
        codi2_mirror_is_rule_file(path) || codi2_tracked_has(m->tracked, path) ||
        is_in_store(m, path)) {
        return false;
    }
    codi2_mirror_unkept(m, path, CODI2_IGNORED);
    return true;
}

bool codi2_mirror_makeable(struct codi2_mirror *m, struct str path, bool is_folder)
{
    return (content_ignore_path(m->makeable, path, is_folder) || is_git_lock(path, is_folder)) &&
           codi2_mirror_ignored(m, path, is_folder);
}

/* ---- rules ---- */

/* Of several things the first: each is said in its turn, when the one before it is mended. */
static void say_of_rules(struct codi2_mirror *m, struct str file, const char *what)
{
    log_warn("codi2", "%s: " STR_FMT " %s", m->options.link.root, STR_ARG(file), what);
    if (m->rules_said.n == 0) {
        buf_printf(&m->rules_said, STR_FMT " %s", STR_ARG(file), what);
    }
}

static struct str read_rules(struct codi2_mirror *m, struct arena *arena, struct str file)
{
    FD_AUTO int fd = -1;
    char *text = arena_alloc(arena, MIRROR_MOST_RULES + 1);
    int error = codi2_tree_open_file(&m->tree, file, &fd);
    ssize_t n = error ? 0 : fd_read_full(fd, text, MIRROR_MOST_RULES + 1);
    if ((error && error != ERR_NOT_FOUND) || n < 0) {
        say_of_rules(m, file, "cannot be read: none of its rules is used.");
        return STR_EMPTY;
    }
    if (n > MIRROR_MOST_RULES) {
        say_of_rules(m, file, "is larger than 64 KiB: none of its rules is used.");
        return STR_EMPTY;
    }
    return str_of(text, n > 0 ? (size_t)n : 0);
}

static void take_list(struct codi2_mirror *m, enum codi2_list list, const char *ours)
{
    static const char cut[] = "has rules that are not used: there are more than 10,000 in all.";
    ARENA_AUTO(arena);
    struct content_ignore *patterns = m->patterns[list];
    content_ignore_drop(patterns, STR(""));
    int error = content_ignore_add(patterns, STR(""), str_from(ours));
    if (!error && list == CODI2_IGNORE && m->options.home) {
        error = content_ignore_add(patterns, STR(""), str_from(content_ignore_home));
    }
    ASSERT(error == 0);
    if (content_ignore_add(patterns, STR(""), buf_str(&m->rules[list])) != 0) {
        say_of_rules(m, STR("The team's list"), cut);
    }
    for (size_t i = 0; i < MIRROR_RULES; i++) {
        struct str file = rule_file(list * MIRROR_RULES + i);
        if (content_ignore_add(patterns, STR(""), read_rules(m, &arena, file)) != 0) {
            say_of_rules(m, file, cut);
        }
    }
}

static void take_rules(struct codi2_mirror *m)
{
    buf_clear(&m->rules_said);
    take_list(m, CODI2_IGNORE, content_ignore_defaults);
    take_list(m, CODI2_QUIET, "");
    codi2_mirror_say(m);
}

void codi2_mirror_keep_anew(struct codi2_mirror *m)
{
    take_rules(m);
    codi2_tracked_forget(m->tracked);
    codi2_status_forget(m->options.status, m->options.number, STR(""));
    codi2_dirty_add_all(m->dirty);
}

/* Reads the rules when their file has changed. */
static void look_at_rules(struct codi2_mirror *m)
{
    bool news = false;
    for (size_t i = 0; i < MIRROR_RULE_FILES; i++) {
        struct codi2_look look;
        if (codi2_tree_look(&m->tree, rule_file(i), &look) != 0) {
            look = (struct codi2_look){0};
        }
        news = news || !codi2_look_same(&look, &m->rule_looks[i]);
        m->rule_looks[i] = look;
    }
    if (news) {
        codi2_mirror_keep_anew(m);
    }
}

/* ---- what git tracks ---- */

static bool rules_ignore(void *ctx, struct str path)
{
    const struct codi2_mirror *m = ctx;
    return content_ignore_path(m->patterns[CODI2_IGNORE], path, /* is_folder= */ false);
}

static void on_found(void *ctx, struct str path, bool is_folder)
{
    struct codi2_mirror *m = ctx;
    codi2_status_forget(m->options.status, m->options.number, path);
    codi2_dirty_add(m->dirty, path, is_folder);
}

static void load(struct codi2_mirror *m, struct str folder)
{
    if (codi2_tracked_load(m->tracked, folder) == ERR_LIMIT) {
        codi2_status_message(m->options.status, m->options.number,
                             STR("More files below ignored names are tracked by git than can be "
                                 "told apart; not all of them are kept."));
    }
}

void codi2_mirror_keep_start(struct codi2_mirror *m)
{
    m->tracked = codi2_tracked_create(&(struct codi2_tracked_options){
        .tree = &m->tree, .ignored = rules_ignore, .found = on_found, .ctx = m});
    int error = content_ignore_add(m->makeable, STR(""), str_from(content_ignore_defaults));
    ASSERT(error == 0);
    codi2_mirror_rules_start(m);
    take_rules(m);
    look_at_rules(m);
}

void codi2_mirror_keep_seen(struct codi2_mirror *m, struct str path)
{
    const struct str index = STR(".git/index");
    bool rules = path.n == 0 || str_eq(path, STR(".coditect"));
    for (size_t i = 0; i < MIRROR_RULE_FILES; i++) {
        rules = rules || str_eq(path, rule_file(i));
    }
    if (rules) {
        look_at_rules(m);
    } else if (str_eq(path, index)) {
        load(m, STR(""));
    } else if (str_ends(path, STR("/.git/index"))) {
        load(m, str_slice(path, 0, path.n - index.n - 1));
    }
}

void codi2_mirror_keep_listed(struct codi2_mirror *m, struct str folder,
                              const struct codi2_names *names)
{
    struct str above = STR_EMPTY;
    struct str name = STR_EMPTY;
    if (folder.n > 0) {
        content_path_split(folder, &above, &name);
    }
    bool in_git = str_eq(name, STR(".git"));
    for (size_t i = 0; i < names->count; i++) {
        if (str_eq(names->at[i], STR(".git"))) {
            load(m, folder);
        } else if (in_git && str_eq(names->at[i], STR("index"))) {
            load(m, above);
        }
    }
}
