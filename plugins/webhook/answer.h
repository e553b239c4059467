/* SPDX-License-Identifier: Apache-2.0 */
/* What an endpoint's answer means. Pure functions, any thread. */
#ifndef WEBHOOK_ANSWER_H
#define WEBHOOK_ANSWER_H

#include <belfry/host.h>

/* BELFRY_DELIVERED, RETRY, THROTTLED, REJECTED or TARGET_GONE (Standard Webhooks 1.0, "Responses"). */
uint32_t answer_outcome(const struct belfry_http_answer *answer);
/* Retry-After (RFC 9110 section 10.2.3) in milliseconds from now, at most 24 h; 0 when absent, past or malformed. */
int64_t answer_retry_after_ms(const struct belfry_http_answer *answer, int64_t now_ms);
/* The value of a header by its lower-case name; empty: it is not there. */
struct belfry_str answer_header(const struct belfry_http_answer *answer, const char *name);

#endif
