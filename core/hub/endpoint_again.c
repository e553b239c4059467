/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to an endpoint by hand: all that it missed since a time, or the delivery of one attempt. For endpoints of
 * YAML, too. The ledger does it, with a row in the audit; what is sent again keeps its webhook-id.
 */
#include "hub/endpoints.h"

#include "base/mem.h"
#include "ledger/endpoints.h"

/* --- recover ------------------------------------------------------------------------------------------------------ */

/* Who did not wait for the end, and asks again. */
static const char *how_far(const struct hub_endpoint_deed *d, int64_t count, int64_t until_ms)
{
    char until[TIME_TEXT_SIZE];
    time_format(until_ms, until);
    return arena_printf(
        d->req->arena,
        "it is being recovered already, and goes on whether or not somebody waits: of the events before "
        "%s %lld go out so far; ask again when it is done",
        until, (long long)count);
}

static void recovered(void *arg, belfry_status status, int64_t count, int64_t since_ms)
{
    const struct hub_endpoint_deed *d = arg;
    if (status != BELFRY_OK) {
        hub_endpoint_deed_refuse(d, status, status == BELFRY_ECONFLICT ? how_far(d, count, since_ms) : NULL);
        return;
    }
    json_t *doc = json_pack("{s:I}", "count", (json_int_t)count);
    hub_json_time(doc, "since", since_ms);
    http_respond_json(d->req, 202, doc, NULL, 0);
}

/* 0, or -1 after a 422. 0 in *ms: not said. What was before 1970 is as good as its first moment. */
static int read_time(const struct hub_endpoint_deed *d, const char *name, int64_t *ms)
{
    const json_t *value = json_object_get(d->body, name);
    *ms = 0;
    if (!value || json_is_null(value))
        return 0;
    if (json_is_string(value) && time_parse(json_str(value), ms) == BELFRY_OK) {
        *ms = *ms > 0 ? *ms : 1;
        return 0;
    }
    http_problem(d->req, 422, arena_printf(d->req->arena, "/%s", name), "must be a time as in RFC 3339");
    return -1;
}

static void post_recover(void *arg, struct http_request *req)
{
    static const char *const names[] = {"since", "until"};
    struct hub_endpoint_deed *d = http_json(req) ? hub_endpoint_deed_begin(arg, req) : NULL;
    int64_t since, until;
    if (!d || hub_endpoint_deed_only(d, names, 2) != 0 || read_time(d, "since", &since) != 0 ||
        read_time(d, "until", &until) != 0)
        return;
    if (!since)
        http_problem(req, 422, "/since", "is required: a time as in RFC 3339");
    else if (until && until <= since)
        http_problem(req, 422, "/until", "must be later than since");
    else if (since > clock_now_ms(d->hub->parts.clock))
        http_problem(req, 422, "/since", "is still to come");
    else
        ledger_endpoint_recover(d->hub->parts.ledger, &d->deed, d->endpoint->view.id, since, until, recovered, d);
}

/* --- one delivery again ------------------------------------------------------------------------------------------- */

static void resent(void *arg, belfry_status status, const char *why, int64_t delivery)
{
    const struct hub_endpoint_deed *d = arg;
    if (status == BELFRY_ENOTFOUND) {
        http_problem(d->req, 404, NULL, "there is no such attempt");
    } else if (status != BELFRY_OK) {
        hub_endpoint_deed_refuse(d, status, why);
    } else {
        json_t *doc = json_object();
        hub_json_id(d->hub, doc, "delivery", delivery);
        http_respond_json(d->req, 202, doc, NULL, 0);
    }
}

static void post_resend(void *arg, struct http_request *req)
{
    struct hub_endpoint_deed *d = hub_endpoint_deed_begin(arg, req);
    int64_t attempt;
    if (!d || hub_endpoint_deed_only(d, NULL, 0) != 0)
        return;
    if (id_parse(store_id_key(d->hub->parts.store), http_param(req, "attempt"), &attempt) != BELFRY_OK)
        http_problem(req, 404, NULL, "there is no such attempt");
    else
        ledger_endpoint_resend(d->hub->parts.ledger, &d->deed, d->endpoint->view.id, attempt, resent, d);
}

belfry_status hub_endpoint_again_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"POST", "/v1/{org}/endpoints/{id}/recover", ENDPOINT_WRITES, 4096, 0, post_recover, hub},
        {"POST", "/v1/{org}/endpoints/{id}/attempts/{attempt}/resend", ENDPOINT_WRITES, 4096, 0, post_resend, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 2, err);
}
