/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that get no mail: the list, and the button that takes one off it. */
#include "console/internal.h"

void suppressions_show(struct page *page)
{
    json_t *items = json_object_get(page_got(page, 0), "items"), *row;
    size_t i;
    json_array_foreach(items, i, row)
    {
        const char *reason = json_string_value(json_object_get(row, "reason"));
        struct belfry_str label = page_word(page, "suppression", reason ? reason : "");
        json_t *chip = json_object();
        json_set_str(chip, "label", label);
        json_object_set_new(chip, "tone", json_string(str_eqz(str_of(reason), "unsubscribed") ? "none" : "bad"));
        json_object_set_new(row, "verdict", chip);
        json_object_set_new(row, "told",
                            json_boolean(json_is_string(json_object_get(row, "detail")) ||
                                         json_is_string(json_object_get(row, "delivery"))));
    }
}

static void removed(struct page *page)
{
    if (page->questions[0].status == 204)
        page_done(page, "/suppressions", "released", 1, 0);
    else
        page_problem(page, 0);
}

void suppressions_act(struct page *page)
{
    const char *address = page_encoded(page, page_field(page, "address"));
    page->view = page_view(page, "suppressions");
    page_ask(page, "DELETE", arena_printf(page->req->arena, "/suppressions?address=%s", address), NULL);
    page_go(page, removed);
}
