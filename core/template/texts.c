/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catalogues as jansson trees, merged over the fallback once for each language. Placeholders are ours and as plain as
 * can be; what is hard about languages (which plural form a number takes, how a number is written, "yesterday") is
 * ICU's. Its MessageFormat is not used: from C it takes varargs whose types the translated text decides, and a
 * translator's slip would be a crash.
 */
#include "template/texts.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/unum.h>
#include <unicode/upluralrules.h>
#include <unicode/ureldatefmt.h>
#include <unicode/ustring.h>

struct catalogue {
    char *language;
    json_t *own, *merged; /* merged: NULL until asked for */
};

/* ICU's for one locale, kept open: opening them takes longer than all that is written with them. The list is short and
 * the place that is taken next goes round. */
#define NUMBERS_KEPT 8
struct numbers {
    char locale[TEXTS_LOCALE_SIZE];
    UNumberFormat *format; /* NULL: ICU has none */
    UPluralRules *rules;
};

struct texts {
    struct catalogue *items;
    size_t count;
    struct numbers numbers[NUMBERS_KEPT];
    uint32_t next;
};

struct texts *texts_new(void)
{
    return xcalloc(1, sizeof(struct texts));
}

static void numbers_drop(struct numbers *n)
{
    if (n->format)
        unum_close(n->format);
    if (n->rules)
        uplrules_close(n->rules);
    memset(n, 0, sizeof(*n));
}

void texts_free(struct texts *texts)
{
    if (!texts)
        return;
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->items[i].language);
        json_decref(texts->items[i].own);
        json_decref(texts->items[i].merged);
    }
    for (size_t i = 0; i < NUMBERS_KEPT; i++)
        numbers_drop(&texts->numbers[i]);
    free(texts->items);
    free(texts);
}

/* --- adding ------------------------------------------------------------------------------------------------------- */

static int is_plural(const json_t *value)
{
    static const char *const forms[] = {"zero", "one", "two", "few", "many", "other"};
    for (size_t i = 0; json_is_object(value) && i < sizeof(forms) / sizeof(forms[0]); i++)
        if (json_is_string(json_object_get(value, forms[i])))
            return 1;
    return 0;
}

static belfry_status check_tree(json_t *tree, struct buf *where, struct error *err)
{
    const char *key;
    json_t *value;
    if (is_plural(tree) && !json_is_string(json_object_get(tree, "other")))
        return error_set(err, BELFRY_EINVAL, where->ptr, "has plural forms, but none called `other`");
    json_object_foreach(tree, key, value)
    {
        size_t len = where->len;
        belfry_status status = BELFRY_OK;
        json_pointer_add(where, str_of(key));
        if (json_is_object(value))
            status = check_tree(value, where, err);
        else if (!json_is_string(value))
            status = error_set(err, BELFRY_EINVAL, where->ptr, "must be a text or an object of texts, not %s",
                               json_type_text(value));
        if (status != BELFRY_OK)
            return status;
        where->len = len;
        where->ptr[len] = '\0';
    }
    return BELFRY_OK;
}

static struct catalogue *catalogue_for(struct texts *texts, const char *language)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->items[i].language, language) == 0)
            return &texts->items[i];
    texts->items = xrealloc(texts->items, (texts->count + 1) * sizeof(*texts->items));
    texts->items[texts->count] = (struct catalogue){.language = xstrdup(language)};
    return &texts->items[texts->count++];
}

belfry_status texts_add(struct texts *texts, const char *language, struct belfry_str json, struct error *err)
{
    struct buf where = {0};
    json_t *tree = json_read(json, err);
    if (!tree)
        return BELFRY_EINVAL;
    belfry_status status = json_is_object(tree) ? check_tree(tree, &where, err)
                                                : error_set(err, BELFRY_EINVAL, "", "must be an object of texts");
    buf_free(&where);
    if (status != BELFRY_OK) {
        json_decref(tree);
        return status;
    }
    struct catalogue *c = catalogue_for(texts, language);
    json_decref(c->own);
    c->own = tree;
    for (size_t i = 0; i < texts->count; i++) {
        json_decref(texts->items[i].merged);
        texts->items[i].merged = NULL;
    }
    return BELFRY_OK;
}

/* --- finding ------------------------------------------------------------------------------------------------------ */

static struct catalogue *find(const struct texts *texts, struct belfry_str locale)
{
    for (size_t i = 0; i < texts->count; i++)
        if (str_is_language(locale, texts->items[i].language))
            return &texts->items[i];
    return texts->count ? &texts->items[0] : NULL;
}

const char *texts_language(const struct texts *texts, struct belfry_str locale)
{
    const struct catalogue *c = find(texts, locale);
    return c ? c->language : "en";
}

json_t *texts_tree(struct texts *texts, struct belfry_str locale)
{
    struct catalogue *c = find(texts, locale);
    if (!c)
        return NULL;
    if (!c->merged) {
        c->merged = json_deep_copy(texts->items[0].own);
        json_object_update_recursive(c->merged, c->own);
    }
    return c->merged;
}

/* --- formatting --------------------------------------------------------------------------------------------------- */

const char *texts_locale(const struct texts *texts, struct belfry_str locale, char out[TEXTS_LOCALE_SIZE])
{
    const char *language = texts_language(texts, locale);
    int own = str_is_language(locale, language);
    snprintf(out, TEXTS_LOCALE_SIZE, "%.*s", own ? (int)locale.len : (int)strlen(language),
             own ? locale.ptr : language);
    return out;
}

static struct belfry_str narrow(const UChar *text, int32_t len, struct arena *arena)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t room = len * 3 + 1, n = 0;
    char *out = arena_alloc(arena, (size_t)room);
    u_strToUTF8WithSub(out, room, &n, text, len, 0xfffd, NULL, &status);
    return U_FAILURE(status) ? (struct belfry_str){0} : str_slice(out, (size_t)n);
}

static double number_of(const struct belfry_value *value)
{
    return value->type == BELFRY_VALUE_REAL ? value->d : (double)value->i;
}

static const struct numbers *numbers_of(struct texts *texts, const char *locale)
{
    UErrorCode status = U_ZERO_ERROR;
    for (size_t i = 0; i < NUMBERS_KEPT; i++)
        if (strcmp(texts->numbers[i].locale, locale) == 0)
            return &texts->numbers[i];
    struct numbers *n = &texts->numbers[texts->next++ % NUMBERS_KEPT];
    numbers_drop(n);
    snprintf(n->locale, sizeof(n->locale), "%s", locale);
    UNumberFormat *format = unum_open(UNUM_DECIMAL, NULL, 0, locale, NULL, &status);
    n->format = U_SUCCESS(status) ? format : NULL;
    status = U_ZERO_ERROR;
    UPluralRules *rules = uplrules_open(locale, &status);
    n->rules = U_SUCCESS(status) ? rules : NULL;
    return n;
}

static struct belfry_str number_text(const struct numbers *numbers, double number, struct arena *arena)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[64];
    int32_t len = numbers->format ? unum_formatDouble(numbers->format, number, text, 64, NULL, &status) : 0;
    if (!numbers->format || U_FAILURE(status))
        return str_of(arena_printf(arena, "%.15g", number));
    return narrow(text, len, arena);
}

/* The plural form for the first number among the arguments. */
static const json_t *plural_form(const json_t *forms, const struct numbers *numbers, const struct belfry_value *args,
                                 size_t count)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar word[16];
    char keyword[16] = "other";
    size_t i = 0;
    while (i < count && args[i].type == BELFRY_VALUE_STRING)
        i++;
    int32_t len =
        i < count && numbers->rules ? uplrules_select(numbers->rules, number_of(&args[i]), word, 16, &status) : 0;
    if (len > 0 && len < 16 && U_SUCCESS(status))
        u_UCharsToChars(word, keyword, len + 1);
    const json_t *form = json_object_get(forms, keyword);
    return form ? form : json_object_get(forms, "other");
}

static const json_t *find_text(struct texts *texts, struct belfry_str locale, const char *key)
{
    const json_t *at = texts_tree(texts, locale);
    struct belfry_str rest = str_of(key);
    while (at && rest.ptr) {
        struct belfry_str name = str_cut(rest, '.', &rest);
        at = json_object_getn(at, name.ptr, name.len);
    }
    return at;
}

static void fill(struct belfry_str text, const struct numbers *numbers, const struct belfry_value *args, size_t count,
                 struct arena *arena, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        size_t n =
            i + 2 < text.len && text.ptr[i] == '{' && text.ptr[i + 2] == '}' ? (size_t)(text.ptr[i + 1] - '0') : 10;
        if (n >= count || n > 9) {
            buf_addc(out, text.ptr[i]);
            continue;
        }
        buf_adds(out,
                 args[n].type == BELFRY_VALUE_STRING ? args[n].s : number_text(numbers, number_of(&args[n]), arena));
        i += 2;
    }
}

struct belfry_str texts_format(struct texts *texts, struct belfry_str locale, const char *key,
                               const struct belfry_value *args, size_t count, struct arena *arena)
{
    char icu[TEXTS_LOCALE_SIZE];
    struct buf out = {0};
    const json_t *text = find_text(texts, locale, key);
    const struct numbers *numbers = numbers_of(texts, texts_locale(texts, locale, icu));
    if (is_plural(text))
        text = plural_form(text, numbers, args, count);
    if (!json_is_string(text))
        return arena_str(arena, str_of(key));
    fill(json_str(text), numbers, args, count, arena, &out);
    struct belfry_str made = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return made;
}

/* --- how long ago ------------------------------------------------------------------------------------------------- */

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct belfry_str texts_ago(const struct texts *texts, struct belfry_str locale, int64_t now_ms, int64_t at_ms,
                            struct arena *arena)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[128];
    char icu[TEXTS_LOCALE_SIZE];
    int64_t age = now_ms - at_ms;
    if (age < 0 || age >= 7 * DAY_MS)
        return (struct belfry_str){0};
    double offset = age < MINUTE_MS ? 0
                                    : -(double)(age / (age < HOUR_MS  ? MINUTE_MS
                                                       : age < DAY_MS ? HOUR_MS
                                                                      : DAY_MS));
    URelativeDateTimeUnit unit = age < MINUTE_MS ? UDAT_REL_UNIT_SECOND
                                 : age < HOUR_MS ? UDAT_REL_UNIT_MINUTE
                                 : age < DAY_MS  ? UDAT_REL_UNIT_HOUR
                                                 : UDAT_REL_UNIT_DAY;
    texts_locale(texts, locale, icu);
    URelativeDateTimeFormatter *format =
        ureldatefmt_open(icu, NULL, UDAT_STYLE_LONG, UDISPCTX_CAPITALIZATION_NONE, &status);
    int32_t len = U_FAILURE(status) ? 0 : ureldatefmt_format(format, offset, unit, text, 128, &status);
    ureldatefmt_close(format);
    return U_FAILURE(status) ? (struct belfry_str){0} : narrow(text, len, arena);
}
