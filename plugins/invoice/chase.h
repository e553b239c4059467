/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chasers: reminders to the payer around the due date. One durable timer an invoice, "chase/{id}", set for the next of
 * them; which one that is is asked of the configuration each time, so that another configuration holds from the next
 * on. account.chased_ms says up to where chasers are done with.
 */
#ifndef INVOICE_CHASE_H
#define INVOICE_CHASE_H

#include "act.h"

/* The configured offsets in order of time, for chase_begin() and chase_due(). NULL: out of memory. [loop] */
struct belfry_calendar *chase_sort(const struct belfry_list *chasers);

/* Those up to from_ms are done with; sets the timer for the first one after it, or clears it when there is none. [txn]
 */
belfry_status chase_begin(struct act *a, int64_t from_ms);
/* No more chasers, and reminders that have not left yet do not leave. [txn] */
belfry_status chase_stop(const struct act *a, const char *reason);

/* The id in a timer's key; 0 when it is no chaser's. [any] */
int chase_id(struct belfry_str key, struct belfry_str *id);
/* The timer: of the chasers since chased_ms the latest goes out, and the timer is set for the next. [txn] */
belfry_status chase_due(struct act *a);

#endif
