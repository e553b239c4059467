/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes: rows to one target that are about one subject and go one at a time, in the order of the events. Of a lane's
 * open rows (waiting, under way or held) only the first by event is due, and none while another of the lane is under
 * way. The others wait for their turn: their due time is what it would be by itself plus STORE_TURN, so that they stand
 * behind all that any clock will call due, in the index that claims read, and know their own time when the turn comes.
 *
 * Every change that ends, holds or puts off a row with a lane is followed by store_lane_settle(), in the same
 * transaction. All of this: the ledger's thread, unless marked; faults stick in the connection.
 */
#ifndef STORE_LANES_H
#define STORE_LANES_H

#include "store/deliveries.h"

#define STORE_TURN (INT64_C(1) << 60)

/* When a row is due by itself, whether or not it waits for its turn. [any] */
static inline int64_t store_due_itself(int64_t due_ms)
{
    return due_ms & (STORE_TURN - 1);
}

static inline int store_waits_for_turn(int64_t due_ms)
{
    return due_ms >= STORE_TURN;
}

/* A row that is to wait comes to its lane, before it is written so: when it is due now. The one that was first until
 * then waits for its turn when the row's event is older. row: lane, target, event, id (0: it has none yet, and comes
 * behind those of its event) and due. */
int64_t store_lane_enter(struct store_conn *conn, const struct store_delivery *row);
/* The first of the lane is due, when nothing of it is under way. 1: one became due. */
int store_lane_settle(struct store_conn *conn, int64_t target, int64_t lane);
/* A row that is due and has not been the first since another came before it waits for its turn. To be called before
 * store_lane_settle() when a row comes back to wait. */
void store_lane_return(struct store_conn *conn, const struct store_delivery *row);
/* Of a row that is not open. lane 0: none */
void store_delivery_set_lane(struct store_conn *conn, int64_t id, int64_t lane);
/* 1 when the target has rows with a lane that are open. */
int store_lanes_any(struct store_conn *conn, int64_t target);
/* Up to limit open rows of the target with an id below `before` are of no lane any more, and due by themselves. Returns
 * how many. */
int store_lanes_free(struct store_conn *conn, int64_t target, int64_t before, size_t limit);

#endif
