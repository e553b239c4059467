/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which language a request is answered in: what the person chose, else what their session says, else the directory,
 * else what their browser asks for, else English. Of a browser's wishes (RFC 9110 section 12.5.4) the first with the
 * highest quality counts that we have a catalogue for; its region stays, because dates and numbers go by it.
 */
#include "http/internal.h"

int language_is_locale(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') ||
              (s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == '-' || s.ptr[i] == '_'))
            return 0;
    return s.len >= 2 && s.len <= 35;
}

/* ";q=0.8" in thousandths; 1000 without one, 0 when it is none. */
static int quality(struct belfry_str params)
{
    while (params.ptr) {
        struct belfry_str param = str_trim(str_cut(params, ';', &params));
        int value = 0, unit = 1000;
        if (param.len < 3 || (param.ptr[0] | 32) != 'q' || param.ptr[1] != '=')
            continue;
        for (size_t i = 2; i < param.len; i++) {
            char c = param.ptr[i];
            if (i == 3 && c == '.')
                continue;
            if (c < '0' || c > '9' || unit == 0)
                return 0;
            value += (c - '0') * unit;
            unit /= 10;
        }
        return value <= 1000 ? value : 0;
    }
    return 1000;
}

/* "DE_AT" as "de-AT": catalogues go by the language in lower case, ICU takes the rest as it comes. In arena. */
static struct belfry_str tidy(struct arena *arena, struct belfry_str range)
{
    struct belfry_str copy = arena_str(arena, range);
    char *text = (char *)copy.ptr;
    int language = 1;
    for (size_t i = 0; i < copy.len; i++) {
        if (text[i] == '_')
            text[i] = '-';
        language &= text[i] != '-';
        if (language)
            text[i] |= 32;
    }
    return copy;
}

struct belfry_str language_accepted(const struct texts *texts, struct belfry_str wishes, struct arena *arena)
{
    struct belfry_str best = STR("en");
    int best_quality = 0;
    while (wishes.ptr) {
        struct belfry_str params, range = str_trim(str_cut(str_cut(wishes, ',', &wishes), ';', &params));
        int wanted = quality(params);
        if (wanted <= best_quality || !language_is_locale(range))
            continue;
        struct belfry_str region, locale = tidy(arena, range);
        if (!str_eqz(str_cut(locale, '-', &region), texts_language(texts, locale)))
            continue;
        best = locale;
        best_quality = wanted;
    }
    return best;
}

void language_of_browser(struct request *r)
{
    r->pub.pub.locale =
        language_accepted(pages_texts(r->pub.http->pages), http_header(&r->pub, "accept-language"), r->pub.arena);
}

void language_of_person(struct request *r, struct belfry_str claimed, const struct known_person *known)
{
    const struct belfry_str wishes[] = {known->own_locale, claimed, known->locale};
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
        if (language_is_locale(wishes[i])) {
            r->pub.pub.locale = tidy(r->pub.arena, wishes[i]);
            return;
        }
}
