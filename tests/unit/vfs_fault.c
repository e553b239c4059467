/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim stands between SQLite and its own VFS. Only what changes the database and its log is counted: xWrite, xSync
 * and xTruncate; shared memory goes through untouched, because it does not outlive a crash of the machine anyway.
 */
#include "vfs_fault.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same memory */
};

static sqlite3_vfs shim;
static sqlite3_vfs *below;
static _Atomic int fault_kind, fault_skip, fault_times, fault_forever, calls;

void vfs_fault_set(enum vfs_fault fault, int skip, int times)
{
    fault_skip = skip;
    fault_times = times;
    fault_forever = times == 0;
    calls = 0;
    fault_kind = (int)fault;
}

int vfs_fault_count(void)
{
    return calls;
}

/* 1 when this call is to fail. */
static int strikes(void)
{
    atomic_fetch_add(&calls, 1);
    if (fault_kind == VFS_NONE)
        return 0;
    if (atomic_fetch_sub(&fault_skip, 1) > 0)
        return 0;
    if (fault_forever)
        return 1;
    return atomic_fetch_sub(&fault_times, 1) > 0;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->real;
}

static int fault_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int fault_read(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), to, amount, offset);
}

static int fault_write(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    if (!strikes())
        return real->pMethods->xWrite(real, from, amount, offset);
    if (fault_kind == VFS_KILL) {
        real->pMethods->xWrite(real, from, amount / 2, offset);
        kill(getpid(), SIGKILL);
    }
    return fault_kind == VFS_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (strikes())
        return SQLITE_IOERR_TRUNCATE;
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    if (strikes()) {
        if (fault_kind == VFS_KILL)
            kill(getpid(), SIGKILL);
        return fault_kind == VFS_FULL ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
    }
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int fault_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int fault_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int fault_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int fault_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int fault_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int fault_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int fault_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void fault_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int fault_shm_unmap(sqlite3_file *file, int drop)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), drop);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_reserved,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct fault_file *f = (struct fault_file *)file;
    (void)vfs;
    f->real = (sqlite3_file *)(f + 1);
    f->base.pMethods = NULL;
    int rc = below->xOpen(below, name, f->real, flags, out_flags);
    if (rc == SQLITE_OK)
        f->base.pMethods = &methods;
    return rc;
}

const char *vfs_fault_name(void)
{
    if (!below) {
        below = sqlite3_vfs_find(NULL);
        shim = *below;
        shim.zName = "fault";
        shim.pNext = NULL;
        shim.szOsFile = (int)sizeof(struct fault_file) + below->szOsFile;
        shim.xOpen = fault_open;
        sqlite3_vfs_register(&shim, 0);
    }
    return "fault";
}
