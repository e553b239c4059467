/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, tasks, fan-outs, retention, quarantine, poison: work that outlives its command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <sys/wait.h>

#include "ledger_fixture.h"
#include "store/state.h"

#define RULES "[{\"name\":\"inbox\",\"deliver\":[\"inbox\"]}]"
#define PEOPLE "{\"ann\":[\"boss\"],\"bob\":[]}"

static void test_timer_runs_when_due_and_once(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"timer\",\"t\",60000,{\"do\":[[\"put\",\"fired\",\"1\"],"
                "[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]}]]]");
    advance(b, 59999);
    expect_rows(b, "SELECT count(*) FROM state", "0");
    advance(b, 1);
    expect_rows(b, "SELECT principal, trigger_id FROM event", "timer -");
    expect_rows(b, "SELECT count(*) FROM timer", "0");
    advance(b, 100 * MINUTE);
    expect_rows(b, "SELECT count(*) FROM event", "1");
    bench_free(b);
}

static void test_timer_may_set_itself_again_or_be_cleared(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(
        b,
        "[[\"1\",[\"timer\",\"again\",60000,{\"do\":[[\"timer\",\"again\",180000,"
        "{\"do\":[[\"put\",\"second\",\"1\"]]}]]}],[\"timer\",\"never\",60000,{\"do\":[[\"put\",\"bad\",\"1\"]]}]]]");
    send_now(b, "[[\"2\",[\"clear\",\"never\"]]]");
    advance(b, MINUTE);
    expect_rows(b, "SELECT key, due FROM timer", "again 1700000180000");
    advance(b, 2 * MINUTE);
    expect_rows(b, "SELECT key FROM state", "second");
    bench_free(b);
}

static void test_due_timers_come_before_the_next_trigger(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    /* 150 timers, more than a group runs; each must have run before the trigger looks */
    struct buf text = {NULL, 0, 0};
    buf_addz(&text, "[[\"1\"");
    for (int i = 0; i < 150; i++)
        buf_addf(&text, ",[\"timer\",\"t%03d\",%d,{\"do\":[[\"put\",\"s%03d\",\"1\"],[\"get\",\"s%03d\",%s]]}]", i,
                 1000 + i, i, i ? i - 1 : 0, "\"1\"");
    buf_addz(&text, "]]");
    assert_int_equal(send_now(b, text.ptr), BELFRY_OK);
    buf_free(&text);
    clock_advance(b->clock, MINUTE);
    assert_int_equal(send_now(b, "[[\"2\",[\"get\",\"s149\",\"1\"],[\"get\",\"s000\",\"1\"]]]"), BELFRY_OK);
    expect_rows(b, "SELECT count(*) FROM timer", "0");
    expect_rows(b, "SELECT count(*) FROM state", "150");
    bench_free(b);
}

/* Holds the ledger until everything that the test wants in one group is queued. */
struct gate_command {
    struct ledger_command command;
    _Atomic int open;
    int done;
};

static belfry_status gate_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct gate_command *gate = LIST_OF(command, struct gate_command, command);
    (void)txn;
    while (!gate->open)
        sched_yield();
    return BELFRY_OK;
}

static void gate_done(struct ledger_command *command, belfry_status status)
{
    LIST_OF(command, struct gate_command, command)->done = 1 + status;
}

static int finished;

static void number_done(struct ledger_request *request)
{
    struct sent *s = request->arg;
    s->wait.done = ++finished;
}

static void test_many_timers_hold_up_nobody_else(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    struct buf text = {NULL, 0, 0};
    buf_addz(&text, "[[\"1\"");
    for (int i = 0; i < 150; i++)
        buf_addf(&text, ",[\"timer\",\"t%03d\",1000,{\"do\":[[\"put\",\"last\",\"%d\"]]}]", i, i);
    buf_addz(&text, "]]");
    assert_int_equal(send_now(b, text.ptr), BELFRY_OK);
    buf_free(&text);
    struct gate_command gate = {.command = {.run = gate_run, .done = gate_done}};
    ledger_submit(b->ledger, &gate.command);
    clock_advance(b->clock, MINUTE);
    struct sent *sent[4];
    sent[0] = send_begin(b, "crm", "[[\"2\",[\"get\",\"last\",\"149\"],[\"put\",\"next\",\"2\"]]]", 0);
    sent[1] = send_begin(b, "erp", "[[\"3\"]]", 0);
    sent[2] = send_begin(b, "crm", "[[\"4\",[\"get\",\"next\",\"2\"]]]", 0);
    sent[3] = send_begin(b, "erp", "[[\"5\"]]", 0);
    finished = 0;
    for (size_t i = 0; i < 4; i++)
        sent[i]->request.done = number_done;
    gate.open = 1;
    static const int order[] = {3, 1, 4, 2};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(send_end(b, sent[i]), BELFRY_OK);
        assert_int_equal(sent[i]->wait.done, order[i]);
        send_free(sent[i]);
    }
    assert_int_equal(gate.done, 1);
    bench_free(b);
}

static void test_failing_timer_retries_and_dies(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"timer\",\"bad\",1000,{\"do\":[[\"put\",\"x\",\"1\"],[\"fail\",-1,\"no\"]]}]]]");
    advance(b, 1000);
    expect_rows(b, "SELECT attempts, retry_at - due, dead FROM timer", "1 1000 0");
    advance(b, 1000);
    expect_rows(b, "SELECT attempts, retry_at - due, dead FROM timer", "2 3000 0");
    for (int i = 0; i < 10; i++)
        advance(b, 60 * MINUTE);
    expect_rows(b, "SELECT attempts, dead FROM timer", "12 1");
    expect_rows(b, "SELECT kind FROM refused", "timer");
    expect_rows(b, "SELECT count(*) FROM state", "0");
    /* set anew it lives again */
    send_now(b, "[[\"2\",[\"timer\",\"bad\",1000,{\"do\":[[\"put\",\"x\",\"1\"]]}]]]");
    settle(b);
    expect_rows(b, "SELECT key FROM state", "x");
    bench_free(b);
}

static void test_timers_survive_a_restart(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"timer\",\"t\",60000,{\"do\":[[\"put\",\"fired\",\"1\"]]}]]]");
    bench_stop(b);
    clock_advance(b->clock, 5 * MINUTE);
    bench_start(b, NULL);
    settle(b);
    expect_rows(b, "SELECT key FROM state", "fired");
    bench_free(b);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct taken {
    struct bench_wait wait;
    size_t count;
    int64_t id;
    char key[64], payload[128], source[32];
};

static void on_tasks(void *arg, const struct ledger_task *tasks, size_t count)
{
    struct taken *taken = arg;
    taken->wait.done = 1;
    taken->count = count;
    if (count == 0)
        return;
    taken->id = tasks[0].id;
    snprintf(taken->key, sizeof(taken->key), "%.*s", STR_ARG(tasks[0].key));
    snprintf(taken->payload, sizeof(taken->payload), "%.*s", STR_ARG(tasks[0].payload));
    snprintf(taken->source, sizeof(taken->source), "%s", tasks[0].source);
}

static struct taken take_tasks(struct bench *b)
{
    struct taken taken = {0};
    ledger_tasks_claim(b->ledger, 10, on_tasks, &taken);
    bench_until(b, &taken.wait);
    return taken;
}

static void test_result_of_a_task_is_a_trigger(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"task\",\"fetch\",{\"id\":7},0]]]");
    assert_int_equal(b->tasks_told, 1);
    struct taken taken = take_tasks(b);
    assert_int_equal(taken.count, 1);
    assert_string_equal(taken.key, "fetch");
    assert_string_equal(taken.payload, "{\"id\":7}");
    assert_string_equal(taken.source, "crm");
    assert_int_equal(take_tasks(b).count, 0); /* leased */
    ledger_task_done(b->ledger, "src", taken.id, BELFRY_DELIVERED, 0,
                     STR("{\"do\":[[\"put\",\"got\",\"1\"],[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]}"));
    settle(b);
    expect_rows(b, "SELECT count(*) FROM task", "0");
    expect_rows(b, "SELECT principal, trigger_type, trigger_source FROM event", "task:fetch fetch.result belfry:task");
    /* twice the same answer changes nothing */
    ledger_task_done(b->ledger, "src", taken.id, BELFRY_DELIVERED, 0, STR("{\"do\":[[\"put\",\"got\",\"2\"]]}"));
    settle(b);
    expect_rows(b, "SELECT key, value FROM state", "got 1");
    bench_free(b);
}

static void test_tasks_are_tried_again_and_survive_a_restart(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"task\",\"fetch\",{},0]]]");
    struct taken taken = take_tasks(b);
    ledger_task_done(b->ledger, "src", taken.id, BELFRY_RETRY, 0, (struct belfry_str){NULL, 0});
    settle(b);
    assert_int_equal(take_tasks(b).count, 0);
    expect_rows(b, "SELECT attempts, due FROM task", "1 1700000001000");
    assert_int_equal(ledger_next_due(b->ledger), START + 1000);
    advance(b, 1000);
    assert_int_equal(take_tasks(b).count, 1);
    bench_stop(b); /* under way when the process ended */
    bench_start(b, NULL);
    taken = take_tasks(b);
    assert_int_equal(taken.count, 1);
    ledger_task_done(b->ledger, "src", taken.id, BELFRY_DELIVERED, 0, STR("{\"do\":[[\"fail\",-1,\"no\"]]}"));
    settle(b);
    expect_rows(b, "SELECT count(*) FROM task", "0");
    expect_rows(b, "SELECT kind, problem FROM refused",
                "task {\"status\":\"EINVAL\",\"errors\":[{\"pointer\":\"/data/do\",\"detail\":\"no\"}]}");
    bench_free(b);
}

/* What is down is asked less and less, however long it takes, and loses no try by it. */
static void test_the_wait_of_an_unavailable_task_grows(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
    static const struct belfry_str none = {NULL, 0};
    send_now(b, "[[\"1\",[\"task\",\"fetch\",{},0]]]");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
            struct taken taken = take_tasks(b);
            assert_int_equal(taken.count, 1);
            ledger_task_done(b->ledger, "src", taken.id, BELFRY_UNAVAILABLE, i == 3 ? 3000 : 0, none);
            settle(b);
            advance(b, waits[i] * 1000 - 1);
            assert_int_equal(take_tasks(b).count, 0);
            advance(b, 1);
        }
        char tries[8];
        snprintf(tries, sizeof(tries), "%d", round);
        expect_rows(b, "SELECT attempts FROM task", tries);
        ledger_task_done(b->ledger, "src", take_tasks(b).id, BELFRY_RETRY, 0, none); /* it is there again */
        settle(b);
        advance(b, (round + 1) * 1000);
    }
    ledger_task_done(b->ledger, "src", take_tasks(b).id, BELFRY_UNAVAILABLE, 3600000, none);
    settle(b);
    advance(b, 3599999);
    assert_int_equal(take_tasks(b).count, 0); /* the source knows better */
    advance(b, 1);
    assert_int_equal(take_tasks(b).count, 1);
    bench_free(b);
}

struct dead {
    struct ledger_command command;
    struct bench_wait wait;
    int64_t crm, erp;
};

static belfry_status dead_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct dead *dead = LIST_OF(command, struct dead, command);
    dead->crm = store_tasks_dead(ledger_txn_conn(txn), STR("crm"));
    dead->erp = store_tasks_dead(ledger_txn_conn(txn), STR("erp"));
    return BELFRY_OK;
}

static void dead_done(struct ledger_command *command, belfry_status status)
{
    bench_done(&LIST_OF(command, struct dead, command)->wait, status);
}

static void test_a_dead_task_can_be_seen(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"task\",\"fetch\",{\"id\":7},0]]]");
    for (int i = 0; i < 12; i++) {
        ledger_task_done(b->ledger, "src", take_tasks(b).id, BELFRY_RETRY, 0, (struct belfry_str){NULL, 0});
        settle(b);
        advance(b, 3600000);
    }
    send_now(b, "[[\"2\",[\"task\",\"push\",{\"id\":8},0]]]");
    ledger_task_done(b->ledger, "src", take_tasks(b).id, BELFRY_REJECTED, 0, STR("no such thing"));
    settle(b);
    assert_int_equal(take_tasks(b).count, 0);
    expect_rows(
        b, "SELECT kind, problem, body FROM refused ORDER BY id",
        "task {\"status\":\"EAGAIN\",\"errors\":[{\"detail\":\"task fetch is dead after 12 tries\"}]} {\"id\":7}\n"
        "task {\"status\":\"EAGAIN\",\"errors\":[{\"detail\":\"task push is dead after 1 try: no such thing\"}]}"
        " {\"id\":8}");
    struct dead dead = {.command = {.run = dead_run, .done = dead_done}};
    assert_int_equal(ledger_submit(b->ledger, &dead.command), BELFRY_OK);
    assert_int_equal(bench_until(b, &dead.wait), BELFRY_OK);
    assert_int_equal(dead.crm, 2);
    assert_int_equal(dead.erp, 0);
    bench_free(b);
}

/* --- many recipients ---------------------------------------------------------------------------------------------- */

static char *crowd(int count)
{
    struct buf text = {NULL, 0, 0};
    buf_addz(&text, "{\"root\":[]");
    for (int i = 0; i < count; i++)
        buf_addf(&text, ",\"u%05d\":[\"all\"]", i);
    buf_addz(&text, "}");
    return buf_steal(&text);
}

#define ALL(id)                                                                                                        \
    "[[\"" id                                                                                                          \
    "\",[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"t/1\",\"to\":[\"role:all\"],\"actor\":\"u00007\"}]]]"

static void test_fan_out_in_slices(void **state)
{
    (void)state;
    char *people = crowd(2500);
    struct bench *b =
        bench_open("[{\"name\":\"inbox\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":60000}]}]", people);
    assert_int_equal(send_now(b, ALL("1")), BELFRY_OK);
    settle(b);
    expect_rows(b, "SELECT count(*), count(DISTINCT person), count(pos) FROM notification", "2499 2499 2499");
    expect_rows(b, "SELECT count(*) FROM delivery WHERE state = 0", "2499");
    expect_rows(b, "SELECT kind, state, done FROM job", "1 2 2499");
    /* replaced by one that goes to a few */
    assert_int_equal(
        send_now(b, "[[\"2\",[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"t/1\",\"to\":[\"u00001\"]}]]]"),
        BELFRY_OK);
    settle(b);
    expect_rows(b, "SELECT validity, count(*) FROM notification GROUP BY validity", "0 1\n2 1\n3 2498");
    expect_rows(b, "SELECT state, count(*) FROM delivery GROUP BY state", "0 1\n11 2498\n15 1");
    /* and again by one that goes to all */
    assert_int_equal(send_now(b, ALL("3")), BELFRY_OK);
    settle(b);
    expect_rows(b, "SELECT validity, count(*) FROM notification GROUP BY validity", "0 2499\n2 2\n3 2498");
    /* handled for all but one, in slices too */
    assert_int_equal(send_now(b, "[[\"4\",[\"handled\",\"t/1\",{\"except\":[\"u00002\"]},\"root\"]]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, "SELECT count(*) FROM notification WHERE handled_by = 'root'", "2498");
    expect_rows(b, "SELECT count(*) FROM person WHERE rev < 1", "0");
    bench_free(b);
    free(people);
}

static void test_fan_out_goes_on_after_a_restart_and_a_reload(void **state)
{
    (void)state;
    char *people = crowd(4000);
    struct bench *b = bench_open(RULES, people);
    struct sent *s = send_begin(b, "crm", ALL("1"), 0);
    send_end(b, s);
    send_free(s);
    bench_stop(b); /* somewhere in the middle: stopping does not wait for jobs */
    bench_start(b, NULL);
    bench_generation(b);
    settle(b);
    expect_rows(b, "SELECT count(*), count(DISTINCT person) FROM notification", "3999 3999");
    bench_free(b);
    free(people);
}

static void test_withdrawn_event_ends_its_fan_out(void **state)
{
    (void)state;
    char *people = crowd(3000);
    struct bench *b = bench_open(RULES, people);
    assert_int_equal(send_now(b,
                              "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[\"role:all\"]}],"
                              "[\"withdraw\",\"t/1\",{}]]]"),
                     BELFRY_OK);
    settle(b);
    expect_rows(b, "SELECT count(*) FROM notification", "0");
    expect_rows(b, "SELECT state FROM job", "2");
    bench_free(b);
    free(people);
}

static void test_expiry_of_many_rows(void **state)
{
    (void)state;
    char *people = crowd(2300);
    struct bench *b = bench_open(RULES, people);
    assert_int_equal(
        send_now(b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"role:all\"],\"until\":60000}]]]"), BELFRY_OK);
    settle(b);
    advance(b, MINUTE);
    expect_rows(b, "SELECT validity, count(*) FROM notification GROUP BY validity", "1 2300");
    expect_rows(b, "SELECT rev, count(*) FROM person GROUP BY rev", "2 2300");
    bench_free(b);
    free(people);
}

/* --- retention ---------------------------------------------------------------------------------------------------- */

static void test_what_is_old_goes(void **state)
{
    (void)state;
    struct bench *b = bench_new("[{\"name\":\"r\",\"deliver\":[{\"via\":\"inbox\",\"after\":1000},"
                                "{\"via\":\"inbox\",\"after\":2000}]}]",
                                PEOPLE);
    b->config->config.retention =
        (struct config_retention){.inbox = 60, .events = 60, .attempts = 30, .decisions = 90, .dedupe = 30};
    bench_start(b, NULL);
    settle(b);
    send_now(b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]]");
    advance(b, MINUTE);
    expect_rows(b, "SELECT count(*) FROM decision", "1");
    advance(b, 31 * 1440 * MINUTE);
    expect_rows(b,
                "SELECT (SELECT count(*) FROM dedupe), (SELECT count(*) FROM event), (SELECT count(*) FROM decision)",
                "0 1 1");
    send_now(b, "[[\"2\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]]");
    advance(b, 30 * 1440 * MINUTE);
    expect_rows(b, "SELECT trigger_id FROM event", "2");
    expect_rows(b, "SELECT (SELECT count(*) FROM notification), (SELECT count(*) FROM delivery)", "1 1");
    expect_rows(b, "SELECT rev FROM person", "3"); /* two came, one went */
    assert_int_equal(b->last_rev, 3);
    bench_free(b);
}

#define DAYS (1440 * MINUTE)
#define KEPT "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM notification), (SELECT count(*) FROM delivery)"

static void test_what_is_linked_to_stays(void **state)
{
    (void)state;
    struct bench *b =
        bench_new("[{\"name\":\"r\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":6048000000}]}]", PEOPLE);
    b->config->config.retention =
        (struct config_retention){.inbox = 60, .events = 10, .attempts = 10, .decisions = 10, .dedupe = 10};
    bench_start(b, NULL);
    settle(b);
    send_now(b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]]");
    advance(b, 11 * DAYS); /* the event is old, its row in the inbox is not */
    expect_rows(b, KEPT, "1 1 1");
    advance(b, 50 * DAYS); /* the row is old, its mail has still to go out */
    expect_rows(b, KEPT, "1 1 1");
    advance(b, 9 * DAYS);
    expect_rows(b, "SELECT count(*) FROM delivery WHERE open = 1 AND due <= 1706048000000", "1");
    rows(b, "UPDATE delivery SET open = 0, state = 6"); /* it went out */
    advance(b, DAYS);
    expect_rows(b, KEPT, "0 0 0");
    bench_free(b);
}

/* --- calls that harm ---------------------------------------------------------------------------------------------- */

static void test_slow_source_is_quarantined(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"slow\",260]]]"), BELFRY_OK);
    assert_int_equal(send_now(b, "[[\"2\",[\"slow\",260]]]"), BELFRY_OK);
    assert_int_equal(b->alarms, 0);
    assert_int_equal(send_now(b, "[[\"3\",[\"slow\",260]]]"), BELFRY_OK);
    settle(b);
    assert_int_equal(b->alarms, 1);
    assert_string_equal(b->alarm, "hub.source_quarantined crm");
    struct sent *s = send_begin(b, "crm", "[[\"4\"]]", 0);
    assert_int_equal(send_end(b, s), BELFRY_EAGAIN);
    assert_int_equal(s->request.retry_after_ms, MINUTE);
    send_free(s);
    /* others go on */
    s = send_begin(b, "erp", "[[\"4\"]]", 0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    send_free(s);
    advance(b, MINUTE);
    assert_int_equal(send_now(b, "[[\"4\"]]"), BELFRY_OK);
    bench_free(b);
}

static void test_quarantine_ends_though_the_clock_goes_back(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    for (int i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof(text), "[[\"%d\",[\"slow\",260]]]", i);
        assert_int_equal(send_now(b, text), BELFRY_OK);
    }
    clock_set(b->clock, START - 1440 * MINUTE);
    assert_int_equal(send_now(b, "[[\"4\"]]"), BELFRY_EAGAIN);
    advance(b, MINUTE);
    assert_int_equal(send_now(b, "[[\"4\"]]"), BELFRY_OK);
    bench_free(b);
}

static void test_removed_rows_end_though_the_clock_goes_back(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[\"mail\"]}]", PEOPLE);
    settle(b); /* looked for the first time */
    clock_set(b->clock, START - 1440 * MINUTE);
    ledger_poke(b->ledger);
    settle(b);
    assert_int_equal(ledger_next_due(b->ledger), START - 1439 * MINUTE);
    bench_free(b);
}

static void test_slow_timers_quarantine_the_trigger_behind_them(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"timer\",\"a\",1000,{\"do\":[[\"slow\",260]]}],"
                                 "[\"timer\",\"b\",1001,{\"do\":[[\"slow\",260]]}],"
                                 "[\"timer\",\"c\",1002,{\"do\":[[\"slow\",260]]}],"
                                 "[\"timer\",\"d\",1003,{\"do\":[[\"put\",\"d\",\"1\"]]}]]]"),
                     BELFRY_OK);
    clock_advance(b->clock, MINUTE);
    assert_int_equal(send_now(b, "[[\"2\",[\"get\",\"d\",\"1\"]]]"), BELFRY_EAGAIN);
    advance(b, MINUTE);
    assert_int_equal(send_now(b, "[[\"2\",[\"get\",\"d\",\"1\"]]]"), BELFRY_OK);
    bench_free(b);
}

/* Runs in a child until the trigger kills it. */
static void die_on(struct bench *b, const char *text)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        bench_start(b, NULL);
        send_now(b, text);
        advance(b, MINUTE);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 66);
}

static void test_trigger_that_kills_the_hub_is_refused_once(void **state)
{
    (void)state;
    struct bench *b = bench_new(RULES, PEOPLE);
    die_on(b, "[[\"1\",[\"die\"]]]");
    bench_start(b, NULL);
    assert_int_equal(send_now(b, "[[\"1\"]]"), BELFRY_EAGAIN);
    expect_rows(b, "SELECT kind FROM refused", "poison");
    assert_int_equal(send_now(b, "[[\"1\"]]"), BELFRY_OK); /* the operator repaired the source */
    bench_free(b);
}

static void test_timer_that_kills_the_hub_waits(void **state)
{
    (void)state;
    struct bench *b = bench_new(RULES, PEOPLE);
    die_on(b, "[[\"1\",[\"timer\",\"t\",1000,{\"do\":[[\"die\"]]}]]]");
    clock_advance(b->clock, MINUTE);
    bench_start(b, NULL);
    settle(b);
    expect_rows(b, "SELECT attempts FROM timer", "1");
    bench_free(b);
}

static void test_generation_is_let_go(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    struct ledger_generation first = b->generation;
    (void)first;
    bench_generation(b);
    settle(b);
    assert_int_equal(b->released, 1);
    expect_rows(b, "SELECT id, actor FROM generation", "1 test\n2 test");
    bench_stop(b);
    assert_int_equal(b->released, 2);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_runs_when_due_and_once),
        cmocka_unit_test(test_timer_may_set_itself_again_or_be_cleared),
        cmocka_unit_test(test_due_timers_come_before_the_next_trigger),
        cmocka_unit_test(test_many_timers_hold_up_nobody_else),
        cmocka_unit_test(test_failing_timer_retries_and_dies),
        cmocka_unit_test(test_timers_survive_a_restart),
        cmocka_unit_test(test_result_of_a_task_is_a_trigger),
        cmocka_unit_test(test_the_wait_of_an_unavailable_task_grows),
        cmocka_unit_test(test_a_dead_task_can_be_seen),
        cmocka_unit_test(test_tasks_are_tried_again_and_survive_a_restart),
        cmocka_unit_test(test_fan_out_in_slices),
        cmocka_unit_test(test_fan_out_goes_on_after_a_restart_and_a_reload),
        cmocka_unit_test(test_withdrawn_event_ends_its_fan_out),
        cmocka_unit_test(test_expiry_of_many_rows),
        cmocka_unit_test(test_what_is_old_goes),
        cmocka_unit_test(test_what_is_linked_to_stays),
        cmocka_unit_test(test_slow_source_is_quarantined),
        cmocka_unit_test(test_quarantine_ends_though_the_clock_goes_back),
        cmocka_unit_test(test_removed_rows_end_though_the_clock_goes_back),
        cmocka_unit_test(test_slow_timers_quarantine_the_trigger_behind_them),
        cmocka_unit_test(test_trigger_that_kills_the_hub_is_refused_once),
        cmocka_unit_test(test_timer_that_kills_the_hub_waits),
        cmocka_unit_test(test_generation_is_let_go),
    };
    return cmocka_run_group_tests_name("ledger_time", tests, NULL, NULL);
}
