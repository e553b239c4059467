/* SPDX-License-Identifier: Apache-2.0 */
/* What bounces, complaints and the links in mails change: suppressions, deliveries, preferences, the notice, the audit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/addresses.h"
#include "ledger_fixture.h"

#define RULES                                                                                                          \
    "[{\"name\":\"i\",\"deliver\":[\"inbox\"]},"                                                                       \
    "{\"name\":\"m\",\"when\":{\"category\":\"work\"},\"deliver\":[\"mail\"]}]"
#define PEOPLE "{\"ann\":[],\"bob\":[]}"
#define NOTE(id, to) "[[\"" id "\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/" id "\",\"to\":[" to "]}]]]"
#define SUPPRESSED                                                                                                     \
    "SELECT s.address, coalesce(n.text, '*'), s.reason, coalesce(p.username, '-'), coalesce(s.detail, '-') FROM"       \
    " suppression s LEFT JOIN name n ON n.id = s.category LEFT JOIN person p ON p.id = s.person ORDER BY s.id"
#define MAILS "SELECT state, open, coalesce(detail, '-') FROM delivery ORDER BY id"
#define NOTICES                                                                                                        \
    "SELECT p.username, n.validity, n.pos IS NOT NULL, n.replaced_by IS NOT NULL, e.link, e.title FROM notification n" \
    " JOIN person p ON p.id = n.person JOIN event e ON e.id = n.event JOIN name t ON t.id = e.type WHERE t.text ="     \
    " 'hub.address_bounces' ORDER BY n.id"
#define AUDIT "SELECT who, what, detail FROM audit ORDER BY id"
#define CHOSEN                                                                                                         \
    "SELECT username, doc ->> '$.email', coalesce(doc ->> '$.default', '-') FROM preference ORDER BY username"
#define COMES_BACK "/acme/preferences Mail to your address comes back"

/* --- mails -------------------------------------------------------------------------------------------------------- */

static void on_claim(struct ledger_claim *claim)
{
    ((struct bench_wait *)claim->arg)->done = 1;
}

static void on_outcomes(struct ledger_outcomes *outcomes, belfry_status status)
{
    bench_done(outcomes->arg, status);
}

/* Sends what is due in `mail`; 0: leaves it under way. Returns the last delivery. */
static int64_t mail(struct bench *b, enum outcome state)
{
    struct bench_wait wait = {0};
    struct ledger_claim claim = {.channel = "mail", .max = 10, .arena = arena_new(0), .done = on_claim, .arg = &wait};
    ledger_claim(b->ledger, &claim);
    bench_until(b, &wait);
    int64_t id = claim.count ? claim.items[claim.count - 1].delivery : 0;
    for (size_t i = 0; state && i < claim.count; i++) {
        struct ledger_outcome o = {.delivery = claim.items[i].delivery, .state = state, .count_attempt = 1};
        struct bench_wait written = {0};
        struct ledger_outcomes all = {.items = &o, .count = 1, .done = on_outcomes, .arg = &written};
        ledger_outcomes(b->ledger, &all);
        assert_int_equal(bench_until(b, &written), BELFRY_OK);
    }
    arena_free(claim.arena);
    return id;
}

/* A note to somebody is sent. */
static int64_t mailed(struct bench *b, const char *id, const char *to)
{
    char text[200];
    snprintf(text, sizeof(text), "[[\"%s\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/%s\",\"to\":[\"%s\"]}]]]",
             id, id, to);
    assert_int_equal(send_now(b, text), BELFRY_OK);
    return mail(b, OUTCOME_delivered);
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

static void on_report(struct ledger_address_report *report, belfry_status status)
{
    bench_done(report->arg, status);
}

static belfry_status report(struct bench *b, uint32_t what, const char *org, const char *address, int64_t delivery,
                            const char *detail)
{
    struct bench_wait wait = {0};
    struct ledger_address_report r = {.channel = "mail",
                                      .what = what,
                                      .org = str_of(org),
                                      .address = str_of(address),
                                      .detail = str_of(detail),
                                      .delivery = delivery,
                                      .done = on_report,
                                      .arg = &wait};
    ledger_address_report(b->ledger, &r);
    return bench_until(b, &wait);
}

static void on_release(struct ledger_address_release *release, belfry_status status)
{
    bench_done(release->arg, status);
}

static int release(struct bench *b, const char *username, const char *address, const char *category)
{
    struct bench_wait wait = {0};
    struct ledger_address_release r = {.org = STR("acme"),
                                       .who = STR("person:eve"),
                                       .username = str_of(username),
                                       .address = str_of(address),
                                       .category = str_of(category),
                                       .done = on_release,
                                       .arg = &wait};
    ledger_address_release(b->ledger, &r);
    assert_int_equal(bench_until(b, &wait), BELFRY_OK);
    return r.removed;
}

static void on_subscription(struct ledger_subscription *s, belfry_status status)
{
    bench_done(s->arg, status);
}

static struct arena *memory;
static char before[512];

/* given NULL: stop. The status, or with OK 1 when something changed. */
static int subscribe(struct bench *b, const char *username, const char *address, const char *category,
                     const char *given)
{
    struct bench_wait wait = {0};
    struct ledger_subscription s = {.channel = "mail",
                                    .org = STR("acme"),
                                    .username = str_of(username),
                                    .address = str_of(address),
                                    .category = str_of(category),
                                    .restore = given != NULL,
                                    .given = str_of(given),
                                    .arena = memory,
                                    .done = on_subscription,
                                    .arg = &wait};
    ledger_subscription(b->ledger, &s);
    belfry_status status = bench_until(b, &wait);
    snprintf(before, sizeof(before), "%.*s", STR_ARG(s.before));
    return status ? (int)status : s.changed;
}

static int setup(void **state)
{
    memory = arena_new(0);
    *state = bench_open(RULES, PEOPLE);
    return 0;
}

static int teardown(void **state)
{
    bench_free(*state);
    arena_free(memory);
    return 0;
}

/* --- bounces ------------------------------------------------------------------------------------------------------ */

static void test_a_bounce_fails_its_mail_and_tells_the_person(void **state)
{
    struct bench *b = *state;
    int64_t id = mailed(b, "1", "ann");
    for (int i = 0; i < 3; i++) { /* reports come twice */
        assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "acme", "Ann@acme.example", id, "550 5.1.1 who?\r\nBcc: x"),
                         BELFRY_OK);
        expect_rows(b, MAILS, "8 0 bounced: 550 5.1.1 who? Bcc: x");
        expect_rows(b, SUPPRESSED, "ann@acme.example * 1 ann 550 5.1.1 who? Bcc: x");
        expect_rows(b, NOTICES, "ann 0 1 0 " COMES_BACK);
        expect_rows(b, AUDIT, "channel:mail suppression.add {\"reason\":\"bounced\",\"username\":\"ann\"}");
    }
    expect_rows(b, "SELECT texts ->> '$.de.title', data FROM event WHERE link IS NOT NULL",
                "E-Mails an Ihre Adresse kommen zur\303\274ck {\"reason\":\"bounced\"}");
    expect_rows(b, "SELECT count(*) FROM event WHERE title || body || data || audience LIKE '%acme.example%'", "0");
}

static void test_what_becomes_of_the_mail(void **state)
{
    struct bench *b = *state;
    int64_t id = mailed(b, "1", "ann");
    report(b, BELFRY_ADDRESS_COMPLAINED, "acme", "ann@acme.example", id, "abuse");
    expect_rows(b, MAILS, "6 0 -"); /* it did arrive */
    expect_rows(b, NOTICES, "ann 0 1 0 /acme/preferences You get no more mail from here");
    send_now(b, NOTE("2", "\"bob\""));
    id = mail(b, 0);
    report(b, BELFRY_ADDRESS_BOUNCED, "acme", "bob@acme.example", id, ""); /* its outcome is still to come */
    expect_rows(b, MAILS, "6 0 -\n4 1 -");
    expect_rows(b, SUPPRESSED, "ann@acme.example * 2 ann abuse\nbob@acme.example * 1 bob -");
}

static void test_mails_that_come_back_for_now(void **state)
{
    struct bench *b = *state;
    for (int i = 1; i <= 5; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        expect_rows(b, SUPPRESSED, "");
        expect_rows(b, NOTICES, "");
        int64_t id = mailed(b, name, "ann");
        assert_int_equal(report(b, BELFRY_ADDRESS_SOFT, "acme", "ann@acme.example", id, "452 4.2.2 full"), BELFRY_OK);
        assert_int_equal(report(b, BELFRY_ADDRESS_SOFT, "acme", "ann@acme.example", id, "452 4.2.2 full"), BELFRY_OK);
        advance(b, MINUTE);
    }
    expect_rows(b, SUPPRESSED, "ann@acme.example * 1 ann 5 mails within 14 days, the last one said: 452 4.2.2 full");
    expect_rows(b, NOTICES, "ann 0 1 0 " COMES_BACK);
    expect_rows(b, "SELECT DISTINCT state, detail FROM delivery", "8 bounced: 452 4.2.2 full");
    expect_rows(b, "SELECT count(*) FROM soft_bounce", "0");
    report(b, BELFRY_ADDRESS_SOFT, "acme", "ann@acme.example", 0, "late");
    expect_rows(b, "SELECT count(*) FROM soft_bounce", "0"); /* there is nothing left to count to */
}

static void test_what_is_not_ours_changes_nothing(void **state)
{
    struct bench *b = *state;
    int64_t id = mailed(b, "1", "ann");
    assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "nowhere", "ann@acme.example", 0, ""), BELFRY_ENOTFOUND);
    assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@acme.example", id + 1, ""), BELFRY_ENOTFOUND);
    assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "acme", "", 0, ""), BELFRY_EINVAL);
    rows(b, "UPDATE delivery SET org = 99");
    assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@acme.example", id, ""), BELFRY_ENOTFOUND);
    expect_rows(b, SUPPRESSED, "");
    expect_rows(b, MAILS, "6 0 -");
    expect_rows(b, AUDIT, "");
    expect_rows(b, "SELECT count(*) FROM name WHERE text = 'nowhere'", "0");
}

static void test_nothing_is_kept_of_who_is_gone(void **state)
{
    struct bench *b = *state;
    int64_t id = mailed(b, "1", "ann");
    ((struct config_org *)(uintptr_t)b->config->config.orgs)->user_count = 0;
    assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@acme.example", id, ""), BELFRY_ENOTFOUND);
    expect_rows(b, SUPPRESSED, "");
}

static void test_a_mail_to_an_address(void **state)
{
    struct bench *b = *state;
    int64_t id = mailed(b, "1", "email:pat@shop.example");
    assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "acme", "", id, "gone"), BELFRY_OK);
    expect_rows(b, SUPPRESSED, "pat@shop.example * 1 - gone");
    expect_rows(b, MAILS, "8 0 bounced: gone");
    expect_rows(b, NOTICES, "");
    expect_rows(b, AUDIT,
                "channel:mail suppression.add {\"reason\":\"bounced\",\"address\":\"p\342\200\246@shop.example\"}");
}

/* --- and back ----------------------------------------------------------------------------------------------------- */

static void test_the_notice_is_there_as_long_as_it_is_true(void **state)
{
    struct bench *b = *state;
    int64_t id = mailed(b, "1", "ann");
    report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@acme.example", id, "");
    assert_int_equal(release(b, "", "ann@acme.example", "work"), 0); /* nothing was said of that alone */
    expect_rows(b, NOTICES, "ann 0 1 0 " COMES_BACK);
    assert_int_equal(release(b, "", "ANN@acme.example", ""), 1);
    assert_int_equal(release(b, "", "ANN@acme.example", ""), 0);
    expect_rows(b, NOTICES, "ann 3 1 0 " COMES_BACK);
    expect_rows(b, SUPPRESSED, "");
    report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@acme.example", id, "");
    report(b, BELFRY_ADDRESS_COMPLAINED, "acme", "ann@acme.example", id, "");
    expect_rows(b, NOTICES,
                "ann 3 1 0 " COMES_BACK "\nann 2 1 1 " COMES_BACK
                "\nann 0 1 0 /acme/preferences You get no more mail from here");
    assert_int_equal(release(b, "bob", "", ""), 0); /* that is hers */
    assert_int_equal(release(b, "ann", "", ""), 2);
    expect_rows(b,
                "SELECT max(validity) FROM notification WHERE replaced_by IS NULL AND validity = 0 AND event IN"
                " (SELECT id FROM event WHERE link IS NOT NULL)",
                "-");
    expect_rows(b, "SELECT who, what, detail FROM audit WHERE what = 'suppression.delete' ORDER BY id",
                "person:eve suppression.delete {\"count\":1,\"address\":\"A\342\200\246@acme.example\"}\n"
                "person:eve suppression.delete {\"count\":2,\"username\":\"ann\"}");
}

static void test_another_address_has_no_history(void **state)
{
    struct bench *b = *state;
    int64_t id = mailed(b, "1", "ann");
    assert_int_equal(report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@old.example", id, ""), BELFRY_OK);
    expect_rows(b, NOTICES, ""); /* she has another one now */
    expect_rows(b, SUPPRESSED, "ann@old.example * 1 ann -");
    report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@acme.example", id, "");
    expect_rows(b, NOTICES, "ann 0 1 0 " COMES_BACK);
    bench_generation(b);
    expect_rows(b, NOTICES, "ann 0 1 0 " COMES_BACK); /* nothing of it changed */
    struct config_user *users = (struct config_user *)(uintptr_t)b->config->config.orgs[0].users;
    users[0].email = "ann@new.example";
    bench_generation(b);
    expect_rows(b, NOTICES, "ann 3 1 0 " COMES_BACK);
    expect_rows(b, SUPPRESSED, "ann@old.example * 1 ann -\nann@acme.example * 1 ann -");
}

static void test_who_unsubscribed_is_not_trusted_back(void **state)
{
    struct bench *b = *state;
    assert_int_equal(subscribe(b, "", "ann@acme.example", "", NULL), 1); /* as an address of an audience */
    report(b, BELFRY_ADDRESS_BOUNCED, "acme", "ann@acme.example", 0, "");
    assert_int_equal(release(b, "ann", "", ""), 1);
    expect_rows(b, SUPPRESSED, "ann@acme.example * 3 - -");
}

/* --- subscriptions ------------------------------------------------------------------------------------------------ */

static void test_a_person_stops_a_category_and_takes_it_back(void **state)
{
    struct bench *b = *state;
    assert_int_equal(subscribe(b, "ann", "", "work", NULL), 1);
    assert_string_equal(before, "{\"email\":{}}");
    expect_rows(b, CHOSEN, "ann {\"work\":\"off\"} -");
    assert_int_equal(subscribe(b, "ann", "", "work", NULL), 0);
    assert_string_equal(before, "{\"email\":{\"work\":\"off\"}}");
    expect_rows(b, AUDIT, "mail link mail.stop {\"username\":\"ann\",\"category\":\"work\"}");
    assert_int_equal(subscribe(b, "ann", "", "work", "{\"email\":{\"work\":\"off\"}}"), 0);
    assert_int_equal(subscribe(b, "ann", "", "work", "{\"email\":{\"work\":\"digest\",\"hub\":\"off\"}}"), 1);
    expect_rows(b, CHOSEN, "ann {\"work\":\"digest\"} -");    /* and nothing of hub: the link is not about it */
    assert_int_equal(subscribe(b, "ann", "", "work", ""), 0); /* it is not off, so somebody chose it since */
    subscribe(b, "ann", "", "work", NULL);
    assert_string_equal(before, "{\"email\":{\"work\":\"digest\"}}");
    assert_int_equal(subscribe(b, "ann", "", "work", ""), 1);
    expect_rows(b, CHOSEN, "ann {} -");
}

static void test_a_person_stops_all_that_can_be_stopped(void **state)
{
    struct bench *b = *state;
    struct config_category *categories = (struct config_category *)(uintptr_t)b->config->config.categories;
    for (size_t i = 0; i < b->config->config.category_count; i++)
        categories[i].required = str_eqz(str_of(categories[i].name), "LOUD");
    assert_int_equal(subscribe(b, "ann", "", "LOUD", NULL), BELFRY_EPERM);
    rows(b, "INSERT INTO preference(org, username, id, doc) SELECT id, 'ann', 5,"
            " '{\"email\":{\"LOUD\":\"digest\",\"hub\":\"unseen\",\"work\":\"off\"},\"timezone\":\"Europe/Berlin\"}'"
            " FROM name WHERE text = 'acme'");
    assert_int_equal(subscribe(b, "ann", "", "", NULL), 1);
    assert_string_equal(before, "{\"email\":{\"LOUD\":\"digest\",\"hub\":\"unseen\",\"work\":\"off\"}}");
    expect_rows(b, CHOSEN, "ann {\"LOUD\":\"digest\",\"hub\":\"off\",\"work\":\"off\"} off");
    assert_int_equal(subscribe(b, "ann", "", "", NULL), 0);
    char given[512];
    snprintf(given, sizeof(given), "{\"email\":{\"LOUD\":\"digest\",\"hub\":\"unseen\",\"work\":\"off\"}}");
    assert_int_equal(subscribe(b, "ann", "", "", given), 1);
    expect_rows(b, CHOSEN, "ann {\"LOUD\":\"digest\",\"hub\":\"unseen\",\"work\":\"off\"} -");
    expect_rows(b, "SELECT doc ->> '$.timezone' FROM preference", "Europe/Berlin");
}

static void test_what_comes_back_from_a_browser_is_not_believed(void **state)
{
    static const char *const wrong[] = {"x", "[]", "{\"email\":{\"nothing\":\"digest\"}}", "{\"email\":{\"work\":7}}",
                                        "{\"timezone\":\"Europe/Berlin\",\"shortcuts\":false}"};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        subscribe(b, "ann", "", "work", NULL);
        assert_int_equal(subscribe(b, "ann", "", "work", wrong[i]), 1);
        expect_rows(b, CHOSEN, "ann {} -");
        expect_rows(b, "SELECT coalesce(doc ->> '$.timezone', '-'), doc ->> '$.shortcuts' FROM preference", "- 1");
    }
}

static void test_who_is_nobody_here(void **state)
{
    struct bench *b = *state;
    assert_int_equal(subscribe(b, "zoe", "", "work", NULL), BELFRY_ENOTFOUND);
    assert_int_equal(subscribe(b, "", "no address", "work", NULL), BELFRY_EINVAL);
    expect_rows(b, CHOSEN, "");
    expect_rows(b, AUDIT, "");
    expect_rows(b, "SELECT count(*) FROM person", "0");
}

static void test_somebody_outside(void **state)
{
    struct bench *b = *state;
    assert_int_equal(subscribe(b, "", "Pat@shop.example", "work", NULL), 1);
    assert_int_equal(subscribe(b, "", "pat@shop.example", "work", NULL), 0);
    assert_string_equal(before, "{\"off\":true}");
    expect_rows(b, SUPPRESSED, "pat@shop.example work 3 - -");
    assert_int_equal(subscribe(b, "", "pat@shop.example", "work", before), 0); /* it was off before that */
    assert_int_equal(subscribe(b, "", "pat@shop.example", "", NULL), 1);
    report(b, BELFRY_ADDRESS_BOUNCED, "acme", "pat@shop.example", 0, "gone");
    assert_int_equal(subscribe(b, "", "pat@shop.example", "", "{\"off\":false}"), 1);
    expect_rows(b, SUPPRESSED, "pat@shop.example work 3 - -\npat@shop.example * 1 - gone"); /* a bounce is no choice */
    assert_int_equal(subscribe(b, "", "pat@shop.example", "", ""), 1);
    expect_rows(b, SUPPRESSED, "pat@shop.example * 1 - gone");
    expect_rows(b, "SELECT count(*) FROM preference", "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_bounce_fails_its_mail_and_tells_the_person, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_becomes_of_the_mail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mails_that_come_back_for_now, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_ours_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_kept_of_who_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_mail_to_an_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_notice_is_there_as_long_as_it_is_true, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_address_has_no_history, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_unsubscribed_is_not_trusted_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_person_stops_a_category_and_takes_it_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_person_stops_all_that_can_be_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_comes_back_from_a_browser_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_is_nobody_here, setup, teardown),
        cmocka_unit_test_setup_teardown(test_somebody_outside, setup, teardown),
    };
    return cmocka_run_group_tests_name("ledger_addresses", tests, NULL, NULL);
}
