/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads run on a few threads, each with a read-only connection of its own, each read in a new snapshot. A read that was
 * asked for after a write was answered begins after that write's commit, so it sees it. No read lasts longer than its
 * deadline: a long snapshot would keep the log from being re-used.
 */
#include "store/private.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#define WAITING_MAX 1000
/* A list of 200 touches up to 500 pages; with 2 MB those of a large table pushed each other out. */
#define READER_CACHE_KIB 4096
#define READ_MS 1000

struct read {
    struct list node;
    belfry_status (*fn)(struct store_conn *conn, void *arg);
    void (*done)(void *arg, belfry_status status);
    void *arg;
    int64_t max_ms;
    belfry_status status;
};

struct reader {
    struct store_readers *readers;
    struct store_conn *conn;
    pthread_t thread;
};

struct store_readers {
    struct store *store;
    uv_async_t wake;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list waiting, finished;
    size_t waiting_count;
    int stopping;
    int count;
    struct reader readers[];
};

static belfry_status run_read(struct store_conn *conn, const struct read *read)
{
    conn->fault = BELFRY_OK;
    conn->deadline_ns = clock_mono_ns(clock_real()) + (uint64_t)(read->max_ms ? read->max_ms : READ_MS) * 1000000;
    sql_run(sql_use(conn, "BEGIN"));
    belfry_status status = conn->fault ? conn->fault : read->fn(conn, read->arg);
    if (conn->fault) {
        status = conn->fault;
        log_error("store", "a read failed; the request was answered with an error", "error=%s",
                  log_quote(conn->fault_text, strlen(conn->fault_text)));
    }
    conn->fault = BELFRY_OK;
    conn->deadline_ns = 0;
    if (!sqlite3_get_autocommit(conn->db))
        sql_run(sql_use(conn, "ROLLBACK"));
    return status;
}

static void *reader_main(void *arg)
{
    struct reader *reader = arg;
    struct store_readers *readers = reader->readers;
    pthread_mutex_lock(&readers->lock);
    for (;;) {
        struct list *node = list_pop_front(&readers->waiting);
        if (!node && readers->stopping)
            break;
        if (!node) {
            pthread_cond_wait(&readers->work, &readers->lock);
            continue;
        }
        readers->waiting_count--;
        pthread_mutex_unlock(&readers->lock);
        struct read *read = LIST_OF(node, struct read, node);
        read->status = run_read(reader->conn, read);
        pthread_mutex_lock(&readers->lock);
        list_push_back(&readers->finished, node);
        uv_async_send(&readers->wake);
    }
    pthread_mutex_unlock(&readers->lock);
    return NULL;
}

/* [loop] Answers what is finished. */
static void answer(struct store_readers *readers)
{
    struct list ready;
    pthread_mutex_lock(&readers->lock);
    list_move(&ready, &readers->finished);
    pthread_mutex_unlock(&readers->lock);
    struct list *node;
    while ((node = list_pop_front(&ready))) {
        struct read *read = LIST_OF(node, struct read, node);
        read->done(read->arg, read->status);
        free(read);
    }
}

static void on_wake(uv_async_t *async)
{
    answer(async->data);
}

struct store_readers *store_readers_new(struct store *store, struct uv_loop_s *loop, int threads)
{
    struct store_readers *readers = xcalloc(1, sizeof(*readers) + (size_t)threads * sizeof(struct reader));
    readers->store = store;
    pthread_mutex_init(&readers->lock, NULL);
    pthread_cond_init(&readers->work, NULL);
    list_init(&readers->waiting);
    list_init(&readers->finished);
    uv_async_init(loop, &readers->wake, on_wake);
    readers->wake.data = readers;
    for (int i = 0; i < threads; i++) {
        struct reader *reader = &readers->readers[readers->count];
        reader->readers = readers;
        reader->conn = conn_open(store, store->path, store->vfs, SQLITE_OPEN_READONLY, READER_CACHE_KIB, NULL);
        if (!reader->conn)
            break;
        reader->conn->names = store->names;
        if (pthread_create(&reader->thread, NULL, reader_main, reader) != 0) {
            conn_close(reader->conn);
            break;
        }
        pthread_setname_np(reader->thread, "reader");
        readers->count++;
    }
    if (readers->count == 0) {
        store_readers_free(readers);
        return NULL;
    }
    return readers;
}

belfry_status store_read(struct store_readers *readers, belfry_status (*fn)(struct store_conn *conn, void *arg),
                         void (*done)(void *arg, belfry_status status), void *arg, int64_t max_ms)
{
    struct read *read = xcalloc(1, sizeof(*read));
    *read = (struct read){.fn = fn, .done = done, .arg = arg, .max_ms = max_ms};
    pthread_mutex_lock(&readers->lock);
    int full = readers->waiting_count >= WAITING_MAX || readers->stopping;
    if (!full) {
        list_push_back(&readers->waiting, &read->node);
        readers->waiting_count++;
    }
    pthread_mutex_unlock(&readers->lock);
    if (full) {
        free(read);
        return BELFRY_EAGAIN;
    }
    pthread_cond_signal(&readers->work);
    return BELFRY_OK;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

void store_readers_stop(struct store_readers *readers)
{
    pthread_mutex_lock(&readers->lock);
    int stopped = readers->stopping;
    readers->stopping = 1;
    struct list *node;
    while ((node = list_pop_front(&readers->waiting))) {
        LIST_OF(node, struct read, node)->status = BELFRY_ECANCELED;
        list_push_back(&readers->finished, node);
    }
    readers->waiting_count = 0;
    pthread_mutex_unlock(&readers->lock);
    if (stopped)
        return;
    pthread_cond_broadcast(&readers->work);
    for (int i = 0; i < readers->count; i++) {
        pthread_join(readers->readers[i].thread, NULL);
        conn_close(readers->readers[i].conn);
    }
    answer(readers);
}

void store_readers_free(struct store_readers *readers)
{
    if (!readers)
        return;
    store_readers_stop(readers);
    pthread_mutex_destroy(&readers->lock);
    pthread_cond_destroy(&readers->work);
    uv_close((uv_handle_t *)&readers->wake, free_handle);
}
