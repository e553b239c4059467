/* SPDX-License-Identifier: Apache-2.0 */
/* Words and dates in the language and the time zone of whoever asks. */
#include "base/zone.h"
#include "http/internal.h"

#include <unicode/udat.h>
#include <unicode/ustring.h>

struct belfry_str http_text(struct http_request *req, const char *key)
{
    return texts_format(pages_texts(req->http->pages), req->pub.locale, key, NULL, 0, req->arena);
}

static void format_close(void *format)
{
    udat_close(format);
}

struct belfry_str http_zone(const struct http_request *req)
{
    const char *org = req->org ? req->org->timezone : NULL, *hub = req->config->hub.timezone;
    if (zone_exists(req->pub.timezone)) /* a claim may say anything */
        return req->pub.timezone;
    return org ? str_of(org) : hub && *hub ? str_of(hub) : STR("UTC");
}

struct belfry_str words_locale(struct http_request *req)
{
    char *locale = arena_alloc(req->arena, TEXTS_LOCALE_SIZE);
    return str_of(texts_locale(pages_texts(req->http->pages), req->pub.locale, locale));
}

/* Opening one takes longer than a hundred dates; a page has hundreds, all in one locale and zone. */
static UDateFormat *format_of(struct http_request *req)
{
    struct request *r = request_of(req);
    UErrorCode status = U_ZERO_ERROR;
    UChar zone[64];
    int32_t zone_len = 0;
    if (r->date_format)
        return r->date_format;
    struct belfry_str tz = http_zone(req);
    u_strFromUTF8(zone, 64, &zone_len, tz.ptr, (int32_t)tz.len, &status);
    UDateFormat *format = udat_open(UDAT_SHORT, UDAT_MEDIUM, words_locale(req).ptr, zone, zone_len, NULL, 0, &status);
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

struct belfry_str http_ago(struct http_request *req, int64_t ms)
{
    struct belfry_str ago =
        texts_ago(pages_texts(req->http->pages), req->pub.locale, clock_now_ms(req->http->set.clock), ms, req->arena);
    return ago.len ? ago : http_datetime(req, ms);
}
