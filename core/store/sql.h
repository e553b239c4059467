/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements, for the files of this room only; nobody else knows SQLite. How a typed function is written:
 *
 *   int store_thing_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_thing *out)
 *   {
 *       struct sql *s = sql_use(conn, "SELECT name, at FROM thing WHERE id = ?");
 *       sql_i64(s, id);                                 // parameters in order
 *       int found = sql_row(s);                         // 1: a row, 0: the end (or a fault)
 *       if (found)
 *           *out = (struct store_thing){sql_get_copy(s, 0, arena), sql_get_i64(s, 1)}; // columns by number
 *       sql_end(s);                                     // always, before the function returns
 *       return found;
 *   }
 *
 * Statements are prepared once a connection and kept, found by the address of their text, so the text must be a
 * literal. Faults stick: the first one is noted in the connection, later calls do nothing and see no rows, and the
 * transaction cannot be committed. So typed functions need no error paths; whoever began the transaction asks
 * store_fault() once. One statement must not be used while an outer loop still steps through the same one.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/str.h"
#include "store/store.h"

#include <sqlite3.h>

struct sql {
    struct store_conn *conn;
    const char *text;
    sqlite3_stmt *stmt; /* NULL after a fault */
    int next;           /* parameter to bind */
};

struct names;

struct store_conn {
    sqlite3 *db;
    struct store *store;
    struct names *names; /* the store's */
    struct sql **slots;  /* open addressing by the address of the text; size is a power of two */
    size_t size, used;
    struct sql broken;   /* what sql_use() gives after a fault */
    belfry_status fault; /* of this transaction */
    char fault_text[320];
    uint64_t written;     /* rows since store_begin() */
    uint64_t deadline_ns; /* reads are interrupted then; 0: never */
    int writer;           /* 1: the ledger's */
};

/* Opens a connection with the pragmas of its kind. NULL with err. */
struct store_conn *conn_open(struct store *store, const char *path, const char *vfs, int flags, int cache_kib,
                             struct error *err);
void conn_close(struct store_conn *conn);
/* Runs statements that have no parameters and rows; 0 or the status with text in err. */
belfry_status conn_exec(struct store_conn *conn, const char *text, struct error *err);
/* Notes SQLite's last error of this connection as its fault (the first stays). Returns the fault. */
belfry_status conn_fail(struct store_conn *conn, int rc, const char *text);
/* belfry_status of a result code. */
belfry_status sql_status(int rc);

/* The statement, reset, ready for parameters. Never NULL. */
struct sql *sql_use(struct store_conn *conn, const char *text);
/* Bind the next parameter. Bytes must stay until the statement has run. An empty text is '', sql_opt makes it NULL. */
void sql_i64(struct sql *s, int64_t value);
void sql_i64_opt(struct sql *s, int64_t value); /* 0 is NULL */
void sql_null(struct sql *s);
void sql_str(struct sql *s, struct belfry_str value);
void sql_str_opt(struct sql *s, struct belfry_str value);
void sql_z(struct sql *s, const char *value); /* NULL is NULL */
void sql_blob(struct sql *s, struct belfry_str value);
/* One step of a query. */
int sql_row(struct sql *s);
void sql_end(struct sql *s);
/* Runs a statement that gives no rows; returns how many rows it changed. */
int sql_run(struct sql *s);
/* Runs a query for one number; `missing` when there is no row or it is NULL. */
int64_t sql_one(struct sql *s, int64_t missing);

/* Columns of the present row, by number from 0. NULL is 0 or empty. */
int64_t sql_get_i64(struct sql *s, int column);
int sql_get_is_null(struct sql *s, int column);
struct belfry_str sql_get_str(struct sql *s, int column); /* valid until the next step */
struct belfry_str sql_get_copy(struct sql *s, int column, struct arena *arena);

/* names.c */
struct names *names_new(void);
void names_free(struct names *names);
/* Reads the whole table. */
void names_load(struct names *names, struct store_conn *conn);
void names_commit(struct names *names);
void names_rollback(struct names *names);

#endif
