/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoints want an event. Rows are listed under (org, pattern); an event asks for its own org and for rows of no
 * org, each with its type, every "prefix.*" of it, and "*": a few lookups, however many endpoints there are. The lists
 * are sorted by id and merged, so a target that several of its patterns name comes once and in order.
 */
#include "route/route.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "event/event.h"

#include <stdio.h>
#include <stdlib.h>

struct list {
    const struct route_target **rows; /* by id, ascending */
    size_t count, cap;
};

struct route_targets {
    struct list order;  /* all */
    struct hash *lists; /* "org LF pattern" to struct list */
};

static void make_key(struct buf *key, struct belfry_str org, struct belfry_str pattern, const char *suffix)
{
    buf_clear(key);
    buf_adds(key, org);
    buf_addc(key, '\n');
    buf_adds(key, pattern);
    buf_addz(key, suffix);
}

/* --- lists --- */

/* Where the id is, or belongs. */
static size_t list_find(const struct list *list, int64_t id)
{
    size_t low = 0, high = list->count;
    if (high > 0 && list->rows[high - 1]->id < id) /* most come in order */
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->rows[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int list_has(const struct list *list, size_t at, int64_t id)
{
    return at < list->count && list->rows[at]->id == id;
}

static void list_put(struct list *list, const struct route_target *row)
{
    size_t at = list_find(list, row->id);
    if (list_has(list, at, row->id)) { /* the same pattern may be written twice */
        list->rows[at] = row;
        return;
    }
    list->rows = xgrow(list->rows, &list->cap, list->count + 1, sizeof(struct route_target *));
    memmove(&list->rows[at + 1], &list->rows[at], (list->count - at) * sizeof(struct route_target *));
    list->rows[at] = row;
    list->count++;
}

static void list_del(struct list *list, int64_t id)
{
    size_t at = list_find(list, id);
    if (!list_has(list, at, id))
        return;
    list->count--;
    memmove(&list->rows[at], &list->rows[at + 1], (list->count - at) * sizeof(struct route_target *));
}

static void free_list(void *value)
{
    struct list *list = value;
    free(list->rows);
    free(list);
}

/* --- rows --- */

static void each_pattern(struct route_targets *targets, const struct route_target *row,
                         void (*fn)(struct route_targets *targets, struct belfry_str key,
                                    const struct route_target *row))
{
    struct buf key = {0};
    size_t types = row->types ? row->types->count : 0;
    for (size_t t = 0; t < (types ? types : 1); t++) {
        make_key(&key, row->org, types ? row->types->items[t] : STR("*"), "");
        fn(targets, buf_str(&key), row);
    }
    buf_free(&key);
}

static void pattern_put(struct route_targets *targets, struct belfry_str key, const struct route_target *row)
{
    struct list *list = hash_get(targets->lists, key);
    if (!list) {
        list = xcalloc(1, sizeof(*list));
        hash_set(targets->lists, key, list);
    }
    list_put(list, row);
}

static void pattern_del(struct route_targets *targets, struct belfry_str key, const struct route_target *row)
{
    struct list *list = hash_get(targets->lists, key);
    if (!list) /* the same pattern, written twice */
        return;
    list_del(list, row->id);
    if (list->count == 0)
        free_list(hash_del(targets->lists, key));
}

void route_targets_del(struct route_targets *targets, int64_t id)
{
    size_t at = list_find(&targets->order, id);
    if (!list_has(&targets->order, at, id))
        return;
    each_pattern(targets, targets->order.rows[at], pattern_del);
    list_del(&targets->order, id);
}

void route_targets_put(struct route_targets *targets, const struct route_target *row)
{
    route_targets_del(targets, row->id);
    list_put(&targets->order, row);
    each_pattern(targets, row, pattern_put);
}

static int by_id(const void *a, const void *b)
{
    int64_t x = (*(const struct route_target *const *)a)->id, y = (*(const struct route_target *const *)b)->id;
    return (x > y) - (x < y);
}

struct route_targets *route_targets_new(const struct route_target *rows, size_t count)
{
    struct route_targets *targets = xcalloc(1, sizeof(*targets));
    const struct route_target **order = xcalloc(count + 1, sizeof(*order));
    targets->lists = hash_new();
    for (size_t i = 0; i < count; i++)
        order[i] = &rows[i];
    qsort(order, count, sizeof(*order), by_id);
    for (size_t i = 0; i < count; i++)
        route_targets_put(targets, order[i]);
    free(order);
    return targets;
}

void route_targets_free(struct route_targets *targets)
{
    if (!targets)
        return;
    hash_free(targets->lists, free_list);
    free(targets->order.rows);
    free(targets);
}

/* --- matching --- */

/* Why a target does not take an event of its org and type, or NULL. */
static const char *refuses(const struct route_target *target, const struct route_event *event,
                           const struct belfry_view *view)
{
    if (target->org.len == 0 && target->orgs && target->orgs->count > 0 && !config_names_has(target->orgs, event->org))
        return "it is for other orgs";
    if (target->when && !match_eval(target->when, view, NULL, NULL))
        return "`when` does not hold";
    return NULL;
}

int route_target_takes_type(const struct route_target *target, struct belfry_str type)
{
    return !target->types || target->types->count == 0 || event_type_among(type, target->types);
}

const struct route_target *route_targets_find(const struct route_targets *targets, int64_t id)
{
    size_t at = list_find(&targets->order, id);
    return list_has(&targets->order, at, id) ? targets->order.rows[at] : NULL;
}

const char *route_target_refuses(const struct route_target *target, const struct route_event *event,
                                 struct arena *arena)
{
    if (target->org.len > 0 && !str_eq(target->org, event->org))
        return "it is another org's";
    if (!route_target_takes_type(target, event->type))
        return "not one of its types";
    return refuses(target, event, route_view(event, arena));
}

typedef void (*target_fn)(void *arg, const struct route_target *target, const char *why_not);

/* Every target of the org, with the reason against it. */
static void match_all(const struct route_targets *targets, const struct route_event *event,
                      const struct belfry_view *view, target_fn fn, void *arg)
{
    for (size_t i = 0; i < targets->order.count; i++) {
        const struct route_target *target = targets->order.rows[i];
        if (target->org.len > 0 && !str_eq(target->org, event->org))
            continue;
        fn(arg, target,
           route_target_takes_type(target, event->type) ? refuses(target, event, view) : "not one of its types");
    }
}

/* Lists that are being merged. */
struct merge {
    struct head {
        const struct list *list;
        size_t at;
    } * heads;
    size_t count;
};

static void merge_add(struct merge *merge, const struct route_targets *targets, const struct buf *key)
{
    const struct list *list = hash_get(targets->lists, buf_str(key));
    if (list)
        merge->heads[merge->count++] = (struct head){list, 0};
}

/* The row with the smallest id that is still to come, taken from every list that has it; NULL at the end. */
static const struct route_target *merge_next(struct merge *merge)
{
    const struct route_target *least = NULL;
    for (size_t i = 0; i < merge->count; i++) {
        const struct head *head = &merge->heads[i];
        if (head->at < head->list->count && (!least || head->list->rows[head->at]->id < least->id))
            least = head->list->rows[head->at];
    }
    for (size_t i = 0; least && i < merge->count; i++) {
        struct head *head = &merge->heads[i];
        head->at += list_has(head->list, head->at, least->id);
    }
    return least;
}

static void merge_org(struct merge *merge, const struct route_targets *targets, struct belfry_str org,
                      struct belfry_str type, struct buf *key)
{
    make_key(key, org, type, "");
    merge_add(merge, targets, key);
    for (size_t i = 0; i < type.len; i++) {
        if (type.ptr[i] != '.')
            continue;
        make_key(key, org, str_slice(type.ptr, i), ".*");
        merge_add(merge, targets, key);
    }
    make_key(key, org, STR("*"), "");
    merge_add(merge, targets, key);
}

static size_t dots(struct belfry_str type)
{
    size_t count = 0;
    for (size_t i = 0; i < type.len; i++)
        count += type.ptr[i] == '.';
    return count;
}

void route_targets_match(const struct route_targets *targets, const struct route_event *event, struct arena *arena,
                         int all, target_fn fn, void *arg)
{
    if (targets->order.count == 0)
        return;
    const struct belfry_view *view = route_view(event, arena);
    if (all) {
        match_all(targets, event, view, fn, arg);
        return;
    }
    struct merge merge = {.heads = arena_alloc(arena, 2 * (dots(event->type) + 2) * sizeof(*merge.heads))};
    struct buf key = {0};
    merge_org(&merge, targets, event->org, event->type, &key);
    if (event->org.len > 0)
        merge_org(&merge, targets, (struct belfry_str){0}, event->type, &key);
    buf_free(&key);
    for (const struct route_target *row; (row = merge_next(&merge));)
        if (!refuses(row, event, view))
            fn(arg, row, NULL);
}
