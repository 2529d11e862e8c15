/*
 * The command line's words. Options may stand anywhere behind the command, as people write them; "--" ends them, a lone "-"
 * is an operand (standard input or output). base/args.h knows neither commands nor letters, which cp -r wants.
 */
#include <stdarg.h>

#include "base/assert.h"
#include "cli/cli_int.h"

enum { NEAR = 3, SHOWN = 40 };

struct parser {
    struct cli_run *run;
    char **next;
    struct buf *out;
    VEC(const char *) operands;
    bool help;
};

static __attribute__((format(printf, 2, 3))) enum cli_parsed wrong(struct parser *p,
                                                                   const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)cli_fail(p->run, ERR_INVALID, "%s", text);
    buf_printf(p->out, "coditect: ");
    cli_escape(p->out, str_from(text));
    buf_byte(p->out, '\n');
    const struct cli_command *command = p->run->command;
    if (command) {
        buf_printf(p->out, "Usage: ");
        cli_usage_line(p->out, command);
        buf_printf(p->out, "\nTry: coditect %s --help\n", command->name);
    } else {
        buf_printf(p->out, "Try: coditect --help\n");
    }
    return CLI_WRONG;
}

/* ---- options ---- */

static const struct cli_option *option_named(const struct cli_option *list, struct str name)
{
    for (; list && list->name; list++) {
        if (str_eq(str_from(list->name), name) ||
            (name.n == 1 && list->letter && list->letter == name.p[0])) {
            return list;
        }
    }
    return NULL;
}

static const char *nearest_option(const struct cli_command *command, struct str name)
{
    const char *best = NULL;
    size_t least = NEAR + 1;
    const struct cli_option *lists[] = {command->options, cli_common};
    for (size_t i = 0; i < 2; i++) {
        for (const struct cli_option *o = lists[i]; o && o->name; o++) {
            size_t d = str_distance(name, str_from(o->name));
            if (d < least && d < strlen(o->name)) {
                least = d;
                best = o->name;
            }
        }
    }
    return best;
}

static enum cli_parsed unknown_option(struct parser *p, const char *dashes, struct str name)
{
    const char *near = name.n > 1 && name.n <= SHOWN ? nearest_option(p->run->command, name) : NULL;
    struct str shown = str_slice(name, 0, SHOWN);
    if (near) {
        return wrong(p, "unknown option %s" STR_FMT " (did you mean --%s?)", dashes, STR_ARG(shown),
                     near);
    }
    return wrong(p, "unknown option %s" STR_FMT, dashes, STR_ARG(shown));
}

/* An option of all commands. False: it is none. */
static bool take_common(struct parser *p, struct str name)
{
    const struct cli_option *option = option_named(cli_common, name);
    if (!option || (option->letter == 0 && name.n == 1)) {
        return false;
    }
    p->help |= strcmp(option->name, "help") == 0;
    p->run->json |= strcmp(option->name, "json") == 0;
    return true;
}

/* given: the value behind '=', p NULL: none. */
static enum cli_parsed take_option(struct parser *p, const char *dashes, struct str name,
                                   const char *given)
{
    const struct cli_command *command = p->run->command;
    const struct cli_option *option = option_named(command->options, name);
    if (!option) {
        if (!take_common(p, name)) {
            return unknown_option(p, dashes, name);
        }
        return given ? wrong(p, "--" STR_FMT " takes no value", STR_ARG(name)) : CLI_RUN;
    }
    size_t place = (size_t)(option - command->options);
    ASSERT(place < CLI_MOST_OPTIONS);
    if (!option->value) {
        p->run->values[place] = "";
        return given ? wrong(p, "--%s takes no value", option->name) : CLI_RUN;
    }
    if (!given && *p->next) {
        given = *p->next++;
    }
    if (!given) {
        return wrong(p, "--%s wants %s", option->name, option->value);
    }
    p->run->values[place] = given;
    return CLI_RUN;
}

static enum cli_parsed take_letters(struct parser *p, const char *letters)
{
    for (const char *c = letters; *c; c++) {
        const struct cli_option *option = option_named(p->run->command->options, str_of(c, 1));
        bool rest = option && option->value && c[1];
        enum cli_parsed parsed = take_option(p, "-", str_of(c, 1), rest ? c + 1 : NULL);
        if (parsed != CLI_RUN || rest) {
            return parsed;
        }
    }
    return CLI_RUN;
}

static enum cli_parsed take_word(struct parser *p, const char *word)
{
    if (word[0] != '-' || !word[1]) {
        VEC_ADD(&p->operands, word);
        return CLI_RUN;
    }
    if (word[1] != '-') {
        return take_letters(p, word + 1);
    }
    struct str name = str_from(word + 2);
    size_t end = str_find(name, '=', 0);
    const char *given = end < name.n ? name.p + end + 1 : NULL;
    name.n = end;
    return name.n == 1 ? unknown_option(p, "--", name) : take_option(p, "--", name, given);
}

/* ---- commands ---- */

const struct cli_command *cli_command_named(struct str name)
{
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (str_eq(str_from((*c)->name), name)) {
            return *c;
        }
    }
    return NULL;
}

bool cli_is_group(struct str name)
{
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        struct str whole = str_from((*c)->name);
        if (whole.n > name.n && str_starts(whole, name) && whole.p[name.n] == ' ') {
            return true;
        }
    }
    return false;
}

static enum cli_parsed unknown_command(struct parser *p, struct str words)
{
    struct str near = STR_EMPTY;
    size_t least = NEAR + 1;
    bool one_word = str_find(words, ' ', 0) == words.n;
    for (const struct cli_command *const *c = cli_commands; words.n <= SHOWN && *c; c++) {
        struct str name = str_from((*c)->name);
        name = one_word ? str_slice(name, 0, str_find(name, ' ', 0)) : name;
        size_t d = str_distance(words, name);
        if (d < least && d < name.n) {
            least = d;
            near = name;
        }
    }
    struct str shown = str_slice(words, 0, SHOWN);
    if (near.n > 0) {
        return wrong(p, "unknown command " STR_FMT " (did you mean " STR_FMT "?)", STR_ARG(shown),
                     STR_ARG(near));
    }
    return wrong(p, "unknown command " STR_FMT, STR_ARG(shown));
}

static enum cli_parsed show_group(struct parser *p, struct str group)
{
    for (; *p->next; p->next++) {
        p->help |= strcmp(*p->next, "--help") == 0 || strcmp(*p->next, "-h") == 0;
    }
    cli_help_group(p->out, group);
    return p->help ? CLI_SHOW : CLI_WRONG;
}

static enum cli_parsed find_command(struct parser *p)
{
    struct str first = str_from(*p->next++);
    if (!cli_is_group(first)) {
        p->run->command = cli_command_named(first);
        return p->run->command ? CLI_RUN : unknown_command(p, first);
    }
    if (!*p->next || (*p->next)[0] == '-') {
        return show_group(p, first);
    }
    struct str words = arena_printf(&p->run->arena, STR_FMT " %s", STR_ARG(first), *p->next++);
    p->run->command = cli_command_named(words);
    return p->run->command ? CLI_RUN : unknown_command(p, words);
}

/* Options before the command: those of all commands, and --version; "help" is --help there. */
static enum cli_parsed take_leading(struct parser *p)
{
    while (*p->next && ((*p->next)[0] == '-' || strcmp(*p->next, "help") == 0)) {
        const char *word = strcmp(*p->next, "help") == 0 ? "--help" : *p->next;
        p->next++;
        if (strcmp(word, "--version") == 0) {
            buf_printf(p->out, "coditect %s\n", CODITECT_VERSION);
            return CLI_SHOW;
        }
        bool named = str_starts(str_from(word), STR("--")) && word[2] && word[3];
        if (!take_common(p, named ? str_from(word + 2) : str_from(word + 1))) {
            return wrong(p, "unknown option %.40s", word);
        }
    }
    if (*p->next) {
        return CLI_RUN;
    }
    cli_help_all(p->out);
    return p->help ? CLI_SHOW : CLI_WRONG;
}

static enum cli_parsed check_operands(struct parser *p)
{
    const struct cli_operand *wanted = p->run->command->operands;
    size_t least = 0, most = 0;
    const char *missing = NULL;
    for (; wanted && wanted->name; wanted++) {
        least += !wanted->optional;
        most = wanted->many || most == SIZE_MAX ? SIZE_MAX : most + 1;
        if (!missing && least > p->operands.n) {
            missing = wanted->name;
        }
    }
    if (p->operands.n < least) {
        return wrong(p, "%s is missing", missing);
    }
    if (p->operands.n > most) {
        return wrong(p, "there is one word too many: %.40s", p->operands.at[most]);
    }
    return CLI_RUN;
}

static enum cli_parsed parse(struct parser *p)
{
    enum cli_parsed parsed = take_leading(p);
    parsed = parsed == CLI_RUN ? find_command(p) : parsed;
    bool options = true;
    while (parsed == CLI_RUN && *p->next) {
        const char *word = *p->next++;
        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options) {
            parsed = take_word(p, word);
        } else {
            VEC_ADD(&p->operands, word);
        }
    }
    if (parsed != CLI_RUN) {
        return parsed;
    }
    if (p->help) {
        cli_help_command(p->out, p->run->command);
        return CLI_SHOW;
    }
    if (p->run->json && p->run->command->plain) {
        return wrong(p, "%s knows no --json", p->run->command->name);
    }
    return check_operands(p);
}

/* Also behind what was wrong: who wants JSON wants it of that, too. */
static bool wants_json(char **words)
{
    while (*words && strcmp(*words, "--json") != 0 && strcmp(*words, "--") != 0) {
        words++;
    }
    return *words && (*words)[2] != '\0';
}

enum cli_parsed cli_parse(struct cli_run *run, char **argv, struct buf *out)
{
    struct parser p = {.run = run, .next = argv[0] ? argv + 1 : argv, .out = out};
    enum cli_parsed parsed = parse(&p);
    run->json |= parsed == CLI_WRONG && wants_json(argv);
    const char **operands = ARENA_ARRAY(&run->arena, const char *, p.operands.n + 1);
    for (size_t i = 0; i < p.operands.n; i++) {
        operands[i] = p.operands.at[i];
    }
    run->operands = operands;
    run->operand_count = p.operands.n;
    VEC_FREE(&p.operands);
    return parsed;
}

/* ---- asking for what was given ---- */

const char *cli_value(const struct cli_run *run, const char *option)
{
    const struct cli_option *found = option_named(run->command->options, str_from(option));
    ASSERT(found != NULL);
    return run->values[found - run->command->options];
}

bool cli_given(const struct cli_run *run, const char *option)
{
    return cli_value(run, option) != NULL;
}

int cli_positive(struct cli_run *run, struct cli_topic word, int64_t *ret_number)
{
    uint64_t number;
    if (str_u64(str_from(word.text), JSON_MAX_EXACT, &number) < 0 || number == 0) {
        return cli_fail(run, ERR_INVALID, "%s must be a number from 1 on, not %.40s", word.name,
                        word.text);
    }
    *ret_number = (int64_t)number;
    return 0;
}

int cli_number(struct cli_run *run, const char *option, int64_t *ret_number)
{
    const char *value = cli_value(run, option);
    if (!value) {
        *ret_number = 0;
        return 0;
    }
    return cli_positive(run, (struct cli_topic){option, value}, ret_number);
}
