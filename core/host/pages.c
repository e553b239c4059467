/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.pages/1: an instance's templates and texts, rendered for the reader of a request. */
#include "route/preference.h"
#include "template/pages.h"
#include "host/internal.h"

static belfry_status texts(const struct belfry_host *table, const char *language, struct belfry_str json,
                           struct belfry_error *err)
{
    if (!host_on_loop(table, "pages.texts"))
        return BELFRY_EPERM;
    return texts_add(pages_texts(host_instance_pages(host_instance_of(table))), language, json, err ? err->impl : NULL);
}

static belfry_status add(const struct belfry_host *table, const char *name, struct belfry_str text,
                         struct belfry_error *err)
{
    if (!host_on_loop(table, "pages.add"))
        return BELFRY_EPERM;
    return pages_add(host_instance_pages(host_instance_of(table)), name, text, err ? err->impl : NULL);
}

static belfry_status render(const struct belfry_host *table, const struct belfry_http_request *req, const char *name,
                            struct belfry_str json, void (*sink)(void *arg, struct belfry_str html), void *arg)
{
    struct buf out = {0};
    if (!host_on_loop(table, "pages.render"))
        return BELFRY_EPERM;
    json_t *model = json_read(json, NULL);
    belfry_status status = BELFRY_EINVAL;
    if (json_is_object(model))
        status = pages_render(host_instance_pages(host_instance_of(table)), req->locale, name, model, &out);
    json_decref(model);
    if (status == BELFRY_OK)
        sink(arg, buf_str(&out));
    buf_free(&out);
    return status;
}

static struct belfry_str format(const struct belfry_host *table, const struct belfry_http_request *req, const char *key,
                                const struct belfry_value *args, size_t count)
{
    if (!host_on_loop(table, "pages.format"))
        return str_of(key);
    struct texts *own = pages_texts(host_instance_pages(host_instance_of(table)));
    return texts_format(own, req->locale, key, args, count, ((struct http_request *)req->impl)->arena);
}

static struct belfry_str ago(const struct belfry_host *table, const struct belfry_http_request *req, int64_t ms)
{
    (void)table;
    return http_ago(req->impl, ms);
}

/* --- for somebody who is not asking ------------------------------------------------------------------------------- */

static belfry_status render_parts(const struct belfry_host *table, const struct belfry_rendering *what,
                                  void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                                  void *arg)
{
    if (!host_on_loop(table, "pages.render_parts"))
        return BELFRY_EPERM;
    return pages_render_parts(host_instance_pages(host_instance_of(table)), what, sink, arg);
}

static void format_in(const struct belfry_host *table, struct belfry_str language, const char *key,
                      const struct belfry_value *args, size_t count, void (*sink)(void *arg, struct belfry_str text),
                      void *arg)
{
    if (!host_on_loop(table, "pages.format_in"))
        return;
    struct arena *arena = arena_new(256);
    struct texts *own = pages_texts(host_instance_pages(host_instance_of(table)));
    sink(arg, texts_format(own, language, key, args, count, arena));
    arena_free(arena);
}

static void time_in(const struct belfry_host *table, struct belfry_str language, struct belfry_str zone, uint32_t style,
                    int64_t ms, void (*sink)(void *arg, struct belfry_str text), void *arg)
{
    if (!host_on_loop(table, "pages.time_in"))
        return;
    struct arena *arena = arena_new(256);
    sink(arg, pages_time(host_instance_pages(host_instance_of(table)), language, zone, style, ms, arena));
    arena_free(arena);
}

static struct belfry_str language_of(const struct belfry_host *table, struct belfry_str locale)
{
    if (!host_on_loop(table, "pages.language_of"))
        return STR("en");
    return str_of(texts_language(pages_texts(host_instance_pages(host_instance_of(table))), locale));
}

static struct belfry_str zone_of(const struct belfry_host *table, struct belfry_str org, struct belfry_str zone)
{
    if (!host_on_loop(table, "pages.zone_of"))
        return STR("UTC");
    const struct config *config = host_config(host_of(table));
    return preference_zone(config, config_org(config, org), NULL, zone);
}

const struct belfry_pages_api host_pages_api = {sizeof(struct belfry_pages_api),
                                                0,
                                                texts,
                                                add,
                                                render,
                                                format,
                                                ago,
                                                render_parts,
                                                format_in,
                                                time_in,
                                                language_of,
                                                zone_of};
