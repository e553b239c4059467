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

/* --- what is ours in every model ---------------------------------------------------------------------------------- */

/* `t`, the texts, and `content`, what the part before came to: laid over the model, which stays as it is given. */
struct added {
    const json_t *texts;       /* NULL: none */
    struct belfry_str content; /* ptr NULL: none */
};

static void added_root(const struct belfry_view *view, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_OBJECT, .count = 2, .node = view->impl};
}

static void added_get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                      struct belfry_value *out)
{
    const struct added *added = view->impl;
    if (object->node != added) /* inside of the texts */
        json_value(object->type == BELFRY_VALUE_OBJECT ? json_object_getn(object->node, key.ptr, key.len) : NULL, out);
    else if (str_eqz(key, "content") && added->content.ptr)
        *out = (struct belfry_value){.type = BELFRY_VALUE_STRING, .s = added->content};
    else
        json_value(str_eqz(key, "t") ? added->texts : NULL, out);
}

/* The texts have no lists. */
static void added_at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
                     struct belfry_value *out)
{
    (void)view;
    (void)array;
    (void)index;
    json_value(NULL, out);
}

static struct belfry_view added_view(const struct added *added)
{
    return (struct belfry_view){
        .struct_size = sizeof(struct belfry_view), .impl = added, .root = added_root, .get = added_get, .at = added_at};
}

/* --- one template ------------------------------------------------------------------------------------------------- */

static belfry_status render(struct pages *pages, const struct belfry_template *template, enum template_escape escape,
                            const struct belfry_view *model, const struct added *added, struct buf *out)
{
    struct belfry_view over = added_view(added);
    struct template_how how = {
        .params = model, .over = &over, .escape = escape, .times = pages->times, .partial = partial, .arg = pages};
    return template_render_how(template, &how, out);
}

belfry_status pages_render(struct pages *pages, struct belfry_str locale, const char *name, const json_t *model,
                           struct buf *out)
{
    const struct belfry_template *found = partial(pages, str_of(name));
    struct added added = {.texts = texts_tree(pages->texts, locale)};
    struct belfry_view view = json_view(model);
    return found ? render(pages, found, TEMPLATE_HTML, &view, &added, out) : BELFRY_ENOTFOUND;
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
    const struct belfry_view *model;
    struct added added;
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
    enum template_escape escape = part->escape == BELFRY_ESCAPE_HTML ? TEMPLATE_HTML : TEMPLATE_TEXT;
    belfry_status status = render(a->pages, found, escape, a->model, &a->added, out);
    if (status != BELFRY_OK)
        buf_addz(out, "it comes to more than 256 KiB, or takes too many steps");
    return status;
}

static void each_part(struct assembly *a, const struct belfry_rendering *what,
                      void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text), void *arg)
{
    struct buf bufs[2] = {{0}}, *out = &bufs[0]; /* in turns: what a part is around stays while it is written */
    belfry_status before = BELFRY_OK;
    for (size_t i = 0; i < what->part_count; i++) {
        const struct belfry_part *part = &what->parts[i];
        if (part->around && before != BELFRY_OK) {
            sink(arg, i, BELFRY_ECANCELED, STR(""));
            continue;
        }
        while (part->around && out->len > 0 && out->ptr[out->len - 1] == '\n')
            out->len--;
        a->added.content = !part->around ? (struct belfry_str){0} : out->len ? buf_str(out) : STR("");
        out = out == &bufs[0] ? &bufs[1] : &bufs[0];
        out->len = 0;
        before = render_part(a, part, out);
        sink(arg, i, before, buf_str(out));
    }
    buf_free(&bufs[0]);
    buf_free(&bufs[1]);
}

static int is_object(const struct belfry_view *view)
{
    struct belfry_value root = {0};
    view->root(view, &root);
    return root.type == BELFRY_VALUE_OBJECT;
}

belfry_status pages_render_parts(struct pages *pages, const struct belfry_rendering *what,
                                 void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                                 void *arg)
{
    int viewed = BELFRY_HAS(what, model);
    json_t *read = viewed ? NULL : json_read(what->json, NULL);
    struct belfry_view of_json = json_view(read);
    struct assembly a = {.pages = pages,
                         .model = viewed ? what->model : &of_json,
                         .added = {.texts = texts_tree(pages->texts, what->language)}};
    belfry_status status = is_object(a.model) ? BELFRY_OK : BELFRY_EINVAL;
    if (status == BELFRY_OK)
        each_part(&a, what, sink, arg);
    json_decref(read);
    arena_free(a.scratch);
    return status;
}
