/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: SQLite and nothing else knows it. One writer connection (the ledger's), one checkpoint connection, a few
 * short-lived read-only snapshots. WAL, synchronous=FULL, temp_store=memory.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/status.h"

struct store;      /* the database of one data_dir */
struct store_conn; /* one connection; one thread at a time */

/*
 * Opens (creating, migrating) data_dir/belfry.db under data_dir/lock (flock, taken first of all; ECONFLICT when another
 * process holds it). Before a migration a copy is made as backup/pre-<version>.db. Refuses a newer schema or a foreign
 * file (EUNSUPPORTED), a corrupt one (EIO), a read-only one (EPERM), each with a sentence that says what to do. vfs
 * NULL: SQLite's own. [loop]
 */
struct store *store_open(const char *data_dir, const char *vfs, struct clock_src *clock, struct error *err);
void store_close(struct store *store);
const char *store_path(const struct store *store);
/* Key of UUIDs, subject keys: made with the database. */
const struct id_key *store_id_key(const struct store *store);
/* This process's boot, a row of `boot`. */
int64_t store_boot(const struct store *store);

/* The writer's connection. [ledger] */
struct store_conn *store_writer(struct store *store);
/* BEGIN IMMEDIATE, COMMIT, ROLLBACK. EIO with text in err; ELIMIT when the disk is full. [ledger] */
belfry_status store_begin(struct store_conn *conn, struct error *err);
belfry_status store_commit(struct store_conn *conn, struct error *err);
void store_rollback(struct store_conn *conn);
/*
 * Faults stick: after the first one in a transaction (I/O, disk full, interrupted read) every function of this room
 * does nothing, sees no rows, and store_commit() fails. So callers ask once, here, before they answer: 0, or the status
 * with text in err (may be NULL). [owner of conn]
 */
belfry_status store_fault(const struct store_conn *conn, struct error *err);
/* What the last fault said, also when its transaction was rolled back since; empty: none yet. [owner of conn] */
const char *store_fault_last(const struct store_conn *conn);
/* Rows that were inserted, updated or deleted since store_begin(). [owner of conn] */
uint64_t store_written(const struct store_conn *conn);
/* The largest id in any table, for id_gen. */
int64_t store_last_id(struct store_conn *conn);
/* An id was drawn that is no row's: a place in an inbox, a moment. The generator goes on behind it after a restart. */
void store_id_used(struct store_conn *conn, int64_t id);

/*
 * A read-only snapshot on a reader thread: fn runs there with its own connection inside BEGIN ... ROLLBACK, interrupted
 * after max_ms (0: 1000); done runs on the loop. Started before any later write is visible to it only when that write
 * was answered before the call (read-your-writes). EAGAIN when over 1,000 reads wait. [loop]
 */
struct uv_loop_s;
struct store_readers;
struct store_readers *store_readers_new(struct store *store, struct uv_loop_s *loop, int threads);
belfry_status store_read(struct store_readers *readers, belfry_status (*fn)(struct store_conn *conn, void *arg),
                         void (*done)(void *arg, belfry_status status), void *arg, int64_t max_ms);
/* Waits for those under way, cancels the rest; store_read answers EAGAIN from then on. [loop] */
void store_readers_stop(struct store_readers *readers);
/* store_readers_stop, and the end of it. [loop] */
void store_readers_free(struct store_readers *readers);

/* Interned names: id of a text (made when missing; 0 for an empty one; [ledger]), and back. Cached in memory; ids are
 * never re-used. */
int64_t store_name(struct store_conn *writer, struct belfry_str text);
/* From any connection, without making one: 0 when it does not exist. */
int64_t store_name_find(struct store_conn *conn, struct belfry_str text);
/* Valid until the store is closed; empty for 0. [any] */
struct belfry_str store_name_text(struct store_conn *conn, int64_t id);

/* The name of the file in data_dir that holds the database. */
#define STORE_FILE "belfry.db"

/* Size in bytes of the write-ahead log. [any] */
int64_t store_wal_bytes(const struct store *store);
int64_t store_db_bytes(const struct store *store);
/* Checkpoint thread: PASSIVE above 16 MB of WAL. [loop] */
belfry_status store_checkpoint_start(struct store *store, struct error *err);
void store_checkpoint_stop(struct store *store);
/* RESTART on the writer between two groups, above 256 MB. [ledger] */
void store_checkpoint_restart(struct store *store);

/* Online copy, 0600, verified with quick_check, by pages in short steps. [any thread, own connection] */
belfry_status store_backup(const char *data_dir, const char *file, int with_secret, struct error *err);
/* Refuses while a daemon holds the lock; removes stale -wal and -shm. */
belfry_status store_restore(const char *data_dir, const char *file, struct error *err);

#endif
