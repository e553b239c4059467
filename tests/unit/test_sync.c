/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each scenario proves a sentence: Y1, over a minute a run goes to the background and its admin is told, under it
 * nobody is; Y2, an overview expires on a newer one, of whomever, or after seven days without a sync, a completed sync
 * never. The clock begins at 09:00. Steps are what happened and all that was done about it.
 */
#include "sync_fixture.h"

#include <stdio.h>

#define WAIT "wait"
#define STARTED "sync.started"
#define PROGRESS "sync.progress"
#define FINISHED "sync.finished"
#define BLOCKED "work.blocked"
#define UNBLOCKED "work.unblocked"

struct step {
    const char *type, *data; /* WAIT and how long, or a trigger */
    const char *told;        /* all that was done; NULL: refused */
    const char *error;       /* of a refused one */
    const char *time;        /* CloudEvents time; NULL: none */
};

struct scenario {
    const char *sentence, *options;
    struct step steps[12];
};

#define RUN(id, kind, admin) "{'run':{'id':'" id "','kind':'" kind "','admin':'" admin "'}}"
#define END(id, outcome) "{'run':{'id':'" id "'},'outcome':'" outcome "'}"
#define END_OF(id, kind, admin, outcome)                                                                               \
    "{'run':{'id':'" id "','kind':'" kind "','admin':'" admin "'},'outcome':'" outcome "'}"
#define DAY "2026-01-05T"

static const struct scenario lengths[] = {
    {"Y1: under a minute nobody is told, not even of a failure",
     "failures_to: 'role:ops'",
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m", NULL, NULL},
      {WAIT, "59s", "", NULL, NULL},
      {FINISHED, END("1", "failed"), "timer background/1 cleared", NULL, NULL}}},
    {"Y1: at a minute it continues in the background, and its admin is told at the end",
     NULL,
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m", NULL, NULL},
      {WAIT, "60s", "sync.backgrounded -> nobody: Sync continues in the background", NULL, NULL},
      {WAIT, "1h", "", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "sync.completed -> ann: Sync completed", NULL, NULL}}},
    {"a minute to the millisecond is not under a minute",
     NULL,
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1s", NULL, DAY "08:59:01Z"},
      {FINISHED, END("1", "succeeded"), "timer background/1 cleared\nsync.completed -> ann: Sync completed", NULL,
       DAY "09:00:01Z"},
      {STARTED, RUN("2", "sync", "ann"), "timer background/2 in 1s", NULL, DAY "08:59:01Z"},
      {FINISHED, END("2", "succeeded"), "timer background/2 cleared", NULL, DAY "09:00:00.999Z"}}},
    {"the minute is an option",
     "background_after: 5m",
     {{STARTED, RUN("1", "import", "ann"), "timer background/1 in 5m", NULL, NULL},
      {WAIT, "4m", "", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "timer background/1 cleared", NULL, NULL}}},
    {"a run of any kind is called by it",
     NULL,
     {{STARTED, RUN("1", "price_list", "ann"), "timer background/1 in 1m", NULL, NULL},
      {WAIT, "2m", "sync.backgrounded -> nobody: Price list continues in the background", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "sync.completed -> ann: Price list completed", NULL, NULL}}},
    {"who fails is told to those who look after failures, too",
     "failures_to: [otto, 'role:ops']",
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m", NULL, NULL},
      {WAIT, "2m", "sync.backgrounded -> nobody: Sync continues in the background", NULL, NULL},
      {FINISHED, END("1", "failed"), "sync.failed -> ann, otto, olga: Sync failed", NULL, NULL}}},
    {"what succeeds in part as well",
     "failures_to: olga",
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m", NULL, NULL},
      {STARTED, RUN("2", "overview", "ann"), "timer background/2 in 1m", NULL, NULL},
      {WAIT, "2m",
       "sync.backgrounded -> nobody: Sync continues in the background\n"
       "sync.backgrounded -> nobody: Overview continues in the background",
       NULL, NULL},
      {FINISHED, END("1", "partial"), "sync.completed -> ann, olga: Sync completed in part", NULL, NULL},
      {FINISHED, END("2", "partial"), "sync.overview_ready -> ann, olga: Overview is ready in part", NULL, NULL}}},
    {"the length is what the triggers' times say, where both have one: long",
     NULL,
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 50s", NULL, DAY "08:59:50Z"},
      {FINISHED, END("1", "succeeded"), "timer background/1 cleared\nsync.completed -> ann: Sync completed", NULL,
       DAY "09:01:00Z"}}},
    {"the same: short",
     NULL,
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 50s", NULL, DAY "08:59:50Z"},
      {WAIT, "5m", "sync.backgrounded -> nobody: Sync continues in the background", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "", NULL, DAY "09:00:30Z"}}},
    {"a time more than a day off is not believed, nor is one end alone",
     NULL,
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m", NULL, "2026-01-03T09:00:00Z"},
      {STARTED, RUN("2", "sync", "ann"), "timer background/2 in 1s", NULL, DAY "08:59:01Z"},
      {FINISHED, END("1", "succeeded"), "timer background/1 cleared", NULL, "2026-01-05T09:02:00Z"},
      {FINISHED, END("2", "succeeded"), "timer background/2 cleared", NULL, NULL},
      {STARTED, RUN("3", "sync", "ann"), "timer background/3 in 50s", NULL, DAY "08:59:50Z"},
      {FINISHED, END("3", "succeeded"), "timer background/3 cleared", NULL, "2026-01-07T09:00:00Z"}}},
    {"a clock that is fast puts off neither the background nor the stall, and lengths are right all the same",
     "stalled_after: 1h",
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m\ntimer stalled/1 in 1h", NULL, DAY "09:30:00Z"},
      {WAIT, "60s", "sync.backgrounded -> nobody: Sync continues in the background", NULL, NULL},
      {PROGRESS, "{'run':{'id':'1'},'done':9,'total':10}", "", NULL, DAY "09:31:00Z"},
      {WAIT, "60s", "", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "timer stalled/1 cleared\nsync.completed -> ann: Sync completed", NULL,
       DAY "09:32:00Z"}}},
    {"a start that is a minute old when it comes is in the background at once",
     NULL,
     {{STARTED, RUN("1", "sync", "ann"), "sync.backgrounded -> nobody: Sync continues in the background", NULL,
       DAY "08:30:00Z"},
      {FINISHED, END("1", "succeeded"), "sync.completed -> ann: Sync completed", NULL, DAY "09:00:00Z"}}},
};

static const struct scenario orders[] = {
    {"finished without started is kept, with unknown length, and told to run.admin if given",
     NULL,
     {{FINISHED, END_OF("1", "sync", "ann", "succeeded"), "sync.completed -> ann: Sync completed", NULL, NULL},
      {FINISHED, END("2", "succeeded"), "", NULL, NULL}}},
    {"its failure is told to those who look after failures, whoever started it",
     "failures_to: olga",
     {{FINISHED, END("1", "failed"), "sync.failed -> olga: Run failed", NULL, DAY "09:00:00Z"},
      {STARTED, RUN("1", "sync", "ann"), "sync.failed -> ann: Sync failed", NULL, DAY "08:00:00Z"}}},
    {"started after finished says who is to be told, and tells them when it was long",
     NULL,
     {{FINISHED, END("1", "succeeded"), "", NULL, DAY "08:59:00Z"},
      {STARTED, RUN("1", "import", "ann"), "sync.completed -> ann: Import completed", NULL, DAY "08:00:00Z"},
      {FINISHED, END("2", "succeeded"), "", NULL, DAY "08:59:00Z"},
      {STARTED, RUN("2", "import", "ann"), "", NULL, DAY "08:58:30Z"}}},
    {"nobody is told twice",
     NULL,
     {{FINISHED, END_OF("1", "sync", "ann", "succeeded"), "sync.completed -> ann: Sync completed", NULL, NULL},
      {STARTED, RUN("1", "sync", "ann"), "", NULL, DAY "08:00:00Z"},
      {STARTED, RUN("1", "sync", "ann"), "", NULL, DAY "08:00:00Z"},
      {FINISHED, END("1", "succeeded"), "", NULL, NULL}}},
    {"progress may come before, twice, late, and after the end",
     NULL,
     {{PROGRESS, "{'run':{'id':'1'},'done':3,'total':10,'note':null}", "", NULL, NULL},
      {STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m", NULL, NULL},
      {PROGRESS, "{'run':{'id':'1'},'done':3,'total':10}", "", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "timer background/1 cleared", NULL, NULL},
      {PROGRESS, "{'run':{'id':'1'},'done':9,'total':10}", "", NULL, NULL}}},
    {"a second end with the same outcome changes nothing; another outcome is refused and says when",
     NULL,
     {{FINISHED, END("1", "partial"), "", NULL, DAY "08:59:00Z"},
      {WAIT, "5m", "", NULL, NULL},
      {FINISHED, END("1", "partial"), "", NULL, NULL},
      {FINISHED, END("1", "failed"), NULL,
       "the run finished already: it succeeded in part at 2026-01-05T08:59:00.000Z\n"
       "handled_at = 2026-01-05T08:59:00.000Z",
       NULL}}},
};

static const struct scenario overviews[] = {
    {"Y2: an overview is valid for seven days from when it is ready",
     NULL,
     {{STARTED, RUN("1", "overview", "ann"), "timer background/1 in 1m", NULL, NULL},
      {WAIT, "1h", "sync.backgrounded -> nobody: Overview continues in the background", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "sync.overview_ready -> ann: Overview is ready", NULL, NULL},
      {WAIT, "167h", "", NULL, NULL},
      {FINISHED, END_OF("s", "sync", "bob", "failed"),
       "valid run/1 [sync.overview_ready] until 2026-01-19T09:00:00.000Z\nsync.failed -> bob: Sync failed", NULL,
       NULL}}},
    {"Y2: a new overview, of another admin too, supersedes it at once",
     NULL,
     {{FINISHED, END_OF("1", "overview", "ann", "succeeded"), "sync.overview_ready -> ann: Overview is ready", NULL,
       NULL},
      {WAIT, "1h", "", NULL, NULL},
      {STARTED, RUN("2", "overview", "bob"),
       "supersede run/1 [sync.overview_ready]: a newer overview was started\ntimer background/2 in 1m", NULL, NULL}}},
    {"one of which only the end is known is earlier than what starts at that moment",
     NULL,
     {{FINISHED, END_OF("1", "overview", "ann", "succeeded"), "sync.overview_ready -> ann: Overview is ready", NULL,
       DAY "08:50:00Z"},
      {STARTED, RUN("2", "overview", "bob"),
       "supersede run/1 [sync.overview_ready]: a newer overview was started\n"
       "sync.backgrounded -> nobody: Overview continues in the background",
       NULL, DAY "08:50:00Z"}}},
    {"Y2: a completed sync never expires",
     NULL,
     {{FINISHED, END_OF("1", "sync", "ann", "succeeded"), "sync.completed -> ann: Sync completed", NULL, NULL},
      {STARTED, RUN("2", "sync", "bob"), "timer background/2 in 1m", NULL, NULL},
      {STARTED, RUN("3", "overview", "bob"), "timer background/3 in 1m", NULL, NULL}}},
    {"an overview that was superseded while it ran is told and is not valid",
     NULL,
     {{STARTED, RUN("1", "overview", "ann"), "timer background/1 in 1m", NULL, NULL},
      {WAIT, "2m", "sync.backgrounded -> nobody: Overview continues in the background", NULL, NULL},
      {STARTED, RUN("2", "overview", "bob"), "timer background/2 in 1m", NULL, NULL},
      {FINISHED, END("1", "succeeded"),
       "sync.overview_ready -> ann: Overview is ready\n"
       "supersede run/1 [sync.overview_ready]: a newer overview was started",
       NULL, NULL}}},
    {"what is earlier is a matter of starts, not of the order in which they come",
     NULL,
     {{STARTED, RUN("2", "overview", "bob"), "timer background/2 in 50s", NULL, DAY "08:59:50Z"},
      {STARTED, RUN("1", "overview", "ann"), "timer background/1 in 40s", NULL, DAY "08:59:40Z"},
      {WAIT, "2m",
       "sync.backgrounded -> nobody: Overview continues in the background\n"
       "sync.backgrounded -> nobody: Overview continues in the background",
       NULL, NULL},
      {FINISHED, END("2", "succeeded"), "sync.overview_ready -> bob: Overview is ready", NULL, NULL},
      {FINISHED, END("1", "succeeded"),
       "sync.overview_ready -> ann: Overview is ready\n"
       "supersede run/1 [sync.overview_ready]: a newer overview was started",
       NULL, NULL}}},
    {"Y2: one that starts now is newer than one that a fast clock dates later",
     NULL,
     {{STARTED, RUN("1", "overview", "ann"), "timer background/1 in 1m", NULL, DAY "11:00:00Z"},
      {WAIT, "1h", "sync.backgrounded -> nobody: Overview continues in the background", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "sync.overview_ready -> ann: Overview is ready", NULL, NULL},
      {STARTED, RUN("2", "overview", "bob"),
       "supersede run/1 [sync.overview_ready]: a newer overview was started\ntimer background/2 in 1m", NULL, NULL}}},
    {"a sync that ended before the overview was ready gives it no more time, nor does one that comes late",
     "overview_valid_for: 2d",
     {{FINISHED, END_OF("1", "overview", "ann", "succeeded"), "sync.overview_ready -> ann: Overview is ready", NULL,
       DAY "08:59:00Z"},
      {FINISHED, END_OF("s", "sync", "bob", "succeeded"), "sync.completed -> bob: Sync completed", NULL,
       DAY "08:00:00Z"},
      {FINISHED, END_OF("i", "import", "bob", "succeeded"), "sync.completed -> bob: Import completed", NULL, NULL},
      {FINISHED, END_OF("t", "sync", "bob", "succeeded"),
       "valid run/1 [sync.overview_ready] until 2026-01-07T09:00:00.000Z\nsync.completed -> bob: Sync completed", NULL,
       NULL}}},
    {"a sync too short to be told of counts",
     NULL,
     {{FINISHED, END_OF("1", "overview", "ann", "succeeded"), "sync.overview_ready -> ann: Overview is ready", NULL,
       NULL},
      {STARTED, RUN("s", "sync", "bob"), "timer background/s in 1m", NULL, NULL},
      {WAIT, "30s", "", NULL, NULL},
      {FINISHED, END("s", "succeeded"),
       "valid run/1 [sync.overview_ready] until 2026-01-12T09:00:30.000Z\ntimer background/s cleared", NULL, NULL}}},
    {"a failed overview was never one",
     NULL,
     {{FINISHED, END_OF("1", "overview", "ann", "failed"), "sync.failed -> ann: Overview failed", NULL, NULL},
      {STARTED, RUN("2", "overview", "bob"), "timer background/2 in 1m", NULL, NULL}}},
};

static const struct scenario stalls[] = {
    {"a run that never finishes is told once to its admin and to those who look after failures",
     "{stalled_after: 2h, failures_to: olga}",
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m\ntimer stalled/1 in 2h", NULL, NULL},
      {WAIT, "1h", "sync.backgrounded -> nobody: Sync continues in the background", NULL, NULL},
      {WAIT, "5h", "sync.stalled -> ann, olga: Sync has not finished", NULL, NULL},
      {WAIT, "48h", "", NULL, NULL},
      {FINISHED, END("1", "succeeded"),
       "withdraw run/1 [sync.stalled]: it has finished\nsync.completed -> ann: Sync completed", NULL, NULL}}},
    {"one that finishes is not",
     "stalled_after: 2h",
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m\ntimer stalled/1 in 2h", NULL, NULL},
      {WAIT, "1h", "sync.backgrounded -> nobody: Sync continues in the background", NULL, NULL},
      {FINISHED, END("1", "succeeded"), "timer stalled/1 cleared\nsync.completed -> ann: Sync completed", NULL, NULL},
      {WAIT, "5h", "", NULL, NULL}}},
    {"nobody asks for it, nobody is told",
     NULL,
     {{STARTED, RUN("1", "sync", "ann"), "timer background/1 in 1m", NULL, NULL},
      {WAIT, "960h", "sync.backgrounded -> nobody: Sync continues in the background", NULL, NULL}}},
};

#define ITEM "'item':{'id':'c-9','title':'May','url':'/c/9'}"

static const struct scenario items[] = {
    {"P6: work that is blocked is told to the managers, until it is not",
     NULL,
     {{BLOCKED, "{" ITEM ",'reason':'a gap','run':'7'}", "sync.blocked -> cara: Blocked: May", NULL, NULL},
      {BLOCKED, "{" ITEM ",'reason':'another gap','run':{'id':'7'}}", "sync.blocked -> cara: Blocked: May", NULL, NULL},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "withdraw item/c-9: it is not blocked any more", NULL, NULL},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "", NULL, NULL}}},
    {"or to whom the options name",
     "blocked_to: [bob, 'role:ops']",
     {{BLOCKED, "{" ITEM ",'reason':'a gap'}", "sync.blocked -> bob, olga, otto: Blocked: May", NULL, NULL}}},
    {"news that is older than what is known does not undo it",
     NULL,
     {{BLOCKED, "{" ITEM ",'reason':'b'}", "sync.blocked -> cara: Blocked: May", NULL, DAY "08:50:00Z"},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "", NULL, DAY "08:49:00Z"},
      {BLOCKED, "{" ITEM ",'reason':'a'}", "", NULL, DAY "08:48:00Z"},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "withdraw item/c-9: it is not blocked any more\ntimer item/c-9 in 1431m",
       NULL, DAY "08:51:00Z"},
      {BLOCKED, "{" ITEM ",'reason':'b'}", "", NULL, DAY "08:50:30Z"},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "", NULL, DAY "08:50:40Z"},
      {BLOCKED, "{" ITEM ",'reason':'c'}", "sync.blocked -> cara: Blocked: May\ntimer item/c-9 cleared", NULL,
       DAY "08:52:00Z"}}},
    {"nor does it when the end of it comes first",
     NULL,
     {{UNBLOCKED, "{'item':{'id':'c-9'}}", "timer item/c-9 in 1d", NULL, DAY "09:00:00Z"},
      {BLOCKED, "{" ITEM ",'reason':'a'}", "", NULL, DAY "08:59:00Z"},
      {WAIT, "24h", "", NULL, NULL},
      {BLOCKED, "{" ITEM ",'reason':'a'}", "sync.blocked -> cara: Blocked: May", NULL, NULL}}},
    {"an end without a time ends it, a fast clock does not keep it, and what says no time is news",
     NULL,
     {{BLOCKED, "{" ITEM ",'reason':'a'}", "sync.blocked -> cara: Blocked: May", NULL, DAY "11:00:00Z"},
      {WAIT, "1h", "", NULL, NULL},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "withdraw item/c-9: it is not blocked any more\ntimer item/c-9 in 1d", NULL,
       DAY "10:00:00Z"},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "", NULL, NULL},
      {BLOCKED, "{" ITEM ",'reason':'a'}", "sync.blocked -> cara: Blocked: May\ntimer item/c-9 cleared", NULL, NULL},
      {UNBLOCKED, "{'item':{'id':'c-9'}}", "withdraw item/c-9: it is not blocked any more", NULL, NULL}}},
    {"a category has to exist",
     NULL,
     {{BLOCKED, "{" ITEM ",'reason':'a','category':'NOPE'}", NULL, "\"NOPE\" is an unknown category", NULL}}},
    {"every fault is named",
     NULL,
     {{BLOCKED, "{'item':{'id':'','url':'javascript:x'},'severity':'grave','category':7,'run':5}", NULL,
       "/data/item/id: is empty\n"
       "/data/item/url: must be http, https or a path, of at most 2048 bytes\n"
       "/data/item/title: is required\n"
       "/data/reason: is required\n"
       "/data/category: must be a string, not an integer\n"
       "/data/severity: must be info, success, warning, error or critical\n"
       "/data/run: must be a string, not an integer",
       NULL},
      {STARTED, "{'run':{'id':'..','kind':'Sync','admin':'a/b'}}", NULL,
       "/data/run/id: must not be . or .., which mean another place in a URL\n"
       "/data/run/kind: must be a word of 1 to 64 of a-z, 0-9, _ and -\n"
       "/data/run/admin: must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters",
       NULL},
      {STARTED, "{}", NULL, "/data/run/id: is required\n/data/run/kind: is required\n/data/run/admin: is required",
       NULL},
      {PROGRESS, "{'run':{'id':'a\\nb'},'done':-1,'total':1.5}", NULL,
       "/data/run/id: has a control character\n/data/done: must not be negative\n"
       "/data/total: must be a whole number, not a number",
       NULL},
      {FINISHED, "{'run':{'id':'1'},'outcome':'done','url':'ftp://x','log':[1],'counts':[]}", NULL,
       "/data/outcome: must be succeeded, partial or failed\n"
       "/data/url: must be http, https or a path, of at most 2048 bytes\n"
       "/data/log: must be a text, or a list of lines\n"
       "/data/counts: must be an object",
       NULL},
      {"sync.paused", "{}", NULL,
       "/type: must be sync.started, sync.progress, sync.finished, work.blocked or work.unblocked, "
       "not \"sync.paused\"",
       NULL}}},
};

static void run(const struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scenario *s = &scenarios[i];
        struct belfry_test *t = sync_new(s->options);
        for (const struct step *step = s->steps; step->type; step++) {
            char where[300];
            snprintf(where, sizeof(where), "%s: step %d", s->sentence, (int)(step - s->steps) + 1);
            if (strcmp(step->type, WAIT) == 0)
                belfry_test_advance(t, step->data);
            else
                sync_send(t, step->type, json(step->data), step->time);
            const char *error = strcmp(step->type, WAIT) ? belfry_test_error(t) : "";
            const char *told = belfry_test_told(t);
            if (strcmp(error, step->told ? "" : step->error) != 0)
                fail_msg("%s\nerror:\n%s\nexpected:\n%s", where, error, step->told ? "" : step->error);
            if (strcmp(told, step->told ? step->told : "") != 0)
                fail_msg("%s\ntold:\n%s\nexpected:\n%s", where, told, step->told ? step->told : "");
        }
        belfry_test_free(t);
    }
}

#define TABLE(name)                                                                                                    \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run(name, sizeof(name) / sizeof(name[0]));                                                                     \
    }
TABLE(lengths)
TABLE(orders)
TABLE(overviews)
TABLE(stalls)
TABLE(items)

/* --- what a table does not show ----------------------------------------------------------------------------------- */

static void test_an_event_says_all_but_the_log(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    sync_send(t, STARTED, json(RUN("a b/7", "sync", "ann")), DAY "08:58:00Z");
    sync_send(t, FINISHED,
              json("{'run':{'id':'a b/7','shop':'north'},'outcome':'partial','counts':{'created':12},'log':['x','y'],"
                   "'more':1}"),
              DAY "08:59:30Z");
    const struct belfry_test_event *e = belfry_test_last(t);
    assert_string_equal(e->type, "sync.completed");
    assert_string_equal(e->link, "/acme/runs/sync/a%20b%2F7");
    assert_int_equal(e->severity, BELFRY_WARNING);
    assert_string_equal(e->body, "It took 1 min 30 s.");
    assert_string_equal(e->actor, "");
    assert_int_equal(e->valid_until_ms, 0);
    assert_string_equal(
        e->data,
        json("{'run':{'id':'a b/7','shop':'north','kind':'sync','admin':'ann','name':'Sync','state':'finished',"
             "'background':true,'outcome':'partial','partial':true,'started_at':'2026-01-05T08:58:00.000Z',"
             "'finished_at':'2026-01-05T08:59:30.000Z','duration_ms':90000,'duration':'1 min 30 s','url':null,"
             "'counts':{'created':12}},'outcome':'partial','counts':{'created':12},'more':1}"));
    assert_string_equal(belfry_test_get(t, "log/a b/7"), "x\ny\n");
    belfry_test_free(t);
}

static void test_an_overview_links_to_its_result_and_knows_its_end(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    sync_send(t, FINISHED,
              json("{'run':{'id':'1','kind':'overview','admin':'ann'},'outcome':'succeeded','url':'/overview/1'}"),
              NULL);
    assert_string_equal(belfry_test_last(t)->link, "/overview/1");
    assert_int_equal(belfry_test_last(t)->valid_until_ms, belfry_test_now(t) + INT64_C(7) * 86400000);
    belfry_test_until(t, "2026-01-12T08:59:59Z");
    belfry_test_expect_rows(t, "ann", "sync.overview_ready: Overview is ready");
    belfry_test_until(t, "2026-01-12T09:00:00Z");
    belfry_test_expect_rows(t, "ann", "sync.overview_ready: Overview is ready (expired)");
    sync_send(t, FINISHED, json(END_OF("s", "sync", "bob", "succeeded")), NULL);
    belfry_test_expect_rows(t, "ann", "sync.overview_ready: Overview is ready (expired)");
    belfry_test_free(t);
}

/* Whichever of the syncs was told last, and although all of them ended before it was told that the overview is ready.
 */
static void test_the_last_sync_counts_for_an_overview_that_is_told_late(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    sync_send(t, FINISHED, json(END_OF("s", "sync", "bob", "succeeded")), DAY "08:40:00Z");
    sync_send(t, FINISHED, json(END_OF("t", "sync", "bob", "succeeded")), DAY "08:20:00Z");
    sync_send(t, FINISHED, json(END_OF("1", "overview", "ann", "succeeded")), DAY "08:00:00Z");
    assert_string_equal(belfry_test_last(t)->type, "sync.overview_ready");
    assert_int_equal(belfry_test_last(t)->valid_until_ms, belfry_test_now(t) + INT64_C(7) * 86400000 - 20 * 60000);
    belfry_test_told(t);
    belfry_test_free(t);
}

/* Not superseded: nobody started a newer one. */
static void test_an_overview_that_is_told_after_its_time_has_expired(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new("{overview_valid_for: 1h, failures_to: olga}");
    sync_send(t, FINISHED, json(END_OF("1", "overview", "ann", "succeeded")), DAY "07:30:00Z");
    assert_string_equal(belfry_test_told(t), "sync.overview_ready -> ann: Overview is ready");
    sync_send(t, FINISHED, json(END_OF("2", "overview", "ann", "succeeded")), DAY "08:30:00Z");
    assert_string_equal(belfry_test_told(t), "sync.overview_ready -> ann: Overview is ready");
    sync_send(t, FINISHED, json("{'run':{'id':'3','kind':'overview'},'outcome':'partial'}"), NULL);
    belfry_test_advance(t, "90m");
    belfry_test_told(t);
    sync_send(t, STARTED, json(RUN("3", "overview", "bob")), DAY "08:50:00Z");
    assert_string_equal(belfry_test_told(t), "supersede run/2 [sync.overview_ready]: a newer overview was started\n"
                                             "sync.overview_ready -> bob: Overview is ready in part");
    belfry_test_advance(t, "1s");
    belfry_test_expect_rows(t, "ann",
                            "sync.overview_ready: Overview is ready (expired)\n"
                            "sync.overview_ready: Overview is ready (expired)");
    belfry_test_expect_rows(t, "bob", "sync.overview_ready: Overview is ready in part (expired)");
    belfry_test_free(t);
}

/* The log and the time that a run is found under are other values, so that lists are cheap. */
static void test_what_is_kept(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    sync_send(t, PROGRESS, json("{'run':{'id':'1'},'done':3,'total':10,'note':'page\\n3'}"), NULL);
    assert_string_equal(belfry_test_state(t),
                        json("at/1767603600000/1 = {'n':1767603600000,'p':[3,10,1767603600000,'page 3']}\n"
                             "run/1 = 1767603600000"));
    sync_send(t, STARTED, json(RUN("1", "sync", "ann")), DAY "08:59:59Z");
    sync_send(t, FINISHED, json("{'run':{'id':'1'},'outcome':'succeeded','counts':{'new':2},'log':'done'}"), NULL);
    assert_string_equal(belfry_test_state(t),
                        json("at/1767603599000/1 = {'k':'sync','a':'ann','s':1767603600000,'S':1767603599000,"
                             "'f':1767603600000,'o':1,'l':1,'c':{'new':2}}\n"
                             "log/1 = done\n"
                             "overviews = {'v':[],'y':1767603600000}\n"
                             "run/1 = 1767603599000"));
    belfry_test_free(t);
}

/* Where nobody tells when overviews start, nothing supersedes them; what is kept of them has an end all the same. */
static void test_at_most_a_hundred_overviews_are_valid(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    char data[200];
    for (int i = 0; i < 101; i++) {
        snprintf(data, sizeof(data), "{'run':{'id':'%d','kind':'overview','admin':'ann'},'outcome':'succeeded'}", i);
        sync_send(t, FINISHED, json(data), NULL);
    }
    const char *told = belfry_test_told(t), *supersede = strstr(told, "supersede");
    assert_non_null(strstr(told, "supersede run/0 [sync.overview_ready]"));
    assert_null(strstr(supersede + 1, "supersede"));
    assert_true(strlen(belfry_test_get(t, "overviews")) < 10000);
    belfry_test_free(t);
}

static void test_blocked_takes_the_category_and_severity_it_names(void **state)
{
    (void)state;
    struct belfry_test *t = sync_new(NULL);
    belfry_test_category(t, "PAYROLL");
    sync_send(t, BLOCKED, json("{" ITEM ",'reason':'a','category':'PAYROLL','severity':'critical'}"), NULL);
    assert_string_equal(belfry_test_last(t)->category, "PAYROLL");
    assert_int_equal(belfry_test_last(t)->severity, BELFRY_CRITICAL);
    sync_send(t, BLOCKED, json("{" ITEM ",'reason':'b','category':null,'severity':null}"), NULL);
    assert_string_equal(belfry_test_last(t)->category, "CALC_BLOCKED");
    assert_int_equal(belfry_test_last(t)->severity, BELFRY_ERROR);
    belfry_test_expect_rows(t, "cara", "sync.blocked: Blocked: May (replaced)\nsync.blocked: Blocked: May");
    sync_send(t, UNBLOCKED, json("{'item':{'id':'c-9'}}"), NULL);
    belfry_test_expect_inbox(t, "cara", "");
    assert_string_equal(belfry_test_state(t), "");
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_orders),
                                       cmocka_unit_test(test_overviews),
                                       cmocka_unit_test(test_stalls),
                                       cmocka_unit_test(test_items),
                                       cmocka_unit_test(test_an_event_says_all_but_the_log),
                                       cmocka_unit_test(test_an_overview_links_to_its_result_and_knows_its_end),
                                       cmocka_unit_test(test_the_last_sync_counts_for_an_overview_that_is_told_late),
                                       cmocka_unit_test(test_an_overview_that_is_told_after_its_time_has_expired),
                                       cmocka_unit_test(test_what_is_kept),
                                       cmocka_unit_test(test_at_most_a_hundred_overviews_are_valid),
                                       cmocka_unit_test(test_blocked_takes_the_category_and_severity_it_names)};
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
