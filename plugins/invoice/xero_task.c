/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks: GET an invoice, or a page of those that changed. They wait here for the token and for a free place (Xero takes
 * five calls at once), and each is answered exactly once: DELIVERED with what was read, UNAVAILABLE while Xero is away
 * (which uses up no try), RETRY for an answer that nobody can read, REJECTED for one that will stay a refusal.
 *
 * Where to ask is made of api_url and ids, never of the event's resourceUrl: what a webhook says must not choose where
 * the token goes.
 */
#include "xero_body.h"
#include "xero_inside.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AT_ONCE 4
#define NO_CLIENT_WAIT_MS INT64_C(3600000) /* a task of a configuration that could fetch */

struct xero_fetch {
    struct xero_fetch *next, **link; /* link: of those under way */
    struct xero *xero;
    uint64_t task, call, token;
    json_t *payload; /* what question points into */
    struct xero_question question;
    int refused; /* 401, once */
    /* reading on a worker */
    char *body, *result;
    size_t body_len;
};

/* --- the end of a task -------------------------------------------------------------------------------------------- */

static void fetch_free(struct xero_fetch *f)
{
    json_decref(f->payload);
    free(f->body);
    free(f->result);
    free(f);
}

static void done(struct xero *x, uint64_t task, uint32_t outcome, int64_t retry_after_ms, const char *result)
{
    x->host->task_done(x->host, task, outcome, retry_after_ms, belfry_str(result));
}

static void finish(struct xero_fetch *f, uint32_t outcome, int64_t retry_after_ms, const char *result)
{
    done(f->xero, f->task, outcome, retry_after_ms, result);
    fetch_free(f);
}

static void leave(struct xero_fetch *f)
{
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
    f->xero->under_way_count--;
}

static void wait_at_end(struct xero_fetch *f)
{
    f->next = NULL;
    *f->xero->waiting_end = f;
    f->xero->waiting_end = &f->next;
}

/* The ledger's own wait grows with tries, which this outcome does not use up; so the wait is said here. */
static void come_back(struct xero_fetch *f)
{
    int64_t pause = xero_pause(f->xero);
    finish(f, BELFRY_UNAVAILABLE, pause ? pause : 1000, NULL);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void describe(const struct xero_fetch *f, char *out, size_t size)
{
    if (f->question.id)
        snprintf(out, size, "invoice %s of tenant %s", f->question.id, f->question.tenant);
    else
        snprintf(out, size, "page %" PRId64 " of the invoices of tenant %s", f->question.page, f->question.tenant);
}

static void read_on_worker(void *arg)
{
    struct xero_fetch *f = arg;
    f->result = xero_answer_read((struct belfry_str){f->body, f->body_len}, &f->question);
}

static void read_done(void *arg)
{
    struct xero_fetch *f = arg;
    struct xero *x = f->xero;
    char what[200];
    describe(f, what, sizeof(what));
    if (!f->result)
        xero_log(x, BELFRY_LOG_WARN, "xero: the answer to %s cannot be read", what);
    finish(f, f->result ? BELFRY_DELIVERED : BELFRY_RETRY, 0, f->result);
    xero_closed(x);
}

/* A page of invoices may have a megabyte: too much to read on the loop. */
static void read_answer(struct xero_fetch *f, const struct belfry_http_answer *answer)
{
    struct xero *x = f->xero;
    f->body = answer->truncated ? NULL : malloc(answer->body.len + 1);
    if (f->body) {
        memcpy(f->body, answer->body.ptr ? answer->body.ptr : "", answer->body.len);
        f->body_len = answer->body.len;
        xero_opened(x);
        if (x->worker->run(x->host, read_on_worker, read_done, f) == BELFRY_OK)
            return;
        x->open--; /* never the last: the request that was answered is still counted */
    }
    finish(f, BELFRY_RETRY, 0, NULL);
}

/* The token was refused: once it may have been revoked or too old by somebody's clock, twice it is a fault. */
static void unauthorized(struct xero_fetch *f)
{
    xero_token_drop(f->xero, f->token);
    if (!f->refused) {
        f->refused = 1;
        wait_at_end(f);
        return;
    }
    xero_failed(f->xero, 0, "it refuses a new access token (401)");
    come_back(f);
}

static void rejected(struct xero_fetch *f, uint32_t status)
{
    char what[200], detail[300];
    describe(f, what, sizeof(what));
    snprintf(detail, sizeof(detail), "Xero answered %u to %s%s", status, what,
             status == 403   ? "; is the app connected to this tenant, with the right to read invoices?"
             : status == 404 ? "; it does not exist there"
                             : "");
    xero_log(f->xero, BELFRY_LOG_ERROR, "xero: %s", detail);
    finish(f, BELFRY_REJECTED, 0, detail);
}

static void away(struct xero_fetch *f, const struct belfry_http_answer *answer)
{
    char what[200];
    if (answer->status)
        snprintf(what, sizeof(what), "the API answered %u", answer->status);
    else
        snprintf(what, sizeof(what), "the API cannot be reached (%.*s)", (int)answer->error_text.len,
                 answer->error_text.ptr ? answer->error_text.ptr : "");
    xero_failed(f->xero, answer->status ? xero_retry_after(answer) : 0, what);
    come_back(f);
}

static void on_answer(void *arg, const struct belfry_http_answer *answer)
{
    struct xero_fetch *f = arg;
    struct xero *x = f->xero;
    uint32_t status = answer->status;
    leave(f);
    if (x->stopping) {
        finish(f, BELFRY_UNAVAILABLE, 0, NULL);
    } else if (status == 401) {
        unauthorized(f);
    } else if (status == 0 || status == 429 || status >= 500) {
        away(f, answer);
    } else {
        xero_answered(x);
        if (status == 200) {
            read_answer(f, answer);
        } else if (status == 304 && !f->question.id) {
            f->result = xero_answer_empty(&f->question);
            finish(f, f->result ? BELFRY_DELIVERED : BELFRY_RETRY, 0, f->result);
        } else {
            rejected(f, status);
        }
    }
    if (!x->stopping)
        xero_pump(x);
    xero_closed(x);
}

/* --- the request -------------------------------------------------------------------------------------------------- */

/* Changed since, in Xero's own form: UTC without a zone. Invoices only come to this set, so an order that does not
 * change moves some to a later page and none to an earlier one: nothing is missed. */
static void page_request(const struct xero_fetch *f, struct belfry_str api, char *url, size_t size, char since[32])
{
    time_t seconds = (time_t)(f->question.since_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(since, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(url, size, "%.*s/Invoices?where=Type%%3D%%3D%%22ACCREC%%22&order=InvoiceID&page=%" PRId64, (int)api.len,
             api.ptr, f->question.page);
}

static int send(struct xero_fetch *f, const char *bearer)
{
    struct xero *x = f->xero;
    char since[32] = "";
    struct belfry_str api = belfry_str(x->config->api_url);
    while (api.len && api.ptr[api.len - 1] == '/')
        api.len--;
    size_t size = api.len + 200;
    char *url = malloc(size);
    if (!url)
        return -1;
    if (f->question.id)
        snprintf(url, size, "%.*s/Invoices/%s", (int)api.len, api.ptr, f->question.id);
    else
        page_request(f, api, url, size, since);
    struct belfry_attr headers[] = {{belfry_str("authorization"), belfry_str(bearer)},
                                    {belfry_str("xero-tenant-id"), belfry_str(f->question.tenant)},
                                    {belfry_str("accept"), belfry_str("application/json")},
                                    {belfry_str("if-modified-since"), belfry_str(since)}};
    f->token = x->token.number;
    int rc = xero_request(x, "GET", url, headers, *since ? 4 : 3, (struct belfry_str){NULL, 0}, on_answer, f, &f->call);
    free(url);
    return rc;
}

static struct xero_fetch *next_waiting(struct xero *x)
{
    struct xero_fetch *f = x->waiting;
    x->waiting = f->next;
    if (!x->waiting)
        x->waiting_end = &x->waiting;
    return f;
}

static void begin(struct xero_fetch *f, const char *bearer)
{
    struct xero *x = f->xero;
    if (send(f, bearer) != 0) {
        finish(f, BELFRY_RETRY, 0, NULL);
        return;
    }
    f->next = x->under_way;
    f->link = &x->under_way;
    if (f->next)
        f->next->link = &f->next;
    x->under_way = f;
    x->under_way_count++;
}

void xero_pump(struct xero *x)
{
    while (x->waiting && x->under_way_count < AT_ONCE) {
        const char *bearer = xero_token_get(x);
        if (xero_pause(x)) {
            come_back(next_waiting(x));
        } else if (bearer) {
            begin(next_waiting(x), bearer);
        } else if (x->token.asking) {
            return;
        } else {
            xero_token_ask(x);
        }
    }
}

/* --- from and to the host ----------------------------------------------------------------------------------------- */

/* Both go into a URL and a header; UUIDs need no more. */
static int is_id(const char *text)
{
    size_t n = text ? strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") : 0;
    return n > 0 && n <= 64 && !text[n];
}

static int read_payload(struct xero_fetch *f, struct belfry_str payload)
{
    f->payload = json_loadb(payload.ptr ? payload.ptr : "", payload.len, 0, NULL);
    f->question = (struct xero_question){
        .tenant = json_string_value(json_object_get(f->payload, "tenant")),
        .id = json_string_value(json_object_get(f->payload, "id")),
        .since_ms = json_integer_value(json_object_get(f->payload, "since")),
        .page = json_integer_value(json_object_get(f->payload, "page")),
    };
    return is_id(f->question.tenant) && (f->question.id ? is_id(f->question.id) : f->question.page > 0) ? 0 : -1;
}

void xero_perform(struct xero *x, uint64_t task, struct belfry_str org, struct belfry_str key,
                  struct belfry_str payload)
{
    (void)org;
    (void)key;
    int64_t pause = xero_pause(x);
    if (!x->config || !x->config->client_id || x->stopping || pause) {
        done(x, task, BELFRY_UNAVAILABLE, pause ? pause : x->stopping ? 0 : NO_CLIENT_WAIT_MS, NULL);
        return;
    }
    struct xero_fetch *f = calloc(1, sizeof(*f));
    if (!f) {
        done(x, task, BELFRY_RETRY, 0, NULL);
        return;
    }
    f->xero = x;
    f->task = task;
    if (read_payload(f, payload) != 0) {
        finish(f, BELFRY_REJECTED, 0, "the task names no invoice that could be asked for");
        return;
    }
    wait_at_end(f);
    xero_pump(x);
}

void xero_tasks_end(struct xero *x)
{
    while (x->waiting)
        finish(next_waiting(x), BELFRY_UNAVAILABLE, 0, NULL);
    for (struct xero_fetch *f = x->under_way; f; f = f->next)
        x->http->cancel(x->host, f->call);
    if (x->token.asking)
        x->http->cancel(x->host, x->token.call);
}
