/* files unpack, and what sessions new --archive shares with it: the files of an archive become a session's. */
#include "base/fd.h"
#include "cli/cli_int.h"

int cli_unpack(struct cli_run *run, const struct cli_unpack *what, struct cli_reply *ret_reply)
{
    struct cli_client *client;
    struct cli_meter meter;
    struct cli_content content = CLI_CONTENT;
    struct cli_files_unpack_in in = {
        .session_id = what->session, .path = what->path, .has_path = what->path.n > 0};
    content.body_fd = what->fd;
    content.length = what->length;
    int r = cli_client(run, &client);
    if (r < 0) {
        return r;
    }
    cli_meter_init(&meter);
    meter.name = str_from(what->file);
    content.meter = &meter;
    r = cli_files_unpack(client, &in, &content, ret_reply);
    cli_meter_clear(&meter);
    return r;
}

static int print_unpacked(struct cli_run *run, const struct cli_reply *reply)
{
    struct cli_unpacked all = {0};
    int r = cli_shape_read(run, &cli_shape_unpacked, reply->data, &all);
    if (r == 0 && run->json) {
        cli_print_value(run, reply->data);
    } else if (r == 0) {
        buf_printf(&run->out, "%lld files, %lld folders, %lld links, " STR_FMT "\n",
                   (long long)all.files, (long long)all.folders, (long long)all.links,
                   STR_ARG(cli_size_text(&run->arena, all.bytes)));
    }
    return r;
}

static int unpack(struct cli_run *run)
{
    struct cli_place place;
    struct cli_reply reply;
    FD_AUTO int fd = -1;
    struct cli_unpack what = {.file = run->operands[0]};
    int r = cli_place_find(run, run->operands[1], &place);
    r = r < 0 ? r : cli_source_open(run, what.file, &fd, &what.length);
    if (r < 0) {
        return r;
    }
    what.fd = fd;
    what.session = place.id;
    what.path = place.path;
    run->subject = what.file;
    r = cli_unpack(run, &what, &reply);
    return r < 0 ? r : print_unpacked(run, &reply);
}

/* ---- the table's rows ---- */

static const struct cli_operand unpack_operands[] = {
    {.name = "FILE", .complete = CLI_LOCAL},
    {.name = "SESSION:PATH", .complete = CLI_REMOTE},
    {.name = NULL},
};
static const struct cli_example unpack_examples[] = {
    {"coditect files unpack engine.tar.gz 'Project A:'", "Into the root of its files."},
    {"tar c src | coditect files unpack - 'Project A:old'", "Standard input, into a folder."},
    {.line = NULL},
};
const struct cli_command cli_command_files_unpack = {
    .name = "files unpack",
    .summary = "Unpack a tar, tar.gz or zip archive into a session.",
    .text = "Files that are there are replaced, which their history keeps; nothing is deleted. "
            "What came before a failure stays: the same command again makes it whole. FILE may be "
            "- for standard input.",
    .operands = unpack_operands,
    .examples = unpack_examples,
    .run = unpack,
};
