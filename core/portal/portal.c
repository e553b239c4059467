/* SPDX-License-Identifier: Apache-2.0 */
/* Templates and texts of the portal. Each route is a line of the tables in views.c. */
#include "portal/internal.h"

static const char english[] =
#include "core/portal/texts/en.json.inc"
    ;
static const char german[] =
#include "core/portal/texts/de.json.inc"
    ;
static const char style[] =
#include "core/portal/assets/portal.css.inc"
    ;
static const char script[] =
#include "core/portal/assets/portal.js.inc"
    ;
static const char endpoints_html[] =
#include "core/portal/pages/endpoints.mustache.inc"
    ;
static const char endpoint_html[] =
#include "core/portal/pages/endpoint.mustache.inc"
    ;
static const char form_html[] =
#include "core/portal/pages/form.mustache.inc"
    ;
static const char wrong_html[] =
#include "core/portal/pages/wrong.mustache.inc"
    ;
static const char refused_html[] =
#include "core/portal/pages/refused.mustache.inc"
    ;
static const char new_html[] =
#include "core/portal/pages/new.mustache.inc"
    ;
static const char edit_html[] =
#include "core/portal/pages/edit.mustache.inc"
    ;
static const char secret_html[] =
#include "core/portal/pages/secret.mustache.inc"
    ;
static const char tries_html[] =
#include "core/portal/pages/tries.mustache.inc"
    ;
static const char attempts_html[] =
#include "core/portal/pages/attempts.mustache.inc"
    ;
static const char types_html[] =
#include "core/portal/pages/types.mustache.inc"
    ;
static const char verify_html[] =
#include "core/portal/pages/verify.mustache.inc"
    ;
static const char test_html[] =
#include "core/portal/pages/test.mustache.inc"
    ;
static const char rotate_html[] =
#include "core/portal/pages/rotate.mustache.inc"
    ;
static const char recover_html[] =
#include "core/portal/pages/recover.mustache.inc"
    ;
static const char confirm_html[] =
#include "core/portal/pages/confirm.mustache.inc"
    ;

static const struct site_template templates[] = {
    {"endpoints", STR(endpoints_html)}, {"endpoint", STR(endpoint_html)},
    {"form", STR(form_html)},           {"new", STR(new_html)},
    {"edit", STR(edit_html)},           {"secret", STR(secret_html)},
    {"tries", STR(tries_html)},         {"attempts", STR(attempts_html)},
    {"types", STR(types_html)},         {"verify", STR(verify_html)},
    {"test", STR(test_html)},           {"rotate", STR(rotate_html)},
    {"recover", STR(recover_html)},     {"enable", STR(confirm_html)},
    {"disable", STR(confirm_html)},     {"delete", STR(confirm_html)},
    {"wrong", STR(wrong_html)},         {"refused", STR(refused_html)},
};

struct site *portal_new(struct http *http, struct error *err)
{
    static const char *const notices[] = {"changed", "enabled",   "disabled", "deleted",
                                          "tested",  "recovered", "resent",   NULL};
    static struct site_plan plan = {
        .name = "portal",
        .base = "/endpoints",
        .reads = PORTAL_AUTH,
        .views = portal_views,
        .deeds = portal_deeds,
        .tabs = portal_tabs,
        .notices = notices,
        .templates = templates,
        .template_count = sizeof(templates) / sizeof(templates[0]),
        .english = STR(english),
        .german = STR(german),
        .style = STR(style),
        .script = STR(script),
    };
    plan.view_count = portal_view_count;
    plan.deed_count = portal_deed_count;
    plan.tab_count = portal_tab_count;
    return site_new(http, &plan, err);
}
