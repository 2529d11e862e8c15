/*
 * Records of older versions become those of today. spec/records.yaml says under `older` what each version was; here stands, for each
 * of them, what makes the next of it: data_{record}_from_{version}.
 *
 * 1. An upgrade sees one record and nothing else: it runs wherever a record is read.
 * 2. It changes no field that an index is made of: the entries stay those that were written with the record.
 * 3. What it leaves is checked as any stored record: a shape that does not fit is damage, not a crash.
 * 4. An upgrade is never taken away: a backup may be of any age.
 */
#include "data/data_int.h"

struct json *data_shape_take(struct json *object, const char *name)
{
    for (struct json **at = &object->first; *at; at = &(*at)->next) {
        struct json *member = *at;
        if (str_eq(member->name, str_from(name))) {
            *at = member->next;
            return member;
        }
    }
    return NULL;
}

void data_shape_put(struct json *object, struct json *member)
{
    struct json **at = &object->first;
    while (*at) {
        at = &(*at)->next;
    }
    member->next = NULL;
    *at = member;
}

bool data_user_from_1(struct data_shape *shape)
{
    struct json *password = data_shape_take(shape->private, "password");
    if (!password || password->kind != JSON_STRING) {
        return false;
    }
    if (!str_eq(password->string, STR("removed"))) {
        data_shape_put(shape->private, password);
    }
    return true;
}

/* The shape stays: what was added may be absent. What version 2 says is that held/ of files/ is kept beside it. */
bool data_plan_from_1(struct data_shape *shape)
{
    return shape->public != NULL;
}

/* The shape stays: what version 3 says is that an identity lies beside the record, which auth/ puts with it. */
bool data_user_from_2(struct data_shape *shape)
{
    return shape->public != NULL;
}
