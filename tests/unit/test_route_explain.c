/* SPDX-License-Identifier: Apache-2.0 */
/* Stories: of a dry run from trace and plan, of a stored event by hand; as text and as JSON; filtered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/event.h"
#include "route/explain.h"
#include "route_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1768000000000) /* 2026-01-09T23:06:40Z */

static const char rules[] =
    "[{\"name\":\"inbox-first\",\"deliver\":[\"inbox\"]},"
    "{\"name\":\"errors\",\"when\":{\"severity\":{\"gte\":\"error\"},\"data.k\":[1,2]},"
    "\"unless\":{\"actor\":\"robot\"},"
    "\"deliver\":[{\"via\":\"mail\",\"after\":300000,\"unless\":[\"seen\",\"handled\"]},\"hooks\"]},"
    "{\"name\":\"night\",\"during_quiet\":\"nights\",\"deliver\":[{\"via\":\"sms\",\"to\":[\"ann\",\"role:none\"]}]},"
    "{\"name\":\"last\",\"when\":{\"type\":\"other\"},\"deliver\":[\"sms\"]}]";

static struct story *dry_run(struct fixture *f, const char *event_text, const struct route_targets *targets)
{
    static const struct config_schedule schedule = {"nights", 22 * 60, 7 * 60, 0x7f};
    struct fixture_event *e = arena_alloc(f->arena, sizeof(*e));
    struct route_directory directory = fixture_directory(f);
    struct route_plan *plan = arena_alloc(f->arena, sizeof(*plan));
    struct explain *explain = explain_new(f->arena, &f->config);
    f->config.schedules = &schedule;
    f->config.schedule_count = 1;
    f->config.generation = 17;
    fixture_event(f, e, event_text);
    route_plan(f->route, &e->event, &directory, 0, NULL, explain_trace(explain), f->arena, plan);
    struct story *story = explain_story(explain, &e->event, plan, &directory, NOW);
    explain_targets(explain, story, fixture_channel(f, "hooks"), &targets, 1, NULL, &e->event);
    return story;
}

static struct route_targets *make_targets(void)
{
    static const struct belfry_str types[] = {STR("other")};
    static const struct belfry_strs only_other = {types, 1};
    static const struct route_target rows[] = {
        {.id = 1, .org = STR("acme"), .name = STR("crm-sink")},
        {.id = 2, .org = STR("acme"), .name = STR("0190-1"), .label = STR("logs")},
        {.id = 3, .org = STR("acme"), .name = STR("shy"), .types = &only_other}};
    return route_targets_new(rows, COUNT(rows));
}

static const char event[] =
    "{\"source\":\"crm\",\"type\":\"sync.blocked\",\"category\":\"BLOCKED\",\"severity\":\"error\","
    "\"subject\":\"item/1\",\"actor\":\"cay\",\"data\":{\"k\":2},\"time\":1767999999000,"
    "\"audience\":[\"ann owner\",\"bob\",\"cay\"]}";

#define CATEGORIES "{\"BLOCKED\":{\"visible_to\":[\"manager\"],\"webhooks\":true}}"
#define PEOPLE "{\"ann\":[\"manager\"],\"bob\":[\"sales\"]}"

static const char expected_text[] =
    "event    crm sync.blocked org=acme severity=error category=BLOCKED subject=item/1 actor=cay\n"
    "         time     2026-01-09T23:06:39.000Z\n"
    "         config   generation 17\n"
    "rules\n"
    "  \xe2\x9c\x93 inbox-first\n"
    "  \xe2\x9c\x93 errors\n"
    "      \xe2\x9c\x93 severity          gte \"error\"                 event: \"error\"\n"
    "      \xe2\x9c\x93 data.k            any of [1, 2]               event: 2\n"
    "      unless\n"
    "      \xe2\x9c\x97 actor             = \"robot\"                   event: \"cay\"\n"
    "  \xe2\x9c\x93 night\n"
    "  \xe2\x9c\x97 last                          `when` does not hold\n"
    "      \xe2\x9c\x97 type              = \"other\"                   event: \"sync.blocked\"\n"
    "  \xe2\x9c\x97 unmatched                     a rule matched\n"
    "recipients\n"
    "  ann                 owner\n"
    "      \xe2\x9c\x93 inbox           delivered             now  [rule inbox-first]\n"
    "      \xe2\x80\xa6 mail            scheduled             2026-01-09T23:11:40.000Z (in 5m) unless seen or handled  "
    "[rule errors]\n"
    "      \xe2\x80\xa6 sms             held_quiet_hours      2026-01-10T07:00:00.000Z (in 7h 53m)  schedule nights  "
    "[rule night]\n"
    "  bob                 audience, may not see this category\n"
    "      \xe2\x9c\x93 inbox           delivered             now  hidden while they lack a role that category "
    "BLOCKED is "
    "for  [rule inbox-first]\n"
    "      \xe2\x9c\x97 mail            suppressed_role       category BLOCKED is for role manager only  [rule "
    "errors]\n"
    "others\n"
    "      \xe2\x80\xa6 hooks/crm-sink  scheduled             now  [rule errors]\n"
    "      \xe2\x80\xa6 hooks/logs      scheduled             now  [rule errors]\n"
    "left out\n"
    "  cay                 did it\n"
    "  role:none           has no members  [rule night]\n"
    "  shy                 target of hooks: not one of its types\n"
    "result   2 delivered, 4 waiting, 1 not sent (dry run: nothing was written)\n";

static void test_dry_run_text(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(rules, CATEGORIES, PEOPLE);
    struct route_targets *targets = make_targets();
    struct buf out = {0};
    explain_text(dry_run(f, event, targets), NULL, &out);
    assert_string_equal(out.ptr, expected_text);
    buf_free(&out);
    route_targets_free(targets);
    fixture_free(f);
}

/* --- JSON --- */

static void check_at(const json_t *root, const char *pointer, const char *expected)
{
    struct buf got = {0};
    const json_t *value = json_at(root, pointer);
    if (value)
        json_write(value, &got);
    if (strcmp(got.ptr ? got.ptr : "nothing", expected) != 0)
        fail_msg("%s: %s", pointer, got.ptr ? got.ptr : "nothing");
    buf_free(&got);
}

static void test_dry_run_json(void **state)
{
    (void)state;
    static const struct {
        const char *pointer, *value;
    } rows[] = {
        {"/dry_run", "true"},
        {"/generation", "17"},
        {"/event/type", "\"sync.blocked\""},
        {"/event/severity", "\"error\""},
        {"/event/time", "\"2026-01-09T23:06:39.000Z\""},
        {"/event/title", "null"},
        {"/event/trigger", "null"},
        {"/rules/1/name", "\"errors\""},
        {"/rules/1/matched", "true"},
        {"/rules/1/reason", "null"},
        {"/rules/1/conditions/0/path", "\"severity\""},
        {"/rules/1/conditions/0/result", "true"},
        {"/rules/1/conditions/2/part", "\"unless\""},
        {"/rules/1/conditions/2/result", "false"},
        {"/rules/3/reason", "\"`when` does not hold\""},
        {"/rules/5", "nothing"},
        {"/recipients/0/recipient", "\"ann\""},
        {"/recipients/0/kind", "\"user\""},
        {"/recipients/0/reason", "\"owner\""},
        {"/recipients/0/may_see", "true"},
        {"/recipients/0/notification", "null"},
        {"/recipients/0/deliveries/0/outcome", "\"delivered\""},
        {"/recipients/0/deliveries/1/unless", "[\"seen\",\"handled\"]"},
        {"/recipients/0/deliveries/1/due_at", "\"2026-01-09T23:11:40.000Z\""},
        {"/recipients/0/deliveries/2/outcome", "\"held_quiet_hours\""},
        {"/recipients/0/deliveries/3", "nothing"},
        {"/recipients/1/may_see", "false"},
        {"/recipients/1/deliveries/1/outcome", "\"suppressed_role\""},
        {"/recipients/1/deliveries/1/due_at", "null"},
        {"/recipients/2", "nothing"},
        {"/deliveries/0/target", "\"crm-sink\""},
        {"/deliveries/0/target_label", "nothing"},
        {"/deliveries/1/target", "\"0190-1\""}, /* people are told what they call it, programs its name too */
        {"/deliveries/1/target_label", "\"logs\""},
        {"/deliveries/1/rule", "\"errors\""},
        {"/deliveries/2", "nothing"},
        {"/left_out/0/name", "\"cay\""},
        {"/left_out/0/rule", "null"},
        {"/left_out/1/rule", "\"night\""},
        {"/summary", "{\"delivered\":2,\"waiting\":4,\"not_sent\":1}"},
    };
    struct fixture *f = fixture_new(rules, CATEGORIES, PEOPLE);
    struct route_targets *targets = make_targets();
    json_t *story = explain_json(dry_run(f, event, targets), NULL);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_at(story, rows[i].pointer, rows[i].value);
    json_decref(story);
    route_targets_free(targets);
    fixture_free(f);
}

/* --- filters --- */

struct filter_row {
    struct explain_filter filter;
    const char *recipients, *deliveries, *rules; /* names, with a blank behind each */
};

static const struct filter_row filter_rows[] = {
    {{.who = STR("bob")}, "bob ", "inbox mail ", "inbox-first errors night last unmatched "},
    {{.who = STR("cay")}, "", "", "inbox-first errors night last unmatched "},
    {{.channel = STR("mail")}, "ann bob ", "mail mail ", "inbox-first errors night last unmatched "},
    {{.rule = STR("night")}, "ann bob ", "sms ", "night "},
    {{.who = STR("ann"), .channel = STR("inbox"), .rule = STR("inbox-first")}, "ann ", "inbox ", "inbox-first "},
};

static void add_names(const json_t *list, const char *key, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        buf_addf(out, "%s ", json_string_value(json_object_get(json_array_get(list, i), key)));
}

static void test_filters(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(rules, CATEGORIES, PEOPLE);
    struct route_targets *targets = make_targets();
    struct story *told = dry_run(f, event, targets);
    for (size_t i = 0; i < COUNT(filter_rows); i++) {
        struct buf people = {0}, deliveries = {0}, names = {0}, text = {0};
        json_t *story = explain_json(told, &filter_rows[i].filter);
        const json_t *recipients = json_object_get(story, "recipients");
        add_names(recipients, "recipient", &people);
        for (size_t r = 0; r < json_array_size(recipients); r++)
            add_names(json_object_get(json_array_get(recipients, r), "deliveries"), "channel", &deliveries);
        add_names(json_object_get(story, "deliveries"), "channel", &deliveries);
        add_names(json_object_get(story, "rules"), "name", &names);
        assert_string_equal(people.ptr ? people.ptr : "", filter_rows[i].recipients);
        assert_string_equal(deliveries.ptr ? deliveries.ptr : "", filter_rows[i].deliveries);
        assert_string_equal(names.ptr, filter_rows[i].rules);
        explain_text(told, &filter_rows[i].filter, &text);
        if (filter_rows[i].filter.who.len > 0 && !str_eqz(filter_rows[i].filter.who, "ann")) {
            assert_null(strstr(text.ptr, "  ann"));
            assert_null(strstr(text.ptr, "crm-sink"));
        }
        json_decref(story);
        buf_free(&people);
        buf_free(&deliveries);
        buf_free(&names);
        buf_free(&text);
    }
    route_targets_free(targets);
    fixture_free(f);
}

/* --- a stored event --- */

static void test_stored(void **state)
{
    (void)state;
    static const struct story_attempt attempts[] = {
        {1, NOW - 60000, 12300, BELFRY_RETRY, 503, STR("busy\x1b[31m")},
        {2, NOW - 30000, 900, BELFRY_DELIVERED, 200, {NULL, 0}},
    };
    static const struct story_notification row = {.id = STR("n-1"),
                                                  .visible_ms = NOW - 90000,
                                                  .seen_ms = NOW - 80000,
                                                  .validity = "withdrawn",
                                                  .handled_by = STR("ann")};
    static const struct story_recipient recipients[] = {
        {.name = STR("ann"), .reason = STR("owner"), .notification = &row},
        {.name = STR("p@x.example"), .reason = STR("payer"), .email = 1},
    };
    static const struct story_delivery deliveries[] = {
        {.recipient = ROUTE_NOBODY,
         .id = STR("d-1"),
         .rule = STR("hooks"),
         .channel = STR("hooks"),
         .target = STR("crm"),
         .outcome = OUTCOME_delivered,
         .ended_ms = NOW - 30000,
         .attempts = attempts,
         .attempt_count = COUNT(attempts)},
        {.recipient = 0, .rule = STR("r"), .channel = STR("mail"), .outcome = OUTCOME_viewed, .ended_ms = NOW - 1000},
    };
    static const struct story_rule matched[] = {{.name = "r", .matched = 1}, {.name = "hooks", .matched = 1}};
    static const struct story story = {.now_ms = NOW,
                                       .id = STR("e-1"),
                                       .org = STR("acme"),
                                       .source = STR("crm"),
                                       .type = STR("t"),
                                       .title = STR("evil\r\n\x1b]0;x\x07title"),
                                       .time_ms = NOW - 90000,
                                       .data = STR("{\"a\":[1]}"),
                                       .trigger_id = STR("t-1"),
                                       .trigger_type = STR("record.created"),
                                       .rules = matched,
                                       .rule_count = 2,
                                       .recipients = recipients,
                                       .recipient_count = 2,
                                       .deliveries = deliveries,
                                       .delivery_count = 2};
    struct buf out = {0};
    explain_text(&story, NULL, &out);
    for (size_t i = 0; i < out.len; i++)
        assert_true(out.ptr[i] == '\n' || (unsigned char)out.ptr[i] >= 0x20);
    assert_non_null(strstr(out.ptr, "title    evil ]0;x title\n"));
    assert_non_null(strstr(out.ptr, "      row n-1  in the inbox since 2026-01-09T23:05:10.000Z  seen "
                                    "2026-01-09T23:05:20.000Z  withdrawn  handled by ann\n"));
    assert_non_null(strstr(out.ptr, "\xe2\x9c\x97 mail            viewed                2026-01-09T23:06:39.000Z  "
                                    "[rule r]\n"));
    assert_non_null(strstr(out.ptr, "          attempt 1  2026-01-09T23:05:40.000Z  12.3 ms  503  busy [31m\n"));
    assert_non_null(strstr(out.ptr, "payer, an outside address\n      nothing is delivered\n"));
    assert_non_null(strstr(out.ptr, "result   1 delivered, 0 waiting, 1 not sent\n"));
    buf_free(&out);

    json_t *json = explain_json(&story, NULL);
    check_at(json, "/dry_run", "false");
    check_at(json, "/generation", "null");
    check_at(json, "/event/data", "{\"a\":[1]}");
    check_at(json, "/event/trigger/id", "\"t-1\"");
    check_at(json, "/event/trigger/source", "null");
    check_at(json, "/recipients/0/notification/validity", "\"withdrawn\"");
    check_at(json, "/recipients/0/notification/read_at", "null");
    check_at(json, "/recipients/1/kind", "\"email\"");
    check_at(json, "/deliveries/0/attempts/0/result", "\"retry\"");
    check_at(json, "/deliveries/0/attempts/1/code", "200");
    check_at(json, "/deliveries/0/attempts/1/detail", "null");
    check_at(json, "/being_written", "null");
    json_decref(json);
}

static void test_while_rows_are_being_written(void **state)
{
    (void)state;
    static const struct story story = {.now_ms = NOW, .org = STR("acme"), .written = 1070, .to_write = 3500};
    struct buf out = {0};
    explain_text(&story, NULL, &out);
    assert_non_null(strstr(out.ptr, "result   0 delivered, 0 waiting, 0 not sent, and deliveries to endpoints are "
                                    "being written: 1070 of 3500 are there\n"));
    buf_free(&out);
    json_t *json = explain_json(&story, NULL);
    check_at(json, "/being_written/done", "1070");
    check_at(json, "/being_written/total", "3500");
    json_decref(json);
}

static const char *no_mail_to_ann(void *arg, struct arena *in, struct belfry_str org, struct belfry_str address,
                                  struct belfry_str category, int choice)
{
    (void)arg;
    (void)in;
    int hers = str_eqz(address, "ann@acme.example") && str_eqz(org, "acme") && str_eqz(category, "work") && !choice;
    int outside = str_eqz(address, "pat@shop.example") && choice;
    return hers ? "it came back" : outside ? "she wants none" : NULL;
}

static belfry_status with_address(void *arg, struct arena *in, struct belfry_str org, struct belfry_str username,
                                  struct belfry_person *out)
{
    (void)arg;
    (void)org;
    out->email = str_of(arena_printf(in, "%.*s@acme.example", STR_ARG(username)));
    return BELFRY_OK;
}

static belfry_status bob_declines(void *arg, struct arena *in, struct belfry_str org, struct belfry_str username,
                                  struct preference *out)
{
    (void)arg;
    (void)in;
    (void)org;
    preference_init(out);
    out->fallback = CONFIG_EMAIL_OFF;
    return str_eqz(username, "bob") ? BELFRY_OK : BELFRY_ENOTFOUND;
}

/* Of a channel about which people choose, after what they chose; other channels do not mail. */
static void test_addresses_that_get_no_mail(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("[{\"name\":\"m\",\"deliver\":[\"mail\",\"sms\"]}]", "{\"work\":{}}", "{}");
    struct belfry_delivery *mail =
        (struct belfry_delivery *)(uintptr_t)f->config.channels[FIXTURE_MAIL].plugin->delivery;
    struct route_directory directory = fixture_directory(f);
    struct explain *explain = explain_new(f->arena, &f->config);
    struct fixture_event e;
    struct route_plan plan;
    mail->flags |= BELFRY_DELIVERY_PREFERENCE;
    ((struct config_category *)(uintptr_t)f->config.categories)->email = CONFIG_EMAIL_UNSEEN;
    directory.person = with_address;
    directory.preference = bob_declines;
    directory.suppressed = no_mail_to_ann;
    fixture_event(f, &e,
                  "{\"type\":\"x\",\"category\":\"work\",\"audience\":[\"ann\",\"bob\",\"cay\","
                  "\"email:pat@shop.example\"]}");
    route_plan(f->route, &e.event, &directory, 0, NULL, explain_trace(explain), f->arena, &plan);
    struct story *story = explain_story(explain, &e.event, &plan, &directory, NOW);
    static const char *const expected[] = {"suppressed_address it came back", "suppressed_preference", "scheduled",
                                           "suppressed_address she wants none"};
    for (size_t i = 0; i < story->delivery_count; i++) {
        const struct story_delivery *d = &story->deliveries[i];
        char text[200];
        snprintf(text, sizeof(text), "%s %.*s", outcome_name(d->outcome), STR_ARG(d->reason));
        const char *want = str_eqz(d->channel, "mail") ? expected[d->recipient] : "scheduled";
        if (strncmp(text, want, strlen(want)) != 0)
            fail_msg("delivery %zu: %s, not %s", i, text, want);
    }
    assert_int_equal(story->delivery_count, 8);
    fixture_free(f);
}

/* One explain serves several events: nothing of the first is in the second. */
static void test_two_events(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(rules, CATEGORIES, PEOPLE);
    struct route_directory directory = fixture_directory(f);
    struct explain *explain = explain_new(f->arena, &f->config);
    struct fixture_event e[2];
    struct route_plan plan[2];
    struct story *story[2];
    static const char *const events[] = {"{\"type\":\"x\",\"actor\":\"ann\",\"audience\":[\"ann\"]}",
                                         "{\"type\":\"other\",\"audience\":[\"bob\"]}"};
    for (size_t i = 0; i < 2; i++) {
        fixture_event(f, &e[i], events[i]);
        route_plan(f->route, &e[i].event, &directory, 0, NULL, explain_trace(explain), f->arena, &plan[i]);
        story[i] = explain_story(explain, &e[i].event, &plan[i], &directory, NOW);
    }
    assert_int_equal(story[0]->rule_count, 5);
    assert_int_equal(story[1]->rule_count, 5);
    assert_int_equal(story[0]->rules[3].matched, 0);
    assert_int_equal(story[1]->rules[3].matched, 1);
    assert_int_equal(story[0]->note_count, 2);
    assert_int_equal(story[1]->note_count, 1);
    assert_true(str_eq(story[0]->notes[0].name, STR("ann")));
    assert_true(str_eq(story[1]->notes[0].name, STR("role:none")));
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dry_run_text),
        cmocka_unit_test(test_dry_run_json),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_stored),
        cmocka_unit_test(test_while_rows_are_being_written),
        cmocka_unit_test(test_two_events),
        cmocka_unit_test(test_addresses_that_get_no_mail),
    };
    return cmocka_run_group_tests_name("route_explain", tests, NULL, NULL);
}
