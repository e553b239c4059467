/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a run. All [txn]. */
#ifndef SYNC_TELL_H
#define SYNC_TELL_H

#include "run.h"

struct sync_telling {
    const struct sync *sync;
    struct belfry_txn *txn;
    const struct sync_run *run;
    const json_t *said; /* the trigger's data, whose unknown members are kept; NULL: none */
    struct belfry_error *err;
};

/* Nobody is told: for webhooks and whoever asks events. */
belfry_status sync_tell_backgrounded(const struct sync_telling *t);
/* whom: SYNC_TOLD_ADMIN and SYNC_TOLD_FAILURES; those there are. valid_until_ms 0: for good. */
belfry_status sync_tell_finished(const struct sync_telling *t, uint32_t whom, int64_t valid_until_ms);
belfry_status sync_tell_stalled(const struct sync_telling *t);
/* Whether what became of it is told as an overview: one that may expire. */
int sync_is_overview(const struct sync_run *run);

/* Recipients of an option, added to a list that has room for them; the new count. */
size_t sync_recipients(const struct belfry_list *texts, const char *reason, struct belfry_recipient *out, size_t count);
/* "/{org}/runs/{source}/{id}" in scratch memory; empty when that ends. */
struct belfry_str sync_run_path(const struct sync *sync, struct belfry_txn *txn, struct belfry_str id);

#endif
