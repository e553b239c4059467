/* SPDX-License-Identifier: Apache-2.0 */
/* The first look: is anything wrong, and where does one read on? */
#include "console/internal.h"

enum { LATEST, RETRYING, FAILED, NUMBERS };

void overview_ask(struct page *page)
{
    page_ask(page, "GET", "/events?limit=8", NULL);
    page_ask(page, "GET", "/deliveries?state=retrying&limit=8", NULL);
    page_ask(page, "GET", "/deliveries?state=failed&limit=8", NULL);
    page_ask(page, "GET", "/overview", NULL);
}

/* A short list of the front page: its first rows, and whether there are more. */
static void add_list(struct page *page, const char *name, size_t question)
{
    json_t *answer = page_answer(page, question), *list = json_object();
    json_t *items = json_object_get(answer, "items");
    json_object_set_new(list, "any", json_boolean(json_array_size(items) > 0));
    json_object_set_new(list, "more", json_boolean(json_is_string(json_object_get(answer, "next"))));
    if (items)
        json_object_set(list, "items", items);
    if (!answer)
        json_object_set(list, "wrong", json_object_get(page->questions[question].answer, "detail"));
    json_object_set_new(page->model, name, list);
}

void overview_show(struct page *page)
{
    add_list(page, "latest", LATEST);
    add_list(page, "retrying", RETRYING);
    add_list(page, "failed", FAILED);
    if (page_answer(page, NUMBERS))
        json_object_set(page->model, "numbers", page_answer(page, NUMBERS));
}
