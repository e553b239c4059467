/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails for a while: what the ledger owes to timers, targets and tasks, it does afterwards by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "ledger/inside.h"
#include "event/outcome.h"
#include "store/deliveries.h"
#include "store/story.h"
#include "vfs_fault.h"

#define RULES "[{\"name\":\"m\",\"deliver\":[\"inbox\",\"mail\"]}]"
#define PEOPLE "{\"ann\":[],\"bob\":[]}"
#define NOTE(id) "[[\"" id "\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]]"

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
    assert_int_equal(send_now(b, "[[\"full\",[\"put\",\"k\",\"1\"]]]"), BELFRY_EIO);
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

/* --- targets ------------------------------------------------------------------------------------------------------ */

static void test_the_hold_of_a_target_waits_for_the_disk(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    struct ledger_target target = {.name = STR("one"), .url = STR("https://hook.example/"), .secret = STR("sealed")};
    struct bench_wait declared = {0}, held = {0};
    ledger_targets_declare(b->ledger, fixture_channel(b->config, "hooks"), &target, 1, bench_done, &declared);
    assert_int_equal(bench_until(b, &declared), BELFRY_OK);
    vfs_fault_set(VFS_IOERR, 0, 0);
    ledger_target_enable(b->ledger, target.id, 0, "410", bench_done, &held);
    assert_int_equal(send_now(b, NOTE("1")), BELFRY_EIO);
    assert_int_equal(held.done, 0);
    vfs_fault_set(VFS_NONE, 0, 0);
    assert_int_equal(bench_until(b, &held), BELFRY_OK);
    expect_rows(b, "SELECT enabled, disabled_why FROM target", "0 410");
    bench_free(b);
}

static void test_the_later_of_two_switches_has_the_last_word(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    struct ledger_target target = {.name = STR("one"), .url = STR("https://hook.example/"), .secret = STR("sealed")};
    struct bench_wait declared = {0}, off = {0}, on = {0};
    ledger_targets_declare(b->ledger, fixture_channel(b->config, "hooks"), &target, 1, bench_done, &declared);
    assert_int_equal(bench_until(b, &declared), BELFRY_OK);
    vfs_fault_set(VFS_IOERR, 0, 0);
    ledger_target_enable(b->ledger, target.id, 0, "410", bench_done, &off);
    assert_int_equal(send_now(b, NOTE("1")), BELFRY_EIO);
    vfs_fault_set(VFS_NONE, 0, 0);
    ledger_target_enable(b->ledger, target.id, 1, "the URL changed", bench_done, &on);
    bench_until(b, &on);
    bench_until(b, &off);
    expect_rows(b, "SELECT enabled FROM target", "1");
    bench_free(b);
}

/* An endpoint, and a disk that refuses everything from now on. */
static struct bench *open_with_endpoint(struct ledger_target *target)
{
    struct bench *b = open_on_bad_disk();
    struct bench_wait declared = {0};
    *target = (struct ledger_target){
        .name = STR("one"), .url = STR("https://hook.example/"), .secret = STR("sealed"), .org = STR("acme")};
    ledger_targets_declare(b->ledger, fixture_channel(b->config, "hooks"), target, 1, bench_done, &declared);
    assert_int_equal(bench_until(b, &declared), BELFRY_OK);
    vfs_fault_set(VFS_IOERR, 0, 0);
    return b;
}

/* What was submitted is kept now, and runs 0.1 s later behind what comes before. */
static void disk_is_well_again(struct bench *b)
{
    assert_int_equal(send_now(b, NOTE("fails")), BELFRY_EIO);
    vfs_fault_set(VFS_NONE, 0, 0);
}

static void move_endpoint(struct bench *b, struct ledger_target *target)
{
    struct bench_wait declared = {0};
    target->url = STR("https://other.example/");
    ledger_targets_declare(b->ledger, fixture_channel(b->config, "hooks"), target, 1, bench_done, &declared);
    assert_int_equal(bench_until(b, &declared), BELFRY_OK);
    assert_true(target->moved && target->enabled && target->first_failure_ms == 0);
}

static void test_a_success_is_not_overwritten_by_the_failure_before_it(void **state)
{
    (void)state;
    struct ledger_target target;
    struct bench *b = open_with_endpoint(&target);
    ledger_target_failure(b->ledger, target.id, 1, START);
    ledger_emit_hub(b->ledger, STR("acme"), "hub.disk_low", STR("disk"), "Low"); /* kept too, and runs behind it */
    disk_is_well_again(b);
    ledger_target_failure(b->ledger, target.id, 0, START);
    settle_until(b, "SELECT title FROM event", "Low");
    expect_rows(b, "SELECT first_failure, failures FROM target", "- 0");
    bench_free(b);
}

static void test_an_endpoint_that_moved_is_not_held_for_what_the_old_one_did(void **state)
{
    (void)state;
    struct ledger_target target;
    struct bench *b = open_with_endpoint(&target);
    struct bench_wait off = {0};
    ledger_target_failure(b->ledger, target.id, 1, START);
    ledger_target_enable(b->ledger, target.id, 0, "410", bench_done, &off);
    disk_is_well_again(b);
    move_endpoint(b, &target);
    assert_int_equal(bench_until(b, &off), BELFRY_OK);
    settle(b);
    expect_rows(b, "SELECT enabled, first_failure, failures FROM target", "1 - 0");
    ledger_target_failure(b->ledger, target.id, 1, START + 1);
    settle(b);
    expect_rows(b, "SELECT enabled, first_failure - 1700000000000 FROM target", "1 1");
    bench_free(b);
}

/* The declaration is not kept: who made it is told and makes it again. What it would have said counts for nothing. */
static void test_a_declaration_that_failed_has_no_say(void **state)
{
    (void)state;
    struct ledger_target target, moved;
    struct bench *b = open_with_endpoint(&target);
    struct bench_wait off = {0}, declared = {0};
    ledger_target_enable(b->ledger, target.id, 0, "410", bench_done, &off);
    moved = target;
    moved.url = STR("https://other.example/");
    ledger_targets_declare(b->ledger, fixture_channel(b->config, "hooks"), &moved, 1, bench_done, &declared);
    assert_int_equal(bench_until(b, &declared), BELFRY_EIO);
    disk_is_well_again(b);
    assert_int_equal(bench_until(b, &off), BELFRY_OK);
    expect_rows(b, "SELECT enabled, disabled_why, url FROM target", "0 410 https://hook.example/");
    bench_free(b);
}

static void test_who_waits_is_told_at_the_end_that_the_disk_stayed_bad(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    struct bench_wait held = {0};
    vfs_fault_set(VFS_IOERR, 0, 0);
    ledger_target_enable(b->ledger, 1, 0, "410", bench_done, &held);
    bench_stop(b);
    assert_int_equal(held.done, 1);
    assert_int_not_equal(held.status, BELFRY_OK);
    vfs_fault_set(VFS_NONE, 0, 0);
    bench_free(b);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct taken {
    struct bench_wait wait;
    int64_t id;
};

static void on_tasks(void *arg, const struct ledger_task *tasks, size_t count)
{
    struct taken *taken = arg;
    taken->wait.done = 1;
    taken->id = count ? tasks[0].id : 0;
}

static void test_the_result_of_a_task_waits_for_the_disk(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    assert_int_equal(send_now(b, "[[\"1\",[\"task\",\"fetch\",{},0]]]"), BELFRY_OK);
    struct taken taken = {0};
    ledger_tasks_claim(b->ledger, 10, on_tasks, &taken);
    bench_until(b, &taken.wait);
    assert_true(taken.id > 0);
    vfs_fault_set(VFS_FULL, 0, 0);
    ledger_task_done(b->ledger, "crm", taken.id, BELFRY_DELIVERED, 0, STR("{\"do\":[[\"put\",\"got\",\"1\"]]}"));
    assert_int_equal(send_now(b, NOTE("2")), BELFRY_EIO);
    vfs_fault_set(VFS_NONE, 0, 0);
    settle_until(b, "SELECT count(*) FROM task", "0");
    expect_rows(b, "SELECT key, value FROM state", "got 1");
    bench_free(b);
}

/* --- whose fault it is -------------------------------------------------------------------------------------------- */

static void seen(void *arg, const char *channel, const struct route_targets *const *indexes, size_t count,
                 const struct hash *disabled)
{
    (void)arg;
    (void)channel;
    (void)indexes;
    (void)count;
    (void)disabled;
}

static void test_what_only_reads_does_not_say_that_the_disk_is_well(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    assert_int_equal(send_now(b, NOTE("1")), BELFRY_OK); /* a command before it that wrote is not counted again */
    vfs_fault_set(VFS_FULL, 0, 0);
    assert_int_equal(send_now(b, NOTE("2")), BELFRY_EIO);
    assert_string_equal(ledger_ailment(b->ledger), "the disk is full");
    struct bench_wait looked = {0};
    ledger_targets_look(b->ledger, seen, settle_done, &looked);
    bench_until(b, &looked);
    assert_string_equal(ledger_ailment(b->ledger), "the disk is full");
    vfs_fault_set(VFS_NONE, 0, 0);
    assert_int_equal(send_now(b, NOTE("3")), BELFRY_OK);
    assert_null(ledger_ailment(b->ledger));
    bench_free(b);
}

struct twice {
    struct ledger_command command;
    struct bench_wait wait;
    int runs;
};

/* The second row breaks a constraint, whatever the disk says. */
static belfry_status twice_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct store_delivery row = {.id = 1, .event = 1, .org = 1, .channel = 1, .rule = 1};
    LIST_OF(command, struct twice, command)->runs++;
    store_delivery_add(ledger_txn_conn(txn), &row);
    store_delivery_add(ledger_txn_conn(txn), &row);
    return BELFRY_OK;
}

static void twice_done(struct ledger_command *command, belfry_status status)
{
    bench_done(&LIST_OF(command, struct twice, command)->wait, status);
}

static void test_what_can_never_be_written_is_given_up_and_holds_up_nobody(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    struct twice twice = {.command = {.run = twice_run, .done = twice_done, .must = "a test"}};
    assert_int_equal(ledger_submit(b->ledger, &twice.command), BELFRY_OK);
    assert_int_equal(bench_until(b, &twice.wait), BELFRY_EINTERNAL);
    assert_in_range(twice.runs, 4, 5); /* in its group, and then alone */
    assert_int_equal(send_now(b, NOTE("1")), BELFRY_OK);
    assert_null(ledger_ailment(b->ledger));
    expect_rows(b, "SELECT count(*) FROM delivery WHERE id = 1", "0");
    bench_free(b);
}

/* --- what waits for others ---------------------------------------------------------------------------------------- */

struct patient {
    struct ledger_command command;
    struct bench_wait wait;
    atomic_int runs, calm;
};

/* Fails at first, for a reason of its own; then waits for timers of a source that sets one after the other. */
static belfry_status patient_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct patient *p = LIST_OF(command, struct patient, command);
    struct store_delivery row = {.id = 1, .event = 1, .org = 1, .channel = 1, .rule = 1};
    if (atomic_fetch_add(&p->runs, 1) > 1)
        return atomic_load(&p->calm) ? BELFRY_OK : LEDGER_LATER;
    store_delivery_add(ledger_txn_conn(txn), &row);
    store_delivery_add(ledger_txn_conn(txn), &row);
    return BELFRY_OK;
}

static void patient_done(struct ledger_command *command, belfry_status status)
{
    bench_done(&LIST_OF(command, struct patient, command)->wait, status);
}

static void test_what_waits_for_timers_without_end_holds_up_nobody(void **state)
{
    (void)state;
    struct bench *b = open_on_bad_disk();
    struct patient p = {.command = {.run = patient_run, .done = patient_done, .must = "a test"}};
    assert_int_equal(ledger_submit(b->ledger, &p.command), BELFRY_OK);
    while (atomic_load(&p.runs) < 5)
        assert_int_equal(send_now(b, "[[\"other\",[\"put\",\"k\",\"1\"]]]"), BELFRY_OK);
    assert_int_equal(send_now(b, NOTE("1")), BELFRY_OK);
    assert_int_equal(p.wait.done, 0);
    atomic_store(&p.calm, 1);
    assert_int_equal(bench_until(b, &p.wait), BELFRY_OK);
    bench_free(b);
}

#define LETTERS 2500

struct letters {
    struct ledger_command command;
    struct bench_wait wait;
};

static belfry_status letters_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct store_conn *conn = ledger_txn_conn(txn);
    int64_t org = store_name(conn, STR("acme")), channel = store_name(conn, STR("hooks"));
    (void)command;
    for (int64_t i = 1; i <= LETTERS; i++) {
        struct store_delivery row = {
            .id = i, .event = 1, .org = org, .channel = channel, .rule = channel, .state = OUTCOME_failed};
        store_delivery_add(conn, &row);
    }
    return BELFRY_OK;
}

static void letters_done(struct ledger_command *command, belfry_status status)
{
    bench_done(&LIST_OF(command, struct letters, command)->wait, status);
}

struct discarded {
    struct bench_wait wait;
    int64_t changed;
};

static void on_discarded(void *arg, belfry_status status, int64_t changed)
{
    struct discarded *d = arg;
    d->changed = changed;
    bench_done(&d->wait, status);
}

/* Discards them all; from the skip-th write on five fail. Returns how many writes it took; *waited: some failed after
 * the deed was begun. */
static int discard_while_the_disk_fails(enum vfs_fault fault, int skip, int *waited)
{
    struct bench *b = open_on_bad_disk();
    struct letters letters = {.command = {.run = letters_run, .done = letters_done}};
    struct ledger_numbers before, after;
    struct discarded d = {0};
    const struct ledger_deed deed = {.org = STR("acme"), .who = STR("person:root")};
    const struct store_delivery_query query = {.state = OUTCOME_failed, .before = LETTERS + 1};
    json_t *filter = json_object();
    assert_int_equal(ledger_submit(b->ledger, &letters.command), BELFRY_OK);
    assert_int_equal(bench_until(b, &letters.wait), BELFRY_OK);
    settle(b);
    ledger_numbers(b->ledger, &before);
    vfs_fault_set(fault, skip, 5);
    ledger_redrive(b->ledger, &deed, 1, &query, LETTERS, filter, on_discarded, &d);
    belfry_status status = bench_until(b, &d.wait);
    int writes = vfs_fault_count();
    vfs_fault_set(VFS_NONE, 0, 0);
    json_decref(filter);
    ledger_numbers(b->ledger, &after);
    assert_true(after.commands - before.commands < 40); /* not as often as the loop turns in a second */
    if (status == BELFRY_OK)
        assert_int_equal(d.changed, LETTERS);
    expect_rows(b, "SELECT state, count(*) FROM delivery GROUP BY state", status ? "8 2500" : "24 2500");
    *waited = status == BELFRY_OK && after.rollbacks > before.rollbacks;
    bench_free(b);
    return writes;
}

/* What was begun is durable: whoever waits is told of its end when the disk is well, and asks for nothing meanwhile. */
static void test_who_waits_for_a_deed_on_many_waits_for_the_disk(void **state)
{
    (void)state;
    int waited, times = 0, writes = discard_while_the_disk_fails(VFS_NONE, 0, &waited);
    for (int i = 0; i < 8; i++) {
        discard_while_the_disk_fails(VFS_FULL, writes * i / 8, &waited);
        times += waited;
    }
    assert_true(times > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_run_after_a_rollback),
        cmocka_unit_test(test_the_hold_of_a_target_waits_for_the_disk),
        cmocka_unit_test(test_the_later_of_two_switches_has_the_last_word),
        cmocka_unit_test(test_a_success_is_not_overwritten_by_the_failure_before_it),
        cmocka_unit_test(test_an_endpoint_that_moved_is_not_held_for_what_the_old_one_did),
        cmocka_unit_test(test_a_declaration_that_failed_has_no_say),
        cmocka_unit_test(test_who_waits_is_told_at_the_end_that_the_disk_stayed_bad),
        cmocka_unit_test(test_the_result_of_a_task_waits_for_the_disk),
        cmocka_unit_test(test_what_only_reads_does_not_say_that_the_disk_is_well),
        cmocka_unit_test(test_what_can_never_be_written_is_given_up_and_holds_up_nobody),
        cmocka_unit_test(test_what_waits_for_timers_without_end_holds_up_nobody),
        cmocka_unit_test(test_who_waits_for_a_deed_on_many_waits_for_the_disk),
    };
    return cmocka_run_group_tests_name("ledger_faults", tests, NULL, NULL);
}
