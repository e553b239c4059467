/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of feeds for tests of the ledger: made of steps as in send_now(), given to it and waited for. */
#ifndef TESTS_FEED_FIXTURE_H
#define TESTS_FEED_FIXTURE_H

#include "ledger/feed.h"
#include "ledger_fixture.h"

struct page {
    struct ledger_feed_page ledger;
    struct ledger_item_result results[16];
    struct error faults[16];
    char *body;
    struct bench_wait wait;
};

static inline void page_done(struct ledger_feed_page *ledger, belfry_status status)
{
    bench_done(&((struct page *)ledger->arg)->wait, status);
}

/* events: [[ID, STEP...], ...] as in send_now(); a string is an event that is none. */
static inline struct page *page_begin(struct bench *b, const char *source, const char *events, const char *cursor)
{
    struct page *p = xcalloc(1, sizeof(*p));
    json_t *list = json_loads(events, 0, NULL), *out = json_array(), *event;
    size_t i;
    assert_non_null(list);
    json_array_foreach(list, i, event)
    {
        json_t *steps = json_is_array(event) ? json_deep_copy(event) : NULL;
        if (steps)
            json_array_remove(steps, 0);
        json_array_append_new(out, steps ? json_pack("{s:s, s:O, s:s, s:s, s:{s:o, s:s}}", "specversion", "1.0", "id",
                                                     json_array_get(event, 0), "source", "/feed", "type", "do", "data",
                                                     "do", steps, "name", "Deal")
                                         : json_incref(event));
    }
    p->body = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    json_decref(list);
    struct ledger_request *request = &p->ledger.request;
    assert_int_equal(ce_decode_partial(&request->triggers, STR("application/cloudevents-batch+json"), str_of(p->body),
                                       65536, 16, START, p->faults, NULL),
                     BELFRY_OK);
    for (i = 0; i < request->triggers.count; i++) {
        p->results[i].status = p->faults[i].status;
        error_move(&p->results[i].err, &p->faults[i]);
    }
    request->results = p->results;
    request->org = STR("acme");
    request->source = source;
    request->keep_refused = 1;
    request->principal = (struct belfry_principal){
        .struct_size = sizeof(request->principal), .kind = BELFRY_PRINCIPAL_FEED, .name = str_of(source)};
    p->ledger.cursor = str_of(cursor);
    p->ledger.done = page_done;
    p->ledger.arg = p;
    assert_int_equal(ledger_feed_page(b->ledger, &p->ledger), BELFRY_OK);
    return p;
}

static inline void page_free(struct page *p)
{
    for (size_t i = 0; i < 16; i++)
        error_clear(&p->results[i].err);
    trigger_set_free(&p->ledger.request.triggers);
    free(p->body);
    free(p);
}

static inline belfry_status page_now(struct bench *b, const char *source, const char *events, const char *cursor)
{
    struct page *p = page_begin(b, source, events, cursor);
    belfry_status status = bench_until(b, &p->wait);
    page_free(p);
    return status;
}

#define NOTE(who) "[\"emit\",{\"type\":\"thing.note\",\"to\":[\"" who "\"]}]"
#define SQL_TAKEN "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM refused), (SELECT count(*) FROM feed)"
#define SQL_PLACE "SELECT n.text, o.text, cursor FROM feed JOIN name n ON n.id = inst JOIN name o ON o.id = feed.org"

#endif
