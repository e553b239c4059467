/* SPDX-License-Identifier: Apache-2.0 */
/* Looking: the list, one endpoint with its latest attempts, the types of events there are. */
#include "portal/internal.h"

#include <string.h>

#define LATEST "5"
#define TYPES_SHOWN 5 /* in the list */

const char *endpoint_path(struct page *page, const char *behind)
{
    return arena_printf(page->req->arena, "/endpoints%s", endpoint_page(page, behind));
}

const char *endpoint_page(struct page *page, const char *behind)
{
    return arena_printf(page->req->arena, "/%s%s", page_encoded(page, http_param(page->req, "id")), behind);
}

static void endpoint_dress(struct page *page, json_t *endpoint)
{
    const char *word = dress_health(endpoint);
    json_t *types = json_object_get(endpoint, "types"), *type;
    size_t i;
    json_array_foreach(types, i, type)
    {
        if (str_eqz(json_str(type), "*"))
            json_object_set_new(endpoint, "every", json_true());
    }
    int api = str_eqz(json_str(json_object_get(endpoint, "from")), "api");
    json_object_set_new(endpoint, "health", dress_chip(page, word, strcmp(word, "ok") == 0 ? "good" : "bad"));
    json_object_set_new(endpoint, "is_api", json_boolean(api));
}

/* Of a hundred types the list has the first, and how many more there are. */
static void shorten_types(struct page *page, json_t *endpoint)
{
    json_t *types = json_object_get(endpoint, "types");
    size_t count = json_array_size(types);
    if (count <= TYPES_SHOWN + 1)
        return;
    while (json_array_size(types) > TYPES_SHOWN)
        json_array_remove(types, TYPES_SHOWN);
    json_set_str(endpoint, "more_types", page_count_text(page, "endpoint.more_types", (int64_t)(count - TYPES_SHOWN)));
}

void portal_endpoints_show(struct page *page)
{
    json_t *endpoint;
    size_t i;
    json_array_foreach(json_object_get(page_got(page, 0), "items"), i, endpoint)
    {
        endpoint_dress(page, endpoint);
        shorten_types(page, endpoint);
    }
}

void portal_endpoint_ask(struct page *page)
{
    page_ask(page, "GET", endpoint_path(page, "/attempts?limit=" LATEST), NULL);
}

static int has_members(const json_t *object)
{
    return json_is_object(object) && json_object_size(object) > 0;
}

/* Objects whose members are anybody's, as lines of a name and a value. */
static json_t *lines_of(struct page *page, const json_t *object)
{
    json_t *lines = json_array(), *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        json_t *line = json_object();
        json_object_set_new(line, "name", json_string(name));
        json_object_set_new(line, "value",
                            json_string(json_is_string(value) ? json_string_value(value) : page_pretty(page, value)));
        json_array_append_new(lines, line);
    }
    return lines;
}

static void set_lines(struct page *page, json_t *endpoint, const char *member, const char *flag)
{
    const json_t *object = json_object_get(endpoint, member);
    json_object_set_new(endpoint, flag, json_boolean(has_members(object)));
    json_object_set_new(endpoint, member, lines_of(page, object));
}

void portal_endpoint_show(struct page *page)
{
    json_t *endpoint = page_got(page, 0), *attempts = json_object_get(page_got(page, 1), "items");
    const json_t *when = json_object_get(endpoint, "when");
    const char *format = json_string_value(json_object_get(endpoint, "format"));
    const char *order = json_string_value(json_object_get(endpoint, "order"));
    endpoint_dress(page, endpoint);
    attempts_dress(page, attempts);
    json_set_str(endpoint, "format", page_word(page, "format", format ? format : "standard"));
    json_set_str(endpoint, "order", page_word(page, "order", order ? order : "best-effort"));
    json_object_set_new(endpoint, "when", json_string(form_when_text(page, when)));
    set_lines(page, endpoint, "headers", "has_headers");
    set_lines(page, endpoint, "metadata", "has_metadata");
    json_object_set_new(page->model, "has_tries", json_boolean(json_array_size(attempts) > 0));
    if (attempts)
        json_object_set(page->model, "tries", attempts);
}

/* Of types that go to no endpoint nothing is said. */
void types_show(struct page *page)
{
    json_t *items = json_object_get(page_got(page, 0), "items"), *type;
    for (size_t i = json_array_size(items); i > 0; i--) {
        type = json_array_get(items, i - 1);
        if (json_is_false(json_object_get(type, "webhooks"))) {
            json_array_remove(items, i - 1);
            continue;
        }
        json_object_set_new(type, "example_text", json_string(page_pretty(page, json_object_get(type, "example"))));
        json_object_set_new(type, "schema_text", json_string(page_pretty(page, json_object_get(type, "schema"))));
    }
}
