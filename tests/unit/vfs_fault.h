/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VFS for SQLite that fails on demand: the n-th write or sync from now on, once or from then on, as a full disk or as
 * an I/O error; and that ends the process there, for tests of what a kill leaves behind.
 */
#ifndef TESTS_VFS_FAULT_H
#define TESTS_VFS_FAULT_H

enum vfs_fault {
    VFS_NONE,
    VFS_FULL,  /* SQLITE_FULL */
    VFS_IOERR, /* SQLITE_IOERR_WRITE, or SQLITE_IOERR_FSYNC */
    VFS_KILL   /* half of the write, then SIGKILL */
};

/* Registers it; returns its name for store_open(). */
const char *vfs_fault_name(void);
/* After `skip` more writes and syncs of the database and its log, the next `times` fail (0: all of them). */
void vfs_fault_set(enum vfs_fault fault, int skip, int times);
/* Writes and syncs since the last set. */
int vfs_fault_count(void);

#endif
