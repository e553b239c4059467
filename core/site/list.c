/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists: filters live in the address, so that a copied one shows the same rows, and go to the API as they are; what the
 * API does not take, it says. Paging is by key: "older" goes on behind the last row, so rows that arrive meanwhile move
 * nothing.
 */
#include "site/internal.h"

#include <string.h>

static void add_pair(struct page *page, struct buf *out, const char *name, struct belfry_str value)
{
    buf_addf(out, "%s%s=%s", out->len ? "&" : "?", name, page_encoded(page, value));
}

/* The value of a filter in the address; empty: it is not set. */
static struct belfry_str value_of(struct page *page, const char *name)
{
    struct belfry_str value;
    return http_query(page->req, name, 0, &value) == BELFRY_OK ? str_trim(value) : STR("");
}

static json_t *option_json(struct page *page, const struct filter *filter, const char *choice, struct belfry_str now)
{
    json_t *option = json_object();
    json_object_set_new(option, "value", json_string(choice));
    json_set_str(option, "label", page_word(page, filter->group ? filter->group : "state", choice));
    json_object_set_new(option, "selected", json_boolean(str_eqz(now, choice)));
    return option;
}

static json_t *filter_json(struct page *page, const struct filter *filter, struct belfry_str now)
{
    json_t *out = json_object(), *options = json_array();
    json_object_set_new(out, "field", json_string(filter->name));
    json_set_str(out, "caption", page_word(page, "filter", filter->caption ? filter->caption : filter->name));
    json_set_str(out, "now", now);
    json_object_set_new(out, "is_select", json_boolean(filter->choices != NULL));
    json_object_set_new(out, "is_time", json_boolean(filter->is_time));
    for (size_t i = 0; filter->choices && filter->choices[i]; i++)
        json_array_append_new(options, option_json(page, filter, filter->choices[i], now));
    json_object_set_new(out, "options", options);
    return out;
}

struct belfry_str list_time(struct page *page, struct belfry_str value)
{
    return value.len == strlen("2026-01-31T09:00") ? str_of(arena_printf(page->req->arena, "%.*s:00Z", STR_ARG(value)))
                                                   : value;
}

static const char *query_from(struct page *page, struct belfry_str before, int api)
{
    struct buf query = {0};
    for (const struct filter *f = page->view->filters; f->name; f++) {
        struct belfry_str value = value_of(page, f->name);
        if (value.len)
            add_pair(page, &query, f->name, api && f->is_time ? list_time(page, value) : value);
    }
    if (before.len)
        add_pair(page, &query, "before", before);
    char *out = arena_strndup(page->req->arena, query.ptr ? query.ptr : "", query.len);
    buf_free(&query);
    return out;
}

const char *list_query_from(struct page *page, struct belfry_str before)
{
    return query_from(page, before, 1);
}

/* The address of this list with its filters, and a place in it. */
static const char *address(struct page *page, struct belfry_str before)
{
    return arena_printf(page->req->arena, "%.*s%s", STR_ARG(page->req->pub.path), query_from(page, before, 0));
}

const char *list_query(struct page *page)
{
    json_t *filters = json_array();
    int filtered = 0;
    for (const struct filter *f = page->view->filters; f->name; f++) {
        struct belfry_str value = value_of(page, f->name);
        json_array_append_new(filters, filter_json(page, f, value));
        filtered |= value.len > 0;
    }
    json_object_set_new(page->model, "filtered", json_boolean(filtered));
    json_object_set_new(page->model, "has_filters", json_boolean(json_array_size(filters) > 0));
    json_object_set_new(page->model, "filters", filters);
    json_set_str(page->model, "here", page->req->pub.path);
    return list_query_from(page, value_of(page, "before"));
}

void list_pager(struct page *page)
{
    struct belfry_str next = json_str(json_object_get(page_got(page, 0), "next"));
    int any = json_array_size(json_object_get(page_got(page, 0), "items")) > 0;
    json_object_set_new(page->model, "any", json_boolean(any));
    if (any && page->view->sheet) {
        const char *all = address(page, STR(""));
        json_object_set_new(
            page->model, "csv",
            json_string(arena_printf(page->req->arena, "%s%cformat=csv", all, strchr(all, '?') ? '&' : '?')));
    }
    if (next.len)
        json_object_set_new(page->model, "older", json_string(address(page, next)));
    if (value_of(page, "before").len)
        json_object_set_new(page->model, "newest", json_string(address(page, STR(""))));
}
