/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints happen on a thread and a connection of their own: on the writer they cost each commit's tail dearly. The
 * thread sleeps until the log is over 16 MB and has grown by as much since its last look: a page that many commits
 * touched is then copied once (with 1,000,000 rows, half the work of a look every 4 MB), and a reader that keeps it
 * from finishing does not make every commit wake it for nothing. PASSIVE never waits for anybody.
 */
#include "store/private.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

#define PASSIVE_BYTES (INT64_C(16) << 20)
#define STEP_BYTES (INT64_C(16) << 20)
#define RESTART_BYTES (INT64_C(256) << 20)
#define RESTART_STEP_BYTES (INT64_C(32) << 20)
#define RESTART_WAIT_MS 200 /* everybody waits for the writer */

struct checkpoint {
    struct store *store;
    struct store_conn *conn;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t poked;
    int wanted, stopping;
    int64_t done_bytes; /* of the log, at the last look */
};

static void *run(void *arg)
{
    struct checkpoint *cp = arg;
    pthread_mutex_lock(&cp->lock);
    while (!cp->stopping) {
        if (!cp->wanted) {
            pthread_cond_wait(&cp->poked, &cp->lock);
            continue;
        }
        cp->wanted = 0;
        pthread_mutex_unlock(&cp->lock);
        int rc = sqlite3_wal_checkpoint_v2(cp->conn->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        if (rc != SQLITE_OK && rc != SQLITE_BUSY)
            log_warn("store", "checkpoint failed, trying again as the log grows", "code=%d error=%s", rc,
                     log_quote(sqlite3_errmsg(cp->conn->db), strlen(sqlite3_errmsg(cp->conn->db))));
        pthread_mutex_lock(&cp->lock);
    }
    pthread_mutex_unlock(&cp->lock);
    return NULL;
}

void checkpoint_poke(struct checkpoint *cp)
{
    int64_t bytes = atomic_load(&cp->store->wal_bytes);
    if (bytes < cp->done_bytes)
        cp->done_bytes = 0; /* the log began anew */
    if (bytes < PASSIVE_BYTES || bytes - cp->done_bytes < STEP_BYTES)
        return;
    cp->done_bytes = bytes;
    pthread_mutex_lock(&cp->lock);
    cp->wanted = 1;
    pthread_mutex_unlock(&cp->lock);
    pthread_cond_signal(&cp->poked);
}

belfry_status store_checkpoint_start(struct store *store, struct error *err)
{
    struct checkpoint *cp = xcalloc(1, sizeof(*cp));
    cp->store = store;
    cp->conn = conn_open(store, store->path, store->vfs, SQLITE_OPEN_READWRITE, 256, err);
    if (!cp->conn) {
        free(cp);
        return err ? err->status : BELFRY_EIO;
    }
    conn_exec(cp->conn, "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL;", NULL);
    pthread_mutex_init(&cp->lock, NULL);
    pthread_cond_init(&cp->poked, NULL);
    if (pthread_create(&cp->thread, NULL, run, cp) != 0) {
        conn_close(cp->conn);
        free(cp);
        return error_set(err, BELFRY_EAGAIN, NULL, "cannot start the checkpoint thread");
    }
    pthread_setname_np(cp->thread, "checkpoint");
    store->checkpoint = cp;
    return BELFRY_OK;
}

void store_checkpoint_stop(struct store *store)
{
    struct checkpoint *cp = store->checkpoint;
    if (!cp)
        return;
    store->checkpoint = NULL;
    pthread_mutex_lock(&cp->lock);
    cp->stopping = 1;
    pthread_mutex_unlock(&cp->lock);
    pthread_cond_signal(&cp->poked);
    pthread_join(cp->thread, NULL);
    conn_close(cp->conn);
    pthread_mutex_destroy(&cp->lock);
    pthread_cond_destroy(&cp->poked);
    free(cp);
}

void store_checkpoint_restart(struct store *store)
{
    int64_t bytes = atomic_load(&store->wal_bytes);
    if (bytes < RESTART_BYTES || bytes < store->restart_at)
        return;
    sqlite3 *db = store->writer->db;
    sqlite3_busy_timeout(db, RESTART_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    sqlite3_busy_timeout(db, 5000);
    /* A backup under way keeps its snapshot for seconds: try again when the log has grown some more. */
    store->restart_at = rc == SQLITE_OK ? 0 : bytes + RESTART_STEP_BYTES;
    if (rc == SQLITE_OK)
        atomic_store(&store->wal_bytes, 0);
}
