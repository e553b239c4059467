/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories of digests: people are told things, look, handle, change their minds and their nights; mails arrive,
 * fail, or nobody knows; the hub is killed whatever is under way. A model of a few lines watches every claim:
 * - a thing is told under one key, ever;
 * - of a person, a category and a day's window there is one digest, and it is never empty;
 * - a second try holds what the first did, but for what has become moot, and the total is true;
 * and in the end everything that nobody looked at, handled or switched off has arrived, or may have arrived twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chance.h"
#include "mail_fixture.h"

enum { STEPS = 400, THINGS = 600, PERSONS = 3, CATEGORIES = 2 };

static const char *const persons[PERSONS] = {"ann", "bob", "cid"};
static const char *const categories[CATEGORIES] = {"work", "hub"};

static uint64_t seed;

static int draw(int below)
{
    return pick(&seed, below);
}

struct thing {
    int64_t delivery, key; /* key 0: not told yet */
    int tries;
};

struct world {
    struct bench *b;
    struct thing things[THINGS];
    int count, off[PERSONS];             /* off: once switched off, so that what is missing may have been unwanted */
    int64_t window[PERSONS][CATEGORIES]; /* the day of the last digest */
};

static void told(struct world *w)
{
    char title[16], to[8];
    if (w->count == THINGS)
        return;
    snprintf(title, sizeof(title), "%d", w->count);
    snprintf(to, sizeof(to), "\"%s\"", persons[draw(PERSONS)]);
    note(w->b, title, categories[draw(CATEGORIES)], to);
    w->things[w->count++].delivery = strtoll(rows(w->b, "SELECT max(id) FROM delivery"), NULL, 10);
}

static void looked_at(struct world *w)
{
    char sql[160];
    if (w->count == 0)
        return;
    snprintf(sql, sizeof(sql),
             "UPDATE notification SET seen = 1 WHERE event = (SELECT id FROM event WHERE title = '%d')",
             draw(w->count));
    rows(w->b, sql);
}

static void handled(struct world *w)
{
    static int number;
    char text[100];
    snprintf(text, sizeof(text), "[[\"h%d\",[\"handled\",\"t/%d\",{},\"boss\"]]]", number++, draw(w->count + 1));
    assert_int_equal(send_now(w->b, text), BELFRY_OK);
}

static void minds_change(struct world *w)
{
    static const char *const choices[] = {
        "{}",
        "{\"default\":\"digest\"}",
        "{\"default\":\"unseen\"}",
        "{\"email\":{\"work\":\"off\"}}",
        "{\"default\":\"digest\",\"quiet\":{\"from\":\"06:00\",\"to\":\"10:00\"}}",
        "{\"email\":{\"hub\":\"digest\"},\"quiet\":{\"from\":\"20:00\",\"to\":\"23:00\"}}",
        "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}",
    };
    int who = draw(PERSONS), what = draw(7);
    w->off[who] |= what == 3;
    choose(w->b, persons[who], choices[what]);
}

static struct thing *thing_of(struct world *w, int64_t delivery)
{
    for (int i = 0; i < w->count; i++)
        if (w->things[i].delivery == delivery)
            return &w->things[i];
    fail_msg("a delivery that nobody made");
    return NULL;
}

static int index_of(const char *const *names, int count, struct belfry_str name)
{
    int i = 0;
    while (i < count && !str_eqz(name, names[i]))
        i++;
    assert_true(i < count);
    return i;
}

/* One for each person, category and day. What waited for no digest is any mail. */
static void watch_window(struct world *w, const struct ledger_claim_item *head)
{
    char sql[100];
    snprintf(sql, sizeof(sql), "SELECT category IS NOT NULL FROM delivery WHERE id = %lld", (long long)head->delivery);
    if (strcmp(rows(w->b, sql), "1") != 0)
        return;
    int64_t day = (clock_now_ms(w->b->clock) - 480 * MINUTE) / DAY;
    int64_t *last =
        &w->window[index_of(persons, PERSONS, head->username)][index_of(categories, CATEGORIES, head->category)];
    if (*last >= day)
        fail_msg("a second digest for %.*s, %.*s", STR_ARG(head->username), STR_ARG(head->category));
    *last = day;
}

static void watch(struct world *w, const struct ledger_claim_item *head)
{
    int64_t key = head->bundle ? head->bundle : head->delivery;
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT id FROM delivery WHERE lease IS NOT NULL AND state = 4 AND (%s = %lld)",
             head->bundle ? "bundle" : "id", (long long)key);
    char *ids = strdup(rows(w->b, sql)), *at = ids;
    uint32_t total = 0;
    int first = 1;
    assert_true(*ids);
    for (char *end; *at; at = end) {
        struct thing *thing = thing_of(w, strtoll(at, &end, 10));
        if (thing->key && thing->key != key)
            fail_msg("told under two keys");
        first &= !thing->key;
        thing->key = key;
        thing->tries++;
        total++;
    }
    free(ids);
    assert_int_equal(head->total, total);
    assert_int_equal(head->rest_count + 1, total < 50 ? total : 50);
    if (first && head->attempt == 1)
        watch_window(w, head);
}

/* 1: nobody says what came of it, until the hub is killed. */
static int judged(struct world *w, const struct ledger_claim_item *head)
{
    int64_t now = clock_now_ms(w->b->clock);
    int what = draw(20);
    struct ledger_outcome o = {.delivery = head->delivery,
                               .bundle = head->bundle,
                               .attempt = head->attempt,
                               .started_ms = now,
                               .count_attempt = 1};
    if (what < 2)
        return 1;
    if (what < 5) {
        o.state = OUTCOME_retrying;
        o.result = BELFRY_RETRY;
        o.due_ms = now + (1 + draw(120)) * MINUTE;
    } else if (what < 7) {
        o.state = OUTCOME_unknown;
        o.result = BELFRY_UNKNOWN;
        o.due_ms = head->unknowns ? 0 : now + 15 * MINUTE;
    } else if (what < 8) {
        o.state = head->attempt > 1 ? OUTCOME_retrying : OUTCOME_scheduled;
        o.result = BELFRY_DEFERRED;
        o.due_ms = now + 5 * MINUTE;
        o.count_attempt = 0;
    } else {
        o.state = OUTCOME_delivered;
        o.result = BELFRY_DELIVERED;
    }
    struct bench_wait wait = {0};
    struct ledger_outcomes all = {.items = &o, .count = 1, .done = on_outcomes, .arg = &wait};
    ledger_outcomes(w->b->ledger, &all);
    assert_int_equal(bench_until(w->b, &wait), BELFRY_OK);
    return 0;
}

static void mails_leave(struct world *w, int all_well)
{
    for (int more = 1; more;) {
        struct claimed c;
        claim(w->b, &c, "mail", 0, 1 + (size_t)draw(8));
        more = all_well && c.claim.count > 0;
        for (size_t i = 0; i < c.claim.count; i++)
            watch(w, &c.claim.items[i]);
        for (size_t i = 0; i < c.claim.count; i++)
            judged(w, &c.claim.items[i]);
        arena_free(c.claim.arena);
    }
}

static void killed(struct world *w)
{
    bench_stop(w->b); /* what is leased stays so: nobody says what came of it */
    bench_start(w->b, NULL);
}

static void step(struct world *w)
{
    int what = draw(100);
    if (what < 35)
        told(w);
    else if (what < 42)
        looked_at(w);
    else if (what < 46)
        handled(w);
    else if (what < 53)
        minds_change(w);
    else if (what < 75)
        mails_leave(w, 0);
    else if (what < 97)
        advance(w->b, (1 + draw(draw(3) ? 60 : 700)) * MINUTE);
    else
        killed(w);
}

static void end_well(struct world *w)
{
    for (int i = 0; i < 120; i++) {
        mails_leave(w, 1);
        if (i % 8 == 7)
            killed(w);
        advance(w->b, 120 * MINUTE);
    }
    expect_rows(w->b, "SELECT count(*) FROM delivery WHERE open > 0 OR lease IS NOT NULL", "0");
    expect_rows(
        w->b,
        "SELECT d.id, d.state, d.detail FROM delivery d WHERE d.state NOT IN (6, 7, 12, 13, 16) OR"
        " (d.state = 7 AND (SELECT count(*) FROM attempt a WHERE a.delivery IN (d.id, d.bundle) AND a.outcome = 5)"
        " < 2)",
        "");
    for (int p = 0; p < PERSONS; p++) {
        char sql[300];
        snprintf(sql, sizeof(sql),
                 "SELECT count(*) FROM delivery d JOIN person p ON p.id = d.person WHERE d.state = 16"
                 " AND p.username = '%s'",
                 persons[p]);
        if (!w->off[p])
            expect_rows(w->b, sql, "0");
    }
    expect_rows(w->b,
                "SELECT count(*) FROM delivery d JOIN notification n ON n.id = d.notification WHERE"
                " (d.state = 12 AND n.seen IS NULL) OR (d.state = 13 AND n.handled_by IS NULL)",
                "0");
}

static void test_random_histories(void **state)
{
    (void)state;
    int lives = getenv("BELFRY_LONG") ? 200 : 12;
    for (int life = 0; life < lives; life++) {
        struct world *w = xcalloc(1, sizeof(*w));
        seed = (uint64_t)life * 7919 + 1;
        w->b = mail_open(MAIL_RULES);
        for (int i = 0; i < STEPS; i++)
            step(w);
        end_well(w);
        bench_free(w->b);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
