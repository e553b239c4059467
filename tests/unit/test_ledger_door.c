/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the ledger: back-pressure, stopping, bad disks, reloads under load, people of the API, dry runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "store/people.h"
#include "vfs_fault.h"

#define RULES "[{\"name\":\"inbox\",\"deliver\":[\"inbox\"]}]"
#define PEOPLE "{\"ann\":[\"boss\"],\"bob\":[\"sales\"]}"
#define NOTE "[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[\"ann\"]}]"

static void test_back_pressure(void **state)
{
    (void)state;
    struct bench *b = bench_new(RULES, PEOPLE);
    b->config->config.hub.limits.pending_triggers = 10;
    bench_start(b, NULL);
    struct sent *sent[40];
    int refused = 0;
    char text[64];
    for (int i = 0; i < 40; i++) { /* the loop does not turn, so nothing is answered meanwhile */
        snprintf(text, sizeof(text), "[[\"%d\"]]", i);
        sent[i] = send_begin(b, "crm", text, 0);
        refused += sent[i]->early == BELFRY_EAGAIN;
    }
    assert_int_equal(refused, 30);
    for (int i = 0; i < 40; i++) {
        send_end(b, sent[i]);
        send_free(sent[i]);
    }
    assert_int_equal(send_now(b, "[[\"again\"]]"), BELFRY_OK);
    struct ledger_numbers numbers;
    ledger_numbers(b->ledger, &numbers);
    assert_int_equal(numbers.pending_commands, 0);
    assert_int_equal(numbers.triggers_accepted, 11);
    bench_free(b);
}

static void test_stopping_answers_what_was_taken(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    struct sent *sent[300];
    char text[128];
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "[[\"%d\"," NOTE "]]", i);
        sent[i] = send_begin(b, "crm", text, 0);
        assert_int_equal(sent[i]->early, BELFRY_OK);
    }
    bench_stop(b);
    for (int i = 0; i < 300; i++) {
        assert_true(sent[i]->wait.done);
        assert_int_equal(sent[i]->request.status, BELFRY_OK);
        send_free(sent[i]);
    }
    expect_rows(b, "SELECT count(*) FROM event", "300");
    bench_free(b);
}

static void test_full_disk_and_recovery(void **state)
{
    (void)state;
    struct bench *b = bench_new(RULES, PEOPLE);
    bench_start(b, vfs_fault_name());
    assert_null(ledger_ailment(b->ledger));
    vfs_fault_set(VFS_FULL, 0, 0);
    struct sent *s = send_begin(b, "crm", "[[\"1\",[\"put\",\"k\",\"1\"]]]", 0);
    assert_int_equal(send_end(b, s), BELFRY_EIO);
    assert_int_equal(s->results[0].state, LEDGER_REFUSED);
    assert_string_equal(error_text(&s->results[0].err), "the disk is full; nothing was taken");
    send_free(s);
    assert_string_equal(ledger_ailment(b->ledger), "the disk is full");
    vfs_fault_set(VFS_NONE, 0, 0);
    /* nobody has to ask: it tries by itself */
    for (int i = 0; i < 400 && ledger_ailment(b->ledger); i++)
        usleep(10000);
    assert_null(ledger_ailment(b->ledger));
    assert_int_equal(send_now(b, "[[\"1\",[\"get\",\"k\",null],[\"put\",\"k\",\"1\"]]]"), BELFRY_OK);
    bench_free(b);
}

static void test_one_bad_command_does_not_take_others_with_it(void **state)
{
    (void)state;
    struct bench *b = bench_new(RULES, PEOPLE);
    bench_start(b, vfs_fault_name());
    /* one failing write: the group is rolled back, its commands succeed alone */
    vfs_fault_set(VFS_IOERR, 0, 1);
    struct sent *sent[5];
    char text[128];
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof(text), "[[\"%d\"," NOTE "]]", i);
        sent[i] = send_begin(b, "crm", text, 0);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send_end(b, sent[i]), BELFRY_OK);
        send_free(sent[i]);
    }
    vfs_fault_set(VFS_NONE, 0, 0);
    expect_rows(b, "SELECT count(*), max(rev) FROM notification", "5 5");
    bench_free(b);
}

static void test_reload_between_triggers(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    struct fixture *next = fixture_new("[{\"name\":\"mail\",\"deliver\":[\"mail\"]}]", "{\"work\":{}}", PEOPLE);
    bench_people(next);
    bench_sources(next);
    struct ledger_generation generation = b->generation;
    generation.config = &next->config;
    generation.route = next->route;
    struct ledger_source live[2] = {b->sources[0], b->sources[1]};
    live[0].instance = &next->config.sources[0];
    live[1].instance = &next->config.sources[1];
    generation.sources = live;
    struct bench_wait wait = {0};
    struct sent *before = send_begin(b, "crm", "[[\"1\"," NOTE "]]", 0);
    ledger_generation_set(b->ledger, &generation, "admin", bench_done, &wait);
    struct sent *after = send_begin(b, "crm", "[[\"2\"," NOTE "]]", 0);
    assert_int_equal(send_end(b, before), BELFRY_OK);
    assert_int_equal(bench_until(b, &wait), BELFRY_OK);
    assert_int_equal(send_end(b, after), BELFRY_OK);
    send_free(before);
    send_free(after);
    expect_rows(b, "SELECT rules, generation FROM event ORDER BY id", "[\"inbox\"] 1\n[\"mail\"] 2");
    settle(b);
    assert_int_equal(b->released, 1);
    bench_stop(b);
    bench_free(b);
    fixture_free(next);
}

/* --- people of the API -------------------------------------------------------------------------------------------- */

struct put_person {
    struct ledger_command command;
    struct bench_wait wait;
    const char *name, *role;
};

static belfry_status put_person_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct put_person *p = LIST_OF(command, struct put_person, command);
    struct belfry_str role = str_of(p->role);
    struct store_directory_entry entry = {.username = str_of(p->name), .roles = &role, .role_count = 1};
    store_directory_put(ledger_txn_conn(txn), store_name(ledger_txn_conn(txn), STR("acme")), &entry);
    ledger_txn_directory_changed(txn);
    return BELFRY_OK;
}

static void put_person_done(struct ledger_command *command, belfry_status status)
{
    bench_done(&LIST_OF(command, struct put_person, command)->wait, status);
}

static void test_people_of_the_api_are_members_too(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"emit\",{\"type\":\"free.a\",\"title\":\"A\",\"to\":[\"role:sales\"]}]]]"),
                     BELFRY_OK);
    static const char *const people[] = {"amy", "zoe"};
    for (size_t i = 0; i < 2; i++) {
        struct put_person p = {
            .command = {.run = put_person_run, .done = put_person_done}, .name = people[i], .role = "sales"};
        assert_int_equal(ledger_submit(b->ledger, &p.command), BELFRY_OK);
        assert_int_equal(bench_until(b, &p.wait), BELFRY_OK);
    }
    assert_int_equal(send_now(b, "[[\"2\",[\"emit\",{\"type\":\"free.b\",\"title\":\"B\",\"to\":[\"role:sales\"]}]]]"),
                     BELFRY_OK);
    expect_rows(b, SQL_INBOX, "bob A 0 1 - 0\namy B 0 1 - 0\nbob B 0 1 - 0\nzoe B 0 1 - 0");
    bench_free(b);
}

/* --- dry runs ----------------------------------------------------------------------------------------------------- */

struct dry {
    struct bench *b;
    const char *text;
    struct bench_wait wait;
    char told[256];
    belfry_status status;
};

static void on_dry_event(void *arg, const struct ledger_dry_event *event)
{
    struct dry *dry = arg;
    size_t len = strlen(dry->told);
    snprintf(dry->told + len, sizeof(dry->told) - len, "%.*s %.*s to %zu by %s;", STR_ARG(event->event.type),
             STR_ARG(event->title), event->plan->recipient_count, event->plan->rules[0]->name);
}

static belfry_status dry_read(struct store_conn *conn, void *arg)
{
    struct dry *dry = arg;
    struct arena *arena = arena_new(0);
    struct error err = {0};
    json_t *data = json_read(str_of(dry->text), NULL);
    struct trigger trigger = {.data = data};
    trigger.pub = (struct belfry_trigger){.struct_size = sizeof(trigger.pub), .id = STR("x"), .impl = data};
    struct belfry_principal principal = {
        .struct_size = sizeof(principal), .kind = BELFRY_PRINCIPAL_PERSON, .name = STR("ann")};
    struct ledger_dry run = {
        .generation = &dry->b->generation, .now_ms = clock_now_ms(dry->b->clock), .fn = on_dry_event, .arg = dry};
    dry->status = ledger_dry_run(&run, conn, "crm", STR("acme"), &principal, &trigger, arena, &err);
    if (dry->status)
        snprintf(dry->told, sizeof(dry->told), "%s", error_text(&err));
    error_clear(&err);
    json_decref(data);
    arena_free(arena);
    return BELFRY_OK;
}

static void on_dry_done(void *arg, belfry_status status)
{
    bench_done(&((struct dry *)arg)->wait, status);
}

static void test_dry_run_writes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
        belfry_status status;
    } table[] = {
        {"{\"do\":[[\"get\",\"k\",\"1\"],[\"put\",\"k\",\"2\"],[\"get\",\"k\",\"2\"],[\"emit\",{\"type\":\"thing.note\","
         "\"to\":[\"role:boss\",\"bob\"]}]]}",
         "thing.note Note to 2 by inbox;", BELFRY_OK},
        {"{\"do\":[[\"emit\",{\"type\":\"thing.note\"}],[\"fail\",-4,\"no\"]]}", "no", BELFRY_ECONFLICT},
    };
    struct bench *b = bench_open(RULES, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"put\",\"k\",\"1\"]]]"), BELFRY_OK);
    struct store_readers *readers = store_readers_new(b->store, &b->loop, 1);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct dry dry = {.b = b, .text = table[i].text};
        assert_int_equal(store_read(readers, dry_read, on_dry_done, &dry, 0), BELFRY_OK);
        bench_until(b, &dry.wait);
        assert_int_equal(dry.status, table[i].status);
        assert_string_equal(dry.told, table[i].told);
    }
    expect_rows(b, "SELECT key, value FROM state", "k 1");
    expect_rows(b, "SELECT count(*) FROM event UNION ALL SELECT count(*) FROM dedupe", "0\n1");
    store_readers_free(readers);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_stopping_answers_what_was_taken),
        cmocka_unit_test(test_full_disk_and_recovery),
        cmocka_unit_test(test_one_bad_command_does_not_take_others_with_it),
        cmocka_unit_test(test_reload_between_triggers),
        cmocka_unit_test(test_people_of_the_api_are_members_too),
        cmocka_unit_test(test_dry_run_writes_nothing),
    };
    return cmocka_run_group_tests_name("ledger_door", tests, NULL, NULL);
}
