/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of targets: what fails long enough is told to those who look after it, and disabled in the end. A target
 * that fails for five days without one success is disabled; its deliveries are held, not dropped.
 *
 * It is asked when a result comes, and by time, because a receiver may have asked for a day's pause. By time only when
 * nothing is due that would say more: after a clock that jumped, or a night of the hub's own, what is overdue is tried
 * before anything is said; and only of a target that failed since the hub started, for the same reason.
 */
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"
#include "ledger/health.h"

#include <stdlib.h>

#define FAILING_AT_ATTEMPT 4
#define DISABLE_AFTER_MS (5 * 24 * 3600 * 1000ll)
#define WHY_GONE "it answered 410 Gone, or asked to be disabled"
#define WHY_FAILED "no delivery has arrived for five days"

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

static void on_told(void *arg, belfry_status status)
{
    struct dispatch *d = arg;
    d->claims--;
    (void)status; /* the same */
}

/* Behind the outcomes that it follows from. */
static void tell(struct dispatch *d, struct target *t, enum ledger_told stage, const char *why)
{
    struct ledger_ailing ailing = {.target = t->id,
                                   .since_ms = t->first_failure_ms,
                                   .until_ms = t->first_failure_ms + DISABLE_AFTER_MS,
                                   .stage = stage,
                                   .answer = t->last_answer,
                                   .why = why};
    if (!d->set.ledger)
        return;
    outcomes_flush(d);
    d->claims++;
    if (stage != LEDGER_TOLD_DISABLED) {
        ledger_target_ails(d->set.ledger, &ailing, on_told, d);
        return;
    }
    struct disabling *w = xcalloc(1, sizeof(*w));
    *w = (struct disabling){.d = d, .target = t->id};
    t->disabling++;
    ledger_target_ails(d->set.ledger, &ailing, on_disabled, w);
}

static void disable(struct dispatch *d, struct target *t, const char *why)
{
    tell(d, t, LEDGER_TOLD_DISABLED, why);
    t->enabled = 0;
    t->first_failure_ms = 0;
    t->warned = 0;
    t->told = 1;
    log_warn("dispatch", "endpoint disabled; what comes for it is held until it is enabled",
             "channel=%s org=%.*s endpoint=%.*s why=%s", t->queue->channel->name, STR_ARG(t->facts->pub.org),
             STR_ARG(t->facts->pub.name), log_quote(why, strlen(why)));
}

static void warn(struct dispatch *d, struct target *t, enum ledger_told stage)
{
    if ((int)stage <= t->warned)
        return;
    t->warned = (int)stage;
    t->told = 1;
    tell(d, t, stage, NULL);
}

/* What the time since the first failure asks for. */
static enum ledger_told stage_of(int64_t failing_ms)
{
    static const enum ledger_told stages[] = {LEDGER_TOLD_DISABLED, LEDGER_TOLD_SOON, LEDGER_TOLD_MOST,
                                              LEDGER_TOLD_HALF};
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
        if (failing_ms >= DISABLE_AFTER_MS / 100 * (int64_t)stages[i])
            return stages[i];
    return LEDGER_TOLD_NOTHING;
}

static void act(struct dispatch *d, struct target *t, enum ledger_told stage)
{
    if (stage == LEDGER_TOLD_DISABLED)
        disable(d, t, WHY_FAILED);
    else if (stage != LEDGER_TOLD_NOTHING)
        warn(d, t, stage);
}

/* --- by time ------------------------------------------------------------------------------------------------------ */

static int is_at_rest(const struct dispatch *d, const struct queue_state *q)
{
    return !q->inflight && !q->claiming && list_empty(&q->ready) && !(q->heap_at && q->next_due_ms <= dispatch_now(d));
}

void target_look(struct dispatch *d, struct target *t)
{
    if (!t->first_failure_ms || !t->failed || !t->enabled || t->removed || d->stopping || !d->set.ledger ||
        !is_at_rest(d, t->queue))
        return;
    act(d, t, stage_of(dispatch_now(d) - t->first_failure_ms));
}

void targets_look(struct dispatch *d)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(d->channels, &pos, &key, &value)) {
        size_t at = 0;
        struct channel *ch = value;
        while (ch->live && hash_next(ch->targets, &at, &key, &value))
            target_look(d, value);
    }
}

/* --- by results --------------------------------------------------------------------------------------------------- */

void target_known(struct target *t, int64_t first_failure_ms, int told)
{
    t->first_failure_ms = first_failure_ms;
    if (told > t->warned)
        t->warned = told;
    t->told |= told != 0;
}

enum ledger_health target_health(const struct target *t, const struct batch *b, uint32_t outcome)
{
    /* What another receiver answered says nothing of this one, nor does what was still under way when it was disabled,
     * or what somebody tried out. */
    if (b->of->test || !t->enabled || t->removed || batch_moved(b))
        return LEDGER_HEALTH_NOTHING;
    if (outcome == BELFRY_DELIVERED)
        return t->first_failure_ms || t->told ? LEDGER_HEALTH_WELL : LEDGER_HEALTH_NOTHING;
    if (outcome == BELFRY_REJECTED) /* it never wants this one, which is an answer */
        return LEDGER_HEALTH_NOTHING;
    return LEDGER_HEALTH_FAILED;
}

static void keep_answer(struct target *t, const struct belfry_result *r)
{
    free(t->last_answer);
    t->last_answer = r->detail.len ? xstrndup(r->detail.ptr, r->detail.len < 400 ? r->detail.len : 400)
                     : r->code     ? xasprintf("%d", r->code)
                                   : NULL;
}

void target_result(struct dispatch *d, struct target *t, const struct batch *b, const struct belfry_result *result)
{
    int64_t now = dispatch_now(d);
    enum ledger_health health = target_health(t, b, result->outcome);
    if (result->outcome == BELFRY_DELIVERED)
        t->last_success_ms = now;
    if (health == LEDGER_HEALTH_WELL) {
        t->first_failure_ms = 0;
        t->warned = t->told = 0;
    }
    if (health != LEDGER_HEALTH_FAILED)
        return;
    t->failed = 1;
    keep_answer(t, result);
    if (!t->first_failure_ms)
        t->first_failure_ms = now;
    if (result->outcome == BELFRY_TARGET_GONE) {
        disable(d, t, WHY_GONE);
        return;
    }
    enum ledger_told stage = stage_of(now - t->first_failure_ms);
    act(d, t, stage ? stage : b->attempt >= FAILING_AT_ATTEMPT ? LEDGER_TOLD_ATTEMPTS : LEDGER_TOLD_NOTHING);
}
