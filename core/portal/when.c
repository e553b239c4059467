/* SPDX-License-Identifier: Apache-2.0 */
/* A condition as people write it: JSON, or YAML as in the configuration. Nothing in it is substituted: `${env:X}` is
 * what it looks like. */
#include "portal/internal.h"

#include "yaml/diag.h"
#include "yaml/tree.h"

static int from_json(struct page *page, struct belfry_str text, json_t **out, const char **fault)
{
    struct error err = {0};
    *out = json_read(text, &err);
    if (!*out)
        *fault = arena_printf(page->req->arena, "%s", error_text(&err));
    error_clear(&err);
    return *out ? 0 : -1;
}

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
    *out = NULL;
    if (!text.len)
        return 0;
    return text.ptr[0] == '{' ? from_json(page, text, out, fault) : from_yaml(page, text, out, fault);
}
