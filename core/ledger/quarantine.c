/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources that take too long. All of them share one thread and one transaction, so a call over 20 ms is logged, and an
 * instance with three calls over 250 ms in a minute is not called for a minute: its triggers are answered 503 with
 * Retry-After and its timers wait. Calls are timed by the machine's clock, the minute by the hub's.
 *
 * A source answers for its own time only: what its reads waited for the disk does not count, and a call that never gave
 * up the processor by itself is measured by the processor, because on a busy machine it was pushed aside.
 */
#include "ledger/inside.h"

#include "base/log.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <stdio.h>
#include <sys/resource.h>

#define LOG_NS UINT64_C(20000000)
#define SLOW_NS UINT64_C(250000000)
#define WINDOW_MS INT64_C(60000)
#define PAUSE_MS INT64_C(60000)

static struct source_health *health_of(struct ledger *ledger, const char *name)
{
    for (size_t i = 0; i < ledger->health_count; i++) {
        if (strcmp(ledger->health[i].name, name) == 0)
            return &ledger->health[i];
    }
    return NULL;
}

/* The loop asks for it. */
static void set_until(struct ledger *ledger, struct source_health *health, int64_t until)
{
    pthread_mutex_lock(&ledger->numbers_lock);
    health->until = until;
    pthread_mutex_unlock(&ledger->numbers_lock);
}

int64_t ledger_quarantine(const struct ledger *ledger, const char *source, int64_t now_ms)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&ledger->numbers_lock;
    int64_t until = 0;
    pthread_mutex_lock(lock);
    for (size_t i = 0; i < ledger->health_count; i++)
        if (strcmp(ledger->health[i].name, source) == 0)
            until = ledger->health[i].until;
    pthread_mutex_unlock(lock);
    return until > now_ms ? until : 0;
}

belfry_status quarantine_check(struct ledger *ledger, const char *name, int64_t now, int64_t *retry_after_ms)
{
    struct source_health *health = health_of(ledger, name);
    if (!health || !health->until)
        return BELFRY_OK;
    if (health->until <= now) {
        log_info("ledger", "a source is called again after its quarantine", "source=%s", name);
        set_until(ledger, health, 0);
        ledger->numbers.quarantined--;
        return BELFRY_OK;
    }
    *retry_after_ms = health->until - now;
    return BELFRY_EAGAIN;
}

void quarantine_clock_back(struct ledger *ledger, int64_t now)
{
    for (size_t i = 0; i < ledger->health_count; i++) {
        if (ledger->health[i].until > now + PAUSE_MS)
            set_until(ledger, &ledger->health[i], now + PAUSE_MS);
    }
    ledger->owners_next = INT64_MIN;
}

static struct source_health *health_add(struct ledger *ledger, const char *name)
{
    pthread_mutex_lock(&ledger->numbers_lock);
    ledger->health = xrealloc(ledger->health, (ledger->health_count + 1) * sizeof(*ledger->health));
    struct source_health *health = &ledger->health[ledger->health_count++];
    *health = (struct source_health){.name = xstrdup(name), .slow_at = {INT64_MIN, INT64_MIN, INT64_MIN}};
    pthread_mutex_unlock(&ledger->numbers_lock);
    return health;
}

static uint64_t ns_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

struct stopwatch quarantine_begin(void)
{
    struct rusage use;
    getrusage(RUSAGE_THREAD, &use);
    return (struct stopwatch){clock_mono_ns(clock_real()), ns_of(use.ru_utime) + ns_of(use.ru_stime), use.ru_nvcsw};
}

static uint64_t own_time(const struct stopwatch *begin, uint64_t waited_ns)
{
    uint64_t wall = clock_mono_ns(clock_real()) - begin->wall_ns;
    wall = wall > waited_ns ? wall - waited_ns : 0;
    if (wall < LOG_NS)
        return wall;
    struct rusage use;
    getrusage(RUSAGE_THREAD, &use);
    uint64_t cpu = ns_of(use.ru_utime) + ns_of(use.ru_stime) - begin->cpu_ns;
    return use.ru_nvcsw != begin->gave_up || cpu > wall ? wall : cpu;
}

/* The metric of the source that was called last is kept: mostly the next call is for the same. */
static void observe(struct ledger *ledger, const char *name, uint64_t ns)
{
    if (strcmp(ledger->observed_name, name) != 0) {
        snprintf(ledger->observed_name, sizeof(ledger->observed_name), "%s", name);
        ledger->observed = metric_get(metrics_global(), "belfry_plugin_call_duration_seconds",
                                      "Time that a plugin's function took.", METRIC_HISTOGRAM, "instance", name, NULL);
    }
    metric_observe(ledger->observed, (double)ns / 1e9);
}

static void too_slow(struct ledger *ledger, const char *name, int64_t now)
{
    struct source_health *health = health_of(ledger, name);
    if (!health)
        health = health_add(ledger, name);
    memmove(health->slow_at, health->slow_at + 1, 2 * sizeof(health->slow_at[0]));
    health->slow_at[2] = now;
    if (health->until || health->slow_at[0] == INT64_MIN || now - health->slow_at[0] > WINDOW_MS)
        return;
    set_until(ledger, health, now + PAUSE_MS);
    health->slow_at[0] = health->slow_at[1] = health->slow_at[2] = INT64_MIN;
    ledger->numbers.quarantined++;
    ledger->owners_next = INT64_MIN;
    char *text = xasprintf("Source %s took more than 250 ms three times in a minute. It is paused for %d seconds.",
                           name, (int)(PAUSE_MS / 1000));
    ledger_alarm(ledger, "hub.source_quarantined", str_of(name), text);
    free(text);
}

uint64_t quarantine_end(struct ledger *ledger, const char *name, int64_t now, const struct stopwatch *begin,
                        uint64_t waited_ns)
{
    uint64_t ns = own_time(begin, waited_ns);
    observe(ledger, name, ns);
    if (ns >= LOG_NS)
        log_warn("ledger", "a call of a source took long; everything else waited for it", "source=%s ms=%.1f", name,
                 (double)ns / 1e6);
    if (ns >= SLOW_NS)
        too_slow(ledger, name, now);
    return ns;
}
