/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a feed and a disk that fails, or a hub that dies, at every write of it: all of the page or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "feed_fixture.h"
#include "vfs_fault.h"

#include <signal.h>
#include <sys/wait.h>

#define RULE "[{\"name\":\"inbox\",\"deliver\":[\"inbox\"]}]"
#define PEOPLE "{\"ann\":[]}"
#define PAGE "[[\"1\"," NOTE("ann") "],[\"2\",[\"fail\",-1,\"bad\"]],[\"3\"," NOTE("ann") "],\"no event\"]"
#define ALL "2 2 1"
#define NOTHING "0 0 0"
#define WRITES_MAX 64 /* more than a page has */

static struct bench *open_on_bad_disk(void)
{
    struct bench *b = bench_new(RULE, PEOPLE);
    vfs_fault_set(VFS_NONE, 0, 0);
    bench_start(b, vfs_fault_name());
    return b;
}

/* Whatever was written of it before, it is all there once the disk is well, and once. */
static void take_again(struct bench *b)
{
    vfs_fault_set(VFS_NONE, 0, 0);
    assert_int_equal(page_now(b, "crm", PAGE, "four"), BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme four");
    expect_rows(b, "SELECT count(*) FROM event", "2");
}

static void fail_everywhere(enum vfs_fault fault, int times)
{
    int failed = 1;
    for (int skip = 0; failed && skip < WRITES_MAX; skip++) {
        struct bench *b = open_on_bad_disk();
        vfs_fault_set(fault, skip, times);
        belfry_status status = page_now(b, "crm", PAGE, "four");
        failed = vfs_fault_count() > skip;
        vfs_fault_set(VFS_NONE, 0, 0);
        assert_true(status == BELFRY_OK || status == BELFRY_EIO);
        expect_rows(b, SQL_TAKEN, status == BELFRY_OK ? ALL : NOTHING);
        if (status != BELFRY_OK)
            take_again(b);
        bench_free(b);
    }
    assert_false(failed);
}

static void test_a_page_that_cannot_be_written_leaves_nothing(void **state)
{
    (void)state;
    fail_everywhere(VFS_FULL, 0);
    fail_everywhere(VFS_IOERR, 0);
}

static void test_a_write_that_fails_once_loses_nothing(void **state)
{
    (void)state;
    fail_everywhere(VFS_FULL, 1);
}

/* 1 when it was killed. */
static int killed_at(struct bench *b, int skip)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        bench_start(b, vfs_fault_name());
        vfs_fault_set(VFS_KILL, skip, 0);
        page_now(b, "crm", PAGE, "four");
        vfs_fault_set(VFS_NONE, 0, 0);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
    return WIFSIGNALED(status);
}

static void test_a_hub_that_dies_at_any_write_of_a_page_has_all_of_it_or_nothing(void **state)
{
    (void)state;
    int killed = 1;
    for (int skip = 0; killed && skip < WRITES_MAX; skip++) {
        struct bench *b = bench_new(RULE, PEOPLE);
        killed = killed_at(b, skip);
        bench_start(b, NULL);
        const char *taken = rows(b, SQL_TAKEN);
        assert_true(strcmp(taken, ALL) == 0 || (killed && strcmp(taken, NOTHING) == 0));
        take_again(b);
        bench_free(b);
    }
    assert_false(killed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_that_cannot_be_written_leaves_nothing),
        cmocka_unit_test(test_a_write_that_fails_once_loses_nothing),
        cmocka_unit_test(test_a_hub_that_dies_at_any_write_of_a_page_has_all_of_it_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
