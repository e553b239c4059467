/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /{org}/preferences: a form that saves what PUT /v1/{org}/preferences takes. The fields become that JSON and the host
 * checks it, so page and API refuse the same.
 *
 * A form always sends a choice for each category, but somebody who leaves the default alone has not chosen it: a field
 * that says what would count anyway, and was not chosen before, stays unchosen. What the form has no field for is kept.
 */
#include "preferences.h"

#include <stdlib.h>
#include <string.h>

const char *const preferences_days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

static const char *const hows[] = {NULL, "off", "unseen", "digest"}; /* BELFRY_PREFERENCE_* */

static json_t *json_of(struct belfry_str text)
{
    json_t *doc = json_loadb(text.ptr, text.len, 0, NULL);
    return doc ? doc : json_object();
}

static struct belfry_str field(const struct call *call, const char *name, uint32_t index)
{
    struct belfry_str value = {NULL, 0};
    return call->app->http->form(call->req, name, index, &value) == BELFRY_OK ? value : (struct belfry_str){NULL, 0};
}

/* --- fields to JSON --------------------------------------------------------------------------- */

/* The text of a field; null when it is empty. */
static json_t *text_of(const struct call *call, const char *name)
{
    struct belfry_str value = field(call, name, 0);
    json_t *text = value.len ? json_stringn(value.ptr, value.len) : NULL;
    return text ? text : json_null();
}

static json_t *choices_of(struct call *call, const struct belfry_preferences *now)
{
    json_t *email = json_object();
    for (size_t i = 0; i < now->category_count; i++) {
        const struct belfry_preference_category *c = &now->categories[i];
        struct text name = {0};
        text_z(&name, "email:");
        text_str(&name, c->name);
        text_add(&name, "", 1);
        struct belfry_str how = field(call, name.ptr, 0);
        text_free(&name);
        const char *before = c->chosen ? hows[c->chosen] : NULL;
        if (c->required || !how.len)
            how = belfry_str(before); /* a required one has no field, but in a form of before that */
        if (how.len && (before || !text_is(how, hows[c->fallback])))
            json_object_setn_new(email, c->name.ptr, c->name.len, json_stringn(how.ptr, how.len));
    }
    return email;
}

/* A number as a number; what is none goes to the host as it is, which says so. */
static json_t *hour_of(const struct call *call)
{
    struct belfry_str s = field(call, "digest_hour", 0);
    int hour = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || s.len > 2)
            return text_of(call, "digest_hour");
        hour = hour * 10 + s.ptr[i] - '0';
    }
    return s.len ? json_integer(hour) : json_null();
}

/* Every day is what counts without a choice, and stays one. */
static json_t *days_of(const struct call *call, const json_t *before)
{
    json_t *days = json_array();
    for (uint32_t i = 0; i < 7; i++) {
        struct belfry_str day = field(call, "weekday", i);
        if (day.len)
            json_array_append_new(days, json_stringn(day.ptr, day.len));
    }
    if (json_array_size(days) < 7 || json_is_array(before))
        return days;
    json_decref(days);
    return json_null();
}

/* The field holds a day; a pause until a time of that day, which the API may have set, stays as exact as it was. */
static json_t *pause_of(const struct call *call, const json_t *before)
{
    struct belfry_str day = field(call, "pause", 0);
    const char *kept = json_string_value(before);
    if (kept && day.len == 10 && strncmp(kept, day.ptr, 10) == 0)
        return json_string(kept);
    return text_of(call, "pause");
}

static json_t *wanted_of(struct call *call, const struct belfry_preferences *now)
{
    json_t *before = json_of(now->json), *doc = json_object(), *digest = json_object(), *quiet = json_object();
    json_object_set_new(digest, "hour", hour_of(call));
    json_object_set_new(digest, "weekdays",
                        days_of(call, json_object_get(json_object_get(before, "digest"), "weekdays")));
    json_object_set_new(quiet, "from", text_of(call, "quiet_from"));
    json_object_set_new(quiet, "to", text_of(call, "quiet_to"));
    json_object_set_new(doc, "email", choices_of(call, now));
    json_object_set(doc, "default", json_object_get(before, "default"));
    json_object_set_new(doc, "digest", digest);
    json_object_set_new(doc, "timezone", text_of(call, "timezone"));
    json_object_set_new(doc, "locale", text_of(call, "locale"));
    json_object_set_new(doc, "pause_until", pause_of(call, json_object_get(before, "pause_until")));
    json_object_set_new(doc, "quiet", quiet);
    json_object_set_new(doc, "shortcuts", json_boolean(field(call, "shortcuts", 0).len > 0));
    json_decref(before);
    return doc;
}

/* --- saving ----------------------------------------------------------------------------------- */

/* A call that was refused, looking once more at what there is, to show the form again. */
struct refusal {
    struct call *call;
    enum preferences_state state;
    struct belfry_fault *faults;
    size_t fault_count;
};

static struct belfry_str keep(struct call *call, struct belfry_str s)
{
    char *copy = call_alloc(call, s.len + 1);
    memcpy(copy, s.ptr ? s.ptr : "", s.len);
    return (struct belfry_str){copy, s.len};
}

static void unavailable(struct call *call)
{
    preferences_show(call, &(struct preferences_form){.state = PREFERENCES_UNAVAILABLE});
}

static void on_again(void *arg, belfry_status status, const struct belfry_preferences *now)
{
    struct refusal *r = arg;
    struct call *call = r->call;
    if (status != BELFRY_OK) {
        unavailable(call);
        return;
    }
    struct preferences_form form = {r->state, now, call->json, field(call, "tag", 0), r->faults, r->fault_count};
    preferences_show(call, &form);
}

static void show_again(struct call *call, const struct belfry_preferences_change *change)
{
    struct refusal *r = call_alloc(call, sizeof(*r));
    *r = (struct refusal){.call = call, .fault_count = change->fault_count};
    r->state = change->status == BELFRY_EINVAL      ? PREFERENCES_WRONG
               : change->status == BELFRY_ECONFLICT ? PREFERENCES_STALE
                                                    : PREFERENCES_FAILED;
    r->faults = call_alloc(call, (change->fault_count + 1) * sizeof(*r->faults));
    for (size_t i = 0; i < change->fault_count; i++)
        r->faults[i] = (struct belfry_fault){sizeof(*r->faults), 0, keep(call, change->faults[i].pointer),
                                             keep(call, change->faults[i].detail)};
    call->app->preferences->get(call->req, on_again, r);
}

static void go_back(struct call *call, const char *query)
{
    struct text there = {0};
    text_z(&there, "/");
    text_url(&there, call->req->org);
    text_z(&there, "/preferences?");
    text_z(&there, query);
    answer_redirect(call, text_view(&there));
    text_free(&there);
}

static void on_saved(void *arg, const struct belfry_preferences_change *change)
{
    if (change->status != BELFRY_OK)
        show_again(arg, change);
    else
        go_back(arg, "saved=1");
}

static void on_before(void *arg, belfry_status status, const struct belfry_preferences *now)
{
    struct call *call = arg;
    if (status != BELFRY_OK) {
        unavailable(call);
        return;
    }
    json_t *wanted = wanted_of(call, now);
    char *text = json_dumps(wanted, JSON_COMPACT);
    struct belfry_str tag = field(call, "tag", 0);
    call->json = wanted;
    /* A form without a tag has seen nothing, and must not win over what somebody else saved. */
    call->app->preferences->put(call->req, belfry_str(text), tag.len ? tag : belfry_str("\"\""), on_saved, call);
    free(text);
}

void page_preferences_save(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    call->app->preferences->get(req, on_before, call);
}

/* --- the address ------------------------------------------------------------------------------ */

static void on_trusted(void *arg, belfry_status status)
{
    if (status != BELFRY_OK)
        unavailable(arg);
    else
        go_back(arg, "trusted=1");
}

void page_preferences_trust(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    call->app->preferences->trust(req, on_trusted, call);
}

/* --- showing ---------------------------------------------------------------------------------- */

static void on_shown(void *arg, belfry_status status, const struct belfry_preferences *now)
{
    struct call *call = arg;
    struct belfry_str saved;
    if (status != BELFRY_OK) {
        unavailable(call);
        return;
    }
    call->json = json_of(now->json);
    struct preferences_form form = {.now = now, .shown = call->json, .tag = now->etag};
    if (call->app->http->query(call->req, "saved", 0, &saved) == BELFRY_OK)
        form.state = PREFERENCES_SAVED;
    else if (call->app->http->query(call->req, "trusted", 0, &saved) == BELFRY_OK)
        form.state = PREFERENCES_TRUSTED;
    preferences_show(call, &form);
}

void page_preferences(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    call->app->preferences->get(req, on_shown, call);
}
