/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/notifications/export: all that a filter lists, as a file. It is read in pages by the list's own cursor,
 * each from a snapshot of its own, so that a long download holds no snapshot open and goes through the same gates as
 * the list; rows that arrive meanwhile are newer than the first page and are not in it. The next page is read when the
 * client has taken the last one.
 *
 * Who loses a role or their session while it goes on gets no further page: the export watches as the stream does.
 * The first page is read before the answer begins, so what is refused is refused with a status. When the inbox cannot
 * be read later on, it is asked again for a while; a file that cannot be read to its end is cut, so that nobody takes
 * it for whole.
 */
#include "csv.h"
#include "in_app.h"
#include "item.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_ROWS QUERY_LIMIT_MAX
#define AGAIN_MS 500
#define TRIES_MAX 20
#define CURSOR_MAX 64

struct export
{
    struct export *next, **link; /* among the plugin's */
    struct call *call;
    uint64_t request;
    int csv, begun, full, reading, closed, ended, revoked;
    uint32_t tries;
    uint64_t again; /* timer; 0: none */
    uint64_t watch; /* subscription; 0: none */
    size_t rows;
    char cursor[CURSOR_MAX];
};

static void let_go(struct export *e)
{
    const struct in_app *app = e->call->app;
    if (e->again)
        app->timer->stop(app->host, e->again);
    if (e->watch)
        app->inbox->unsubscribe(app->host, e->watch);
    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
}

static void export_free(struct export *e)
{
    let_go(e);
    call_free(e->call);
    free(e);
}

/* --- what is written -------------------------------------------------------------------------- */

static void write_rows(struct export *e, const struct belfry_inbox_page *page, struct text *out)
{
    struct belfry_str org = e->call->req->org;
    for (size_t i = 0; i < page->count; i++) {
        if (e->csv) {
            csv_row(out, org, &page->items[i]);
        } else {
            text_z(out, e->rows ? ",\n" : "\n");
            item_write(out, org, &page->items[i], 0);
        }
        e->rows++;
    }
}

static void send(struct export *e, struct text *out)
{
    const struct in_app *app = e->call->app;
    if (out->len > 0 && app->http->write(app->host, e->request, text_view(out)) == BELFRY_EAGAIN)
        e->full = 1;
    text_free(out);
}

static void finish(struct export *e, int whole)
{
    const struct in_app *app = e->call->app;
    struct text out = {0};
    if (e->ended)
        return;
    if (whole && !e->csv)
        text_z(&out, "\n],\"next\":null}\n");
    e->ended = 1;
    send(e, &out);
    if (whole)
        app->http->end(app->host, e->request);
    else
        app->http->cut(app->host, e->request);
}

/* --- reading on ------------------------------------------------------------------------------- */

static void on_rows(void *arg, belfry_status status, const struct belfry_inbox_page *page);

static void read_on(struct export *e)
{
    struct call *call = e->call;
    struct belfry_inbox_filter filter;
    if (e->reading || e->again || e->full || e->ended || e->closed)
        return;
    e->reading = 1;
    query_filter(&call->query, &filter);
    filter.flags = BELFRY_INBOX_ROWS;
    call->app->inbox->list(call->req, &filter, belfry_str(e->cursor), PAGE_ROWS, on_rows, e);
}

static void on_drain(void *arg)
{
    struct export *e = arg;
    e->full = 0;
    if (e->call->app->stopping)
        finish(e, 0);
    else
        read_on(e);
}

/* -1: the session, the role or the org has ended. */
static void on_hint(void *arg, int64_t rev, uint64_t unread)
{
    struct export *e = arg;
    (void)unread;
    if (rev != -1)
        return;
    e->revoked = 1;
    if (e->begun)
        finish(e, 0);
}

/* The memory waits for a page that is being read. */
static void on_closed(void *arg)
{
    struct export *e = arg;
    e->closed = 1;
    if (!e->reading)
        export_free(e);
}

static void on_again(void *arg)
{
    struct export *e = arg;
    e->again = 0;
    read_on(e);
}

static void try_again(struct export *e)
{
    const struct in_app *app = e->call->app;
    if (app->stopping || ++e->tries > TRIES_MAX ||
        app->timer->start(app->host, AGAIN_MS, 0, on_again, e, &e->again) != BELFRY_OK)
        finish(e, 0);
}

/* --- the answer ------------------------------------------------------------------------------- */

static size_t headers_of(const struct export *e, struct belfry_attr headers[2], struct text *name)
{
    struct text today = {0};
    const struct in_app *app = e->call->app;
    text_time(&today, app->host->now_ms(app->host));
    text_z(name, "attachment; filename=\"notifications-");
    text_url(name, e->call->req->org);
    text_z(name, "-");
    text_add(name, today.ptr, strlen("2026-01-31"));
    text_z(name, e->csv ? ".csv\"" : ".json\"");
    text_free(&today);
    headers[0] = (struct belfry_attr){belfry_str("Content-Disposition"), text_view(name)};
    headers[1] = (struct belfry_attr){belfry_str("Vary"), belfry_str("Cookie, Authorization")};
    return 2;
}

/* 0, or -1 when it was answered in another way. */
static int begin(struct export *e)
{
    const struct call *call = e->call;
    struct text name = {0};
    struct belfry_attr headers[2];
    struct belfry_http_response response = {
        .struct_size = sizeof(response),
        .status = 200,
        .content_type = belfry_str(e->csv ? "text/csv; charset=utf-8; header=present" : "application/json"),
        .headers = headers,
        .header_count = headers_of(e, headers, &name)};
    int head = (call->req->flags & BELFRY_HTTP_HEAD) != 0;
    if (head)
        call->app->http->respond(call->app->host, e->request, &response);
    belfry_status status =
        head ? BELFRY_ECLOSED : call->app->http->begin(call->app->host, e->request, &response, on_drain, on_closed, e);
    text_free(&name);
    e->begun = status == BELFRY_OK;
    return e->begun ? 0 : -1;
}

static void refuse(struct export *e, belfry_status status)
{
    let_go(e);
    if (status == BELFRY_EINVAL)
        answer_problem(e->call, 400, NULL, "before: is no cursor of this inbox");
    else
        answer_status(e->call, status, (struct belfry_str){0});
    free(e);
}

static void take_page(struct export *e, const struct belfry_inbox_page *page)
{
    struct text out = {0};
    if (!e->rows && e->csv)
        csv_head(&out);
    else if (!e->rows)
        text_z(&out, "{\"items\":[");
    write_rows(e, page, &out);
    send(e, &out);
    e->tries = 0;
    size_t len = page->next.len < CURSOR_MAX ? page->next.len : 0;
    memcpy(e->cursor, len ? page->next.ptr : "", len);
    e->cursor[len] = '\0';
    if (!len)
        finish(e, 1);
    else if (e->call->app->stopping)
        finish(e, 0);
    else
        read_on(e);
}

static void on_rows(void *arg, belfry_status status, const struct belfry_inbox_page *page)
{
    struct export *e = arg;
    e->reading = 0;
    if (e->closed)
        export_free(e);
    else if (!e->begun && (status != BELFRY_OK || e->revoked))
        refuse(e, status != BELFRY_OK ? status : BELFRY_EPERM);
    else if (status != BELFRY_OK)
        try_again(e);
    else if (e->begun || begin(e) == 0)
        take_page(e, page);
    else
        export_free(e);
}

static struct export *export_new(struct call *call)
{
    struct in_app *app = call->app;
    struct export *e = calloc(1, sizeof(*e));
    if (!e)
        abort();
    e->next = app->exports;
    e->link = &app->exports;
    if (e->next)
        e->next->link = &e->next;
    app->exports = e;
    e->call = call;
    e->request = call->req->id;
    return e;
}

void api_export(void *self, const struct belfry_http_request *req)
{
    struct in_app *app = self;
    struct call *call = call_new(app, req);
    struct belfry_str format = belfry_str("csv");
    const char *why, *bad = query_read(&call->query, req, app->http->query, PAGE_ROWS, &why);
    char text[160];
    if (!bad && app->http->query(req, "format", 0, &format) == BELFRY_OK && !text_is(format, "csv") &&
        !text_is(format, "json")) {
        bad = "format";
        why = "must be csv or json";
    }
    if (bad) {
        snprintf(text, sizeof(text), "%s: %s", bad, why);
        answer_problem(call, 400, NULL, text);
        return;
    }
    struct export *e = export_new(call);
    e->csv = text_is(format, "csv");
    if (call->query.before.len < CURSOR_MAX && call->query.before.len > 0)
        memcpy(e->cursor, call->query.before.ptr, call->query.before.len);
    if (app->inbox->subscribe(req, on_hint, e, &e->watch) != BELFRY_OK) {
        let_go(e);
        free(e);
        answer_problem(call, 429, NULL, "this person has too many streams and exports open");
        return;
    }
    read_on(e);
}

void exports_stop(struct in_app *app)
{
    for (struct export *e = app->exports; e; e = e->next)
        if (e->begun)
            finish(e, 0);
}
