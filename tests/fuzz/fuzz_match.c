/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions from bytes: a block as YAML and, after the first NUL, a JSON document; without one, a fixed one. What
 * compiles must give one answer with and without a trace, cover itself, and need what it says it needs.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "match/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] =
    "{\"type\":\"check_run.completed\",\"severity\":\"error\",\"data\":{\"a\":[\"x\",5,null,2.5],"
    "\"b\":{\"c\":\"2026-01-31T08:00:00Z\"},\"d\":true}}";
static const char *const paths[] = {"type", "severity", "data.*", NULL};

static void count_step(void *arg, const struct match_step *step)
{
    if (step->test == NULL || (step->path == NULL) != (step->actual == NULL))
        abort();
    ++*(size_t *)arg;
}

static void evaluate(const struct belfry_condition *cond, const struct belfry_view *view)
{
    size_t steps = 0, count;
    int holds = match_eval(cond, view, NULL, NULL);

    if (match_eval(cond, view, count_step, &steps) != holds)
        abort();
    match_paths(cond, &count);
    if (steps < count)
        abort();
    match_required(cond, "type", &count);
    match_covers(cond, cond);
}

static void from_yaml(struct arena *arena, struct belfry_str text, const struct belfry_view *view, uint32_t flags)
{
    struct diag_set *diags = diag_set_new();
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "when.yaml", text));
    const struct belfry_condition *cond = root != NULL ? match_compile(arena, diags, root, paths, flags) : NULL;
    json_t *block = cond != NULL ? yaml_to_json(root) : NULL;

    if (cond != NULL)
        evaluate(cond, view);
    else if (root != NULL && diag_count(diags, DIAG_ERROR) == 0)
        abort();
    if (block != NULL)
        match_compile_json(arena, block, NULL, flags, NULL);
    json_decref(block);
    diag_set_free(diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct belfry_str rest, text = str_cut(str_slice((const char *)data, size), '\0', &rest);
    struct arena *arena = arena_new(0);
    json_t *root = json_read(rest.len > 0 ? rest : str_slice(fixed, sizeof(fixed) - 1), NULL);

    if (root != NULL) {
        struct belfry_view view = json_view(root);
        from_yaml(arena, text, &view, MATCH_SEVERITY);
    }
    json_decref(root);
    arena_free(arena);
    return 0;
}
