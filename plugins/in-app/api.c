/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET of the JSON API: list, count, one item. Tags come from memory, so a client that polls with If-None-Match costs no
 * query while nothing changes.
 */
#include "in_app.h"
#include "item.h"

#include <stdio.h>
#include <stdlib.h>

/* --- tags ------------------------------------------------------------------------------------- */

/* FNV-1a; it tells apart what one client asked for, and guards nothing. */
static uint64_t hash_add(uint64_t hash, struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

/* The call's entity tag: the inbox's, and for a list what was asked for. */
static void set_etag(struct call *call, struct belfry_str tag, int with_query)
{
    struct text t = {0};
    text_z(&t, "\"");
    text_str(&t, tag);
    if (with_query) {
        char hash[20];
        uint64_t h = hash_add(UINT64_C(14695981039346656037), call->req->query);
        h = hash_add(h, call->req->locale);
        h ^= (uint64_t)call->query.limit << 56;
        snprintf(hash, sizeof(hash), ".%016llx", (unsigned long long)h);
        text_z(&t, hash);
    }
    text_z(&t, "\"");
    snprintf(call->etag, sizeof(call->etag), "%s", t.len < sizeof(call->etag) ? t.ptr : "");
    text_free(&t);
}

/* If-None-Match (RFC 9110 section 13.1.2), compared weakly. */
static int matches(const struct call *call)
{
    struct belfry_str header = call->app->http->header(call->req, "if-none-match");
    size_t len = strlen(call->etag);
    if (text_is(header, "*"))
        return 1;
    for (size_t i = 0; i + len <= header.len && len > 0; i++)
        if (memcmp(header.ptr + i, call->etag, len) == 0)
            return 1;
    return 0;
}

/* --- list ------------------------------------------------------------------------------------- */

static void write_facets(struct text *out, const struct belfry_inbox_page *page)
{
    static const char *const names[] = {"severity", "category", "source"};
    text_z(out, ",\"facets\":{");
    for (uint32_t facet = 0; facet < 3; facet++) {
        text_z(out, facet ? ",\"" : "\"");
        text_z(out, names[facet]);
        text_z(out, "\":{");
        int first = 1;
        for (size_t i = 0; i < page->facet_count; i++) {
            if (page->facets[i].facet != facet)
                continue;
            text_z(out, first ? "" : ",");
            text_json(out, page->facets[i].value);
            text_z(out, ":");
            text_num(out, (int64_t)page->facets[i].count);
            first = 0;
        }
        text_z(out, "}");
    }
    text_z(out, "}");
}

static void on_list(void *arg, belfry_status status, const struct belfry_inbox_page *page)
{
    struct call *call = arg;
    struct text out = {0};
    if (status == BELFRY_EINVAL) {
        answer_problem(call, 400, NULL, "before: is no cursor of this inbox");
        return;
    }
    if (status != BELFRY_OK) {
        answer_status(call, status, (struct belfry_str){0});
        return;
    }
    text_z(&out, "{\"rev\":");
    text_num(&out, page->rev);
    text_z(&out, ",\"total\":");
    text_num(&out, (int64_t)page->total);
    text_z(&out, ",\"items\":[");
    for (size_t i = 0; i < page->count; i++) {
        text_z(&out, i ? "," : "");
        item_write(&out, call->req->org, &page->items[i], call->labels);
    }
    text_z(&out, "]");
    write_facets(&out, page);
    text_z(&out, ",\"next\":");
    text_json_opt(&out, page->next);
    text_z(&out, "}");
    set_etag(call, page->etag, 1);
    answer_json(call, 200, &out);
}

/* "limit: must be a number from 1 to 200". */
static void refuse_param(struct call *call, const char *name, const char *why)
{
    char text[160];
    snprintf(text, sizeof(text), "%s: %s", name, why);
    answer_problem(call, 400, NULL, text);
}

/* ?labels=true. 0, or -1 when it was refused. */
static int read_labels(struct call *call)
{
    struct belfry_str labels = {0};
    belfry_status asked =
        call->req->query.len ? call->app->http->query(call->req, "labels", 0, &labels) : BELFRY_ENOTFOUND;
    call->labels = text_is(labels, "true");
    if (asked == BELFRY_ENOTFOUND || call->labels || text_is(labels, "false"))
        return 0;
    refuse_param(call, "labels", "must be true or false");
    return -1;
}

void api_list(void *self, const struct belfry_http_request *req)
{
    struct in_app *app = self;
    struct call *call = call_new(app, req);
    const char *why, *bad = query_read(&call->query, req, app->http->query, (uint32_t)app->config->page_size, &why);
    if (bad) {
        refuse_param(call, bad, why);
        return;
    }
    if (read_labels(call))
        return;
    struct belfry_str tag;
    int64_t rev;
    if (app->inbox->tag(req, &tag, &rev) == BELFRY_OK) {
        set_etag(call, tag, 1);
        if (matches(call)) {
            answer_empty(call, 304);
            return;
        }
    }
    struct belfry_inbox_filter filter;
    query_filter(&call->query, &filter);
    app->inbox->list(req, &filter, call->query.before, call->query.limit, on_list, call);
}

/* --- count ------------------------------------------------------------------------------------ */

static void on_count(void *arg, belfry_status status, const struct belfry_inbox_counts *counts)
{
    struct call *call = arg;
    if (status != BELFRY_OK) {
        answer_status(call, status, (struct belfry_str){0});
        return;
    }
    set_etag(call, counts->etag, 0);
    if (call->since_rev >= 0 && call->since_rev == counts->rev) {
        answer_empty(call, 204);
        return;
    }
    if (matches(call)) {
        answer_empty(call, 304);
        return;
    }
    char body[96];
    struct text out = {0};
    snprintf(body, sizeof(body), "{\"unread\":%llu,\"unseen\":%llu,\"rev\":%lld}", (unsigned long long)counts->unread,
             (unsigned long long)counts->unseen, (long long)counts->rev);
    text_z(&out, body);
    answer_json(call, 200, &out);
}

/* A revision is a number; 0, or -1 when it is none. */
static int read_rev(struct belfry_str s, int64_t *out)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || i >= 18)
            return -1;
        n = n * 10 + (s.ptr[i] - '0');
    }
    *out = n;
    return s.len > 0 ? 0 : -1;
}

void api_count(void *self, const struct belfry_http_request *req)
{
    struct in_app *app = self;
    struct call *call = call_new(app, req);
    struct belfry_str since, tag;
    int64_t rev;
    belfry_status asked = req->query.len ? app->http->query(req, "since_rev", 0, &since) : BELFRY_ENOTFOUND;
    if (asked != BELFRY_ENOTFOUND && (asked != BELFRY_OK || read_rev(since, &call->since_rev))) {
        refuse_param(call, "since_rev", "must be a revision, a number");
        return;
    }
    if (app->inbox->tag(req, &tag, &rev) == BELFRY_OK) {
        set_etag(call, tag, 0);
        if (call->since_rev == rev || matches(call)) {
            answer_empty(call, call->since_rev == rev ? 204 : 304);
            return;
        }
    }
    app->inbox->count(req, on_count, call);
}

/* --- one -------------------------------------------------------------------------------------- */

static void on_one(void *arg, belfry_status status, const struct belfry_inbox_item *item)
{
    struct call *call = arg;
    struct text out = {0};
    if (status != BELFRY_OK) {
        answer_status(call, status, (struct belfry_str){0});
        return;
    }
    item_write(&out, call->req->org, item, call->labels);
    answer_json(call, 200, &out);
}

void api_one(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    if (read_labels(call))
        return;
    call->app->inbox->one(req, call_param(call, "id"), on_one, call);
}
