/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to a feed and what its answer means. The answer is a stranger's: whatever is not exactly a batch of
 * CloudEvents of a bounded size is a failure that says why, and events of a batch that are no CloudEvents become
 * refusals of their own.
 */
#include "base/mem.h"
#include "hub/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define DECODE_ON_WORKER ((size_t)64 << 10)

/* --- the question ------------------------------------------------------------------------------------------------- */

static void add_encoded(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *p = text; *p; p++) {
        if (strchr(plain, *p))
            buf_addc(out, *p);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
    }
}

char *feed_address(const char *url, const char *cursor, uint32_t limit)
{
    struct buf out = {0};
    size_t len = strcspn(url, "#");
    const char *query = memchr(url, '?', len);
    buf_add(&out, url, len);
    buf_addz(&out, !query ? "?" : query == url + len - 1 || url[len - 1] == '&' ? "" : "&");
    buf_addz(&out, "after=");
    add_encoded(&out, cursor);
    buf_addf(&out, "&limit=%u", limit);
    return buf_steal(&out);
}

const char *feed_shown_url(struct arena *arena, const char *url)
{
    size_t len = strcspn(url, "?#");
    const char *scheme = strstr(url, "://");
    const char *host = scheme ? scheme + 3 : url;
    size_t authority = strcspn(host, "/?#");
    for (size_t i = authority; i > 0; i--)
        if (host[i - 1] == '@')
            return arena_printf(arena, "%.*s%.*s", (int)(host - url), url, (int)(url + len - host - (ptrdiff_t)i),
                                host + i);
    return arena_strndup(arena, url, len);
}

/* --- the answer's head -------------------------------------------------------------------------------------------- */

static struct belfry_str header(const struct belfry_http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (str_eqz(answer->headers[i].name, name))
            return str_trim(answer->headers[i].value);
    return (struct belfry_str){NULL, 0};
}

/* Seconds or a date (RFC 9110 section 10.2.3); -1: none that can be read. */
static int64_t retry_after(struct belfry_str text, int64_t now_ms)
{
    char date[40];
    struct tm tm = {0};
    int64_t seconds, wait = -1;
    if (str_to_i64(text, &seconds) == BELFRY_OK && seconds >= 0) {
        wait = seconds > FEED_CLOSED_MAX_MS / 1000 ? FEED_CLOSED_MAX_MS : seconds * 1000;
    } else if (text.len > 0 && text.len < sizeof(date)) {
        snprintf(date, sizeof(date), "%.*s", STR_ARG(text));
        const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        if (end && !*end)
            wait = (int64_t)timegm(&tm) * 1000 - now_ms;
        if (wait < 0)
            wait = end && !*end ? 0 : -1;
    }
    return wait > FEED_CLOSED_MAX_MS ? FEED_CLOSED_MAX_MS : wait;
}

/* Header values that we send back: what is longer or not printable ASCII could not be. */
static int is_token_text(struct belfry_str s, size_t max)
{
    if (s.len == 0 || s.len > max)
        return 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
            return 0;
    return 1;
}

static int is_batch(struct belfry_str type)
{
    static const char batch[] = "application/cloudevents-batch+json";
    size_t len = sizeof(batch) - 1;
    return type.len >= len && strncasecmp(type.ptr, batch, len) == 0 &&
           (type.len == len || type.ptr[len] == ';' || type.ptr[len] == ' ');
}

static void fail(struct feed_page *page, const char *text)
{
    page->verdict = FEED_FAILED;
    error_set(&page->err, BELFRY_EIO, NULL, "%s", text);
}

static void judge(struct feed_page *page, const struct belfry_http_answer *answer)
{
    char text[80];
    if (answer->error) {
        fail(page, answer->error_text.len ? answer->error_text.ptr : "it cannot be reached");
    } else if (answer->status == 304) {
        page->verdict = page->feed->etag ? FEED_UNCHANGED : FEED_FAILED;
        if (page->verdict == FEED_FAILED)
            fail(page, "it answered 304 to a question without an entity tag");
    } else if (answer->status != 200) {
        snprintf(text, sizeof(text), "it answered %u", answer->status);
        fail(page, text);
        if (answer->status == 429 || answer->status == 503)
            page->retry_after_ms = retry_after(header(answer, "retry-after"), page->now_ms);
    } else if (answer->truncated) {
        page->too_long = 1;
        fail(page, "its answer is longer than 8 MiB");
    } else if (!is_batch(header(answer, "content-type"))) {
        fail(page, "its answer is not application/cloudevents-batch+json");
    } else {
        page->verdict = FEED_PAGE_READ;
    }
}

/* The cursor, if the answer has one; a bad one is a failure: to go on from somewhere else would lose events. */
static void take_cursor(struct feed_page *page, const struct belfry_http_answer *answer)
{
    struct belfry_str cursor = header(answer, "belfry-cursor"), etag = header(answer, "etag");
    if (cursor.len > 0 && !is_token_text(cursor, FEED_CURSOR_MAX)) {
        fail(page, "its Belfry-Cursor is longer than 1024 bytes or not printable ASCII");
        return;
    }
    if (cursor.len > 0)
        page->cursor = xstrndup(cursor.ptr, cursor.len);
    if (is_token_text(etag, FEED_ETAG_MAX))
        page->etag = xstrndup(etag.ptr, etag.len);
}

struct feed_page *feed_page_new(struct feed *feed, const struct belfry_http_answer *answer, uint32_t limit)
{
    struct feed_page *page = xcalloc(1, sizeof(*page));
    const struct config_hub *hub = &hub_config(feed->hub)->hub;
    page->feed = feed;
    page->retry_after_ms = -1;
    page->now_ms = clock_now_ms(feed->hub->parts.clock);
    page->max_event = (size_t)hub->limits.event_bytes;
    page->max_batch = (size_t)hub->limits.batch_events;
    judge(page, answer);
    if (page->verdict == FEED_PAGE_READ)
        take_cursor(page, answer);
    if (page->verdict != FEED_PAGE_READ)
        return page;
    page->limit = limit;
    page->body = xstrndup(answer->body.len ? answer->body.ptr : "", answer->body.len);
    page->len = answer->body.len;
    page->on_worker = page->len > DECODE_ON_WORKER;
    return page;
}

/* --- the answer's body -------------------------------------------------------------------------------------------- */

/* Without a Belfry-Cursor the feed goes on behind the last event that has an id, whatever else is wrong with it. */
static void cursor_of_last(struct feed_page *page)
{
    const struct trigger_set *set = &page->ledger.request.triggers;
    for (size_t i = set->count; i > 0 && !page->cursor; i--) {
        struct belfry_str id = set->items[i - 1].pub.id;
        if (id.len > 0 && id.len <= FEED_CURSOR_MAX)
            page->cursor = xstrndup(id.ptr, id.len);
    }
}

static void take_faults(struct feed_page *page)
{
    struct ledger_request *request = &page->ledger.request;
    request->results = xcalloc(request->triggers.count + 1, sizeof(*request->results));
    for (size_t i = 0; i < request->triggers.count; i++) {
        if (page->faults[i].count == 0)
            continue;
        request->results[i].status = page->faults[i].status;
        error_move(&request->results[i].err, &page->faults[i]);
    }
}

void feed_page_decode(struct feed_page *page)
{
    struct ledger_request *request = &page->ledger.request;
    struct error err = {0};
    page->faults = xcalloc(page->max_batch + 1, sizeof(*page->faults));
    belfry_status status = ce_decode_partial(&request->triggers, STR("application/cloudevents-batch+json"),
                                             str_slice(page->body, page->len), page->max_event, page->max_batch,
                                             page->now_ms, page->faults, &err);
    if (status != BELFRY_OK) {
        fail(page, error_text(&err));
        error_clear(&err);
        return;
    }
    page->full = request->triggers.count >= page->limit;
    cursor_of_last(page);
    take_faults(page);
}

void feed_page_free(struct feed_page *page)
{
    struct ledger_request *request = &page->ledger.request;
    for (size_t i = 0; request->results && i < request->triggers.count; i++)
        error_clear(&request->results[i].err);
    for (size_t i = 0; page->faults && i <= page->max_batch; i++)
        error_clear(&page->faults[i]);
    free(page->faults);
    free(request->results);
    trigger_set_free(&request->triggers);
    error_clear(&page->err);
    free(page->body);
    free(page->cursor);
    free(page->etag);
    free(page);
}
