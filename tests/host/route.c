/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.http-route/1 without a server: a request finds the plugin's route by its pattern, the handler gets what the
 * hub would give it, and the answer is kept as it was given. Who may call is the hub's to ask and is not asked here.
 */
#include "fake.h"

struct fake_call_of_route {
    uint64_t id;
    struct belfry_http_request req;
    struct belfry_test_reply reply;
    struct belfry_test *test;
};

/* --- taking a request apart --------------------------------------------------------------------------------------- */

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* plus: '+' is a blank, as in forms and queries. */
static struct belfry_str decoded(struct belfry_test *t, struct belfry_str s, int plus)
{
    char *out = arena_alloc(t->arena, s.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        int escape = s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 && hex(s.ptr[i + 2]) >= 0;
        out[len++] = escape ? (char)(hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2]))
                            : (char)(plus && s.ptr[i] == '+' ? ' ' : s.ptr[i]);
        i += escape ? 2 : 0;
    }
    return str_slice(out, len);
}

/* Params of a path that fits the pattern; 0 when it does not. */
static int fits(struct belfry_test *t, struct belfry_str pattern, struct belfry_str path, struct belfry_attr *params,
                size_t *count)
{
    *count = 0;
    while (pattern.ptr && path.ptr) {
        struct belfry_str hole = str_cut(pattern, '/', &pattern), segment = str_cut(path, '/', &path);
        int is_hole = hole.len > 2 && hole.ptr[0] == '{';
        if (str_eqz(hole, "{instance}"))
            hole = str_of(t->host.instance);
        else if (is_hole)
            params[(*count)++] = (struct belfry_attr){str_slice(hole.ptr + 1, hole.len - 2), decoded(t, segment, 0)};
        if ((!is_hole || str_eq(hole, str_of(t->host.instance))) && !str_eq(hole, segment))
            return 0;
    }
    return !pattern.ptr && !path.ptr;
}

static belfry_status field(struct belfry_test *t, struct belfry_str text, const char *name, uint32_t index,
                           struct belfry_str *out)
{
    while (text.ptr && text.len) {
        struct belfry_str value, pair = str_cut(text, '&', &text), key = str_cut(pair, '=', &value);
        if (str_eqz(decoded(t, key, 1), name) && index-- == 0) {
            *out = decoded(t, value, 1);
            return BELFRY_OK;
        }
    }
    return BELFRY_ENOTFOUND;
}

/* --- the extension ------------------------------------------------------------------------------------------------ */

static struct fake_call_of_route *call_of(const struct belfry_http_request *req)
{
    return req->impl;
}

static belfry_status query(const struct belfry_http_request *req, const char *name, uint32_t index,
                           struct belfry_str *out)
{
    return field(call_of(req)->test, req->query, name, index, out);
}

static belfry_status form(const struct belfry_http_request *req, const char *name, uint32_t index,
                          struct belfry_str *out)
{
    return field(call_of(req)->test, req->body, name, index, out);
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
    static const char from[] = "&<>\"'", *const to[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    char *out = arena_alloc(call_of(req)->test->arena, text.len * 6 + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *special = memchr(from, text.ptr[i], 5);
        if (special) {
            strcpy(out + len, to[special - from]);
            len += strlen(to[special - from]);
        } else {
            out[len++] = text.ptr[i];
        }
    }
    return str_slice(out, len);
}

static struct belfry_str text(const struct belfry_http_request *req, const char *key)
{
    (void)req;
    return str_of(key);
}

static struct belfry_str datetime(const struct belfry_http_request *req, int64_t ms)
{
    char *out = arena_alloc(call_of(req)->test->arena, TIME_TEXT_SIZE);
    time_format(ms, out);
    return str_of(out);
}

static struct belfry_test_reply *reply_to(const struct belfry_host *host, uint64_t id, const char *what)
{
    struct belfry_test *t = fake_of(host);
    for (size_t i = 0; i < t->route_calls.count; i++) {
        struct fake_call_of_route *call = t->route_calls.items[i];
        if (call->id == id && call->reply.status == 0)
            return &call->reply;
    }
    fake_fault(t, "R04: %s() of request %llu, which was answered or never was", what, (unsigned long long)id);
    return NULL;
}

static void respond(const struct belfry_host *host, uint64_t id, const struct belfry_http_response *r)
{
    struct belfry_test *t = fake_of(host);
    struct belfry_test_reply *reply = reply_to(host, id, "respond");
    if (!reply)
        return;
    struct belfry_attr *headers = arena_alloc(t->arena, (r->header_count + 1) * sizeof(*headers));
    for (size_t i = 0; i < r->header_count; i++)
        headers[i] =
            (struct belfry_attr){str_of(fake_text(t, r->headers[i].name)), str_of(fake_text(t, r->headers[i].value))};
    *reply = (struct belfry_test_reply){.status = r->status,
                                        .content_type = fake_text(t, r->content_type),
                                        .body = fake_text(t, r->body),
                                        .title = "",
                                        .headers = headers,
                                        .header_count = r->header_count};
}

static void page(const struct belfry_host *host, uint64_t id, const struct belfry_http_page *p)
{
    struct belfry_test *t = fake_of(host);
    struct belfry_test_reply *reply = reply_to(host, id, "page");
    if (reply)
        *reply = (struct belfry_test_reply){.status = p->status ? p->status : 200,
                                            .content_type = "text/html; charset=utf-8",
                                            .body = fake_text(t, p->main),
                                            .title = fake_text(t, p->title)};
}

static void problem(const struct belfry_host *host, uint64_t id, uint32_t status, const char *pointer,
                    struct belfry_str detail)
{
    struct belfry_test *t = fake_of(host);
    struct belfry_test_reply *reply = reply_to(host, id, "problem");
    if (reply)
        *reply = (struct belfry_test_reply){.status = status,
                                            .content_type = "application/problem+json",
                                            .body = fake_text(t, detail),
                                            .title = pointer ? arena_strdup(t->arena, pointer) : ""};
}

static void problems(const struct belfry_host *host, uint64_t id, uint32_t status, const struct belfry_fault *faults,
                     size_t fault_count, const struct belfry_attr *members, size_t member_count)
{
    const char *pointer = fault_count ? fake_text(fake_of(host), faults[0].pointer) : "";
    (void)members, (void)member_count;
    problem(host, id, status, pointer, fault_count ? faults[0].detail : (struct belfry_str){NULL, 0});
}

static belfry_status begin(const struct belfry_host *host, uint64_t request, const struct belfry_http_response *head,
                           void (*drain)(void *arg), void (*closed)(void *arg), void *arg)
{
    (void)host, (void)request, (void)head, (void)drain, (void)closed, (void)arg;
    return BELFRY_EUNSUPPORTED;
}

static belfry_status write_data(const struct belfry_host *host, uint64_t request, struct belfry_str data)
{
    (void)host, (void)request, (void)data;
    return BELFRY_ECLOSED;
}

static void end(const struct belfry_host *host, uint64_t request)
{
    (void)host, (void)request;
}

const struct belfry_http_route_api fake_route_api = {.struct_size = sizeof(struct belfry_http_route_api),
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
                                                     .datetime = datetime,
                                                     .problems = problems,
                                                     .cut = end};

int fake_calls_open(const struct belfry_test *t)
{
    int open = 0;
    for (size_t i = 0; i < t->route_calls.count; i++)
        open += t->route_calls.items[i]->reply.status == 0;
    return open;
}

/* --- what a test asks --------------------------------------------------------------------------------------------- */

static const struct belfry_route *find_route(struct belfry_test *t, const char *method, struct belfry_str path,
                                             struct belfry_attr *params, size_t *count)
{
    for (const struct belfry_route *r = t->plugin->desc.routes; r && r->struct_size; r++)
        if (strcmp(r->method, method) == 0 && fits(t, str_of(r->pattern), path, params, count))
            return r;
    return NULL;
}

static const struct belfry_attr *headers_of(struct belfry_test *t, const char *const *lines, size_t *count)
{
    *count = 0;
    while (lines && lines[*count])
        ++*count;
    struct belfry_attr *out = arena_alloc(t->arena, (*count + 1) * sizeof(*out));
    for (size_t i = 0; i < *count; i++) {
        struct belfry_str value, name = str_cut(str_of(arena_strdup(t->arena, lines[i])), ':', &value);
        out[i] = (struct belfry_attr){str_trim(name), str_trim(value)};
    }
    return out;
}

static const struct belfry_principal *principal_of(struct belfry_test *t)
{
    struct belfry_principal *p = arena_memdup(t->arena, &t->principal, sizeof(*p));
    const struct belfry_person *person = fake_person(t, str_of(t->org), p->name);
    if (p->kind == BELFRY_PRINCIPAL_PERSON && person)
        p->roles = person->roles;
    return p;
}

const struct belfry_test_reply *belfry_test_call(struct belfry_test *t, const struct belfry_test_call *in)
{
    struct fake_call_of_route *call = arena_alloc(t->arena, sizeof(*call));
    struct belfry_attr *params = arena_alloc(t->arena, 16 * sizeof(*params));
    struct belfry_str search, path = str_cut(str_of(arena_strdup(t->arena, in->path)), '?', &search);
    const char *method = in->method ? in->method : "GET";
    *call = (struct fake_call_of_route){.id = fake_id(t), .test = t};
    call->req = (struct belfry_http_request){.struct_size = sizeof(call->req),
                                             .id = call->id,
                                             .method = str_of(arena_strdup(t->arena, method)),
                                             .path = path,
                                             .query = search,
                                             .org = str_of(t->org),
                                             .body = str_of(arena_strdup(t->arena, in->body ? in->body : "")),
                                             .content_type = str_of(in->content_type ? in->content_type : ""),
                                             .params = params,
                                             .principal = principal_of(t),
                                             .csrf = STR("csrf"),
                                             .locale = STR("en"),
                                             .timezone = STR("UTC"),
                                             .peer = STR("127.0.0.1"),
                                             .impl = call};
    const struct belfry_route *route = find_route(t, method, path, params, &call->req.param_count);
    if (!route)
        fake_misuse("belfry_test_call", "the plugin has no route for %s %s", method, in->path);
    call->req.headers = headers_of(t, in->headers, &call->req.header_count);
    *FAKE_ADD(t, &t->route_calls) = call;
    route->handle(t->self, &call->req);
    belfry_test_settle(t);
    return &call->reply;
}
