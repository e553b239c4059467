/* SPDX-License-Identifier: Apache-2.0 */
/* Events that more than 1,000 targets take: what becomes of them when others act meanwhile, and when the hub dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>

#include "crowd_fixture.h"
#include "vfs_fault.h"

#include "ledger/endpoints.h"
#include "store/sql.h"
#include "store/upkeep.h"

#define TWO_RULES                                                                                                      \
    "[{\"name\":\"h\",\"deliver\":[{\"via\":\"hooks\",\"unless\":[\"handled\"],\"after\":60000}]},"                    \
    "{\"name\":\"i\",\"deliver\":[{\"via\":\"hooks\",\"after\":120000}]}]"
#define NOTE(title) "[\"emit\",{\"type\":\"free.note\",\"subject\":\"s\",\"title\":\"" title "\",\"to\":[\"ann\"]}]"

enum { MANY = 3500, FIFO = MANY / CROWD_FIFO_EVERY, PART = 250 };

#define ROWS "SELECT count(*), count(DISTINCT target) FROM delivery"
#define LEFT "SELECT count(*) FROM job WHERE state < 2"

static void test_they_follow_in_jobs(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, CROWD_RULES, MANY);
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") "]]"), BELFRY_OK);
    settle(c.b);
    expect_rows(c.b, ROWS, "3500 3500");
    expect_rows(c.b, "SELECT DISTINCT state, open, rule, channel, unless, due FROM delivery",
                rows(c.b, "SELECT state, open, rule, channel, unless, due FROM delivery LIMIT 1"));
    expect_rows(c.b, "SELECT kind, state, total, payload, count(*), min(done), max(done) FROM job GROUP BY 1, 2, 3, 4",
                "8 2 3500 - 14 320 3500");
    expect_rows(c.b, "SELECT done FROM job ORDER BY id LIMIT 1 OFFSET 5", "1570");
    expect_rows(c.b, "SELECT count(*) FROM payload", "1");
    crowd_close(&c);
}

static void test_a_thousand_are_written_at_once(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, CROWD_RULES, 1000);
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") "]]"), BELFRY_OK);
    expect_rows(c.b, ROWS, "1000 1000");
    settle(c.b);
    expect_rows(c.b, "SELECT count(*) FROM job", "0");
    crowd_close(&c);
}

static void test_each_row_is_as_its_rule_says(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, TWO_RULES, 1700);
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") "]]"), BELFRY_OK);
    settle(c.b);
    expect_rows(c.b,
                "SELECT n.text, d.unless, min(d.due & ((1 << 60) - 1)) - e.time, max(d.due & ((1 << 60) - 1)) - e.time,"
                " count(*), count(DISTINCT target) FROM delivery d JOIN event e ON e.id = d.event JOIN name n ON"
                " n.id = d.rule GROUP BY 1, 2 ORDER BY 1",
                "h 4 60000 60000 1700 1700\ni 0 120000 120000 1700 1700");
    crowd_close(&c);
}

/* How often the writer looked for a job since the last call. */
static int looks(const struct crowd *c)
{
    const struct store_conn *conn = store_writer(c->b->store);
    int runs = 0;
    for (size_t i = 0; i < conn->size; i++)
        if (conn->slots[i] && strstr(conn->slots[i]->text, "kind BETWEEN ? AND ? ORDER BY id LIMIT 1"))
            runs += sqlite3_stmt_status(conn->slots[i]->stmt, SQLITE_STMTSTATUS_RUN, 1);
    return runs;
}

/* A look for what is not there passes over all jobs that are open, and there may be thousands. */
static void test_nobody_looks_for_jobs_of_other_kinds(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, CROWD_RULES, MANY);
    settle(c.b);
    assert_true(looks(&c) > 0); /* at the start nobody knows what is open */
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") "]]"), BELFRY_OK);
    settle(c.b);
    expect_rows(c.b, "SELECT count(*) FROM job", "14");
    assert_int_equal(looks(&c), 15);
    crowd_close(&c);
}

/* --- in order ----------------------------------------------------------------------------------------------------- */

/* Whoever takes one of a subject at a time has the rows of all events, in the order of these, from their commits on. */
static void test_lanes_do_not_wait_for_jobs(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, CROWD_RULES, MANY);
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") "," NOTE("b") "," NOTE("c") "]]"), BELFRY_OK);
    expect_rows(c.b,
                "SELECT target FROM delivery WHERE lane IS NOT NULL GROUP BY target HAVING group_concat(event) <>"
                " (SELECT group_concat(id) FROM event)",
                "");
    char expected[20];
    snprintf(expected, sizeof(expected), "%d %d", 3 * FIFO, FIFO);
    expect_rows(c.b, "SELECT count(*), sum(due < (1 << 60)) FROM delivery WHERE lane IS NOT NULL", expected);
    settle(c.b);
    expect_rows(c.b, "SELECT count(*), count(DISTINCT target) FROM delivery GROUP BY event",
                "3500 3500\n3500 3500\n3500 3500");
    expect_rows(c.b, "SELECT count(*), sum(due < (1 << 60)) FROM delivery WHERE lane IS NOT NULL", expected);
    crowd_close(&c);
}

/* --- killed ------------------------------------------------------------------------------------------------------- */

/* Sends the trigger unless it was taken, and lets the jobs go on until a write kills the process. 1: it lived. */
static int life_of_a_child(struct crowd *c, int until_kill)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(120);
        vfs_fault_name();
        vfs_fault_set(VFS_NONE, 0, 0);
        bench_start(c->b, vfs_fault_name());
        crowd_declare(c);
        vfs_fault_set(VFS_KILL, until_kill, 0);
        int ok = send_now(c->b, "[[\"1\"," NOTE("a") "]]") == BELFRY_OK;
        settle(c->b);
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFEXITED(status);
}

/* Killed while some of the jobs are done, and some are not; the ledger is stopped. */
static void open_killed(struct crowd *c, const char *rules)
{
    for (int until_kill = 20;; until_kill += 30) {
        crowd_open(c, rules, MANY);
        bench_stop(c->b);
        assert_false(life_of_a_child(c, until_kill));
        if (atoi(rows(c->b, LEFT)) > 0 && atoi(rows(c->b, "SELECT count(*) FROM job WHERE state = 2")) > 0)
            return;
        crowd_close(c);
    }
}

static void test_kills(void **state)
{
    (void)state;
    for (int first = 20; first < 260; first += 60) {
        struct crowd c;
        int kills = 0;
        crowd_open(&c, CROWD_RULES, MANY);
        bench_stop(c.b);
        while (!life_of_a_child(&c, first + kills * 100))
            kills++;
        assert_true(kills > 0);
        bench_start(c.b, NULL);
        settle(c.b);
        expect_rows(c.b, ROWS, "3500 3500");
        expect_rows(c.b, "SELECT count(*) FROM event", "1");
        expect_rows(c.b, LEFT, "0");
        expect_rows(c.b, "PRAGMA integrity_check", "ok");
        crowd_close(&c);
    }
}

/* --- meanwhile ---------------------------------------------------------------------------------------------------- */

#define OF(name) "(SELECT id FROM target WHERE name = '" name "')"
#define ROWS_OF(name) "SELECT state, open FROM delivery WHERE target = " OF(name)

static void test_targets_are_asked_for_when_their_row_is_made(void **state)
{
    (void)state;
    struct crowd c;
    open_killed(&c, CROWD_RULES);
    expect_rows(c.b, ROWS_OF("t03490"), "");
    rows(c.b, "UPDATE target SET enabled = 0 WHERE name = 't03490'");
    rows(c.b, "UPDATE target SET removed = 1, origin = 1 WHERE name = 't03491'"); /* deleted */
    rows(c.b, "UPDATE target SET removed = 1 WHERE name = 't03492'");             /* not in the file for now */
    rows(c.b, "UPDATE target SET channel = -1 WHERE name = 't03493'");            /* gone over */
    bench_start(c.b, NULL);
    settle(c.b);
    expect_rows(c.b, ROWS, "3499 3499");
    expect_rows(c.b, ROWS_OF("t03490"), "2 2");
    expect_rows(c.b, "SELECT detail FROM delivery WHERE open = 2", "the target is disabled");
    expect_rows(c.b, ROWS_OF("t03491"), "");
    expect_rows(c.b, ROWS_OF("t03492"), "0 1");
    expect_rows(c.b, "SELECT target = " OF("t03493") " FROM delivery WHERE channel = -1", "1");
    crowd_close(&c);
}

/* The channel was `older` once, was given another name without saying so, and says it now: the targets of then are
 * there again and take what those of its name have, and what these are still to get. Ids are times, and theirs older.
 */
static void make_twins(struct crowd *c)
{
    rows(c->b, "INSERT INTO name(id, text) SELECT max(id) + 1, 'older' FROM name");
    rows(c->b, "INSERT INTO target(id, org, channel, name, url, enabled) SELECT t.id - (1 << 30), t.org, n.id, t.name,"
               " t.url, t.name NOT IN ('t00001', 't03491') FROM target t JOIN name n ON n.text = 'older'");
}

static void say_was(struct crowd *c, const char *was)
{
    struct config_instance *hooks = (struct config_instance *)(uintptr_t)fixture_channel(c->b->config, "hooks");
    hooks->was = was;
}

static void test_targets_that_give_way_to_their_twins(void **state)
{
    (void)state;
    struct crowd c;
    open_killed(&c, CROWD_RULES);
    expect_rows(c.b, ROWS_OF("t00001"), "0 1");
    expect_rows(c.b, ROWS_OF("t03490"), "");
    rows(c.b, "UPDATE target SET enabled = 0 WHERE name = 't00002'");
    rows(c.b, "UPDATE delivery SET state = 2, open = 2 WHERE target = " OF("t00002"));
    rows(c.b, "INSERT INTO job(id, kind, org, ref, payload, state) SELECT max(j.id) + 1, 7, t.org, t.id,"
              " '{\"from\":0,\"before\":1}', 0 FROM job j JOIN target t ON t.name = 't03492'");
    make_twins(&c);
    say_was(&c, "older");
    bench_start(c.b, NULL);
    settle(c.b);
    /* A recovery waits for the index. */
    expect_rows(c.b, "SELECT kind, t.name FROM job JOIN target t ON t.id = ref WHERE state < 2", "7 t03492");
    expect_rows(c.b, LEFT, "1");
    expect_rows(c.b, "SELECT count(*) FROM target", "3500");
    expect_rows(c.b, ROWS " WHERE target IN (SELECT id FROM target)", "3500 3500");
    expect_rows(c.b, ROWS_OF("t00001"), "2 2"); /* its row was there: held now */
    expect_rows(c.b, ROWS_OF("t00002"), "0 1"); /* held before */
    expect_rows(c.b, ROWS_OF("t03490"), "0 1"); /* still to come */
    expect_rows(c.b, ROWS_OF("t03491"), "2 2");
    crowd_close(&c);
}

static void test_one_that_is_made_meanwhile_gets_nothing(void **state)
{
    (void)state;
    struct crowd c;
    open_killed(&c, CROWD_RULES);
    rows(c.b, "INSERT INTO target(id, org, channel, name, url) SELECT max(id) + 1, org, channel, 'new', url FROM"
              " target");
    bench_start(c.b, NULL);
    settle(c.b);
    expect_rows(c.b, ROWS, "3500 3500");
    expect_rows(c.b, ROWS_OF("new"), "");
    crowd_close(&c);
}

static void test_an_event_that_is_over_ends_it(void **state)
{
    (void)state;
    struct crowd c;
    open_killed(&c, CROWD_RULES);
    int made = atoi(rows(c.b, "SELECT count(*) FROM delivery"));
    rows(c.b, "UPDATE event SET validity = 2, live = 0");
    bench_start(c.b, NULL);
    settle(c.b);
    assert_int_equal(atoi(rows(c.b, "SELECT count(*) FROM delivery")), made);
    expect_rows(c.b, LEFT, "0");
    expect_rows(c.b,
                "SELECT DISTINCT recipient, outcome, r.text, n.text FROM decision d JOIN name r ON r.id = d.rule"
                " JOIN name n ON n.id = d.channel",
                "- 10 h hooks");
    char last[100];
    snprintf(last, sizeof(last), "a newer event took its place before %d more targets of this rule had a delivery",
             (MANY - FIFO - 1) % PART + 1);
    expect_rows(c.b, "SELECT reason FROM decision ORDER BY id DESC LIMIT 1", last);
    crowd_close(&c);
}

static void test_how_many_had_none(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, CROWD_RULES, 1276); /* 25 with a lane, five parts, and one that is left */
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") ",[\"withdraw\",\"s\",{}]]]"), BELFRY_OK);
    settle(c.b);
    expect_rows(c.b, "SELECT count(*) FROM decision", "6");
    expect_rows(c.b, "SELECT reason FROM decision ORDER BY id LIMIT 1",
                "it was withdrawn before 250 more targets of this rule had a delivery");
    expect_rows(c.b, "SELECT reason FROM decision ORDER BY id DESC LIMIT 1",
                "it was withdrawn before 1 more target of this rule had a delivery");
    crowd_close(&c);
}

static void test_it_keeps_no_event_alive(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, CROWD_RULES, MANY);
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") ",[\"handled\",\"s\",{\"only\":[\"ann\"]},\"ann\"]]]"),
                     BELFRY_OK);
    settle(c.b);
    expect_rows(c.b, "SELECT live, validity FROM event", "0 0");
    expect_rows(c.b, ROWS, "3500 3500"); /* targets hear of what is handled all the same */
    crowd_close(&c);
}

static void test_how_far_it_is(void **state)
{
    (void)state;
    struct crowd c;
    struct error err = {0};
    int64_t done = 0, total = 0;
    open_killed(&c, CROWD_RULES);
    int64_t event = atoll(rows(c.b, "SELECT id FROM event")), made = atoll(rows(c.b, "SELECT count(*) FROM delivery"));
    c.b->store = store_open(c.b->dir, NULL, c.b->clock, &err);
    assert_non_null(c.b->store);
    assert_true(store_job_progress(store_writer(c.b->store), STORE_JOB_TARGETS, event, &done, &total));
    store_close(c.b->store);
    assert_int_equal(done, made);
    assert_int_equal(total, MANY);
    crowd_close(&c);
}

/* --- gone --------------------------------------------------------------------------------------------------------- */

static int groups(const struct crowd *c)
{
    struct ledger_numbers numbers;
    ledger_numbers(c->b->ledger, &numbers);
    return (int)numbers.groups;
}

/* Upkeep looks at 500 of those that wait in a transaction. */
static void test_what_waits_for_targets_that_are_gone_ends_in_slices(void **state)
{
    (void)state;
    struct crowd c;
    crowd_open(&c, CROWD_RULES, 1700);
    for (size_t i = 300; i < c.count; i++)
        c.out[i] = 1;
    assert_int_equal(send_now(c.b, "[[\"1\"," NOTE("a") "," NOTE("b") "]]"), BELFRY_OK);
    settle(c.b);
    int before = groups(&c);
    advance(c.b, MINUTE);
    assert_true(groups(&c) - before >= 4);
    crowd_declare(&c);
    advance(c.b, 59 * MINUTE);
    expect_rows(c.b, "SELECT count(*) FROM delivery WHERE open = 0", "0");
    advance(c.b, 2 * MINUTE);
    expect_rows(c.b, "SELECT state, count(*), count(DISTINCT target) FROM delivery WHERE open = 0 GROUP BY state",
                "22 2800 1400");
    expect_rows(c.b, "SELECT count(*), count(DISTINCT target) FROM delivery WHERE open = 1", "600 300");
    crowd_close(&c);
}

/* --- recovered meanwhile ------------------------------------------------------------------------------------------ */

/* The recovery is asked for while the event is being written, so that it meets jobs of which none is done. */
static void test_what_is_still_to_come_is_not_recovered(void **state)
{
    (void)state;
    static const struct ledger_deed deed = {.org = STR("acme"), .who = STR("token:crm-app")};
    struct crowd c;
    struct recovered last[2] = {{.count = -1}, {.count = -1}};
    crowd_open(&c, CROWD_RULES, MANY);
    struct sent *sent = send_begin(c.b, "crm", "[[\"1\",[\"slow\",100]," NOTE("a") "]]", 0);
    for (size_t i = 0; i < 2; i++)
        ledger_endpoint_recover(c.b->ledger, &deed, c.ids[MANY - 2 - i], START, 0, on_recovered, &last[i]);
    assert_int_equal(send_end(c.b, sent), BELFRY_OK);
    send_free(sent);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(bench_until(c.b, &last[i].wait), BELFRY_OK);
        assert_int_equal(last[i].count, 0);
    }
    settle(c.b);
    expect_rows(c.b, ROWS, "3500 3500");
    crowd_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_follow_in_jobs),
        cmocka_unit_test(test_a_thousand_are_written_at_once),
        cmocka_unit_test(test_each_row_is_as_its_rule_says),
        cmocka_unit_test(test_nobody_looks_for_jobs_of_other_kinds),
        cmocka_unit_test(test_lanes_do_not_wait_for_jobs),
        cmocka_unit_test(test_kills),
        cmocka_unit_test(test_targets_are_asked_for_when_their_row_is_made),
        cmocka_unit_test(test_targets_that_give_way_to_their_twins),
        cmocka_unit_test(test_one_that_is_made_meanwhile_gets_nothing),
        cmocka_unit_test(test_an_event_that_is_over_ends_it),
        cmocka_unit_test(test_how_many_had_none),
        cmocka_unit_test(test_it_keeps_no_event_alive),
        cmocka_unit_test(test_how_far_it_is),
        cmocka_unit_test(test_what_waits_for_targets_that_are_gone_ends_in_slices),
        cmocka_unit_test(test_what_is_still_to_come_is_not_recovered),
    };
    return cmocka_run_group_tests_name("ledger_target_fanout", tests, NULL, NULL);
}
