/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries: the list, one with its attempts, and what can be done about it. */
#include "console/internal.h"

/* Whose way ends at a person or at an endpoint. */
static void row_dress(json_t *row)
{
    const json_t *target = json_object_get(row, "target");
    json_object_set(row, "to",
                    json_is_string(target) ? (json_t *)(uintptr_t)target : json_object_get(row, "recipient"));
}

void deliveries_show(struct page *page)
{
    json_t *items = json_object_get(page_got(page, 0), "items"), *row;
    size_t i;
    json_array_foreach(items, i, row) row_dress(row);
}

/* What can be done about it by now; between the page and the click that may change, and the API says so then. */
static void add_deeds(json_t *delivery)
{
    struct belfry_str state = json_str(json_at(delivery, "/state/code"));
    int leaves = str_eqz(state, "sending"), ended = json_is_object(json_object_get(delivery, "ended_at"));
    json_object_set_new(delivery, "can_retry", json_boolean(!leaves && !str_eqz(state, "delivered")));
    json_object_set_new(delivery, "can_cancel", json_boolean(!leaves && !ended));
}

void delivery_show(struct page *page)
{
    row_dress(page_got(page, 0));
    way_dress(page, page_got(page, 0));
    add_deeds(page_got(page, 0));
}

static void changed(struct page *page)
{
    struct belfry_str id = http_param(page->req, "id");
    if (!page_got(page, 0)) {
        page_problem(page, 0);
        return;
    }
    page_done(page, arena_printf(page->req->arena, "/deliveries/%s", page_encoded(page, id)),
              str_eqz(page_field(page, "do"), "retry") ? "retried" : "cancelled", 1, 0);
}

void delivery_act(struct page *page)
{
    struct belfry_str what = page_field(page, "do");
    const char *id = page_encoded(page, http_param(page->req, "id"));
    page->view = page_view(page, "delivery");
    if (!str_eqz(what, "retry") && !str_eqz(what, "cancel")) {
        page_fault(page, 400, "no_deed");
        return;
    }
    page_ask(page, "POST", arena_printf(page->req->arena, "/deliveries/%s/%.*s", id, STR_ARG(what)), NULL);
    page_go(page, changed);
}
