/*
 * Completion for bash, zsh and fish, from the table of commands. Names of sessions and settings are asked of the server while one
 * types, by `coditect sessions ls --quiet`; an unreachable server means that none are offered.
 */
#include "base/assert.h"
#include "cli/cli_int.h"

static const char help_text[] = "what a command does";

static struct str first_word(const struct cli_command *command)
{
    struct str name = str_from(command->name);
    return str_slice(name, 0, str_find(name, ' ', 0));
}

/* The command's name within its group; empty when it is in none. */
static const char *second_word(const struct cli_command *command)
{
    const char *space = strchr(command->name, ' ');
    return space ? space + 1 : "";
}

/* Whether the command before this one has the same first word. */
static bool first_seen(const struct cli_command *const *command)
{
    return command > cli_commands && str_eq(first_word(command[-1]), first_word(command[0]));
}

static bool takes(const struct cli_command *command, enum cli_complete kind)
{
    for (const struct cli_operand *o = command->operands; o && o->name; o++) {
        bool either = o->complete == CLI_EITHER && (kind == CLI_LOCAL || kind == CLI_REMOTE);
        if (o->complete == kind || either) {
            return true;
        }
    }
    return false;
}

/* "bash|zsh|fish" without the bars. */
static void without_bars(struct buf *out, const char *words)
{
    for (const char *c = words; *c; c++) {
        buf_byte(out, *c == '|' ? ' ' : *c);
    }
}

/* The words that an operand may be; how many words of the line stand before it, 0: there is none. */
static size_t fixed_words(struct buf *out, const struct cli_command *command)
{
    size_t before = second_word(command)[0] ? 2 : 1;
    for (const struct cli_operand *o = command->operands; o && o->name; o++, before++) {
        if (o->complete == CLI_WORDS) {
            without_bars(out, o->name);
            return before;
        }
    }
    return 0;
}

/* What an option's value may be. */
static bool is_file(const struct cli_option *option)
{
    return strcmp(option->value, "FILE") == 0 || strcmp(option->value, "DIR") == 0;
}

static bool is_words(const struct cli_option *option)
{
    return strchr(option->value, '|') != NULL;
}

/* For bash and zsh: what stands behind an option that wants a value. */
static void values_case(struct buf *out, const struct cli_option *options)
{
    bool any = false;
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (!o->value) {
            continue;
        }
        buf_printf(out, "%s        --%s", any ? "" : "        case $previous in\n", o->name);
        if (o->letter) {
            buf_printf(out, " | -%c", o->letter);
        }
        buf_printf(out, ") value=%s values='", is_file(o) ? "file" : "yes");
        if (is_words(o)) {
            without_bars(out, o->value);
        }
        buf_printf(out, "' ;;\n");
        any = true;
    }
    buf_printf(out, any ? "        esac\n" : "");
}

/* Within single quotes of a shell; \' is how fish says it, '\'' the others. */
static void quoted(struct buf *out, const char *text, const char *quote)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'') {
            buf_add(out, str_from(quote));
        } else {
            buf_byte(out, *c);
        }
    }
}

/* ---- bash ---- */

static void bash_options(struct buf *out, const struct cli_option *options)
{
    for (; options && options->name; options++) {
        buf_printf(out, " --%s", options->name);
    }
}

static void bash_command(struct buf *out, const struct cli_command *command)
{
    buf_printf(out, "    \"%s\")\n        words=\"", command->name);
    size_t place = fixed_words(out, command);
    buf_printf(out, "\"\n        place=%zu\n        options=\"", place);
    bash_options(out, command->options);
    bash_options(out, command->plain ? cli_common + 1 : cli_common);
    buf_printf(out, "\"\n");
    if (takes(command, CLI_LOCAL)) {
        buf_printf(out, "        local_files=yes\n");
    }
    if (takes(command, CLI_SESSION)) {
        buf_printf(out, "        sessions=plain\n");
    } else if (takes(command, CLI_REMOTE)) {
        buf_printf(out, "        sessions=colon\n");
    } else if (takes(command, CLI_SETTING)) {
        buf_printf(out, "        sessions=plain list=settings\n");
    }
    values_case(out, command->options);
    buf_printf(out, "        ;;\n");
}

static void bash_groups(struct buf *out)
{
    buf_printf(out, "    \"\")\n        words=\"");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (!first_seen(c)) {
            buf_printf(out, " " STR_FMT, STR_ARG(first_word(*c)));
        }
    }
    buf_printf(out, "\"\n        if [ -z \"$help\" ]; then words+=' help'; fi\n"
                    "        options=\" --version");
    bash_options(out, cli_common);
    buf_printf(out, "\"\n        ;;\n");
    bool open = false;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (!second_word(*c)[0]) {
            continue;
        }
        if (!first_seen(c)) {
            buf_printf(out, "    " STR_FMT ")\n        words=\"", STR_ARG(first_word(*c)));
            open = true;
        }
        buf_printf(out, " %s", second_word(*c));
        bool last = !c[1] || !first_seen(c + 1);
        if (open && last) {
            buf_printf(out, "\"\n        ;;\n");
            open = false;
        }
    }
}

static const char bash_head[] =
    "# bash completion of coditect; made by: coditect completion bash\n"
    "_coditect() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} command='' words='' options='' local_files='' "
    "sessions='' list=sessions i name\n"
    "    local previous=${COMP_WORDS[COMP_CWORD-1]} value='' values='' at=0 place=0 help=''\n"
    "    if [ \"$cur\" = = ]; then\n"
    "        cur=''\n"
    "    elif [ \"$previous\" = = ]; then\n"
    "        previous=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in -*) continue ;; esac\n"
    "        if [ \"$command\" = '' ] && [ \"${COMP_WORDS[i]}\" = help ]; then help=yes; continue; "
    "fi\n"
    "        at=$((at + 1))\n"
    "        case \"$command\" in\n"
    "        '') command=${COMP_WORDS[i]} ;;\n"
    "        ";

static const char bash_middle[] = ") command+=\" ${COMP_WORDS[i]}\" ;;\n"
                                  "        esac\n"
                                  "    done\n"
                                  "    case \"$command\" in\n";

static const char bash_tail[] =
    "    esac\n"
    "    COMPREPLY=()\n"
    "    if [ $place != 0 ] && [ $place != $at ]; then words=''; fi\n"
    "    if [ -n \"$value\" ]; then\n"
    "        words=$values local_files='' sessions=''\n"
    "        if [ $value = file ]; then local_files=yes; fi\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        words=$options local_files='' sessions=''\n"
    "    elif [ -n \"$help\" ]; then\n"
    "        local_files='' sessions=''\n"
    "        if [ $place != 0 ]; then words=''; fi\n"
    "    fi\n"
    "    for name in $words; do\n"
    "        if [[ $name == \"$cur\"* ]]; then COMPREPLY+=(\"$name\"); fi\n"
    "    done\n"
    "    if [ -n \"$local_files\" ]; then\n"
    "        while IFS= read -r name; do COMPREPLY+=(\"$name\"); done < <(compgen -f -- \"$cur\")\n"
    "        compopt -o filenames 2>/dev/null || true\n"
    "    fi\n"
    "    [ -n \"$sessions\" ] || return 0\n"
    "    while IFS= read -r name; do\n"
    "        if [ \"$sessions\" = colon ]; then name+=:; fi\n"
    "        if [[ $name == \"$cur\"* ]]; then\n"
    "            if [ -z \"$local_files\" ]; then name=$(printf %q \"$name\"); fi\n"
    "            COMPREPLY+=(\"$name\")\n"
    "        fi\n"
    "    done < <(coditect \"$list\" ls --quiet 2>/dev/null </dev/null)\n"
    "    if [ \"$sessions\" = colon ]; then compopt -o nospace 2>/dev/null || true; fi\n"
    "    return 0\n"
    "}\n"
    "complete -F _coditect coditect\n";

/* "sessions | files" for a case. */
static void group_names(struct buf *out)
{
    bool first = true;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (second_word(*c)[0] && !first_seen(c)) {
            buf_printf(out, "%s" STR_FMT, first ? "" : " | ", STR_ARG(first_word(*c)));
            first = false;
        }
    }
}

void cli_completion_bash(struct buf *out)
{
    buf_add(out, str_from(bash_head));
    group_names(out);
    buf_add(out, str_from(bash_middle));
    bash_groups(out);
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        bash_command(out, *c);
    }
    buf_add(out, str_from(bash_tail));
}

/* ---- zsh ---- */

static void zsh_described(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, " '%s:", name);
    quoted(out, text, "'\\''");
    buf_byte(out, '\'');
}

static void zsh_command(struct buf *out, const struct cli_command *command)
{
    buf_printf(out, "    '%s')\n        options=(", command->name);
    for (const struct cli_option *o = command->options; o && o->name; o++) {
        char dashed[40];
        (void)snprintf(dashed, sizeof dashed, "--%s", o->name);
        zsh_described(out, dashed, o->text);
    }
    buf_printf(out, ")\n        words_of=(");
    size_t place = fixed_words(out, command);
    buf_printf(out, ")\n        place=%zu\n", place);
    values_case(out, command->options);
    buf_printf(
        out, "        kinds='%s%s%s%s'\n        ;;\n", takes(command, CLI_LOCAL) ? "local " : "",
        takes(command, CLI_SESSION) ? "session " : "", takes(command, CLI_REMOTE) ? "remote " : "",
        takes(command, CLI_SETTING) ? "setting " : "");
}

static void zsh_groups(struct buf *out)
{
    buf_printf(out, "    '')\n        commands=(");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (!first_seen(c)) {
            struct str word = first_word(*c);
            buf_printf(out, " '" STR_FMT ":", STR_ARG(word));
            quoted(out, second_word(*c)[0] ? "commands about them" : (*c)->summary, "'\\''");
            buf_byte(out, '\'');
        }
    }
    zsh_described(out, "help", help_text);
    buf_printf(out, ")\n        ;;\n");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (!second_word(*c)[0]) {
            continue;
        }
        if (!first_seen(c)) {
            buf_printf(out, "    " STR_FMT ")\n        commands=(", STR_ARG(first_word(*c)));
        }
        zsh_described(out, second_word(*c), (*c)->summary);
        if (!c[1] || !first_seen(c + 1)) {
            buf_printf(out, ")\n        ;;\n");
        }
    }
}

static const char zsh_head[] = "#compdef coditect\n"
                               "# zsh completion of coditect; made by: coditect completion zsh\n"
                               "_coditect() {\n"
                               "    local command='' kinds='' i help='' value='' values=''\n"
                               "    local previous=${words[CURRENT-1]} at=0 place=0\n"
                               "    local -a commands options words_of sessions\n"
                               "    for ((i = 2; i < CURRENT; i++)); do\n"
                               "        case ${words[i]} in -*) continue ;; esac\n"
                               "        if [[ -z $command && ${words[i]} == help ]]; then\n"
                               "            help=yes\n"
                               "            continue\n"
                               "        fi\n"
                               "        at=$((at + 1))\n"
                               "        case \"$command\" in\n"
                               "        '') command=${words[i]} ;;\n"
                               "        ";

static const char zsh_tail[] =
    "    esac\n"
    "    if [[ $value == file ]]; then _files; return; fi\n"
    "    if [[ -n $value ]]; then compadd -- ${=values}; return; fi\n"
    "    if [[ ${words[CURRENT]} == -* ]]; then\n"
    "        options+=('--help:show help' '--json:print JSON')\n"
    "        _describe option options\n"
    "        return\n"
    "    fi\n"
    "    if (( ${#commands} )); then _describe command commands; return; fi\n"
    "    if [[ -n $help ]]; then return; fi\n"
    "    if (( ${#words_of} && place == at )); then compadd -- $words_of; fi\n"
    "    if [[ $kinds == *local* ]]; then _files; fi\n"
    "    if [[ $kinds == *setting* ]]; then\n"
    "        compadd -- \"${(@f)$(coditect settings ls --quiet 2>/dev/null </dev/null)}\"\n"
    "    fi\n"
    "    if [[ $kinds == *session* || $kinds == *remote* ]]; then\n"
    "        sessions=(\"${(@f)$(coditect sessions ls --quiet 2>/dev/null </dev/null)}\")\n"
    "        if [[ $kinds == *remote* ]]; then compadd -S : -- $sessions; else compadd -- "
    "$sessions; "
    "fi\n"
    "    fi\n"
    "}\n"
    "if [ \"${funcstack[1]}\" = _coditect ]; then _coditect \"$@\"; else compdef _coditect "
    "coditect; "
    "fi\n";

void cli_completion_zsh(struct buf *out)
{
    buf_add(out, str_from(zsh_head));
    group_names(out);
    buf_printf(out, ") command+=\" ${words[i]}\" ;;\n        esac\n    done\n"
                    "    case \"$command\" in\n");
    zsh_groups(out);
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        zsh_command(out, *c);
    }
    buf_add(out, str_from(zsh_tail));
}

/* ---- fish ---- */

static void fish_text(struct buf *out, const char *text)
{
    buf_printf(out, " -d '");
    quoted(out, text, "\\'");
    buf_printf(out, "'\n");
}

static void fish_words(struct buf *out)
{
    buf_printf(out, "complete -c coditect -f -n '__coditect_is' -a help");
    fish_text(out, help_text);
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        struct str word = first_word(*c);
        bool group = second_word(*c)[0] != '\0';
        if (!first_seen(c)) {
            buf_printf(out, "complete -c coditect -f -n '__coditect_is' -a " STR_FMT,
                       STR_ARG(word));
            fish_text(out, group ? "commands about them" : (*c)->summary);
        }
        if (group) {
            buf_printf(out, "complete -c coditect -f -n '__coditect_is " STR_FMT "' -a %s",
                       STR_ARG(word), second_word(*c));
            fish_text(out, (*c)->summary);
        }
    }
}

static void fish_options(struct buf *out, const char *command, const struct cli_option *options)
{
    for (; options && options->name; options++) {
        buf_printf(out, "complete -c coditect -n '__coditect_is %s' -l %s", command, options->name);
        if (options->letter) {
            buf_printf(out, " -s %c", options->letter);
        }
        if (options->value) {
            buf_printf(out, is_file(options) ? " -r -F" : " -x");
        }
        if (options->value && is_words(options)) {
            buf_printf(out, " -a '");
            without_bars(out, options->value);
            buf_byte(out, '\'');
        }
        fish_text(out, options->text);
    }
}

static void fish_command(struct buf *out, const struct cli_command *command)
{
    const char *name = command->name;
    fish_options(out, name, command->options);
    fish_options(out, name, command->plain ? cli_common + 1 : cli_common);
    BUF_AUTO(words, 256);
    size_t place = fixed_words(&words, command);
    if (place > 0) {
        buf_printf(out,
                   "complete -c coditect -n '__coditect_is %s; and __coditect_at %zu' -a '" STR_FMT
                   "'\n",
                   name, place, STR_ARG(buf_str(&words)));
    }
    if (takes(command, CLI_SESSION) || takes(command, CLI_REMOTE)) {
        buf_printf(out,
                   "complete -c coditect -n '__coditect_is %s' -a '(__coditect_sessions %s)'\n",
                   name, takes(command, CLI_SESSION) ? "\"\"" : ":");
    }
    if (takes(command, CLI_SETTING)) {
        buf_printf(out,
                   "complete -c coditect -n '__coditect_is %s' -a '(coditect settings ls --quiet "
                   "2>/dev/null </dev/null)'\n",
                   name);
    }
    buf_printf(out, "complete -c coditect -n '__coditect_is %s' %s\n", name,
               takes(command, CLI_LOCAL) ? "-F" : "-f");
}

static const char fish_head[] =
    "# fish completion of coditect; made by: coditect completion fish\n"
    "function __coditect_words\n"
    "    set -l words (string match -v -- '-*' (commandline -opc)[2..-1])\n"
    "    if test (count $words) -gt 0; and test $words[1] = help\n"
    "        set -e words[1]\n"
    "    end\n"
    "    for word in $words\n"
    "        echo $word\n"
    "    end\n"
    "end\n"
    "function __coditect_at\n"
    "    test (count (__coditect_words)) -eq $argv[1]\n"
    "end\n"
    "function __coditect_is\n"
    "    set -l words (__coditect_words)\n"
    "    set -l groups ";

static const char fish_middle[] =
    "\n"
    "    if test (count $words) -gt 1; and not contains -- $words[1] $groups\n"
    "        set words $words[1]\n"
    "    else if test (count $words) -gt 2\n"
    "        set words $words[1..2]\n"
    "    end\n"
    "    test \"$words\" = \"$argv\"\n"
    "end\n"
    "function __coditect_sessions\n"
    "    coditect sessions ls --quiet 2>/dev/null </dev/null | string replace -r '$' -- \"$argv\"\n"
    "end\n";

void cli_completion_fish(struct buf *out)
{
    buf_add(out, str_from(fish_head));
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (second_word(*c)[0] && !first_seen(c)) {
            buf_printf(out, STR_FMT " ", STR_ARG(first_word(*c)));
        }
    }
    buf_add(out, str_from(fish_middle));
    fish_words(out);
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        fish_command(out, *c);
    }
}
