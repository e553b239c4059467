/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of whole conditions without an event: which values a path must have, for indexes, and whether one
 * condition is met whenever another is, for lints between rules. Both are conservative.
 */
#include "match/tree.h"

#include "base/mem.h"

#include <stdlib.h>

/* --- values that are required
 * ----------------------------------------------------------------------------------------- */

/* A set of texts; `any` stands for every value. */
struct texts {
    struct belfry_str *items;
    size_t count, cap;
    int any;
};

static void texts_add(struct texts *to, struct belfry_str text)
{
    to->items = xgrow(to->items, &to->cap, to->count + 1, sizeof(*to->items));
    to->items[to->count++] = text;
}

static const struct match_op *exact_op(const struct match_group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        const struct match_op *op = &group->ops[i];
        uint32_t texts = 0;
        if (op->code != MC_IN || op->negative || op->fold)
            continue;
        while (texts < op->count && op->args[texts].type == MV_STRING)
            texts++;
        if (texts == op->count)
            return op;
    }
    return NULL;
}

static void add_test(const struct match_test *test, struct texts *out)
{
    for (uint32_t i = 0; i < test->count && !out->any; i++) {
        const struct match_op *op = exact_op(&test->groups[i]);
        if (op == NULL)
            out->any = 1;
        else
            for (uint32_t j = 0; j < op->count; j++)
                texts_add(out, op->args[j].s);
    }
}

/* Appends what the path must be for node i to hold, or sets any. */
static void add_required(const struct belfry_condition *cond, uint32_t i, uint32_t path, struct texts *out);

/* One child of an `all` is enough; the smallest set says most. */
static void add_smallest(const struct belfry_condition *cond, uint32_t i, uint32_t path, struct texts *out)
{
    struct texts best = {.any = 1};

    for (uint32_t child = i + 1; child < cond->nodes[i].end; child = cond->nodes[child].end) {
        struct texts set = {0};
        add_required(cond, child, path, &set);
        if (!set.any && (best.any || set.count < best.count)) {
            free(best.items);
            best = set;
        } else {
            free(set.items);
        }
    }
    out->any |= best.any;
    for (size_t j = 0; j < best.count; j++)
        texts_add(out, best.items[j]);
    free(best.items);
}

static void add_required(const struct belfry_condition *cond, uint32_t i, uint32_t path, struct texts *out)
{
    const struct match_node *node = &cond->nodes[i];

    switch (node->kind) {
    case MN_LEAF:
        if (node->path == path)
            add_test(node->test, out);
        else
            out->any = 1;
        break;
    case MN_ALL:
        add_smallest(cond, i, path, out);
        break;
    case MN_ANY:
        for (uint32_t child = i + 1; child < node->end && !out->any; child = cond->nodes[child].end)
            add_required(cond, child, path, out);
        break;
    case MN_NOT:
        out->any = 1;
        break;
    }
}

static int compare_texts(const void *a, const void *b)
{
    return str_cmp(*(const struct belfry_str *)a, *(const struct belfry_str *)b);
}

void match_fill_required(struct arena *arena, struct belfry_condition *cond, struct match_path *paths)
{
    for (uint32_t i = 0; i < cond->path_count; i++) {
        struct texts set = {0};
        size_t kept = 0;
        add_required(cond, 0, i, &set);
        if (!set.any && set.count > 0) {
            qsort(set.items, set.count, sizeof(*set.items), compare_texts);
            for (size_t j = 0; j < set.count; j++)
                if (kept == 0 || !str_eq(set.items[kept - 1], set.items[j]))
                    set.items[kept++] = set.items[j];
            paths[i].required.items = arena_memdup(arena, set.items, kept * sizeof(*set.items));
            paths[i].required.count = kept;
        }
        free(set.items);
    }
}

const struct belfry_str *match_required(const struct belfry_condition *cond, const char *path, size_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < cond->path_count; i++) {
        if (!str_eqz(cond->paths[i].name, path))
            continue;
        *count = cond->paths[i].required.count;
        return cond->paths[i].required.items;
    }
    return NULL;
}

/* --- covering
 * ----------------------------------------------------------------------------------------------------------- */

struct cover {
    const struct belfry_condition *a, *b;
    int64_t budget; /* the search tries both sides and could be exponential */
};

static int same_path(const struct match_path *a, const struct match_path *b)
{
    if (a->severity != b->severity || a->segments.count != b->segments.count)
        return 0;
    for (size_t i = 0; i < a->segments.count; i++)
        if (!str_eq(a->segments.items[i], b->segments.items[i]))
            return 0;
    return 1;
}

static int leaf_covers(struct cover *x, const struct match_node *a, const struct match_node *b)
{
    return same_path(&x->a->paths[a->path], &x->b->paths[b->path]) && match_test_covers(a->test, b->test, &x->budget);
}

static int covers(struct cover *x, uint32_t a, uint32_t b);

static int every_b(struct cover *x, uint32_t a, uint32_t b)
{
    for (uint32_t i = b + 1; i < x->b->nodes[b].end; i = x->b->nodes[i].end)
        if (!covers(x, a, i))
            return 0;
    return 1;
}

static int every_a(struct cover *x, uint32_t a, uint32_t b)
{
    for (uint32_t i = a + 1; i < x->a->nodes[a].end; i = x->a->nodes[i].end)
        if (!covers(x, i, b))
            return 0;
    return 1;
}

static int some_a(struct cover *x, uint32_t a, uint32_t b)
{
    for (uint32_t i = a + 1; i < x->a->nodes[a].end; i = x->a->nodes[i].end)
        if (covers(x, i, b))
            return 1;
    return 0;
}

static int some_b(struct cover *x, uint32_t a, uint32_t b)
{
    for (uint32_t i = b + 1; i < x->b->nodes[b].end; i = x->b->nodes[i].end)
        if (covers(x, a, i))
            return 1;
    return 0;
}

/* not x covers not y when y covers x: the two conditions change sides. */
static int not_covers(struct cover *x, uint32_t a, uint32_t b)
{
    struct cover turned = {x->b, x->a, x->budget};
    int result = covers(&turned, b + 1, a + 1);

    x->budget = turned.budget;
    return result;
}

static int covers(struct cover *x, uint32_t a, uint32_t b)
{
    const struct match_node *na = &x->a->nodes[a], *nb = &x->b->nodes[b];

    if (--x->budget < 0)
        return 0;
    if (nb->kind == MN_ANY)
        return every_b(x, a, b);
    if (na->kind == MN_ALL)
        return every_a(x, a, b);
    if (na->kind == MN_ANY && some_a(x, a, b))
        return 1;
    if (nb->kind == MN_ALL)
        return some_b(x, a, b);
    if (na->kind == MN_NOT && nb->kind == MN_NOT)
        return not_covers(x, a, b);
    return na->kind == MN_LEAF && nb->kind == MN_LEAF && leaf_covers(x, na, nb);
}

int match_covers(const struct belfry_condition *a, const struct belfry_condition *b)
{
    struct cover x = {a, b, 200000};

    if (a->count == 0)
        return 1;
    return b->count > 0 && covers(&x, 0, 0) && x.budget >= 0;
}
