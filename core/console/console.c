/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, templates and texts of the console. Each route is a line of the tables in views.c. */
#include "console/internal.h"

#include <stdio.h>

static const char english[] =
#include "core/console/texts/en.json.inc"
    ;
static const char german[] =
#include "core/console/texts/de.json.inc"
    ;
static const char style[] =
#include "core/console/assets/console.css.inc"
    ;
static const char script[] =
#include "core/console/assets/console.js.inc"
    ;
static const char head[] =
#include "core/console/pages/head.mustache.inc"
    ;
static const char skips[] =
#include "core/console/pages/skips.mustache.inc"
    ;
static const char filters[] =
#include "core/console/pages/filters.mustache.inc"
    ;
static const char pager[] =
#include "core/console/pages/pager.mustache.inc"
    ;
static const char when[] =
#include "core/console/pages/when.mustache.inc"
    ;
static const char chip[] =
#include "core/console/pages/chip.mustache.inc"
    ;
static const char fault[] =
#include "core/console/pages/fault.mustache.inc"
    ;
static const char overview[] =
#include "core/console/pages/overview.mustache.inc"
    ;
static const char events[] =
#include "core/console/pages/events.mustache.inc"
    ;
static const char event[] =
#include "core/console/pages/event.mustache.inc"
    ;
static const char rules[] =
#include "core/console/pages/rules.mustache.inc"
    ;
static const char people[] =
#include "core/console/pages/people.mustache.inc"
    ;
static const char ways[] =
#include "core/console/pages/ways.mustache.inc"
    ;
static const char story[] =
#include "core/console/pages/story.mustache.inc"
    ;
static const char explain[] =
#include "core/console/pages/explain.mustache.inc"
    ;
static const char deliveries[] =
#include "core/console/pages/deliveries.mustache.inc"
    ;
static const char delivery[] =
#include "core/console/pages/delivery.mustache.inc"
    ;
static const char endpoints[] =
#include "core/console/pages/endpoints.mustache.inc"
    ;
static const char endpoint[] =
#include "core/console/pages/endpoint.mustache.inc"
    ;
static const char plugins[] =
#include "core/console/pages/plugins.mustache.inc"
    ;
static const char categories[] =
#include "core/console/pages/categories.mustache.inc"
    ;
static const char category[] =
#include "core/console/pages/category.mustache.inc"
    ;
static const char audit[] =
#include "core/console/pages/audit.mustache.inc"
    ;
static const char suppressions[] =
#include "core/console/pages/suppressions.mustache.inc"
    ;
static const char letters[] =
#include "core/console/pages/letters.mustache.inc"
    ;
static const char confirm[] =
#include "core/console/pages/confirm.mustache.inc"
    ;

static const struct {
    const char *name;
    struct belfry_str text;
} templates[] = {
    {"head", STR(head)},
    {"skips", STR(skips)},
    {"filters", STR(filters)},
    {"pager", STR(pager)},
    {"when", STR(when)},
    {"chip", STR(chip)},
    {"fault", STR(fault)},
    {"overview", STR(overview)},
    {"events", STR(events)},
    {"event", STR(event)},
    {"rules", STR(rules)},
    {"people", STR(people)},
    {"ways", STR(ways)},
    {"endpoints", STR(endpoints)},
    {"endpoint", STR(endpoint)},
    {"plugins", STR(plugins)},
    {"categories", STR(categories)},
    {"category", STR(category)},
    {"audit", STR(audit)},
    {"suppressions", STR(suppressions)},
    {"letters", STR(letters)},
    {"confirm", STR(confirm)},
    {"story", STR(story)},
    {"explain", STR(explain)},
    {"deliveries", STR(deliveries)},
    {"delivery", STR(delivery)},
};

/* --- routes ------------------------------------------------------------------------------------------------------- */

/* What a route's handler is given. */
struct bind {
    struct console *console;
    const struct view *view;
    const struct deed *deed;
};

static void get_view(void *arg, struct http_request *req)
{
    const struct bind *bind = arg;
    page_open(page_new(bind->console, req), bind->view);
}

static void post_deed(void *arg, struct http_request *req)
{
    const struct bind *bind = arg;
    bind->deed->act(page_new(bind->console, req));
}

static belfry_status add_route(struct console *console, const char *method, const char *path, const char *auth,
                               int64_t limit, void (*handle)(void *arg, struct http_request *req), struct bind *bind,
                               struct error *err)
{
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "/{org}/admin%s", path);
    const struct http_route route = {method, pattern, auth, limit, 0, handle, bind};
    return http_routes_add(console->http, console, &route, 1, err);
}

static belfry_status add_routes(struct console *console, struct error *err)
{
    struct bind *bind = console->binds = xcalloc(console_view_count + console_deed_count, sizeof(*bind));
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; i < console_view_count && status == BELFRY_OK; i++, bind++) {
        *bind = (struct bind){console, &console_views[i], NULL};
        status = add_route(console, "GET", bind->view->path, CONSOLE_READS, 0, get_view, bind, err);
    }
    for (size_t i = 0; i < console_deed_count && status == BELFRY_OK; i++, bind++) {
        *bind = (struct bind){console, NULL, &console_deeds[i]};
        status = add_route(console, "POST", bind->deed->path, bind->deed->auth, bind->deed->body_limit, post_deed, bind,
                           err);
    }
    return status;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static belfry_status add_pages(struct console *console, struct error *err)
{
    struct texts *texts = pages_texts(console->pages = pages_new());
    pages_allow(console->pages, PAGE_TIMES);
    belfry_status status = texts_add(texts, "en", STR(english), err);
    if (status == BELFRY_OK)
        status = texts_add(texts, "de", STR(german), err);
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]) && status == BELFRY_OK; i++)
        status = pages_add(console->pages, templates[i].name, templates[i].text, err);
    if (status == BELFRY_OK)
        status = http_asset_add(console->http, "console.css", "text/css; charset=utf-8", style, sizeof(style) - 1);
    if (status == BELFRY_OK)
        status =
            http_asset_add(console->http, "console.js", "text/javascript; charset=utf-8", script, sizeof(script) - 1);
    return status;
}

struct console *console_new(struct http *http, struct error *err)
{
    struct console *console = xcalloc(1, sizeof(*console));
    console->http = http;
    if (add_pages(console, err) == BELFRY_OK && add_routes(console, err) == BELFRY_OK)
        return console;
    http_routes_remove(http, console);
    console_free(console);
    return NULL;
}

void console_free(struct console *console)
{
    if (!console)
        return;
    pages_free(console->pages);
    free(console->binds);
    free(console);
}
