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

#include <stdio.h>
#include <stdlib.h>

struct list {
    uint32_t *rows; /* positions in `order`, ascending */
    size_t count, cap;
};

struct route_targets {
    const struct route_target **order; /* by id */
    size_t count;
    struct hash *lists; /* "org LF pattern" to struct list */
};

static int by_id(const void *a, const void *b)
{
    int64_t x = (*(const struct route_target *const *)a)->id, y = (*(const struct route_target *const *)b)->id;
    return (x > y) - (x < y);
}

static void make_key(struct buf *key, struct belfry_str org, struct belfry_str pattern, const char *suffix)
{
    buf_clear(key);
    buf_adds(key, org);
    buf_addc(key, '\n');
    buf_adds(key, pattern);
    buf_addz(key, suffix);
}

static void list_add(struct route_targets *targets, struct belfry_str key, uint32_t row)
{
    struct list *list = hash_get(targets->lists, key);
    if (!list) {
        list = xcalloc(1, sizeof(*list));
        hash_set(targets->lists, key, list);
    }
    /* The same pattern may be written twice. */
    if (list->count > 0 && list->rows[list->count - 1] == row)
        return;
    list->rows = xgrow(list->rows, &list->cap, list->count + 1, sizeof(*list->rows));
    list->rows[list->count++] = row;
}

static void free_list(void *value)
{
    struct list *list = value;
    free(list->rows);
    free(list);
}

struct route_targets *route_targets_new(const struct route_target *rows, size_t count)
{
    struct route_targets *targets = xcalloc(1, sizeof(*targets));
    struct buf key = {0};
    targets->order = xcalloc(count ? count : 1, sizeof(*targets->order));
    targets->count = count;
    targets->lists = hash_new();
    for (size_t i = 0; i < count; i++)
        targets->order[i] = &rows[i];
    qsort(targets->order, count, sizeof(*targets->order), by_id);
    for (size_t i = 0; i < count; i++) {
        const struct route_target *row = targets->order[i];
        size_t types = row->types ? row->types->count : 0;
        for (size_t t = 0; t < types; t++) {
            make_key(&key, row->org, row->types->items[t], "");
            list_add(targets, buf_str(&key), (uint32_t)i);
        }
        if (types == 0) {
            make_key(&key, row->org, STR("*"), "");
            list_add(targets, buf_str(&key), (uint32_t)i);
        }
    }
    buf_free(&key);
    return targets;
}

void route_targets_free(struct route_targets *targets)
{
    if (!targets)
        return;
    hash_free(targets->lists, free_list);
    free(targets->order);
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

static int pattern_takes(struct belfry_str pattern, struct belfry_str type)
{
    if (str_eq(pattern, STR("*")) || str_eq(pattern, type))
        return 1;
    return str_has_suffix(pattern, STR(".*")) && str_has_prefix(type, str_slice(pattern.ptr, pattern.len - 1));
}

static int takes_type(const struct route_target *target, struct belfry_str type)
{
    if (!target->types || target->types->count == 0)
        return 1;
    for (size_t i = 0; i < target->types->count; i++)
        if (pattern_takes(target->types->items[i], type))
            return 1;
    return 0;
}

typedef void (*target_fn)(void *arg, const struct route_target *target, const char *why_not);

/* Every target of the org, with the reason against it. */
static void match_all(const struct route_targets *targets, const struct route_event *event,
                      const struct belfry_view *view, target_fn fn, void *arg)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct route_target *target = targets->order[i];
        if (target->org.len > 0 && !str_eq(target->org, event->org))
            continue;
        fn(arg, target, takes_type(target, event->type) ? refuses(target, event, view) : "not one of its types");
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

/* The smallest row that is still to come, taken from every list that has it; UINT32_MAX at the end. */
static uint32_t merge_next(struct merge *merge)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < merge->count; i++) {
        const struct head *head = &merge->heads[i];
        if (head->at < head->list->count && head->list->rows[head->at] < least)
            least = head->list->rows[head->at];
    }
    for (size_t i = 0; i < merge->count; i++) {
        struct head *head = &merge->heads[i];
        if (head->at < head->list->count && head->list->rows[head->at] == least)
            head->at++;
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
    if (targets->count == 0)
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
    for (uint32_t row; (row = merge_next(&merge)) != UINT32_MAX;)
        if (!refuses(targets->order[row], event, view))
            fn(arg, targets->order[row], NULL);
}
