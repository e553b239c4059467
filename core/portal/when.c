/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition as people write it: JSON, or YAML as in the configuration, also in braces. Nearly all JSON is YAML, so
 * what is wrong with either is said by the reader of YAML. Nothing in it is substituted: `${env:X}` is what it looks
 * like.
 */
#include "portal/internal.h"

#include "yaml/diag.h"
#include "yaml/tree.h"

static int from_yaml(struct page *page, struct belfry_str text, json_t **out, const char **fault)
{
    struct diag_set *diags = diag_set_new();
    const struct yaml_node *tree = yaml_load(page->req->arena, diags, diag_add_file(diags, "when", text));
    const struct diag *first = diag_count(diags, DIAG_ERROR) ? diag_get(diags, 0) : NULL;
    if (first)
        *fault = arena_printf(page->req->arena, "line %u: %s", first->span.line, first->message);
    else if (!tree)
        *fault = "there is no condition in it";
    else
        *out = yaml_to_json(tree);
    diag_set_free(diags);
    return *out ? 0 : -1;
}

int when_read(struct page *page, struct belfry_str text, json_t **out, const char **fault)
{
    text = str_trim(text);
    *out = text.len ? json_read(text, NULL) : NULL;
    return *out || !text.len ? 0 : from_yaml(page, text, out, fault);
}
