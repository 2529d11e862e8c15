/* Settings of people and tenants: /settings, /tenant/settings. */
#include "settings/settings.h"
#include "api/api_int.h"

static void write_bounds(struct reply_setting *reply, const struct settings_row *row)
{
    if (row->type == SETTINGS_CHOICE) {
        reply_setting_choices(reply);
        for (size_t i = 0; row->choices[i]; i++) {
            reply_setting_choices_item(reply, str_from(row->choices[i]));
        }
        reply_setting_choices_end(reply);
    } else if (row->type != SETTINGS_BOOLEAN) {
        reply_setting_least(reply, row->least);
        reply_setting_most(reply, row->most);
    }
    if (row->unit[0]) {
        reply_setting_unit(reply, str_from(row->unit));
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
    struct reply_setting reply = reply_setting_begin(w);
    reply_setting_category(&reply, str_from(row->category));
    reply_setting_key(&reply, str_from(row->key));
    reply_setting_value_json(&reply, view->value);
    reply_setting_source(&reply, source);
    if (view->user.n > 0) {
        reply_setting_user_json(&reply, view->user);
    }
    if (view->tenant.n > 0) {
        reply_setting_tenant_json(&reply, view->tenant);
    }
    if (row->scope == SETTINGS_OF_USER) {
        reply_setting_user_revision(&reply, view->user_revision);
    }
    reply_setting_tenant_revision(&reply, view->tenant_revision);
    reply_setting_default_json(&reply, str_from(row->standard));
    reply_setting_scope(&reply, row->scope == SETTINGS_OF_USER ? "user" : "tenant");
    reply_setting_type(&reply, types[row->type]);
    write_bounds(&reply, row);
    reply_setting_help(&reply, str_from(row->help));
    reply_setting_end(&reply);
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
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        write_setting(w, &views[i]);
    }
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
    int r = api_if_match(call, if_match, &at->revision);
    if (r == 0) {
        r = settings_put(&call->data, at, value, &view);
    }
    return r < 0 ? r : answer(call, at->scope, &view);
}

static int reset(struct api_call *call, struct settings_place *at, struct str if_match)
{
    struct settings_view view;
    int r = api_if_match(call, if_match, &at->revision);
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
