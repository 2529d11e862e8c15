/* Settings of people and tenants: /settings, /tenant/settings. */
#include "settings/settings.h"
#include "api/api_int.h"

static void write_bounds(struct json_writer *w, const struct settings_row *row)
{
    if (row->type == SETTINGS_CHOICE) {
        json_name(w, "choices");
        json_array(w);
        for (size_t i = 0; row->choices[i]; i++) {
            json_string(w, str_from(row->choices[i]));
        }
        json_array_end(w);
    } else if (row->type != SETTINGS_BOOLEAN) {
        json_member_integer(w, "least", row->least);
        json_member_integer(w, "most", row->most);
    }
    if (row->unit[0]) {
        json_member_string(w, "unit", str_from(row->unit));
    }
}

static void write_setting(struct json_writer *w, const struct settings_view *view)
{
    static const char *const types[] = {[SETTINGS_CHOICE] = "choice",
                                        [SETTINGS_NUMBER] = "number",
                                        [SETTINGS_BOOLEAN] = "boolean",
                                        [SETTINGS_TEXT] = "text",
                                        [SETTINGS_PATTERNS] = "patterns"};
    const struct settings_row *row = view->row;
    const char *source = view->user.n > 0 ? "user" : view->tenant.n > 0 ? "tenant" : "default";
    json_object(w);
    json_member_string(w, "category", str_from(row->category));
    json_member_string(w, "key", str_from(row->key));
    json_member_raw(w, "value", view->value);
    json_member_string(w, "source", str_from(source));
    if (view->user.n > 0) {
        json_member_raw(w, "user", view->user);
    }
    if (view->tenant.n > 0) {
        json_member_raw(w, "tenant", view->tenant);
    }
    if (row->scope == SETTINGS_OF_USER) {
        json_member_integer(w, "user_revision", view->user_revision);
    }
    json_member_integer(w, "tenant_revision", view->tenant_revision);
    json_member_raw(w, "default", str_from(row->standard));
    json_member_string(w, "scope", str_from(row->scope == SETTINGS_OF_USER ? "user" : "tenant"));
    json_member_string(w, "type", str_from(types[row->type]));
    write_bounds(w, row);
    json_member_string(w, "help", str_from(row->help));
    json_object_end(w);
}

int api_settings_list(struct api_call *call)
{
    struct settings_view *views =
        ARENA_ARRAY(call->req->arena, struct settings_view, SETTINGS_COUNT);
    int r = settings_list(&call->data, views);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    json_array(w);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        write_setting(w, &views[i]);
    }
    json_array_end(w);
    return api_end_list(call, STR_EMPTY, SETTINGS_COUNT);
}

/* The ETag is of the value that this route sets. */
static int answer(struct api_call *call, enum settings_scope scope,
                  const struct settings_view *view)
{
    bool own = scope == SETTINGS_OF_USER;
    api_etag(call, (uint64_t)(own ? view->user_revision : view->tenant_revision));
    write_setting(api_begin(call, 200), view);
    return api_end(call);
}

static int put(struct api_call *call, struct settings_place *at, struct str if_match,
               const struct json *value)
{
    struct settings_view view;
    int r = api_if_match(if_match, &at->revision);
    if (r == 0) {
        r = settings_put(&call->data, at, value, &view);
    }
    return r < 0 ? r : answer(call, at->scope, &view);
}

static int reset(struct api_call *call, struct settings_place *at, struct str if_match)
{
    struct settings_view view;
    int r = api_if_match(if_match, &at->revision);
    if (r == 0) {
        r = settings_delete(&call->data, at, &view);
    }
    return r < 0 ? r : answer(call, at->scope, &view);
}

int api_settings_put(struct api_call *call, const struct api_settings_put_in *in)
{
    struct settings_place at = {in->category, in->key, SETTINGS_OF_USER, 0};
    return put(call, &at, in->if_match, in->value);
}

int api_settings_delete(struct api_call *call, const struct api_settings_delete_in *in)
{
    struct settings_place at = {in->category, in->key, SETTINGS_OF_USER, 0};
    return reset(call, &at, in->if_match);
}

int api_tenant_setting_put(struct api_call *call, const struct api_tenant_setting_put_in *in)
{
    struct settings_place at = {in->category, in->key, SETTINGS_OF_TENANT, 0};
    return put(call, &at, in->if_match, in->value);
}

int api_tenant_setting_delete(struct api_call *call, const struct api_tenant_setting_delete_in *in)
{
    struct settings_place at = {in->category, in->key, SETTINGS_OF_TENANT, 0};
    return reset(call, &at, in->if_match);
}
