/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test says of a value. Two-valued logic: an operator holds or it does not; nothing is converted, so values of
 * different types are just not equal and not ordered.
 *
 * A list meets a group when one and the same item meets all of its positive operators, and no item meets what a
 * negative one names. Items that are lists or maps meet nothing.
 */
#include "match/tree.h"

#include "base/clock.h"
#include "event/event.h"

#include <math.h>

/* --- constants and order ------------------------------------------------------------------------------------------ */

static int sign(int greater, int less)
{
    return greater - less;
}

/* Exact: a double has 53 bits of precision, an integer 63. */
static int cmp_int_real(int64_t i, double d)
{
    double whole;

    if (d >= 0x1p63)
        return -1;
    if (d < -0x1p63)
        return 1;
    whole = trunc(d);
    if (i != (int64_t)whole)
        return sign(i > (int64_t)whole, i < (int64_t)whole);
    return sign(whole > d, whole < d);
}

static int cmp_number(const struct match_value *a, const struct match_value *b)
{
    if (a->type == MV_INT && b->type == MV_INT)
        return sign(a->i > b->i, a->i < b->i);
    if (a->type == MV_REAL && b->type == MV_REAL)
        return sign(a->d > b->d, a->d < b->d);
    return a->type == MV_INT ? cmp_int_real(a->i, b->d) : -cmp_int_real(b->i, a->d);
}

static int is_number(const struct match_value *v)
{
    return v->type == MV_INT || v->type == MV_REAL;
}

int match_value_cmp(const struct match_value *a, const struct match_value *b)
{
    if (is_number(a) && is_number(b))
        return cmp_number(a, b);
    if (a->type != b->type)
        return 2;
    switch (a->type) {
    case MV_NULL:
        return 0;
    case MV_STRING:
    case MV_DATE:
        return str_cmp(a->s, b->s);
    default:
        return sign(a->i > b->i, a->i < b->i);
    }
}

int match_is_date(struct belfry_str s)
{
    static const char shape[] = "0000-00-00";

    if (s.len != 10)
        return 0;
    for (size_t i = 0; i < 10; i++)
        if (shape[i] == '-' ? s.ptr[i] != '-' : s.ptr[i] < '0' || s.ptr[i] > '9')
            return 0;
    return 1;
}

void match_value_view(const struct match_value *constant, struct belfry_value *out)
{
    static const uint32_t types[] = {[MV_NULL] = BELFRY_VALUE_NULL,
                                     [MV_BOOL] = BELFRY_VALUE_BOOL,
                                     [MV_INT] = BELFRY_VALUE_INT,
                                     [MV_REAL] = BELFRY_VALUE_REAL,
                                     [MV_STRING] = BELFRY_VALUE_STRING};

    memset(out, 0, sizeof(*out));
    if (constant->type > MV_STRING)
        return;
    out->type = types[constant->type];
    if (constant->type == MV_REAL)
        out->d = constant->d;
    else if (constant->type == MV_STRING)
        out->s = constant->s;
    else if (constant->type != MV_NULL)
        out->i = constant->i;
}

/* The value as a constant of the class of `like`. 0 when it is none. */
static int as_constant(const struct belfry_value *value, enum match_value_type like, struct match_value *out)
{
    memset(out, 0, sizeof(*out));
    out->type = like;
    switch (like) {
    case MV_INT:
    case MV_REAL:
        out->type = value->type == BELFRY_VALUE_INT ? MV_INT : MV_REAL;
        if (value->type == BELFRY_VALUE_INT)
            out->i = value->i;
        else
            out->d = value->d;
        return value->type == BELFRY_VALUE_INT || (value->type == BELFRY_VALUE_REAL && !isnan(value->d));
    case MV_INSTANT:
        return value->type == BELFRY_VALUE_STRING && time_parse(value->s, &out->i) == 0;
    case MV_DATE:
        out->s = str_slice(value->s.ptr, value->s.len < 10 ? value->s.len : 10);
        return value->type == BELFRY_VALUE_STRING && match_is_date(out->s) &&
               (value->s.len == 10 || value->s.ptr[10] == 'T' || value->s.ptr[10] == ' ');
    case MV_SEVERITY:
        out->i = value->type == BELFRY_VALUE_STRING ? severity_parse(value->s) : -1;
        return out->i >= 0;
    default:
        return 0;
    }
}

/* --- one operator on one value ------------------------------------------------------------------------------------ */

static int equals(const struct match_value *arg, const struct belfry_value *value, struct belfry_str text)
{
    struct match_value number;

    switch (arg->type) {
    case MV_NULL:
        return value->type == BELFRY_VALUE_NULL;
    case MV_BOOL:
        return value->type == BELFRY_VALUE_BOOL && !value->i == !arg->i;
    case MV_INT:
    case MV_REAL:
        return as_constant(value, arg->type, &number) && cmp_number(&number, arg) == 0;
    default:
        return value->type == BELFRY_VALUE_STRING && str_eq(text, arg->s);
    }
}

static int is_in(const struct match_op *op, const struct belfry_value *value, struct belfry_str text)
{
    for (uint32_t i = 0; i < op->count; i++)
        if (equals(&op->args[i], value, text))
            return 1;
    return 0;
}

static int is_ordered(const struct match_op *op, const struct belfry_value *value)
{
    struct match_value constant;
    int order;

    if (!as_constant(value, op->args[0].type, &constant))
        return 0;
    order = match_value_cmp(&constant, &op->args[0]);
    switch (op->code) {
    case MC_GT:
        return order > 0;
    case MC_GTE:
        return order >= 0;
    case MC_LT:
        return order < 0;
    case MC_LTE:
        return order <= 0;
    default:
        return order >= 0 && match_value_cmp(&constant, &op->args[1]) <= 0;
    }
}

static int holds_text(struct match_run *run, const struct match_op *op, struct belfry_str text)
{
    switch (op->code) {
    case MC_PREFIX:
        return str_has_prefix(text, op->args[0].s);
    case MC_SUFFIX:
        return str_has_suffix(text, op->args[0].s);
    case MC_CONTAINS:
        return op->args[0].s.len == 0 ||
               (text.len > 0 && memmem(text.ptr, text.len, op->args[0].s.ptr, op->args[0].s.len) != NULL);
    case MC_GLOB:
        return match_glob(run, op->args[0].s, text);
    default:
        return op->regex != NULL && match_regex_search(run, op->regex, text);
    }
}

/* A positive operator that looks at single values; not exists and not a nested test. */
int match_op_holds(struct match_run *run, const struct match_op *op, const struct belfry_value *value)
{
    struct belfry_str text = value->type == BELFRY_VALUE_STRING ? value->s : STR("");

    if (op->fold && op->code != MC_REGEX && value->type == BELFRY_VALUE_STRING) {
        buf_clear(&run->folded);
        match_fold(text, &run->folded);
        text = buf_str(&run->folded);
    }
    switch (op->code) {
    case MC_IN:
        return is_in(op, value, text);
    case MC_GT:
    case MC_GTE:
    case MC_LT:
    case MC_LTE:
    case MC_BETWEEN:
        return is_ordered(op, value);
    default:
        return value->type == BELFRY_VALUE_STRING && holds_text(run, op, text);
    }
}

static uint32_t constant_types(const struct match_value *arg)
{
    switch (arg->type) {
    case MV_NULL:
        return 1u << BELFRY_VALUE_NULL;
    case MV_BOOL:
        return 1u << BELFRY_VALUE_BOOL;
    case MV_INT:
    case MV_REAL:
        return 1u << BELFRY_VALUE_INT | 1u << BELFRY_VALUE_REAL;
    default:
        return 1u << BELFRY_VALUE_STRING;
    }
}

uint32_t match_op_types(const struct match_op *op)
{
    uint32_t types = 0;

    if (op->code >= MC_PREFIX && op->code <= MC_REGEX)
        return 1u << BELFRY_VALUE_STRING;
    for (uint32_t i = 0; i < op->count; i++)
        types |= constant_types(&op->args[i]);
    return types;
}

/* --- groups and tests --------------------------------------------------------------------------------------------- */

static int is_item_op(const struct match_op *op)
{
    return !op->negative && op->code != MC_EXISTS && op->code != MC_TEST;
}

static int item_holds(struct match_run *run, const struct match_group *group, const struct belfry_value *item)
{
    for (uint32_t i = 0; i < group->count; i++)
        if (is_item_op(&group->ops[i]) && !match_op_holds(run, &group->ops[i], item))
            return 0;
    return 1;
}

/* 1 when the value, or any item of it, meets the one operator, or without one the group's positive operators. */
static int any_holds(struct match_run *run, const struct match_group *group, const struct match_op *op,
                     const struct belfry_value *value)
{
    if (value->type != BELFRY_VALUE_ARRAY)
        return op != NULL ? match_op_holds(run, op, value) : item_holds(run, group, value);
    for (uint32_t i = 0; i < value->count; i++) {
        struct belfry_value item = {0};
        run->view->at(run->view, value, i, &item);
        if (op != NULL ? match_op_holds(run, op, &item) : item_holds(run, group, &item))
            return 1;
    }
    return 0;
}

/* exists, `not` and the negative operators look at the value as a whole. */
static int whole_holds(struct match_run *run, const struct match_op *op, const struct belfry_value *value)
{
    if (op->code == MC_EXISTS)
        return (value->type != BELFRY_VALUE_MISSING) == (op->args[0].i != 0);
    if (op->code == MC_TEST)
        return match_test_holds(run, op->test, value) != op->negative;
    return !any_holds(run, NULL, op, value);
}

static int group_holds(struct match_run *run, const struct match_group *group, const struct belfry_value *value)
{
    int items = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        if (is_item_op(&group->ops[i]))
            items = 1;
        else if (!whole_holds(run, &group->ops[i], value))
            return 0;
    }
    return !items || any_holds(run, group, NULL, value);
}

int match_test_holds(struct match_run *run, const struct match_test *test, const struct belfry_value *value)
{
    for (uint32_t i = 0; i < test->count; i++)
        if (group_holds(run, &test->groups[i], value))
            return 1;
    return 0;
}
