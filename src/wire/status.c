/* What a workspace says about itself: the door's status object. Only the state must be there. */
#include "wire/wire_int.h"

/* The object under name; NULL when it is absent. ERR_INVALID: something else is. */
static int part(const struct json *object, const char *name, const struct json **ret_part)
{
    const struct json *member = json_get(object, name);
    if (member && member->kind != JSON_OBJECT) {
        return ERR_INVALID;
    }
    *ret_part = member;
    return 0;
}

static int read_restoring(const struct json *object, struct wire_status *status)
{
    const struct json *restoring;
    int r = part(object, "restoring", &restoring);
    if (r < 0 || !restoring) {
        return r;
    }
    r = wire_number(restoring, "done", INT64_MAX, &status->done);
    return r < 0 ? r : wire_number(restoring, "total", INT64_MAX, &status->total);
}

static int read_activity(const struct json *object, struct wire_status *status)
{
    const struct json *activity;
    const struct json *awake;
    int r = part(object, "activity", &activity);
    if (r < 0 || !activity) {
        return r;
    }
    r = wire_number(activity, "idle_ms", INT64_MAX, &status->idle_ms);
    if (r == 0) {
        r = wire_array(activity, "awake", WIRE_MAX_AWAKE, &awake);
    }
    if (r < 0) {
        return r;
    }
    status->reports_activity = true;
    for (const struct json *name = awake->first; name; name = name->next) {
        if (name->kind != JSON_STRING || name->string.n > WIRE_MAX_AWAKE_NAME) {
            return ERR_INVALID;
        }
        status->awake[status->awake_count++] = name->string;
    }
    return 0;
}

int wire_status_read(struct arena *arena, struct str text, struct wire_status *ret_status)
{
    const struct json *object;
    struct wire_status status = {.text = text};
    if (text.n > WIRE_MAX_STATUS || wire_object(arena, text, &object) < 0 ||
        wire_text(object, "state", 32, &status.state) < 0 ||
        wire_text_or_empty(object, "message", WIRE_MAX_STATUS_MESSAGE, &status.message) < 0 ||
        wire_text_or_empty(object, "ide", 16, &status.ide) < 0 ||
        wire_number_or_0(object, "held_back", INT64_MAX, &status.held_back) < 0 ||
        read_restoring(object, &status) < 0 || read_activity(object, &status) < 0) {
        return ERR_INVALID;
    }
    *ret_status = status;
    return 0;
}
