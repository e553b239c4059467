/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long overviews are valid, for all of a source and org at once: one small state value, `overviews`.
 *
 * An overview is valid from when it became ready for `overview_valid_for`; each finished run of kind sync moves that on
 * from its own finish. One that starts supersedes all that started earlier. Whether one is earlier is asked of their
 * starts, never of the order in which triggers came; where only the end is known, a later start than that end
 * supersedes it.
 *
 * So what is valid is at most the overview that started last, and those whose start was never told.
 */
#ifndef SYNC_OVERVIEW_H
#define SYNC_OVERVIEW_H

#include "run.h"

#define SYNC_OVERVIEWS "overviews"

struct sync_overviews {
    json_t *doc; /* {t, i: start and id of the last one; y: end of the last sync; v: [{i, s, f, u, w}]} */
    int changed;
};

/* [txn] Free it with sync_overviews_fini(), always. */
belfry_status sync_overviews_load(struct belfry_txn *txn, struct sync_overviews *all);
/* Writes it when it changed. [txn] */
belfry_status sync_overviews_save(struct belfry_txn *txn, struct sync_overviews *all);
void sync_overviews_fini(struct sync_overviews *all);
/* The value as it is kept; for looks from outside of a transaction. [any] */
void sync_overviews_parse(struct belfry_str value, struct sync_overviews *all);

/* Its start became known: supersedes what is earlier, itself too when a later one is known. [txn] */
belfry_status sync_overviews_started(struct belfry_txn *txn, struct sync_overviews *all, const struct sync_run *run);
/* It is ready: valid for its time, unless it was superseded already. Of more than a hundred that are valid, which takes
 * that nobody tells when overviews start, the oldest are superseded. [txn] */
belfry_status sync_overviews_ready(struct belfry_txn *txn, struct sync_overviews *all, const struct sync_run *run,
                                   const struct sync *sync);
/* A run of kind sync has finished: moves the end of those that are valid. [txn] */
belfry_status sync_overviews_synced(struct belfry_txn *txn, struct sync_overviews *all, const struct sync_run *run,
                                    const struct sync *sync);
/* Until when an overview is valid; 0: it is not, or not any more. */
int64_t sync_overviews_until(const struct sync_overviews *all, struct belfry_str id);
/* Whether a later one is known to have started. The run has ended. */
int sync_overviews_superseded(const struct sync_overviews *all, const struct sync_run *run);
/* There are rows of it now, which later calls here have to move. */
void sync_overviews_told(struct sync_overviews *all, struct belfry_str id);
/* Its rows are not valid any more. [txn] */
belfry_status sync_overview_supersede(struct belfry_txn *txn, struct belfry_str id);

#endif
