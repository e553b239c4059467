/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.http-route/1 without a server: a call of a test finds the plugin's route as the hub's router would, and what
 * the plugin answers is kept for the test. Requests live until the test ends, so that an answer that comes later, or
 * twice, meets something.
 */
#include "fake.h"

#include <strings.h>

struct fake_exchange {
    struct belfry_http_request pub;
    struct belfry_test *test;
    struct belfry_test_reply reply;
    struct buf body; /* of a stream; moved to the arena when it ends */
    int streams;
};

static struct belfry_str copy(struct belfry_test *t, struct belfry_str s)
{
    return str_slice(fake_text(t, s), s.len);
}

/* --- which route -------------------------------------------------------------------------------------------------- */

static int is_hole(struct belfry_str segment)
{
    return segment.len > 2 && segment.ptr[0] == '{';
}

/* Params of the path when the pattern fits; {instance} is the instance's name. -1: it does not. */
static int fits(struct belfry_test *t, const char *pattern, const char *path, struct belfry_attr *params, size_t *count)
{
    struct belfry_str want = str_of(pattern), have = str_of(path);
    *count = 0;
    while (want.ptr && have.ptr) {
        struct belfry_str w = str_cut(want, '/', &want), h = str_cut(have, '/', &have);
        if (str_eqz(w, "{instance}") ? !str_eqz(h, t->host.instance) : is_hole(w) ? h.len == 0 : !str_eq(w, h))
            return -1;
        if (is_hole(w) && !str_eqz(w, "{instance}"))
            params[(*count)++] = (struct belfry_attr){copy(t, str_slice(w.ptr + 1, w.len - 2)), copy(t, h)};
    }
    return want.ptr || have.ptr ? -1 : 0;
}

/* The route of a call, or NULL and the status that the hub answers itself. */
static const struct belfry_route *route_of(struct belfry_test *t, const struct belfry_test_call *call,
                                           struct fake_exchange *x, uint32_t *status)
{
    struct belfry_attr *params = arena_alloc(t->arena, (strlen(call->path) + 1) * sizeof(*params));
    *status = 404;
    for (const struct belfry_route *r = t->plugin->desc.routes; r && r->struct_size; r++) {
        size_t count;
        if (fits(t, r->pattern, call->path, params, &count) != 0)
            continue;
        x->pub.params = params;
        x->pub.param_count = count;
        if (strcmp(r->method, call->method) == 0)
            return r;
        *status = 405;
    }
    return NULL;
}

/* --- the request -------------------------------------------------------------------------------------------------- */

static void fill_headers(struct belfry_test *t, const struct belfry_test_call *call, struct fake_exchange *x)
{
    size_t count = 0;
    while (call->headers && call->headers[count])
        count++;
    struct belfry_attr *headers = arena_alloc(t->arena, (count + 1) * sizeof(*headers));
    for (size_t i = 0; i < count; i++) {
        struct belfry_str value, name = str_cut(str_of(arena_strdup(t->arena, call->headers[i])), ':', &value);
        for (size_t k = 0; k < name.len; k++)
            ((char *)(uintptr_t)name.ptr)[k] |= name.ptr[k] >= 'A' && name.ptr[k] <= 'Z' ? 0x20 : 0;
        headers[i] = (struct belfry_attr){str_trim(name), str_trim(value)};
    }
    x->pub.headers = headers;
    x->pub.header_count = count;
}

static struct belfry_str param(const struct fake_exchange *x, const char *name)
{
    for (size_t i = 0; i < x->pub.param_count; i++)
        if (str_eqz(x->pub.params[i].name, name))
            return x->pub.params[i].value;
    return (struct belfry_str){NULL, 0};
}

static void fill(struct belfry_test *t, const struct belfry_test_call *call, const struct belfry_route *route,
                 struct fake_exchange *x)
{
    static const struct belfry_principal nobody = {.struct_size = sizeof(nobody)};
    size_t len = call->body_len || !call->body ? call->body_len : strlen(call->body);
    fill_headers(t, call, x);
    x->pub.id = fake_id(t);
    x->pub.method = str_of(arena_strdup(t->arena, call->method));
    x->pub.path = str_of(arena_strdup(t->arena, call->path));
    x->pub.query = str_of(arena_strdup(t->arena, call->query ? call->query : ""));
    x->pub.org = param(x, "org");
    x->pub.body = copy(t, str_slice(call->body ? call->body : "", len));
    x->pub.content_type = str_of(arena_strdup(t->arena, call->content_type ? call->content_type : ""));
    x->pub.principal = strcmp(route->auth, "none") == 0 ? &nobody : &t->principal;
    x->pub.locale = STR("en");
    x->pub.timezone = STR("UTC");
    x->pub.peer = STR("127.0.0.1");
    x->pub.csrf = STR("csrf");
    x->pub.impl = x;
}

const struct belfry_test_reply *belfry_test_call(struct belfry_test *t, const struct belfry_test_call *call)
{
    struct fake_exchange *x = arena_alloc(t->arena, sizeof(*x));
    uint32_t status;
    *x = (struct fake_exchange){.pub = {.struct_size = sizeof(x->pub)}, .test = t, .reply = {.body = ""}};
    const struct belfry_route *route = route_of(t, call, x, &status);
    if (route) {
        fill(t, call, route, x);
        status = (int64_t)x->pub.body.len > route->body_limit ? 413 : 0;
    }
    if (status) {
        x->reply.status = status;
        x->reply.done = 1;
        return &x->reply;
    }
    *FAKE_ADD(t, &t->exchanges) = x;
    route->handle(t->self, &x->pub);
    belfry_test_settle(t);
    return &x->reply;
}

int fake_exchanges_open(const struct belfry_test *t)
{
    int open = 0;
    for (size_t i = 0; i < t->exchanges.count; i++)
        open += !t->exchanges.items[i]->reply.done;
    return open;
}

void fake_exchanges_free(struct belfry_test *t)
{
    for (size_t i = 0; i < t->exchanges.count; i++)
        buf_free(&t->exchanges.items[i]->body);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static struct fake_exchange *open_exchange(const struct belfry_host *host, uint64_t id, const char *call)
{
    struct belfry_test *t = fake_of(host);
    for (size_t i = 0; i < t->exchanges.count; i++) {
        struct fake_exchange *x = t->exchanges.items[i];
        if (x->pub.id == id && !x->reply.done)
            return x;
    }
    fake_fault(t, "R04: %s() of request %llu, which is answered or never was", call, (unsigned long long)id);
    return NULL;
}

static void head(struct fake_exchange *x, const struct belfry_http_response *r)
{
    struct belfry_test *t = x->test;
    const char **headers = arena_alloc(t->arena, (r->header_count + 1) * sizeof(*headers));
    for (size_t i = 0; i < r->header_count; i++)
        headers[i] = arena_printf(t->arena, "%.*s: %.*s", STR_ARG(r->headers[i].name), STR_ARG(r->headers[i].value));
    headers[r->header_count] = NULL;
    x->reply.status = r->status;
    x->reply.content_type = fake_text(t, r->content_type);
    x->reply.headers = headers;
}

static void whole(struct fake_exchange *x, struct belfry_str body)
{
    x->reply.body = fake_text(x->test, body);
    x->reply.body_len = body.len;
    x->reply.done = 1;
}

static void respond(const struct belfry_host *host, uint64_t request, const struct belfry_http_response *response)
{
    struct fake_exchange *x = open_exchange(host, request, "respond");
    if (!x)
        return;
    head(x, response);
    whole(x, response->body);
}

static void page(const struct belfry_host *host, uint64_t request, const struct belfry_http_page *page)
{
    struct fake_exchange *x = open_exchange(host, request, "page");
    if (!x)
        return;
    struct belfry_http_response r = {.status = page->status, .content_type = STR("text/html; charset=utf-8")};
    head(x, &r);
    x->reply.title = fake_text(x->test, page->title);
    whole(x, page->main);
}

static void problem(const struct belfry_host *host, uint64_t request, uint32_t status, const char *pointer,
                    struct belfry_str detail)
{
    struct fake_exchange *x = open_exchange(host, request, "problem");
    if (!x)
        return;
    struct belfry_http_response r = {.status = status, .content_type = STR("application/problem+json")};
    head(x, &r);
    whole(x, pointer ? str_of(arena_printf(x->test->arena, "%s: %.*s", pointer, STR_ARG(detail))) : detail);
}

static belfry_status begin(const struct belfry_host *host, uint64_t request, const struct belfry_http_response *r,
                           void (*drain)(void *arg), void (*closed)(void *arg), void *arg)
{
    struct fake_exchange *x = open_exchange(host, request, "begin");
    (void)drain;
    (void)closed;
    (void)arg;
    if (!x || x->streams)
        return BELFRY_ECLOSED;
    head(x, r);
    x->streams = 1;
    return BELFRY_OK;
}

static belfry_status write_data(const struct belfry_host *host, uint64_t request, struct belfry_str data)
{
    struct fake_exchange *x = open_exchange(host, request, "write");
    if (!x || !x->streams)
        return BELFRY_ECLOSED;
    buf_add(&x->body, data.ptr, data.len);
    return BELFRY_OK;
}

static void end(const struct belfry_host *host, uint64_t request)
{
    struct fake_exchange *x = open_exchange(host, request, "end");
    if (x && x->streams)
        whole(x, buf_str(&x->body));
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static struct belfry_str decode(struct belfry_test *t, struct belfry_str s)
{
    char *out = arena_alloc(t->arena, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int escaped = s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 && hex(s.ptr[i + 2]) >= 0;
        out[n++] = escaped ? (char)(hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2])) : s.ptr[i] == '+' ? ' ' : s.ptr[i];
        i += escaped ? 2 : 0;
    }
    return str_slice(out, n);
}

static belfry_status pair(struct belfry_test *t, struct belfry_str text, const char *name, uint32_t index,
                          struct belfry_str *out)
{
    while (text.ptr && text.len) {
        struct belfry_str value, key = str_cut(str_cut(text, '&', &text), '=', &value);
        if (!str_eqz(decode(t, key), name) || index-- > 0)
            continue;
        *out = decode(t, value);
        return BELFRY_OK;
    }
    return BELFRY_ENOTFOUND;
}

static belfry_status query(const struct belfry_http_request *req, const char *name, uint32_t index,
                           struct belfry_str *out)
{
    return pair(((struct fake_exchange *)req->impl)->test, req->query, name, index, out);
}

static belfry_status form(const struct belfry_http_request *req, const char *name, uint32_t index,
                          struct belfry_str *out)
{
    return pair(((struct fake_exchange *)req->impl)->test, req->body, name, index, out);
}

static struct belfry_str header(const struct belfry_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++)
        if (str_eqz(req->headers[i].name, name))
            return req->headers[i].value;
    return (struct belfry_str){NULL, 0};
}

static struct belfry_str escape(const struct belfry_http_request *req, struct belfry_str text)
{
    struct buf out = {0};
    for (size_t i = 0; i < text.len; i++) {
        const char *as = text.ptr[i] == '&'    ? "&amp;"
                         : text.ptr[i] == '<'  ? "&lt;"
                         : text.ptr[i] == '>'  ? "&gt;"
                         : text.ptr[i] == '"'  ? "&quot;"
                         : text.ptr[i] == '\'' ? "&#39;"
                                               : NULL;
        if (as)
            buf_addz(&out, as);
        else
            buf_addc(&out, text.ptr[i]);
    }
    struct belfry_str escaped = copy(((struct fake_exchange *)req->impl)->test, buf_str(&out));
    buf_free(&out);
    return escaped;
}

/* Texts are the hub's; a test sees which one was asked for. */
static struct belfry_str text(const struct belfry_http_request *req, const char *key)
{
    return str_of(arena_strdup(((struct fake_exchange *)req->impl)->test->arena, key));
}

static struct belfry_str datetime(const struct belfry_http_request *req, int64_t ms)
{
    struct belfry_test *t = ((struct fake_exchange *)req->impl)->test;
    char out[TIME_TEXT_SIZE];
    time_format(ms, out);
    return str_of(arena_strdup(t->arena, out));
}

const struct belfry_http_route_api fake_http_route_api = {.struct_size = sizeof(fake_http_route_api),
                                                          .respond = respond,
                                                          .page = page,
                                                          .problem = problem,
                                                          .begin = begin,
                                                          .write = write_data,
                                                          .end = end,
                                                          .query = query,
                                                          .form = form,
                                                          .header = header,
                                                          .escape = escape,
                                                          .text = text,
                                                          .datetime = datetime};
