/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/{org}/sources/{source}/triggers: CloudEvents in, answered after the commit.
 *
 * A body over 64 KiB is parsed on a worker, a small one at once: parsing 450 bytes takes 5 us, a hop to another thread
 * more. The answer for one accepted trigger is written by hand, because that is the hub's hottest path.
 */
#include "base/mem.h"
#include "base/metrics.h"
#include "http/internal.h"

#include <stdio.h>

#define PARSE_ON_WORKER (64 * 1024)

struct post {
    struct ledger_request request; /* for the ledger */
    struct http_request *req;
    const struct config_instance *source;
    int partial;
    uv_work_t work;
    belfry_status decoded;
    struct error err;
    struct error *faults; /* of items, when partial */
    size_t fault_count;
};

enum { COUNT_ACCEPTED, COUNT_DUPLICATE, COUNT_REFUSED, COUNT_UNAVAILABLE, COUNTS };

/* Numbers of one source, looked up once a configuration. */
struct counters {
    struct metric *by_result[COUNTS], *last;
};

static void counters_free(void *value)
{
    free(value);
}

void triggers_free(struct http *http)
{
    hash_free(http->counters, counters_free);
    http->counters = NULL;
}

/* All of them are there from 0, or the first failure of a source would be no increase to anybody. */
static struct counters *counters_new(const char *source)
{
    static const char *const names[COUNTS] = {"accepted", "duplicate", "refused", "unavailable"};
    struct counters *c = xcalloc(1, sizeof(*c));
    for (int i = 0; i < COUNTS; i++)
        c->by_result[i] = metric_get(metrics_global(), "belfry_events_received_total", "Triggers by source and result.",
                                     METRIC_COUNTER, "source", source, "result", names[i], NULL);
    c->last = metric_get(metrics_global(), "belfry_source_last_event_timestamp_seconds",
                         "When a trigger for the source was accepted last; 0: not since the start.", METRIC_GAUGE,
                         "source", source, NULL);
    return c;
}

void triggers_configure(struct http *http)
{
    hash_free(http->counters, counters_free);
    http->counters = hash_new();
    for (size_t i = 0; i < http->config->source_count; i++)
        hash_set(http->counters, str_of(http->config->sources[i].name), counters_new(http->config->sources[i].name));
}

static void count_of(struct http *http, const char *source, int result, double n)
{
    const struct counters *c = hash_get(http->counters, str_of(source));
    if (n <= 0 || !c) /* the source went while its trigger was under way */
        return;
    metric_add(c->by_result[result], n);
    if (result == COUNT_ACCEPTED)
        metric_set(c->last, (double)clock_now_ms(http->set.clock) / 1000);
}

static void count(const struct post *p, int result, double n)
{
    count_of(p->req->http, p->source->name, result, n);
}

void http_triggers_count(struct http *http, const char *source, size_t accepted, size_t duplicate, size_t refused)
{
    count_of(http, source, COUNT_ACCEPTED, (double)accepted);
    count_of(http, source, COUNT_DUPLICATE, (double)duplicate);
    count_of(http, source, COUNT_REFUSED, (double)refused);
}

static void post_free(struct post *p)
{
    if (p->request.results)
        for (size_t i = 0; i < p->request.triggers.count; i++)
            error_clear(&p->request.results[i].err);
    free(p->request.results);
    for (size_t i = 0; i < p->fault_count; i++)
        error_clear(&p->faults[i]);
    free(p->faults);
    trigger_set_free(&p->request.triggers);
    error_clear(&p->err);
    free(p);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static uint32_t decode_status(belfry_status status)
{
    return status == BELFRY_ELIMIT ? 413 : status == BELFRY_EUNSUPPORTED ? 415 : 400;
}

/* In a batch the pointers of a fault begin with the item's index. */
static void with_index(struct error *err, size_t index)
{
    for (size_t i = 0; i < err->count; i++) {
        if (!err->items[i].pointer)
            continue;
        char *pointer = xasprintf("/%zu%s", index, err->items[i].pointer);
        free(err->items[i].pointer);
        err->items[i].pointer = pointer;
    }
}

static void write_item(struct buf *out, struct belfry_str id, const char *status, uint32_t events)
{
    buf_addz(out, "{\"id\":");
    json_write_str(id, out);
    buf_addz(out, ",\"status\":\"");
    buf_addz(out, status);
    buf_addz(out, "\",\"events\":");
    buf_add_i64(out, events);
    buf_addc(out, '}');
}

static void answer_accepted(struct post *p)
{
    struct buf out = {0};
    double accepted = 0, duplicate = 0, refused = 0;
    buf_addz(&out, "{\"accepted\":[");
    for (size_t i = 0; i < p->request.triggers.count; i++) {
        struct ledger_item_result *r = &p->request.results[i];
        if (i)
            buf_addc(&out, ',');
        if (r->state == LEDGER_REFUSED) {
            int malformed = i < p->fault_count && p->faults[i].count;
            struct error *err = malformed ? &p->faults[i] : &r->err;
            if (p->request.triggers.batch)
                with_index(err, i);
            uint32_t status = malformed ? decode_status(r->status) : http_status_of(r->status);
            json_t *item = json_object(), *problem = http_problem_json(status, err);
            json_set_str(item, "id", p->request.triggers.items[i].pub.id);
            json_object_set_new(item, "status", json_string("refused"));
            json_object_set_new(item, "problem", problem);
            json_write(item, &out);
            json_decref(item);
            refused++;
        } else {
            int again = r->state == LEDGER_DUPLICATE;
            write_item(&out, p->request.triggers.items[i].pub.id, again ? "duplicate" : "accepted", r->events);
            accepted += !again;
            duplicate += again;
        }
    }
    buf_addz(&out, "]}");
    count(p, COUNT_ACCEPTED, accepted);
    count(p, COUNT_DUPLICATE, duplicate);
    count(p, COUNT_REFUSED, refused);
    http_respond(p->req, 202, "application/json", buf_str(&out), NULL, 0);
    buf_free(&out);
}

static void answer_retry(struct post *p, uint32_t status, int64_t after_ms, const char *text)
{
    char seconds[24];
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(after_ms > 1000 ? (after_ms + 999) / 1000 : 1));
    struct error err = {0};
    error_set(&err, BELFRY_EAGAIN, NULL, "%s", text);
    struct belfry_attr headers[] = {{STR("Retry-After"), str_of(seconds)}};
    count(p, COUNT_UNAVAILABLE, 1);
    http_respond_json(p->req, status, http_problem_json(status, &err), headers, 1);
    error_clear(&err);
}

/* The item at fault; in a batch that is refused as a whole the others say ECANCELED. */
static size_t item_at_fault(const struct post *p, belfry_status status)
{
    for (size_t i = 0; i < p->request.triggers.count; i++)
        if (p->request.results[i].state == LEDGER_REFUSED && p->request.results[i].status == status)
            return i;
    return SIZE_MAX;
}

static void answer_refused(struct post *p, belfry_status status)
{
    size_t at = item_at_fault(p, status);
    struct error *first = at == SIZE_MAX ? NULL : &p->request.results[at].err;
    if (first && p->request.triggers.batch)
        with_index(first, at);
    if (status == BELFRY_EAGAIN || status == BELFRY_EIO || status == BELFRY_ECANCELED) {
        const char *ailment = ledger_ailment(p->req->http->set.ledger);
        const char *text = status == BELFRY_ECANCELED ? "the hub is stopping; send it again"
                           : ailment && status != BELFRY_EAGAIN
                               ? arena_printf(p->req->arena, "%s; nothing was taken", ailment)
                           : first ? error_text(first)
                                   : "the source takes nothing at the moment";
        answer_retry(p, 503, p->request.retry_after_ms, text);
        return;
    }
    struct error none = {.status = status};
    count(p, COUNT_REFUSED, (double)p->request.triggers.count);
    http_problem_error(p->req, http_status_of(status), first ? first : &none);
}

/* A source that takes nothing at the moment says so to the whole request, partial or not. */
static int all_may_be_sent_again(const struct post *p)
{
    for (size_t i = 0; i < p->request.triggers.count; i++)
        if (p->request.results[i].state != LEDGER_REFUSED || p->request.results[i].status != BELFRY_EAGAIN)
            return 0;
    return 1;
}

static void on_done(struct ledger_request *request)
{
    struct post *p = request->arg;
    if (request->status != BELFRY_OK)
        answer_refused(p, request->status);
    else if (p->partial && all_may_be_sent_again(p))
        answer_refused(p, BELFRY_EAGAIN);
    else
        answer_accepted(p);
    post_free(p);
}

/* --- the way in --------------------------------------------------------------------------------------------------- */

/* [any] */
static void decode(struct post *p)
{
    struct http_request *req = p->req;
    const struct config_hub *hub = &req->config->hub;
    size_t most = (size_t)hub->limits.batch_events, each = (size_t)hub->limits.event_bytes;
    int64_t now = clock_now_ms(req->http->set.clock);
    int batch = head_begins(req->pub.content_type, "application/cloudevents-batch");
    if (p->partial && batch) {
        p->faults = xcalloc(most, sizeof(*p->faults));
        p->fault_count = most;
        p->decoded = ce_decode_partial(&p->request.triggers, req->pub.content_type, req->pub.body, each, most, now,
                                       p->faults, &p->err);
        return;
    }
    struct ce_header *headers = arena_alloc(req->arena, req->pub.header_count * sizeof(*headers));
    for (size_t i = 0; i < req->pub.header_count; i++)
        headers[i] = (struct ce_header){req->pub.headers[i].name, req->pub.headers[i].value};
    p->decoded = ce_decode(&p->request.triggers, headers, req->pub.header_count, req->pub.content_type, req->pub.body,
                           each, most, now, &p->err);
}

static void take_faults(struct post *p)
{
    for (size_t i = 0; i < p->request.triggers.count && i < p->fault_count; i++) {
        if (!p->faults[i].count)
            continue;
        p->request.results[i].state = LEDGER_REFUSED;
        p->request.results[i].status = p->faults[i].status;
    }
}

static void decoded(struct post *p)
{
    if (p->decoded != BELFRY_OK) {
        count(p, COUNT_REFUSED, 1);
        http_problem_error(p->req, decode_status(p->decoded), &p->err);
        post_free(p);
        return;
    }
    struct ledger_request *lr = &p->request;
    lr->results = xcalloc(lr->triggers.count + 1, sizeof(*lr->results));
    take_faults(p);
    lr->org = p->req->pub.org;
    lr->source = p->source->name;
    lr->principal = *p->req->pub.principal;
    lr->partial = p->partial;
    lr->done = on_done;
    lr->arg = p;
    if (lr->triggers.count == 0) { /* an empty batch is allowed by CloudEvents 1.0.2 */
        answer_accepted(p);
        post_free(p);
        return;
    }
    auth_count_triggers(request_of(p->req), lr->triggers.count);
    belfry_status status = ledger_trigger(p->req->http->set.ledger, lr);
    if (status == BELFRY_OK)
        return;
    if (status == BELFRY_EAGAIN)
        answer_retry(p, 503, 1000, "more triggers wait than can be taken at the moment; nothing was taken");
    else if (status == BELFRY_ECLOSED)
        answer_retry(p, 503, 1000, "the hub is stopping; send it again");
    else
        http_problem(p->req, 404, NULL, "there is no source `%s` here", p->source->name);
    post_free(p);
}

static void on_work(uv_work_t *work)
{
    decode(work->data);
}

static void on_worked(uv_work_t *work, int status)
{
    (void)status;
    decoded(work->data);
}

/* 1 or 0; -1 after a 400: whoever gets a batch refused as a whole must not have asked for something else. */
static int wants_partial(struct http_request *req)
{
    struct belfry_str value;
    belfry_status status = http_query(req, "partial", 0, &value);
    if (status == BELFRY_ENOTFOUND || (status == BELFRY_OK && str_eqz(value, "false")))
        return 0;
    if (status == BELFRY_OK && str_eqz(value, "true"))
        return 1;
    http_problem(req, 400, NULL, "`partial` must be true or false");
    return -1;
}

static void post_triggers(void *arg, struct http_request *req)
{
    struct http *http = arg;
    const struct config_instance *source = config_source(req->config, http_param(req, "source"));
    if (!source || !config_serves(source, req->pub.org)) {
        http_problem(req, 404, NULL, "there is no source `%.*s` here", STR_ARG(http_param(req, "source")));
        return;
    }
    if (ledger_ailment(http->set.ledger)) {
        struct belfry_attr headers[] = {{STR("Retry-After"), STR("5")}};
        struct error err = {0};
        error_set(&err, BELFRY_EAGAIN, NULL, "%s; nothing was taken", ledger_ailment(http->set.ledger));
        http_respond_json(req, 503, http_problem_json(503, &err), headers, 1);
        error_clear(&err);
        return;
    }
    int partial = wants_partial(req);
    if (partial < 0)
        return;
    struct post *p = xcalloc(1, sizeof(*p));
    p->req = req;
    p->source = source;
    p->partial = partial;
    if (req->pub.body.len > PARSE_ON_WORKER) {
        p->work.data = p;
        uv_queue_work(http->set.loop, &p->work, on_work, on_worked);
        return;
    }
    decode(p);
    decoded(p);
}

belfry_status http_triggers_init(struct http *http, struct error *err)
{
    http->counters = hash_new();
    const struct http_route route = {
        "POST", "/v1/{org}/sources/{source}/triggers", "token:trigger", HTTP_BODY_REQUEST, 0, post_triggers, http};
    return http_routes_add(http, http, &route, 1, err);
}
