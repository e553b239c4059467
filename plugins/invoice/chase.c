/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets are looked at in order of time, so planning stops at the first that lies ahead: for an invoice that was just
 * issued that is nearly always the first one. A chaser outside of the calendar (an invoice due at the end of the year
 * 9999) does not exist.
 *
 * What is done with is known by its instant and by what the calendar says of it. The instant alone would not do: when
 * the org's zone or chase_at changes, the chaser that went out this morning may lie ahead again. Nor would the other
 * alone: an offset that a configuration adds later may lie before the issue.
 */
#include "chase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "chase/"
#define DAY_MS INT64_C(86400000)

/* An offset, as if every day had 24 hours: offsets are compared by it. */
static int64_t nominal(const struct belfry_calendar *offset)
{
    return offset->days * DAY_MS + offset->ms;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = nominal(a), y = nominal(b);
    return (x > y) - (x < y);
}

struct belfry_calendar *chase_sort(const struct belfry_list *chasers)
{
    struct belfry_calendar *sorted = calloc(chasers->count + 1, sizeof(*sorted));
    for (uint32_t i = 0; sorted && i < chasers->count; i++)
        memcpy(&sorted[i], (const char *)chasers->items + (size_t)i * chasers->stride, sizeof(*sorted));
    if (sorted)
        qsort(sorted, chasers->count, sizeof(*sorted), by_time);
    return sorted;
}

/* When one of the chasers goes out; 0 when it does not exist. */
static int64_t instant_of(const struct act *a, struct belfry_str zone, const struct belfry_date *due,
                          const struct belfry_calendar *offset)
{
    const struct belfry_calendar_api *calendar = a->self->calendar;
    struct belfry_date date;
    int64_t at_ms;
    if (calendar->add_days(due, offset->days, &date) != BELFRY_OK ||
        calendar->instant(zone, &date, a->self->config->chase_at, &at_ms) != BELFRY_OK)
        return 0;
    return at_ms + offset->ms;
}

/* The due date as if the zone were UTC. */
static int64_t wall_of(const struct act *a)
{
    char text[sizeof("2026-01-31T00:00:00Z")];
    int64_t ms = 0;
    int len = snprintf(text, sizeof(text), "%.*sT00:00:00Z", (int)a->account.due_on.len, a->account.due_on.ptr);
    a->self->calendar->parse_time((struct belfry_str){text, (size_t)len}, &ms);
    return ms;
}

struct plan {
    int missed;          /* some lie between chased_ms and now */
    int64_t next_ms;     /* the first after now; 0: none */
    int64_t passed_wall; /* chased_wall when those up to now are done with */
};

/* Looks at the chasers that are not done with. */
static belfry_status look(const struct act *a, int64_t now_ms, struct plan *plan)
{
    struct belfry_str zone;
    struct belfry_date due;
    int64_t due_wall = wall_of(a);
    *plan = (struct plan){.passed_wall = a->account.chased_wall};
    belfry_status status = a->txn->api->zone(a->txn, &zone);
    if (status != BELFRY_OK || a->self->calendar->parse(a->account.due_on, &due) != BELFRY_OK)
        return status;
    for (uint32_t i = 0; i < a->self->config->chasers.count && plan->next_ms == 0; i++) {
        int64_t at_ms = instant_of(a, zone, &due, &a->self->chasers[i]);
        int64_t wall = due_wall + nominal(&a->self->chasers[i]);
        if (a->account.chased_wall && wall <= a->account.chased_wall)
            continue;
        if (at_ms > now_ms) {
            plan->next_ms = at_ms;
        } else {
            plan->missed |= at_ms > a->account.chased_ms;
            plan->passed_wall = wall;
        }
    }
    return BELFRY_OK;
}

static struct belfry_str timer_key(const struct act *a)
{
    size_t prefix = sizeof(PREFIX) - 1;
    char *key = a->txn->api->alloc(a->txn, prefix + a->id.len);
    if (!key)
        return (struct belfry_str){NULL, 0};
    memcpy(key, PREFIX, prefix);
    memcpy(key + prefix, a->id.ptr, a->id.len);
    return (struct belfry_str){key, prefix + a->id.len};
}

static belfry_status set_timer(const struct act *a, int64_t at_ms)
{
    struct belfry_str key = timer_key(a), empty = {"", 0};
    if (!key.ptr)
        return BELFRY_ELIMIT;
    return at_ms ? a->txn->api->timer_set(a->txn, key, at_ms, empty) : a->txn->api->timer_clear(a->txn, key);
}

belfry_status chase_begin(struct act *a, int64_t from_ms)
{
    struct plan plan;
    a->account.chased_ms = from_ms;
    belfry_status status = look(a, from_ms, &plan);
    a->account.chased_wall = plan.passed_wall;
    return status == BELFRY_OK ? set_timer(a, plan.next_ms) : status;
}

belfry_status chase_stop(const struct act *a, const char *reason)
{
    struct belfry_str type = belfry_str("invoice.reminder");
    struct belfry_selection which = {.struct_size = sizeof(which), .types = {&type, 1}, .reason = belfry_str(reason)};
    belfry_status status = set_timer(a, 0);
    return status == BELFRY_OK ? a->txn->api->withdraw(a->txn, account_key(a->txn, a->id), &which) : status;
}

int chase_id(struct belfry_str key, struct belfry_str *id)
{
    size_t prefix = sizeof(PREFIX) - 1;
    if (key.len <= prefix || memcmp(key.ptr, PREFIX, prefix) != 0)
        return 0;
    *id = (struct belfry_str){key.ptr + prefix, key.len - prefix};
    return 1;
}

belfry_status chase_due(struct act *a)
{
    struct plan plan;
    if (a->account.status != INVOICE_OPEN || a->account.disputed_by.len > 0)
        return BELFRY_OK;
    belfry_status status = look(a, a->txn->now_ms, &plan);
    if (status == BELFRY_OK && plan.missed)
        status = act_tell(a, "invoice.reminder");
    if (status == BELFRY_OK && plan.next_ms)
        status = set_timer(a, plan.next_ms);
    if (status != BELFRY_OK || !plan.missed)
        return status;
    a->account.chased_ms = a->txn->now_ms;
    a->account.chased_wall = plan.passed_wall;
    return account_save(a->txn, a->id, &a->account);
}
