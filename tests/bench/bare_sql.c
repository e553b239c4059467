/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limit A: a bare loop that writes the very rows that a hub has written - identities, state, events, notifications, and
 * a revision each - into a fresh database with the same schema, connection and checkpoint thread, so many triggers a
 * commit. It reads nothing, checks nothing and decides nothing. Rows are packed in memory in the order in which the hub
 * wrote them, so that the loop does nothing but bind and step. Prints one line of JSON.
 *
 *   bare_sql FROM DIR TRIGGERS PER_COMMIT      FROM: a database of a hub that is stopped, one event a trigger
 */
#include "store/sql.h"
#include "wire.h"

enum table { DEDUPE, STATE, EVENT, NOTIFICATION, PERSON, TABLES };

static const char *const inserts[TABLES] = {
    "INSERT OR IGNORE INTO dedupe VALUES(?,?,?)",
    "INSERT INTO state VALUES(?,?,?,?) ON CONFLICT(inst, org, key) DO UPDATE SET value = excluded.value",
    "INSERT INTO event VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    "INSERT OR IGNORE INTO notification VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    "UPDATE person SET rev = rev + 1 WHERE id = ?"};

/* One row: its table, then each value with its type. */
struct pack {
    unsigned char *bytes;
    size_t len, cap;
};

struct trigger_rows {
    int64_t event;
    size_t from, to; /* in the pack */
};

static void check(sqlite3 *db, int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bare_sql: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void pack_add(struct pack *p, const void *data, size_t len)
{
    if (p->len + len > p->cap) {
        p->cap = (p->cap + len) * 2;
        if (!(p->bytes = realloc(p->bytes, p->cap)))
            bench_die("memory");
    }
    if (len)
        memcpy(p->bytes + p->len, data, len);
    p->len += len;
}

static void pack_value(struct pack *p, sqlite3_stmt *stmt, int column)
{
    unsigned char type = (unsigned char)sqlite3_column_type(stmt, column);
    int64_t number = sqlite3_column_int64(stmt, column);
    pack_add(p, &type, 1);
    if (type == SQLITE_INTEGER) {
        pack_add(p, &number, sizeof(number));
    } else if (type != SQLITE_NULL) {
        const void *data = sqlite3_column_blob(stmt, column);
        uint32_t len = (uint32_t)sqlite3_column_bytes(stmt, column);
        pack_add(p, &len, sizeof(len));
        pack_add(p, data, len);
    }
}

static void pack_row(struct pack *p, enum table table, sqlite3_stmt *stmt)
{
    unsigned char head[2] = {(unsigned char)table, (unsigned char)sqlite3_column_count(stmt)};
    pack_add(p, head, 2);
    for (int i = 0; i < head[1]; i++)
        pack_value(p, stmt, i);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *stmt;
    check(db, sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) == SQLITE_OK, text);
    return stmt;
}

static int64_t one(sqlite3 *db, const char *text)
{
    sqlite3_stmt *stmt = prepare(db, text);
    int64_t n = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return n;
}

/* --- what the hub wrote
 * -------------------------------------------------------------------------------------------------- */

static int by_event(const void *a, const void *b)
{
    int64_t x = ((const struct trigger_rows *)a)->event, y = ((const struct trigger_rows *)b)->event;
    return x < y ? -1 : x > y;
}

static void pack_all(struct pack *p, enum table table, sqlite3_stmt *stmt)
{
    while (sqlite3_step(stmt) == SQLITE_ROW)
        pack_row(p, table, stmt);
    sqlite3_reset(stmt);
}

/* Identities and records carry the trigger's number in as many digits, so both are in the order of the numbers. */
static size_t read_rows(sqlite3 *db, struct pack *p, struct trigger_rows *rows, size_t count)
{
    int64_t identities = one(db, "SELECT count(*) FROM dedupe"), states = one(db, "SELECT count(*) FROM state");
    int64_t each = identities ? states / identities : 0;
    sqlite3_stmt *event = prepare(db, "SELECT * FROM event ORDER BY trigger_id");
    sqlite3_stmt *dedupe = prepare(db, "SELECT * FROM dedupe ORDER BY key");
    sqlite3_stmt *state = prepare(db, "SELECT * FROM state ORDER BY inst, org, key");
    sqlite3_stmt *notification = prepare(db, "SELECT * FROM notification WHERE event = ?");
    sqlite3_stmt *person = prepare(db, "SELECT person FROM notification WHERE event = ?");
    size_t n = 0;
    for (; n < count && sqlite3_step(event) == SQLITE_ROW; n++) {
        rows[n].event = sqlite3_column_int64(event, 0);
        rows[n].from = p->len;
        check(db, sqlite3_step(dedupe) == SQLITE_ROW, "fewer identities than events");
        pack_row(p, DEDUPE, dedupe);
        for (int64_t i = 0; i < each && sqlite3_step(state) == SQLITE_ROW; i++)
            pack_row(p, STATE, state);
        pack_row(p, EVENT, event);
        sqlite3_bind_int64(notification, 1, rows[n].event);
        sqlite3_bind_int64(person, 1, rows[n].event);
        pack_all(p, NOTIFICATION, notification);
        pack_all(p, PERSON, person);
        rows[n].to = p->len;
    }
    sqlite3_stmt *all[] = {event, dedupe, state, notification, person};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        sqlite3_finalize(all[i]);
    qsort(rows, n, sizeof(*rows), by_event);
    return n;
}

/* The hub writes a person once; after that only the revision. */
static void copy_people(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *read = prepare(from, "SELECT id, org, username FROM person"),
                 *write = prepare(to, "INSERT INTO person(id, org, username) VALUES(?,?,?)");
    while (sqlite3_step(read) == SQLITE_ROW) {
        for (int i = 0; i < 3; i++)
            sqlite3_bind_value(write, i + 1, sqlite3_column_value(read, i));
        sqlite3_step(write);
        sqlite3_reset(write);
    }
    sqlite3_finalize(read);
    sqlite3_finalize(write);
}

/* --- the loop
 * ------------------------------------------------------------------------------------------------------------ */

static const unsigned char *bind_value(sqlite3_stmt *stmt, int at, const unsigned char *p)
{
    int64_t number;
    uint32_t len;
    switch (*p++) {
    case SQLITE_INTEGER:
        memcpy(&number, p, sizeof(number));
        sqlite3_bind_int64(stmt, at, number);
        return p + sizeof(number);
    case SQLITE_NULL:
        sqlite3_bind_null(stmt, at);
        return p;
    default:
        memcpy(&len, p, sizeof(len));
        p += sizeof(len);
        if (p[-5] == SQLITE_BLOB)
            sqlite3_bind_blob(stmt, at, p, (int)len, SQLITE_STATIC);
        else
            sqlite3_bind_text(stmt, at, (const char *)p, (int)len, SQLITE_STATIC);
        return p + len;
    }
}

static void write_trigger(sqlite3 *db, sqlite3_stmt **stmts, const unsigned char *p, const unsigned char *end)
{
    while (p < end) {
        sqlite3_stmt *stmt = stmts[p[0]];
        int columns = p[1];
        p += 2;
        for (int i = 0; i < columns; i++)
            p = bind_value(stmt, i + 1, p);
        check(db, sqlite3_step(stmt) == SQLITE_DONE, "write");
        sqlite3_reset(stmt);
    }
}

static double run(struct store *store, const struct pack *p, const struct trigger_rows *rows, size_t count,
                  size_t per_commit)
{
    sqlite3 *db = store_writer(store)->db;
    sqlite3_stmt *stmts[TABLES], *begin = prepare(db, "BEGIN IMMEDIATE"), *commit = prepare(db, "COMMIT");
    for (int i = 0; i < TABLES; i++)
        stmts[i] = prepare(db, inserts[i]);
    uint64_t since = bench_ns();
    for (size_t n = 0; n < count; n++) {
        if (n % per_commit == 0) {
            check(db, sqlite3_step(begin) == SQLITE_DONE, "begin");
            sqlite3_reset(begin);
        }
        write_trigger(db, stmts, p->bytes + rows[n].from, p->bytes + rows[n].to);
        if (n % per_commit == per_commit - 1 || n == count - 1) {
            check(db, sqlite3_step(commit) == SQLITE_DONE, "commit");
            sqlite3_reset(commit);
            store_checkpoint_restart(store);
        }
    }
    double seconds = (double)(bench_ns() - since) / 1e9;
    for (int i = 0; i < TABLES; i++)
        sqlite3_finalize(stmts[i]);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    return seconds;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bare_sql FROM DIR TRIGGERS PER_COMMIT\n");
        return 2;
    }
    sqlite3 *from;
    struct error err = {0};
    struct pack pack = {NULL, 0, 0};
    size_t count = strtoul(argv[3], NULL, 10), per_commit = strtoul(argv[4], NULL, 10);
    struct trigger_rows *rows = bench_alloc(count, sizeof(*rows));
    check(NULL, sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK, argv[1]);
    count = read_rows(from, &pack, rows, count);
    struct store *store = store_open(argv[2], NULL, clock_real(), &err);
    if (!store || store_checkpoint_start(store, &err)) {
        fprintf(stderr, "bare_sql: %s\n", error_text(&err));
        return 1;
    }
    copy_people(from, store_writer(store)->db);
    sqlite3_close(from);
    double seconds = run(store, &pack, rows, count, per_commit);
    printf("{\"triggers\":%zu,\"per_commit\":%zu,\"bytes_a_trigger\":%zu,\"seconds\":%.4f,\"rate\":%.1f}\n", count,
           per_commit, count ? pack.len / count : 0, seconds, (double)count / seconds);
    store_close(store);
    free(pack.bytes);
    free(rows);
    return 0;
}
