/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of an org's deliveries, minute by minute for an hour, for the first page of the console: kept in memory,
 * so that showing it reads no rows. Counted when the group commits, because a group may be rolled back and run again.
 *
 * Times from the event to its arrival go into buckets that grow by half, so that a percentile is off by a fifth at
 * most. What is in the inbox at once has no such time.
 */
#include "ledger/inside.h"

#include <stdlib.h>

#define MINUTE_MS INT64_C(60000)
#define BUCKETS 40
#define FIRST_BUCKET_MS 10

struct minute {
    int64_t number; /* minutes since the epoch; another one's counts are not this one's */
    uint32_t by[LEDGER_RATE_KINDS], took[BUCKETS];
};

struct org_rates {
    int64_t org;
    struct belfry_str name;
    struct minute group; /* of the group that runs */
    struct minute minutes[LEDGER_RATE_MINUTES];
};

/* -1: not one that counts as an end. */
static int kind_of(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_delivered:
        return LEDGER_RATE_DELIVERED;
    case OUTCOME_failed:
    case OUTCOME_unknown:
        return LEDGER_RATE_FAILED;
    case OUTCOME_viewed:
    case OUTCOME_handled:
    case OUTCOME_duplicate:
    case OUTCOME_suppressed_preference:
    case OUTCOME_suppressed_role:
    case OUTCOME_suppressed_address:
    case OUTCOME_suppressed_rate:
    case OUTCOME_no_recipient:
    case OUTCOME_no_address:
    case OUTCOME_dropped_by_rule:
        return LEDGER_RATE_SUPPRESSED;
    default:
        return -1;
    }
}

/* Rows are never moved, because the loop reads them; those of a group are the thread's alone. */
static struct org_rates *rates_of(struct ledger *ledger, int64_t org)
{
    for (size_t i = 0; i < ledger->rate_count; i++)
        if (ledger->rates[i]->org == org)
            return ledger->rates[i];
    struct org_rates *rates = xcalloc(1, sizeof(*rates));
    rates->org = org;
    pthread_mutex_lock(&ledger->numbers_lock);
    ledger->rates = xgrow(ledger->rates, &ledger->rate_cap, ledger->rate_count + 1, sizeof(struct org_rates *));
    ledger->rates[ledger->rate_count++] = rates;
    pthread_mutex_unlock(&ledger->numbers_lock);
    return rates;
}

static int64_t bucket_end(size_t bucket)
{
    int64_t end = FIRST_BUCKET_MS;
    for (size_t i = 0; i < bucket; i++)
        end += end / 2;
    return end;
}

static size_t bucket_of(int64_t ms)
{
    size_t bucket = 0;
    for (int64_t end = FIRST_BUCKET_MS; ms > end && bucket < BUCKETS - 1; end += end / 2)
        bucket++;
    return bucket;
}

void rate_note(struct ledger_txn *txn, int64_t org, enum outcome outcome, int64_t event)
{
    int kind = kind_of(outcome);
    if (kind < 0)
        return;
    struct org_rates *rates = rates_of(txn->ledger, org);
    rates->group.by[kind]++;
    if (event && kind == LEDGER_RATE_DELIVERED)
        rates->group.took[bucket_of(txn->now - id_time_ms(event))]++;
}

void rates_begin(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->rate_count; i++)
        ledger->rates[i]->group = (struct minute){0};
}

static void add(struct minute *to, const struct minute *from)
{
    for (size_t i = 0; i < LEDGER_RATE_KINDS; i++)
        to->by[i] += from->by[i];
    for (size_t i = 0; i < BUCKETS; i++)
        to->took[i] += from->took[i];
}

void rates_commit(struct ledger *ledger)
{
    int64_t number = ledger->txn.now / MINUTE_MS;
    for (size_t i = 0; i < ledger->rate_count; i++) {
        struct org_rates *rates = ledger->rates[i];
        struct minute *minute = &rates->minutes[number % LEDGER_RATE_MINUTES];
        if (!rates->name.len)
            rates->name = store_name_text(ledger->conn, rates->org);
        if (minute->number != number)
            *minute = (struct minute){.number = number};
        add(minute, &rates->group);
    }
}

void rates_free(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->rate_count; i++)
        free(ledger->rates[i]);
    free(ledger->rates);
}

/* --- read --------------------------------------------------------------------------------------------------------- */

static int64_t percentile(const struct minute *sum, unsigned percent)
{
    uint64_t all = 0, seen = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        all += sum->took[i];
    for (size_t i = 0; all && i < BUCKETS; i++) {
        seen += sum->took[i];
        if (seen * 100 >= all * percent)
            return bucket_end(i);
    }
    return -1;
}

static void read_rates(const struct org_rates *rates, int64_t last, struct ledger_rates *out)
{
    struct minute sum = {0};
    for (int64_t back = 0; back < LEDGER_RATE_MINUTES && back <= last; back++) {
        const struct minute *minute = &rates->minutes[(last - back) % LEDGER_RATE_MINUTES];
        if (minute->number != last - back)
            continue;
        memcpy(out->by[LEDGER_RATE_MINUTES - 1 - back], minute->by, sizeof(minute->by));
        add(&sum, minute);
    }
    out->p50_ms = percentile(&sum, 50);
    out->p95_ms = percentile(&sum, 95);
}

void ledger_rates(const struct ledger *ledger, struct belfry_str org, int64_t now_ms, struct ledger_rates *out)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&ledger->numbers_lock;
    int64_t last = now_ms / MINUTE_MS;
    *out = (struct ledger_rates){.first_ms = (last - LEDGER_RATE_MINUTES + 1) * MINUTE_MS, .p50_ms = -1, .p95_ms = -1};
    pthread_mutex_lock(lock);
    for (size_t i = 0; i < ledger->rate_count; i++)
        if (str_eq(ledger->rates[i]->name, org))
            read_rates(ledger->rates[i], last, out);
    pthread_mutex_unlock(lock);
}
