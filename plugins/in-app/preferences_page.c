/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of preferences: fields from the JSON that stands in them, which is what was saved, or what somebody typed
 * that could not be saved. A fault's pointer names the field; its words are the page's, in the reader's language.
 */
#include "preferences.h"

#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char template[] =
#include "plugins/in-app/pages/preferences.mustache.inc"
    ;
static const char style[] =
#include "plugins/in-app/assets/preferences.css.inc"
    ;

/* Where a fault shows: its pointer (a prefix, when it ends with a slash), the field, the member and the text. */
static const struct {
    const char *pointer, *field, *member, *text;
} places[] = {{"/digest/hour", "digest-hour", "fault_hour", "preferences.fault.hour"},
              {"/digest/weekdays", "weekday-mon", "fault_weekdays", "preferences.fault.weekdays"},
              {"/digest/weekdays/", "weekday-mon", "fault_weekdays", "preferences.fault.weekdays"},
              {"/quiet/from", "quiet-from", "fault_from", "preferences.fault.quiet_from"},
              {"/quiet/to", "quiet-to", "fault_to", "preferences.fault.quiet_to"},
              {"/pause_until", "pause", "fault_pause", "preferences.fault.pause"},
              {"/locale", "locale", "fault_locale", "preferences.fault.locale"},
              {"/timezone", "timezone", "fault_timezone", "preferences.fault.timezone"}};

/* Languages that the hub speaks, and the ways of writing dates in them; each under its own name. */
static const struct {
    const char *tag, *name;
} languages[] = {{"en", "English"}, {"en-GB", "English (United Kingdom)"},    {"en-US", "English (United States)"},
                 {"de", "Deutsch"}, {"de-AT", "Deutsch (\303\226sterreich)"}, {"de-CH", "Deutsch (Schweiz)"}};

static void put_bool(json_t *model, const char *name, int value)
{
    json_object_set_new(model, name, json_boolean(value));
}

/* The text at a member, or empty. */
static struct belfry_str text_at(const json_t *doc, const char *name)
{
    const json_t *value = json_object_get(doc, name);
    return json_is_string(value) ? (struct belfry_str){json_string_value(value), json_string_length(value)}
                                 : (struct belfry_str){"", 0};
}

/* --- categories ------------------------------------------------------------------------------- */

static json_t *row_of(const struct call *call, const struct preferences_form *form, size_t i)
{
    static const char *const hows[] = {"off", "unseen", "digest"};
    const struct belfry_preference_category *c = &form->now->categories[i];
    const json_t *email = json_object_get(form->shown, "email");
    json_t *row = json_object(), *chosen = json_object_getn(email, c->name.ptr, c->name.len);
    char id[32];
    snprintf(id, sizeof(id), "email-%zu", i);
    view_put(row, "id", belfry_str(id));
    view_put(row, "name", c->name);
    view_put(row, "label", c->label);
    view_put(row, "legend", view_say(call, "preferences.legend", c->label, belfry_str("")));
    put_bool(row, "required", (int)c->required);
    for (uint32_t h = 0; h < 3; h++)
        put_bool(row, hows[h],
                 json_is_string(chosen) ? strcmp(json_string_value(chosen), hows[h]) == 0 : c->fallback == h + 1);
    return row;
}

static json_t *rows_of(const struct call *call, const struct preferences_form *form)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < form->now->category_count; i++)
        json_array_append_new(rows, row_of(call, form, i));
    return rows;
}

/* --- fields ----------------------------------------------------------------------------------- */

static json_t *hours_of(const json_t *digest)
{
    const json_t *hour = json_object_get(digest, "hour");
    json_t *list = json_array();
    for (int h = 0; h < 24; h++) {
        json_t *option = json_object();
        char label[16];
        snprintf(label, sizeof(label), "%02d:00", h);
        json_object_set_new(option, "value", json_integer(h));
        view_put(option, "label", belfry_str(label));
        put_bool(option, "selected", json_is_integer(hour) && json_integer_value(hour) == h);
        json_array_append_new(list, option);
    }
    return list;
}

static int has_day(const json_t *days, const char *day)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(days))
        return 1; /* every day */
    json_array_foreach(days, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), day) == 0)
            return 1;
    }
    return 0;
}

static json_t *days_of(const struct call *call, const json_t *digest)
{
    json_t *list = json_array();
    for (const char *const *day = preferences_days; *day; day++) {
        json_t *option = json_object();
        char key[64];
        snprintf(key, sizeof(key), "preferences.day.%s", *day);
        view_put(option, "value", belfry_str(*day));
        view_put(option, "label", view_text(call, key));
        put_bool(option, "checked", has_day(json_object_get(digest, "weekdays"), *day));
        json_array_append_new(list, option);
    }
    return list;
}

static void add_language(json_t *list, const char *tag, const char *name, struct belfry_str chosen)
{
    json_t *option = json_object();
    view_put(option, "value", belfry_str(tag));
    view_put(option, "label", belfry_str(name));
    put_bool(option, "selected", text_is(chosen, tag));
    json_array_append_new(list, option);
}

/* With one that the API was told and that is not among ours, or saving would lose it. */
static json_t *languages_of(struct belfry_str chosen)
{
    json_t *list = json_array();
    int known = chosen.len == 0;
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        add_language(list, languages[i].tag, languages[i].name, chosen);
        known |= text_is(chosen, languages[i].tag);
    }
    if (!known)
        add_language(list, chosen.ptr, chosen.ptr, chosen);
    return list;
}

static json_t *zones_of(const struct call *call)
{
    struct belfry_strs zones;
    json_t *list = json_array();
    call->app->preferences->zones(&zones);
    for (size_t i = 0; i < zones.count; i++)
        json_array_append_new(list, json_stringn(zones.items[i].ptr, zones.items[i].len));
    return list;
}

static void put_fields(const struct call *call, const struct preferences_form *form, json_t *model)
{
    const json_t *digest = json_object_get(form->shown, "digest"), *quiet = json_object_get(form->shown, "quiet");
    struct belfry_str pause = text_at(form->shown, "pause_until");
    if (pause.len > 10)
        pause.len = 10; /* the day of an instant */
    json_object_set_new(model, "hours", hours_of(digest));
    json_object_set_new(model, "weekdays", days_of(call, digest));
    view_put(model, "quiet_from", text_at(quiet, "from"));
    view_put(model, "quiet_to", text_at(quiet, "to"));
    view_put(model, "pause", pause);
    if (form->now->paused_until_ms)
        view_put(model, "paused",
                 view_say(call, "preferences.paused", call->app->http->datetime(call->req, form->now->paused_until_ms),
                          belfry_str("")));
    json_object_set_new(model, "languages", languages_of(text_at(form->shown, "locale")));
    view_put(model, "timezone", text_at(form->shown, "timezone"));
    json_object_set_new(model, "zones", zones_of(call));
    put_bool(model, "shortcuts", !json_is_false(json_object_get(form->shown, "shortcuts")));
}

/* --- faults ----------------------------------------------------------------------------------- */

static int points_to(struct belfry_str pointer, const char *place)
{
    size_t len = strlen(place);
    if (len && place[len - 1] == '/')
        return pointer.len > len && memcmp(pointer.ptr, place, len) == 0;
    return text_is(pointer, place);
}

static void add_error(json_t *errors, const char *field, struct belfry_str text)
{
    json_t *error = json_object();
    view_put(error, "field", belfry_str(field));
    view_put(error, "text", text);
    json_array_append_new(errors, error);
}

/* The row of a category whose choice is at fault, or NULL. */
static json_t *row_at(const struct preferences_form *form, json_t *rows, struct belfry_str pointer)
{
    for (size_t i = 0; i < form->now->category_count; i++) {
        struct belfry_str name = form->now->categories[i].name;
        if (pointer.len == name.len + 7 && memcmp(pointer.ptr, "/email/", 7) == 0 &&
            memcmp(pointer.ptr + 7, name.ptr, name.len) == 0)
            return json_array_get(rows, i);
    }
    return NULL;
}

static void put_fault(const struct call *call, const struct preferences_form *form, json_t *model, json_t *errors,
                      struct belfry_str pointer)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!points_to(pointer, places[i].pointer))
            continue;
        struct belfry_str text = view_text(call, places[i].text);
        if (!json_object_get(model, places[i].member))
            add_error(errors, places[i].field, text);
        view_put(model, places[i].member, text);
        return;
    }
    json_t *row = row_at(form, json_object_get(model, "rows"), pointer);
    if (!row) {
        add_error(errors, "main", view_text(call, "preferences.fault.other"));
        return;
    }
    struct belfry_str text = view_say(call, "preferences.fault.email", text_at(row, "label"), belfry_str(""));
    add_error(errors, text_at(row, "id").ptr, text);
    view_put(row, "fault", text);
}

/* Why no mail goes to the address. */
static void put_trouble(const struct call *call, const struct belfry_preferences *now, json_t *model)
{
    if (!now->trouble.len)
        return;
    const char *key = text_is(now->trouble, "complained") ? "preferences.complained" : "preferences.bounced";
    view_put(model, "trouble",
             view_say(call, key, now->address, call->app->http->datetime(call->req, now->trouble_since_ms)));
    view_put(model, "trouble_detail", now->trouble_detail);
}

/* --- the page --------------------------------------------------------------------------------- */

static json_t *model_of(const struct call *call, const struct preferences_form *form)
{
    json_t *model = json_object(), *errors = json_array();
    struct text path = {0};
    text_z(&path, "/");
    text_url(&path, call->req->org);
    text_z(&path, "/preferences");
    view_put(model, "path", text_view(&path));
    text_free(&path);
    put_bool(model, "unavailable", form->state == PREFERENCES_UNAVAILABLE);
    if (form->state == PREFERENCES_UNAVAILABLE) {
        json_decref(errors);
        return model;
    }
    view_put(model, "csrf", call->req->csrf);
    view_put(model, "tag", form->tag);
    put_bool(model, "asked", (int)form->now->asked);
    put_bool(model, "waits", form->now->asked && !form->now->gathered);
    view_put(model, "address", form->now->address);
    put_trouble(call, form->now, model);
    put_bool(model, "saved", form->state == PREFERENCES_SAVED);
    put_bool(model, "trusted", form->state == PREFERENCES_TRUSTED && !form->now->trouble.len);
    put_bool(model, "stale", form->state == PREFERENCES_STALE);
    put_bool(model, "failed", form->state == PREFERENCES_FAILED);
    json_object_set_new(model, "rows", rows_of(call, form));
    put_fields(call, form, model);
    for (size_t i = 0; i < form->fault_count; i++)
        put_fault(call, form, model, errors, form->faults[i].pointer);
    put_bool(model, "has_errors", form->fault_count > 0);
    json_object_set_new(model, "errors", errors);
    return model;
}

void preferences_show(struct call *call, const struct preferences_form *form)
{
    static const char *const styles[] = {"in-app/preferences.css", NULL};
    static const uint32_t codes[] = {200, 200, 200, 422, 412, 503, 503};
    struct text main = {0};
    json_t *model = model_of(call, form);
    belfry_status rendered = view_render(call, "preferences", model, &main);
    json_decref(model);
    if (rendered != BELFRY_OK) {
        view_too_large(call, &main);
        return;
    }
    struct belfry_http_page page = {
        .struct_size = sizeof(page),
        .status = codes[form->state],
        .title = view_text(call, codes[form->state] == 200 ? "preferences.title" : "preferences.title_error"),
        .main = text_view(&main),
        .styles = styles};
    call->app->http->page(call->app->host, call->req->id, &page);
    text_free(&main);
    call_free(call);
}

belfry_status preferences_init(struct in_app *app, struct belfry_error *err)
{
    belfry_status status =
        app->asset->add(app->host, "preferences.css", "text/css; charset=utf-8", style, sizeof(style) - 1);
    return status ? status : app->pages->add(app->host, "preferences", belfry_str(template), err);
}
