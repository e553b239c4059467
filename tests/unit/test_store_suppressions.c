/* SPDX-License-Identifier: Apache-2.0 */
/* Where no mail goes: whose spelling of an address, which category, which reason; mails that come back for now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/sql.h"
#include "store/suppressions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1700000000000)
#define DAY INT64_C(86400000)
enum { ACME = 1, OTHER = 2, APPROVAL = 11, SYNC = 12 };

struct box {
    char dir[64];
    struct clock_src *clock;
    struct arena *arena;
    struct store *store;
    struct store_conn *conn;
    int64_t last;
};

static int setup(void **state)
{
    struct box *box = xcalloc(1, sizeof(*box));
    struct error err = {0};
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    snprintf(box->dir, sizeof(box->dir), "/tmp/belfry-suppress-XXXXXX");
    assert_non_null(mkdtemp(box->dir));
    box->clock = clock_virtual_new(NOW);
    box->arena = arena_new(0);
    box->store = store_open(box->dir, NULL, box->clock, &err);
    assert_non_null(box->store);
    box->conn = store_writer(box->store);
    box->last = NOW << 20;
    assert_int_equal(store_begin(box->conn, NULL), BELFRY_OK);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    struct box *box = *state;
    char command[100];
    assert_int_equal(store_commit(box->conn, NULL), BELFRY_OK);
    store_close(box->store);
    snprintf(command, sizeof(command), "rm -rf %s", box->dir);
    assert_int_equal(system(command), 0);
    clock_free(box->clock);
    arena_free(box->arena);
    free(box);
    return 0;
}

static int add(struct box *box, int64_t org, const char *address, int64_t category, int reason)
{
    return store_suppression_add(box->conn, &(struct store_suppression){.id = box->last += 1 << 20,
                                                                        .org = org,
                                                                        .address = str_of(address),
                                                                        .category = category,
                                                                        .reason = reason,
                                                                        .detail = STR("550 5.1.1 no such user")});
}

/* The reason that holds mail back; 0: it goes. */
static int held(struct box *box, int64_t org, const char *address, int64_t category, int required)
{
    struct store_suppression row = {0};
    return store_suppressed(box->conn, org, str_of(address), category, required, box->arena, &row) ? row.reason : 0;
}

static void test_the_gate(void **state)
{
    struct box *box = *state;
    assert_int_equal(held(box, ACME, "Ann@Acme.Example", APPROVAL, 0), 0);
    assert_int_equal(add(box, ACME, "Ann@Acme.Example", 0, SUPPRESSION_bounced), 1);
    assert_int_equal(add(box, ACME, "pat@shop.example", APPROVAL, SUPPRESSION_unsubscribed), 1);
    assert_int_equal(add(box, ACME, "eve@shop.example", 0, SUPPRESSION_unsubscribed), 1);
    assert_int_equal(add(box, ACME, "kim@b\303\274cher.example", 0, SUPPRESSION_complained), 1);
    static const struct {
        int64_t org;
        const char *address;
        int64_t category;
        int required, held;
    } table[] = {
        {ACME, "ann@acme.example", APPROVAL, 0, SUPPRESSION_bounced},
        {ACME, "ANN@ACME.EXAMPLE", 0, 0, SUPPRESSION_bounced},
        {ACME, "ann@acme.example", APPROVAL, 1, SUPPRESSION_bounced}, /* it would come back all the same */
        {OTHER, "ann@acme.example", APPROVAL, 0, 0},
        {ACME, "ann@acme.example.org", APPROVAL, 0, 0},
        {ACME, "", APPROVAL, 0, 0},
        {ACME, "pat@shop.example", APPROVAL, 0, SUPPRESSION_unsubscribed},
        {ACME, "pat@shop.example", APPROVAL, 1, 0}, /* became required since */
        {ACME, "pat@shop.example", SYNC, 0, 0},
        {ACME, "eve@shop.example", SYNC, 0, SUPPRESSION_unsubscribed},
        {ACME, "eve@shop.example", SYNC, 1, 0},
        {ACME, "kim@xn--bcher-kva.example", SYNC, 0, SUPPRESSION_complained},
        {ACME, "kim@B\303\234CHER.example", SYNC, 1, SUPPRESSION_complained},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (held(box, table[i].org, table[i].address, table[i].category, table[i].required) != table[i].held)
            fail_msg("row %zu: %s", i, table[i].address);
}

static void test_the_heaviest_reason_is_told_and_the_first_time_stays(void **state)
{
    struct box *box = *state;
    struct store_suppression row;
    assert_int_equal(add(box, ACME, "pat@shop.example", 0, SUPPRESSION_unsubscribed), 1);
    assert_int_equal(add(box, ACME, "pat@shop.example", 0, SUPPRESSION_bounced), 1);
    assert_int_equal(add(box, ACME, "PAT@shop.example", 0, SUPPRESSION_bounced), 0);
    assert_int_equal(store_suppressed(box->conn, ACME, STR("pat@shop.example"), APPROVAL, 0, box->arena, &row), 1);
    assert_int_equal(row.reason, SUPPRESSION_bounced);
    assert_int_equal(row.id, (NOW + 2) << 20);
    assert_string_equal(suppression_text(&row, box->arena),
                        "mail to this address came back on 2023-11-14T22:13:20.002Z: 550 5.1.1 no such user");
}

static void test_what_is_removed(void **state)
{
    struct box *box = *state;
    add(box, ACME, "pat@shop.example", 0, SUPPRESSION_bounced);
    add(box, ACME, "pat@shop.example", 0, SUPPRESSION_unsubscribed);
    add(box, ACME, "pat@shop.example", SYNC, SUPPRESSION_unsubscribed);
    add(box, OTHER, "pat@shop.example", 0, SUPPRESSION_bounced);
    struct belfry_str pat = STR("Pat@Shop.example");
    assert_int_equal(store_suppression_del(box->conn, ACME, pat, SYNC, SUPPRESSION_unsubscribed), 1);
    assert_int_equal(store_suppression_del(box->conn, ACME, pat, SYNC, SUPPRESSION_unsubscribed), 0);
    assert_int_equal(store_suppression_del(box->conn, ACME, pat, 0, SUPPRESSION_bounced), 1);
    assert_int_equal(held(box, ACME, "pat@shop.example", SYNC, 0), SUPPRESSION_unsubscribed);
    assert_int_equal(store_suppression_del(box->conn, ACME, pat, -1, -1), 1);
    assert_int_equal(held(box, ACME, "pat@shop.example", SYNC, 0), 0);
    assert_int_equal(held(box, OTHER, "pat@shop.example", SYNC, 0), SUPPRESSION_bounced);
}

static int soft(struct box *box, const char *address, int64_t delivery, int64_t now)
{
    struct store_suppression row = {
        .id = box->last += 1 << 20, .org = ACME, .address = str_of(address), .delivery = delivery, .person = 7};
    return store_soft_bounce(box->conn, &row, now);
}

static int64_t softs(struct box *box)
{
    return sql_one(sql_use(box->conn, "SELECT count(*) FROM soft_bounce"), 0);
}

static void test_mails_that_come_back_for_now(void **state)
{
    struct box *box = *state;
    assert_int_equal(soft(box, "ann@acme.example", 101, NOW), 1);
    assert_int_equal(soft(box, "ann@acme.example", 101, NOW + 60000), 1); /* the same mail, tried again */
    assert_int_equal(soft(box, "Ann@acme.example", 102, NOW + DAY), 2);
    assert_int_equal(soft(box, "ann@acme.example", 0, NOW + DAY), 3); /* of no delivery in particular */
    assert_int_equal(soft(box, "ann@acme.example", 0, NOW + DAY), 4);
    assert_int_equal(soft(box, "bob@acme.example", 103, NOW + DAY), 1);
    assert_int_equal(soft(box, "ann@acme.example", 104, NOW + 14 * DAY), 4); /* the first one is 14 days old */
    assert_int_equal(soft(box, "ann@acme.example", 105, NOW + 15 * DAY - 1), 5);
    assert_int_equal(softs(box), 1); /* bob's: hers were counted, and count no more */
    assert_int_equal(soft(box, "ann@acme.example", 106, NOW + 30 * DAY), 1);
    assert_int_equal(softs(box), 1); /* nor is anybody else's kept for ever */
}

static void test_nothing_is_left_of_a_person(void **state)
{
    struct box *box = *state;
    struct store_suppression old = {.id = 5, .org = ACME, .address = STR("ann@old.example"), .person = 7, .reason = 1};
    store_suppression_add(box->conn, &old);
    add(box, ACME, "ann@acme.example", 0, SUPPRESSION_complained);
    add(box, ACME, "bob@acme.example", 0, SUPPRESSION_bounced);
    soft(box, "ann@older.example", 101, NOW);
    assert_int_equal(store_suppressions_of(box->conn, 7), 1);
    assert_int_equal(store_suppressions_erase(box->conn, ACME, 7, STR("ann@acme.example")), 2);
    assert_int_equal(store_suppressions_of(box->conn, 7), 0);
    assert_int_equal(softs(box), 0);
    assert_int_equal(store_suppressions_erase(box->conn, ACME, 0, (struct belfry_str){NULL, 0}), 0);
    assert_int_equal(held(box, ACME, "bob@acme.example", 0, 0), SUPPRESSION_bounced);
}

static void test_lists(void **state)
{
    struct box *box = *state;
    struct store_suppression *rows;
    for (int i = 0; i < 5; i++) {
        char address[32];
        snprintf(address, sizeof(address), "p%d@shop.example", i);
        add(box, ACME, address, 0, i % 2 ? SUPPRESSION_bounced : SUPPRESSION_unsubscribed);
    }
    add(box, OTHER, "p9@shop.example", 0, SUPPRESSION_bounced);
    struct store_suppression_query query = {.org = ACME, .before = INT64_MAX, .limit = 2};
    assert_int_equal(store_suppressions_list(box->conn, &query, box->arena, &rows), 2);
    assert_true(str_eqz(rows[0].address, "p4@shop.example") && str_eqz(rows[1].address, "p3@shop.example"));
    query.before = rows[1].id;
    query.reason = SUPPRESSION_bounced;
    query.limit = 10;
    assert_int_equal(store_suppressions_list(box->conn, &query, box->arena, &rows), 1);
    assert_true(str_eqz(rows[0].address, "p1@shop.example"));
    query = (struct store_suppression_query){
        .org = ACME, .before = INT64_MAX, .limit = 10, .address = STR("P2@shop.example")};
    assert_int_equal(store_suppressions_list(box->conn, &query, box->arena, &rows), 1);
    query.org = OTHER;
    assert_int_equal(store_suppressions_list(box->conn, &query, box->arena, &rows), 0);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(suppression_name(SUPPRESSION_complained), "complained");
    assert_null(suppression_name(0));
    assert_int_equal(suppression_parse(STR("unsubscribed")), SUPPRESSION_unsubscribed);
    assert_int_equal(suppression_parse(STR("Bounced")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_gate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_heaviest_reason_is_told_and_the_first_time_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mails_that_come_back_for_now, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_left_of_a_person, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("store_suppressions", tests, NULL, NULL);
}
