/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of one subject, one at a time: what the ledger does about the lanes of store/lanes.h. Whether a target's
 * rows have lanes is what the index that its events are matched with says now; a row keeps the lane that it got, so
 * what waits goes on in its order also when nobody asks for one any more, until a job has freed it.
 *
 * An event without a subject is in no lane: it is about no thing whose history could get out of order, and one lane for
 * all of those would let any of them hold up the others.
 */
#include "ledger/inside.h"

#include "store/lanes.h"

int64_t lane_of(const struct route_target *target, const struct store_event *event)
{
    return target && target->order == BELFRY_ORDER_FIFO && event->subject.len > 0 ? event->subject_key : 0;
}

void lane_next(struct ledger_txn *txn, int64_t target, int64_t lane)
{
    if (lane && store_lane_settle(txn->conn, target, lane))
        ledger_txn_due(txn, target);
}

void lane_return(struct ledger_txn *txn, const struct store_delivery *row)
{
    if (!row->lane)
        return;
    store_lane_return(txn->conn, row);
    lane_next(txn, row->target, row->lane);
}

void lanes_free(struct ledger_txn *txn, int64_t target, int64_t org)
{
    if (store_lanes_any(txn->conn, target))
        job_start(txn, JOB_LANES, org, target, 0, (struct belfry_str){NULL, 0});
}

/* What was made since is of an order that was asked for again. */
int lanes_slice(struct ledger_txn *txn, struct store_job *job)
{
    int count = store_lanes_free(txn->conn, job->ref, job->id, SLICE);
    job->done += count;
    if (count > 0)
        ledger_txn_due(txn, job->ref);
    return count < SLICE;
}
