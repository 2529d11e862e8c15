/*
 * Ignore rules. One ordered list of all files' rules: the last rule that matches wins, and a rule speaks only of what lies
 * below the folder of its file. Callers add the files of outer folders before those of inner ones, as git reads them.
 */
#include "content/content_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"

enum { IGNORE_MAGIC = 0x69676e6f };

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* in UTF-8 */

const char content_ignore_defaults[] = "node_modules/\n"
                                       ".cache/\n"
                                       "__pycache__/\n"
                                       ".pytest_cache/\n"
                                       ".mypy_cache/\n"
                                       ".ruff_cache/\n"
                                       ".gradle/\n"
                                       ".parcel-cache/\n"
                                       ".next/cache/\n"
                                       ".turbo/\n"
                                       "target/\n"
                                       "dist/\n";

/*
 * Besides those, of a home: tool chains, package stores and what package managers installed, each where its tool puts it. What a
 * person writes beside them is kept: settings and credentials (.cargo/config.toml, .m2/settings.xml, gradle.properties), the
 * scripts of .local/bin, and go/src. A tool that puts programs into .local/bin, too, has only them come along.
 */
const char content_ignore_home[] = "/.rustup/\n/.cargo/bin/\n/.cargo/git/\n/.cargo/registry/\n"
                                   "/.cargo/.crates*\n"
                                   "/go/bin/\n/go/pkg/\n"
                                   "/.npm/\n/.nvm/\n/.node-gyp/\n/.fnm/\n/.volta/\n/.yarn/\n"
                                   "/.pnpm-store/\n/.bun/\n/.deno/\n"
                                   "/.pyenv/\n/.conda/\n/.virtualenvs/\n/miniconda3/\n"
                                   "/miniforge3/\n/anaconda3/\n"
                                   "/.rbenv/\n/.rvm/\n/.gem/ruby/\n/.bundle/cache/\n"
                                   "/.m2/repository/\n/.m2/wrapper/\n!/.gradle/\n/.gradle/*/\n"
                                   "!/.gradle/init.d/\n/.ivy2/cache/\n/.sbt/boot/\n"
                                   "/.coursier/\n"
                                   "/.sdkman/candidates/\n/.sdkman/archives/\n/.jdks/\n"
                                   "/.konan/\n/.android/avd/\n/.android/cache/\n"
                                   "/Android/Sdk/\n"
                                   "/.dotnet/\n/.nuget/packages/\n/.pub-cache/\n"
                                   "/.dartServer/\n/.composer/cache/\n"
                                   "/.ghcup/\n/.cabal/packages/\n/.cabal/store/\n"
                                   "/.stack/programs/\n/.stack/snapshots/\n/.stack/pantry/\n"
                                   "/.opam/\n/.elan/\n"
                                   "/.julia/*/\n!/.julia/config/\n!/.julia/environments/\n"
                                   "!/.julia/logs/\n/.juliaup/\n/.hex/packages/\n/.mix/\n"
                                   "/.cpan/build/\n/.cpan/sources/\n/.cpanm/\n/perl5/\n"
                                   "/.asdf/\n/.linuxbrew/\n/.conan2/p/\n/.ccache/\n"
                                   "/.platformio/\n/.arduino15/packages/\n"
                                   "/.arduino15/staging/\n/.espressif/\n"
                                   "/.terraform.d/plugin-cache/\n/.kube/cache/\n/.minikube/\n"
                                   "/.vagrant.d/boxes/\n/.ollama/models/\n"
                                   "/.vscode-server/\n/.vscode/extensions/\n/.cursor-server/\n"
                                   "/.local/lib/\n/.local/pipx/\n"
                                   "/.local/share/Trash/\n/.local/share/containers/\n"
                                   "/.local/share/coursier/\n/.local/share/fnm/\n"
                                   "/.local/share/gem/\n/.local/share/mise/\n"
                                   "/.local/share/pipx/\n/.local/share/pnpm/\n"
                                   "/.local/share/uv/\n/.local/share/virtualenv/\n";

struct rule {
    char *text; /* folder, then pattern */
    size_t folder_n;
    size_t pattern_n;
    bool keep;        /* a "!" rule */
    bool folder_only; /* ended by a slash */
    bool anchored; /* has a slash: matches the whole path below folder, else the last name alone */
};

struct content_ignore {
    uint32_t magic;
    VEC(struct rule) rules;
};

struct content_ignore *content_ignore_create(void)
{
    struct content_ignore *g = MEM_NEW(struct content_ignore);
    g->magic = IGNORE_MAGIC;
    return g;
}

void content_ignore_destroy(struct content_ignore *g)
{
    if (!g) {
        return;
    }
    ASSERT_MAGIC(g, IGNORE_MAGIC);
    for (size_t i = 0; i < g->rules.n; i++) {
        mem_free(g->rules.at[i].text);
    }
    VEC_FREE(&g->rules);
    g->magic = 0;
    mem_free(g);
}

/* Without a carriage return and without trailing spaces, unless a backslash keeps them. */
static struct str line_trim(struct str line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    while (line.n > 0 && line.p[line.n - 1] == ' ' && !(line.n > 1 && line.p[line.n - 2] == '\\')) {
        line.n--;
    }
    return line;
}

/* False: a line that says nothing. */
static bool rule_parse(struct str line, struct rule *ret_rule, struct str *ret_pattern)
{
    struct rule rule = {0};
    line = line_trim(line);
    if (line.n == 0 || line.n > CONTENT_MAX_RULE || line.p[0] == '#') {
        return false;
    }
    if (line.p[0] == '!') {
        rule.keep = true;
        line = str_slice(line, 1, line.n);
    }
    if (line.n > 0 && line.p[line.n - 1] == '/') {
        rule.folder_only = true;
        line.n--;
    }
    rule.anchored = line.n > 0 && memchr(line.p, '/', line.n);
    if (line.n > 0 && line.p[0] == '/') {
        line = str_slice(line, 1, line.n);
    }
    if (str_starts(line, STR("**/")) && !memchr(line.p + 3, '/', line.n - 3)) {
        rule.anchored = false; /* in all folders: as without */
        line = str_slice(line, 3, line.n);
    }
    if (line.n == 0) {
        return false;
    }
    *ret_rule = rule;
    *ret_pattern = line;
    return true;
}

int content_ignore_add(struct content_ignore *g, struct str folder, struct str text)
{
    ASSERT_MAGIC(g, IGNORE_MAGIC);
    ASSERT(content_path_check(folder) == 0);
    struct str line;
    if (str_starts(text, STR(BYTE_ORDER_MARK))) {
        text = str_slice(text, sizeof BYTE_ORDER_MARK - 1,
                         text.n); /* of an editor: git passes over it, too */
    }
    while (str_split(&text, '\n', &line)) {
        struct rule rule;
        struct str pattern;
        if (!rule_parse(line, &rule, &pattern)) {
            continue;
        }
        if (g->rules.n == CONTENT_MAX_RULES) {
            return ERR_LIMIT;
        }
        rule.folder_n = folder.n;
        rule.pattern_n = pattern.n;
        rule.text = mem_alloc(folder.n + pattern.n);
        if (folder.n > 0) {
            memcpy(rule.text, folder.p, folder.n);
        }
        memcpy(rule.text + folder.n, pattern.p, pattern.n);
        VEC_ADD(&g->rules, rule);
    }
    return 0;
}

/* ---- a list that somebody enters ---- */

static bool has_control(struct str line)
{
    for (size_t i = 0; i < line.n; i++) {
        if ((uint8_t)line.p[i] < 0x20 || (uint8_t)line.p[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* Stars, question marks and slashes alone: no letter that a path would need. */
static bool is_everything(struct str pattern)
{
    bool star = false;
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] != '*' && pattern.p[i] != '?' && pattern.p[i] != '/') {
            return false;
        }
        star = star || pattern.p[i] == '*';
    }
    return star;
}

static const char *pattern_fault(const struct rule *rule, struct str pattern)
{
    size_t slashes = 0;
    struct str rest = pattern;
    struct str name;
    while (slashes < pattern.n && pattern.p[pattern.n - 1 - slashes] == '\\') {
        slashes++;
    }
    if (slashes % 2 == 1) {
        return "a backslash stands before nothing";
    }
    if (is_everything(pattern) && !rule->keep) {
        return "the pattern names everything";
    }
    while (str_split(&rest, '/', &name)) {
        if (name.n == 0) {
            return "two slashes stand side by side, so that the pattern matches nothing";
        }
        if (str_eq(name, STR(".")) || str_eq(name, STR(".."))) {
            return "paths begin at the workspace's root, and have no \".\" or \"..\" in them";
        }
    }
    return NULL;
}

static const char *line_fault(struct str line)
{
    struct rule rule;
    struct str pattern;
    line = line_trim(line);
    if (line.n > CONTENT_MAX_RULE) {
        return "a line has at most 1024 bytes";
    }
    if (has_control(line)) {
        return "there is a control character, such as a tab";
    }
    if (line.n == 0 || line.p[0] == '#') {
        return NULL;
    }
    return rule_parse(line, &rule, &pattern) ? pattern_fault(&rule, pattern)
                                             : "the line names nothing";
}

int content_ignore_check(struct str text, size_t *ret_line, const char **ret_why)
{
    const char *why = NULL;
    size_t number = 0;
    struct str line;
    if (text.n > CONTENT_MAX_PATTERN_BYTES) {
        why = "there are at most 8192 bytes";
    } else if (!str_is_utf8(text)) {
        why = "it is no UTF-8";
    }
    while (!why && str_split(&text, '\n', &line)) {
        number++;
        bool last = !text.p && line.n == 0; /* behind the last line's end */
        why = number > CONTENT_MAX_PATTERN_LINES && !last ? "there are at most 200 lines"
                                                          : line_fault(line);
    }
    if (why) {
        *ret_line = number;
        *ret_why = why;
        return ERR_INVALID;
    }
    return 0;
}

uint64_t content_ignore_mark(struct str text)
{
    struct content_hash hash;
    content_hash(text, &hash);
    uint64_t mark = 0;
    for (size_t i = 0; i < 8; i++) {
        mark = mark << 8 | hash.bytes[i];
    }
    mark &= INT64_MAX;
    return mark ? mark : 1;
}

/* ---- judging ---- */

void content_ignore_drop(struct content_ignore *g, struct str folder)
{
    ASSERT_MAGIC(g, IGNORE_MAGIC);
    size_t kept = 0;
    for (size_t i = 0; i < g->rules.n; i++) {
        struct rule *rule = &g->rules.at[i];
        if (content_path_within(str_of(rule->text, rule->folder_n), folder)) {
            mem_free(rule->text);
        } else {
            g->rules.at[kept++] = *rule;
        }
    }
    g->rules.n = kept;
}

/*
 * What git has there goes by names of its own: of branches, for one. Of a repository without a work tree, x.git by custom, these are
 * the two folders that branches name; a work tree may have such a name, too.
 */
static bool is_gits(struct str folder)
{
    struct str name;
    bool bare = false;
    while (str_split(&folder, '/', &name)) {
        if (str_eq(name, STR(".git")) ||
            (bare && (str_eq(name, STR("refs")) || str_eq(name, STR("logs"))))) {
            return true;
        }
        bare = str_ends(name, STR(".git"));
    }
    return false;
}

static bool rule_matches(const struct rule *rule, struct str path, bool is_folder)
{
    struct str folder = str_of(rule->text, rule->folder_n);
    struct str pattern = str_of(rule->text + rule->folder_n, rule->pattern_n);
    if ((rule->folder_only && !is_folder) || path.n <= folder.n ||
        !content_path_within(path, folder)) {
        return false;
    }
    if (rule->anchored) {
        return content_glob_path(pattern, str_slice(path, folder.n ? folder.n + 1 : 0, path.n));
    }
    struct str above;
    struct str name;
    content_path_split(path, &above, &name);
    return content_glob_name(pattern, name) && (rule->keep || !is_gits(above));
}

enum content_ignored content_ignore_match(const struct content_ignore *g, struct str path,
                                          bool is_folder)
{
    ASSERT_MAGIC(g, IGNORE_MAGIC);
    for (size_t i = g->rules.n; i > 0; i--) {
        const struct rule *rule = &g->rules.at[i - 1];
        if (rule_matches(rule, path, is_folder)) {
            return rule->keep ? CONTENT_KEPT : CONTENT_IGNORED;
        }
    }
    return CONTENT_UNDECIDED;
}

bool content_ignore_path(const struct content_ignore *g, struct str path, bool is_folder)
{
    for (size_t end = str_find(path, '/', 0); end < path.n; end = str_find(path, '/', end + 1)) {
        if (content_ignore_match(g, str_slice(path, 0, end), /* is_folder= */ true) ==
            CONTENT_IGNORED) {
            return true;
        }
    }
    return path.n > 0 && content_ignore_match(g, path, is_folder) == CONTENT_IGNORED;
}
