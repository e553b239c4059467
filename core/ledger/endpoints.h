/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deeds on what goes to an endpoint: one delivery again, all since a time, one that was never there. Each leaves a row
 * in the audit in its own commit. done is called on the loop, once.
 */
#ifndef LEDGER_ENDPOINTS_H
#define LEDGER_ENDPOINTS_H

#include "ledger/ledger.h"

/* The delivery of an attempt goes out once more, under the same webhook-id and also when it had arrived: due now, with
 * the whole schedule before it, its attempts counted from 1 again. ENOTFOUND: no such attempt of this target in this
 * org; ECONFLICT and why: it is under way or waits already, its event is no longer valid, the endpoint is gone. */
void ledger_endpoint_resend(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, int64_t attempt,
                            void (*done)(void *arg, belfry_status status, const char *why, int64_t delivery),
                            void *arg);
/*
 * What the endpoint has missed from since_ms to before until_ms (0: now), by the time of the events: all that ended
 * without having arrived (failed, unknown, channel_removed) goes out again, and what is for this endpoint by the rules
 * and its own filters of now, and never became a delivery of it (it was made later, or its filter was another); oldest
 * first and within the endpoint's rate, or held while it is disabled. What has arrived, waits, was ended on purpose or
 * is no longer valid is left alone, so the same again makes no second delivery.
 *
 * A job that a restart resumes. done after its last slice: count is how many events go out (again), and since_ms the
 * beginning as it was clamped to what is kept. The first of them may be under way by then. ECLOSED: the ledger stops,
 * and the next start goes on; EAGAIN: its channel went away meanwhile, and it goes on when that is back. ECONFLICT: one
 * of this endpoint is at work: count is how many go out by now, since_ms the time up to which it has looked at events.
 * ENOTFOUND: no such endpoint in this org.
 */
void ledger_endpoint_recover(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, int64_t since_ms,
                             int64_t until_ms,
                             void (*done)(void *arg, belfry_status status, int64_t count, int64_t since_ms), void *arg);
/*
 * An event of the given type that only this endpoint gets, whatever its filters and the gates say: no recipients, no
 * other channel, one attempt, of which its health takes no notice. It is an event of `hub` with the title "Test of
 * TYPE", caused by "endpoint.test", and its payload has "test":true beside "object". data: JSON object, of the type's
 * example. It waits in the endpoint's queue, also of one that is disabled, until it is claimed by its id (test of
 * struct ledger_claim) or in its turn. ENOTFOUND: no such endpoint in this org; ECONFLICT and why: its channel is gone.
 * event and delivery: ids.
 */
void ledger_endpoint_test(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, struct belfry_str type,
                          struct belfry_str data,
                          void (*done)(void *arg, belfry_status status, const char *why, int64_t event,
                                       int64_t delivery),
                          void *arg);

#endif
