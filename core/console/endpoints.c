/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of webhooks as operators see them: how they do, and what helps at once. Making and changing them is the
 * portal's. */
#include "console/internal.h"

#include <string.h>

static void endpoint_dress(struct page *page, json_t *endpoint)
{
    const char *word = dress_health(endpoint);
    json_object_set_new(endpoint, "health", dress_chip(page, word, strcmp(word, "ok") == 0 ? "good" : "bad"));
}

void endpoints_show(struct page *page)
{
    json_t *endpoint;
    size_t i;
    json_array_foreach(json_object_get(page_got(page, 0), "items"), i, endpoint) endpoint_dress(page, endpoint);
}

void endpoint_ask(struct page *page)
{
    page_ask(page, "GET",
             arena_printf(page->req->arena, "/endpoints/%s/attempts?limit=30&bodies=hidden",
                          page_encoded(page, http_param(page->req, "id"))),
             NULL);
}

/* What people set beside the usual, as they would write it. */
static void add_settings(struct page *page, json_t *endpoint)
{
    static const char *const names[] = {"when", "headers", "metadata"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *value = json_object_get(endpoint, names[i]);
        int said = json_is_object(value) ? json_object_size(value) > 0 : json_is_array(value);
        json_object_set_new(endpoint, arena_printf(page->req->arena, "%s_text", names[i]),
                            said ? json_string(page_pretty(page, value)) : json_null());
    }
    json_object_set_new(endpoint, "is_fifo",
                        json_boolean(str_eqz(json_str(json_object_get(endpoint, "order")), "fifo")));
}

void endpoint_show(struct page *page)
{
    json_t *attempts = json_object_get(page_got(page, 1), "items"), *attempt;
    json_t *endpoint = page_got(page, 0);
    size_t i;
    endpoint_dress(page, endpoint);
    add_settings(page, endpoint);
    json_set_str(endpoint, "name_query", str_of(page_encoded(page, json_str(json_object_get(endpoint, "name")))));
    json_array_foreach(attempts, i, attempt) dress_attempt(page, attempt);
    json_object_set_new(page->model, "has_tries", json_boolean(i > 0));
    if (attempts)
        json_object_set(page->model, "tries", attempts);
}

static const struct {
    const char *deed, *notice;
} deeds[] = {{"enable", "enabled"}, {"disable", "disabled"}, {"test", "tested"}};
#define DEEDS (sizeof(deeds) / sizeof(deeds[0]))

static size_t deed_of(struct page *page)
{
    size_t i = 0;
    while (i < DEEDS && !str_eqz(page_field(page, "do"), deeds[i].deed))
        i++;
    return i;
}

static void done(struct page *page)
{
    const char *id = page_encoded(page, http_param(page->req, "id"));
    if (page_got(page, 0))
        page_done(page, arena_printf(page->req->arena, "/endpoints/%s", id), deeds[deed_of(page)].notice, 1, 0);
    else
        page_problem(page, 0);
}

void endpoint_act(struct page *page)
{
    const char *id = page_encoded(page, http_param(page->req, "id"));
    size_t i = deed_of(page);
    page->view = page_view(page, "endpoint");
    if (i == DEEDS) {
        page_fault(page, 400, "no_deed");
        return;
    }
    page_ask(page, "POST", arena_printf(page->req->arena, "/endpoints/%s/%s", id, deeds[i].deed), NULL);
    page_go(page, done);
}
