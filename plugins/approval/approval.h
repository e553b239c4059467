/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the plugin, and the instance. Everything here is made in create() and only read afterwards. */
#ifndef APPROVAL_H
#define APPROVAL_H

#include <belfry/host.h>

struct approval_escalate {
    int64_t after_ms;
    struct belfry_list to; /* const char *, recipients */
};

struct approval_substitute_options {
    const char *for_, *by;    /* "user:NAME", two people */
    const char *from, *until; /* dates or instants; NULL: no such end */
};

struct approval_config {
    int64_t remind_after_ms;                  /* 0: never */
    const struct approval_escalate *escalate; /* NULL: nobody */
    struct belfry_list substitutes;           /* struct approval_substitute_options */
};

/* An end of a period: an instant, or a day in the zone of whichever org is asked about. */
struct approval_when {
    enum { APPROVAL_NO_END, APPROVAL_INSTANT, APPROVAL_DAY } kind;
    int64_t ms;
    struct belfry_date day;
};

struct approval_substitute {
    struct belfry_str absent, by;      /* usernames */
    struct approval_when from, before; /* a period begins at `from` and is over at `before` */
};

struct approval {
    const struct belfry_host *host;
    const struct belfry_calendar_api *calendar;
    const struct approval_config *config;
    struct approval_substitute *substitutes; /* sorted by who is absent */
    size_t substitute_count;
    struct belfry_recipient *escalate_to; /* kind 0: those who have not decided */
    size_t escalate_count;
};

#endif
