/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which templates of the configuration speak for a batch: those under the event's type, under the longest `prefix.*`
 * that fits, under `default`; of a digest or catch-up mail those under its own key. Each is asked part by part, so one
 * that has only a subject leaves text and HTML to the next.
 */
#include "content_inside.h"

#include <string.h>

static const struct content_override *find(const struct content *content, const char *key)
{
    const struct belfry_map *map = content->templates;
    for (uint32_t i = 0; map && i < map->count; i++)
        if (strcmp(map->keys[i], key) == 0)
            return (const struct content_override *)(const void *)((const char *)map->values + (size_t)i * map->stride);
    return NULL;
}

/* --- languages ---------------------------------------------------------------------------------------------------- */

static int same_tag(const char *key, struct belfry_str tag)
{
    for (size_t i = 0; i < tag.len; i++) {
        char a = key[i], b = tag.ptr[i] == '_' ? '-' : tag.ptr[i];
        if (!a || ((a ^ b) && ((a | 32) != (b | 32) || (a | 32) < 'a' || (a | 32) > 'z')))
            return 0;
    }
    return key[tag.len] == '\0';
}

static const struct content_words *locale_words(const struct belfry_map *map, struct belfry_str tag)
{
    for (uint32_t i = 0; tag.len && i < map->count; i++)
        if (same_tag(map->keys[i], tag))
            return (const struct content_words *)(const void *)((const char *)map->values + (size_t)i * map->stride);
    return NULL;
}

/* The region's words before the language's before those of everybody, part by part. */
static struct content_words words_in(const struct content_override *o, struct belfry_str locale)
{
    struct belfry_str language = locale;
    for (language.len = 0; language.len < locale.len && !strchr("-_", locale.ptr[language.len]);)
        language.len++;
    const struct content_words *levels[] = {locale_words(&o->locales, locale), locale_words(&o->locales, language),
                                            &o->words};
    struct content_words out = {0};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        /* a text and its HTML say the same thing: they are of one level */
        int body = out.text || out.html;
        if (!levels[i])
            continue;
        if (!out.subject)
            out.subject = levels[i]->subject;
        if (!body) {
            out.text = levels[i]->text;
            out.html = levels[i]->html;
        }
    }
    return out;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static int has_prefix(const char *key, struct belfry_str type)
{
    size_t n = strlen(key);
    return n >= 2 && key[n - 1] == '*' && type.len >= n - 1 && memcmp(key, type.ptr, n - 1) == 0;
}

/* The key of the map that the type is, or its longest prefix. */
static const char *type_key(const struct content *content, struct belfry_str type, int prefix)
{
    const struct belfry_map *map = content->templates;
    const char *best = NULL;
    for (uint32_t i = 0; map && i < map->count; i++) {
        const char *key = map->keys[i];
        int fits = prefix ? has_prefix(key, type) && (!best || strlen(key) > strlen(best))
                          : strlen(key) == type.len && memcmp(key, type.ptr, type.len) == 0;
        if (fits)
            best = key;
    }
    return best;
}

static struct belfry_part part_of(const struct belfry_template *tpl, uint32_t escape)
{
    return (struct belfry_part){.struct_size = tpl ? sizeof(struct belfry_part) : 0, .escape = escape, .compiled = tpl};
}

static void choose(const struct content_override *o, const char *key, struct belfry_str locale,
                   struct content_choice *out)
{
    struct content_words words = words_in(o, locale);
    out->key = key;
    out->parts[CONTENT_SUBJECT] = part_of(words.subject, BELFRY_ESCAPE_TEXT);
    out->parts[CONTENT_TEXT] = part_of(words.text, BELFRY_ESCAPE_TEXT);
    out->parts[CONTENT_HTML] = part_of(words.html, BELFRY_ESCAPE_HTML);
}

size_t content_choices(const struct writing *w, struct content_choice out[CONTENT_CHOICES])
{
    const struct content *content = w->content;
    const char *keys[3] = {NULL, NULL, NULL};
    size_t count = 0;
    if (w->trial) {
        const struct belfry_str texts[] = {w->trial->subject, w->trial->text, w->trial->html};
        out[count].key = NULL;
        for (size_t i = 0; i < CONTENT_PARTS; i++)
            out[count].parts[i] =
                (struct belfry_part){.struct_size = texts[i].ptr ? sizeof(struct belfry_part) : 0,
                                     .escape = i == CONTENT_HTML ? BELFRY_ESCAPE_HTML : BELFRY_ESCAPE_TEXT,
                                     .text = texts[i]};
        count++;
    }
    if (w->batch->kind == BELFRY_BATCH_SINGLE) {
        keys[0] = type_key(content, w->lead->type, 0);
        keys[1] = type_key(content, w->lead->type, 1);
        keys[2] = "default";
    } else {
        keys[0] = w->batch->kind == BELFRY_BATCH_DIGEST ? "digest" : "catch_up";
    }
    for (size_t i = 0; i < 3; i++) {
        const struct content_override *found = keys[i] ? find(content, keys[i]) : NULL;
        if (found)
            choose(found, keys[i], w->locale, &out[count++]);
    }
    return count;
}

int content_layout(const struct writing *w, struct content_choice *out)
{
    const struct content_override *found = find(w->content, "layout");
    if (found)
        choose(found, "layout", w->locale, out);
    return found != NULL;
}
