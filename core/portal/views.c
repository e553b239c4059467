/* SPDX-License-Identifier: Apache-2.0 */
/* What the portal consists of: a line for each page, each form and each tab. */
#include "portal/internal.h"

static const char *const yes[] = {"true", NULL};
static const struct filter no_filters[] = {{0}};
static const struct filter attempt_filters[] = {{.name = "failed", .choices = yes, .group = "failed"}, {0}};

#define ONE "/endpoints/{id}"

const struct view portal_views[] = {
    {"", "endpoints", "endpoints", "/endpoints", no_filters, NULL, portal_endpoints_show, 0, NULL},
    {"/new", "new", "new", NULL, NULL, new_ask, new_show, 0, NULL},
    {"/types", "types", "types", "/event-types", NULL, NULL, types_show, 0, NULL},
    {"/verify", "verify", "verify", NULL, NULL, NULL, verify_show, 0, NULL},
    {"/{id}", "endpoints", "endpoint", ONE, NULL, portal_endpoint_ask, portal_endpoint_show, 0, NULL},
    {"/{id}/edit", "endpoints", "edit", ONE, NULL, edit_ask, edit_show, 0, NULL},
    {"/{id}/attempts", "endpoints", "attempts", ONE "/attempts", attempt_filters, attempts_ask, attempts_show, 0, NULL},
    {"/{id}/test", "endpoints", "test", ONE, NULL, test_ask, test_show, 0, NULL},
    {"/{id}/rotate", "endpoints", "rotate", ONE, NULL, NULL, rotate_show, 0, NULL},
    {"/{id}/recover", "endpoints", "recover", ONE, NULL, NULL, recover_show, 0, NULL},
    {"/{id}/enable", "endpoints", "enable", ONE, NULL, NULL, confirm_show, 0, NULL},
    {"/{id}/disable", "endpoints", "disable", ONE, NULL, NULL, confirm_show, 0, NULL},
    {"/{id}/delete", "endpoints", "delete", ONE, NULL, NULL, confirm_show, 0, NULL},
};
const size_t portal_view_count = sizeof(portal_views) / sizeof(portal_views[0]);

/* An endpoint as a form: a browser sends each byte of most letters as %XX, which takes three. */
#define FORM_MAX (256 << 10)

const struct deed portal_deeds[] = {
    {"/new", PORTAL_AUTH, FORM_MAX, new_act},
    {"/{id}/edit", PORTAL_AUTH, FORM_MAX, edit_act},
    {"/{id}/attempts", PORTAL_AUTH, 4096, attempts_act},
    {"/{id}/test", PORTAL_AUTH, 4096, test_act},
    {"/{id}/rotate", PORTAL_AUTH, 4096, rotate_act},
    {"/{id}/recover", PORTAL_AUTH, 4096, recover_act},
    {"/{id}/enable", PORTAL_AUTH, 4096, confirm_act},
    {"/{id}/disable", PORTAL_AUTH, 4096, confirm_act},
    {"/{id}/delete", PORTAL_AUTH, 4096, confirm_act},
};
const size_t portal_deed_count = sizeof(portal_deeds) / sizeof(portal_deeds[0]);

const struct tab portal_tabs[] = {
    {"endpoints", "", NULL}, {"new", "/new", NULL}, {"types", "/types", NULL}, {"verify", "/verify", NULL}};
const size_t portal_tab_count = sizeof(portal_tabs) / sizeof(portal_tabs[0]);
