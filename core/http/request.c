/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's life: target seen (request_new), headers seen (route, credential and size are judged before a byte of the
 * body is kept), body collected, handler called, answered now or later, completed.
 *
 * Ownership: libmicrohttpd holds the request as its per-request context until request_completed(). A handler may answer
 * after the client has left: then `gone` is set, the answer is dropped, and the memory is freed by whichever comes
 * last. Answered requests go back to a small pool, arena included, because a hot hub makes 20,000 a second.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "http/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define SPARE_MAX 256
#define REQUEST_WAIT_NS 60000000000ull
#define HEADERS_MAX 64
#define BODY_FIRST 1024
#define BODY_KEEP (256 * 1024)

/* --- pool ---------------------------------------------------------------------------------------------------------------- */

static void request_free(struct request *r)
{
    struct http *http = r->pub.http;
    json_decref(r->json);
    config_unref(r->pub.config);
    struct arena *arena = r->pub.arena;
    struct buf body = r->body;
    arena_reset(arena);
    if (http->spare_count >= SPARE_MAX || body.cap > BODY_KEEP) {
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

static struct request *request_take(struct http *http)
{
    struct list *node = list_pop_front(&http->spare);
    struct request *r;
    if (node) {
        http->spare_count--;
        r = LIST_OF(node, struct request, node);
    } else {
        r = xcalloc(1, sizeof(*r));
        r->pub.arena = arena_new(2048);
        r->pub.http = http;
    }
    list_push_back(&http->open, &r->node);
    http->open_count++;
    return r;
}

struct request *request_new(struct http *http, struct conn *conn, struct MHD_Connection *mhd, const char *uri)
{
    struct request *r = request_take(http);
    struct belfry_http_request *pub = &r->pub.pub;
    struct belfry_str query, target = arena_str(r->pub.arena, str_of(uri));
    r->conn = conn;
    r->mhd = mhd;
    pub->struct_size = sizeof(*pub);
    pub->id = ++http->next_id;
    pub->impl = r;
    pub->path = str_cut(target, '?', &query);
    pub->query = query;
    r->pub.impl = r;
    r->pub.config = http->config ? config_ref(http->config) : NULL;
    r->pub.operator_socket = conn->listener->control;
    return r;
}

/* --- reading headers -------------------------------------------------------------------------------------------------------- */

struct header_walk {
    struct request *r;
    struct belfry_attr *items;
    size_t count;
};

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    (void)kind;
    struct header_walk *w = arg;
    if (w->count == HEADERS_MAX)
        return MHD_NO;
    char *lower = arena_alloc(w->r->pub.arena, name_len + 1);
    for (size_t i = 0; i < name_len; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    /* values stay in libmicrohttpd's memory, which lives as long as the request - unless the client leaves while a handler
     * still works, so they are copied */
    w->items[w->count].name = str_slice(lower, name_len);
    w->items[w->count].value = str_slice(arena_strndup(w->r->pub.arena, value ? value : "", value_len), value_len);
    w->count++;
    return MHD_YES;
}

static void headers_read(struct request *r)
{
    struct header_walk w = {r, arena_alloc(r->pub.arena, HEADERS_MAX * sizeof(struct belfry_attr)), 0};
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, on_header, &w);
    r->pub.pub.headers = w.items;
    r->pub.pub.header_count = w.count;
    r->pub.pub.content_type = http_header(&r->pub, "content-type");
}

static int is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_UNIX)
        return 1;
    if (sa->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24) == 127;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    return sa->sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127));
}

static void peer_read(struct request *r)
{
    if (r->pub.operator_socket) {
        r->pub.local = 1;
        r->pub.pub.peer = STR("control socket");
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr)
        return;
    char text[INET6_ADDRSTRLEN] = "";
    const struct sockaddr *sa = info->client_addr;
    if (sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, text, sizeof(text));
    else if (sa->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, text, sizeof(text));
    r->pub.pub.peer = arena_str(r->pub.arena, str_of(text));
    static const char *const forwarded[] = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
                                            "x-real-ip", "via"};
    int proxied = 0;
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
        proxied |= http_header(&r->pub, forwarded[i]).len > 0;
    r->pub.local = is_loopback(sa) && !proxied;
}

/* A document navigation: the browser says so, or says nothing and is no prefetch. */
static uint32_t flags_of(struct request *r)
{
    struct belfry_str dest = http_header(&r->pub, "sec-fetch-dest");
    struct belfry_str purpose = http_header(&r->pub, "sec-purpose");
    if (purpose.len == 0)
        purpose = http_header(&r->pub, "purpose");
    int head = str_eqz(r->pub.pub.method, "HEAD");
    uint32_t flags = head ? BELFRY_HTTP_HEAD : 0;
    if (!head && (dest.len == 0 || str_eqz(dest, "document")) && !str_has_prefix(purpose, STR("prefetch")))
        flags |= BELFRY_HTTP_DOCUMENT;
    return flags;
}

/* --- judging ---------------------------------------------------------------------------------------------------------------- */

static int length_fits(struct request *r)
{
    struct belfry_str text = http_header(&r->pub, "content-length");
    int64_t length = 0;
    if (text.len && (str_to_i64(text, &length) != BELFRY_OK || length < 0)) {
        http_problem(&r->pub, 400, NULL, "Content-Length is no number");
        return 0;
    }
    if (length > r->body_limit) {
        http_problem(&r->pub, 413, NULL, "the body has %lld bytes; at most %lld are taken here", (long long)length,
                     (long long)r->body_limit);
        return 0;
    }
    int64_t most = r->pub.config ? r->pub.config->hub.limits.pending_bytes : INT64_MAX;
    if (length > 0 && (int64_t)r->pub.http->body_bytes + length > most) {
        http_problem(&r->pub, 503, NULL, "too many bytes of requests wait at the moment; try again in a second");
        return 0;
    }
    return 1;
}

static void not_found(struct request *r, const char *allow)
{
    if (!allow) {
        http_problem(&r->pub, 404, NULL, "there is nothing at this path");
        return;
    }
    struct belfry_attr headers[] = {{STR("Allow"), str_of(allow)}};
    struct error err = {0};
    error_set(&err, BELFRY_EINVAL, NULL, "this path does not take %.*s; it takes %s", STR_ARG(r->pub.pub.method), allow);
    http_respond_json(&r->pub, 405, http_problem_json(405, &err), headers, 1);
    error_clear(&err);
}

/* What can be said before the body comes. The answer may have been given when it returns. */
static void judge(struct request *r, const char *method)
{
    struct belfry_http_request *pub = &r->pub.pub;
    pub->method = arena_str(r->pub.arena, str_of(method));
    headers_read(r);
    peer_read(r);
    pub->flags = flags_of(r);
    if (r->pub.http->stopping || !r->pub.config) {
        http_problem(&r->pub, 503, NULL, r->pub.config ? "the hub is stopping" : "the hub is starting");
        return;
    }
    struct belfry_attr *params = NULL;
    const char *allow = NULL;
    const struct route_entry *route =
        router_find(&r->pub.http->router, pub->method, pub->path, r->pub.arena, &params, &pub->param_count, &allow);
    if (!route) {
        not_found(r, allow);
        return;
    }
    pub->params = params;
    r->route = route;
    r->body_limit = route->route.body_limit;
    if (auth_check(r, route) == 0)
        length_fits(r);
}

static int body_add(struct request *r, const char *data, size_t len)
{
    if ((int64_t)(r->body.len + len) > r->body_limit) {
        http_problem(&r->pub, 413, NULL, "the body is larger than %lld bytes", (long long)r->body_limit);
        return -1;
    }
    int64_t most = r->pub.config->hub.limits.pending_bytes;
    if ((int64_t)(r->pub.http->body_bytes + len) > most) {
        http_problem(&r->pub, 503, NULL, "too many bytes of requests wait at the moment; try again in a second");
        return -1;
    }
    if (!r->body.cap)
        buf_reserve(&r->body, BODY_FIRST);
    buf_add(&r->body, data, len);
    r->pub.http->body_bytes += len;
    return 0;
}

/* --- answering ---------------------------------------------------------------------------------------------------------------- */

static enum MHD_Result queue_answer(struct request *r)
{
    enum MHD_Result ok = MHD_queue_response(r->mhd, r->status, r->response);
    MHD_destroy_response(r->response);
    r->response = NULL;
    return ok;
}

static void count_answer(const struct request *r, uint32_t status)
{
    static struct metric *by_class[6]; /* loop only */
    uint32_t class = status / 100 < 6 ? status / 100 : 0;
    if (!by_class[class]) {
        char code[4] = {(char)('0' + class), 'x', 'x', 0};
        by_class[class] = metric_get(metrics_global(), "belfry_http_requests_total", "Answered requests by class of status.",
                                     METRIC_COUNTER, "code", code, NULL);
    }
    metric_add(by_class[class], 1);
    (void)r;
}

void request_answer(struct request *r, uint32_t status, struct MHD_Response *response)
{
    if (r->state == REQUEST_ANSWERED) {
        log_warn("http", "second answer to a request, ignored", "request=%llu status=%u",
                 (unsigned long long)r->pub.pub.id, status);
        if (response)
            MHD_destroy_response(response);
        return;
    }
    r->state = REQUEST_ANSWERED;
    r->status = status;
    if (!response)
        response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    r->response = response;
    count_answer(r, status);
    if (r->pub.pub.id && hash_count(r->pub.http->by_id))
        hash_del(r->pub.http->by_id, str_slice((const char *)&r->pub.pub.id, sizeof(r->pub.pub.id)));
    if (r->gone) {
        if (!r->in_handler) {
            MHD_destroy_response(r->response);
            r->response = NULL;
            list_remove(&r->node);
            r->pub.http->open_count--;
            request_free(r);
        }
        return;
    }
    if (r->suspended) {
        r->suspended = 0;
        listener_resume(r->conn->listener, r->mhd);
    }
}

struct http_request *http_request_find(struct http *http, uint64_t id)
{
    struct request *r = hash_get(http->by_id, str_slice((const char *)&id, sizeof(id)));
    return r ? &r->pub : NULL;
}

/* --- libmicrohttpd's calls ----------------------------------------------------------------------------------------------------- */

static enum MHD_Result hand_over(struct request *r)
{
    r->state = REQUEST_HANDLING;
    r->pub.pub.body = buf_str(&r->body);
    struct http_route route = r->route->route;
    r->route = NULL;
    hash_set(r->pub.http->by_id, str_slice((const char *)&r->pub.pub.id, sizeof(r->pub.pub.id)), r);
    if (r->conn->node.next != &r->conn->node)
        list_remove(&r->conn->node); /* the wait for the request is over */
    r->in_handler = 1;
    route.handle(route.arg, &r->pub);
    r->in_handler = 0;
    if (r->state == REQUEST_ANSWERED)
        return queue_answer(r);
    r->suspended = 1;
    MHD_suspend_connection(r->mhd);
    return MHD_YES;
}

enum MHD_Result request_access(struct request *r, const char *method, const char *upload, size_t *upload_size)
{
    if (r->state == REQUEST_ANSWERED) {
        if (*upload_size) { /* the rest of a body that nobody wants */
            *upload_size = 0;
            return MHD_YES;
        }
        return r->response ? queue_answer(r) : MHD_YES;
    }
    if (!r->begun) {
        r->begun = 1;
        judge(r, method);
        return r->state == REQUEST_ANSWERED ? queue_answer(r) : MHD_YES;
    }
    if (*upload_size) {
        int rc = body_add(r, upload, *upload_size);
        *upload_size = 0;
        (void)rc; /* answered: the rest is read and dropped above */
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
    if (r->conn) {
        list_remove(&r->conn->node);
        r->conn->deadline_ns = clock_mono_ns(clock_real()) + REQUEST_WAIT_NS;
        list_push_back(&http->conns, &r->conn->node);
    }
    if (r->stream)
        stream_closed(r);
    r->conn = NULL;
    r->mhd = NULL;
    if (r->state == REQUEST_HANDLING) {
        r->gone = 1; /* freed when the handler answers */
        return;
    }
    if (r->response)
        MHD_destroy_response(r->response);
    r->response = NULL;
    list_remove(&r->node);
    http->open_count--;
    request_free(r);
}
