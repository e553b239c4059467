/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's life: target seen (request_new), headers seen (route, credential and size are judged before a byte of the
 * body is kept), body collected, handler called, answered now or later, completed.
 *
 * Ownership: libmicrohttpd holds the request as its per-request context until request_completed(). A handler may answer
 * after the client has left: then `gone` is set and the answer is dropped. Either way the memory outlives the call that
 * answered, so that a handler may still look at what it answered. Requests go back to a small pool, arena
 * included, because a hot hub makes 20,000 a second.
 *
 * A refusal that is known before the body has come is held back until the body was read and dropped, up to DROP_MAX:
 * closing a socket with unread bytes resets it, and the client would never see why.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "http/internal.h"

#define SPARE_MAX 256
#define REQUEST_ARENA 4096 /* enough for most: a second block would be allocated and freed with every request */
#define BODY_FIRST 1024
#define BODY_KEEP (256 * 1024)
#define DROP_MAX (16 * 1024 * 1024)

/* --- pool --------------------------------------------------------------------------------------------------------- */

static void request_free(struct request *r)
{
    struct http *http = r->pub.http;
    json_decref(r->json);
    config_unref(r->pub.config);
    struct arena *arena = r->pub.arena;
    struct buf body = r->body;
    arena_reset(arena);
    if (http->spare_count >= SPARE_MAX || body.cap > BODY_KEEP || http->closed) {
        arena_free(arena);
        buf_free(&body);
        free(r);
        return;
    }
    memset(r, 0, sizeof(*r));
    r->pub.http = http;
    r->pub.arena = arena;
    r->body = body;
    buf_clear(&r->body);
    list_push_back(&http->spare, &r->node);
    http->spare_count++;
}

struct request *request_take(struct http *http)
{
    struct list *node = list_pop_front(&http->spare);
    struct request *r;
    if (node) {
        http->spare_count--;
        r = LIST_OF(node, struct request, node);
    } else {
        r = xcalloc(1, sizeof(*r));
        r->pub.arena = arena_new(REQUEST_ARENA);
        r->pub.http = http;
    }
    r->pub.impl = r;
    r->pub.pub.impl = r;
    r->pub.pub.struct_size = sizeof(r->pub.pub);
    r->pub.pub.id = ++http->next_id;
    list_push_back(&http->open, &r->node);
    http->open_count++;
    return r;
}

void requests_reap(struct http *http)
{
    LIST_EACH_SAFE(it, &http->dead)
    {
        struct request *r = LIST_OF(it, struct request, node);
        if (r->holds > 0)
            continue;
        list_remove(it);
        request_free(r);
    }
}

void http_hold(struct http_request *req)
{
    request_of(req)->holds++;
    req->http->jobs++;
}

void http_let_go(struct http_request *req)
{
    struct http *http = req->http;
    request_of(req)->holds--;
    http->jobs--;
    if (!http->closed)
        return; /* the next turn reaps */
    requests_reap(http);
    http_unref(http);
}

/* RFC 9112 section 3.2.2: a target in absolute form is taken by its path. */
static const char *origin_form(const char *target)
{
    const char *host = head_begins(str_of(target), "http://")    ? target + 7
                       : head_begins(str_of(target), "https://") ? target + 8
                                                                 : NULL;
    const char *path = host ? strchr(host, '/') : NULL;
    return path ? path : host ? "/" : target;
}

struct request *request_new(struct http *http, struct conn *conn, struct MHD_Connection *mhd, const char *uri)
{
    struct request *r = request_take(http);
    struct belfry_http_request *pub = &r->pub.pub;
    struct belfry_str query, target = arena_str(r->pub.arena, str_of(origin_form(uri)));
    r->conn = conn;
    r->mhd = mhd;
    pub->path = str_cut(target, '?', &query);
    pub->query = query;
    r->pub.config = http->config ? config_ref(http->config) : NULL;
    r->pub.operator_socket = conn->listener->control;
    return r;
}

static struct belfry_str id_key(const struct request *r)
{
    return str_slice((const char *)&r->pub.pub.id, sizeof(r->pub.pub.id));
}

struct http_request *http_request_find(struct http *http, uint64_t id)
{
    struct request *r = hash_get(http->by_id, str_slice((const char *)&id, sizeof(id)));
    return r ? &r->pub : NULL;
}

const void *http_request_owner(const struct http_request *req)
{
    return request_of(req)->owner;
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result queue_answer(struct request *r)
{
    if (r->unframed)
        MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result ok = MHD_queue_response(r->mhd, r->status, r->response);
    MHD_destroy_response(r->response);
    r->response = NULL;
    return ok;
}

static void count_answer(uint32_t status)
{
    static struct metric *by_class[6]; /* loop only */
    uint32_t class = status / 100 < 6 ? status / 100 : 0;
    if (!by_class[class]) {
        char code[4] = {(char)('0' + class), 'x', 'x', 0};
        by_class[class] = metric_get(metrics_global(), "belfry_http_requests_total",
                                     "Answered requests by class of status.", METRIC_COUNTER, "code", code, NULL);
    }
    metric_add(by_class[class], 1);
}

static void resume(struct request *r)
{
    if (!r->suspended)
        return;
    r->suspended = 0;
    listener_resume(r->conn->listener, r->mhd);
}

/* Nobody waits for it any more; whoever answered may still look at it. */
static void bury(struct request *r)
{
    list_remove(&r->node);
    list_push_back(&r->pub.http->dead, &r->node);
    r->pub.http->open_count--;
}

int request_answered(struct request *r, uint32_t status)
{
    if (r->state == REQUEST_ANSWERED) {
        log_warn("http", "second answer to a request, ignored", "request=%llu status=%u",
                 (unsigned long long)r->pub.pub.id, status);
        return -1;
    }
    if (status < 200 || status > 599) {
        log_error("http", "answer with an impossible status, sent as 500", "request=%llu status=%u",
                  (unsigned long long)r->pub.pub.id, status);
        status = 500;
    }
    r->state = REQUEST_ANSWERED;
    r->status = status;
    hash_del(r->pub.http->by_id, id_key(r));
    if (r->ask)
        bury(r);
    return 0;
}

void request_answer(struct request *r, uint32_t status, struct MHD_Response *response)
{
    if (request_answered(r, status) != 0) {
        if (response)
            MHD_destroy_response(response);
        return;
    }
    if (!response)
        response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    r->response = response;
    count_answer(r->status);
    if (r->gone) {
        MHD_destroy_response(r->response);
        r->response = NULL;
        bury(r);
        return;
    }
    cors_add(r, response);
    if (!r->waiting)
        resume(r);
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static void wrong_method(struct request *r, const char *allow)
{
    struct belfry_attr headers[] = {{STR("Allow"), str_of(allow)}};
    struct error err = {0};
    error_set(&err, BELFRY_EINVAL, NULL, "this path does not take %.*s; it takes %s", STR_ARG(r->pub.pub.method),
              allow);
    if (!fault_page(&r->pub, 405, &err, headers, 1))
        http_respond_json(&r->pub, 405, http_problem_json(405, &err), headers, 1);
    error_clear(&err);
}

static const struct route_entry *find_route(struct request *r, const char **allow)
{
    struct belfry_http_request *pub = &r->pub.pub;
    struct belfry_attr *params = NULL;
    const struct route_entry *route =
        router_find(&r->pub.http->router, pub->method, pub->path, r->pub.arena, &params, &pub->param_count, allow);
    pub->params = params;
    return route;
}

void request_park(struct request *r)
{
    hash_set(r->pub.http->by_id, id_key(r), r);
}

void request_judged(struct request *r)
{
    r->waiting = 0;
    if (r->state != REQUEST_ANSWERED)
        head_length_fits(r);
    if (r->suspended)
        hash_del(r->pub.http->by_id, id_key(r));
    resume(r);
}

int request_route(struct request *r)
{
    const char *allow = NULL;
    if (r->pub.http->stopping || !r->pub.config) {
        http_problem(&r->pub, 503, NULL, r->pub.config ? "the hub is stopping" : "the hub is starting");
        return -1;
    }
    const struct route_entry *route = find_route(r, &allow);
    if (!route && !allow) {
        http_problem(&r->pub, 404, NULL, "there is nothing at this path");
        return -1;
    }
    if (!route) {
        allow = arena_printf(r->pub.arena, "%s, OPTIONS", allow);
        if (str_eqz(r->pub.pub.method, "OPTIONS"))
            cors_preflight(r, allow);
        else
            wrong_method(r, allow);
        return -1;
    }
    r->route = route;
    r->owner = route->owner;
    r->body_limit = route->route.body_limit == HTTP_BODY_REQUEST ? r->pub.config->hub.limits.request_bytes
                                                                 : route->route.body_limit;
    return 0;
}

/* What can be said before the body comes. The answer may have been given when it returns. */
static void judge(struct request *r, const char *method)
{
    if (head_read(r, method) != 0 || request_route(r) != 0)
        return;
    r->waiting = 1;
    auth_check(r);
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

static void body_add(struct request *r, const char *data, size_t len)
{
    if ((int64_t)(r->body.len + len) > r->body_limit) {
        http_problem(&r->pub, 413, NULL, "the body is larger than %lld bytes", (long long)r->body_limit);
        return;
    }
    int64_t most = r->pub.config->hub.limits.pending_bytes;
    if ((int64_t)(r->pub.http->body_bytes + len) > most) {
        http_problem(&r->pub, 503, NULL, "too many bytes of requests wait at the moment; try again in a second");
        return;
    }
    if (!r->body.cap)
        buf_reserve(&r->body,
                    r->announced > BODY_FIRST && r->announced <= BODY_KEEP ? (size_t)r->announced : BODY_FIRST);
    buf_add(&r->body, data, len);
    r->pub.http->body_bytes += len;
}

/* Routes may have been put in place anew by a reload while the body came; one that asks for more was not passed. */
static int route_again(struct request *r)
{
    const char *allow = NULL;
    const struct route_entry *route = r->route ? r->route : find_route(r, &allow);
    if (!route || (r->passed && strcmp(route->auth, r->passed) != 0)) {
        http_problem(&r->pub, 503, NULL, "the configuration is changing; try again");
        return -1;
    }
    r->route = route;
    r->owner = route->owner;
    return 0;
}

void request_handle(struct request *r)
{
    r->state = REQUEST_HANDLING;
    r->pub.pub.body = buf_str(&r->body);
    struct http_route route = r->route->route;
    r->route = NULL;
    hash_set(r->pub.http->by_id, id_key(r), r);
    r->in_handler = 1;
    route.handle(route.arg, &r->pub);
    r->in_handler = 0;
}

static enum MHD_Result hand_over(struct request *r)
{
    if (route_again(r) != 0)
        return queue_answer(r);
    list_remove(&r->conn->node); /* the wait for the request is over */
    if (r->route->route.flags & BELFRY_ROUTE_RAW || head_form_fits(r) == 0)
        request_handle(r);
    if (r->state == REQUEST_ANSWERED)
        return queue_answer(r);
    r->suspended = 1;
    MHD_suspend_connection(r->mhd);
    return MHD_YES;
}

/* --- libmicrohttpd's calls ---------------------------------------------------------------------------------------- */

/* May the answer go out at the first call? It ends the connection, so only where the client waits for it, where too
 * much would come, or where nobody knows how much comes. */
static int answer_early(const struct request *r)
{
    return r->expects || r->unframed || r->announced > DROP_MAX;
}

static enum MHD_Result first_call(struct request *r, const char *method)
{
    r->begun = 1;
    judge(r, method);
    if (r->waiting) {
        r->suspended = r->comes_again = 1;
        MHD_suspend_connection(r->mhd);
        return MHD_YES;
    }
    return r->state == REQUEST_ANSWERED && answer_early(r) ? queue_answer(r) : MHD_YES;
}

enum MHD_Result request_access(struct request *r, const char *method, const char *upload, size_t *upload_size)
{
    if (!r->begun)
        return first_call(r, method);
    if (r->comes_again && *upload_size == 0) { /* not the end of the body: none of it was read yet */
        r->comes_again = 0;
        return r->state == REQUEST_ANSWERED && answer_early(r) ? queue_answer(r) : MHD_YES;
    }
    r->comes_again = 0;
    if (r->state == REQUEST_ANSWERED && *upload_size) { /* the rest of a body that nobody wants */
        r->dropped += (int64_t)*upload_size;
        *upload_size = 0;
        return r->dropped > DROP_MAX ? MHD_NO : MHD_YES;
    }
    if (r->state == REQUEST_ANSWERED)
        return r->response ? queue_answer(r) : MHD_YES;
    if (*upload_size) {
        body_add(r, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return r->state == REQUEST_READING ? hand_over(r) : MHD_YES;
}

void request_completed(struct http *http, void **state)
{
    struct request *r = *state;
    *state = NULL;
    if (!r)
        return;
    http->body_bytes -= r->body.len;
    if (r->conn)
        conn_wait(r->conn);
    if (r->stream)
        stream_closed(r);
    r->conn = NULL;
    r->mhd = NULL;
    r->suspended = 0;
    if (r->state == REQUEST_HANDLING) {
        r->gone = 1; /* freed when the handler answers */
        return;
    }
    hash_del(http->by_id, id_key(r));
    if (r->response)
        MHD_destroy_response(r->response);
    r->response = NULL;
    bury(r);
}

/* --- owners ------------------------------------------------------------------------------------------------------- */

void http_routes_remove(struct http *http, const void *owner)
{
    LIST_EACH(it, &http->open)
    {
        struct request *r = LIST_OF(it, struct request, node);
        if (r->owner != owner || !r->route)
            continue;
        r->passed = arena_printf(r->pub.arena, "%s", r->route->auth);
        r->route = NULL;
    }
    http->routes_version++;
    router_remove(&http->router, owner);
}

void http_requests_drop(struct http *http, const void *owner)
{
    LIST_EACH_SAFE(it, &http->open)
    {
        struct request *r = LIST_OF(it, struct request, node);
        if (r->owner != owner)
            continue;
        if (r->stream)
            stream_abandon(r);
        else if (r->state == REQUEST_HANDLING)
            http_problem(&r->pub, 503, NULL, "what would have answered was stopped; try again");
        r->owner = NULL;
    }
}
