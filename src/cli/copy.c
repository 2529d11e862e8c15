/* cp, and what its two directions share. */
#include "cli/cli_int.h"

int cli_copy_failed(struct cli_copy *copy, int code)
{
    struct cli_run *run = copy->run;
    bool over = code == ERR_UNAUTHENTICATED || code == ERR_UNAVAILABLE || code == ERR_NO_SPACE ||
                code == ERR_QUOTA || run->closed;
    copy->failed++;
    copy->first = copy->first ? copy->first : code;
    if (over) {
        return code;
    }
    cli_meter_clear(&copy->meter);
    cli_complain(run);
    return 0;
}

static int up(struct cli_copy *copy, const char *const *sources, size_t count, const char *to)
{
    struct cli_run *run = copy->run;
    struct cli_place place;
    int r = cli_place_find(run, to, &place);
    if (r == 0 && !place.folder) {
        int probe = cli_folder_probe(run, &place);
        place.folder = probe == 0 || count > 1; /* of several the first that is written makes it */
        r = place.folder || probe == ERR_NOT_FOUND || probe == ERR_NOT_DIRECTORY ? 0 : probe;
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = cli_copy_up(copy, sources[i], &place);
    }
    return r;
}

static int down(struct cli_copy *copy, const char *const *sources, size_t count, const char *to)
{
    struct cli_run *run = copy->run;
    if (count > 1 && !cli_is_folder(to)) {
        return cli_fail(run, ERR_NOT_DIRECTORY, "%s is no folder", to);
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct cli_place place;
        r = cli_place_find(run, sources[i], &place);
        r = r < 0 ? r : cli_copy_down(copy, &place, to);
    }
    return r;
}

static int direction(struct cli_run *run, size_t count, bool *ret_up)
{
    bool to_remote = cli_is_remote(run->operands[count]);
    for (size_t i = 0; i < count; i++) {
        if (cli_is_remote(run->operands[i]) == to_remote) {
            run->subject = NULL;
            return cli_fail(run, ERR_INVALID,
                            to_remote ? "one side must be of this machine (no SESSION: in front)"
                                      : "one side must be in a session (SESSION:PATH)");
        }
    }
    *ret_up = to_remote;
    return 0;
}

static void summary(struct cli_copy *copy)
{
    struct cli_run *run = copy->run;
    cli_meter_clear(&copy->meter);
    if (!run->json) {
        return;
    }
    BUF_AUTO(text, 1024);
    struct json_writer w;
    json_writer_init(&w, &text);
    json_object(&w);
    json_member_integer(&w, "files", (int64_t)copy->files);
    json_member_integer(&w, "folders", (int64_t)copy->folders);
    json_member_integer(&w, "symlinks", (int64_t)copy->links);
    json_member_integer(&w, "bytes", (int64_t)copy->bytes);
    json_member_integer(&w, "skipped", (int64_t)copy->skipped);
    json_member_integer(&w, "failed", (int64_t)copy->failed);
    json_object_end(&w);
    buf_byte(&text, '\n');
    cli_print_json(run, buf_str(&text));
}

static int copy(struct cli_run *run)
{
    struct cli_copy c = {
        .run = run, .recursive = cli_given(run, "recursive"), .follow = cli_given(run, "follow")};
    size_t count = run->operand_count - 1;
    bool to_remote = false;
    int r = direction(run, count, &to_remote);
    r = r < 0 ? r : cli_client(run, &c.client);
    if (r < 0) {
        return r;
    }
    cli_meter_init(&c.meter);
    const char *to = run->operands[count];
    r = to_remote ? up(&c, run->operands, count, to) : down(&c, run->operands, count, to);
    summary(&c);
    run->subject = r < 0 ? run->subject : NULL;
    if (r == 0 && c.first) {
        return cli_fail(run, c.first, "%llu of %llu were not copied",
                        (unsigned long long)(c.failed + c.skipped),
                        (unsigned long long)(c.failed + c.skipped + c.files + c.folders + c.links));
    }
    return r;
}

static const struct cli_operand operands[] = {
    {.name = "SOURCE", .many = true, .complete = CLI_EITHER},
    {.name = "TARGET", .complete = CLI_EITHER},
    {.name = NULL},
};
static const struct cli_option options[] = {
    {.name = "recursive", .letter = 'r', .text = "folders with all that is in them"},
    {.name = "follow",
     .letter = 'L',
     .text = "from this machine: copy what symbolic links lead to"},
    {.name = NULL},
};
static const struct cli_example examples[] = {
    {"coditect cp -r src 'Project A:'", "Copies the folder src into the session, as src."},
    {"coditect cp -r 'Project A:' backup", "Copies the whole session into the folder backup."},
    {"coditect cp notes.txt todo.txt 'Project A:docs/'", "Copies two files into the folder docs."},
    {.line = NULL},
};
const struct cli_command cli_command_cp = {
    .name = "cp",
    .summary = "Copy files and folders between this machine and a session.",
    .text =
        "One side is SESSION:PATH, the other of this machine; a word is in a session when it has a "
        "colon before any slash (write ./a:b for a file a:b). Each file appears when it is "
        "complete, "
        "and replaces what has its name. Permissions, times and symbolic links are kept, as by "
        "rsync "
        "-rlpt; out of a session permissions are less the umask, and never setuid, setgid or "
        "sticky. A folder that is there keeps its own. What cannot be copied is named, the rest "
        "goes on.",
    .operands = operands,
    .options = options,
    .examples = examples,
    .run = copy,
};
