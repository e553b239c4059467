/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Periods in which one person stands in for another. A bare date is a day where the org is, so the same options are
 * other instants in another org: days are kept as days and become instants when they are asked about. `until` names
 * the last day, hence the period is over with the beginning of the next one.
 *
 * Nobody stands in for a substitute: whom Ann trusts Ann says herself.
 */
#include "substitute.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define ZONES_MS INT64_C(50400000)

/* --- options ------------------------------------------------------------------------------------------------------ */

static void read_when(const struct approval *a, const char *text, int days, struct approval_when *out)
{
    *out = (struct approval_when){.kind = APPROVAL_NO_END};
    if (!text)
        return;
    if (strlen(text) != 10) {
        out->kind = APPROVAL_INSTANT;
        a->calendar->parse_time(belfry_str(text), &out->ms);
        return;
    }
    out->kind = APPROVAL_DAY;
    a->calendar->parse(belfry_str(text), &out->day);
    if (a->calendar->add_days(&out->day, days, &out->day) != BELFRY_OK)
        out->kind = APPROVAL_NO_END; /* the last day of the calendar */
}

/* In UTC, to compare the ends of one period. */
static int64_t about(const struct approval *a, const struct approval_when *when, int64_t none)
{
    int64_t ms = when->ms;
    if (when->kind == APPROVAL_DAY)
        a->calendar->instant(belfry_str("UTC"), &when->day, 0, &ms);
    return when->kind == APPROVAL_NO_END ? none : ms;
}

/* Bare or "user:NAME", as elsewhere; 0 for a role, an address, and whatever else nobody can be called. */
static int username(const char *text, struct belfry_str *out)
{
    struct belfry_str whole = belfry_str(text), user = approval_after(whole, "user:");
    *out = user.ptr ? user : whole;
    return out->len > 0 && out->len <= 128 && !memchr(out->ptr, ':', out->len) && !memchr(out->ptr, '/', out->len);
}

static belfry_status make_one(struct approval *a, size_t index, struct belfry_error *err)
{
    const struct approval_substitute_options *options = a->config->substitutes.items;
    struct approval_substitute *s = &a->substitutes[index];
    const struct belfry_host *host = a->host;
    options += index;
    if (!username(options->for_, &s->absent) || !username(options->by, &s->by))
        return host->fail(err, BELFRY_EINVAL, "/substitutes", "`for` and `by` are usernames: %s, %s", options->for_,
                          options->by);
    if (approval_same(s->absent, s->by))
        return host->fail(err, BELFRY_EINVAL, "/substitutes", "%.*s cannot stand in for themselves", (int)s->by.len,
                          s->by.ptr);
    read_when(a, options->from, 0, &s->from);
    read_when(a, options->until, 1, &s->before);
    int mixed = s->from.kind != s->before.kind; /* a day begins up to 14 hours earlier or later than in UTC */
    if (about(a, &s->from, INT64_MIN + ZONES_MS) - (mixed ? ZONES_MS : 0) >= about(a, &s->before, INT64_MAX))
        return host->fail(err, BELFRY_EINVAL, "/substitutes", "%.*s for %.*s: `until` %s lies before `from` %s",
                          (int)s->by.len, s->by.ptr, (int)s->absent.len, s->absent.ptr, options->until, options->from);
    return BELFRY_OK;
}

static int by_absent(const void *a, const void *b)
{
    const struct approval_substitute *x = a, *y = b;
    return approval_compare(x->absent, y->absent);
}

belfry_status approval_substitutes_make(struct approval *a, struct belfry_error *err)
{
    size_t count = a->config->substitutes.count;
    belfry_status status = BELFRY_OK;
    a->substitutes = calloc(count + 1, sizeof(*a->substitutes));
    for (size_t i = 0; status == BELFRY_OK && i < count; i++, a->substitute_count++)
        status = make_one(a, i, err);
    if (a->substitute_count)
        qsort(a->substitutes, a->substitute_count, sizeof(*a->substitutes), by_absent);
    return status;
}

/* --- periods ------------------------------------------------------------------------------------------------------ */

static int64_t instant_of(const struct approval *a, struct belfry_txn *txn, const struct approval_when *when,
                          int64_t none)
{
    struct belfry_str zone;
    int64_t ms;
    if (when->kind == APPROVAL_INSTANT)
        return when->ms;
    if (when->kind == APPROVAL_NO_END || txn->api->zone(txn, &zone) != BELFRY_OK ||
        a->calendar->instant(zone, &when->day, 0, &ms) != BELFRY_OK)
        return none;
    return ms;
}

/* The first entry for an absent person. */
static size_t first_of(const struct approval *a, struct belfry_str absent)
{
    size_t low = 0, high = a->substitute_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (approval_compare(a->substitutes[mid].absent, absent) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int approval_substitutes_each(const struct approval *a, struct belfry_txn *txn, struct belfry_str absent,
                              int (*fn)(void *arg, struct belfry_str by), void *arg)
{
    for (size_t i = first_of(a, absent); i < a->substitute_count; i++) {
        const struct approval_substitute *s = &a->substitutes[i];
        int stop;
        if (!approval_same(s->absent, absent))
            break;
        if (instant_of(a, txn, &s->from, INT64_MIN) <= txn->now_ms &&
            txn->now_ms < instant_of(a, txn, &s->before, INT64_MAX) && (stop = fn(arg, s->by)) != 0)
            return stop;
    }
    return 0;
}

int64_t approval_substitutes_next(const struct approval *a, struct belfry_txn *txn, struct belfry_str absent)
{
    int64_t next = INT64_MAX;
    for (size_t i = first_of(a, absent); i < a->substitute_count; i++) {
        const struct approval_substitute *s = &a->substitutes[i];
        if (!approval_same(s->absent, absent))
            break;
        int64_t ends[] = {instant_of(a, txn, &s->from, INT64_MIN), instant_of(a, txn, &s->before, INT64_MAX)};
        for (int k = 0; k < 2; k++)
            if (ends[k] > txn->now_ms && ends[k] < next)
                next = ends[k];
    }
    return next;
}
