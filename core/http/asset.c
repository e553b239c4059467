/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static bytes at /assets/...; gzip when the client takes it. Under the address that http_asset_url() gives, which
 * names the content, they may be kept for a year; under the bare name they are asked for again, with a tag. They are
 * the same for everybody, so pages of every origin may load them; /assets/integrity.json has what such a page needs to
 * insist on these very bytes (Subresource Integrity).
 */
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "http/internal.h"

#include <stdio.h>
#include <zlib.h>

struct asset {
    char *content_type;
    const void *bytes;
    size_t size;
    void *owned; /* the bytes, where they were put together here */
    void *gzip;  /* NULL: not worth it */
    size_t gzip_size;
    char hash[17];
    uint8_t digest[32];
};

static void asset_free(void *value)
{
    struct asset *a = value;
    free(a->content_type);
    free(a->gzip);
    free(a->owned);
    free(a);
}

static void compress_asset(struct asset *a)
{
    z_stream z = {0};
    if (a->size < 512 || deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    size_t room = deflateBound(&z, a->size);
    a->gzip = xmalloc(room);
    z.next_in = (Bytef *)(uintptr_t)a->bytes;
    z.avail_in = (uInt)a->size;
    z.next_out = a->gzip;
    z.avail_out = (uInt)room;
    int ok = deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < a->size;
    a->gzip_size = z.total_out;
    deflateEnd(&z);
    if (!ok) {
        free(a->gzip);
        a->gzip = NULL;
    }
}

static struct asset *add(struct http *http, const char *name, const char *content_type, const void *bytes, size_t size)
{
    struct asset *a = xcalloc(1, sizeof(*a));
    sha256(bytes, size, a->digest);
    for (int i = 0; i < 8; i++)
        snprintf(a->hash + 2 * i, 3, "%02x", a->digest[i]);
    a->content_type = xstrdup(content_type);
    a->bytes = bytes;
    a->size = size;
    compress_asset(a);
    struct asset *old = hash_set(http->assets, str_of(name), a);
    if (old)
        asset_free(old);
    return a;
}

const char *http_asset_joined(struct arena *arena, const char *style)
{
    const char *end = strrchr(style, '.');
    return arena_printf(arena, "%.*s.page.css", end ? (int)(end - style) : (int)strlen(style), style);
}

/* A style behind the shell's: one request for a page instead of two, and one gzip over both. */
static void add_joined(struct http *http, const char *name, const char *content_type, const void *bytes, size_t size)
{
    const struct asset *shell = hash_get(http->assets, STR(SHELL_STYLE));
    if (!shell || !str_has_suffix(str_of(name), STR(".css")))
        return;
    struct arena *arena = arena_new(0);
    struct buf both = {0};
    buf_add(&both, shell->bytes, shell->size);
    buf_add(&both, bytes, size);
    add(http, http_asset_joined(arena, name), content_type, both.ptr, both.len)->owned = both.ptr;
    arena_free(arena);
}

belfry_status http_asset_add(struct http *http, const char *name, const char *content_type, const void *bytes,
                             size_t size)
{
    add_joined(http, name, content_type, bytes, size);
    add(http, name, content_type, bytes, size);
    return BELFRY_OK;
}

int http_asset_has(const struct http *http, const char *name)
{
    return hash_get(http->assets, str_of(name)) != NULL;
}

const char *http_asset_url(struct http *http, struct arena *arena, const char *name)
{
    const struct asset *a = hash_get(http->assets, str_of(name));
    return arena_printf(arena, "/assets/%s?v=%s", name, a ? a->hash : "0");
}

/* RFC 9110 section 12.5.3, as far as it matters: the word, without a weight of nothing. */
static int takes_gzip(const struct http_request *req)
{
    struct belfry_str rest = http_header(req, "accept-encoding");
    while (rest.len) {
        struct belfry_str weight, coding = str_cut(str_cut(rest, ',', &rest), ';', &weight);
        if (head_is(str_trim(coding), "gzip")) {
            weight = str_trim(weight);
            return !(head_is(weight, "q=0") || head_begins(weight, "q=0.0"));
        }
    }
    return 0;
}

static void serve(struct http_request *req, struct belfry_str name)
{
    const struct asset *a = hash_get(req->http->assets, name);
    if (!a) {
        http_problem(req, 404, NULL, "there is no such asset");
        return;
    }
    struct belfry_str version = {0};
    http_query(req, "v", 0, &version);
    int gzip = a->gzip && takes_gzip(req), named = str_eqz(version, a->hash);
    struct belfry_str tag = str_of(arena_printf(req->arena, "\"%s%s\"", a->hash, gzip ? "-gz" : ""));
    struct belfry_attr headers[5] = {
        {STR("Cache-Control"), named ? STR("public, max-age=31536000, immutable") : STR("public, no-cache")},
        {STR("Vary"), STR("Accept-Encoding")},
        {STR("Access-Control-Allow-Origin"), STR("*")},
        {STR("ETag"), tag},
        {STR("Content-Encoding"), STR("gzip")}};
    if (http_has_tag(req, tag))
        http_respond(req, 304, NULL, (struct belfry_str){0}, headers, 4);
    else
        http_respond(req, 200, a->content_type, gzip ? str_slice(a->gzip, a->gzip_size) : str_slice(a->bytes, a->size),
                     headers, gzip ? 5 : 4);
}

/* {"in-app/bell.js": {"url": "/assets/in-app/bell.js?v=...", "integrity": "sha256-..."}, ...} */
static void serve_integrity(struct http_request *req)
{
    json_t *all = json_object();
    size_t at = 0;
    struct belfry_str name;
    void *value;
    while (hash_next(req->http->assets, &at, &name, &value)) {
        const struct asset *a = value;
        char *key = arena_strndup(req->arena, name.ptr, name.len);
        struct buf integrity = {0};
        buf_addz(&integrity, "sha256-");
        base64_encode(a->digest, sizeof(a->digest), 0, &integrity);
        json_t *one = json_object();
        json_set_str(one, "url", str_of(http_asset_url(req->http, req->arena, key)));
        json_set_str(one, "integrity", buf_str(&integrity));
        json_object_set_new(all, key, one);
        buf_free(&integrity);
    }
    const struct belfry_attr headers[] = {{STR("Cache-Control"), STR("public, no-cache")},
                                          {STR("Access-Control-Allow-Origin"), STR("*")}};
    http_respond_json(req, 200, all, headers, 2);
}

static void get_one(void *arg, struct http_request *req)
{
    (void)arg;
    if (str_eqz(http_param(req, "name"), "integrity.json"))
        serve_integrity(req);
    else
        serve(req, http_param(req, "name"));
}

static void get_two(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_str owner = http_param(req, "owner"), name = http_param(req, "name");
    char *full = arena_printf(req->arena, "%.*s/%.*s", STR_ARG(owner), STR_ARG(name));
    serve(req, str_of(full));
}

static void favicon(void *arg, struct http_request *req)
{
    (void)arg;
    serve(req, STR("bell.svg"));
}

/* One blue for a light and a dark bar, and for forced colours: 4:1 on each. */
static const char bell[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><path fill=\"#3b7dd8\" d=\"M16 3a2 2 0 0 0-2 2v.6C10.300 6.500"
    " 8 9.700 8 13.500V20l-3 4v1h22v-1l-3-4v-6.500c0-3.800-2.300-7-6-7.900V5a2 2 0 0 0-2-2zm-3.500 24a3.500 3.500 0 0 0 7 0z\"/></svg>";

belfry_status assets_init(struct http *http, struct error *err)
{
    http->assets = hash_new();
    http_asset_add(http, "bell.svg", "image/svg+xml", bell, sizeof(bell) - 1);
    const struct http_route routes[] = {
        {"GET", "/assets/{name}", "none", 0, BELFRY_ROUTE_RAW, get_one, http},
        {"GET", "/assets/{owner}/{name}", "none", 0, BELFRY_ROUTE_RAW, get_two, http},
        {"GET", "/favicon.ico", "none", 0, BELFRY_ROUTE_RAW, favicon, http},
    };
    return http_routes_add(http, http, routes, 3, err);
}

void assets_free(struct http *http)
{
    hash_free(http->assets, asset_free);
}
