/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When Xero as a whole does not answer, every task would find out by itself; so they are held back together: 5 s after
 * the first failure, doubling to 10 min, or as long as Xero itself says. The memory ends with the process: one more
 * request after a restart harms nobody.
 */
#include "xero_inside.h"

#include <string.h>

#define WAIT_FIRST_MS INT64_C(5000)
#define WAIT_MAX_MS INT64_C(600000)
#define HINT_MAX_MS INT64_C(86400000) /* the longest of Xero's limits is a day */

void xero_failed(struct xero *x, int64_t hint_ms, const char *what)
{
    uint32_t doublings = x->failures < 7 ? x->failures : 7;
    int64_t wait = WAIT_FIRST_MS << doublings, now = x->host->now_ms(x->host);
    wait = wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
    if (hint_ms > wait)
        wait = hint_ms < HINT_MAX_MS ? hint_ms : HINT_MAX_MS;
    if (x->not_before_ms > now) { /* several were under way when it went away: one failure, not many */
        x->not_before_ms = now + wait > x->not_before_ms && hint_ms ? now + wait : x->not_before_ms;
        return;
    }
    x->not_before_ms = now + wait;
    xero_log(x, x->failures++ ? BELFRY_LOG_INFO : BELFRY_LOG_WARN, "xero: %s; asked again in %lld s", what,
             (long long)(wait / 1000));
}

void xero_answered(struct xero *x)
{
    if (x->failures)
        xero_log(x, BELFRY_LOG_INFO, "xero: answers again after %u failures", x->failures);
    x->failures = 0; /* a pause that Xero asked for stands, though a call that was under way succeeded */
}

int64_t xero_pause(const struct xero *x)
{
    int64_t now = x->host->now_ms(x->host);
    return x->not_before_ms > now ? x->not_before_ms - now : 0;
}

int64_t xero_retry_after(const struct belfry_http_answer *answer)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < answer->header_count; i++) {
        struct belfry_str name = answer->headers[i].name, value = answer->headers[i].value;
        if (name.len != 11 || memcmp(name.ptr, "retry-after", 11) != 0)
            continue;
        for (size_t c = 0; c < value.len && value.ptr[c] >= '0' && value.ptr[c] <= '9' && seconds < 1000000; c++)
            seconds = seconds * 10 + (value.ptr[c] - '0');
    }
    return seconds * 1000;
}
