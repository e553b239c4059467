/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook: signature over the raw bytes before anything is read from them; then every trigger that the body becomes
 * is submitted in one turn, and the answer waits for all of them. 200 means on disk. Whatever Xero could repeat in vain
 * (a body that nobody can read, an event that makes no sense) is 200 as well, because it is kept where admins see it;
 * only what may succeed later is 503. Answers have no body and no cookie.
 *
 * Xero waits for 5 seconds and takes anything later for a failure. A commit that is slower than ANSWER_WITHIN_MS is
 * answered with 503: what it holds is known by its ids when Xero says it again.
 */
#include "xero_body.h"
#include "xero_inside.h"
#include "xero_sign.h"

#include <stdlib.h>

#define ANSWER_WITHIN_MS 4000

struct posted {
    struct xero *xero;
    uint64_t request; /* 0: answered */
    uint64_t timer;
    size_t owed;
    int again;
};

static void answer(struct xero *x, uint64_t request, uint32_t status)
{
    struct belfry_http_response response = {.struct_size = sizeof(response), .status = status};
    x->route->respond(x->host, request, &response);
}

static void settle(struct posted *p)
{
    struct xero *x = p->xero;
    if (--p->owed > 0)
        return;
    if (p->request) {
        x->timer->stop(x->host, p->timer);
        answer(x, p->request, p->again ? 503 : 200);
    }
    free(p);
    xero_closed(x);
}

static void on_late(void *arg)
{
    struct posted *p = arg;
    answer(p->xero, p->request, 503);
    p->request = 0;
    xero_log(p->xero, BELFRY_LOG_WARN, "xero: a webhook was not on disk after %d ms; answered 503, Xero calls again",
             ANSWER_WITHIN_MS);
}

/* A refusal stands however often it is repeated; anything else is the hub's own trouble. */
static int is_final(belfry_status status)
{
    return status == BELFRY_OK || status == BELFRY_EINVAL || status == BELFRY_ECONFLICT || status == BELFRY_ENOTFOUND ||
           status == BELFRY_EPERM || status == BELFRY_ELIMIT;
}

static void on_submitted(void *arg, belfry_status status, struct belfry_str message)
{
    struct posted *p = arg;
    (void)message;
    p->again |= !is_final(status);
    settle(p);
}

static void submit(struct posted *p, struct belfry_str org, const struct xero_trigger *trigger)
{
    const struct belfry_host *host = p->xero->host;
    struct belfry_principal principal = {
        .struct_size = sizeof(principal), .kind = BELFRY_PRINCIPAL_HOOK, .name = belfry_str("xero")};
    struct belfry_submission sub = {.struct_size = sizeof(sub),
                                    .org = org,
                                    .id = belfry_str(trigger->id),
                                    .source = belfry_str("xero"),
                                    .type = belfry_str(trigger->type),
                                    .data = belfry_str(trigger->data),
                                    .principal = &principal};
    p->owed++;
    belfry_status status = host->submit(host, &sub, on_submitted, p);
    if (status != BELFRY_OK) {
        p->again |= !is_final(status);
        p->owed--;
    }
}

static void take(struct xero *x, const struct belfry_http_request *req)
{
    struct posted *p = calloc(1, sizeof(*p));
    struct xero_triggers triggers;
    if (!p || xero_body_read(req->body, &triggers) != 0) {
        free(p);
        answer(x, req->id, 503);
        return;
    }
    *p = (struct posted){.xero = x, .request = req->id, .owed = 1};
    xero_opened(x);
    x->timer->start(x->host, ANSWER_WITHIN_MS, 0, on_late, p, &p->timer);
    for (size_t i = 0; i < triggers.count; i++)
        submit(p, req->org, &triggers.items[i]);
    xero_triggers_free(&triggers);
    settle(p);
}

void xero_webhook(struct xero *x, const struct belfry_http_request *req)
{
    if (!x->config)
        x->route->problem(x->host, req->id, 404, NULL, belfry_str("there is nothing at this path"));
    else if (!xero_signed(x->config->signing_key, req->body, x->route->header(req, "x-xero-signature")))
        answer(x, req->id, 401);
    else if (x->stopping)
        answer(x, req->id, 503);
    else
        take(x, req);
}
