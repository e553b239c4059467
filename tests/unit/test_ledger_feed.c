/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of feeds: an item is its own request, the page and its place are one commit. And Refresh as rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "feed_fixture.h"
#include "store/feeds.h"

#include <sys/wait.h>

#define INBOX_RULE "[{\"name\":\"inbox\",\"deliver\":[\"inbox\"]}]"
#define PEOPLE "{\"ann\":[\"boss\"],\"bob\":[],\"cid\":[\"sales\"],\"dee\":[\"sales\"]}"

/* --- pages -------------------------------------------------------------------------------------------------------- */

static void test_a_page_and_its_place_are_one_commit(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(page_now(b, "crm", "[[\"1\"," NOTE("ann") "],[\"2\"," NOTE("ann") "]]", "two"), BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme two");
    expect_rows(b, "SELECT count(*), min(principal) FROM event", "2 feed:crm");
    assert_int_equal(page_now(b, "crm", "[[\"2\"," NOTE("ann") "],[\"3\"," NOTE("ann") "]]", "three"), BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme three");
    expect_rows(b, "SELECT count(*) FROM event", "3");
    assert_int_equal(page_now(b, "crm", "[]", "four"), BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme four");
    bench_free(b);
}

static void test_refused_items_are_kept_and_block_nothing(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(page_now(b, "crm",
                              "[[\"1\"," NOTE("ann") ",[\"fail\",-4,\"closed\"]],\"no event\",[\"2\"," NOTE("ann") "]]",
                              "two"),
                     BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme two");
    expect_rows(b, "SELECT count(*) FROM event", "1");
    expect_rows(b,
                "SELECT kind, json_extract(problem, '$.status'), CAST(body AS TEXT) LIKE '%\"id\":\"1\"%',"
                " CAST(body AS TEXT) = '\"no event\"' FROM refused ORDER BY id",
                "feed ECONFLICT 1 0\nfeed EINVAL 0 1");
    bench_free(b);
}

static void test_not_now_holds_the_place_and_what_follows(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    const char *page = "[[\"1\"," NOTE("ann") "],[\"2\",[\"fail\",-1,\"bad\"]],[\"3\",[\"get\",\"open\",\"1\"],"
                                              "[\"put\",\"last\",\"3\"]],[\"4\",[\"put\",\"last\",\"4\"]]]";
    const char *busy = "[[\"1\"," NOTE("ann") "],[\"2\",[\"fail\",-1,\"bad\"]],[\"3\",[\"fail\",-3,\"not now\"]],"
                                              "[\"4\",[\"put\",\"last\",\"4\"]]]";
    assert_int_equal(page_now(b, "crm", busy, "four"), BELFRY_EAGAIN);
    expect_rows(b,
                "SELECT (SELECT count(*) FROM feed), (SELECT count(*) FROM refused), (SELECT count(*) FROM event),"
                " (SELECT count(*) FROM state)",
                "0 0 1 0"); /* the first is taken, nothing overtakes the third */
    assert_int_equal(send_now(b, "[[\"5\",[\"put\",\"open\",\"1\"]]]"), BELFRY_OK);
    assert_int_equal(page_now(b, "crm", page, "four"), BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme four");
    expect_rows(b,
                "SELECT (SELECT count(*) FROM refused), (SELECT count(*) FROM event),"
                " (SELECT value FROM state WHERE key = CAST('last' AS BLOB))",
                "1 1 4");
    bench_free(b);
}

/* Three calls above 250 ms: the rest of the page waits for the end of the quarantine. */
static void test_a_slow_source_ends_its_page(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    const char *slow = "[[\"1\",[\"slow\",260]],[\"2\",[\"slow\",260]],[\"3\",[\"slow\",260]],"
                       "[\"4\"," NOTE("ann") "],[\"5\",[\"fail\",-1,\"bad\"]]]";
    struct page *p = page_begin(b, "crm", slow, "five");
    assert_int_equal(bench_until(b, &p->wait), BELFRY_EAGAIN);
    assert_int_equal(p->ledger.request.retry_after_ms, MINUTE);
    assert_int_equal(p->results[2].state, LEDGER_ACCEPTED);
    assert_int_equal(p->results[3].status, BELFRY_EAGAIN);
    page_free(p);
    expect_rows(b, SQL_TAKEN, "0 0 0");
    clock_advance(b->clock, MINUTE);
    assert_int_equal(page_now(b, "crm", slow, "five"), BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme five");
    expect_rows(b, SQL_TAKEN, "1 1 1");
    bench_free(b);
}

/* Nine times 60 ms are more than others wait for: the page takes several groups, the place goes with the last. */
static void test_a_page_of_a_slow_source_lets_others_in(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    struct ledger_numbers before, after;
    const char *slow =
        "[\"no event\",[\"1\",[\"slow\",60]],[\"2\",[\"slow\",60],[\"fail\",-1,\"bad\"]],[\"3\",[\"slow\",60]],"
        "[\"4\",[\"slow\",60]],[\"5\",[\"slow\",60]],[\"6\",[\"slow\",60]],[\"7\",[\"slow\",60]],"
        "[\"8\",[\"slow\",60]],[\"9\",[\"slow\",60]," NOTE("ann") "]]";
    ledger_numbers(b->ledger, &before);
    struct page *p = page_begin(b, "crm", slow, "nine");
    assert_int_equal(bench_until(b, &p->wait), BELFRY_OK);
    ledger_numbers(b->ledger, &after);
    assert_true(after.groups - before.groups >= 5);
    assert_int_equal(after.triggers_accepted - before.triggers_accepted, 8);
    assert_int_equal(p->results[1].state, LEDGER_ACCEPTED);
    assert_int_equal(p->results[2].state, LEDGER_REFUSED);
    assert_int_equal(p->results[9].events, 1);
    page_free(p);
    expect_rows(b, SQL_PLACE, "crm acme nine");
    expect_rows(b, SQL_TAKEN, "1 2 1");
    bench_free(b);
}

static void test_a_source_that_is_gone_moves_no_place(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(page_now(b, "nobody", "[[\"1\"," NOTE("ann") "]]", "one"), BELFRY_ENOTFOUND);
    expect_rows(b, "SELECT (SELECT count(*) FROM feed), (SELECT count(*) FROM refused)", "0 0");
    bench_free(b);
}

/* A process of its own that takes the page as often as it is told, and dies of it. */
static void die_on_page(struct bench *b, const char *page, int times)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        bench_start(b, NULL);
        for (int i = 0; i < times; i++)
            page_now(b, "crm", page, "three");
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 66);
}

#define DEADLY "[[\"1\"," NOTE("ann") "],[\"2\",[\"die\"]],[\"3\"," NOTE("ann") "]]"

/* What the hub was killed with by accident is taken after all: nobody stands behind it who would send it again. */
static void test_an_event_in_hand_when_the_hub_is_killed_is_not_lost(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    const char *page = "[[\"1\"," NOTE("ann") "],[\"2\"," NOTE("ann") "],[\"3\"," NOTE("ann") "]]";
    bench_stop(b);
    die_on_page(b, DEADLY, 1);
    bench_start(b, NULL);
    expect_rows(b, SQL_TAKEN, "0 0 0");
    assert_int_equal(page_now(b, "crm", page, "three"), BELFRY_EAGAIN);
    expect_rows(b, SQL_TAKEN, "1 0 0");
    assert_int_equal(page_now(b, "crm", page, "three"), BELFRY_OK);
    expect_rows(b, SQL_TAKEN, "3 0 1");
    bench_free(b);
}

/* One that kills the hub twice in a row is refused for good, or it would do so for ever. */
static void test_an_event_that_kills_the_hub_is_passed_by(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    bench_stop(b);
    die_on_page(b, DEADLY, 1);
    die_on_page(b, DEADLY, 2);
    bench_start(b, NULL);
    assert_int_equal(page_now(b, "crm", DEADLY, "three"), BELFRY_OK);
    expect_rows(b, SQL_PLACE, "crm acme three");
    expect_rows(b, SQL_TAKEN, "2 1 1");
    expect_rows(b, "SELECT kind, json_extract(problem, '$.status') FROM refused", "feed EINTERNAL");
    bench_free(b);
}

/* --- Refresh ------------------------------------------------------------------------------------------------------ */

struct joined {
    struct bench_wait wait;
    int64_t job;
    int created;
};

static void on_joined(void *arg, belfry_status status, int64_t job, int created)
{
    struct joined *j = arg;
    j->job = job;
    j->created = created;
    bench_done(&j->wait, status);
}

static struct joined joined_by(struct bench *b, const char *who)
{
    struct joined j = {{0}, 0, 0};
    assert_int_equal(ledger_refresh_join(b->ledger, STR("acme"), str_of(who), on_joined, &j), BELFRY_OK);
    assert_int_equal(bench_until(b, &j.wait), BELFRY_OK);
    return j;
}

static void on_end(void *arg)
{
    bench_done(arg, BELFRY_OK);
}

static void end(struct bench *b, int64_t job, int failed)
{
    struct bench_wait wait = {0};
    ledger_refresh_end(b->ledger, job, failed, 2, 2, on_end, &wait);
    bench_until(b, &wait);
}

/* The writer's connection may be read while the ledger has nothing to do. */
static void expect_brought(struct bench *b, int64_t job, const char *who, int state, uint64_t added, uint64_t gone)
{
    static const struct belfry_str hidden[] = {{"SECRET", 6}};
    struct belfry_strs gated = {hidden, strcmp(who, "ann") == 0 ? 0 : 1};
    struct store_refresh r = {0};
    struct bench_wait wait = {0};
    ledger_settle(b->ledger, on_end, &wait);
    bench_until(b, &wait);
    assert_int_equal(store_refresh_of(store_writer(b->store), job, STR("acme"), str_of(who), &gated, &r), 1);
    assert_int_equal(r.state, state);
    assert_int_equal(r.added, added);
    assert_int_equal(r.invalidated, gone);
}

static void tell(struct bench *b, const char *id, const char *step)
{
    char text[400];
    snprintf(text, sizeof(text), "[[\"%s\",%s]]", id, step);
    assert_int_equal(send_now(b, text), BELFRY_OK);
}

#define ASSIGN(who, subject) "[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"" subject "\",\"to\":[" who "]}]"

static void test_one_job_an_org_and_its_members(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    struct joined first = joined_by(b, "ann"), again = joined_by(b, "ann"), other = joined_by(b, "bob");
    assert_int_equal(first.created, 1);
    assert_int_equal(again.created + other.created, 0);
    assert_true(again.job == first.job && other.job == first.job);
    struct store_refresh r;
    struct belfry_strs none = {NULL, 0};
    assert_int_equal(store_refresh_of(store_writer(b->store), first.job, STR("acme"), STR("cid"), &none, &r), 0);
    assert_int_equal(store_refresh_of(store_writer(b->store), first.job, STR("globex"), STR("ann"), &none, &r), 0);
    end(b, first.job, 0);
    assert_int_equal(joined_by(b, "bob").created, 1);
    bench_free(b);
}

static void test_what_a_job_brought_is_fixed_when_it_ends(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    tell(b, "1", ASSIGN("\"ann\"", "s/1"));
    tell(b, "2", ASSIGN("\"ann\"", "s/2"));
    struct joined j = joined_by(b, "ann");
    expect_brought(b, j.job, "ann", 0, 0, 0);
    tell(b, "3", "[\"withdraw\",\"s/1\",{}]");
    tell(b, "4", ASSIGN("\"ann\"", "s/3"));
    tell(b, "5", ASSIGN("\"ann\"", "s/2")); /* takes the place of the earlier one: new, and nothing is gone */
    joined_by(b, "bob");
    tell(b, "6", ASSIGN("\"ann\",\"bob\"", "s/4"));
    tell(b, "7", ASSIGN("\"ann\"", "s/5"));
    tell(b, "8", "[\"withdraw\",\"s/5\",{}]"); /* came and went */
    expect_brought(b, j.job, "ann", 0, 3, 1);
    end(b, j.job, 0);
    for (int i = 0; i < 2; i++) {
        expect_brought(b, j.job, "ann", 2, 3, 1);
        expect_brought(b, j.job, "bob", 2, 1, 0);
        if (i)
            break;
        tell(b, "9", ASSIGN("\"ann\"", "s/3")); /* replaced after the end */
        tell(b, "10", "[\"withdraw\",\"s/4\",{}]");
        tell(b, "11", ASSIGN("\"ann\",\"bob\"", "s/9"));
        tell(b, "12", "[\"handled\",\"s/2\",{},\"ann\"]");
    }
    bench_free(b);
}

static void test_gates_hold_in_what_is_counted(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    tell(b, "1", "[\"emit\",{\"type\":\"secret.alarm\",\"subject\":\"a\",\"to\":[\"ann\",\"bob\"]}]");
    struct joined j = joined_by(b, "ann");
    joined_by(b, "bob");
    tell(b, "2", "[\"withdraw\",\"a\",{}]");
    tell(b, "3", "[\"emit\",{\"type\":\"secret.alarm\",\"subject\":\"b\",\"to\":[\"ann\",\"bob\"]}]");
    end(b, j.job, 1);
    expect_brought(b, j.job, "ann", 3, 1, 1);
    expect_brought(b, j.job, "bob", 3, 0, 0);
    bench_free(b);
}

static void test_places_stay_in_order_when_the_clock_goes_back_over_a_restart(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    tell(b, "1", ASSIGN("\"ann\"", "s/1"));
    struct joined j = joined_by(b, "ann");
    bench_stop(b);
    clock_set(b->clock, START - MINUTE);
    bench_start(b, NULL);
    ledger_refresh_interrupt(b->ledger);
    expect_brought(b, j.job, "ann", 3, 0, 0);
    tell(b, "2", ASSIGN("\"ann\"", "s/2"));
    expect_brought(b, j.job, "ann", 3, 0, 0); /* it ended before */
    struct joined next = joined_by(b, "ann");
    assert_int_equal(next.created, 1);
    tell(b, "3", ASSIGN("\"ann\"", "s/3"));
    expect_brought(b, next.job, "ann", 0, 1, 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_and_its_place_are_one_commit),
        cmocka_unit_test(test_refused_items_are_kept_and_block_nothing),
        cmocka_unit_test(test_not_now_holds_the_place_and_what_follows),
        cmocka_unit_test(test_a_slow_source_ends_its_page),
        cmocka_unit_test(test_a_page_of_a_slow_source_lets_others_in),
        cmocka_unit_test(test_a_source_that_is_gone_moves_no_place),
        cmocka_unit_test(test_an_event_in_hand_when_the_hub_is_killed_is_not_lost),
        cmocka_unit_test(test_an_event_that_kills_the_hub_is_passed_by),
        cmocka_unit_test(test_one_job_an_org_and_its_members),
        cmocka_unit_test(test_what_a_job_brought_is_fixed_when_it_ends),
        cmocka_unit_test(test_gates_hold_in_what_is_counted),
        cmocka_unit_test(test_places_stay_in_order_when_the_clock_goes_back_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
