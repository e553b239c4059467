/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests from pages of other origins (Fetch standard, section 3.2 "CORS protocol"): the elements live in the
 * application's pages. Only the origins of hub.allowed_origins are answered, each by its own name and never by "*", so
 * that a session cookie of the same site may come along. A write with the cookie is refused all the same (auth.c).
 * Files of pages are for everybody and say so themselves (asset.c): a module script is always asked for by CORS.
 */
#include "http/internal.h"

#include <stdio.h>

static const char allowed_headers[] =
    "Authorization, Content-Type, Accept, If-Match, If-None-Match, Last-Event-ID, ce-id, ce-source, ce-type, "
    "ce-specversion, ce-subject, ce-time, ce-dataschema";
static const char exposed_headers[] =
    "ETag, Location, Retry-After, Poll-Interval, Allow, WWW-Authenticate, Content-Disposition";

void cors_read(struct request *r)
{
    struct belfry_str origin = http_header(&r->pub, "origin");
    if (r->pub.config && origin.len && config_names_has(&r->pub.config->hub.allowed_origins, origin))
        r->origin = origin;
}

void cors_add(const struct request *r, struct MHD_Response *response)
{
    if (!r->pub.config || !r->pub.config->hub.allowed_origins.count)
        return;
    if (MHD_get_response_header(response, "Access-Control-Allow-Origin"))
        return;
    response_add(response, STR("Vary"), STR("Origin"));
    if (!r->origin.len)
        return;
    response_add(response, STR("Access-Control-Allow-Origin"), r->origin);
    response_add(response, STR("Access-Control-Allow-Credentials"), STR("true"));
    response_add(response, STR("Access-Control-Expose-Headers"), str_of(exposed_headers));
}

void cors_preflight(struct request *r, const char *allow)
{
    struct belfry_attr headers[6] = {{STR("Allow"), str_of(allow)}};
    size_t n = 1;
    if (r->origin.len && http_header(&r->pub, "access-control-request-method").len) {
        headers[n++] = (struct belfry_attr){STR("Access-Control-Allow-Methods"), str_of(allow)};
        headers[n++] = (struct belfry_attr){STR("Access-Control-Allow-Headers"), str_of(allowed_headers)};
        headers[n++] = (struct belfry_attr){STR("Access-Control-Max-Age"), STR("7200")};
    }
    n += handshake_headers(r, headers + n);
    http_respond(&r->pub, 204, NULL, (struct belfry_str){0}, headers, n);
}
