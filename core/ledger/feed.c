/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of a feed as one command: each of its events a request of its own, and the place from which the feed goes on.
 * Either all of it is committed or nothing, so a hub that dies asks for the same page again or for the next one, and
 * what it had taken is known by its identity. A call of a hook is the same without a place: whoever called does so
 * again until it was answered.
 */
#include "ledger/feed.h"

#include "ledger/inside.h"
#include "store/feeds.h"

/* Did the source say: not now? Then the page is not over. */
static int is_to_be_repeated(const struct ledger_request *request)
{
    for (size_t i = 0; i < request->triggers.count; i++) {
        const struct ledger_item_result *result = &request->results[i];
        if (!result->passed_over && result->state == LEDGER_REFUSED && result->status == BELFRY_EAGAIN)
            return 1;
    }
    return 0;
}

static belfry_status page_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_feed_page *page = LIST_OF(command, struct ledger_feed_page, command);
    struct ledger_request *request = &page->request;
    const struct gen_source *source = txn->gen ? gen_source_find(txn->gen, str_of(request->source)) : NULL;
    if (!source || !source->live->self || !config_serves(source->live->instance, request->org))
        return BELFRY_ENOTFOUND; /* it went while the page was on its way; its place stays where it is */
    if (request->triggers.count > 0) {
        belfry_status status = trigger_run(&request->command, txn);
        if (status)
            return status; /* LEDGER_LATER */
        if (request->next)
            return BELFRY_OK; /* the place follows with the last part */
        if (is_to_be_repeated(request)) {
            page->again = 1;
            return BELFRY_OK;
        }
    }
    page->again = 0;
    if (page->no_place)
        return BELFRY_OK;
    struct store_feed feed = {.cursor = page->cursor, .etag = page->etag};
    memcpy(feed.url, page->url, sizeof(feed.url));
    store_feed_set(txn->conn, source->inst, store_name(txn->conn, request->org), &feed);
    return BELFRY_OK;
}

/* What came before `next` is committed. */
static belfry_status go_on(struct ledger_feed_page *page)
{
    for (size_t i = 0; i < page->request.next; i++)
        page->request.results[i].passed_over = 1;
    return ledger_submit(page->ledger, &page->command);
}

static void page_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_feed_page *page = LIST_OF(command, struct ledger_feed_page, command);
    if (status == BELFRY_OK && page->request.next) {
        status = go_on(page);
        if (status == BELFRY_OK)
            return;
    }
    page->done(page, status ? status : page->again ? BELFRY_EAGAIN : BELFRY_OK);
}

belfry_status ledger_feed_page(struct ledger *ledger, struct ledger_feed_page *page)
{
    struct ledger_request *request = &page->request;
    size_t bytes = sizeof(*page);
    page->ledger = ledger;
    request->partial = 1;
    request->in_order = 1;
    for (size_t i = 0; i < request->triggers.count; i++) {
        bytes += request->triggers.items[i].text.len + 256;
        request->results[i].passed_over = request->results[i].status != BELFRY_OK;
        if (request->results[i].passed_over)
            request->results[i].state = LEDGER_REFUSED;
    }
    page->command = (struct ledger_command){
        .run = page_run, .done = page_done, .bytes = bytes, .weight = (uint32_t)request->triggers.count};
    return ledger_submit(ledger, &page->command);
}
