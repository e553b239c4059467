/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of an inbox through the ledger: what each mark means, slices, what a filter leaves alone, undo. */
#include "base/mem.h"
#include "base/str.h"
#include "ledger/inbox.h"
#include "store/events.h"
#include "store/people.h"
#include "store/sql.h"

#include <belfry/host.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define START INT64_C(1700000000000)
#define MANY 2500

struct fixture {
    char dir[64];
    uv_loop_t loop;
    uv_timer_t deadline;
    struct clock_src *clock;
    struct store *store;
    struct ledger *ledger;
    struct store_conn *look; /* a reader */
    struct id_gen ids;
    int64_t ann, bob;
    int64_t rows[MANY]; /* ann's */
    int64_t bobs;
    int news; /* how often ann's revision was told */
    int64_t rev;
};

static void on_news(void *arg, const struct ledger_news *news)
{
    struct fixture *f = arg;
    for (size_t i = 0; i < news->people_count; i++) {
        if (!str_eqz(news->people[i].username, "ann"))
            continue;
        f->news++;
        f->rev = news->people[i].rev;
    }
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("nothing was answered in 30 s");
}

static int64_t put(struct fixture *f, int64_t person, const char *category, const char *title)
{
    struct store_conn *conn = store_writer(f->store);
    struct store_event event = {
        .id = id_next(&f->ids, START),
        .org = store_name(conn, STR("acme")),
        .source = store_name(conn, STR("crm")),
        .type = store_name(conn, STR("record.assigned")),
        .category = store_name(conn, str_of(category)),
        .time = START,
        .subject = STR("record/deal/7"),
        .title = str_of(title),
        .data = STR("{}"),
        .audience = STR("[]"),
        .rules = STR("[]"),
    };
    store_event_add(conn, &event);
    struct store_notification row = {.id = id_next(&f->ids, START),
                                     .person = person,
                                     .event = event.id,
                                     .category = event.category,
                                     .rev = 1,
                                     .via = STORE_VIA_AUDIENCE};
    row.pos = row.id;
    store_notification_add(conn, &row);
    return row.id;
}

static void fill(struct fixture *f, size_t count)
{
    struct store_conn *conn = store_writer(f->store);
    struct error err = {0};
    assert_int_equal(store_begin(conn, &err), BELFRY_OK);
    int64_t org = store_name(conn, STR("acme"));
    f->ann = id_next(&f->ids, START);
    f->bob = id_next(&f->ids, START);
    store_person_add(conn, f->ann, org, STR("ann"));
    store_person_add(conn, f->bob, org, STR("bob"));
    store_person_set_rev(conn, f->ann, 1);
    for (size_t i = 0; i < count; i++)
        f->rows[i] = put(f, f->ann, i % 10 == 9 ? "sync" : "workflow", i % 2 ? "odd" : "even");
    f->bobs = put(f, f->bob, "workflow", "bob's");
    assert_int_equal(store_commit(conn, &err), BELFRY_OK);
}

static void start(struct fixture *f, size_t count)
{
    struct error err = {0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/belfry-marks-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->clock = clock_virtual_new(START);
    f->store = store_open(f->dir, NULL, f->clock, &err);
    if (!f->store)
        fail_msg("%s", error_text(&err));
    fill(f, count);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->deadline);
    uv_timer_start(&f->deadline, on_deadline, 30000, 0);
    struct ledger_settings settings = {
        .store = f->store, .clock = f->clock, .loop = &f->loop, .data_dir = f->dir, .arg = f, .news = on_news};
    f->ledger = ledger_new(&settings, &err);
    if (!f->ledger)
        fail_msg("%s", error_text(&err));
    f->look = conn_open(f->store, store_path(f->store), NULL, SQLITE_OPEN_READONLY, 2048, &err);
    assert_non_null(f->look);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    start(f, 10);
    *state = f;
    return 0;
}

static int setup_many(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    start(f, MANY);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {"belfry.db", "belfry.db-wal", "belfry.db-shm", "lock", "in-hand"};
    conn_close(f->look);
    ledger_free(f->ledger);
    uv_close((uv_handle_t *)&f->deadline, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    store_close(f->store);
    clock_free(f->clock);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
        unlink(path);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

static void on_done(struct ledger_inbox *change)
{
    *(int *)change->arg = 1;
}

static belfry_status run(struct fixture *f, struct ledger_inbox *change)
{
    int done = 0;
    change->done = on_done;
    change->arg = &done;
    if (!change->who.org.ptr)
        change->who = (struct store_inbox_who){.org = STR("acme"), .username = STR("ann"), .gated = change->who.gated};
    assert_int_equal(ledger_inbox_change(f->ledger, change), BELFRY_OK);
    while (!done)
        uv_run(&f->loop, UV_RUN_ONCE);
    return change->status;
}

static struct ledger_inbox single(const int64_t *id, uint32_t mark)
{
    return (struct ledger_inbox){.kind = LEDGER_INBOX_ONE, .mark = mark, .ids = id, .id_count = 1};
}

/* Letters of what is set: s(een) r(ead) h(idden). */
static const char *state_of(struct fixture *f, int64_t id)
{
    static char text[4];
    struct sql *s = sql_use(f->look, "SELECT seen IS NOT NULL, read IS NOT NULL, hidden IS NOT NULL FROM notification"
                                     " WHERE id = ?");
    sql_i64(s, id);
    assert_true(sql_row(s));
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        if (sql_get_i64(s, i))
            text[n++] = "srh"[i];
    text[n] = '\0';
    sql_end(s);
    return text;
}

static int64_t number(struct fixture *f, const char *query)
{
    return sql_one(sql_use(f->look, query), 0);
}

/* --- one row ---------------------------------------------------------------------------------- */

static void test_what_marks_mean(void **state)
{
    static const struct {
        uint32_t mark;
        const char *state;
        int changes;
        uint64_t unread;
    } steps[] = {
        {BELFRY_MARK_UNREAD, "", 0, 10},  {BELFRY_MARK_UNHIDE, "", 0, 10},  {BELFRY_MARK_SEEN, "s", 1, 10},
        {BELFRY_MARK_SEEN, "s", 0, 10},   {BELFRY_MARK_READ, "sr", 1, 9},   {BELFRY_MARK_READ, "sr", 0, 9},
        {BELFRY_MARK_UNREAD, "s", 1, 10}, {BELFRY_MARK_HIDE, "sh", 1, 9},   {BELFRY_MARK_READ, "srh", 1, 9},
        {BELFRY_MARK_HIDE, "srh", 0, 9},  {BELFRY_MARK_UNHIDE, "sr", 1, 9}, {BELFRY_MARK_UNREAD, "s", 1, 10},
    };
    struct fixture *f = *state;
    int64_t rev = 1;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct ledger_inbox change = single(&f->rows[3], steps[i].mark);
        int news = f->news;
        assert_int_equal(run(f, &change), BELFRY_OK);
        rev += steps[i].changes;
        assert_string_equal(state_of(f, f->rows[3]), steps[i].state);
        assert_int_equal(change.rev, rev);
        assert_int_equal(change.unread, steps[i].unread);
        assert_int_equal(change.op, 0);
        assert_int_equal(f->news - news, steps[i].changes);
    }
    assert_int_equal(number(f, "SELECT rev FROM person WHERE username = 'ann'"), rev);
    assert_int_equal(number(f, "SELECT count(*) FROM op"), 0);
}

static void test_read_and_hide_set_seen_once(void **state)
{
    static const uint32_t marks[] = {BELFRY_MARK_READ, BELFRY_MARK_HIDE};
    static const char *const states[] = {"sr", "sh"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        struct ledger_inbox change = single(&f->rows[i], marks[i]);
        assert_int_equal(run(f, &change), BELFRY_OK);
        assert_string_equal(state_of(f, f->rows[i]), states[i]);
    }
    clock_advance(f->clock, 5000);
    struct ledger_inbox again = single(&f->rows[0], BELFRY_MARK_SEEN);
    assert_int_equal(run(f, &again), BELFRY_OK);
    assert_int_equal(number(f, "SELECT max(seen) FROM notification"), START);
}

static void test_rows_of_others(void **state)
{
    struct fixture *f = *state;
    struct belfry_str gate = STR("sync");
    int64_t unknown = START << 20;
    struct ledger_inbox changes[] = {single(&f->bobs, BELFRY_MARK_READ), single(&unknown, BELFRY_MARK_READ),
                                     single(&f->rows[9], BELFRY_MARK_READ), single(&f->rows[1], BELFRY_MARK_READ),
                                     single(&f->rows[1], BELFRY_MARK_READ)};
    changes[2].who.gated = (struct belfry_strs){&gate, 1};
    changes[3].who = (struct store_inbox_who){.org = STR("umbrella"), .username = STR("ann")};
    changes[4].who = (struct store_inbox_who){.org = STR("acme"), .username = STR("nobody")};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(run(f, &changes[i]), BELFRY_ENOTFOUND);
    assert_int_equal(f->news, 0);
    assert_int_equal(number(f, "SELECT count(*) FROM notification WHERE seen IS NOT NULL"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM person"), 2);
}

/* --- many rows -------------------------------------------------------------------------------- */

static void test_by_ids(void **state)
{
    struct fixture *f = *state;
    struct belfry_str gate = STR("sync");
    int64_t ids[] = {f->rows[0], f->bobs, 0, f->rows[9], f->rows[1], f->rows[0]};
    uint8_t missing[6] = {0};
    struct ledger_inbox change = {.kind = LEDGER_INBOX_IDS,
                                  .mark = BELFRY_MARK_HIDE,
                                  .who.gated = {&gate, 1},
                                  .ids = ids,
                                  .id_count = 6,
                                  .missing = missing};
    assert_int_equal(run(f, &change), BELFRY_OK);
    assert_int_equal(change.changed, 2);
    assert_int_equal(change.rev, 2);
    assert_int_equal(change.unread, 7);
    assert_true(change.op != 0);
    static const uint8_t expected[6] = {0, 1, 1, 1, 0, 0};
    assert_memory_equal(missing, expected, 6);
    assert_string_equal(state_of(f, f->rows[9]), "");
    struct ledger_inbox again = {
        .kind = LEDGER_INBOX_IDS, .mark = BELFRY_MARK_HIDE, .ids = ids, .id_count = 1, .missing = missing};
    assert_int_equal(run(f, &again), BELFRY_OK);
    assert_int_equal(again.changed, 0);
    assert_int_equal(again.op, 0);
    assert_int_equal(again.rev, 2);
}

static void test_filter_in_slices(void **state)
{
    struct fixture *f = *state;
    struct belfry_str gate = STR("sync");
    struct ledger_inbox change = {.kind = LEDGER_INBOX_FILTER, .mark = BELFRY_MARK_HIDE, .as_of_rev = -1};
    change.who.gated = (struct belfry_strs){&gate, 1};
    assert_int_equal(run(f, &change), BELFRY_OK);
    assert_int_equal(change.changed, MANY - MANY / 10);
    assert_int_equal(change.unread, 0);
    assert_int_equal(f->news, 3);
    assert_int_equal(change.rev, 4);
    assert_int_equal(change.rev, f->rev);
    assert_int_equal(number(f, "SELECT count(*) FROM notification WHERE hidden IS NOT NULL"), MANY - MANY / 10);
    assert_int_equal(number(f, "SELECT count(*) FROM op"), 1);
    struct ledger_inbox undo = {.kind = LEDGER_INBOX_UNDO, .undo = change.op};
    assert_int_equal(run(f, &undo), BELFRY_OK);
    assert_int_equal(undo.changed, MANY - MANY / 10);
    assert_int_equal(undo.unread, MANY);
    assert_int_equal(number(f, "SELECT count(*) FROM notification WHERE hidden IS NOT NULL OR seen IS NOT NULL"), 0);
}

static void test_filter_leaves_newer_alone(void **state)
{
    static const struct {
        int64_t as_of;
        const char *q;
        uint64_t changed;
    } rows[] = {{0, "", 0}, {1, "even", 4}, {1, "", 5}, {-1, "", 1}, {-1, "", 0}};
    struct fixture *f = *state;
    /* row 2 changes, so that it is new again; row 4 was only looked at */
    struct ledger_inbox touch[] = {single(&f->rows[2], BELFRY_MARK_READ), single(&f->rows[2], BELFRY_MARK_UNREAD),
                                   single(&f->rows[4], BELFRY_MARK_SEEN)};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(run(f, &touch[i]), BELFRY_OK);
    assert_int_equal(touch[2].rev, 4);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ledger_inbox change = {.kind = LEDGER_INBOX_FILTER,
                                      .mark = BELFRY_MARK_READ,
                                      .as_of_rev = rows[i].as_of,
                                      .filter.q = str_of(rows[i].q)};
        assert_int_equal(run(f, &change), BELFRY_OK);
        assert_int_equal(change.changed, rows[i].changed);
    }
}

static void test_seen_keeps_no_undo(void **state)
{
    struct fixture *f = *state;
    struct ledger_inbox change = {.kind = LEDGER_INBOX_FILTER, .mark = BELFRY_MARK_SEEN, .as_of_rev = -1, .no_undo = 1};
    assert_int_equal(run(f, &change), BELFRY_OK);
    assert_int_equal(change.changed, 10);
    assert_int_equal(change.op, 0);
    assert_int_equal(number(f, "SELECT count(*) FROM op_row"), 0);
}

/* --- undo ------------------------------------------------------------------------------------- */

static int64_t hide_all(struct fixture *f)
{
    struct ledger_inbox change = {.kind = LEDGER_INBOX_FILTER, .mark = BELFRY_MARK_HIDE, .as_of_rev = -1};
    assert_int_equal(run(f, &change), BELFRY_OK);
    assert_int_equal(change.changed, 10);
    return change.op;
}

static void test_undo_leaves_changed_rows_alone(void **state)
{
    struct fixture *f = *state;
    struct ledger_inbox before = single(&f->rows[0], BELFRY_MARK_READ);
    assert_int_equal(run(f, &before), BELFRY_OK);
    int64_t op = hide_all(f);
    struct ledger_inbox since = single(&f->rows[1], BELFRY_MARK_UNHIDE);
    assert_int_equal(run(f, &since), BELFRY_OK);
    struct ledger_inbox undo = {.kind = LEDGER_INBOX_UNDO, .undo = op};
    assert_int_equal(run(f, &undo), BELFRY_OK);
    assert_int_equal(undo.changed, 9);
    assert_string_equal(state_of(f, f->rows[0]), "sr");
    assert_string_equal(state_of(f, f->rows[1]), "s");
    assert_string_equal(state_of(f, f->rows[2]), "");
    int64_t rev = undo.rev;
    struct ledger_inbox again = {.kind = LEDGER_INBOX_UNDO, .undo = op};
    assert_int_equal(run(f, &again), BELFRY_OK);
    assert_int_equal(again.changed, 0);
    assert_int_equal(again.rev, rev);
}

static void test_undo_is_refused(void **state)
{
    struct fixture *f = *state;
    int64_t op = hide_all(f);
    struct ledger_inbox none = {.kind = LEDGER_INBOX_UNDO, .undo = op + 1};
    struct ledger_inbox zero = {.kind = LEDGER_INBOX_UNDO, .undo = 0};
    struct ledger_inbox foreign = {.kind = LEDGER_INBOX_UNDO, .undo = op};
    foreign.who = (struct store_inbox_who){.org = STR("acme"), .username = STR("bob")};
    assert_int_equal(run(f, &none), BELFRY_ENOTFOUND);
    assert_int_equal(run(f, &zero), BELFRY_ENOTFOUND);
    assert_int_equal(run(f, &foreign), BELFRY_ENOTFOUND);
    assert_string_equal(state_of(f, f->rows[0]), "sh");
    clock_advance(f->clock, LEDGER_UNDO_MS + 1);
    struct ledger_inbox late = {.kind = LEDGER_INBOX_UNDO, .undo = op};
    assert_int_equal(run(f, &late), BELFRY_ECLOSED);
    assert_string_equal(state_of(f, f->rows[0]), "sh");
}

static void test_undo_until_the_last_moment(void **state)
{
    struct fixture *f = *state;
    int64_t op = hide_all(f);
    clock_advance(f->clock, LEDGER_UNDO_MS - 1000);
    struct ledger_inbox undo = {.kind = LEDGER_INBOX_UNDO, .undo = op};
    assert_int_equal(run(f, &undo), BELFRY_OK);
    assert_int_equal(undo.changed, 10);
}

static void test_undo_asks_the_gate_again(void **state)
{
    struct fixture *f = *state;
    struct belfry_str gate = STR("sync");
    int64_t op = hide_all(f);
    struct ledger_inbox undo = {.kind = LEDGER_INBOX_UNDO, .undo = op, .who.gated = {&gate, 1}};
    assert_int_equal(run(f, &undo), BELFRY_OK);
    assert_int_equal(undo.changed, 9);
    assert_string_equal(state_of(f, f->rows[9]), "sh");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_marks_mean, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_and_hide_set_seen_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filter_in_slices, setup_many, teardown),
        cmocka_unit_test_setup_teardown(test_filter_leaves_newer_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seen_keeps_no_undo, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_leaves_changed_rows_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_until_the_last_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_asks_the_gate_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
