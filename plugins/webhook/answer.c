/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 2xx is delivered, all else is not. An endpoint may say more: 410 or `webhook-delivery: disable` that it wants nothing
 * any more, `webhook-delivery: abort-message` that it never wants this. 429, 502 and 504 say that it has too much to do
 * (Standard Webhooks 1.0), and so does 503 when it names a time: nothing else goes to it for a while, but the attempt
 * counts, or an endpoint that answers so for ever would never be given up. 415 may be mended by whoever looks after the
 * endpoint, so it is tried again like any failure. When to try again is the host's to decide; Retry-After is passed on
 * whatever the status.
 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_AFTER_MAX_S (24 * 3600)

struct belfry_str answer_header(const struct belfry_http_answer *answer, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < answer->header_count; i++)
        if (answer->headers[i].name.len == len && memcmp(answer->headers[i].name.ptr, name, len) == 0)
            return answer->headers[i].value;
    return (struct belfry_str){0};
}

static int is(struct belfry_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static int has_too_much_to_do(const struct belfry_http_answer *answer)
{
    return answer->status == 429 || answer->status == 502 || answer->status == 504 ||
           (answer->status == 503 && answer_header(answer, "retry-after").len);
}

uint32_t answer_outcome(const struct belfry_http_answer *answer)
{
    if (answer->error)
        return answer->error == BELFRY_HTTP_ERR_URL ? BELFRY_REJECTED : BELFRY_RETRY;
    struct belfry_str wish = answer_header(answer, "webhook-delivery");
    if (answer->status == 410 || is(wish, "disable"))
        return BELFRY_TARGET_GONE;
    if (is(wish, "abort-message"))
        return BELFRY_REJECTED;
    if (answer->status >= 200 && answer->status < 300)
        return BELFRY_DELIVERED;
    return has_too_much_to_do(answer) ? BELFRY_THROTTLED : BELFRY_RETRY;
}

/* HTTP-date in its three forms (RFC 9110 section 5.6.7). Seconds since the epoch, or -1. */
static int64_t date(const char *text)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);
        if (end && *end == '\0')
            return timegm(&tm);
    }
    return -1;
}

int64_t answer_retry_after_ms(const struct belfry_http_answer *answer, int64_t now_ms)
{
    struct belfry_str value = answer_header(answer, "retry-after");
    char copy[64];
    if (value.len == 0 || value.len >= sizeof(copy))
        return 0;
    memcpy(copy, value.ptr, value.len);
    copy[value.len] = '\0';
    int64_t wait_ms;
    if (strspn(copy, "0123456789") == value.len) {
        wait_ms = value.len > 9 ? RETRY_AFTER_MAX_S * INT64_C(1000) : strtoll(copy, NULL, 10) * 1000;
    } else {
        int64_t when = date(copy);
        wait_ms = when < 0 ? 0 : when * 1000 - now_ms;
    }
    if (wait_ms < 0)
        return 0;
    return wait_ms < RETRY_AFTER_MAX_S * INT64_C(1000) ? wait_ms : RETRY_AFTER_MAX_S * INT64_C(1000);
}
