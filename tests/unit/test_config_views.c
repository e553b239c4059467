/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a configuration: the described text holds no secret, differences name what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

#define BASE "version: 1\norgs: {acme: {}}\nunmatched: {deliver: [inbox]}\n"
#define CHANNELS "channels: {inbox: {plugin: in-app}}\n"
#define URL_CANARY "bird-9876543210"
#define CANARY "canary/0123456789/0123456789/0123456789" /* base64 as well: secrets of endpoints are */

static struct config *load(const char *text, enum diag_severity worst, struct buf *shown)
{
    char path[] = "/tmp/belfry-config-XXXXXX";
    struct diag_set *diags;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    setenv("BELFRY_PLUGIN_PATH", BELFRY_SRCDIR "/tests/config/plugins", 1);
    struct config *config = config_load(path, CONFIG_CHECK, NULL, &diags);
    unlink(path);
    if (shown) {
        diag_render_text(diags, shown, 0);
        diag_render_json(diags, shown);
    }
    assert_int_equal(config == NULL, worst == DIAG_ERROR);
    if (!config)
        diag_set_free(diags);
    return config;
}

static char *described(const struct config *config)
{
    json_t *json = config_describe(config);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

/* Literals in every option that is a secret, and in URLs. */
static const char secrets[] = BASE
    "hub: {secret: " CANARY "-x}\n"
    "auth:\n"
    "  jwt: {hs256: [" CANARY ", '" CANARY "']}\n"
    "  metrics_token: " CANARY "\n"
    "  login_url: \"https://app.example.org/sso?k=" URL_CANARY "\"\n"
    "  tokens: [{name: a, org: acme, secret: " CANARY ", may: read}]\n"
    "sources: {crm: {plugin: workflow, feed: {url: \"https://u:" URL_CANARY "@crm.example.org/e?t=" URL_CANARY
    "\", org: acme, token: " CANARY "}}}\n"
    "channels:\n"
    "  inbox: {plugin: in-app}\n"
    "  mail: {plugin: email, from: a@acme.example, smtp: \"smtp://127.0.0.1\", username: hub, password: " CANARY "}\n"
    "  hooks: {plugin: webhook, endpoints: [{name: e, url: \"https://e.example.org/\", secret: " CANARY "}]}\n";

static void test_no_secret_is_shown(void **state)
{
    (void)state;
    struct buf shown = {0}, good = {0};
    load(secrets, DIAG_ERROR, &shown); /* hub.secret is not 32 bytes */
    buf_addz(&good, secrets);
    char *at = strstr(good.ptr, CANARY "-x");
    memset(at, 'a', 32); /* now it is, with what follows blanked */
    memset(at + 32, ' ', strlen(CANARY "-x") - 32);
    struct config *config = load(good.ptr, DIAG_WARNING, &shown);
    char *text = described(config);
    assert_non_null(strstr(shown.ptr, "metrics_token: <redacted>"));
    assert_null(strstr(shown.ptr, CANARY));
    assert_null(strstr(text, URL_CANARY));
    assert_null(strstr(text, CANARY));
    assert_non_null(strstr(text, "\"metrics_token\":\"<redacted>\""));
    assert_non_null(strstr(text, "https://<redacted>@crm.example.org/e?<redacted>"));
    assert_non_null(strstr(text, "https://app.example.org/sso?<redacted>"));
    assert_non_null(strstr(text, "\"username\":\"hub\""));
    free(text);
    buf_free(&shown);
    buf_free(&good);
    config_unref(config);
}

static void test_substituted_secret_is_hidden(void **state)
{
    (void)state;
    struct config *config =
        load(BASE CHANNELS "auth: {login_url: \"https://app.example.org/${env:PAGE:-" CANARY "}\"}\n", DIAG_NOTE, NULL);
    char *text = described(config);
    assert_null(strstr(text, CANARY));
    free(text);
    config_unref(config);
}

/* --- differences ------------------------------------------------------------------------------------------------- */

struct change {
    const char *before, *after, *changed, *restart;
};

static const struct change changes[] = {
    {"", "", "{}", "[]"},
    {"", "# a comment\n", "{}", "[]"},
    {"rules: [{name: a, deliver: [inbox]}]\n", "rules: [{deliver: [inbox], name: \"a\"}]\n", "{}", "[]"},
    {"", "rules: [{name: a, deliver: [inbox]}]\n", "{\"rules\":\"+1~0-0\"}", "[]"},
    {"rules: [{name: a, deliver: [inbox]}, {name: b, when: {severity: error}, deliver: []}]\n",
     "rules: [{name: a, deliver: []}, {name: c, when: {severity: error}, deliver: []}]\n", "{\"rules\":\"+1~1-1\"}",
     "[]"},
    {"rules: [{name: a, deliver: [inbox]}, {name: b, when: {severity: error}, deliver: []}]\n",
     "rules: [{name: b, when: {severity: error}, deliver: []}, {name: a, deliver: [inbox]}]\n",
     "{\"rules\":\"+0~0-0 reordered\"}", "[]"},
    {"hub: {timezone: UTC}\n", "hub: {timezone: Europe/Berlin, data_dir: /srv/b, listen: \"127.0.0.1:1\"}\n",
     "{\"hub\":\"+2~1-0\"}", "[\"hub.listen\",\"hub.data_dir\"]"},
    {"hub: {listen: \"127.0.0.1:8420\"}\n", "", "{\"hub\":\"+0~0-1\"}", "[]"},
    {"", "hub: {tls: {cert: \"${env:A}\", key: \"${env:B}\"}}\n", "{\"hub\":\"+1~0-0\"}", "[\"hub.tls\"]"},
    {"auth: {metrics_token: aaaaaaaaaaaaaaaa}\n", "auth: {metrics_token: bbbbbbbbbbbbbbbb}\n", "{\"auth\":\"+0~1-0\"}",
     "[]"},
    {"retention: {runs: 9d}\n", "retention: {runs: 10d}\n", "{\"retention\":\"+0~1-0\"}", "[]"},
};

static void test_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct change *row = &changes[i];
        struct buf old = {0}, new = {0};
        json_t *restart;
        buf_addf(&old, "%s%s", BASE CHANNELS, row->before);
        buf_addf(&new, "%s%s", BASE CHANNELS, row->after);
        struct config *before = load(old.ptr, DIAG_NOTE, NULL), *after = load(new.ptr, DIAG_NOTE, NULL);
        json_t *changed = config_diff(before, before, after, &restart);
        char *changed_text = json_dumps(changed, JSON_COMPACT), *restart_text = json_dumps(restart, JSON_COMPACT);
        if (strcmp(changed_text, row->changed) != 0 || strcmp(restart_text, row->restart) != 0)
            fail_msg("row %zu: %s %s", i, changed_text, restart_text);
        free(changed_text);
        free(restart_text);
        json_decref(changed);
        json_decref(restart);
        config_unref(before);
        config_unref(after);
        buf_free(&old);
        buf_free(&new);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_secret_is_shown),
        cmocka_unit_test(test_substituted_secret_is_hidden),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
