/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deeds on what goes to an endpoint: one delivery again, all since a time, one that was never there. Each leaves a row
 * in the audit in its own commit. done is called on the loop, once.
 */
#ifndef LEDGER_ENDPOINTS_H
#define LEDGER_ENDPOINTS_H

#include "ledger/ledger.h"

/* The delivery of an attempt goes out once more, under the same webhook-id and also when it had arrived: due now, with
 * the whole schedule before it. ENOTFOUND: no such attempt of this target in this org; ECONFLICT and why: it is under
 * way or waits already, its event is no longer valid, the endpoint is gone. */
void ledger_endpoint_resend(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, int64_t attempt,
                            void (*done)(void *arg, belfry_status status, const char *why, int64_t delivery),
                            void *arg);
/*
 * All that ended without having arrived (failed, unknown, channel_removed) from since_ms to before until_ms (0: now)
 * goes out again, oldest first and within the endpoint's rate; and what happened in that time, is for this endpoint by
 * the rules and its own filters of now, and never became a delivery of it (it was made later, or its filter was
 * another). A job that a restart resumes: done when it is committed, with how many there are and the beginning as it
 * was clamped to what is kept.
 */
void ledger_endpoint_recover(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, int64_t since_ms,
                             int64_t until_ms,
                             void (*done)(void *arg, belfry_status status, int64_t count, int64_t since_ms), void *arg);
/*
 * An event of the given type that only this endpoint gets, whatever its filters say: no recipients, no other channel,
 * one attempt. data: JSON object, of the type's example. ECONFLICT: the endpoint is disabled. event and delivery: ids.
 */
void ledger_endpoint_test(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, struct belfry_str type,
                          struct belfry_str data,
                          void (*done)(void *arg, belfry_status status, const char *why, int64_t event,
                                       int64_t delivery),
                          void *arg);

#endif
