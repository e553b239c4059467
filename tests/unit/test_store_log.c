/* SPDX-License-Identifier: Apache-2.0 */
/* The write-ahead log: how long its file becomes, when it begins anew, and what a kill leaves of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

#include "store/state.h"
#include "store/upkeep.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void test_the_log_is_checkpointed(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    assert_int_equal(store_checkpoint_start(store, &box->err), BELFRY_OK);
    struct store_conn *conn = store_writer(store);
    static char big[60000];
    memset(big, 'x', sizeof(big));
    int64_t most = 0, now = 0;
    for (int i = 0; i < 6000 && now >= most;
         i++) { /* until the log has begun anew, at the latest when it is restarted */
        char key[16];
        snprintf(key, sizeof(key), "%d", i % 100);
        most = now > most ? now : most;
        store_begin(conn, NULL);
        store_state_put(conn, 1, 1, str_of(key), str_slice(big, sizeof(big)));
        assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
        store_checkpoint_restart(store);
        now = store_wal_bytes(store);
    }
    assert_in_range(most, 16 << 20, 260 << 20);
    assert_true(now < most);
    store_close(store);
}

/* Cutting the file costs the writer more than the restart itself. */
static void test_a_restarted_log_keeps_its_room(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box); /* without the checkpoint thread */
    struct store_conn *conn = store_writer(store);
    static char big[1 << 20];
    memset(big, 'x', sizeof(big));
    int64_t most = 0, now = 0;
    for (int i = 0; i < 400 && now >= most; i++) {
        most = now;
        store_begin(conn, NULL);
        store_state_put(conn, 1, 1, STR("k"), str_slice(big, sizeof(big)));
        assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
        store_checkpoint_restart(store);
        now = store_wal_bytes(store);
    }
    assert_true(now < most && most >= 255 << 20);
    store_begin(conn, NULL);
    store_state_put(conn, 1, 1, STR("other"), STR("small"));
    assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
    assert_true(store_wal_bytes(store) < 1 << 20);
    char log[140];
    struct stat st;
    snprintf(log, sizeof(log), "%s-wal", store_path(store));
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size >= most);
    store_close(store);
}

static int64_t size_of_log(const struct store *store)
{
    char log[160];
    struct stat st;
    snprintf(log, sizeof(log), "%s-wal", store_path(store));
    assert_int_equal(stat(log, &st), 0);
    return st.st_size;
}

static void put_numbers(struct store *store, int from, int to)
{
    struct store_conn *conn = store_writer(store);
    for (int i = from; i < to; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        store_begin(conn, NULL);
        store_state_put(conn, 1, 1, str_of(key), str_of(key));
        assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
    }
}

/* A commit that makes the file longer is several times as slow as one that does not. */
static void test_the_log_grows_ahead_of_the_commits(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    int64_t size = size_of_log(store), grown = 0;
    for (int i = 0; i < 500; i++) {
        put_numbers(store, i, i + 1);
        grown += size_of_log(store) != size;
        size = size_of_log(store);
        assert_true(size > store_wal_bytes(store) && size % (1 << 20) == 0);
    }
    assert_in_range(grown, 1, size >> 20);
    assert_true(size <= store_wal_bytes(store) + (2 << 20));
    store_close(store);
}

/* What a kill would leave now, in a store of its own: it has the numbers, and goes on. */
static void look_at_a_copy(struct box *box, const struct store *store, const char *name, int numbers)
{
    char there[100], command[400], key[16];
    struct error err = {0};
    snprintf(there, sizeof(there), "%s/%s", box->dir, name);
    snprintf(command, sizeof(command), "mkdir %s && cp %s %s-wal %s", there, store_path(store), store_path(store),
             there);
    assert_int_equal(system(command), 0);
    struct store *copy = store_open(there, NULL, box->clock, &err);
    assert_non_null(copy);
    put_numbers(copy, numbers, numbers + 10);
    for (int i = 0; i < numbers + 10; i++) {
        struct belfry_str value;
        snprintf(key, sizeof(key), "%d", i);
        assert_true(store_state_get(store_writer(copy), 1, 1, str_of(key), box->arena, &value));
        assert_true(str_eq(value, str_of(key)));
    }
    store_close(copy);
}

/* Behind the log are zeros, or, when it has begun anew, frames of an earlier round. */
static void test_zeros_behind_the_log_are_no_frames(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    put_numbers(store, 0, 300);
    assert_true(size_of_log(store) > store_wal_bytes(store) + (64 << 10));
    look_at_a_copy(box, store, "first", 300);
    assert_int_equal(sqlite3_wal_checkpoint_v2(store_writer(store)->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL),
                     SQLITE_OK);
    put_numbers(store, 300, 320);
    look_at_a_copy(box, store, "anew", 320);
    store_close(store);
}

/* The disk has no room for zeros. What is to be committed still fits. */
static void test_no_room_ahead_is_no_fault(void **state)
{
    struct box *box = *state;
    struct store *store = store_open(box->dir, vfs_fault_name(), box->clock, &box->err);
    assert_non_null(store);
    int64_t size = size_of_log(store);
    while (store_wal_bytes(store) + (256 << 10) <= size)
        put_numbers(store, 0, 1);
    assert_int_equal(size_of_log(store), size);
    while (store_wal_bytes(store) < size) {
        vfs_fault_set(VFS_FULL, 0, 1); /* the next write: that of zeros */
        put_numbers(store, 0, 1);
    }
    assert_true(size_of_log(store) <= store_wal_bytes(store) + 32); /* the log begins with a header */
    vfs_fault_set(VFS_NONE, 0, 0);
    put_numbers(store, 0, 1);
    assert_true(size_of_log(store) > size + (512 << 10));
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_the_log_is_checkpointed),
        T(test_a_restarted_log_keeps_its_room),
        T(test_the_log_grows_ahead_of_the_commits),
        T(test_zeros_behind_the_log_are_no_frames),
        T(test_no_room_ahead_is_no_fault),
    };
    return cmocka_run_group_tests_name("store log", tests, NULL, NULL);
}
