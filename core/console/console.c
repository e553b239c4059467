/* SPDX-License-Identifier: Apache-2.0 */
/* Templates and texts of the console. Each route is a line of the tables in views.c. */
#include "console/internal.h"

static const char english[] =
#include "core/console/texts/en.json.inc"
    ;
static const char german[] =
#include "core/console/texts/de.json.inc"
    ;
static const char script[] =
#include "core/console/assets/console.js.inc"
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

static const struct site_template templates[] = {
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

struct site *console_new(struct http *http, struct error *err)
{
    static const char *const notices[] = {"retried", "cancelled", "discarded", "released",
                                          "enabled", "disabled",  "tested",    NULL};
    static struct site_plan plan = {
        .name = "console",
        .base = "/admin",
        .reads = CONSOLE_READS,
        .views = console_views,
        .deeds = console_deeds,
        .tabs = console_tabs,
        .notices = notices,
        .templates = templates,
        .template_count = sizeof(templates) / sizeof(templates[0]),
        .english = STR(english),
        .german = STR(german),
        .script = STR(script),
    };
    plan.view_count = console_view_count;
    plan.deed_count = console_deed_count;
    plan.tab_count = console_tab_count;
    return site_new(http, &plan, err);
}
