/* SPDX-License-Identifier: Apache-2.0 */
/* What good files become: every part of the model, defaults, the order of includes, secrets when the hub runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

static int enter(void **state)
{
    (void)state;
    setenv("BELFRY_PLUGIN_PATH", BELFRY_SRCDIR "/tests/config/plugins", 1);
    return chdir(BELFRY_SRCDIR "/tests/config/good");
}

static struct config *load(const char *path, enum config_mode mode)
{
    struct diag_set *diags;
    struct config *config = config_load(path, mode, NULL, &diags);
    if (!config) {
        struct buf text = {0};
        diag_render_text(diags, &text, 0);
        print_error("%s\n", text.ptr);
        buf_free(&text);
        diag_set_free(diags);
    }
    return config;
}

/* A configuration from text, through a file of the test's own. */
static struct config *load_text(const char *text, enum config_mode mode, struct diag_set **diags)
{
    char path[] = "/tmp/belfry-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    struct config *config = config_load(path, mode, NULL, diags);
    unlink(path);
    return config;
}

static void assert_names(const struct config_names *names, const char *wanted)
{
    struct buf text = {0};
    for (size_t i = 0; i < names->count; i++)
        buf_addf(&text, "%s%s", i > 0 ? " " : "", names->items[i]);
    assert_string_equal(text.ptr ? text.ptr : "", wanted);
    buf_free(&text);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *c = load("minimal.yaml", CONFIG_CHECK);
    assert_non_null(c);
    assert_int_equal(c->hub.listen_count, 1);
    assert_string_equal(c->hub.listen[0], "127.0.0.1:8420");
    assert_string_equal(c->hub.public_url, "http://127.0.0.1:8420");
    assert_string_equal(c->hub.data_dir, "/var/lib/belfry");
    assert_string_equal(c->hub.timezone, "UTC");
    assert_null(c->hub.tls_cert);
    assert_int_equal(c->hub.has_secret, 0);
    assert_int_equal(c->hub.limits.event_bytes, 512 * 1024);
    assert_int_equal(c->hub.limits.request_bytes, 8 * 1024 * 1024);
    assert_int_equal(c->hub.limits.batch_events, 1000);
    assert_int_equal(c->hub.limits.connections, 12000);
    assert_int_equal(c->hub.limits.pending_bytes, 64 * 1024 * 1024);
    assert_int_equal(c->hub.limits.pending_triggers, 20000);
    assert_int_equal(c->hub.limits.per_token_rate, 0);
    assert_int_equal(c->hub.limits.disk_floor_bytes, 64 * 1024 * 1024);
    assert_int_equal(c->retention.inbox, 0);
    assert_int_equal(c->retention.attempts, 30);
    assert_int_equal(c->retention.decisions, 90);
    assert_int_equal(c->retention.dedupe, 30);
    assert_int_equal(c->jwt.hs256_count, 0);
    assert_null(c->login_url);
    assert_int_equal(c->token_count + c->rule_count + c->source_count + c->schedule_count, 0);
    assert_int_equal(c->unmatched.deliver_count, 1);
    assert_ptr_equal(c->unmatched.deliver[0].channel, &c->channels[0]);
    config_unref(c);
}

static void test_example(void **state)
{
    (void)state;
    struct config *c = load("example.yaml", CONFIG_CHECK);
    assert_non_null(c);
    assert_string_equal(c->hub.public_url, "https://belfry.example.org");
    assert_int_equal(c->token_count, 1);
    assert_string_equal(c->tokens[0].org, "acme");
    assert_int_equal(c->tokens[0].may, 0);
    assert_names(&c->tokens[0].may_trigger, "crm");
    const struct config_user *ann = config_user(c, STR("acme"), STR("ann"));
    assert_non_null(ann);
    assert_string_equal(ann->name, "Ann Lee");
    assert_string_equal(ann->email, "ann@acme.example");
    assert_names(&ann->roles, "sales-manager");
    assert_int_equal(ann->span.line, 9);
    assert_null(config_user(c, STR("acme"), STR("carl")));
    assert_null(config_user(c, STR("globex"), STR("ann")));
    const struct config_category *blocked = config_category(c, STR("CALC_BLOCKED"));
    assert_string_equal(blocked->label, "Calculation blocked");
    assert_names(&blocked->visible_to, "sales-manager");
    assert_int_equal(blocked->email, CONFIG_EMAIL_UNSEEN);
    assert_string_equal(config_label(blocked, STR("de-AT")).ptr, "Calculation blocked");
    assert_string_equal(config_label(config_category(c, STR("workflow")), STR("de")).ptr, "workflow");
    const struct config_category *hub = config_category(c, STR("hub"));
    assert_string_equal(config_label(hub, STR("de-AT")).ptr, "Benachrichtigungsdienst");
    assert_string_equal(config_label(hub, STR("den")).ptr, "Notification service");
    assert_string_equal(config_label(hub, STR("")).ptr, "Notification service");
    assert_null(config_category(c, STR("invoice")));
    assert_int_equal(c->rule_count, 4);
    const struct config_rule *mail = &c->rules[1], *hot = &c->rules[2];
    assert_int_equal(mail->deliver[0].after_ms, 300000);
    assert_int_equal(mail->deliver[0].unless, CONFIG_UNLESS_SEEN | CONFIG_UNLESS_HANDLED);
    assert_string_equal(hot->name, "escalate-hot-leads");
    assert_int_equal(hot->deliver[0].after_ms, 900000);
    assert_int_equal(hot->deliver[0].to_count, 1);
    assert_int_equal(hot->deliver[0].to[0].kind, BELFRY_TO_ROLE);
    assert_string_equal(hot->deliver[0].to[0].name, "sales-manager");
    assert_int_equal(hot->span.line, 25);
    assert_true(match_reads(hot->when, "data"));
    config_unref(c);
}

static void test_every_key(void **state)
{
    (void)state;
    struct config *c = load("every-org.yaml", CONFIG_CHECK);
    assert_non_null(c);
    assert_string_equal(c->hub.listen[1], "[::1]:8420");
    assert_string_equal(c->hub.public_url, "https://127.0.0.1:8420");
    assert_names(&c->hub.trusted_proxies, "127.0.0.1 fd00::/8");
    assert_int_equal(c->hub.limits.per_token_rate, 6000);
    assert_int_equal(c->hub.limits.request_bytes, 16 * 1024 * 1024);
    assert_int_equal(c->tokens[0].may,
                     CONFIG_MAY_TRIGGER_ALL | CONFIG_MAY_USERS | CONFIG_MAY_ENDPOINTS | CONFIG_MAY_READ);
    assert_int_equal(c->tokens[1].may, CONFIG_MAY_OPERATOR);
    const struct config_org *acme = config_org(c, STR("acme"));
    assert_string_equal(acme->name, "acme");
    assert_string_equal(acme->jwt.only_org, "acme");
    assert_string_equal(config_org(c, STR("anything"))->name, "*");
    assert_null(config_org(c, STR("metrics")));
    assert_null(config_org(c, STR("*x")));
    assert_null(config_org(c, STR("*")));
    assert_string_equal(config_user(c, STR("acme"), STR("zo\xC3\xAB"))->locale, "de-AT");
    assert_non_null(config_user(c, STR("acme"), STR("007")));
    assert_string_equal(c->sources[1].was, "older");
    assert_int_equal(c->sources[1].feed_every_ms, 300000);
    assert_string_equal(c->sources[1].feed_org, "acme");
    assert_true(config_serves(&c->sources[0], STR("anybody")));
    assert_false(config_serves(&c->sources[0], STR("globex")));
    assert_true(config_serves(&c->sources[1], STR("globex")));
    assert_int_equal(c->schedules[0].from_min, 22 * 60);
    assert_int_equal(c->schedules[0].weekdays, 31);
    assert_int_equal(c->schedules[1].weekdays, 96);
    const struct config_rule *noise = &c->rules[0], *people = &c->rules[1];
    assert_int_equal(noise->stop, 1);
    assert_int_equal(noise->deliver_count, 0);
    assert_non_null(people->but);
    assert_string_equal(people->schedule, "night");
    assert_names(&people->orgs, "acme");
    assert_int_equal(people->deliver[1].to_count, 5);
    assert_int_equal(people->deliver[1].to[0].kind, CONFIG_TO_AUDIENCE);
    assert_int_equal(people->deliver[1].to[1].kind, BELFRY_TO_USER);
    assert_string_equal(people->deliver[1].to[1].name, "zo\xC3\xAB");
    assert_int_equal(people->deliver[1].to[4].kind, BELFRY_TO_EMAIL);
    assert_int_equal(people->deliver[1].after_ms, 3600000);
    assert_int_equal(people->deliver[1].unless, CONFIG_UNLESS_SEEN); /* the channel's own */
    assert_int_equal(people->deliver[2].unless, CONFIG_UNLESS_HANDLED);
    assert_int_equal(c->retention.attempts, 14);
    assert_int_equal(c->retention.events, 365);
    config_unref(c);
}

/* What people are shown is one line, whoever wrote it: mails refuse to be written otherwise. */
static void test_names_and_labels_are_one_line(void **state)
{
    (void)state;
    struct diag_set *diags;
    struct config *c = load_text("version: 1\n"
                                 "orgs: {acme: {users: {ann: {name: \"Ann\\t\\u202eLee\\nof Sales\"}, bob: {}}}}\n"
                                 "categories: {leads: {label: \"Big\\r\\nleads\\u2028\\u2066!\"}}\n"
                                 "channels: {inbox: {plugin: in-app}}\n"
                                 "unmatched: {deliver: [inbox]}\n",
                                 CONFIG_CHECK, &diags);
    assert_non_null(c);
    assert_string_equal(config_user(c, STR("acme"), STR("ann"))->name, "Ann Lee of Sales");
    assert_null(config_user(c, STR("acme"), STR("bob"))->name);
    assert_string_equal(config_category(c, STR("leads"))->label, "Big leads !");
    config_unref(c);
}

static void test_includes(void **state)
{
    (void)state;
    struct config *c = load("includes.yaml", CONFIG_CHECK);
    assert_non_null(c);
    assert_int_equal(c->rule_count, 3);
    assert_string_equal(c->rules[0].name, "main");
    assert_string_equal(c->rules[1].name, "early");
    assert_string_equal(c->rules[2].name, "late");
    assert_int_equal(c->rules[2].index, 2);
    assert_int_equal(c->org_count, 2);
    assert_string_equal(c->orgs[1].timezone, "America/New_York");
    assert_int_equal(c->hub.metrics_by_org, 1);
    assert_string_equal(c->hub.timezone, "UTC");
    config_unref(c);
}

#define PLAIN "version: 1\norgs: {acme: {}}\nunmatched: {deliver: []}\n"

static void test_secrets_are_needed_to_run(void **state)
{
    (void)state;
    static const char text[] =
        PLAIN "hub: {secret: \"${env:BELFRY_TEST_KEY}\"}\n"
              "auth:\n  jwt: {hs256: \"${env:BELFRY_TEST_JWT}\"}\n"
              "  tokens: [{name: a, org: acme, secret: \"${env:BELFRY_TEST_TOKEN}\", may: read}]\n";
    struct diag_set *diags;
    unsetenv("BELFRY_TEST_TOKEN");
    setenv("BELFRY_TEST_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F", 1);
    setenv("BELFRY_TEST_JWT", "too short", 1);
    assert_null(load_text(text, CONFIG_RUN, &diags));
    assert_int_equal(diag_count(diags, DIAG_ERROR), 2);
    assert_string_equal(diag_get(diags, 0)->code, "H603");
    assert_string_equal(diag_get(diags, 1)->code, "H602");
    diag_set_free(diags);

    setenv("BELFRY_TEST_JWT", "01234567890123456789012345678901", 1);
    setenv("BELFRY_TEST_TOKEN", "a-token-of-an-application", 1);
    struct config *c = load_text(text, CONFIG_RUN, &diags);
    assert_non_null(c);
    assert_int_equal(diag_total(diags), 0);
    assert_int_equal(c->hub.has_secret, 1);
    assert_int_equal(c->hub.secret[1], 1);
    assert_int_equal(c->hub.secret[31], 31);
    assert_int_equal(c->jwt.hs256[0].len, 32);
    assert_memory_equal(c->jwt.hs256[0].bytes, "01234567890123456789012345678901", 32);
    assert_int_equal(c->tokens[0].secret_len, strlen("a-token-of-an-application"));
    config_unref(c);
}

static void test_hash_follows_meaning(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "channels: {inbox: {plugin: in-app, page_size: 20}}\n",
        "channels:\n  # the same\n  inbox:\n    page_size: 20\n    plugin: \"in-app\"\n",
        "channels: {inbox: {plugin: in-app, page_size: 21}}\n",
    };
    uint64_t hashes[3];
    for (size_t i = 0; i < 3; i++) {
        struct diag_set *diags;
        struct buf text = {0};
        buf_addf(&text, "%s%s", PLAIN, texts[i]);
        struct config *c = load_text(text.ptr, CONFIG_CHECK, &diags);
        assert_non_null(c);
        hashes[i] = c->channels[0].hash;
        config_unref(c);
        buf_free(&text);
    }
    assert_true(hashes[0] == hashes[1]);
    assert_true(hashes[0] != hashes[2]);
}

static void test_visible(void **state)
{
    (void)state;
    const char *items[] = {"admin", "sales-manager"};
    struct belfry_str roles[] = {STR("clerk"), STR("sales-manager")};
    struct config_category open = {.name = "a"}, closed = {.name = "b", .visible_to = {items, 2}};
    assert_true(config_visible(&open, &(struct belfry_strs){NULL, 0}));
    assert_false(config_visible(&closed, &(struct belfry_strs){NULL, 0}));
    assert_false(config_visible(&closed, &(struct belfry_strs){roles, 1}));
    assert_true(config_visible(&closed, &(struct belfry_strs){roles, 2}));
}

static void test_references(void **state)
{
    (void)state;
    struct config *c = load("minimal.yaml", CONFIG_CHECK);
    assert_ptr_equal(config_ref(c), c);
    config_unref(c);
    assert_string_equal(c->channels[0].name, "inbox"); /* still there */
    config_unref(c);
    config_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_names_and_labels_are_one_line),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_secrets_are_needed_to_run),
        cmocka_unit_test(test_hash_follows_meaning),
        cmocka_unit_test(test_visible),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests(tests, enter, NULL);
}
