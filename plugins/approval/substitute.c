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

static struct approval_substitute make_one(const struct approval *a, const struct approval_substitute_options *options)
{
    struct approval_substitute s = {.absent = approval_after(belfry_str(options->for_), "user:"),
                                    .by = approval_after(belfry_str(options->by), "user:")};
    read_when(a, options->from, 0, &s.from);
    read_when(a, options->until, 1, &s.before);
    return s;
}

static int by_absent(const void *a, const void *b)
{
    const struct approval_substitute *x = a, *y = b;
    return approval_compare(x->absent, y->absent);
}

void approval_substitutes_make(struct approval *a)
{
    const struct approval_substitute_options *options = a->config->substitutes.items;
    a->substitute_count = a->config->substitutes.count;
    a->substitutes = calloc(a->substitute_count + 1, sizeof(*a->substitutes));
    for (size_t i = 0; i < a->substitute_count; i++)
        a->substitutes[i] = make_one(a, &options[i]);
    if (a->substitute_count)
        qsort(a->substitutes, a->substitute_count, sizeof(*a->substitutes), by_absent);
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
