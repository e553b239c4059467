/* SPDX-License-Identifier: Apache-2.0 */
/* What there is: plugins, categories with who sees them; and who did what. */
#include "console/internal.h"

#include <string.h>

static json_t *items_of(struct page *page)
{
    return json_object_get(page_got(page, 0), "items");
}

/* --- categories --------------------------------------------------------------------------------------------------- */

static void category_dress(struct page *page, json_t *category)
{
    json_object_set_new(category, "for_all",
                        json_boolean(json_array_size(json_object_get(category, "visible_to")) == 0));
    json_object_set_new(category, "id_path",
                        json_string(page_encoded(page, json_str(json_object_get(category, "id")))));
    const char *email = json_string_value(json_object_get(category, "email"));
    json_set_str(category, "email_word", page_word(page, "email", email ? email : ""));
}

void categories_show(struct page *page)
{
    json_t *category;
    size_t i;
    json_array_foreach(items_of(page), i, category) category_dress(page, category);
}

void category_ask(struct page *page)
{
    page_ask(page, "GET", "/categories", NULL);
}

void category_show(struct page *page)
{
    json_t *category, *person;
    size_t i;
    json_set_str(page->model, "category_id", http_param(page->req, "id"));
    json_array_foreach(json_object_get(page_got(page, 1), "items"), i, category)
    {
        if (!str_eq(json_str(json_object_get(category, "id")), http_param(page->req, "id")))
            continue;
        category_dress(page, category);
        json_object_set(page->model, "category", category);
    }
    json_array_foreach(items_of(page), i, person)
    {
        int sees = json_is_true(json_object_get(person, "sees"));
        json_t *chip = json_object();
        json_set_str(chip, "label", page_text(page, sees ? "category.sees" : "category.sees_not"));
        json_object_set_new(chip, "tone", json_string(sees ? "good" : "none"));
        json_object_set_new(person, "verdict", chip);
    }
}

/* --- audit -------------------------------------------------------------------------------------------------------- */

/* The members of a row's detail, each as text. */
static json_t *pairs_json(const json_t *detail)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)detail, key, value)
    {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "key", key, "text", text ? text : json_string_value(value)));
        free(text);
    }
    return list;
}

void audit_show(struct page *page)
{
    json_t *row;
    size_t i;
    json_array_foreach(items_of(page), i, row)
    {
        json_object_set_new(row, "pairs", pairs_json(json_object_get(row, "detail")));

        json_object_set(row, "story", json_at(row, "/detail/event"));
    }
}
