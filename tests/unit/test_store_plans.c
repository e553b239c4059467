/* SPDX-License-Identifier: Apache-2.0 */
/* How SQLite answers what the console asks: through indexes, whatever else the tables hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "event/outcome.h"
#include "store/audit.h"
#include "store/deliveries.h"
#include "store/queue.h"
#include "store/sql.h"
#include "store/store.h"
#include "store/story.h"
#include "store/suppressions.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box {
    char dir[64];
    struct clock_src *clock;
    struct arena *arena;
};

static int setup(void **state)
{
    struct box *box = xcalloc(1, sizeof(*box));
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    snprintf(box->dir, sizeof(box->dir), "/tmp/belfry-plans-XXXXXX");
    assert_non_null(mkdtemp(box->dir));
    box->clock = clock_virtual_new(INT64_C(1700000000000));
    box->arena = arena_new(0);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    struct box *box = *state;
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", box->dir);
    assert_int_equal(system(command), 0);
    clock_free(box->clock);
    arena_free(box->arena);
    free(box);
    return 0;
}

static struct store *open_store(struct box *box)
{
    struct error err = {0};
    struct store *store = store_open(box->dir, NULL, box->clock, &err);
    if (!store)
        fail_msg("%s", error_text(&err));
    return store;
}

/* How often `step` is in the plans of the statements that were used and contain `of`; none of them reads a whole table.
 */
static int planned(struct store_conn *conn, const char *of, const char *step)
{
    int found = 0;
    for (size_t i = 0; i < conn->size; i++) {
        const struct sql *used = conn->slots[i];
        sqlite3_stmt *stmt;
        if (!used || !strstr(used->text, of))
            continue;
        char *text = xasprintf("EXPLAIN QUERY PLAN %s", used->text);
        assert_int_equal(sqlite3_prepare_v2(conn->db, text, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *plan = (const char *)sqlite3_column_text(stmt, 3);
            assert_null(strstr(plan, "SCAN delivery"));
            assert_null(strstr(plan, "SCAN audit"));
            assert_null(strstr(plan, "SCAN target"));
            found += strstr(plan, step) != NULL;
        }
        sqlite3_finalize(stmt);
        free(text);
    }
    return found;
}

/* A hub has millions of deliveries and few dead letters: their list must not pass over the others. */
static void test_dead_letters_have_an_index(void **state)
{
    struct store *store = open_store(*state);
    struct store_conn *conn = store_writer(store);
    struct store_delivery_query query = {.before = INT64_MAX, .org = 1, .limit = 50, .state = OUTCOME_failed};
    struct store_delivery_view *rows;
    int64_t next;
    assert_int_equal(store_deliveries_list(conn, &query, ((struct box *)*state)->arena, &rows, &next), 0);
    assert_int_equal(planned(conn, "FROM delivery d", "INDEX delivery_dead (org=? AND id>? AND id<?)"), 1);
    query.state = OUTCOME_retrying;
    assert_int_equal(store_deliveries_list(conn, &query, ((struct box *)*state)->arena, &rows, &next), 0);
    assert_int_equal(planned(conn, "FROM delivery d", "INDEX delivery_retried (org=? AND id>? AND id<?)"), 1);
    store_close(store);
}

/* Where no index leads to what is wanted, a list passes over so many others and says where to go on, and a count says
 * that it stopped; both however many there are behind. */
static void test_a_filter_that_lets_nothing_through_reads_no_table_of_millions(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    struct store_delivery_query query = {.before = INT64_MAX, .org = 1, .limit = 50, .state = OUTCOME_cancelled};
    struct store_delivery_view *rows;
    int64_t next;
    int more;
    char *fill = xasprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                           " INSERT INTO delivery(id, event, org, channel, rule, state, open, due)"
                           " SELECT i, 1, 1, 1, 1, CASE i WHEN 7 THEN %d ELSE %d END, 0, 0 FROM n",
                           STORE_LOOKED_AT + 10, OUTCOME_cancelled, OUTCOME_delivered);
    assert_int_equal(sqlite3_exec(conn->db, fill, NULL, NULL, NULL), SQLITE_OK);
    free(fill);
    assert_int_equal(store_deliveries_list(conn, &query, box->arena, &rows, &next), 0);
    assert_int_equal(next, 11);
    assert_int_equal(store_deliveries_count(conn, &query, STORE_LOOKED_AT, &more), 0);
    assert_true(more);
    query.before = next;
    assert_int_equal(store_deliveries_list(conn, &query, box->arena, &rows, &next), 1);
    assert_int_equal(next, 0);
    assert_int_equal(store_deliveries_count(conn, &query, STORE_LOOKED_AT, &more), 1);
    assert_false(more);
    query = (struct store_delivery_query){.before = INT64_MAX, .org = 1, .state = -1};
    assert_int_equal(store_deliveries_count(conn, &query, -1, &more), STORE_LOOKED_AT + 10);
    assert_false(more);
    assert_int_equal(store_deliveries_count(conn, &query, STORE_LOOKED_AT, &more), STORE_LOOKED_AT);
    assert_true(more);
    store_close(store);
}

/* A claim asks whether another rule sent the same to the same target; the event may have gone to ten thousand. */
static void test_a_twin_is_found_by_its_target(void **state)
{
    struct store *store = open_store(*state);
    struct store_conn *conn = store_writer(store);
    struct store_delivery d = {.id = 1, .event = 7, .org = 1, .channel = 2, .target = 3, .state = OUTCOME_delivered};
    store_begin(conn, NULL);
    store_delivery_add(conn, &d);
    d.id = 2;
    assert_int_equal(store_delivery_has_twin(conn, &d), 1);
    d.target = 4;
    assert_int_equal(store_delivery_has_twin(conn, &d), 0);
    store_commit(conn, NULL);
    assert_int_equal(
        planned(conn, "SELECT 1 FROM delivery WHERE event", "INDEX delivery_event (event=? AND person=? AND target=?)"),
        1);
    store_close(store);
}

/* The first page of the console is looked at every ten seconds. */
static void test_the_overview_reads_indexes_only(void **state)
{
    struct store *store = open_store(*state);
    struct store_conn *conn = store_writer(store);
    struct store_depth depth;
    store_begin(conn, NULL);
    struct store_target target = {
        .id = 7, .org = 1, .channel = 2, .name = STR("crm"), .url = STR("http://x"), .enabled = 1};
    store_target_add(conn, &target);
    store_depth(conn, 1, 2, &depth);
    store_dead(conn, 1);
    store_commit(conn, NULL);
    assert_int_equal(planned(conn, "delivery_due WHERE", "INDEX delivery_due (channel=?)"), 1);
    assert_int_equal(planned(conn, "delivery_target WHERE", "INDEX delivery_target (target=?)"), 1);
    assert_int_equal(planned(conn, "delivery_held WHERE", "INDEX delivery_held (target=?)"), 1);
    assert_int_equal(planned(conn, "delivery_dead WHERE", "INDEX delivery_dead (org=?)"), 1);
    assert_int_equal(planned(conn, "FROM target", "(channel=? AND org=?)"), 1);
    store_close(store);
}

/* Of a quiet org the audit is found without passing over what others did. */
static void test_the_audit_of_an_org_has_an_index(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    store_begin(conn, NULL);
    for (int64_t id = 1; id <= 9; id++)
        store_audit_add(conn, &(struct store_audit){.id = id, .org = id % 3, .who = STR("operator"), .what = STR("x")});
    struct store_audit_query query = {.org = 1, .before = INT64_MAX, .limit = 2};
    struct store_audit *rows;
    assert_int_equal(store_audit_list(conn, &query, box->arena, &rows), 2);
    assert_true(rows[0].id == 7 && rows[1].id == 4);
    query = (struct store_audit_query){.org = -1, .before = 9, .from = 7, .limit = 5};
    assert_int_equal(store_audit_list(conn, &query, box->arena, &rows), 2);
    assert_true(rows[0].id == 8 && rows[1].id == 7);
    store_commit(conn, NULL);
    assert_int_equal(planned(conn, "FROM audit", "INDEX audit_org (org=? AND id>? AND id<?)"), 1);
    store_close(store);
}

/* Asked for each mail, and for each person whose address changes. */
static void test_suppressed_addresses_have_an_index(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    struct store_suppression_query query = {.org = 1, .before = INT64_MAX, .limit = 10};
    struct store_suppression *rows;
    assert_int_equal(store_suppressed(conn, 1, STR("ann@acme.example"), 2, 0, box->arena, NULL), 0);
    assert_int_equal(planned(conn, "FROM suppression ", "(org=? AND address=? AND reason<?)"), 1);
    assert_int_equal(store_suppressions_list(conn, &query, box->arena, &rows), 0);
    assert_int_equal(planned(conn, "FROM suppression ", "INDEX suppression_list (org=? AND id<?)"), 1);
    assert_int_equal(store_suppressions_of(conn, 7), 0);
    assert_int_equal(planned(conn, "FROM suppression ", "INDEX suppression_person (person=?)"), 1);
    assert_int_equal(planned(conn, "FROM suppression ", "TEMP B-TREE"), 0);
    assert_int_equal(planned(conn, "FROM suppression ", "SCAN"), 0);
    store_close(store);
}

/* A claim, and what it costs to know when the next is due, are the same with a million rows that wait as with none.
 * What a person's digest gathers, and a bundle, are ranges of indexes as well. */
static void test_claims_have_indexes(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    struct store_delivery row = {.id = 1, .person = 1, .channel = 1, .category = 1, .attempts = 1, .bundle = 1};
    struct store_delivery *rows;
    struct store_tries tries;
    int64_t *ids;
    store_deliveries_due(conn, 1, 0, 5, 10, box->arena, &rows);
    store_deliveries_next(conn, 1, 0);
    assert_int_equal(planned(conn, "due <= ? ORDER BY due, id LIMIT", "INDEX delivery_due (channel=? AND due<?)"), 1);
    assert_int_equal(
        planned(conn, "SELECT min(due) FROM delivery INDEXED BY delivery_due", "INDEX delivery_due (channel=?)"), 1);
    store_deliveries_digest(conn, &row, 5, box->arena, &ids);
    assert_int_equal(planned(conn, "state = 3 AND due <= ?",
                             "INDEX delivery_digest (person=? AND channel=? AND category=? AND due<?)"),
                     1);
    store_deliveries_held(conn, &row, 5, box->arena, &ids);
    assert_int_equal(planned(conn, "state = 1 AND person IS NOT NULL AND due <= ?", "INDEX delivery_quiet (person=?)"),
                     1);
    store_deliveries_bundle(conn, 1, box->arena, &ids);
    store_bundle_wait(conn, 1, 1, OUTCOME_retrying, 1, 1, STR(""));
    store_bundle_end(conn, 1, 1, OUTCOME_failed, 1, 1, STR(""));
    store_bundle_disband(conn, 1, 1, 1, STR(""));
    store_bundle_again(conn, 1, 1, STR(""));
    assert_int_equal(planned(conn, "INDEXED BY delivery_bundle", "INDEX delivery_bundle (bundle=?)"), 5);
    store_deliveries_rewindow(conn, 1, 1, 1, 2);
    assert_int_equal(planned(conn, "SET due = ? WHERE person = ? AND channel = ?", "INDEX delivery_digest (person=?"),
                     1);
    store_deliveries_wake_digests(conn, 1, 1);
    assert_int_equal(planned(conn, "kind <> 0 AND due > ?", "INDEX delivery_digest (person=?)"), 1);
    store_delivery_tries(conn, &row, &tries);
    assert_int_equal(planned(conn, "sum(outcome = ?) FROM attempt", "INDEX attempt_delivery (delivery=?)"), 1);
    store_deliveries_interrupted(conn, 1, box->arena, &rows);
    assert_int_equal(planned(conn, "ORDER BY coalesce(bundle, id)", "INDEX delivery_lease"), 1);
    store_close(store);
}

/* What was tried of a delivery is kept under the one that it went out with. */
static void test_attempts_of_a_bundle_have_an_index(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    struct store_attempt_record *records;
    struct store_attempt_view *views;
    store_attempts_of_delivery(conn, 1, 10, box->arena, &records);
    store_attempts_of(conn, 1, STR(""), 10, box->arena, &views);
    assert_int_equal(planned(conn, "a.delivery IN", "INDEX attempt_delivery (delivery=?)"), 2);
    store_close(store);
}

/* What waits is found by its target, however many targets were removed over the years, and however much has ended. */
static void test_targets_that_something_waits_for_have_an_index(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    int64_t *ids;
    assert_int_equal(store_deliveries_targets(conn, 0, 10, box->arena, &ids), 0);
    assert_int_equal(
        sqlite3_exec(conn->db,
                     "INSERT INTO target(id, org, channel, name, url, removed)"
                     " VALUES (1, 1, 1, 'a', 'u', 5), (2, 1, 1, 'b', 'u', 5), (3, 1, 1, 'c', 'u', NULL);"
                     " INSERT INTO delivery(id, event, org, channel, rule, target, state, open, due, lease)"
                     " VALUES (1, 1, 1, 1, 1, 1, 0, 0, 0, NULL), (2, 1, 1, 1, 1, 2, 0, 1, 0, NULL),"
                     " (3, 2, 1, 1, 1, 2, 0, 1, 0, NULL), (4, 1, 1, 1, 1, 3, 0, 2, 0, NULL),"
                     " (5, 1, 1, 1, 1, 4, 0, 1, 0, 9), (6, 1, 1, 1, 1, NULL, 0, 1, 0, NULL),"
                     " (7, 1, 1, 1, 1, 2, 0, 2, 0, NULL), (8, 1, 1, 1, 1, 5, 0, 1, 0, NULL)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(store_deliveries_targets(conn, 0, 10, box->arena, &ids), 3);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], 3);
    assert_int_equal(ids[2], 5);
    assert_int_equal(store_deliveries_targets(conn, 0, 2, box->arena, &ids), 2);
    assert_int_equal(ids[1], 3);
    assert_int_equal(store_deliveries_targets(conn, 3, 2, box->arena, &ids), 1);
    assert_int_equal(ids[0], 5);
    assert_int_equal(store_deliveries_targets(conn, 5, 2, box->arena, &ids), 0);
    assert_int_equal(planned(conn, "SELECT min(target)", "INDEX delivery_target (target>?)"), 1);
    assert_int_equal(planned(conn, "SELECT min(target)", "INDEX delivery_held (target>?)"), 1);
    store_close(store);
}

/* Targets that a renamed channel has twice, and whether something waits or is held for those that go. */
static void test_twins_have_an_index(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    struct store_twin *twins;
    assert_int_equal(
        sqlite3_exec(conn->db,
                     "INSERT INTO target(id, org, channel, name, url, enabled)"
                     " VALUES (1, 1, 1, 'a', 'u', 0), (2, 1, 1, 'b', 'u', 1), (3, 1, 1, 'c', 'u', 1),"
                     " (7, 1, 2, 'b', 'u', 1), (8, 1, 2, 'a', 'u', 1), (9, 2, 2, 'c', 'u', 1);"
                     " INSERT INTO delivery(id, event, org, channel, rule, target, state, open, due, lease)"
                     " VALUES (1, 1, 1, 2, 1, 7, 2, 2, 0, NULL), (2, 1, 1, 2, 1, 7, 0, 1, 0, 9),"
                     " (3, 1, 1, 2, 1, 8, 0, 1, 0, NULL), (4, 1, 1, 1, 1, 1, 2, 2, 0, NULL)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(store_targets_twins(conn, 1, 2, box->arena, &twins), 2);
    const struct store_twin expected[] = {{.org = 1, .goes = 7, .stays = 2, .enabled = 1, .held = 1},
                                          {.org = 1, .goes = 8, .stays = 1, .waits = 1}};
    assert_memory_equal(twins, expected, sizeof(expected));
    assert_int_equal(store_targets_twins(conn, 2, 3, box->arena, &twins), 0);
    assert_int_equal(planned(conn, "JOIN target new", "(channel=? AND org=? AND name=?)"), 1);
    assert_int_equal(planned(conn, "JOIN target new", "INDEX delivery_held (target=?)"), 1);
    assert_int_equal(planned(conn, "JOIN target new", "INDEX delivery_target (target=?)"), 1);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dead_letters_have_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_filter_that_lets_nothing_through_reads_no_table_of_millions, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_overview_reads_indexes_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_audit_of_an_org_has_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_suppressed_addresses_have_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claims_have_indexes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attempts_of_a_bundle_have_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_targets_that_something_waits_for_have_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_twins_have_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_twin_is_found_by_its_target, setup, teardown),
    };
    return cmocka_run_group_tests_name("store plans", tests, NULL, NULL);
}
