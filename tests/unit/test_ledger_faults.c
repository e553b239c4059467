/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails for a while: what the ledger owes to timers, deliveries and tasks, it does afterwards by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "vfs_fault.h"

#define RULES "[{\"name\":\"m\",\"deliver\":[\"inbox\",\"mail\"]}]"
#define PEOPLE "{\"ann\":[],\"bob\":[]}"

static struct bench *open_on_bad_disk(void)
{
    struct bench *b = bench_new(RULES, PEOPLE);
    vfs_fault_set(VFS_NONE, 0, 0);
    bench_start(b, vfs_fault_name());
    return b;
}

/* A trigger that meets a full disk: its group is rolled back, and it again. */
static void fail_once(struct bench *b)
{
    vfs_fault_set(VFS_FULL, 0, 0);
    assert_int_equal(send_now(b, "[[\"full\",[\"put\",\"k\",\"1\"]]]"), BELFRY_ELIMIT);
    vfs_fault_set(VFS_NONE, 0, 0);
}

/* After a failure what comes due by itself rests for a second of real time. */
static void settle_until(struct bench *b, const char *sql, const char *expected)
{
    for (int i = 0; i < 400 && strcmp(rows(b, sql), expected) != 0; i++) {
        usleep(10000);
        settle(b);
    }
    expect_rows(b, sql, expected);
}

static void test_timers_run_after_a_rollback(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    struct sent *s = send_begin(b, "erp", "[[\"1\",[\"timer\",\"t\",60000,{\"do\":[[\"put\",\"fired\",\"1\"]]}]]]", 0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    send_free(s);
    fail_once(b);
    assert_int_equal(send_now(b, "[[\"after\",[\"put\",\"k\",\"1\"]]]"), BELFRY_OK);
    advance(b, MINUTE); /* nothing else is sent to erp, and nothing is restarted */
    settle_until(b, "SELECT count(*) FROM timer", "0");
    expect_rows(b, "SELECT key FROM state ORDER BY key", "fired\nk");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_run_after_a_rollback),
    };
    return cmocka_run_group_tests_name("ledger_faults", tests, NULL, NULL);
}
