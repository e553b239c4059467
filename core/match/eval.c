/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluates conditions. Without a trace it stops at the first answer; with one it visits every node once, keeps the
 * steps, and reports them parents first when all results are known. Both call the same function for a leaf, and what a
 * pattern may cost is counted for each leaf anew, so they cannot differ.
 */
#include "match/tree.h"

#include "base/mem.h"

#include <stdlib.h>

/* --- without a trace
 * -------------------------------------------------------------------------------------------------- */

static int leaf_holds(const struct belfry_condition *cond, const struct match_node *node, struct match_run *run,
                      struct belfry_value *value)
{
    match_path_get(&cond->paths[node->path], run->view, value);
    run->regex_steps = run->glob_steps = 0;
    run->note = NULL;
    return match_test_holds(run, node->test, value);
}

static int node_holds(const struct belfry_condition *cond, uint32_t i, struct match_run *run)
{
    const struct match_node *node = &cond->nodes[i];
    int stop_at = node->kind == MN_ANY;
    struct belfry_value value;

    if (node->kind == MN_LEAF)
        return leaf_holds(cond, node, run, &value);
    if (node->kind == MN_NOT)
        return !node_holds(cond, i + 1, run);
    for (uint32_t child = i + 1; child < node->end; child = cond->nodes[child].end)
        if (node_holds(cond, child, run) == stop_at)
            return stop_at;
    return !stop_at;
}

/* --- with a trace
 * ----------------------------------------------------------------------------------------------------- */

struct tracer {
    const struct belfry_condition *cond;
    struct match_run run;
    struct match_step *steps; /* one for each node */
    struct arena *arena;      /* strings of the steps */
};

/* Why a test could not hold: none of its operators ever holds on values of this type. */
static const char *mismatch(struct tracer *t, const struct match_test *test, const struct belfry_value *value)
{
    uint32_t types = 0;

    if (value->type == BELFRY_VALUE_MISSING || value->type == BELFRY_VALUE_NULL || value->type == BELFRY_VALUE_ARRAY)
        return NULL;
    for (uint32_t i = 0; i < test->count; i++) {
        for (uint32_t j = 0; j < test->groups[i].count; j++) {
            const struct match_op *op = &test->groups[i].ops[j];
            if (op->negative || op->code == MC_EXISTS || op->code == MC_TEST)
                return NULL;
            types |= match_op_types(op);
        }
    }
    if ((types & 1u << value->type) != 0)
        return NULL;
    return arena_printf(t->arena, "type mismatch: event has %s", match_type_name(value->type));
}

static int trace_leaf(struct tracer *t, const struct match_node *node, struct match_step *step)
{
    const struct match_path *path = &t->cond->paths[node->path];
    struct belfry_value value;
    struct buf actual = {0};

    step->result = leaf_holds(t->cond, node, &t->run, &value);
    step->path = arena_strndup(t->arena, path->name.ptr, path->name.len);
    step->test = node->label;
    match_print_value(t->run.view, &value, &actual);
    step->actual = arena_strndup(t->arena, actual.ptr, actual.len);
    buf_free(&actual);
    if (t->run.note != NULL)
        step->note = t->run.note;
    else if (!step->result)
        step->note = mismatch(t, node->test, &value);
    return step->result;
}

static int trace_node(struct tracer *t, uint32_t i, uint32_t depth)
{
    static const char *const names[] = {[MN_ALL] = "all", [MN_ANY] = "any", [MN_NOT] = "not"};
    const struct match_node *node = &t->cond->nodes[i];
    struct match_step *step = &t->steps[i];
    int trues = 0, falses = 0;

    step->depth = depth;
    step->span = node->span;
    if (node->kind == MN_LEAF)
        return trace_leaf(t, node, step);
    step->test = names[node->kind];
    for (uint32_t child = i + 1; child < node->end; child = t->cond->nodes[child].end) {
        if (trace_node(t, child, depth + 1))
            trues++;
        else
            falses++;
    }
    step->result = node->kind == MN_ANY ? trues > 0 : node->kind == MN_ALL ? falses == 0 : trues == 0;
    return step->result;
}

static int eval_traced(const struct belfry_condition *cond, const struct belfry_view *view, match_trace_fn trace,
                       void *arg)
{
    struct tracer t = {.cond = cond, .run = {.view = view}, .arena = arena_new(0)};
    /* the outermost `all` is the block itself and no step */
    uint32_t skipped = cond->nodes[0].kind == MN_ALL;
    int result;

    t.steps = xcalloc(cond->count, sizeof(*t.steps));
    result = trace_node(&t, 0, 0);
    for (uint32_t i = skipped; i < cond->count; i++) {
        t.steps[i].depth -= skipped;
        trace(arg, &t.steps[i]);
    }
    free(t.steps);
    match_run_end(&t.run);
    arena_free(t.arena);
    return result;
}

int match_eval(const struct belfry_condition *cond, const struct belfry_view *view, match_trace_fn trace, void *arg)
{
    struct match_run run = {.view = view};
    int result;

    if (cond->count == 0)
        return 1;
    if (trace != NULL)
        return eval_traced(cond, view, trace, arg);
    result = node_holds(cond, 0, &run);
    match_run_end(&run);
    return result;
}
