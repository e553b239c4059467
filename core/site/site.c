/* SPDX-License-Identifier: Apache-2.0 */
/* A site from its plan: a route for each view and each form, the room's templates and texts and the site's own. */
#include "site/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define STYLE "site.css"

static const char english[] =
#include "core/site/texts/en.json.inc"
    ;
static const char german[] =
#include "core/site/texts/de.json.inc"
    ;
static const char style[] =
#include "core/site/assets/site.css.inc"
    ;
static const char head[] =
#include "core/site/pages/head.mustache.inc"
    ;
static const char skips[] =
#include "core/site/pages/skips.mustache.inc"
    ;
static const char filters[] =
#include "core/site/pages/filters.mustache.inc"
    ;
static const char pager[] =
#include "core/site/pages/pager.mustache.inc"
    ;
static const char when[] =
#include "core/site/pages/when.mustache.inc"
    ;
static const char chip[] =
#include "core/site/pages/chip.mustache.inc"
    ;
static const char fault[] =
#include "core/site/pages/fault.mustache.inc"
    ;

static const struct site_template templates[] = {
    {"head", STR(head)}, {"skips", STR(skips)}, {"filters", STR(filters)}, {"pager", STR(pager)},
    {"when", STR(when)}, {"chip", STR(chip)},   {"fault", STR(fault)},
};

/* --- routes ------------------------------------------------------------------------------------------------------- */

/* What a route's handler is given. */
struct bind {
    const struct site *site;
    const struct view *view;
    const struct deed *deed;
};

static void get_view(void *arg, struct http_request *req)
{
    const struct bind *bind = arg;
    page_open(page_new(bind->site, req), bind->view);
}

static void post_deed(void *arg, struct http_request *req)
{
    const struct bind *bind = arg;
    bind->deed->act(page_new(bind->site, req));
}

static belfry_status add_route(struct site *site, const char *method, const char *path, const char *auth, int64_t limit,
                               void (*handle)(void *arg, struct http_request *req), struct bind *bind,
                               struct error *err)
{
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "/{org}%s%s", site->plan->base, path);
    const struct http_route route = {method, pattern, auth, limit, 0, handle, bind};
    return http_routes_add(site->http, site, &route, 1, err);
}

static belfry_status add_routes(struct site *site, struct error *err)
{
    const struct site_plan *plan = site->plan;
    struct bind *bind = site->binds = xcalloc(plan->view_count + plan->deed_count, sizeof(*bind));
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; i < plan->view_count && status == BELFRY_OK; i++, bind++) {
        *bind = (struct bind){site, &plan->views[i], NULL};
        status = add_route(site, "GET", bind->view->path, plan->reads, 0, get_view, bind, err);
    }
    for (size_t i = 0; i < plan->deed_count && status == BELFRY_OK; i++, bind++) {
        *bind = (struct bind){site, NULL, &plan->deeds[i]};
        status =
            add_route(site, "POST", bind->deed->path, bind->deed->auth, bind->deed->body_limit, post_deed, bind, err);
    }
    return status;
}

/* --- templates, texts, assets ------------------------------------------------------------------------------------- */

/* The site's catalogue of a language laid over the room's. */
static belfry_status add_texts(struct texts *texts, const char *language, struct belfry_str room, struct belfry_str own,
                               struct error *err)
{
    json_t *both = json_read(room, err), *over = json_read(own, err);
    struct buf text = {0};
    belfry_status status = BELFRY_EINVAL;
    if (both && over && json_object_update_recursive(both, over) == 0) {
        json_write(both, &text);
        status = texts_add(texts, language, buf_str(&text), err);
    }
    json_decref(both);
    json_decref(over);
    buf_free(&text);
    return status;
}

static belfry_status add_templates(struct pages *pages, const struct site_template *list, size_t count,
                                   struct error *err)
{
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; i < count && status == BELFRY_OK; i++)
        status = pages_add(pages, list[i].name, list[i].text, err);
    return status;
}

static belfry_status add_asset(const struct site *site, const char *suffix, const char *type, struct belfry_str bytes)
{
    char name[64];
    if (!bytes.len)
        return BELFRY_OK;
    snprintf(name, sizeof(name), "%s.%s", site->plan->name, suffix);
    return http_asset_add(site->http, name, type, bytes.ptr, bytes.len);
}

static belfry_status add_assets(const struct site *site)
{
    belfry_status status = BELFRY_OK;
    if (!http_asset_has(site->http, STYLE))
        status = http_asset_add(site->http, STYLE, "text/css; charset=utf-8", style, sizeof(style) - 1);
    if (status == BELFRY_OK)
        status = add_asset(site, "css", "text/css; charset=utf-8", site->plan->style);
    if (status == BELFRY_OK)
        status = add_asset(site, "js", "text/javascript; charset=utf-8", site->plan->script);
    return status;
}

static belfry_status add_pages(struct site *site, struct error *err)
{
    const struct site_plan *plan = site->plan;
    struct texts *texts = pages_texts(site->pages = pages_new());
    pages_allow(site->pages, PAGE_TIMES);
    belfry_status status = add_texts(texts, "en", STR(english), plan->english, err);
    if (status == BELFRY_OK)
        status = add_texts(texts, "de", STR(german), plan->german, err);
    if (status == BELFRY_OK)
        status = add_templates(site->pages, templates, sizeof(templates) / sizeof(templates[0]), err);
    if (status == BELFRY_OK)
        status = add_templates(site->pages, plan->templates, plan->template_count, err);
    return status == BELFRY_OK ? add_assets(site) : status;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct site *site_new(struct http *http, const struct site_plan *plan, struct error *err)
{
    struct site *site = xcalloc(1, sizeof(*site));
    site->http = http;
    site->plan = plan;
    if (add_pages(site, err) == BELFRY_OK && add_routes(site, err) == BELFRY_OK)
        return site;
    http_routes_remove(http, site);
    site_free(site);
    return NULL;
}

void site_free(struct site *site)
{
    if (!site)
        return;
    pages_free(site->pages);
    free(site->binds);
    free(site);
}
