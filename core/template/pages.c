/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of pages, by name; all live in one arena as long as their owner does. */
#include "template/pages.h"
#include "base/hash.h"
#include "base/mem.h"

struct pages {
    struct arena *arena;
    struct hash *templates;
    struct texts *texts;
    uint32_t times; /* the limits of templates */
};

struct pages *pages_new(void)
{
    struct pages *pages = xcalloc(1, sizeof(*pages));
    pages->arena = arena_new(4096);
    pages->templates = hash_new();
    pages->texts = texts_new();
    pages->times = 1;
    return pages;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    hash_free(pages->templates, NULL);
    texts_free(pages->texts);
    arena_free(pages->arena);
    free(pages);
}

void pages_allow(struct pages *pages, uint32_t times)
{
    pages->times = times;
}

struct texts *pages_texts(struct pages *pages)
{
    return pages->texts;
}

belfry_status pages_add(struct pages *pages, const char *name, struct belfry_str text, struct error *err)
{
    const struct belfry_template *made = template_compile(pages->arena, text, err);
    if (!made)
        return BELFRY_EINVAL;
    hash_set(pages->templates, arena_str(pages->arena, str_of(name)), (void *)(uintptr_t)made);
    return BELFRY_OK;
}

static const struct belfry_template *partial(void *arg, struct belfry_str name)
{
    const struct pages *pages = arg;
    return hash_get(pages->templates, name);
}

belfry_status pages_render(struct pages *pages, struct belfry_str locale, const char *name, json_t *model,
                           struct buf *out)
{
    const struct belfry_template *found = partial(pages, str_of(name));
    json_t *tree = texts_tree(pages->texts, locale);
    if (!found)
        return BELFRY_ENOTFOUND;
    if (tree)
        json_object_set(model, "t", tree);
    struct belfry_view view = json_view(model);
    belfry_status status = template_render_large(found, &view, TEMPLATE_HTML, pages->times, partial, pages, out);
    json_object_del(model, "t");
    return status;
}
