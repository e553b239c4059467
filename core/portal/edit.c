/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding an endpoint, and changing one. A form that is refused comes again with what was typed, whatever it is that
 * went wrong. What somebody else changed meanwhile (412) is shown beside it: who saves once more has seen it, and saves
 * over it. Of an endpoint that was deleted meanwhile the same form adds a new one. A form that comes
 * twice, by a second click or by a page that is loaded again, adds no second endpoint: it knows which was the newest
 * when it was opened, and asks about one of its URL that is newer.
 */
#include "portal/internal.h"

#include <string.h>

/* --- the secret, once --------------------------------------------------------------------------------------------- */

void secret_show(struct page *page, const json_t *endpoint)
{
    json_object_set(page->model, "secret", json_object_get(endpoint, "secret"));
    json_object_set(page->model, "public_key", json_object_get(endpoint, "public_key"));
    json_object_set(page->model, "id", json_object_get(endpoint, "id"));
    json_object_set(page->model, "url", json_object_get(endpoint, "url"));
    page_render_as(page, "secret");
}

/* --- one that was refused ----------------------------------------------------------------------------------------- */

struct saving {                                             /* in the request's arena */
    json_t *values, *faults, *catalogue, *before, *problem; /* the first two are owned by the arena */
    const char *version;
};

static void release(void *json)
{
    json_decref(json);
}

static struct saving *saving_new(struct page *page)
{
    struct saving *s = arena_alloc(page->req->arena, sizeof(*s));
    *s = (struct saving){0};
    s->values = form_read(page, &s->faults);
    arena_cleanup(page->req->arena, release, s->values);
    arena_cleanup(page->req->arena, release, s->faults);
    page->own = s;
    return s;
}

static void fill_again(struct page *page, const struct saving *s, uint32_t status)
{
    page->status = status;
    if (s->problem && !json_array_size(json_object_get(s->problem, "errors")))
        refusal_show(page, status, s->problem);
    form_show(page, s->values, s->catalogue, s->faults);
    form_keep_typed(page);
}

static void show_again(struct page *page, const struct saving *s, uint32_t status)
{
    fill_again(page, s, status);
    page_render(page);
}

/* Its faults, where the API names fields; anything else is said above the form. */
static void show_refused(struct page *page, struct saving *s)
{
    const struct http_question *q = &page->questions[0];
    json_t *errors = json_object_get(q->answer, "errors");
    s->problem = q->answer;
    if (errors)
        s->faults = errors;
    show_again(page, s, q->status >= 400 ? q->status : 500);
}

/* --- a new one ---------------------------------------------------------------------------------------------------- */

void new_ask(struct page *page)
{
    page_ask(page, "GET", "/event-types", NULL);
    page_ask(page, "GET", "/endpoints?limit=1", NULL);
}

/* Ids are in the order in which endpoints were made; of no endpoint, less than all of them. */
static struct belfry_str newest_of(const json_t *list)
{
    struct belfry_str id = json_str(json_object_get(json_array_get(json_object_get(list, "items"), 0), "id"));
    return id.len ? id : STR("0");
}

void new_show(struct page *page)
{
    if (page_got(page, 1))
        json_set_str(page->model, "newest", newest_of(page_got(page, 1)));
    json_t *values = json_pack("{s:[s], s:s, s:s, s:[s]}", "types", "*", "format", "standard", "order", "best-effort",
                               "signatures", "v1");
    form_show(page, values, page_got(page, 0), NULL);
    json_decref(values);
}

static void created(struct page *page)
{
    if (!page_got(page, 0)) {
        show_refused(page, page->own);
        return;
    }
    page->status = 201;
    secret_show(page, page_got(page, 0));
}

/* What is not filled in is left out: it gets its default. */
static json_t *without_nulls(const json_t *values)
{
    json_t *out = json_copy((json_t *)(uintptr_t)values), *value;
    const char *key;
    void *next;
    json_object_foreach_safe(out, next, key, value)
    {
        if (json_is_null(value))
            json_object_del(out, key);
    }
    return out;
}

/* One of the form's URL that was made since the form was opened. Borrowed; NULL: none. */
static json_t *twin_of(const struct saving *s, const json_t *list, struct belfry_str newest)
{
    json_t *endpoint;
    size_t i;
    json_array_foreach(json_object_get(list, "items"), i, endpoint)
    {
        if (str_cmp(json_str(json_object_get(endpoint, "id")), newest) > 0 &&
            json_equal(json_object_get(endpoint, "url"), json_object_get(s->values, "url")))
            return endpoint;
    }
    return NULL;
}

static void create(struct page *page)
{
    struct saving *s = page->own;
    struct belfry_str newest = page_field(page, "newest");
    const json_t *list = page_got(page, 1);
    json_t *twin = newest.len ? twin_of(s, list, newest) : NULL;
    s->catalogue = page_got(page, 0);
    json_set_str(page->model, "newest", twin ? newest_of(list) : newest);
    if (json_array_size(s->faults)) {
        show_again(page, s, 422);
        return;
    }
    if (twin) {
        json_object_set(page->model, "twin", twin);
        show_again(page, s, 409);
        return;
    }
    page_again(page);
    page_ask(page, "POST", "/endpoints", without_nulls(s->values));
    page_go(page, created);
}

void new_act(struct page *page)
{
    saving_new(page);
    page->view = page_view(page, "new");
    page_ask(page, "GET", "/event-types", NULL);
    page_ask(page, "GET", "/endpoints?limit=200", NULL);
    page_go(page, create);
}

/* --- a change ----------------------------------------------------------------------------------------------------- */

void edit_ask(struct page *page)
{
    page_ask(page, "GET", "/event-types", NULL);
}

static void set_version(struct page *page, const json_t *endpoint)
{
    json_object_set(page->model, "version", json_object_get(endpoint, "version"));
    json_object_set(page->model, "id", json_object_get(endpoint, "id"));
    json_object_set(page->model, "back", json_object_get(endpoint, "url"));
}

/* The next try is about what this one was about, also where that cannot be read at the moment. */
static void keep_version(struct page *page, const struct saving *s)
{
    set_version(page, s->before);
    json_set_str(page->model, "id", http_param(page->req, "id"));
    json_object_set(page->model, "back", json_object_get(s->before ? s->before : s->values, "url"));
    json_object_set_new(page->model, "version", json_string(s->version));
}

void edit_show(struct page *page)
{
    const json_t *endpoint = page_got(page, 0);
    json_t *values = form_of(endpoint);
    set_version(page, endpoint);
    form_show(page, values, page_got(page, 1), NULL);
    json_decref(values);
}

/* Words of a list with blanks between. */
static const char *joined(struct page *page, const json_t *list)
{
    const char *text = "";
    json_t *word;
    size_t i;
    json_array_foreach(list, i, word) text =
        arena_printf(page->req->arena, "%s%s%.*s", text, i ? " " : "", STR_ARG(json_str(word)));
    return text;
}

/* As the form would have it, for people to read. */
static struct belfry_str in_words(struct page *page, const char *member, const json_t *value)
{
    if (json_is_boolean(value))
        return page_word(page, "edit", json_is_true(value) ? "yes" : "no");
    if (strcmp(member, "format") == 0 || strcmp(member, "order") == 0)
        return page_word(page, member, json_is_string(value) ? json_string_value(value) : "");
    const char *text = strcmp(member, "headers") == 0 || strcmp(member, "metadata") == 0 ? metadata_write(page, value)
                       : json_is_string(value)                                           ? json_string_value(value)
                       : json_is_array(value)                                            ? joined(page, value)
                       : json_is_null(value)                                             ? ""
                                                                                         : page_pretty(page, value);
    return *text ? str_of(text) : page_word(page, "edit", "nothing");
}

/* Members whose present value is another one than the form has, with that value. */
static json_t *differences(struct page *page, const json_t *now, const json_t *typed)
{
    json_t *list = json_array(), *there = form_of(now), *value;
    const char *key;
    json_object_foreach(there, key, value)
    {
        if (json_equal(value, json_object_get(typed, key)))
            continue;
        json_t *one = json_object();
        json_set_str(one, "label", page_word(page, "form", key));
        json_set_str(one, "now", in_words(page, key, value));
        json_array_append_new(list, one);
    }
    json_decref(there);
    return list;
}

/* It was deleted meanwhile. What was typed can be made an endpoint of its own: the form is one of a new endpoint now.
 */
static void gone(struct page *page)
{
    const char *base = page_base(page);
    json_object_set_new(page->model, "gone", json_true());
    json_set_str(page->model, "newest", newest_of(page_got(page, 0)));
    fill_again(page, page->own, 404);
    json_t *form = json_object_get(page->model, "form");
    json_object_set_new(form, "action", json_string(arena_printf(page->req->arena, "%s/new", base)));
    json_object_set_new(form, "cancel", json_string(base));
    page_render(page);
}

/* There is nothing to compare with what was typed, which is kept in any case. */
static void unreadable(struct page *page)
{
    struct saving *s = page->own;
    uint32_t status = page->questions[0].status;
    if (status == 404) {
        page_again(page);
        page_ask(page, "GET", "/endpoints?limit=1", NULL);
        page_go(page, gone);
        return;
    }
    keep_version(page, s);
    show_refused(page, s);
}

/* Somebody was faster: their version is the one that the next try is about. */
static void overtaken(struct page *page)
{
    struct saving *s = page->own;
    const json_t *now = page_got(page, 0);
    if (!now) {
        unreadable(page);
        return;
    }
    json_object_set_new(page->model, "overtaken", json_true());
    json_object_set_new(page->model, "theirs", differences(page, now, s->values));
    set_version(page, now);
    show_again(page, s, 412);
}

static void changed(struct page *page)
{
    uint32_t status = page->questions[0].status;
    if (page_got(page, 0)) {
        page_done(page, endpoint_page(page, ""), "changed", 1, 0);
    } else if (status == 412) {
        page_again(page);
        page_ask(page, "GET", endpoint_path(page, ""), NULL);
        page_go(page, overtaken);
    } else {
        unreadable(page);
    }
}

/* A change is a merge patch (RFC 7396): what is gone from an object is named, with null. */
static void name_gone(const struct saving *s, json_t *patch, const char *member)
{
    json_t *object = json_copy(json_object_get(s->values, member)), *value;
    const char *name;
    json_object_foreach(json_object_get(s->before, member), name, value)
    {
        if (!json_object_get(object, name))
            json_object_set_new(object, name, json_null());
    }
    json_object_set_new(patch, member, object);
}

static json_t *patch_of(const struct saving *s)
{
    json_t *patch = json_copy(s->values);
    name_gone(s, patch, "headers");
    name_gone(s, patch, "metadata");
    return patch;
}

static void change(struct page *page)
{
    struct saving *s = page->own;
    s->before = page_got(page, 0);
    s->catalogue = page_got(page, 1);
    if (!s->before) {
        unreadable(page);
        return;
    }
    if (json_array_size(s->faults)) {
        keep_version(page, s);
        show_again(page, s, 422);
        return;
    }
    page_again(page);
    page_if_version(page, page_ask(page, "PATCH", endpoint_path(page, ""), patch_of(s)), str_of(s->version));
    page_go(page, changed);
}

void edit_act(struct page *page)
{
    struct saving *s = saving_new(page);
    struct belfry_str version = page_field(page, "version");
    page->view = page_view(page, "edit");
    s->version = arena_printf(page->req->arena, "%.*s", STR_ARG(version));
    page_ask(page, "GET", endpoint_path(page, ""), NULL);
    page_ask(page, "GET", "/event-types", NULL);
    page_go(page, change);
}
