/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates from bytes. The input is the template and, after the first NUL, JSON parameters; without parameters, fixed
 * ones. The template is its own partial under every name, so that recursion and indentation are reached.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] =
    "{\"a\":{\"b\":\"<text>\",\"a\":[1,2.5,null,true]},\"b\":[\"x\",\"\",[\"y\"]],\"c\":false,\"d\":\"\\u00e9\\n&\"}";

static const struct belfry_template *itself(void *arg, struct belfry_str name)
{
    return name.len == 0 ? NULL : arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct belfry_str rest, source = str_cut(str_slice((const char *)data, size), '\0', &rest);
    struct arena *arena = arena_new(0);
    const struct belfry_template *tpl = template_compile(arena, source, NULL);
    json_t *root = json_read(rest.len > 0 ? rest : str_slice(fixed, sizeof(fixed) - 1), NULL);

    if (tpl != NULL && root != NULL) {
        struct belfry_view view = json_view(root);
        struct buf out = {0};
        belfry_status status = template_render(tpl, &view, TEMPLATE_HTML, itself, (void *)(uintptr_t)tpl, &out);
        if (out.len > TEMPLATE_MAX_OUTPUT || (status != 0 && out.len > 0))
            abort();
        template_render(tpl, &view, TEMPLATE_TEXT, NULL, NULL, &out);
        buf_free(&out);
    }
    json_decref(root);
    arena_free(arena);
    return 0;
}
