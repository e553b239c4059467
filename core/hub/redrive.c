/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/{org}/deliveries: tried again, or ended, by hand: one, some by id, or all that a filter lets through.
 *
 * A filter is counted first, on a snapshot, and its newest row is the last that the deed is about. `expected` and
 * `as_of` say what whoever confirmed it had read: rows that ended later are others, and when there are not so many as
 * there were nothing happens.
 */
#include "base/id.h"
#include "base/mem.h"
#include "event/outcome.h"
#include "hub/internal.h"
#include "store/story.h"

#include <stdlib.h>

#define IDS_MAX 1000
#define COUNT_MS 5000 /* for a filter that no index helps with, over a million rows */

/* --- one ---------------------------------------------------------------------------------------------------------- */

static void changed(void *arg, belfry_status status, const char *why)
{
    struct http_request *req = arg;
    if (status == BELFRY_OK)
        http_respond_json(req, 200, json_object(), NULL, 0);
    else if (status == BELFRY_ECONFLICT)
        http_problem(req, 409, NULL, "this delivery cannot be changed: %s", why);
    else
        http_problem(req, http_status_of(status), NULL, "%s",
                     status == BELFRY_ENOTFOUND ? "there is no such delivery" : status_text(status));
}

/* 0, or -1 after a problem. */
static int deed_of(struct http_request *req, const json_t *body, struct ledger_deed *deed)
{
    *deed = (struct ledger_deed){.org = req->pub.org, .who = hub_who(req)};
    return hub_reason(req, body, &deed->reason);
}

static void single(struct hub *hub, struct http_request *req, int cancel)
{
    struct ledger_deed deed;
    json_t *body;
    int64_t id;
    if (hub_optional_body(req, &body) != 0 || deed_of(req, body, &deed) != 0)
        return;
    if (id_parse(store_id_key(hub->parts.store), http_param(req, "id"), &id) != BELFRY_OK)
        http_problem(req, 404, NULL, "there is no such delivery");
    else if (cancel)
        ledger_delivery_cancel(hub->parts.ledger, &deed, id, changed, req);
    else
        ledger_delivery_retry(hub->parts.ledger, &deed, id, changed, req);
}

static void post_retry(void *arg, struct http_request *req)
{
    single(arg, req, 0);
}

static void post_cancel(void *arg, struct http_request *req)
{
    single(arg, req, 1);
}

/* --- many: the body ----------------------------------------------------------------------------------------------- */

struct many {
    struct http_request *req;
    struct hub *hub;
    struct ledger_deed deed;
    int discard;
    struct store_delivery_query query;
    json_t *filter;   /* borrowed from the request */
    int64_t expected; /* -1: not said */
    int64_t *ids;
    size_t id_count;
    int64_t matched;
};

static int bad(struct many *m, const char *pointer, const char *what)
{
    http_problem(m->req, 422, pointer, "%s", what);
    return -1;
}

static int filter_text(struct many *m, const char *key, struct belfry_str *out)
{
    const json_t *value = json_object_get(m->filter, key);
    if (value && !json_is_null(value) && !json_is_string(value))
        return bad(m, arena_printf(m->req->arena, "/filter/%s", key), "must be a text");
    *out = json_str(value);
    return 0;
}

static int filter_state(struct many *m)
{
    struct belfry_str text;
    if (filter_text(m, "state", &text) != 0)
        return -1;
    m->query.state = text.len ? outcome_parse(arena_strndup(m->req->arena, text.ptr, text.len)) : OUTCOME_failed;
    if (m->query.state >= 0 && ledger_redrives(m->query.state, m->discard))
        return 0;
    return bad(m, "/filter/state",
               m->discard ? "must be failed, unknown, channel_removed, scheduled, retrying, digested, held_quiet_hours "
                            "or held_disabled"
                          : "must be failed, unknown, channel_removed, cancelled or retrying");
}

static int filter_time(struct many *m, const char *key, int64_t *id)
{
    struct belfry_str text;
    int64_t ms;
    if (filter_text(m, key, &text) != 0)
        return -1;
    if (!text.len)
        return 0;
    if (time_parse(text, &ms) != BELFRY_OK || ms < 0)
        return bad(m, arena_printf(m->req->arena, "/filter/%s", key), "must be a time as in RFC 3339");
    *id = id_first_at(ms);
    return 0;
}

static int filter_event(struct many *m)
{
    struct belfry_str text;
    if (filter_text(m, "event", &text) != 0)
        return -1;
    if (text.len && id_parse(store_id_key(m->hub->parts.store), text, &m->query.event) != BELFRY_OK)
        return bad(m, "/filter/event", "is no event of this hub");
    return 0;
}

/* A member that is not known would be one that does not narrow it down. */
static int filter_known(struct many *m)
{
    static const char *const known[] = {"state",  "channel", "event", "rule", "recipient",
                                        "target", "reason",  "from",  "to"};
    const char *key;
    json_t *value;
    json_object_foreach(m->filter, key, value)
    {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], key) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return bad(m, "/filter", arena_printf(m->req->arena, "has no member `%s`", key));
    }
    return 0;
}

static int read_filter(struct many *m)
{
    struct store_delivery_query *q = &m->query;
    q->before = INT64_MAX;
    if (!json_is_object(m->filter))
        return bad(m, "/filter", "must be an object; {} is every delivery that failed for good");
    return filter_known(m) || filter_state(m) || filter_event(m) || filter_time(m, "from", &q->from) ||
                   filter_time(m, "to", &q->before) || filter_text(m, "channel", &q->channel) ||
                   filter_text(m, "rule", &q->rule) || filter_text(m, "recipient", &q->recipient) ||
                   filter_text(m, "target", &q->target) || filter_text(m, "reason", &q->reason)
               ? -1
               : 0;
}

static int read_as_of(struct many *m, const json_t *as_of)
{
    if (!as_of || json_is_null(as_of))
        return 0;
    if (time_parse(json_str(as_of), &m->query.as_of) == BELFRY_OK && m->query.as_of > 0)
        return 0;
    return bad(m, "/as_of", "must be a time as in RFC 3339");
}

/* What is no id of ours is no delivery, and passed over as those that are gone. */
static int read_ids(struct many *m, const json_t *ids)
{
    size_t i;
    json_t *id;
    if (!json_is_array(ids) || json_array_size(ids) > IDS_MAX)
        return bad(m, "/ids", "must be a list of at most 1000 ids");
    m->ids = arena_alloc(m->req->arena, (json_array_size(ids) + 1) * sizeof(*m->ids));
    json_array_foreach(ids, i, id)
    {
        if (!json_is_string(id))
            return bad(m, arena_printf(m->req->arena, "/ids/%zu", i), "must be a text");
        m->id_count += id_parse(store_id_key(m->hub->parts.store), json_str(id), &m->ids[m->id_count]) == BELFRY_OK;
    }
    return 0;
}

static int read_body(struct many *m)
{
    json_t *body = http_json(m->req);
    if (!body || deed_of(m->req, body, &m->deed) != 0)
        return -1;
    const json_t *ids = json_object_get(body, "ids"), *expected = json_object_get(body, "expected");
    m->filter = json_object_get(body, "filter");
    m->expected = -1;
    if ((ids != NULL) == (m->filter != NULL))
        return bad(m, "", "give either `ids` or `filter`");
    if (expected && (!json_is_integer(expected) || json_integer_value(expected) < 0))
        return bad(m, "/expected", "must be a number");
    if (expected)
        m->expected = json_integer_value(expected);
    if (ids)
        return read_ids(m, ids);
    return read_filter(m) || read_as_of(m, json_object_get(body, "as_of")) ? -1 : 0;
}

/* --- many: count, then do ----------------------------------------------------------------------------------------- */

static void done(void *arg, belfry_status status, int64_t count)
{
    struct many *m = arg;
    if (status == BELFRY_OK)
        http_respond_json(m->req, 200,
                          json_pack("{s:I, s:I}", "matched", (json_int_t)m->matched, "changed", (json_int_t)count),
                          NULL, 0);
    else
        http_problem(m->req, http_status_of(status), NULL, "this could not be done now: %s", status_text(status));
}

static int as_expected(struct many *m)
{
    if (m->expected < 0 || m->expected == m->matched)
        return 1;
    http_problem(m->req, 409, "/expected", "it would be %lld by now, not %lld; nothing was changed",
                 (long long)m->matched, (long long)m->expected);
    return 0;
}

static belfry_status count(struct store_conn *conn, void *arg)
{
    struct many *m = arg;
    int64_t last = store_deliveries_last(conn);
    int more;
    m->query.org = store_name_find(conn, m->req->pub.org);
    if (last < m->query.before)
        m->query.before = last + 1;
    m->matched = m->query.org ? store_deliveries_count(conn, &m->query, -1, &more) : 0;
    return BELFRY_OK;
}

static void counted(void *arg, belfry_status status)
{
    struct many *m = arg;
    if (status != BELFRY_OK)
        http_problem(m->req, http_status_of(status), NULL, "the deliveries could not be counted now: %s",
                     status_text(status));
    else if (!as_expected(m))
        return;
    else if (m->matched == 0)
        done(m, BELFRY_OK, 0);
    else
        ledger_redrive(m->hub->parts.ledger, &m->deed, m->discard, &m->query, m->matched, m->filter, done, m);
}

static void many(struct hub *hub, struct http_request *req, int discard)
{
    struct many *m = arena_alloc(req->arena, sizeof(*m));
    m->req = req;
    m->hub = hub;
    m->discard = discard;
    if (read_body(m) != 0)
        return;
    m->matched = (int64_t)m->id_count;
    if (m->filter) {
        if (store_read(hub->parts.readers, count, counted, m, COUNT_MS) != BELFRY_OK)
            http_problem(req, 503, NULL, "too many reads wait at the moment");
    } else if (as_expected(m)) {
        ledger_redrive_ids(hub->parts.ledger, &m->deed, discard, m->ids, m->id_count, done, m);
    }
}

static void post_retry_all(void *arg, struct http_request *req)
{
    many(arg, req, 0);
}

static void post_discard_all(void *arg, struct http_request *req)
{
    many(arg, req, 1);
}

belfry_status hub_redrive_init(struct hub *hub, struct error *err)
{
    static const char *const admin = "role:admin|token:admin";
    const struct http_route routes[] = {
        {"POST", "/v1/{org}/deliveries/{id}/retry", admin, 4096, 0, post_retry, hub},
        {"POST", "/v1/{org}/deliveries/{id}/cancel", admin, 4096, 0, post_cancel, hub},
        {"POST", "/v1/{org}/deliveries/retry", admin, 64 << 10, 0, post_retry_all, hub},
        {"POST", "/v1/{org}/deliveries/discard", admin, 64 << 10, 0, post_discard_all, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 4, err);
}
