/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of targets: what fails long enough is told to those who look after it, and disabled in the end. A target
 * that fails for five days without one success is disabled; its deliveries are held, not dropped.
 */
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

#define FAILING_AT_ATTEMPT 4
#define DISABLE_AFTER_MS (5 * 24 * 3600 * 1000ll)

struct disabling {
    struct dispatch *d;
    int64_t target;
};

static void on_disabled(void *arg, belfry_status status)
{
    struct disabling *w = arg;
    struct target *t = target_find(w->d, w->target);
    w->d->claims--;
    (void)status; /* it stays disabled here; the ledger keeps what the disk refuses, and said so if it gave up */
    if (t && t->disabling)
        t->disabling--;
    free(w);
}

static void write_disabled(struct dispatch *d, struct target *t, const char *why)
{
    struct disabling *w = xcalloc(1, sizeof(*w));
    *w = (struct disabling){.d = d, .target = t->id};
    t->disabling++;
    d->claims++;
    ledger_target_enable(d->set.ledger, t->id, 0, why, on_disabled, w);
}

/* What role admin reads: why, what becomes of the rest, and what to do. */
static void disable(struct dispatch *d, struct target *t, const char *why)
{
    t->enabled = 0;
    t->first_failure_ms = 0;
    write_disabled(d, t, why);
    log_warn("dispatch", "endpoint disabled; what comes for it is held until its url is changed",
             "channel=%s org=%.*s endpoint=%.*s why=%s", t->queue->channel->name, STR_ARG(t->facts->pub.org),
             STR_ARG(t->facts->pub.name), log_quote(why, strlen(why)));
    if (!d->set.alarm)
        return;
    char *text = xasprintf("The endpoint `%.*s` of `%s` is disabled: %s\n"
                           "What comes for it is held. When it can take deliveries again, change its `url` in the "
                           "configuration (a query that was not there counts) and reload: what is held then leaves, "
                           "oldest first.",
                           STR_ARG(t->facts->pub.name), t->queue->channel->name, why);
    d->set.alarm(d->set.arg, "hub.endpoint_disabled", t->facts->pub.org, t->facts->pub.name, text);
    free(text);
}

static void warn(struct dispatch *d, struct target *t)
{
    if (t->warned || !d->set.alarm)
        return;
    t->warned = 1;
    char *text = xasprintf("Deliveries to the endpoint `%.*s` of `%s` keep failing\n"
                           "They are tried again on the schedule. After five days without one that arrives it is "
                           "disabled, and what comes for it is held.",
                           STR_ARG(t->facts->pub.name), t->queue->channel->name);
    d->set.alarm(d->set.arg, "hub.endpoint_failing", t->facts->pub.org, t->facts->pub.name, text);
    free(text);
}

void target_result(struct dispatch *d, struct target *t, uint32_t outcome, uint32_t attempt)
{
    int64_t now = dispatch_now(d);
    if (outcome == BELFRY_DELIVERED) {
        if (t->first_failure_ms)
            ledger_target_failure(d->set.ledger, t->id, 0, now);
        t->first_failure_ms = 0;
        t->last_success_ms = now;
        t->warned = 0;
        return;
    }
    if (!t->enabled || t->removed) /* what was still under way changes nothing */
        return;
    if (outcome == BELFRY_REJECTED) /* it never wants this one, which is an answer */
        return;
    if (!t->first_failure_ms) {
        t->first_failure_ms = now;
        ledger_target_failure(d->set.ledger, t->id, 1, now);
    }
    if (outcome == BELFRY_TARGET_GONE)
        disable(d, t, "it answered 410 Gone, or asked to be disabled");
    else if (now - t->first_failure_ms >= DISABLE_AFTER_MS)
        disable(d, t, "every delivery of five days failed");
    else if (attempt >= FAILING_AT_ATTEMPT)
        warn(d, t);
}
