/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run log over its API and as pages, on the fake host: who sees what, filters, cursors, and that nothing of what
 * comes from outside gets into a page unescaped.
 */
#include "sync_fixture.h"

#include <jansson.h>
#include <stdio.h>

#define API "/v1/acme/sources/sync/runs"
#define PAGE "/acme/runs/sync"

static const struct belfry_test_reply *get(struct belfry_test *t, const char *who, const char *path)
{
    belfry_test_as(t, who);
    const struct belfry_test_reply *reply = belfry_test_call(t, &(struct belfry_test_call){.path = path});
    belfry_test_as(t, "token:test");
    return reply;
}

static void end_run(struct belfry_test *t, const char *id, const char *kind, const char *admin, const char *outcome,
                    const char *time)
{
    char data[300];
    snprintf(data, sizeof(data), "{'run':{'id':'%s','kind':'%s','admin':'%s'},'outcome':'%s'}", id, kind, admin,
             outcome);
    assert_int_equal(sync_send(t, "sync.finished", json(data), time), BELFRY_OK);
}

/* The ids of a list, and a bar with the cursor's id behind when there is more. */
static const char *ids(const struct belfry_test_reply *reply)
{
    static char out[4000];
    json_t *doc = json_loads(reply->body, 0, NULL), *item;
    size_t i;
    assert_int_equal(reply->status, 200);
    out[0] = '\0';
    json_array_foreach(json_object_get(doc, "items"), i, item)
    {
        strcat(out, *out ? " " : "");
        strcat(out, json_string_value(json_object_get(item, "id")));
        assert_null(json_object_get(item, "log"));
    }
    const char *next = json_string_value(json_object_get(doc, "next"));
    if (next)
        strcat(strcat(out, " | "), next + 14);
    json_decref(doc);
    return out;
}

static struct belfry_test *some_runs(void)
{
    struct belfry_test *t = sync_new(NULL);
    end_run(t, "s1", "sync", "ann", "succeeded", "2026-01-05T08:00:00Z");
    end_run(t, "s2", "sync", "bob", "failed", "2026-01-05T08:10:00Z");
    end_run(t, "i1", "import", "olga", "partial", "2026-01-05T08:20:00Z");
    end_run(t, "o1", "overview", "olga", "succeeded", "2026-01-04T23:30:00Z");
    belfry_test_told(t);
    return t;
}

static void test_a_list_is_newest_first_and_filtered(void **state)
{
    (void)state;
    static const struct {
        const char *query, *ids;
    } rows[] = {
        {"", "i1 s2 s1 o1"},
        {"?kind=sync", "s2 s1"},
        {"?kind=&outcome=&admin=&from=&to=", "i1 s2 s1 o1"},
        {"?outcome=failed", "s2"},
        {"?admin=olga&outcome=partial", "i1"},
        {"?admin=nobody", ""},
        {"?kind=recalculation", ""},
        {"?from=2026-01-05", "i1 s2 s1"},
        {"?to=2026-01-04", "o1"},
        {"?from=2026-01-04&to=2026-01-05", "i1 s2 s1 o1"},
        {"?from=2026-01-05T08:10:00Z&to=2026-01-05T08:10:00.000Z", "s2"},
        {"?from=2026-01-05T09:10:00%2B01:00", "i1 s2"},
        {"?from=2026-01-05T09:10:00+01:00", "i1 s2"},
        {"?to=2026-01-05T08:09:59.999Z", "s1 o1"},
        {"?to=2300-01-01", "i1 s2 s1 o1"},
        {"?to=9999-12-31T23:59:59.999Z", "i1 s2 s1 o1"},
        {"?from=2300-01-01", ""},
        {"?from=0001-01-01&to=1969-12-31", ""},
        {"?limit=2", "i1 s2 | s2"},
        {"?limit=4", "i1 s2 s1 o1"},
        {"?limit=2&before=1767600600000/s2", "s1 o1"},
        {"?limit=1&kind=sync&before=1767601200000/i1", "s2 | s2"},
        {"?before=1767600600000/s2&to=2026-01-04", "o1"},
    };
    struct belfry_test *t = some_runs();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[200];
        snprintf(path, sizeof(path), API "%s", rows[i].query);
        const char *found = ids(get(t, "token:reader", path));
        if (strcmp(found, rows[i].ids) != 0)
            fail_msg("%s: %s, not %s", rows[i].query, found, rows[i].ids);
    }
    belfry_test_free(t);
}

static void test_bad_values_are_400(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "kind=Sync",
        "kind=a%20b",
        "outcome=done",
        "outcome=failed&outcome=partial",
        "admin=a/b",
        "admin=a:b",
        "from=yesterday",
        "from=2026-02-30",
        "to=2026-01-05T25:00:00Z",
        "to=2026-01-05T08:00",
        "limit=0",
        "limit=201",
        "limit=x",
        "before=x",
        "before=1767600600000/",
        "before=176760060000x/s",
    };
    struct belfry_test *t = some_runs();
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        char path[200];
        snprintf(path, sizeof(path), API "?%s", queries[i]);
        const struct belfry_test_reply *reply = get(t, "token:reader", path);
        if (reply->status != 400)
            fail_msg("%s: %u", queries[i], (unsigned)reply->status);
        snprintf(path, sizeof(path), PAGE "?%s", queries[i]);
        reply = get(t, "person:ann", path);
        assert_int_equal(reply->status, 200);
        assert_non_null(strstr(reply->body, "Part of the address was left out"));
    }
    belfry_test_free(t);
}

static void test_people_see_what_they_started_and_admins_everything(void **state)
{
    (void)state;
    struct belfry_test *t = some_runs();
    assert_string_equal(ids(get(t, "person:ann", API)), "i1 s2 s1 o1");
    assert_string_equal(ids(get(t, "person:olga", API)), "i1 o1");
    assert_string_equal(ids(get(t, "person:olga", API "?admin=ann")), "");
    assert_string_equal(ids(get(t, "person:cara", API)), "");
    assert_int_equal(get(t, "person:olga", API "/i1")->status, 200);
    assert_int_equal(get(t, "person:olga", API "/s1")->status, 404);
    assert_int_equal(get(t, "person:olga", PAGE "/s1")->status, 404);
    assert_null(strstr(get(t, "person:olga", PAGE)->body, "s1"));
    assert_non_null(strstr(get(t, "person:ann", PAGE)->body, "/acme/runs/sync/s1"));
    belfry_test_org(t, "globex");
    assert_string_equal(ids(get(t, "token:reader", "/v1/globex/sources/sync/runs")), "");
    assert_int_equal(get(t, "token:reader", "/v1/globex/sources/sync/runs/s1")->status, 404);
    belfry_test_free(t);
}

static void test_a_run_as_a_dialog_polls_it(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new("stalled_after: 1h");
    assert_int_equal(get(t, "token:reader", API "/7")->status, 404);
    sync_send(t, "sync.started", json("{'run':{'id':'7','kind':'sync','admin':'ann'}}"), NULL);
    sync_send(t, "sync.progress", json("{'run':{'id':'7'},'done':120,'total':500,'note':'Accounts'}"), NULL);
    assert_string_equal(
        get(t, "token:reader", API "/7")->body,
        json("{'id':'7','kind':'sync','admin':'ann','state':'running','background':false,'outcome':null,"
             "'started_at':'2026-01-05T09:00:00.000Z','finished_at':null,'duration_ms':null,"
             "'progress':{'done':120,'total':500,'note':'Accounts'},'counts':null,'url':null,'log':null}"));
    belfry_test_advance(t, "60s");
    assert_non_null(strstr(get(t, "token:reader", API "/7")->body, json("'background':true")));
    belfry_test_advance(t, "2h");
    assert_non_null(strstr(get(t, "token:reader", API "/7")->body, json("'state':'stalled'")));
    sync_send(t, "sync.finished",
              json("{'run':{'id':'7'},'outcome':'partial','counts':{'new':2},'url':'/r/7','log':['one','two']}"), NULL);
    assert_string_equal(
        get(t, "token:reader", API "/7")->body,
        json("{'id':'7','kind':'sync','admin':'ann','state':'finished','background':true,'outcome':'partial',"
             "'started_at':'2026-01-05T09:00:00.000Z','finished_at':'2026-01-05T11:01:00.000Z','duration_ms':7260000,"
             "'progress':null,'counts':{'new':2},'url':'/r/7','log':'one\\ntwo\\n'}"));
    belfry_test_told(t);
    belfry_test_free(t);
}

static void test_pages_escape_everything(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    sync_send(t, "sync.started", json("{'run':{'id':'<b>&/7','kind':'sync','admin':'<i>'}}"), "2026-01-05T08:00:00Z");
    sync_send(t, "sync.progress", json("{'run':{'id':'<b>&/7'},'done':1,'total':2,'note':'<u>'}"), NULL);
    const struct belfry_test_reply *reply = get(t, "person:ann", PAGE "/%3Cb%3E%26%2F7");
    assert_int_equal(reply->status, 200);
    assert_non_null(strstr(reply->body, "1 of 2: &lt;u&gt;"));
    sync_send(
        t, "sync.finished",
        json("{'run':{'id':'<b>&/7'},'outcome':'failed','counts':{'<s>':'<q>','n':{'<p>':1},'rate':0.1},"
             "'url':'https://x.example/?a=1&b=<c>','log':'<script>alert(1)</script>\\u001b[31mred\\u001b[0m\\u0007'}"),
        NULL);
    reply = get(t, "person:ann", PAGE "/%3Cb%3E%26%2F7");
    static const char *const bad[] = {"<b>", "<i>", "<s>", "<q>", "<p>1", "<u>", "<script", "<c>", "\x1b", "\a", NULL};
    for (size_t i = 0; bad[i]; i++)
        if (strstr(reply->body, bad[i]))
            fail_msg("%s is in the page:\n%s", bad[i], reply->body);
    assert_non_null(strstr(reply->body, "&lt;script&gt;alert(1)&lt;/script&gt;red</pre>"));
    assert_non_null(strstr(reply->body, "rate</th><td>0.1</td>"));
    assert_non_null(strstr(reply->body, "href=\"https://x.example/?a=1&amp;b=&lt;c&gt;\""));
    reply = get(t, "person:ann", PAGE "?admin=%22%3E%3Cscript%3E");
    assert_null(strstr(reply->body, "<script"));
    assert_non_null(strstr(get(t, "person:ann", PAGE)->body, "/acme/runs/sync/%3Cb%3E%26%2F7"));
    belfry_test_told(t);
    belfry_test_free(t);
}

static void test_the_page_of_an_overview_says_whether_it_is_valid(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    sync_send(t, "sync.finished",
              json("{'run':{'id':'1','kind':'overview','admin':'ann'},'outcome':'succeeded','url':'/overview/1'}"),
              NULL);
    const char *page = get(t, "person:ann", PAGE "/1")->body;
    assert_non_null(strstr(page, "This overview is valid until"));
    assert_non_null(strstr(page, "href=\"/overview/1\""));
    belfry_test_advance(t, "7d");
    page = get(t, "person:ann", PAGE "/1")->body;
    assert_non_null(strstr(page, "is no longer valid"));
    assert_null(strstr(page, "/overview/1"));
    belfry_test_told(t);
    belfry_test_free(t);
}

/* A filter that fits nothing does not walk through all there is: the answer says how far it got, and where to go on. */
static void test_a_list_looks_at_five_thousand_at_most(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    for (int i = 0; i < 5003; i++) {
        char key[60];
        snprintf(key, sizeof(key), "at/%013lld/r%d", 1767600000000LL + i, i);
        belfry_test_put(t, key, json(i < 2 ? "{'k':'rare','a':'ann','o':1}" : "{'k':'sync','a':'ann','o':1}"));
    }
    assert_string_equal(ids(get(t, "token:reader", API "?kind=rare")), " | r3");
    assert_non_null(strstr(get(t, "token:reader", API "?kind=rare")->body, json("'scanned':5000")));
    assert_non_null(strstr(get(t, "person:ann", PAGE "?kind=rare")->body, "Older ones have not been looked at yet"));
    assert_string_equal(ids(get(t, "token:reader", API "?kind=rare&before=1767600000003/r3")), "r1 r0");
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_list_is_newest_first_and_filtered),
                                       cmocka_unit_test(test_bad_values_are_400),
                                       cmocka_unit_test(test_people_see_what_they_started_and_admins_everything),
                                       cmocka_unit_test(test_a_run_as_a_dialog_polls_it),
                                       cmocka_unit_test(test_pages_escape_everything),
                                       cmocka_unit_test(test_the_page_of_an_overview_says_whether_it_is_valid),
                                       cmocka_unit_test(test_a_list_looks_at_five_thousand_at_most)};
    return cmocka_run_group_tests_name("the run log", tests, NULL, NULL);
}
