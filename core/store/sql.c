/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and their statements. A connection belongs to one thread at a time, so SQLite's own mutexes are off. The
 * cache of statements is a hash table by address: finding one costs a multiplication, and a text that two places share
 * costs a second entry at worst.
 */
#include "store/sql.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS_FIRST 128
#define BUSY_MS 5000
/* Virtual machine steps between two looks at the deadline of a read: about 0.1 ms. */
#define STEPS_BETWEEN_LOOKS 5000

belfry_status sql_status(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return BELFRY_OK;
    case SQLITE_FULL:
        return BELFRY_ELIMIT;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        return BELFRY_EIO;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return BELFRY_EPERM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return BELFRY_EAGAIN;
    case SQLITE_INTERRUPT:
        return BELFRY_ETIMEDOUT;
    case SQLITE_NOMEM:
        return BELFRY_ENOMEM;
    default:
        return BELFRY_EINTERNAL;
    }
}

belfry_status conn_fail(struct store_conn *conn, int rc, const char *text)
{
    if (conn->fault)
        return conn->fault;
    conn->fault = sql_status(rc);
    if (!conn->fault)
        conn->fault = BELFRY_EINTERNAL;
    snprintf(conn->fault_text, sizeof(conn->fault_text), "%s (SQLite code %d) at: %.160s", sqlite3_errmsg(conn->db),
             sqlite3_extended_errcode(conn->db), text);
    return conn->fault;
}

/* SQLite asks now and then during a long read whether to go on. */
static int past_deadline(void *arg)
{
    const struct store_conn *conn = arg;
    return conn->deadline_ns != 0 && clock_mono_ns(clock_real()) > conn->deadline_ns;
}

/* SQLite would count its memory under one mutex for all threads, which nobody asks about. No effect when another
 * library of the process woke it before. */
static void without_statistics(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct store_conn *conn_open(struct store *store, const char *path, const char *vfs, int flags, int cache_kib,
                             struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, without_statistics);
    struct store_conn *conn = xcalloc(1, sizeof(*conn));
    conn->store = store;
    conn->broken.conn = conn;
    conn->size = SLOTS_FIRST;
    conn->slots = xcalloc(conn->size, sizeof(struct sql *));
    int rc = sqlite3_open_v2(path, &conn->db, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (rc != SQLITE_OK) {
        error_set(err, sql_status(rc), NULL, "cannot open %s: %s", path,
                  conn->db ? sqlite3_errmsg(conn->db) : sqlite3_errstr(rc));
        conn_close(conn);
        return NULL;
    }
    sqlite3_extended_result_codes(conn->db, 1);
    sqlite3_busy_timeout(conn->db, BUSY_MS);
    if (flags & SQLITE_OPEN_READONLY)
        sqlite3_progress_handler(conn->db, STEPS_BETWEEN_LOOKS, past_deadline, conn);
    char pragmas[160];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA cache_size=-%d; PRAGMA temp_store=memory; PRAGMA foreign_keys=OFF;",
             cache_kib);
    if (conn_exec(conn, pragmas, err)) {
        conn_close(conn);
        return NULL;
    }
    return conn;
}

void conn_close(struct store_conn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < conn->size; i++) {
        if (!conn->slots[i])
            continue;
        sqlite3_finalize(conn->slots[i]->stmt);
        free(conn->slots[i]);
    }
    free(conn->slots);
    sqlite3_close(conn->db);
    free(conn);
}

belfry_status conn_exec(struct store_conn *conn, const char *text, struct error *err)
{
    int rc = sqlite3_exec(conn->db, text, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return BELFRY_OK;
    return error_set(err, sql_status(rc), NULL, "%s (SQLite code %d)", sqlite3_errmsg(conn->db), rc);
}

belfry_status store_fault(const struct store_conn *conn, struct error *err)
{
    if (conn->fault)
        error_set(err, conn->fault, NULL, "%s", conn->fault_text);
    return conn->fault;
}

const char *store_fault_last(const struct store_conn *conn)
{
    return conn->fault_text;
}

uint64_t store_written(const struct store_conn *conn)
{
    return conn->written;
}

/* --- statements --------------------------------------------------------------------------------------------------- */

static size_t slot_of(const struct store_conn *conn, const char *text)
{
    size_t mask = conn->size - 1;
    size_t i = ((uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
    while (conn->slots[i] && conn->slots[i]->text != text)
        i = (i + 1) & mask;
    return i;
}

static void grow(struct store_conn *conn)
{
    struct sql **old = conn->slots;
    size_t size = conn->size;
    conn->size *= 2;
    conn->slots = xcalloc(conn->size, sizeof(struct sql *));
    for (size_t i = 0; i < size; i++) {
        if (old[i])
            conn->slots[slot_of(conn, old[i]->text)] = old[i];
    }
    free(old);
}

static struct sql *prepare(struct store_conn *conn, const char *text)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v3(conn->db, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (rc != SQLITE_OK) {
        conn_fail(conn, rc, text);
        return &conn->broken;
    }
    if ((conn->used + 1) * 2 > conn->size)
        grow(conn);
    struct sql *s = xcalloc(1, sizeof(*s));
    *s = (struct sql){conn, text, stmt, 1};
    conn->slots[slot_of(conn, text)] = s;
    conn->used++;
    return s;
}

struct sql *sql_use(struct store_conn *conn, const char *text)
{
    if (conn->fault)
        return &conn->broken;
    /* SQLite asks during one long statement; this is for a read of many short ones. */
    if (conn->deadline_ns && past_deadline(conn)) {
        conn->fault = BELFRY_ETIMEDOUT;
        snprintf(conn->fault_text, sizeof(conn->fault_text), "the read took too long");
        return &conn->broken;
    }
    struct sql *s = conn->slots[slot_of(conn, text)];
    if (!s)
        return prepare(conn, text);
    s->next = 1;
    return s;
}

void sql_i64(struct sql *s, int64_t value)
{
    if (s->stmt)
        sqlite3_bind_int64(s->stmt, s->next++, value);
}

void sql_null(struct sql *s)
{
    if (s->stmt)
        sqlite3_bind_null(s->stmt, s->next++);
}

void sql_i64_opt(struct sql *s, int64_t value)
{
    if (value)
        sql_i64(s, value);
    else
        sql_null(s);
}

void sql_str(struct sql *s, struct belfry_str value)
{
    if (s->stmt)
        sqlite3_bind_text64(s->stmt, s->next++, value.ptr ? value.ptr : "", value.len, SQLITE_STATIC, SQLITE_UTF8);
}

void sql_str_opt(struct sql *s, struct belfry_str value)
{
    if (value.len)
        sql_str(s, value);
    else
        sql_null(s);
}

void sql_z(struct sql *s, const char *value)
{
    if (value)
        sql_str(s, str_of(value));
    else
        sql_null(s);
}

void sql_blob(struct sql *s, struct belfry_str value)
{
    if (s->stmt)
        sqlite3_bind_blob64(s->stmt, s->next++, value.ptr ? value.ptr : "", value.len, SQLITE_STATIC);
}

int sql_row(struct sql *s)
{
    if (!s->stmt || s->conn->fault)
        return 0;
    int rc = sqlite3_step(s->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        conn_fail(s->conn, rc, s->text);
    return 0;
}

void sql_end(struct sql *s)
{
    if (s->stmt)
        sqlite3_reset(s->stmt);
    s->next = 1;
}

int sql_run(struct sql *s)
{
    sql_row(s);
    int changed = s->stmt && !s->conn->fault ? sqlite3_changes(s->conn->db) : 0;
    sql_end(s);
    s->conn->written += (uint64_t)changed;
    return changed;
}

int64_t sql_one(struct sql *s, int64_t missing)
{
    int64_t value = sql_row(s) && !sql_get_is_null(s, 0) ? sql_get_i64(s, 0) : missing;
    sql_end(s);
    return value;
}

int64_t sql_get_i64(struct sql *s, int column)
{
    return sqlite3_column_int64(s->stmt, column);
}

int sql_get_is_null(struct sql *s, int column)
{
    return sqlite3_column_type(s->stmt, column) == SQLITE_NULL;
}

struct belfry_str sql_get_str(struct sql *s, int column)
{
    const char *ptr = sqlite3_column_blob(s->stmt, column);
    return str_slice(ptr, (size_t)sqlite3_column_bytes(s->stmt, column));
}

struct belfry_str sql_get_copy(struct sql *s, int column, struct arena *arena)
{
    struct belfry_str value = sql_get_str(s, column);
    return value.len ? arena_str(arena, value) : (struct belfry_str){NULL, 0};
}
