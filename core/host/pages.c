/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.pages/1: an instance's templates and texts, rendered for the reader of a request. */
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

const struct belfry_pages_api host_pages_api = {sizeof(struct belfry_pages_api), 0, texts, add, render, format, ago};
