/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page shell: one document around whatever a route shows. No inline script or style, a strict
 * Content-Security-Policy with Trusted Types, nothing from another origin. The shell works without JavaScript.
 */
#include "http/internal.h"

#include <unicode/uloc.h>

static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static const char style[] =
#include "core/http/assets/shell.css.inc"
    ;
static const char top[] =
#include "core/http/pages/top.mustache.inc"
    ;
static const char end[] =
#include "core/http/pages/end.mustache.inc"
    ;
static const char english[] =
#include "core/http/texts/en.json.inc"
    ;
static const char german[] =
#include "core/http/texts/de.json.inc"
    ;

static const char fault[] =
#include "core/http/pages/fault.mustache.inc"
    ;
static const char signed_out[] =
#include "core/http/pages/signed_out.mustache.inc"
    ;
static const char portal_over[] =
#include "core/http/pages/portal_over.mustache.inc"
    ;
static const char runs[] =
#include "core/http/pages/runs.mustache.inc"
    ;
static const char switch_person[] =
#include "core/http/pages/switch.mustache.inc"
    ;

#define PAGE_HEADERS 7

/* What the in-app delivery serves, when there is one. */
#define BELL_SCRIPT "in-app/bell.js"

/* --- what the shell shows ----------------------------------------------------------------------------------------- */

static void add_link(struct http_request *req, json_t *links, const char *page, const char *key)
{
    const char *path = arena_printf(req->arena, "/%.*s/%s", STR_ARG(req->pub.org), page);
    if (!http_route_is(req->http, "GET", path))
        return;
    json_t *link = json_object();
    json_set_str(link, "href", str_of(path));
    json_set_str(link, "label", http_text(req, key));
    json_object_set_new(link, "current", json_boolean(str_has_prefix(req->pub.path, str_of(path))));
    json_array_append_new(links, link);
}

/* Runs, where a source of the org has any. */
static int shows_runs(const struct http_request *req)
{
    for (size_t i = 0; i < req->config->source_count; i++)
        if (config_shows_runs(&req->config->sources[i], req->pub.org))
            return 1;
    return 0;
}

static void add_person(struct http_request *req, json_t *model)
{
    json_t *links = json_array();
    json_set_str(model, "person", req->pub.principal->name);
    json_set_str(model, "org", req->pub.org);
    json_object_set_new(model, "cookie", json_boolean(req->pub.flags & BELFRY_HTTP_COOKIE));
    json_object_set_new(model, "bell", json_boolean(http_asset_has(req->http, BELL_SCRIPT)));
    add_link(req, links, "notifications", "nav.inbox");
    if (shows_runs(req))
        add_link(req, links, "runs", "nav.runs");
    add_link(req, links, "preferences", "nav.preferences");
    if (http_has_role(req, STR("admin")))
        add_link(req, links, "admin", "nav.admin");
    json_object_set_new(model, "links", links);
}

/* Who came by a portal link has one page, and can leave. */
static void add_visitor(struct http_request *req, json_t *model)
{
    json_set_str(model, "visitor", req->pub.principal->name);
    json_set_str(model, "org", req->pub.org);
    json_object_set_new(model, "cookie", json_boolean(req->pub.flags & BELFRY_HTTP_COOKIE));
}

static void add_assets(struct http_request *req, json_t *model, const char *name, const char *first,
                       const char *const *more)
{
    json_t *urls = json_array();
    if (first)
        json_array_append_new(urls, json_string(http_asset_url(req->http, req->arena, first)));
    for (; more && *more; more++)
        json_array_append_new(urls, json_string(http_asset_url(req->http, req->arena, *more)));
    json_object_set_new(model, name, urls);
}

/* The first style of a page comes in one file with the shell's. */
static void add_styles(struct http_request *req, json_t *model, const char *const *styles)
{
    const char *joined = styles && *styles ? http_asset_joined(req->arena, *styles) : SHELL_STYLE;
    if (!http_asset_has(req->http, joined))
        add_assets(req, model, "styles", SHELL_STYLE, styles);
    else
        add_assets(req, model, "styles", joined, styles && *styles ? styles + 1 : NULL);
}

static json_t *model_of(struct http_request *req, const struct belfry_http_page *page)
{
    json_t *model = json_object();
    int person = req->pub.principal && req->pub.principal->kind == BELFRY_PRINCIPAL_PERSON;
    int bell = person && http_asset_has(req->http, BELL_SCRIPT);
    const char *language = texts_language(pages_texts(req->http->pages), req->pub.locale);
    json_set_str(model, "lang", str_of(language));
    json_set_str(model, "locale", words_locale(req));
    json_set_str(model, "zone", http_zone(req));
    json_set_str(model, "dir", uloc_isRightToLeft(language) ? STR("rtl") : STR("ltr"));
    json_set_str(model, "title", page->title);
    json_set_str(model, "skips", page->skips);
    json_set_str(model, "icon", str_of(http_asset_url(req->http, req->arena, "bell.svg")));
    json_set_str(model, "home",
                 str_of(person ? arena_printf(req->arena, "/%.*s/notifications", STR_ARG(req->pub.org))
                        : req->portal && req->pub.principal
                            ? arena_printf(req->arena, "/%.*s/endpoints", STR_ARG(req->pub.org))
                            : "#main"));
    if (page->reload_after_s)
        json_object_set_new(model, "reload", json_integer(page->reload_after_s));
    add_styles(req, model, page->styles);
    add_assets(req, model, "scripts", bell ? BELL_SCRIPT : NULL, page->scripts);
    if (person)
        add_person(req, model);
    else if (req->portal && req->pub.principal)
        add_visitor(req, model);
    return model;
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

static void answer(struct http_request *req, const struct belfry_http_page *page, const struct belfry_attr *more,
                   size_t count)
{
    struct buf out = {0};
    const char *language = texts_language(pages_texts(req->http->pages), req->pub.locale);
    json_t *model = model_of(req, page);
    pages_render(req->http->pages, req->pub.locale, "top", model, &out);
    buf_adds(&out, page->main);
    pages_render(req->http->pages, req->pub.locale, "end", model, &out);
    json_decref(model);
    int secret = page->flags & BELFRY_PAGE_SECRET_ADDRESS || str_has_suffix(req->pub.path, STR("/session"));
    struct belfry_attr headers[PAGE_HEADERS + 2] = {
        {STR("Content-Security-Policy"), str_of(csp)},
        {STR("Referrer-Policy"), secret ? STR("no-referrer") : STR("same-origin")},
        {STR("X-Robots-Tag"), STR("noindex, nofollow")}, /* no page of a hub is for the public */
        {STR("X-Frame-Options"), STR("DENY")},
        {STR("Cross-Origin-Opener-Policy"), STR("same-origin")},
        {STR("Content-Language"), str_of(language)},
        {STR("Vary"), STR("Cookie, Authorization, Accept-Language")}};
    for (size_t i = 0; i < count && i < 2; i++)
        headers[PAGE_HEADERS + i] = more[i];
    http_respond(req, page->status ? page->status : 200, "text/html; charset=utf-8", buf_str(&out), headers,
                 PAGE_HEADERS + (count < 2 ? count : 2));
    buf_free(&out);
}

void http_page(struct http_request *req, const struct belfry_http_page *page)
{
    answer(req, page, NULL, 0);
}

void page_answer(struct http_request *req, const struct belfry_http_page *page, const char *name, json_t *model,
                 const struct belfry_attr *headers, size_t header_count)
{
    struct belfry_http_page whole = *page;
    struct buf main = {0};
    pages_render(req->http->pages, req->pub.locale, name, model, &main);
    json_decref(model);
    whole.main = buf_str(&main);
    answer(req, &whole, headers, header_count);
    buf_free(&main);
}

void http_page_of(struct http_request *req, const struct belfry_http_page *page, const char *name, json_t *model)
{
    page_answer(req, page, name, model, NULL, 0);
}

belfry_status pages_init(struct http *http, struct error *err)
{
    struct texts *texts = pages_texts(http->pages = pages_new());
    belfry_status status = texts_add(texts, "en", STR(english), err);
    if (status == BELFRY_OK)
        status = texts_add(texts, "de", STR(german), err);
    const struct {
        const char *name;
        struct belfry_str text;
    } templates[] = {{"top", STR(top)},
                     {"end", STR(end)},
                     {"fault", STR(fault)},
                     {"signed_out", STR(signed_out)},
                     {"switch", STR(switch_person)},
                     {"portal_over", STR(portal_over)},
                     {"runs", STR(runs)}};
    for (size_t i = 0; status == BELFRY_OK && i < sizeof(templates) / sizeof(templates[0]); i++)
        status = pages_add(http->pages, templates[i].name, templates[i].text, err);
    if (status == BELFRY_OK)
        status = http_asset_add(http, SHELL_STYLE, "text/css; charset=utf-8", style, sizeof(style) - 1);
    return status;
}
