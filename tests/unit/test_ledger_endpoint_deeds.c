/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody does with deliveries to an endpoint: one again, all that it has missed, one that was never there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lane_fixture.h"

#include "ledger/endpoints.h"

static const struct ledger_deed deed = {.org = STR("acme"), .who = STR("token:crm-app"), .reason = STR("asked")};
static const struct ledger_deed stranger = {.org = STR("other"), .who = STR("token:other")};

struct answer {
    int done;
    belfry_status status;
    char why[200];
    int64_t a, b;
};

static void said(struct answer *answer, belfry_status status, const char *why, int64_t a, int64_t b)
{
    assert_false(answer->done);
    *answer = (struct answer){.done = 1, .status = status, .a = a, .b = b};
    snprintf(answer->why, sizeof(answer->why), "%s", why ? why : "");
}

static void on_resent(void *arg, belfry_status status, const char *why, int64_t delivery)
{
    said(arg, status, why, delivery, 0);
}

static void on_recovered(void *arg, belfry_status status, int64_t count, int64_t since_ms)
{
    said(arg, status, NULL, count, since_ms);
}

static void on_tested(void *arg, belfry_status status, const char *why, int64_t event, int64_t delivery)
{
    said(arg, status, why, event, delivery);
}

static void await(struct lanes *l, struct answer *answer)
{
    while (!answer->done)
        uv_run(&l->b->loop, UV_RUN_ONCE);
}

static int64_t attempt_of(struct lanes *l, const char *title)
{
    char sql[200];
    snprintf(sql, sizeof(sql),
             "SELECT a.id FROM attempt a JOIN delivery d ON d.id = a.delivery JOIN event e ON e.id = d.event"
             " WHERE e.title = '%s' ORDER BY a.id LIMIT 1",
             title);
    return atoll(rows(l->b, sql));
}

static belfry_status resend(struct lanes *l, const struct ledger_deed *who, int64_t attempt, char why[200])
{
    struct answer answer = {0};
    ledger_endpoint_resend(l->b->ledger, who, l->target.id, attempt, on_resent, &answer);
    await(l, &answer);
    if (why)
        memcpy(why, answer.why, 200);
    return answer.status;
}

static belfry_status recover(struct lanes *l, int64_t since, int64_t until, int64_t *count, int64_t *from)
{
    struct answer answer = {0};
    ledger_endpoint_recover(l->b->ledger, &deed, l->target.id, since, until, on_recovered, &answer);
    await(l, &answer);
    *count = answer.a;
    if (from)
        *from = answer.b;
    return answer.status;
}

static struct answer test(struct lanes *l, const struct ledger_deed *who, const char *type)
{
    struct answer answer = {0};
    ledger_endpoint_test(l->b->ledger, who, l->target.id, str_of(type), STR("{\"amount\":1}"), on_tested, &answer);
    await(l, &answer);
    return answer;
}

static size_t claim_test(struct lanes *l, int64_t delivery)
{
    struct claimed c = {.claim = {.channel = "hooks",
                                  .target = l->target.id,
                                  .test = delivery,
                                  .max = 1,
                                  .arena = arena_new(0),
                                  .done = on_claim}};
    c.claim.arg = &c;
    ledger_claim(l->b->ledger, &c.claim);
    bench_until(l->b, &c.wait);
    arena_free(c.claim.arena);
    return c.claim.count;
}

static void ends(struct lanes *l, const char *title, enum outcome state, uint32_t result)
{
    assert_string_equal(lanes_claim(l, 1, NULL), title);
    outcome(l->b, lanes_row(l, title), state, 0, result);
}

/* --- resend ------------------------------------------------------------------------------------------------------- */

static void test_what_arrived_goes_out_once_more(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, "[{\"name\":\"h\",\"deliver\":[{\"via\":\"hooks\",\"unless\":[\"handled\"]}]}]",
               BELFRY_ORDER_BEST_EFFORT);
    lanes_emit(&l, "a", NULL);
    ends(&l, "a", OUTCOME_delivered, BELFRY_DELIVERED);
    rows(l.b, "UPDATE notification SET handled_by = 'ann'"); /* somebody wants it all the same */
    assert_int_equal(resend(&l, &deed, attempt_of(&l, "a"), NULL), BELFRY_OK);
    expect_rows(l.b, "SELECT state, open, attempts, ended, detail FROM delivery", "0 1 0 - sent again by hand");
    ends(&l, "a", OUTCOME_delivered, BELFRY_DELIVERED);
    expect_rows(l.b, "SELECT count(DISTINCT delivery), count(*), count(DISTINCT number) FROM attempt", "1 2 1");
    expect_rows(l.b, "SELECT what, who, detail ->> '$.name', detail ->> '$.was', detail ->> '$.reason' FROM audit",
                "endpoint.resend token:crm-app one delivered asked");
    bench_free(l.b);
}

static void test_what_cannot_be_sent_again(void **state)
{
    (void)state;
    struct lanes l;
    char why[200];
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    lanes_emit(&l, "a", "a");
    assert_int_equal(resend(&l, &deed, 12345, NULL), BELFRY_ENOTFOUND);
    assert_string_equal(lanes_claim(&l, 1, NULL), "a");
    outcome(l.b, lanes_row(&l, "a"), OUTCOME_retrying, START + MINUTE, BELFRY_RETRY);
    int64_t attempt = attempt_of(&l, "a");
    assert_int_equal(resend(&l, &stranger, attempt, NULL), BELFRY_ENOTFOUND);
    assert_int_equal(resend(&l, &deed, attempt, why), BELFRY_ECONFLICT);
    assert_string_equal(why, "it waits already");
    advance(l.b, MINUTE);
    assert_string_equal(lanes_claim(&l, 1, NULL), "a");
    assert_int_equal(resend(&l, &deed, attempt, why), BELFRY_ECONFLICT);
    assert_string_equal(why, "it is under way");
    outcome(l.b, lanes_row(&l, "a"), OUTCOME_failed, 0, BELFRY_RETRY);
    lanes_enable(&l, 0);
    assert_int_equal(resend(&l, &deed, attempt, why), BELFRY_ECONFLICT);
    assert_string_equal(why, "the endpoint is disabled; enable it first");
    lanes_enable(&l, 1);
    send_now(l.b, "[[\"w\",[\"withdraw\",\"a\",{}]]]");
    assert_int_equal(resend(&l, &deed, attempt, why), BELFRY_ECONFLICT);
    assert_string_equal(why, "its event is no longer valid");
    l.target.id++; /* another endpoint's */
    assert_int_equal(resend(&l, &deed, attempt, NULL), BELFRY_ENOTFOUND);
    expect_rows(l.b, "SELECT count(*) FROM audit", "0");
    bench_free(l.b);
}

static void test_sent_again_it_takes_its_place_in_the_lane(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    ends(&l, "a1", OUTCOME_delivered, BELFRY_DELIVERED);
    assert_int_equal(resend(&l, &deed, attempt_of(&l, "a1"), NULL), BELFRY_OK);
    assert_string_equal(lanes_claim(&l, 5, NULL), "a1");
    lanes_delivered(&l, "a1");
    assert_string_equal(lanes_claim(&l, 5, NULL), "a2");
    bench_free(l.b);
}

/* --- recover ------------------------------------------------------------------------------------------------------ */

static void test_what_did_not_arrive_goes_out_again(void **state)
{
    (void)state;
    struct lanes l;
    int64_t count, since;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    static const struct {
        const char *title;
        enum outcome state;
        uint32_t result;
    } table[] = {{"before", OUTCOME_failed, BELFRY_RETRY},         {"failed", OUTCOME_failed, BELFRY_RETRY},
                 {"arrived", OUTCOME_delivered, BELFRY_DELIVERED}, {"unknown", OUTCOME_unknown, BELFRY_UNKNOWN},
                 {"removed", OUTCOME_channel_removed, 0},          {"cancelled", OUTCOME_cancelled, 0},
                 {"after", OUTCOME_failed, BELFRY_RETRY}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        lanes_emit(&l, table[i].title, "s");
        ends(&l, table[i].title, table[i].state, table[i].result);
        clock_advance(l.b->clock, 1000);
    }
    lanes_emit(&l, "waits", "s");
    clock_advance(l.b->clock, 1000);
    assert_int_equal(recover(&l, START + 1000, START + 6000, &count, &since), BELFRY_OK);
    assert_int_equal(count, 3);
    assert_int_equal(since, START + 1000);
    assert_string_equal(lanes_claim(&l, 9, NULL), "failed unknown removed waits"); /* oldest first */
    assert_int_equal(recover(&l, START + 1000, START + 6000, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 0);
    expect_rows(l.b, "SELECT count(*), count(DISTINCT event) FROM delivery", "8 8");
    expect_rows(l.b, "SELECT DISTINCT what, detail ->> '$.since', detail ->> '$.until' FROM audit",
                "endpoint.recover 2023-11-14T22:13:21.000Z 2023-11-14T22:13:26.000Z");
    bench_free(l.b);
}

#define TYPED_RULES                                                                                                    \
    "[{\"name\":\"h\",\"when\":{\"type\":\"free.note\"},\"deliver\":[\"hooks\"]},"                                     \
    "{\"name\":\"n\",\"when\":{},\"deliver\":[\"inbox\"]}]"

/* The endpoint was made later: what happened before is matched as if it had been there. */
static void test_what_was_never_for_it_is_matched_again(void **state)
{
    (void)state;
    struct lanes l = {.b = bench_open(TYPED_RULES, LANE_PEOPLE)};
    int64_t count, since;
    lanes_emit(&l, "a", "a");
    send_now(l.b, "[[\"b\",[\"emit\",{\"type\":\"free.other\",\"subject\":\"b\",\"title\":\"b\",\"to\":[\"ann\"]}]]]");
    send_now(l.b, "[[\"c\",[\"emit\",{\"type\":\"free.note\",\"category\":\"SECRET\",\"subject\":\"c\",\"title\":\"c\","
                  "\"to\":[\"ann\"]}]]]");
    lanes_emit(&l, "d", "d");
    lanes_emit(&l, "e", "e");
    send_now(l.b, "[[\"w\",[\"withdraw\",\"d\",{}]]]");
    clock_advance(l.b->clock, 1000);
    lanes_declare(&l, BELFRY_ORDER_FIFO);
    assert_int_equal(recover(&l, 0, 0, &count, &since), BELFRY_OK);
    assert_int_equal(count, 2);
    assert_int_equal(since, START); /* nothing older is kept */
    expect_rows(l.b, "SELECT e.title FROM payload p JOIN event e ON e.id = p.event ORDER BY p.event", "a\ne");
    assert_string_equal(lanes_claim(&l, 9, NULL), "a e");
    assert_int_equal(recover(&l, 0, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 0);
    lanes_delivered(&l, "a");
    assert_int_equal(recover(&l, 0, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 0);
    bench_free(l.b);
}

/* The bytes are those that the others got at the time. */
static void test_the_payload_of_one_that_is_matched_again(void **state)
{
    (void)state;
    struct lanes l;
    int64_t count;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    lanes_emit(&l, "a", "a");
    char before[2000];
    snprintf(before, sizeof(before), "%s", rows(l.b, "SELECT body FROM payload"));
    assert_non_null(strstr(before, "\"title\":\"a\""));
    rows(l.b, "DELETE FROM delivery");
    rows(l.b, "DELETE FROM payload");
    assert_int_equal(recover(&l, START, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 1);
    assert_string_equal(rows(l.b, "SELECT body FROM payload"), before);
    bench_free(l.b);
}

static void test_recovered_while_it_is_disabled(void **state)
{
    (void)state;
    struct lanes l;
    int64_t count;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    ends(&l, "a1", OUTCOME_failed, BELFRY_RETRY);
    lanes_emit(&l, "a2", "a");
    lanes_enable(&l, 0);
    assert_int_equal(recover(&l, 0, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 1);
    settle(l.b);
    expect_rows(l.b, "SELECT state, open FROM delivery ORDER BY id", "2 2\n2 2");
    lanes_enable(&l, 1);
    settle(l.b);
    assert_string_equal(lanes_claim(&l, 9, NULL), "a1");
    lanes_delivered(&l, "a1");
    assert_string_equal(lanes_claim(&l, 9, NULL), "a2");
    bench_free(l.b);
}

static void test_recovery_goes_on_after_a_restart(void **state)
{
    (void)state;
    struct lanes l;
    enum { MANY = 1200 };
    l.b = bench_open(LANE_RULES, LANE_PEOPLE);
    for (int i = 0; i < MANY; i++) {
        char title[20];
        snprintf(title, sizeof(title), "e%d", i);
        lanes_emit(&l, title, title);
    }
    lanes_declare(&l, BELFRY_ORDER_BEST_EFFORT);
    struct answer answer = {0};
    ledger_endpoint_recover(l.b->ledger, &deed, l.target.id, START, 0, on_recovered, &answer);
    while (atoi(rows(l.b, "SELECT count(*) FROM job WHERE kind = 7 AND done > 0")) == 0 && !answer.done)
        uv_run(&l.b->loop, UV_RUN_NOWAIT);
    lanes_restart(&l);
    assert_true(answer.done);
    settle(l.b);
    expect_rows(l.b, "SELECT count(*), count(DISTINCT event) FROM delivery", "1200 1200");
    expect_rows(l.b, "SELECT state, done FROM job WHERE kind = 7", "2 1200");
    bench_free(l.b);
}

/* Each walks over all that happened: who asks a hundred times at once must not make a hundred walks of it. */
static void test_one_recovery_at_a_time(void **state)
{
    (void)state;
    struct lanes l;
    int64_t count;
    l.b = bench_open(LANE_RULES, LANE_PEOPLE);
    lanes_emit(&l, "e", "e");
    lanes_declare(&l, BELFRY_ORDER_BEST_EFFORT);
    assert_int_equal(recover(&l, START, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 1);
    rows(l.b, "UPDATE job SET state = 1, done = 700 WHERE kind = 7"); /* as if it were still at it */
    rows(l.b, "UPDATE job SET cursor = (SELECT max(id) FROM event) WHERE kind = 7");
    int64_t until, now = clock_now_ms(l.b->clock);
    advance(l.b, 5000);
    assert_int_equal(recover(&l, START, 0, &count, &until), BELFRY_ECONFLICT);
    assert_int_equal(count, 700); /* how far that one has come */
    assert_int_equal(until, now);
    rows(l.b, "UPDATE job SET cursor = '', payload = json_object('from', (SELECT max(id) FROM event))"
              " WHERE kind = 7"); /* not at all */
    assert_int_equal(recover(&l, START, 0, &count, &until), BELFRY_ECONFLICT);
    assert_int_equal(until, now);
    expect_rows(l.b, "SELECT count(*) FROM job WHERE kind = 7", "1");
    expect_rows(l.b, "SELECT count(*) FROM audit WHERE what = 'endpoint.recover'", "1");
    rows(l.b, "UPDATE job SET state = 2 WHERE kind = 7");
    assert_int_equal(recover(&l, START, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 0);
    bench_free(l.b);
}

/* A recovery may take minutes: what is held, let go or fanned out meanwhile has its turns between the slices of it.
 * Both jobs are found at once here; the younger holds what the older has made by then, which is not all. */
static void test_a_recovery_lets_others_pass(void **state)
{
    (void)state;
    struct lanes l;
    enum { MANY = 1200 };
    l.b = bench_open(LANE_RULES, LANE_PEOPLE);
    for (int i = 0; i < MANY; i++) {
        char title[20];
        snprintf(title, sizeof(title), "e%d", i);
        lanes_emit(&l, title, title);
    }
    lanes_declare(&l, BELFRY_ORDER_BEST_EFFORT);
    rows(l.b, "INSERT INTO job(id, kind, org, ref, payload, state) SELECT max(e.id) + 1, 7, t.org, t.id,"
              " json_object('from', 0, 'before', max(e.id) + 1), 0 FROM event e JOIN target t GROUP BY t.id");
    rows(l.b,
         "INSERT INTO job(id, kind, org, ref, payload, state) SELECT max(j.id) + 1, 3, org, ref, '', 0 FROM job j");
    lanes_declare(&l, BELFRY_ORDER_BEST_EFFORT); /* there may be jobs that waited for it: it looks for them */
    expect_rows(l.b, "SELECT count(*) FROM delivery", "1200");
    expect_rows(l.b, "SELECT kind, state FROM job ORDER BY id", "7 2\n3 2");
    assert_true(atoi(rows(l.b, "SELECT count(*) FROM delivery WHERE open = 2")) < MANY);
    bench_free(l.b);
}

static void test_only_ones_own_endpoint_is_recovered(void **state)
{
    (void)state;
    struct lanes l;
    struct answer answer = {0};
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    ledger_endpoint_recover(l.b->ledger, &stranger, l.target.id, 0, 0, on_recovered, &answer);
    await(&l, &answer);
    assert_int_equal(answer.status, BELFRY_ENOTFOUND);
    assert_int_equal(test(&l, &stranger, "free.note").status, BELFRY_ENOTFOUND);
    expect_rows(l.b, "SELECT count(*) FROM job WHERE kind = 7", "0");
    bench_free(l.b);
}

/* --- test --------------------------------------------------------------------------------------------------------- */

static void test_a_test_is_for_this_endpoint_alone(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, "[{\"name\":\"h\",\"when\":{\"type\":\"nothing\"},\"deliver\":[\"hooks\"]}]", BELFRY_ORDER_FIFO);
    struct answer answer = test(&l, &deed, "secret.alarm"); /* of a category that no webhook gets */
    assert_int_equal(answer.status, BELFRY_OK);
    expect_rows(l.b,
                "SELECT e.title, e.trigger_type, e.trigger_id, e.principal, e.audience, n.text FROM event e JOIN name n"
                " ON n.id = e.category",
                "Test of secret.alarm endpoint.test - token:crm-app [] SECRET");
    expect_rows(l.b, "SELECT count(*) FROM notification", "0");
    const char *body = rows(l.b, "SELECT body FROM payload");
    assert_non_null(strstr(body, "\"type\":\"secret.alarm\""));
    assert_non_null(strstr(body, "\"test\":true,\"object\":{\"amount\":1}}}"));
    struct claimed c;
    claim(l.b, &c, "hooks", l.target.id, 5);
    assert_int_equal(c.claim.count, 1);
    assert_int_equal(c.claim.items[0].test, 1);
    assert_int_equal(c.claim.items[0].delivery, answer.b);
    assert_int_equal(c.claim.items[0].event, answer.a);
    arena_free(c.claim.arena);
    outcome(l.b, answer.b, OUTCOME_failed, 0, BELFRY_RETRY);
    expect_rows(l.b, "SELECT what, detail ->> '$.type' FROM audit", "endpoint.test secret.alarm");
    bench_free(l.b);
}

static void test_a_test_of_a_disabled_endpoint(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    lanes_enable(&l, 0);
    lanes_emit(&l, "a", NULL);
    struct answer answer = test(&l, &deed, "free.note"), stopped = test(&l, &deed, "free.note");
    assert_int_equal(answer.status, BELFRY_OK);
    assert_int_equal(claim_count(l.b, "hooks", l.target.id), 0); /* it has no turn, */
    assert_int_equal(claim_test(&l, answer.b), 1);               /* but is sent all the same, */
    assert_int_equal(claim_test(&l, answer.b), 0);               /* once, */
    assert_int_equal(claim_test(&l, lanes_row(&l, "a")), 0);     /* and nothing else is */
    outcome(l.b, answer.b, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    rows(l.b, "UPDATE delivery SET open = 2, state = 2 WHERE open = 1"); /* it was disabled at that moment */
    assert_int_equal(claim_test(&l, stopped.b), 1);
    lanes_restart(&l); /* under way: nobody sends it before the endpoint is enabled, as all that is held */
    settle(l.b);
    expect_rows(l.b, "SELECT state, open FROM delivery ORDER BY id", "2 2\n6 0\n2 2");
    lanes_enable(&l, 1);
    settle(l.b);
    assert_int_equal(claim_count(l.b, "hooks", l.target.id), 2);
    bench_free(l.b);
}

/* Nobody has missed it, whether it failed here or was another's. */
static void test_a_test_is_not_recovered(void **state)
{
    (void)state;
    struct lanes l;
    int64_t count;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    assert_int_equal(test(&l, &deed, "free.note").status, BELFRY_OK);
    rows(l.b, "UPDATE delivery SET state = 8, open = 0");
    assert_int_equal(recover(&l, 0, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 0);
    rows(l.b, "DELETE FROM delivery");
    assert_int_equal(recover(&l, 0, 0, &count, NULL), BELFRY_OK);
    assert_int_equal(count, 0);
    bench_free(l.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_arrived_goes_out_once_more),
        cmocka_unit_test(test_what_cannot_be_sent_again),
        cmocka_unit_test(test_sent_again_it_takes_its_place_in_the_lane),
        cmocka_unit_test(test_what_did_not_arrive_goes_out_again),
        cmocka_unit_test(test_what_was_never_for_it_is_matched_again),
        cmocka_unit_test(test_the_payload_of_one_that_is_matched_again),
        cmocka_unit_test(test_recovered_while_it_is_disabled),
        cmocka_unit_test(test_recovery_goes_on_after_a_restart),
        cmocka_unit_test(test_one_recovery_at_a_time),
        cmocka_unit_test(test_a_recovery_lets_others_pass),
        cmocka_unit_test(test_only_ones_own_endpoint_is_recovered),
        cmocka_unit_test(test_a_test_is_for_this_endpoint_alone),
        cmocka_unit_test(test_a_test_of_a_disabled_endpoint),
        cmocka_unit_test(test_a_test_is_not_recovered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
