/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database of one data_dir: lock, file, schema, keys, boot. The lock comes first of all, so that a second process
 * cannot even migrate. The schema's version is SQLite's user_version; a file that a newer Belfry wrote is refused
 * rather than guessed at. Every start is a row of `boot`: leases carry its id, so those of a dead process are told at
 * sight.
 */
#include "store/private.h"
#include "store/schema.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x42464c59 /* "BFLY" in the file's header */
/* With 1,000,000 rows the pages of indexes that a trigger touches at random are some 30 MB. */
#define WRITER_CACHE_KIB 32768
/* 288 MB: what the log grows to before it is restarted, and some more. A smaller file would be cut after each restart,
 * and to give 200 MB back to the file system takes the writer 90 to 170 ms; what is written over needs no new blocks.
 */
#define JOURNAL_LIMIT "301989888"

/* Element n brings version n to n + 1. */
static const char *const migrations[STORE_SCHEMA_VERSION] = {STORE_SCHEMA_1, STORE_SCHEMA_2, STORE_SCHEMA_3,
                                                             STORE_SCHEMA_4, STORE_SCHEMA_5};

int lock_take(const char *data_dir, struct error *err)
{
    if (mkdir(data_dir, 0700) != 0 && errno != EEXIST) {
        error_set(err, BELFRY_EPERM, NULL, "cannot make the data directory %s: %s", data_dir, strerror(errno));
        return -1;
    }
    char *path = xasprintf("%s/lock", data_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set(err, errno == EIO ? BELFRY_EIO : BELFRY_EPERM, NULL,
                  "cannot open %s: %s; the hub needs to write to its data directory", path, strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error_set(err, BELFRY_ECONFLICT, NULL, "another process holds %s; one data directory serves one hub", path);
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

/* SQLite would make the file with the process's umask; its log and index take the mode of the file. */
static belfry_status make_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
        return BELFRY_OK;
    }
    if (errno == ENOSPC)
        return error_set(err, BELFRY_ELIMIT, NULL, "cannot make %s: the disk is full; free some space", path);
    if (access(path, F_OK) == 0)
        return error_set(err, BELFRY_EPERM, NULL, "%s cannot be written (%s); check its owner and mode", path,
                         strerror(errno));
    return error_set(err, BELFRY_EPERM, NULL, "cannot make %s: %s", path, strerror(errno));
}

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct store *store = arg;
    (void)db;
    (void)name;
    atomic_store(&store->wal_bytes, (int64_t)pages * (4096 + 24));
    if (store->checkpoint)
        checkpoint_poke(store->checkpoint);
    return SQLITE_OK;
}

static int64_t pragma_number(struct store_conn *conn, const char *text)
{
    struct sql *s = sql_use(conn, text);
    return sql_one(s, 0);
}

/* Turns a fault while opening into a sentence that says what to do. */
static belfry_status explain(const struct store *store, belfry_status status, const char *fault, struct error *err)
{
    const char *advice = "";
    if (status == BELFRY_EIO)
        advice = "; the file may be damaged: restore a backup with `belfry restore`";
    else if (status == BELFRY_ELIMIT)
        advice = "; the disk is full: free some space";
    else if (status == BELFRY_EPERM)
        advice = "; check owner and mode of the data directory";
    return error_set(err, status, NULL, "cannot read %s: %s%s", store->path, fault, advice);
}

static belfry_status open_fault(const struct store *store, const struct store_conn *conn, struct error *err)
{
    return explain(store, conn->fault, conn->fault_text, err);
}

static belfry_status copy_before_migration(struct store *store, int64_t version, struct error *err)
{
    char *folder = xasprintf("%s/backup", store->data_dir);
    char *file = xasprintf("%s/pre-%d.db", folder, STORE_SCHEMA_VERSION);
    belfry_status status = BELFRY_OK;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        status = error_set(err, BELFRY_EPERM, NULL, "cannot make %s: %s", folder, strerror(errno));
    if (!status) {
        unlink(file);
        status = backup_copy(store->writer, file, err);
    }
    if (!status)
        log_info("store", "copied the database before migrating it", "from=%lld to=%d copy=%s", (long long)version,
                 STORE_SCHEMA_VERSION, file);
    free(file);
    free(folder);
    return status;
}

static belfry_status run_migrations(struct store_conn *conn, int64_t from, struct error *err)
{
    char pragmas[96];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA user_version=%d; PRAGMA application_id=%d;", STORE_SCHEMA_VERSION,
             APPLICATION_ID);
    belfry_status status = store_begin(conn, err);
    for (int64_t v = from; !status && v < STORE_SCHEMA_VERSION; v++)
        status = conn_exec(conn, migrations[v], err);
    if (!status)
        status = conn_exec(conn, pragmas, err);
    if (!status)
        status = store_commit(conn, err);
    if (status)
        store_rollback(conn);
    return status;
}

static belfry_status migrate(struct store *store, struct error *err)
{
    struct store_conn *conn = store->writer;
    int64_t version = pragma_number(conn, "PRAGMA user_version");
    int64_t tables = pragma_number(conn, "SELECT count(*) FROM sqlite_schema");
    int64_t app = pragma_number(conn, "PRAGMA application_id");
    if (conn->fault)
        return open_fault(store, conn, err);
    if (tables > 0 && app != APPLICATION_ID)
        return error_set(err, BELFRY_EUNSUPPORTED, NULL, "%s is a database of another program; name another data_dir",
                         store->path);
    if (version > STORE_SCHEMA_VERSION)
        return error_set(err, BELFRY_EUNSUPPORTED, NULL,
                         "%s has schema version %lld and this belfry knows versions up to %d; run the newer belfry, or "
                         "restore a backup made before the upgrade",
                         store->path, (long long)version, STORE_SCHEMA_VERSION);
    if (version == STORE_SCHEMA_VERSION && app == APPLICATION_ID)
        return BELFRY_OK;
    if (tables == 0)
        return run_migrations(conn, 0, err);
    if (copy_before_migration(store, version, err))
        return err->status;
    struct error why = {0};
    belfry_status status = run_migrations(conn, version, &why);
    if (status)
        error_set(err, status, NULL,
                  "cannot bring %s from schema version %lld to %d: %s; it is as it was, and a copy of it is "
                  "%s/backup/pre-%d.db",
                  store->path, (long long)version, STORE_SCHEMA_VERSION, error_text(&why), store->data_dir,
                  STORE_SCHEMA_VERSION);
    error_clear(&why);
    return status;
}

/* The key of ids and subjects, made with the database, and this start's row. */
static belfry_status read_identity(struct store *store, struct error *err)
{
    struct store_conn *conn = store->writer;
    belfry_status status = store_begin(conn, err);
    if (status)
        return status;
    struct sql *s = sql_use(conn, "SELECT value FROM meta WHERE key = 'id_key'");
    int found = sql_row(s) && sql_get_str(s, 0).len == sizeof(store->key.bytes);
    if (found)
        memcpy(store->key.bytes, sql_get_str(s, 0).ptr, sizeof(store->key.bytes));
    sql_end(s);
    if (!found) {
        random_bytes(store->key.bytes, sizeof(store->key.bytes));
        s = sql_use(conn, "INSERT INTO meta(key, value) VALUES('id_key', ?)");
        sql_blob(s, str_slice((const char *)store->key.bytes, sizeof(store->key.bytes)));
        sql_run(s);
    }
    store->boot = sql_one(sql_use(conn, "SELECT max(id) FROM boot"), 0) + 1;
    s = sql_use(conn, "INSERT INTO boot(id, started) VALUES(?, ?)");
    sql_i64(s, store->boot);
    sql_i64(s, clock_now_ms(store->clock));
    sql_run(s);
    names_load(store->names, conn);
    if (conn->fault) {
        status = open_fault(store, conn, err);
        store_rollback(conn);
        return status;
    }
    return store_commit(conn, err);
}

static belfry_status open_writer(struct store *store, struct error *err)
{
    belfry_status status = make_file(store->path, err);
    if (status)
        return status;
    struct error why = {0};
    store->writer =
        conn_open(store, store->path, store->vfs, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, WRITER_CACHE_KIB, &why);
    if (!store->writer) {
        status = explain(store, why.status, error_text(&why), err);
        error_clear(&why);
        return status;
    }
    store->writer->writer = 1;
    store->writer->names = store->names;
    if (sqlite3_db_readonly(store->writer->db, "main") == 1)
        return error_set(err, BELFRY_EPERM, NULL, "%s cannot be written; check its owner and mode", store->path);
    status = conn_exec(store->writer,
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                       "PRAGMA journal_size_limit=" JOURNAL_LIMIT ";",
                       NULL);
    if (status) {
        conn_fail(store->writer, sqlite3_errcode(store->writer->db), "opening");
        return open_fault(store, store->writer, err);
    }
    sqlite3_wal_hook(store->writer->db, on_commit, store);
    return BELFRY_OK;
}

struct store *store_open(const char *data_dir, const char *vfs, struct clock_src *clock, struct error *err)
{
    struct error own = {0};
    struct store *store = xcalloc(1, sizeof(*store));
    store->data_dir = xstrdup(data_dir);
    store->path = xasprintf("%s/" STORE_FILE, data_dir);
    store->vfs = vfs ? xstrdup(vfs) : NULL;
    store->clock = clock;
    store->names = names_new();
    store->lock_fd = lock_take(data_dir, &own);
    if (store->lock_fd >= 0 && !open_writer(store, &own) && !migrate(store, &own) && !read_identity(store, &own))
        return store;
    if (err)
        error_move(err, &own);
    error_clear(&own);
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_checkpoint_stop(store);
    conn_close(store->writer);
    names_free(store->names);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store->data_dir);
    free(store->path);
    free(store->vfs);
    free(store);
}

const char *store_path(const struct store *store)
{
    return store->path;
}

const struct id_key *store_id_key(const struct store *store)
{
    return &store->key;
}

int64_t store_boot(const struct store *store)
{
    return store->boot;
}

struct store_conn *store_writer(struct store *store)
{
    return store->writer;
}

int64_t store_wal_bytes(const struct store *store)
{
    return atomic_load(&store->wal_bytes);
}

int64_t store_db_bytes(const struct store *store)
{
    struct stat st;
    return stat(store->path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

belfry_status store_begin(struct store_conn *conn, struct error *err)
{
    conn->fault = BELFRY_OK;
    sql_run(sql_use(conn, "BEGIN IMMEDIATE"));
    conn->written = 0; /* SQLite still counts what the transaction before changed last */
    return store_fault(conn, err);
}

belfry_status store_commit(struct store_conn *conn, struct error *err)
{
    if (conn->writer && conn->written && !conn->fault)
        log_room(conn->store);
    sql_run(sql_use(conn, "COMMIT"));
    belfry_status status = store_fault(conn, err);
    if (!status)
        names_commit(conn->names);
    return status;
}

void store_rollback(struct store_conn *conn)
{
    /* SQLite has rolled back by itself after some errors. */
    conn->fault = BELFRY_OK;
    if (!sqlite3_get_autocommit(conn->db))
        sql_run(sql_use(conn, "ROLLBACK"));
    conn->fault = BELFRY_OK;
    names_rollback(conn->names);
}

/* A table each whose rowid is an id; `last_pos` is the last one that has no row of its own. */
#define TABLES_WITH_IDS(XX)                                                                                            \
    XX(person)                                                                                                         \
    XX(event)                                                                                                          \
    XX(notification)                                                                                                   \
    XX(delivery) XX(attempt) XX(decision) XX(task) XX(job) XX(target) XX(op) XX(refused) XX(audit) XX(suppression)

void store_id_used(struct store_conn *conn, int64_t id)
{
    struct sql *s = sql_use(conn, "INSERT INTO meta(key, value) VALUES('last_pos', ?) ON CONFLICT(key) DO UPDATE SET"
                                  " value = max(value, excluded.value)");
    sql_i64(s, id);
    sql_run(s);
}

int64_t store_last_id(struct store_conn *conn)
{
    static const char *const queries[] = {
#define QUERY(table) "SELECT max(id) FROM " #table,
        TABLES_WITH_IDS(QUERY)
#undef QUERY
            "SELECT value FROM meta WHERE key = 'last_pos'"};
    int64_t last = 0;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        int64_t id = sql_one(sql_use(conn, queries[i]), 0);
        last = id > last ? id : last;
    }
    return last;
}
