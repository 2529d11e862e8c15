#include "base/failure.h"

#include "base/err.h"

void failure_begin(struct json_writer *w, int code, struct str message)
{
    const struct err_row *row = err_row(code);
    json_object(w);
    json_member_bool(w, "success", false);
    json_name(w, "error");
    json_object(w);
    json_member_string(w, "code", str_from(row->name));
    json_member_string(w, "message", message.n > 0 ? message : str_from(row->text));
}

void failure_end(struct json_writer *w, struct str request_id)
{
    json_member_string(w, "request_id", request_id);
    json_object_end(w);
    json_object_end(w);
}
