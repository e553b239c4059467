/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of pages, by name; all live in one arena as long as their owner does. */
#include "template/pages.h"
#include "base/hash.h"
#include "base/mem.h"
#include "template/times.h"

struct pages {
    struct arena *arena;
    struct hash *templates;
    struct texts *texts;
    struct times *clock;
    uint32_t times; /* the limits of templates */
};

struct pages *pages_new(void)
{
    struct pages *pages = xcalloc(1, sizeof(*pages));
    pages->arena = arena_new(4096);
    pages->templates = hash_new();
    pages->texts = texts_new();
    pages->clock = times_new();
    pages->times = 1;
    return pages;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    hash_free(pages->templates, NULL);
    texts_free(pages->texts);
    times_free(pages->clock);
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

struct belfry_str pages_time(struct pages *pages, struct belfry_str locale, struct belfry_str zone, uint32_t style,
                             int64_t ms, struct arena *arena)
{
    char icu[TEXTS_LOCALE_SIZE];
    return times_text(pages->clock, texts_locale(pages->texts, locale, icu), zone, style, ms, arena);
}

/* --- several parts of one model ----------------------------------------------------------------------------------- */

struct assembly {
    struct pages *pages;
    json_t *model;
    struct arena *scratch; /* of templates that are compiled for this once; NULL until one is */
};

static const struct belfry_template *template_of(struct assembly *a, const struct belfry_part *part, struct error *err)
{
    if (part->compiled)
        return part->compiled;
    if (part->name)
        return partial(a->pages, str_of(part->name));
    if (!a->scratch)
        a->scratch = arena_new(4096);
    return template_compile(a->scratch, part->text, err);
}

/* What a part comes to, or what is wrong with it, is appended to out. */
static belfry_status render_part(struct assembly *a, const struct belfry_part *part, struct buf *out)
{
    struct error err = {0};
    const struct belfry_template *found = template_of(a, part, &err);
    if (!found) {
        buf_addz(out, part->name ? "there is no such template" : error_text(&err));
        error_clear(&err);
        return part->name ? BELFRY_ENOTFOUND : BELFRY_EINVAL;
    }
    struct belfry_view view = json_view(a->model);
    belfry_status status =
        template_render_large(found, &view, part->escape == BELFRY_ESCAPE_HTML ? TEMPLATE_HTML : TEMPLATE_TEXT,
                              a->pages->times, partial, a->pages, out);
    if (status != BELFRY_OK)
        buf_addz(out, "it comes to more than 256 KiB, or takes too many steps");
    return status;
}

static void each_part(struct assembly *a, const struct belfry_rendering *what,
                      void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text), void *arg)
{
    struct buf out = {0};
    belfry_status before = BELFRY_OK;
    for (size_t i = 0; i < what->part_count; i++) {
        const struct belfry_part *part = &what->parts[i];
        if (part->around && before != BELFRY_OK) {
            sink(arg, i, BELFRY_ECANCELED, STR(""));
            continue;
        }
        while (part->around && out.len > 0 && out.ptr[out.len - 1] == '\n')
            out.len--;
        if (part->around)
            json_object_set_new(a->model, "content", json_stringn(out.ptr ? out.ptr : "", out.len));
        out.len = 0;
        before = render_part(a, part, &out);
        sink(arg, i, before, buf_str(&out));
    }
    buf_free(&out);
}

belfry_status pages_render_parts(struct pages *pages, const struct belfry_rendering *what,
                                 void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                                 void *arg)
{
    struct assembly a = {.pages = pages, .model = json_read(what->json, NULL)};
    json_t *tree = texts_tree(pages->texts, what->language);
    belfry_status status = json_is_object(a.model) ? BELFRY_OK : BELFRY_EINVAL;
    if (status == BELFRY_OK && tree)
        json_object_set(a.model, "t", tree);
    if (status == BELFRY_OK)
        each_part(&a, what, sink, arg);
    json_decref(a.model);
    arena_free(a.scratch);
    return status;
}
