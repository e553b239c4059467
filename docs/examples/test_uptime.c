/* SPDX-License-Identifier: Apache-2.0 */
/* The source of uptime.c: nested options, a condition, a template, a timer and a task on the fake host. */
#include <belfry/test.h>

#include <assert.h>
#include <string.h>

static const char yaml[] = "alarms:\n"
                           "  - name: production\n"
                           "    when: {host: {prefix: prod-}}\n"
                           "    tell: ['role:ops', ann]\n"
                           "    title: '{{check}} on {{host}} ({{severity}})'\n"
                           "    again_after: 30m\n"
                           "  - {name: rest, tell: bob}\n"
                           "lookup: {url: 'https://cmdb.example.org/owner', token: s3cret}\n";

#define FAILED(check, host) "{\"check\":\"" check "\",\"host\":\"" host "\",\"severity\":\"error\"}"

int main(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "olga", "ops");

    belfry_test_answer(t,
                       &(struct belfry_test_answer){.status = 200, .body = "{\"owner\":\"zoe\",\"host\":\"prod-7\"}"});
    belfry_test_send(t, "check.failed", FAILED("web", "prod-7"));
    belfry_test_expect(t, "uptime.failed -> olga, ann: web on prod-7 (error)\n"
                          "timer web in 30m\n"
                          "task lookup\n"
                          "uptime.yours -> zoe: Your host prod-7 has a check that fails");
    assert(strcmp(belfry_test_request(t, 0)->url, "https://cmdb.example.org/owner?host=prod-7") == 0);
    assert(strcmp(belfry_test_header(t, 0, "authorization"), "Bearer s3cret") == 0);

    belfry_test_send(t, "check.failed", FAILED("web", "prod-7")); /* known: nothing new */
    belfry_test_expect(t, "");
    belfry_test_advance(t, "30m");
    belfry_test_expect(t, "uptime.failed -> olga, ann: web on prod-7 (error)\n"
                          "timer web in 30m");
    belfry_test_expect_inbox(t, "ann", "uptime.failed: web on prod-7 (error)");

    belfry_test_answer(t, &(struct belfry_test_answer){.status = 404});
    belfry_test_send(t, "check.failed", FAILED("disk", "test-1"));
    belfry_test_expect(t, "uptime.failed -> bob: disk fails on test-1\n"
                          "timer disk in 1h\n"
                          "task lookup");

    belfry_test_send(t, "check.passed", "{\"check\":\"web\"}");
    belfry_test_expect(t, "withdraw web: it works again\n"
                          "timer web cleared");
    belfry_test_expect_inbox(t, "ann", "");

    belfry_test_send(t, "lookup.result", "{\"owner\":\"eve\",\"host\":\"prod-7\"}"); /* from outside */
    belfry_test_expect_error(t, "/type: only a task of this source has results");
    belfry_test_free(t);

    t = belfry_test_new(&belfry_entry, "alarms: [{name: a, when: {hosts: x}, tell: ann}]");
    belfry_test_expect_error(t, "1:27: unknown path `hosts`");
    belfry_test_free(t);
    return 0;
}
