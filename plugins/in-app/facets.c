/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facets and what is applied of them. A value that is picked but has no rows any more stays in sight, or nobody could
 * unpick it; each applied value is a link to the same list without it.
 */
#include "facets.h"
#include "row.h"

#include <stdlib.h>

enum { SEVERITY, CATEGORY, SOURCE, FACETS };

static const char *const names[FACETS] = {"severity", "category", "source"};
static const char *const legends[FACETS] = {"column.severity", "column.category", "column.source"};

struct picked {
    const struct belfry_str *items;
    size_t count;
};

static struct picked picked_of(const struct query *query, uint32_t facet)
{
    const struct picked all[FACETS] = {{query->severity, query->severity_count},
                                       {query->category, query->category_count},
                                       {query->source, query->source_count}};
    return all[facet];
}

static int is_same(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static int has(struct picked picked, struct belfry_str value)
{
    for (size_t i = 0; i < picked.count; i++)
        if (is_same(picked.items[i], value))
            return 1;
    return 0;
}

static const struct belfry_facet *facet_of(const struct belfry_inbox_page *page, uint32_t facet,
                                           struct belfry_str value)
{
    for (size_t i = 0; i < page->facet_count; i++)
        if (page->facets[i].facet == facet && is_same(page->facets[i].value, value))
            return &page->facets[i];
    return NULL;
}

static struct belfry_str label_of(const struct call *call, const struct belfry_inbox_page *page, uint32_t facet,
                                  struct belfry_str value)
{
    const struct belfry_facet *f = facet_of(page, facet, value);
    char word[16] = "";
    if (facet != SEVERITY)
        return f ? f->label : value;
    if (value.len < sizeof(word))
        memcpy(word, value.ptr, value.len);
    return row_severity(call, word);
}

/* --- to pick from ----------------------------------------------------------------------------- */

static void add_choice(const struct call *call, const struct belfry_inbox_page *page, uint32_t facet,
                       struct belfry_str value, uint64_t count, json_t *choices)
{
    json_t *choice = json_object();
    view_put(choice, "value", value);
    view_put(choice, "text", label_of(call, page, facet, value));
    json_object_set_new(choice, "count", json_integer((json_int_t)count));
    json_object_set_new(choice, "checked", json_boolean(has(picked_of(&call->query, facet), value)));
    json_array_append_new(choices, choice);
}

static void add_group(const struct call *call, const struct belfry_inbox_page *page, uint32_t facet, json_t *groups)
{
    json_t *choices = json_array();
    struct picked picked = picked_of(&call->query, facet);
    for (size_t i = 0; i < page->facet_count; i++)
        if (page->facets[i].facet == facet)
            add_choice(call, page, facet, page->facets[i].value, page->facets[i].count, choices);
    for (size_t i = 0; i < picked.count; i++)
        if (!facet_of(page, facet, picked.items[i]))
            add_choice(call, page, facet, picked.items[i], 0, choices);
    if (json_array_size(choices) == 0) {
        json_decref(choices);
        return;
    }
    json_t *group = json_pack("{s:s,s:o}", "name", names[facet], "choices", choices);
    view_put_text(call, group, "legend", legends[facet]);
    json_array_append_new(groups, group);
}

/* --- what is applied -------------------------------------------------------------------------- */

/* Each link holds all other values: of a hundred long ones they would be larger than a page may be. The form has the
 * rest, too. */
#define APPLIED_MAX 20

static void add_applied(const struct call *call, json_t *items, const char *name, struct belfry_str value,
                        const struct query *without)
{
    if (json_array_size(items) == APPLIED_MAX)
        return;
    json_t *item = json_object();
    view_put_text(call, item, "name", name);
    view_put(item, "value", value);
    view_put_inbox(call, item, "without", without, 0);
    json_array_append_new(items, item);
}

static void remove_at(struct belfry_str *items, size_t *count, size_t at)
{
    memmove(&items[at], &items[at + 1], (*count - at - 1) * sizeof(*items));
    --*count;
}

static void add_applied_facets(const struct call *call, const struct belfry_inbox_page *page, uint32_t facet,
                               json_t *items)
{
    struct picked picked = picked_of(&call->query, facet);
    for (size_t i = 0; i < picked.count; i++) {
        struct query q = call->query;
        if (facet == SEVERITY)
            remove_at(q.severity, &q.severity_count, i);
        else if (facet == CATEGORY)
            remove_at(q.category, &q.category_count, i);
        else
            remove_at(q.source, &q.source_count, i);
        add_applied(call, items, legends[facet], label_of(call, page, facet, picked.items[i]), &q);
    }
}

static json_t *applied_items(const struct call *call, const struct belfry_inbox_page *page)
{
    json_t *items = json_array();
    struct query q = call->query;
    q.q.len = 0;
    if (call->query.q.len)
        add_applied(call, items, "filter.text", call->query.q, &q);
    for (uint32_t facet = 0; facet < FACETS; facet++)
        add_applied_facets(call, page, facet, items);
    q = call->query;
    q.hidden = 0;
    if (call->query.hidden)
        add_applied(call, items, "filter.status", view_text(call, "filter.hidden"), &q);
    q = call->query;
    q.unread = 0;
    if (call->query.unread)
        add_applied(call, items, "filter.show", view_text(call, "filter.unread"), &q);
    return items;
}

void facets_model(const struct call *call, const struct belfry_inbox_page *page, json_t *model)
{
    const struct query *q = &call->query;
    json_t *groups = json_array(), *items = applied_items(call, page);
    for (uint32_t facet = 0; facet < FACETS; facet++)
        add_group(call, page, facet, groups);
    view_put(model, "q", q->q);
    json_object_set_new(model, "hidden", json_boolean(q->hidden));
    json_object_set_new(model, "only_unread", json_boolean(q->unread));
    json_object_set_new(model, "open", json_boolean(query_is_picked(q)));
    json_object_set_new(model, "plain", json_boolean(query_is_plain(q)));
    json_object_set_new(model, "groups", groups);
    if (json_array_size(items))
        json_object_set_new(model, "applied", json_pack("{s:o}", "items", items));
    else
        json_decref(items);
}
