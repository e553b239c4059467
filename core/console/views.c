/* SPDX-License-Identifier: Apache-2.0 */
/* What the console consists of: a line for each page, each form and each tab. */
#include "console/internal.h"

static const char *const states[] = {"scheduled",
                                     "held_quiet_hours",
                                     "held_disabled",
                                     "digested",
                                     "sending",
                                     "retrying",
                                     "delivered",
                                     "unknown",
                                     "failed",
                                     "expired",
                                     "superseded",
                                     "withdrawn",
                                     "viewed",
                                     "handled",
                                     "duplicate",
                                     "merged",
                                     "suppressed_preference",
                                     "suppressed_role",
                                     "suppressed_address",
                                     "suppressed_rate",
                                     "no_recipient",
                                     "no_address",
                                     "channel_removed",
                                     "recipient_removed",
                                     "cancelled",
                                     "dropped_by_rule",
                                     NULL};
static const char *const yes[] = {"true", NULL};
static const char *const suppressions[] = {"bounced", "complained", "unsubscribed", NULL};

#define TIMES                                                                                                          \
    {.name = "from", .is_time = 1},                                                                                    \
    {                                                                                                                  \
        .name = "to", .is_time = 1                                                                                     \
    }

static const struct filter event_filters[] = {{.name = "source"},
                                              {.name = "type"},
                                              {.name = "subject"},
                                              {.name = "refused", .choices = yes, .group = "refused"},
                                              {0}};
static const struct filter delivery_filters[] = {{.name = "state", .choices = states},
                                                 {.name = "channel"},
                                                 {.name = "target"},
                                                 {.name = "recipient"},
                                                 {.name = "rule"},
                                                 {.name = "reason"},
                                                 TIMES,
                                                 {0}};
static const struct filter letter_filters[] = {
    {.name = "channel"}, {.name = "target"}, {.name = "recipient"}, {.name = "rule"}, {.name = "reason"}, TIMES, {0}};
static const struct filter audit_filters[] = {{.name = "who"}, {.name = "what"}, TIMES, {0}};
static const struct filter suppression_filters[] = {
    {.name = "address"}, {.name = "reason", .choices = suppressions, .group = "suppression", .caption = "why"}, {0}};
static const struct filter no_filters[] = {{0}};

#define COLUMNS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define DELIVERY_COLUMNS                                                                                               \
    COLUMNS("id", "event", "title", "channel", "rule", "target", "recipient", "state", "attempts", "due_at",           \
            "ended_at", "detail")
static const struct sheet refused_sheet = {"/events", COLUMNS("id", "at", "source", "kind", "errors"), NULL};
static const struct sheet event_sheet = {
    "/events", COLUMNS("id", "time", "severity", "source", "type", "category", "subject", "title"), &refused_sheet};
static const struct sheet delivery_sheet = {"/deliveries", DELIVERY_COLUMNS, NULL};
static const struct sheet letter_sheet = {"/deliveries?state=failed", DELIVERY_COLUMNS, NULL};
static const struct sheet endpoint_sheet = {"/endpoints",
                                            COLUMNS("id", "channel", "name", "url", "enabled", "disabled_at",
                                                    "disabled_why", "breaker", "failing_since", "pending", "held",
                                                    "last_success_at"),
                                            NULL};
static const struct sheet audience_sheet = {"/categories/{id}/audience",
                                            COLUMNS("username", "name", "sees", "through", "roles"), NULL};
static const struct sheet suppression_sheet = {
    "/suppressions", COLUMNS("address", "username", "category", "reason", "since", "detail", "delivery"), NULL};
static const struct sheet audit_sheet = {"/audit", COLUMNS("id", "at", "who", "what", "detail"), NULL};

const struct view console_views[] = {
    {"", "overview", "overview", NULL, NULL, overview_ask, overview_show, 0, NULL},
    {"/events", "events", "events", "/events", event_filters, NULL, events_show, 0, &event_sheet},
    {"/events/{id}", "events", "event", "/events/{id}?bodies=hidden", NULL, event_ask, event_show, 0, NULL},
    {"/explain", "explain", "explain", NULL, NULL, NULL, explain_show, 0, NULL},
    {"/deliveries", "deliveries", "deliveries", "/deliveries", delivery_filters, NULL, deliveries_show, 0,
     &delivery_sheet},
    {"/deliveries/{id}", "deliveries", "delivery", "/deliveries/{id}", NULL, NULL, delivery_show, 1, NULL},
    {"/dead-letters", "letters", "letters", NULL, letter_filters, letters_ask, letters_show, 0, &letter_sheet},
    {"/endpoints", "endpoints", "endpoints", "/endpoints", no_filters, NULL, endpoints_show, 0, &endpoint_sheet},
    {"/endpoints/{id}", "endpoints", "endpoint", "/endpoints/{id}", NULL, endpoint_ask, endpoint_show, 0, NULL},
    {"/plugins", "plugins", "plugins", "/plugins", no_filters, NULL, NULL, 0, NULL},
    {"/categories", "categories", "categories", "/categories", no_filters, NULL, categories_show, 0, NULL},
    {"/categories/{id}", "categories", "category", "/categories/{id}/audience", no_filters, category_ask, category_show,
     0, &audience_sheet},
    {"/suppressions", "suppressions", "suppressions", "/suppressions", suppression_filters, NULL, suppressions_show, 0,
     &suppression_sheet},
    {"/audit", "audit", "audit", "/audit", audit_filters, NULL, audit_show, 0, &audit_sheet},
};
const size_t console_view_count = sizeof(console_views) / sizeof(console_views[0]);

const struct deed console_deeds[] = {
    {"/events/{id}/reveal", CONSOLE_WRITES, 1024, reveal_act}, {"/explain", CONSOLE_READS, 1 << 20, explain_act},
    {"/deliveries/{id}", CONSOLE_WRITES, 4096, delivery_act},  {"/dead-letters", CONSOLE_WRITES, 64 << 10, letters_act},
    {"/suppressions", CONSOLE_WRITES, 4096, suppressions_act}, {"/endpoints/{id}", CONSOLE_WRITES, 4096, endpoint_act},
};
const size_t console_deed_count = sizeof(console_deeds) / sizeof(console_deeds[0]);

const struct tab console_tabs[] = {
    {"overview", "", NULL},
    {"events", "/events", "/events"},
    {"deliveries", "/deliveries", "/deliveries"},
    {"letters", "/dead-letters", "/deliveries"},
    {"endpoints", "/endpoints", "/endpoints"},
    {"suppressions", "/suppressions", "/suppressions"},
    {"explain", "/explain", NULL},
    {"categories", "/categories", "/categories"},
    {"plugins", "/plugins", "/plugins"},
    {"audit", "/audit", "/audit"},
};
const size_t console_tab_count = sizeof(console_tabs) / sizeof(console_tabs[0]);
