/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup and restore. A backup is one snapshot: SQLite would begin anew whenever the writer commits between two steps
 * without one, and never end under load. It copies at the speed of the disk, so the log grows for seconds, not for
 * hours. The copy is checked before it gets its name; a half-written one never looks like a backup.
 */
#include "store/private.h"
#include "store/schema.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES_A_STEP 4096

static belfry_status copy_pages(struct store_conn *from, struct store_conn *to, struct error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
    if (!backup)
        return error_set(err, BELFRY_EIO, NULL, "cannot copy the database: %s", sqlite3_errmsg(to->db));
    int rc;
    do
        rc = sqlite3_backup_step(backup, PAGES_A_STEP);
    while (rc == SQLITE_OK);
    int end = sqlite3_backup_finish(backup);
    if (rc == SQLITE_DONE && end == SQLITE_OK)
        return BELFRY_OK;
    rc = rc == SQLITE_DONE ? end : rc;
    return error_set(err, sql_status(rc), NULL, "cannot copy the database: %s", sqlite3_errstr(rc));
}

static belfry_status quick_check(struct store_conn *conn, const char *file, struct error *err)
{
    struct sql *s = sql_use(conn, "PRAGMA quick_check(1)");
    belfry_status status = BELFRY_OK;
    if (!sql_row(s) || !str_eqz(sql_get_str(s, 0), "ok"))
        status = error_set(err, BELFRY_EIO, NULL, "%s is damaged: %s", file,
                           conn->fault ? conn->fault_text : (const char *)sqlite3_column_text(s->stmt, 0));
    sql_end(s);
    return status;
}

/* A file must reach the disk before it replaces another, and the name after it. */
static belfry_status sync_and_rename(const char *from, const char *to, struct error *err)
{
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;
    if (fd >= 0)
        close(fd);
    if (failed || rename(from, to) != 0)
        return error_set(err, BELFRY_EIO, NULL, "cannot write %s: %s", to, strerror(errno));
    char *folder = xstrdup(to);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
    return BELFRY_OK;
}

belfry_status backup_copy(struct store_conn *from, const char *file, struct error *err)
{
    char *part = xasprintf("%s.part", file);
    unlink(part);
    int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        belfry_status status = error_set(err, BELFRY_EPERM, NULL, "cannot make %s: %s", part, strerror(errno));
        free(part);
        return status;
    }
    close(fd);
    belfry_status status = BELFRY_EIO;
    struct store_conn *to = conn_open(NULL, part, NULL, SQLITE_OPEN_READWRITE, 1024, err);
    if (to) {
        status = conn_exec(to, "PRAGMA synchronous=OFF;", err);
        if (!status)
            status = copy_pages(from, to, err);
        /* The copy takes the mode of the original with its first page; a backup is one file without a log. */
        if (!status)
            status = conn_exec(to, "PRAGMA journal_mode=DELETE;", err);
        if (!status)
            status = quick_check(to, part, err);
    }
    conn_close(to);
    if (!status)
        status = sync_and_rename(part, file, err);
    if (status)
        unlink(part);
    free(part);
    return status;
}

/* Small files only: a secret. */
static belfry_status copy_secret(const char *from, const char *to, struct error *err)
{
    unsigned char bytes[4096];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return errno == ENOENT ? BELFRY_OK
                               : error_set(err, BELFRY_EPERM, NULL, "cannot read %s: %s", from, strerror(errno));
    ssize_t len = read(in, bytes, sizeof(bytes));
    close(in);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int failed = len < 0 || out < 0 || write(out, bytes, (size_t)len) != len || fsync(out) != 0;
    if (out >= 0)
        close(out);
    mem_wipe(bytes, sizeof(bytes));
    return failed ? error_set(err, BELFRY_EIO, NULL, "cannot write %s: %s", to, strerror(errno)) : BELFRY_OK;
}

static belfry_status copy_secret_beside(const char *data_dir, const char *file, int back, struct error *err)
{
    char *secret = xasprintf("%s/secret", data_dir);
    char *beside = xasprintf("%s.secret", file);
    belfry_status status = back ? copy_secret(beside, secret, err) : copy_secret(secret, beside, err);
    free(secret);
    free(beside);
    return status;
}

static int same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

belfry_status store_backup(const char *data_dir, const char *file, int with_secret, struct error *err)
{
    char *path = xasprintf("%s/" STORE_FILE, data_dir);
    belfry_status status = BELFRY_EIO;
    struct store_conn *from = NULL;
    if (access(path, R_OK) != 0)
        status = error_set(err, BELFRY_ENOTFOUND, NULL, "cannot read %s: %s", path, strerror(errno));
    else if (same_file(path, file)) /* a running hub would go on writing to the one that lost its name */
        status = error_set(err, BELFRY_EINVAL, NULL, "%s is the database itself; name another file", file);
    else
        from = conn_open(NULL, path, NULL, SQLITE_OPEN_READWRITE, 1024, err);
    if (from) {
        conn_exec(from, "PRAGMA wal_autocheckpoint=0;", NULL);
        status = conn_exec(from, "BEGIN; SELECT count(*) FROM meta;", err);
        if (!status)
            status = backup_copy(from, file, err);
        conn_exec(from, "ROLLBACK;", NULL);
    }
    conn_close(from);
    free(path);
    if (!status && with_secret)
        status = copy_secret_beside(data_dir, file, 0, err);
    return status;
}

static belfry_status check_backup(struct store_conn *from, const char *file, struct error *err)
{
    belfry_status status = quick_check(from, file, err);
    if (status)
        return status;
    int64_t version = sql_one(sql_use(from, "PRAGMA user_version"), 0);
    int64_t has_meta = sql_one(sql_use(from, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'"), 0);
    if (!has_meta)
        return error_set(err, BELFRY_EINVAL, NULL, "%s is not a backup of a hub", file);
    if (version > STORE_SCHEMA_VERSION)
        return error_set(err, BELFRY_EUNSUPPORTED, NULL, "%s has schema version %lld, this belfry knows up to %d", file,
                         (long long)version, STORE_SCHEMA_VERSION);
    return BELFRY_OK;
}

belfry_status store_restore(const char *data_dir, const char *file, struct error *err)
{
    if (access(file, R_OK) != 0)
        return error_set(err, BELFRY_ENOTFOUND, NULL, "cannot read %s: %s", file, strerror(errno));
    int lock = lock_take(data_dir, err);
    if (lock < 0)
        return err ? err->status : BELFRY_ECONFLICT;
    char *path = xasprintf("%s/" STORE_FILE, data_dir);
    char *fresh = xasprintf("%s.restored", path);
    struct error why = {0};
    struct store_conn *from = conn_open(NULL, file, NULL, SQLITE_OPEN_READWRITE, 1024, &why);
    belfry_status status = from ? check_backup(from, file, err)
                                : error_set(err, BELFRY_EINVAL, NULL, "%s is no backup: %s", file, error_text(&why));
    error_clear(&why);
    if (!status)
        status = backup_copy(from, fresh, err);
    /* The log of the old database must not be played into the new one. */
    static const char *const stale[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; !status && i < sizeof(stale) / sizeof(stale[0]); i++) {
        char *name = xasprintf("%s%s", path, stale[i]);
        unlink(name);
        free(name);
    }
    if (!status)
        status = sync_and_rename(fresh, path, err);
    conn_close(from);
    if (!status)
        status = copy_secret_beside(data_dir, file, 1, err);
    free(fresh);
    free(path);
    close(lock);
    return status;
}
