/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retry waits, breaker, token bucket: pure functions of numbers.
 *
 * Jitter is added, never subtracted: a receiver that asked for a pause, or that was told a schedule, is not surprised
 * early. The breaker's numbers are those that the field settled on: 10 requests in 5 minutes, 70 % failed, 30 s pause.
 * Ten failures in a row do as well: of an endpoint that took a thousand a minute and died, 70 % would be late.
 */
#include "dispatch/internal.h"

#define WAIT_MAX_MS (24 * 3600 * 1000ll)
#define JITTER_MIN_MS 1000
#define BREAKER_WINDOW_MS (5 * 60 * 1000)
#define BREAKER_REQUESTS 10
#define BREAKER_PERCENT 70
#define BREAKER_PAUSE_MS 30000

int64_t dispatch_wait_ms(const struct belfry_target_policy *policy, uint32_t attempts, int64_t retry_after_ms,
                         uint64_t random)
{
    if (attempts == 0 || attempts >= policy->attempts)
        return -1;
    int64_t base = policy->waits_ms[attempts - 1];
    if (retry_after_ms > base)
        base = retry_after_ms;
    if (base > WAIT_MAX_MS)
        base = WAIT_MAX_MS;
    if (base <= 0)
        return 0;
    int64_t spread = base / 10 > JITTER_MIN_MS ? base / 10 : JITTER_MIN_MS;
    return base + (int64_t)(random % (uint64_t)(spread + 1));
}

void breaker_note(struct breaker *b, int failed, int64_t now_ms)
{
    int probe = b->probing && now_ms >= b->open_until_ms;
    if (b->open_until_ms) {
        if (!failed)
            *b = (struct breaker){.window_ms = now_ms};
        else if (probe)
            b->open_until_ms = now_ms + BREAKER_PAUSE_MS;
        b->probing = 0;
        return; /* one that was under way when it opened says nothing new */
    }
    if (now_ms - b->window_ms > BREAKER_WINDOW_MS || now_ms < b->window_ms)
        *b = (struct breaker){.window_ms = now_ms};
    b->requests++;
    b->failures += failed != 0;
    b->in_a_row = failed ? b->in_a_row + 1 : 0;
    if (b->in_a_row >= BREAKER_REQUESTS ||
        (failed && b->requests >= BREAKER_REQUESTS && b->failures * 100 >= b->requests * BREAKER_PERCENT))
        b->open_until_ms = now_ms + BREAKER_PAUSE_MS;
}

int64_t breaker_wait(struct breaker *b, int64_t now_ms)
{
    if (!b->open_until_ms)
        return 0;
    if (b->open_until_ms > now_ms + BREAKER_PAUSE_MS) /* the clock was set back */
        b->open_until_ms = now_ms + BREAKER_PAUSE_MS;
    if (now_ms < b->open_until_ms)
        return b->open_until_ms;
    return b->probing ? now_ms + 1000 : 0;
}

uint32_t bucket_free(struct bucket *b, uint32_t want, int64_t now_ms)
{
    if (!b->per_minute)
        return want;
    double most = b->per_minute > 60 ? b->per_minute / 60.0 : 1; /* a second's worth may go at once */
    if (!b->at_ms)
        b->tokens = most;
    else if (now_ms > b->at_ms)
        b->tokens += (double)(now_ms - b->at_ms) * b->per_minute / 60000.0;
    if (b->tokens > most)
        b->tokens = most;
    b->at_ms = now_ms;
    return b->tokens < 1 ? 0 : b->tokens < want ? (uint32_t)b->tokens : want;
}

void bucket_take(struct bucket *b, uint32_t n)
{
    if (b->per_minute)
        b->tokens -= n;
}

int64_t bucket_next_ms(const struct bucket *b, int64_t now_ms)
{
    return now_ms + (int64_t)((1 - b->tokens) * 60000.0 / b->per_minute) + 1;
}
