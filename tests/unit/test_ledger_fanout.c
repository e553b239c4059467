/* SPDX-License-Identifier: Apache-2.0 */
/* Fan-outs that are overtaken, where nobody may keep what the event replaced, and fan-outs that are killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>

#include "ledger_fixture.h"
#include "vfs_fault.h"

#define RULES "[{\"name\":\"inbox\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":60000}]}]"
#define ASSIGN(to) "[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"t/1\",\"to\":[\"" to "\"]}]"
#define BY_VALIDITY "SELECT validity, replaced_by IS NOT NULL, count(*) FROM notification GROUP BY 1, 2"
#define LIVE_WITHOUT_EVENT                                                                                             \
    "SELECT count(*) FROM notification n JOIN event e ON e.id = n.event WHERE n.validity = 0 AND e.validity > 0"

static char *crowd(int count)
{
    struct buf text = {NULL, 0, 0};
    buf_addz(&text, "{\"root\":[]");
    for (int i = 0; i < count; i++)
        buf_addf(&text, ",\"u%05d\":[\"all\"]", i);
    buf_addz(&text, "}");
    return buf_steal(&text);
}

static struct bench *open_with_crowd(int count)
{
    char *people = crowd(count);
    struct bench *b = bench_open(RULES, people);
    free(people);
    assert_int_equal(send_now(b, "[[\"1\"," ASSIGN("role:all") "]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, BY_VALIDITY, "0 0 2500");
    return b;
}

static void test_a_withdrawn_successor_takes_the_rows_along(void **state)
{
    (void)state;
    struct bench *b = open_with_crowd(2500);
    assert_int_equal(send_now(b, "[[\"2\"," ASSIGN("role:all") ",[\"withdraw\",\"t/1\",{}]]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, LIVE_WITHOUT_EVENT, "0");
    expect_rows(b, BY_VALIDITY, "3 0 2500");
    expect_rows(b, "SELECT count(*) FROM delivery WHERE open = 1", "0");
    bench_free(b);
}

static void test_a_successor_of_a_fan_out_replaces_what_that_was_to_replace(void **state)
{
    (void)state;
    struct bench *b = open_with_crowd(2500);
    assert_int_equal(send_now(b, "[[\"2\"," ASSIGN("role:all") "," ASSIGN("role:all") "]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, LIVE_WITHOUT_EVENT, "0");
    expect_rows(b, BY_VALIDITY, "0 0 2500\n2 1 2500");
    expect_rows(b, "SELECT state, count(*) FROM delivery GROUP BY state", "0 2500\n15 2500");
    bench_free(b);
}

static void test_a_small_successor_of_a_fan_out(void **state)
{
    (void)state;
    struct bench *b = open_with_crowd(2500);
    assert_int_equal(send_now(b, "[[\"2\"," ASSIGN("role:all") "," ASSIGN("u00003") "]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, LIVE_WITHOUT_EVENT, "0");
    expect_rows(b, BY_VALIDITY, "0 0 1\n2 1 1\n3 0 2499");
    expect_rows(b, "SELECT count(*) FROM delivery WHERE open = 1", "1");
    expect_rows(b, "SELECT count(*) FROM job WHERE state < 2", "0");
    bench_free(b);
}

/* Sends the trigger unless it was taken, and lets the fan-out go on until a write kills the process. 1: it lived. */
static int life_of_a_child(struct bench *b, int until_kill)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        vfs_fault_name();
        vfs_fault_set(VFS_NONE, 0, 0);
        bench_start(b, vfs_fault_name());
        vfs_fault_set(VFS_KILL, until_kill, 0);
        int ok = send_now(b, "[[\"1\"," ASSIGN("role:all") "]]") == BELFRY_OK;
        settle(b);
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFEXITED(status);
}

static void test_kills_in_a_fan_out(void **state)
{
    (void)state;
    char *people = crowd(4000);
    for (int first = 20; first < 200; first += 45) {
        struct bench *b = bench_new(RULES, people);
        int kills = 0;
        while (!life_of_a_child(b, first + kills * 150))
            kills++;
        assert_true(kills > 0);
        bench_start(b, NULL);
        expect_rows(b, "SELECT count(*), count(DISTINCT person), count(pos) FROM notification", "4000 4000 4000");
        expect_rows(b, "SELECT count(*), count(DISTINCT person) FROM delivery", "4000 4000");
        expect_rows(b, "SELECT rev, count(*) FROM person GROUP BY rev", "1 4000");
        expect_rows(b, "SELECT count(*) FROM event", "1");
        expect_rows(b, "SELECT kind, state FROM job", "1 2");
        expect_rows(b, "PRAGMA integrity_check", "ok");
        bench_free(b);
    }
    free(people);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_withdrawn_successor_takes_the_rows_along),
        cmocka_unit_test(test_a_successor_of_a_fan_out_replaces_what_that_was_to_replace),
        cmocka_unit_test(test_a_small_successor_of_a_fan_out),
        cmocka_unit_test(test_kills_in_a_fan_out),
    };
    return cmocka_run_group_tests_name("ledger_fanout", tests, NULL, NULL);
}
