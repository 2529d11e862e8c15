#include "base/args.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"

enum {
    NAME_MOST = 31,
    NEAR = 3, /* changes of one character that still count as a slip of the finger */
    HELP_COLUMN = 28,
    OUT_MOST = 64 * 1024
};

static const struct args_option common[] = {
    {.name = "help", .text = "show this text"},
    {.name = "version", .text = "show the version"},
    {.name = NULL},
};

static const struct args_option *find_in(const struct args_option *options, struct str name)
{
    for (; options->name; options++) {
        if (str_eq(str_from(options->name), name)) {
            return options;
        }
    }
    return NULL;
}

static void look_for_nearest(const struct args_option *options, struct str name, size_t *best,
                             const char **ret_nearest)
{
    for (; options->name; options++) {
        size_t d = str_distance(name, str_from(options->name));
        if (d < *best && d < strlen(options->name)) {
            *best = d;
            *ret_nearest = options->name;
        }
    }
}

static enum args_result unknown(const struct args_spec *spec, struct str name, struct buf *out)
{
    const char *nearest = NULL;
    size_t best = NEAR + 1;
    if (name.n <= NAME_MOST) {
        look_for_nearest(spec->options, name, &best, &nearest);
        look_for_nearest(common, name, &best, &nearest);
    }
    struct str shown = str_slice(name, 0, NAME_MOST);
    buf_printf(out, "%s: unknown option --" STR_FMT, spec->program, STR_ARG(shown));
    if (nearest) {
        buf_printf(out, " (did you mean --%s?)\n", nearest);
    } else {
        buf_printf(out, " (--help lists the options)\n");
    }
    return ARGS_WRONG;
}

static void put_options(struct buf *out, const struct args_option *options)
{
    for (; options->name; options++) {
        size_t start = out->n;
        buf_printf(out, "  --%s%s%s", options->name, options->value ? " " : "",
                   options->value ? options->value : "");
        do {
            buf_byte(out, ' ');
        } while (!out->error && out->n - start < HELP_COLUMN);
        buf_printf(out, "%s\n", options->text);
    }
}

static enum args_result show_help(const struct args_spec *spec, struct buf *out)
{
    buf_printf(out, "usage: %s [OPTION…]%s%s\n\n%s\n\n", spec->program, spec->operands ? " " : "",
               spec->operands ? spec->operands : "", spec->summary);
    put_options(out, spec->options);
    put_options(out, common);
    return ARGS_SHOW;
}

static enum args_result show_version(const struct args_spec *spec, struct buf *out)
{
    buf_printf(out, "%s %s\n", spec->program, CODITECT_VERSION);
    return ARGS_SHOW;
}

static enum args_result wrong(const struct args_spec *spec, const struct args_option *option,
                              const char *what, struct buf *out)
{
    buf_printf(out, "%s: --%s %s\n", spec->program, option->name, what);
    return ARGS_WRONG;
}

/* One option; *at is its index and moves on to the index of its value when that stands apart. */
static enum args_result take_option(const struct args_spec *spec, char **argv, int *at,
                                    struct buf *out)
{
    struct str word = str_from(argv[*at] + 2);
    size_t equals = str_find(word, '=', 0);
    struct str name = str_slice(word, 0, equals);
    const char *value = equals < word.n ? word.p + equals + 1 : NULL;
    const struct args_option *option = find_in(spec->options, name);
    if (!option) {
        option = find_in(common, name);
        if (!option) {
            return unknown(spec, name, out);
        }
        if (value) {
            return wrong(spec, option, "takes no value", out);
        }
        return option == &common[0] ? show_help(spec, out) : show_version(spec, out);
    }
    if (!option->value && !option->given) {
        ASSERT(option->flag);
        *option->flag = true;
        return value ? wrong(spec, option, "takes no value", out) : ARGS_RUN;
    }
    ASSERT(option->given);
    if (!option->value) {
        *option->given = value ? value : "true";
        return ARGS_RUN;
    }
    if (!value) {
        value = argv[*at + 1];
        *at += value != NULL;
    }
    if (!value) {
        return wrong(spec, option, "needs a value", out);
    }
    *option->given = value;
    return ARGS_RUN;
}

enum args_result args_parse(const struct args_spec *spec, char **argv, struct buf *out,
                            int *ret_first)
{
    ASSERT(argv[0] != NULL);
    int at = 1;
    for (; argv[at] && strncmp(argv[at], "--", 2) == 0; at++) {
        if (argv[at][2] == '\0') {
            at++;
            break;
        }
        enum args_result result = take_option(spec, argv, &at, out);
        if (result != ARGS_RUN) {
            return result;
        }
    }
    if (argv[at] && !spec->operands) {
        buf_printf(out, "%s: %.100s is no option (--help lists them)\n", spec->program, argv[at]);
        return ARGS_WRONG;
    }
    *ret_first = at;
    return ARGS_RUN;
}

int args_parse_or_exit(const struct args_spec *spec, char **argv)
{
    BUF_AUTO(out, OUT_MOST);
    int first = 1;
    enum args_result result = args_parse(spec, argv, &out, &first);
    if (result == ARGS_RUN) {
        return first;
    }
    int fd = result == ARGS_SHOW ? STDOUT_FILENO : STDERR_FILENO;
    int r = fd_write_all(fd, buf_str(&out));
    buf_fini(&out);
    exit(result == ARGS_WRONG ? 2 : r < 0 ? 1 : 0);
}
