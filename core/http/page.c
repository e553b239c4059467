/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page shell: one document around whatever a route shows. No inline script or style, a strict
 * Content-Security-Policy with Trusted Types, nothing from another origin. The shell works without JavaScript.
 */
#include "http/internal.h"

#include <stdio.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>

static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b2430;--soft:#566173;--line:#d5dbe3;--paper:#fff;--wash:#f4f6f9;--accent:#1f4e8c;"
    "--info:#566173;--success:#1b6e3c;--warning:#8a5a00;--error:#a32020;--critical:#7a0019}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#a7b1c0;--line:#37414f;--paper:#151a21;--wash:#1d242d;"
    "--accent:#8ab8f2;--info:#a7b1c0;--success:#7fd09f;--warning:#f0c060;--error:#ff9a8f;--critical:#ff7f9a}}"
    "*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--wash)}"
    "a{color:var(--accent)}header.bar{display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:center;padding:.6rem 1rem;"
    "overflow-wrap:anywhere;background:var(--paper);"
    "border-bottom:1px solid var(--line)}header.bar .home{display:flex;gap:.5rem;align-items:center;font-weight:600;color:"
    "var(--ink);text-decoration:none;margin-inline-end:auto}header.bar img{width:1.5rem;height:1.5rem}header.bar form{margin:0}"
    "header.bar nav{display:flex;gap:1rem}"
    "main{max-width:60rem;margin:1rem auto;padding:0 1rem}h1{font-size:1.4rem;line-height:1.25}"
    "button,.button,select,input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);"
    "border-radius:.4rem;padding:.3rem .7rem;min-height:2.2rem}button{cursor:pointer}button:hover{border-color:var(--accent)}"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    ".skip{position:absolute;inset-inline-start:-999px}.skip:focus{inset-inline-start:1rem;top:.5rem;background:var(--paper);"
    "padding:.4rem .8rem;z-index:1}";

/* --- texts: English; other catalogues are looked up here too ------------------------------------------------------ */

static const struct {
    const char *key, *text;
} texts[] = {
    {"app.name", "Belfry"},
    {"nav.inbox", "Notifications"},
    {"nav.runs", "Runs"},
    {"nav.sign_out", "Sign out"},
    {"nav.skip", "Skip to content"},
    {"signed_out.title", "You are not signed in"},
    {"signed_out.text", "Open Belfry from your application, or ask your administrator for a sign-in link."},
    {"switch.title", "Sign in as another person?"},
    {"switch.now", "You are signed in as"},
    {"switch.button", "Continue as"},
};

struct belfry_str http_text(struct http_request *req, const char *key)
{
    (void)req;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(texts[i].key, key) == 0)
            return str_of(texts[i].text);
    return str_of(key);
}

static void format_close(void *format)
{
    udat_close(format);
}

/* Opening one takes longer than a hundred dates; a page has hundreds, all in one locale and zone. */
static UDateFormat *format_of(struct http_request *req)
{
    struct request *r = request_of(req);
    UErrorCode status = U_ZERO_ERROR;
    UChar zone[64];
    char locale[64];
    int32_t zone_len = 0;
    if (r->date_format)
        return r->date_format;
    struct belfry_str tz = req->pub.timezone;
    if (!tz.len)
        tz = str_of(req->org && req->org->timezone ? req->org->timezone : req->config->hub.timezone);
    if (!tz.len)
        tz = STR("UTC");
    snprintf(locale, sizeof(locale), "%.*s", STR_ARG(req->pub.locale));
    u_strFromUTF8(zone, 64, &zone_len, tz.ptr, (int32_t)tz.len, &status);
    UDateFormat *format = udat_open(UDAT_SHORT, UDAT_MEDIUM, locale, zone, zone_len, NULL, 0, &status);
    if (U_FAILURE(status))
        return NULL;
    r->date_format = format;
    arena_cleanup(req->arena, format_close, format);
    return format;
}

struct belfry_str http_datetime(struct http_request *req, int64_t ms)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[128];
    char utf8[256];
    int32_t len = 0;
    UDateFormat *format = format_of(req);
    if (format) {
        int32_t units = udat_format(format, (UDate)ms, text, 128, NULL, &status);
        u_strToUTF8(utf8, sizeof(utf8), &len, text, units, &status);
    }
    if (!format || U_FAILURE(status)) {
        time_format(ms, utf8);
        len = TIME_TEXT_SIZE - 1;
    }
    return str_slice(arena_strndup(req->arena, utf8, (size_t)len), (size_t)len);
}

/* --- the shell ---------------------------------------------------------------------------------------------------- */

/* Runs, where a source of the org has any. */
static void add_runs_link(struct http_request *req, struct belfry_str org, struct buf *out)
{
    int shown = 0;
    for (size_t i = 0; i < req->config->source_count; i++)
        shown |= config_shows_runs(&req->config->sources[i], req->pub.org);
    if (shown)
        buf_addf(out, " <a href=\"/%.*s/runs\">%.*s</a>", STR_ARG(org), STR_ARG(http_text(req, "nav.runs")));
}

static void add_navigation(struct http_request *req, struct buf *out)
{
    struct belfry_str org = http_escape(req->arena, req->pub.org);
    int person = req->pub.principal && req->pub.principal->kind == BELFRY_PRINCIPAL_PERSON;
    buf_addf(out, "<header class=\"bar\"><a class=\"home\" href=\"%s%.*s%s\"><img src=\"%s\" alt=\"\">%.*s</a>",
             person ? "/" : "", person ? (int)org.len : 0, person ? org.ptr : "", person ? "/notifications" : "#main",
             http_asset_url(req->http, req->arena, "bell.svg"), STR_ARG(http_text(req, "app.name")));
    if (person) {
        buf_addf(out, "<nav><a href=\"/%.*s/notifications\">%.*s</a>", STR_ARG(org),
                 STR_ARG(http_text(req, "nav.inbox")));
        add_runs_link(req, org, out);
        buf_addf(out, "</nav><span class=\"who\">%.*s</span>",
                 STR_ARG(http_escape(req->arena, req->pub.principal->name)));
    }
    if (person && (req->pub.flags & BELFRY_HTTP_COOKIE))
        buf_addf(out, "<form method=\"post\" action=\"/%.*s/session/end\"><button>%.*s</button></form>", STR_ARG(org),
                 STR_ARG(http_text(req, "nav.sign_out")));
    buf_addz(out, "</header>");
}

void http_page(struct http_request *req, const struct belfry_http_page *page)
{
    struct buf out = {0};
    struct belfry_str title = http_escape(req->arena, page->title);
    buf_addf(&out,
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
             "content=\"width=device-width,initial-scale=1\"><title>%.*s - %.*s</title><link rel=\"icon\" href=\"%s\">"
             "<link rel=\"stylesheet\" href=\"%s\">",
             STR_ARG(title), STR_ARG(http_text(req, "app.name")), http_asset_url(req->http, req->arena, "bell.svg"),
             http_asset_url(req->http, req->arena, "shell.css"));
    for (const char *const *s = page->styles; s && *s; s++)
        buf_addf(&out, "<link rel=\"stylesheet\" href=\"%s\">", http_asset_url(req->http, req->arena, *s));
    for (const char *const *s = page->scripts; s && *s; s++)
        buf_addf(&out, "<script type=\"module\" src=\"%s\"></script>", http_asset_url(req->http, req->arena, *s));
    if (page->reload_after_s)
        buf_addf(&out, "<meta http-equiv=\"refresh\" content=\"%u\">", page->reload_after_s);
    buf_addf(&out, "</head><body><a class=\"skip\" href=\"#main\">%.*s</a>", STR_ARG(http_text(req, "nav.skip")));
    add_navigation(req, &out);
    buf_addf(&out, "<main id=\"main\">%.*s</main></body></html>\n", STR_ARG(page->main));
    struct belfry_attr headers[] = {{STR("Content-Security-Policy"), str_of(csp)},
                                    /* the door's address holds a token */
                                    {STR("Referrer-Policy"), str_has_suffix(req->pub.path, STR("/session"))
                                                                 ? STR("no-referrer")
                                                                 : STR("same-origin")},
                                    {STR("X-Frame-Options"), STR("DENY")},
                                    {STR("Vary"), STR("Cookie, Authorization, Accept-Language")}};
    http_respond(req, page->status ? page->status : 200, "text/html; charset=utf-8", buf_str(&out), headers, 4);
    buf_free(&out);
}

belfry_status pages_init(struct http *http, struct error *err)
{
    (void)err;
    return http_asset_add(http, "shell.css", "text/css; charset=utf-8", style, sizeof(style) - 1);
}
