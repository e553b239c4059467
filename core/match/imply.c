/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one test says about another: that it cannot be met at all, or that it is met whenever the other is. Answers are
 * conservative: 1 is certain, 0 is "not sure". Constants are tried with the evaluator itself, so that there is no
 * second opinion of what an operator means.
 */
#include "match/tree.h"

#define MAX_TRIALS 1000000 /* constants times constants; more is left unjudged */

/* The interval of an ordering operator. */
struct bounds {
    const struct match_value *low, *high; /* NULL: none */
    int low_open, high_open;
};

static int is_item_op(const struct match_op *op)
{
    return !op->negative && op->code != MC_EXISTS && op->code != MC_TEST;
}

static int is_ordering(const struct match_op *op)
{
    return op->code >= MC_GT && op->code <= MC_BETWEEN;
}

static struct bounds bounds_of(const struct match_op *op)
{
    struct bounds b = {0};

    if (op->code == MC_GT || op->code == MC_GTE || op->code == MC_BETWEEN)
        b.low = &op->args[0];
    if (op->code == MC_LT || op->code == MC_LTE)
        b.high = &op->args[0];
    if (op->code == MC_BETWEEN)
        b.high = &op->args[1];
    b.low_open = op->code == MC_GT;
    b.high_open = op->code == MC_LT;
    return b;
}

/* --- contradictions
 * --------------------------------------------------------------------------------------------------- */

/* Severities are five: nothing is above the last or below the first, nothing between neighbours. */
static int misses_severities(struct bounds b)
{
    int64_t low = 0, high = 4;

    if (b.low != NULL && b.low->type == MV_SEVERITY)
        low = b.low->i + b.low_open;
    if (b.high != NULL && b.high->type == MV_SEVERITY)
        high = b.high->i - b.high_open;
    return low > high;
}

static int is_empty(struct bounds b)
{
    int order;

    if ((b.low != NULL && b.low->type == MV_SEVERITY) || (b.high != NULL && b.high->type == MV_SEVERITY))
        return misses_severities(b);
    if (b.low == NULL || b.high == NULL)
        return 0;
    order = match_value_cmp(b.low, b.high);
    return order != 2 && (order > 0 || (order == 0 && (b.low_open || b.high_open)));
}

static int contradicts_bounds(const struct match_group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (!is_ordering(&group->ops[i]))
            continue;
        for (uint32_t j = i; j < group->count; j++) {
            struct bounds a, b;
            if (!is_ordering(&group->ops[j]))
                continue;
            a = bounds_of(&group->ops[i]);
            b = bounds_of(&group->ops[j]);
            if (is_empty(a) || is_empty((struct bounds){a.low, b.high, a.low_open, b.high_open}) ||
                is_empty((struct bounds){b.low, a.high, b.low_open, a.high_open}))
                return 1;
        }
    }
    return 0;
}

/* Whether a constant meets all of the group; also when a pattern gave up on it. */
static int constant_meets(const struct match_group *group, const struct match_value *constant)
{
    struct match_run run = {0};
    struct belfry_value value;
    int meets = 1;

    match_value_view(constant, &value);
    for (uint32_t i = 0; i < group->count && meets; i++) {
        const struct match_op *op = &group->ops[i];
        if (op->code == MC_EXISTS)
            meets = op->args[0].i != 0;
        else if (op->code == MC_TEST)
            meets = match_test_holds(&run, op->test, &value) != op->negative;
        else
            meets = match_op_holds(&run, op, &value) != op->negative;
    }
    if (run.note != NULL)
        meets = 1;
    match_run_end(&run);
    return meets;
}

static size_t weight(const struct match_group *group)
{
    size_t total = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        total += group->ops[i].count + 1;
        if (group->ops[i].code == MC_TEST)
            for (uint32_t j = 0; j < group->ops[i].test->count; j++)
                total += weight(&group->ops[i].test->groups[j]);
    }
    return total;
}

/* None of the values that it must have passes the rest. */
static int contradicts_constants(const struct match_group *group, const struct match_op *in)
{
    if (weight(group) * in->count > MAX_TRIALS)
        return 0;
    for (uint32_t i = 0; i < in->count; i++)
        if (constant_meets(group, &in->args[i]))
            return 0;
    return 1;
}

int match_group_contradicts(const struct match_group *group)
{
    uint32_t types = UINT32_MAX;
    int items = 0, absent = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        const struct match_op *op = &group->ops[i];
        if (op->code == MC_EXISTS)
            absent |= op->args[0].i == 0;
        if (!is_item_op(op))
            continue;
        items = 1;
        types &= match_op_types(op);
        if (op->code == MC_IN && contradicts_constants(group, op))
            return 1;
    }
    return items && (absent || types == 0 || contradicts_bounds(group));
}

/* --- one operator and another
 * ----------------------------------------------------------------------------------------- */

static int same_constants(const struct match_op *a, const struct match_op *b)
{
    if (a->count != b->count)
        return 0;
    for (uint32_t i = 0; i < a->count; i++)
        if (match_value_cmp(&a->args[i], &b->args[i]) != 0)
            return 0;
    return 1;
}

static int has_part(struct belfry_str whole, struct belfry_str part)
{
    return part.len == 0 || (whole.len > 0 && memmem(whole.ptr, whole.len, part.ptr, part.len) != NULL);
}

/* A text that begins with abc begins with ab and contains bc. */
static int texts_imply(const struct match_op *b, const struct match_op *a)
{
    struct belfry_str from, to;

    if (b->code > MC_CONTAINS || b->fold != a->fold)
        return 0;
    from = b->args[0].s;
    to = a->args[0].s;
    if (a->code == MC_CONTAINS)
        return has_part(from, to);
    return a->code == b->code && (a->code == MC_PREFIX ? str_has_prefix(from, to) : str_has_suffix(from, to));
}

static int bounds_imply(const struct match_op *b, const struct match_op *a)
{
    struct bounds inner = bounds_of(b), outer = bounds_of(a);
    int order;

    if (outer.low != NULL) {
        order = inner.low != NULL ? match_value_cmp(inner.low, outer.low) : -1;
        if (order < 0 || order == 2 || (order == 0 && outer.low_open && !inner.low_open))
            return 0;
    }
    if (outer.high != NULL) {
        order = inner.high != NULL ? match_value_cmp(inner.high, outer.high) : 1;
        if (order > 0 || (order == 0 && outer.high_open && !inner.high_open))
            return 0;
    }
    return 1;
}

static int constants_imply(const struct match_op *b, const struct match_op *a)
{
    struct match_group group = {a, 1};

    if (b->fold && (!a->fold || a->code == MC_REGEX))
        return 0;
    for (uint32_t i = 0; i < b->count; i++) {
        struct match_run run = {0};
        struct belfry_value value;
        int holds;
        match_value_view(&b->args[i], &value);
        holds = match_op_holds(&run, group.ops, &value);
        match_run_end(&run);
        if (!holds)
            return 0;
    }
    return 1;
}

/* Every single value that meets the positive form of b meets that of a. Neither is exists or a nested test. */
static int op_implies(const struct match_op *b, const struct match_op *a)
{
    if (b->code == MC_IN)
        return constants_imply(b, a);
    if (is_ordering(b) && is_ordering(a))
        return bounds_imply(b, a);
    if (b->code != a->code)
        return b->code >= MC_PREFIX && a->code == MC_CONTAINS && texts_imply(b, a);
    if (b->code == MC_REGEX)
        return a->regex != NULL && b->regex != NULL && match_regex_same(a->regex, b->regex);
    if (b->code == MC_GLOB)
        return a->fold == b->fold && same_constants(a, b);
    return b->code >= MC_PREFIX && b->code <= MC_CONTAINS && texts_imply(b, a);
}

/* --- groups and tests
 * -------------------------------------------------------------------------------------------------- */

/* Whether b being met makes this operator of a hold. */
static int group_implies_op(const struct match_group *b, const struct match_op *a, int64_t *budget)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const struct match_op *op = &b->ops[i];
        *budget -= 1 + (int64_t)op->count * (a->count + 1);
        if (*budget < 0)
            return 0;
        if (a->code == MC_EXISTS) {
            if (op->code == MC_EXISTS ? op->args[0].i == a->args[0].i : is_item_op(op) && a->args[0].i)
                return 1;
        } else if (a->code == MC_TEST) {
            if (op->code == MC_TEST && match_test_covers(op->test, a->test, budget))
                return 1;
        } else if (op->code != MC_EXISTS && op->code != MC_TEST && op->negative == a->negative) {
            /* what is never x is never what implies x */
            if (a->negative ? op_implies(a, op) : op_implies(op, a))
                return 1;
        }
    }
    return 0;
}

static int group_covers(const struct match_group *a, const struct match_group *b, int64_t *budget)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (!group_implies_op(b, &a->ops[i], budget))
            return 0;
    return 1;
}

int match_test_covers(const struct match_test *a, const struct match_test *b, int64_t *budget)
{
    for (uint32_t i = 0; i < b->count; i++) {
        int covered = 0;
        for (uint32_t j = 0; j < a->count && !covered; j++)
            covered = group_covers(&a->groups[j], &b->groups[i], budget);
        if (!covered)
            return 0;
    }
    return 1;
}
