/* From a reply's JSON to the generated structure of it. */
#include "cli/cli_int.h"

static int read_member(struct cli_run *run, const struct cli_shape_field *field,
                       const struct json *value, void *to)
{
    bool fits = false;
    switch (field->kind) {
    case CLI_STRING:
        fits = value->kind == JSON_STRING;
        *(struct str *)to = fits ? value->string : STR_EMPTY;
        break;
    case CLI_INTEGER:
        fits = value->kind == JSON_INTEGER;
        *(int64_t *)to = fits ? value->integer : 0;
        break;
    case CLI_BOOLEAN:
        fits = value->kind == JSON_BOOL;
        *(bool *)to = fits && value->boolean;
        break;
    case CLI_SCALAR:
        break; /* the generator leaves it to --json */
    case CLI_OBJECT:
        return cli_shape_read(run, field->shape, value, to);
    }
    return fits ? 0 : cli_fail(run, ERR_CORRUPT, "the server's %s is not understood", field->name);
}

int cli_shape_read(struct cli_run *run, const struct cli_shape *shape, const struct json *value,
                   void *ret_struct)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct cli_shape_field *field = &shape->fields[i];
        const struct json *member = value ? json_get(value, field->name) : NULL;
        if (!member && field->required) {
            return cli_fail(run, ERR_CORRUPT, "the server's reply has no %s", field->name);
        }
        if (!field->required) {
            *(bool *)((char *)ret_struct + field->has_at) = member != NULL;
        }
        int r = member ? read_member(run, field, member, (char *)ret_struct + field->at) : 0;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}
