/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles blocks to a flat array of nodes in preorder. An `all` inside of an `all` and a block with one child leave no
 * node of their own, so that what is evaluated and traced is as small as it can be said.
 *
 * Invariants: node i's children end where node i ends; a NOT has exactly one child; an ANY has at least two; the array
 * is empty for a condition that matches all.
 */
#include "match/tree.h"

#include "base/mem.h"

#include <stdlib.h>

#define MAX_NODES 4096 /* tests and blocks; values of a list are not counted */

static void compile_block(struct match_compiler *c, const struct match_input *in, struct match_place place);

static uint32_t add_node(struct match_compiler *c, enum match_node_kind kind, struct match_place place)
{
    struct match_node *node;

    c->nodes = xgrow(c->nodes, &c->cap, c->count + 1, sizeof(*c->nodes));
    node = &c->nodes[c->count];
    memset(node, 0, sizeof(*node));
    node->kind = kind;
    node->span = match_span(place);
    return (uint32_t)c->count++;
}

static void remove_node(struct match_compiler *c, uint32_t at)
{
    memmove(&c->nodes[at], &c->nodes[at + 1], (c->count - at - 1) * sizeof(*c->nodes));
    c->count--;
    for (size_t i = at; i < c->count; i++)
        c->nodes[i].end--;
}

/* Ends a node. Children of its own kind give it their children; with one child it gives way to that. */
static void end_node(struct match_compiler *c, uint32_t at)
{
    enum match_node_kind kind = c->nodes[at].kind;

    c->nodes[at].end = (uint32_t)c->count;
    if (kind == MN_NOT)
        return;
    for (uint32_t i = at + 1; i < c->count;) {
        if (c->nodes[i].kind == kind && (kind == MN_ALL || c->nodes[i].end > i + 1)) {
            remove_node(c, i);
            c->nodes[at].end--;
        } else {
            i = c->nodes[i].end;
        }
    }
    if (c->count > at + 1 && c->nodes[at + 1].end == c->count)
        remove_node(c, at);
}

static void compile_leaf(struct match_compiler *c, const struct match_member *member)
{
    int64_t path = match_path_add(c, member->key, member->key_place);
    size_t before = c->errors;
    int severity = path >= 0 && c->paths[path].severity;
    const struct match_test *test = match_test_compile(c, member->value, severity, 0);
    uint32_t at;

    if (path < 0 || test == NULL || c->errors > before)
        return;
    at = add_node(c, MN_LEAF, member->key_place);
    c->nodes[at].path = (uint32_t)path;
    c->nodes[at].test = test;
    c->nodes[at].label = match_label(c->arena, member->value);
    c->nodes[at].end = (uint32_t)c->count;
}

static void compile_list(struct match_compiler *c, enum match_node_kind kind, const struct match_input *in,
                         struct match_place place)
{
    uint32_t at = add_node(c, kind, place);

    if (in->count == 0)
        match_error(c, "H411", in->place, (struct match_hint){.help = "{} matches everything"},
                    "an empty list of blocks");
    for (size_t i = 0; i < in->count; i++)
        compile_block(c, in->members[i].value, in->members[i].value->place);
    end_node(c, at);
}

/* any: and all: */
static void compile_blocks(struct match_compiler *c, enum match_node_kind kind, const struct match_member *member)
{
    const char *name = kind == MN_ANY ? "any" : "all";
    struct match_hint hint = {0};

    if (member->value->kind == IN_LIST) {
        compile_list(c, kind, member->value, member->key_place);
        return;
    }
    hint.help = arena_printf(c->arena, "%s: [{PATH: test}, {PATH: test}]", name);
    match_error(c, "H210", member->value->place, hint, "`%s` wants a list of blocks, found %s", name,
                match_describe(c->arena, member->value));
}

static void compile_not(struct match_compiler *c, const struct match_member *member)
{
    uint32_t at = add_node(c, MN_NOT, member->key_place);
    size_t inner = c->count, before = c->errors;

    compile_block(c, member->value, member->key_place);
    if (c->errors == before && c->nodes[inner].kind == MN_ALL && c->nodes[inner].end == inner + 1)
        match_error(c, "H404", member->key_place, (struct match_hint){0}, "`not` of a block that matches everything");
    end_node(c, at);
}

static void compile_map(struct match_compiler *c, const struct match_input *in, struct match_place place)
{
    uint32_t at = add_node(c, MN_ALL, place);

    for (size_t i = 0; i < in->count; i++) {
        const struct match_member *member = &in->members[i];
        if (c->count > MAX_NODES)
            compile_block(c, in, place);
        else if (str_eqz(member->key, "any"))
            compile_blocks(c, MN_ANY, member);
        else if (str_eqz(member->key, "all"))
            compile_blocks(c, MN_ALL, member);
        else if (str_eqz(member->key, "not"))
            compile_not(c, member);
        else
            compile_leaf(c, member);
    }
    end_node(c, at);
}

static void compile_block(struct match_compiler *c, const struct match_input *in, struct match_place place)
{
    if (c->too_large)
        return;
    if (c->count > MAX_NODES) {
        c->too_large = 1;
        match_error(c, "H204", in->place, (struct match_hint){0}, "a condition has at most %d tests", MAX_NODES);
    } else if (in->kind == IN_MAP)
        compile_map(c, in, place);
    else if (in->kind == IN_LIST)
        compile_list(c, MN_ANY, in, place);
    else
        match_error(c, "H210", in->place,
                    (struct match_hint){.help = "a block is a map of PATH: test; {} matches everything"},
                    "expected conditions, found %s", match_describe(c->arena, in));
}

/* Takes the nodes and paths into the arena. */
static struct belfry_condition *finish(struct match_compiler *c)
{
    struct belfry_condition *cond = arena_alloc(c->arena, sizeof(*cond));
    struct match_path *paths;
    struct belfry_str *names;

    if (c->count == 1 && c->nodes[0].kind == MN_ALL)
        c->count = 0;
    if (c->count == 0)
        return cond;
    cond->nodes = arena_memdup(c->arena, c->nodes, c->count * sizeof(*c->nodes));
    cond->count = (uint32_t)c->count;
    if (c->path_count == 0)
        return cond;
    paths = arena_memdup(c->arena, c->paths, c->path_count * sizeof(*paths));
    names = arena_alloc(c->arena, c->path_count * sizeof(*names));
    for (size_t i = 0; i < c->path_count; i++)
        names[i] = paths[i].name;
    cond->paths = paths;
    cond->names = names;
    cond->path_count = (uint32_t)c->path_count;
    match_fill_required(c->arena, cond, paths);
    return cond;
}

static const struct belfry_condition *compile(struct match_compiler *c, const struct match_input *in)
{
    struct belfry_condition *cond = NULL;

    if (in != NULL)
        compile_block(c, in, in->place);
    if (c->errors == 0)
        cond = finish(c);
    free(c->nodes);
    free(c->paths);
    return cond;
}

const struct belfry_condition *match_compile(struct arena *arena, struct diag_set *diags, const struct yaml_node *block,
                                             const char *const *paths, uint32_t flags)
{
    struct match_compiler c = {.arena = arena, .diags = diags, .allowed = paths, .flags = flags};
    struct arena *input = arena_new(0);
    const struct belfry_condition *cond = compile(&c, block != NULL ? match_input_yaml(input, block) : NULL);

    arena_free(input);
    return cond;
}

const struct belfry_condition *match_compile_json(struct arena *arena, const json_t *block, const char *const *paths,
                                                  uint32_t flags, struct error *err)
{
    struct match_compiler c = {.arena = arena, .err = err, .allowed = paths, .flags = flags};
    struct arena *input = arena_new(0);
    const struct belfry_condition *cond = compile(&c, block != NULL ? match_input_json(input, block) : NULL);

    arena_free(input);
    return cond;
}

const struct belfry_str *match_paths(const struct belfry_condition *cond, size_t *count)
{
    *count = cond->path_count;
    return cond->names;
}

int match_reads(const struct belfry_condition *cond, const char *segment)
{
    for (uint32_t i = 0; i < cond->path_count; i++)
        if (str_eqz(cond->paths[i].segments.items[0], segment))
            return 1;
    return 0;
}
