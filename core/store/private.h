/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share about an open database. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "store/sql.h"

#include <stdatomic.h>

struct checkpoint;

struct store {
    char *data_dir, *path, *vfs; /* vfs NULL: SQLite's own */
    int lock_fd;
    struct clock_src *clock;
    struct store_conn *writer;
    struct names *names;
    struct id_key key;
    int64_t boot;
    _Atomic int64_t wal_bytes;
    int64_t log_used, log_size;    /* bytes: of the log, and of its file as log_room() last knew it. [ledger] */
    int64_t restart_at;            /* bytes of log at which RESTART is tried again. [ledger] */
    struct checkpoint *checkpoint; /* NULL: not started */
};

/* Takes data_dir/lock. Returns the descriptor, or -1 with ECONFLICT, EPERM or EIO in err. */
int lock_take(const char *data_dir, struct error *err);
/* After a commit: the log has grown to store->wal_bytes. [ledger] */
void checkpoint_poke(struct checkpoint *checkpoint);
/* Before a commit, in its transaction: makes the log's file longer ahead of what is written to it. [ledger] */
void log_room(struct store *store);
/* Copies the database of an open connection to a new file (0600), in one snapshot. */
belfry_status backup_copy(struct store_conn *from, const char *file, struct error *err);

#endif
