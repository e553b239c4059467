/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to a call. Each ends it. */
#include "in_app.h"

static struct belfry_attr attr(const char *name, const char *value)
{
    return (struct belfry_attr){belfry_str(name), belfry_str(value)};
}

void answer_problem(struct call *call, uint32_t status, const char *pointer, const char *detail)
{
    call->app->http->problem(call->app->host, call->req->id, status, pointer, belfry_str(detail));
    call_free(call);
}

static const struct {
    belfry_status status;
    uint32_t http;
    const char *detail;
} refusals[] = {{BELFRY_ENOTFOUND, 404, "there is no such notification here"},
                {BELFRY_ECLOSED, 410, "this can no longer be undone"},
                {BELFRY_ECONFLICT, 409, "this was handled already"},
                {BELFRY_EPERM, 403, "this is not allowed"},
                {BELFRY_EINVAL, 422, "this value is not accepted"}};

uint32_t answer_code(belfry_status status)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].status == status)
            return refusals[i].http;
    return 503;
}

void answer_status(struct call *call, belfry_status status, struct belfry_str detail)
{
    uint32_t http = answer_code(status);
    const char *text = "the inbox cannot be read or written at the moment; try again in a second";
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].status == status)
            text = refusals[i].detail;
    call->app->http->problem(call->app->host, call->req->id, http, NULL, detail.len ? detail : belfry_str(text));
    call_free(call);
}

static size_t headers_of(const struct call *call, struct belfry_attr headers[4])
{
    size_t n = 0;
    if (!call->etag[0])
        return 0;
    headers[n++] = attr("ETag", call->etag);
    headers[n++] = attr("Cache-Control", "private, no-cache");
    headers[n++] = attr("Vary", "Cookie, Authorization, Accept-Language");
    headers[n++] = attr("Poll-Interval", "30");
    return n;
}

static void respond(struct call *call, uint32_t status, const char *type, struct belfry_str body)
{
    struct belfry_attr headers[4];
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = status,
                                            .content_type = belfry_str(type),
                                            .body = body,
                                            .headers = headers,
                                            .header_count = headers_of(call, headers)};
    call->app->http->respond(call->app->host, call->req->id, &response);
    call_free(call);
}

void answer_json(struct call *call, uint32_t status, struct text *body)
{
    respond(call, status, "application/json", text_view(body));
    text_free(body);
}

void answer_empty(struct call *call, uint32_t status)
{
    respond(call, status, NULL, (struct belfry_str){0});
}

void answer_redirect(struct call *call, struct belfry_str location)
{
    struct belfry_attr headers[] = {{belfry_str("Location"), location}, attr("Referrer-Policy", "no-referrer")};
    struct belfry_http_response response = {
        .struct_size = sizeof(response), .status = 303, .headers = headers, .header_count = 2};
    call->app->http->respond(call->app->host, call->req->id, &response);
    call_free(call);
}
