/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write-ahead log's file grows by a megabyte at a time. A commit that makes the file longer makes the file system
 * write down its new size as well, which takes several times as long as to write over what is there; so the file is
 * made longer ahead of the commits, by zeros. SQLite reads the log up to the first frame that is not of its salt, and
 * no frame of zeros is (file format, 4.1): what lies behind is as what an earlier round of the log has left there.
 *
 * Invariant: zeros are written behind the end of the file alone, and under SQLite's lock of the writer (the transaction
 * has begun), so nobody else, not even another process, makes the file longer meanwhile.
 */
#include "store/private.h"

#define ROOM_STEP (INT64_C(1) << 20)
#define ROOM_LEFT (INT64_C(256) << 10) /* less than this is left: the commit may need it */
#define PIECE (INT64_C(64) << 10)

static sqlite3_file *log_file(struct store *store)
{
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(store->writer->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK)
        return NULL;
    return file && file->pMethods ? file : NULL;
}

/* A disk that has no room for it is no fault here: the commit that needs it will say so. */
static int64_t lengthen(sqlite3_file *file, int64_t from, int64_t to)
{
    static const char zeros[PIECE];
    while (from < to) {
        int64_t left = to - from < PIECE ? to - from : PIECE;
        if (file->pMethods->xWrite(file, zeros, (int)left, from) != SQLITE_OK)
            break;
        from += left;
    }
    return from;
}

void log_room(struct store *store)
{
    int64_t used = atomic_load(&store->wal_bytes);
    int again = used < store->log_used; /* it began anew, and may have been cut */
    store->log_used = used;
    if (!again && used + ROOM_LEFT <= store->log_size)
        return;
    sqlite3_file *file = log_file(store);
    sqlite3_int64 size = 0;
    if (!file || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
        return;
    int64_t end = (used / ROOM_STEP + 1) * ROOM_STEP;
    if (end - used < ROOM_LEFT)
        end += ROOM_STEP;
    store->log_size = size < end ? lengthen(file, size, end) : size;
}
