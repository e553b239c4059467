/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: bytes, JSON, problems (RFC 9457), redirects; and reading of query, form and headers. */
#include "base/mem.h"
#include "http/internal.h"

#include <stdarg.h>
#include <stdio.h>

/* --- answers ------------------------------------------------------------------------------------------------------ */

static int clean(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\r' || s.ptr[i] == '\n' || s.ptr[i] == '\0')
            return 0;
    return 1;
}

void response_add(struct MHD_Response *response, struct belfry_str name, struct belfry_str value)
{
    char n[64], small[512];
    if (name.len == 0 || name.len >= sizeof(n) || value.len == 0 || !clean(name) || !clean(value))
        return;
    memcpy(n, name.ptr, name.len);
    n[name.len] = '\0';
    char *v = value.len < sizeof(small) ? small : xmalloc(value.len + 1);
    memcpy(v, value.ptr, value.len);
    v[value.len] = '\0';
    MHD_add_response_header(response, n, v);
    if (v != small)
        free(v);
}

void http_respond(struct http_request *req, uint32_t status, const char *content_type, struct belfry_str body,
                  const struct belfry_attr *headers, size_t header_count)
{
    if (request_of(req)->ask) {
        ask_answer(request_of(req), status, body);
        return;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)(body.ptr ? body.ptr : ""), MHD_RESPMEM_MUST_COPY);
    if (content_type)
        response_add(response, STR("Content-Type"), str_of(content_type));
    int cached = 0, later = 0;
    for (size_t i = 0; i < header_count; i++) {
        response_add(response, headers[i].name, headers[i].value);
        cached |= head_is(headers[i].name, "cache-control");
        later |= head_is(headers[i].name, "retry-after");
    }
    if (!cached)
        response_add(response, STR("Cache-Control"), STR("no-store"));
    if (!later && (status == 429 || status == 503))
        response_add(response, STR("Retry-After"), STR("1"));
    response_add(response, STR("X-Content-Type-Options"), STR("nosniff"));
    request_answer(request_of(req), status, response);
}

void http_respond_json(struct http_request *req, uint32_t status, json_t *body, const struct belfry_attr *headers,
                       size_t header_count)
{
    struct buf text = {0};
    json_write(body, &text);
    http_respond(req, status, status >= 400 ? "application/problem+json" : "application/json", buf_str(&text), headers,
                 header_count);
    buf_free(&text);
    json_decref(body);
}

void http_redirect(struct http_request *req, uint32_t status, const char *location)
{
    struct belfry_attr headers[] = {{STR("Location"), str_of(location)}};
    http_respond(req, status, NULL, (struct belfry_str){0}, headers, 1);
}

/* --- problems ----------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t status;
    const char *title;
} titles[] = {{400, "Bad request"},
              {401, "Not signed in"},
              {403, "Not allowed"},
              {404, "Not found"},
              {405, "Method not allowed"},
              {409, "Conflict"},
              {410, "Gone"},
              {412, "Precondition failed"},
              {413, "Too large"},
              {415, "Unsupported media type"},
              {422, "Data not accepted"},
              {429, "Too many requests"},
              {431, "Headers too large"},
              {500, "Internal error"},
              {503, "Not available now"}};

static const char *title_of(uint32_t status)
{
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

uint32_t http_status_of(belfry_status status)
{
    switch (status) {
    case BELFRY_OK:
        return 200;
    case BELFRY_EINVAL:
        return 422;
    case BELFRY_ECONFLICT:
        return 409;
    case BELFRY_ENOTFOUND:
        return 404;
    case BELFRY_EPERM:
        return 403;
    case BELFRY_EAGAIN:
    case BELFRY_EIO:
    case BELFRY_ECANCELED:
    case BELFRY_ETIMEDOUT:
        return 503;
    case BELFRY_ELIMIT:
        return 413;
    case BELFRY_EUNSUPPORTED:
        return 415;
    case BELFRY_ECLOSED:
        return 410;
    default:
        return 500;
    }
}

json_t *http_problem_json(uint32_t status, const struct error *err)
{
    json_t *doc = json_object();
    json_object_set_new(doc, "type", json_string("about:blank"));
    json_object_set_new(doc, "title", json_string(title_of(status)));
    json_object_set_new(doc, "status", json_integer(status));
    if (!err)
        return doc;
    if (err->count)
        json_set_str(doc, "detail", str_of(err->items[0].detail));
    json_t *errors = json_array();
    for (size_t i = 0; i < err->count; i++) {
        if (!err->items[i].pointer || !err->items[i].pointer[0])
            continue;
        json_t *item = json_object();
        json_set_str(item, "pointer", str_of(err->items[i].pointer));
        json_set_str(item, "detail", str_of(err->items[i].detail));
        json_array_append_new(errors, item);
    }
    if (json_array_size(errors))
        json_object_set(doc, "errors", errors);
    json_decref(errors);
    for (size_t i = 0; i < err->attr_count; i++)
        json_set_str(doc, err->attrs[i].name, str_of(err->attrs[i].value));
    return doc;
}

void http_problem_error(struct http_request *req, uint32_t status, const struct error *err)
{
    if (!status)
        status = http_status_of(err->status);
    struct belfry_attr headers[] = {{STR("WWW-Authenticate"), STR("Bearer realm=\"belfry\"")}};
    if (fault_page(req, status, err, headers, status == 401))
        return;
    http_respond_json(req, status, http_problem_json(status, err), headers, status == 401);
}

void http_problem(struct http_request *req, uint32_t status, const char *pointer, const char *format, ...)
{
    struct error err = {0};
    va_list args;
    va_start(args, format);
    error_vset(&err, BELFRY_EINVAL, pointer, format, args);
    va_end(args);
    http_problem_error(req, status, &err);
    error_clear(&err);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static belfry_status find_pair(struct http_request *req, struct belfry_str text, const char *name, uint32_t index,
                               struct belfry_str *out)
{
    size_t len = strlen(name);
    while (text.ptr) {
        struct belfry_str value, part = str_cut(text, '&', &text), key = str_cut(part, '=', &value);
        if (key.len < len || key.len > 3 * len) /* not this name, however it is encoded: saves decoding it */
            continue;
        if (percent_decode(req->arena, key, 1, &key) != BELFRY_OK || !str_eqz(key, name))
            continue;
        if (index-- > 0)
            continue;
        return percent_decode(req->arena, value.ptr ? value : STR(""), 1, out);
    }
    return BELFRY_ENOTFOUND;
}

belfry_status http_query(struct http_request *req, const char *name, uint32_t index, struct belfry_str *out)
{
    return find_pair(req, req->pub.query, name, index, out);
}

int http_is_form(const struct http_request *req)
{
    return head_begins(req->pub.content_type, "application/x-www-form-urlencoded");
}

belfry_status http_form(struct http_request *req, const char *name, uint32_t index, struct belfry_str *out)
{
    if (!http_is_form(req))
        return BELFRY_ENOTFOUND;
    return find_pair(req, req->pub.body, name, index, out);
}

struct belfry_str http_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->pub.header_count; i++)
        if (str_eqz(req->pub.headers[i].name, name))
            return req->pub.headers[i].value;
    return (struct belfry_str){0};
}

int http_has_tag(const struct http_request *req, struct belfry_str tag)
{
    struct belfry_str known = http_header(req, "if-none-match");
    return str_eqz(known, "*") || (tag.len && known.len && memmem(known.ptr, known.len, tag.ptr, tag.len));
}

struct belfry_str http_param(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->pub.param_count; i++)
        if (str_eqz(req->pub.params[i].name, name))
            return req->pub.params[i].value;
    return (struct belfry_str){0};
}

json_t *http_json(struct http_request *req)
{
    struct request *r = request_of(req);
    if (r->json)
        return r->json;
    struct error err = {0};
    r->json = json_read(req->pub.body, &err);
    if (r->json && !json_is_object(r->json)) {
        error_set(&err, BELFRY_EINVAL, "", "expected an object, found %s", json_type_text(r->json));
        json_decref(r->json);
        r->json = NULL;
    }
    if (r->json)
        return r->json;
    http_problem_error(req, 400, &err);
    error_clear(&err);
    return NULL;
}

struct belfry_str http_escape(struct arena *arena, struct belfry_str text)
{
    size_t extra = 0;
    for (size_t i = 0; i < text.len; i++)
        extra += text.ptr[i] == '&' || text.ptr[i] == '"' || text.ptr[i] == '\'' ? 5
                 : text.ptr[i] == '<' || text.ptr[i] == '>'                      ? 3
                                                                                 : 0;
    if (!extra)
        return text;
    char *out = arena_alloc(arena, text.len + extra + 1), *p = out;
    for (size_t i = 0; i < text.len; i++) {
        const char *with = text.ptr[i] == '&'    ? "&amp;"
                           : text.ptr[i] == '<'  ? "&lt;"
                           : text.ptr[i] == '>'  ? "&gt;"
                           : text.ptr[i] == '"'  ? "&quot;"
                           : text.ptr[i] == '\'' ? "&#39;"
                                                 : NULL;
        if (with)
            p = stpcpy(p, with);
        else
            *p++ = text.ptr[i];
    }
    return str_slice(out, (size_t)(p - out));
}

int http_has_role(const struct http_request *req, struct belfry_str role)
{
    if (!req->pub.principal)
        return 0;
    for (size_t i = 0; i < req->pub.principal->roles.count; i++)
        if (str_eq(req->pub.principal->roles.items[i], role))
            return 1;
    return 0;
}
