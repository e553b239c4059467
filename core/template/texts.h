/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catalogues: the texts of pages in each language that somebody has written them in.
 *
 * A catalogue is a JSON object; objects in it group, and each string is a text under the dotted key of its path
 * ("list.empty"). {0} and {1} in a text stand for arguments. A text that depends on a number is an object of plural
 * forms, named by CLDR's keywords (zero, one, two, few, many, other; other is required): {"one": "{0} new
 * notification", "other": "{0} new notifications"}; the first number decides. The language that is added first is the
 * fallback, text by text.
 */
#ifndef TEMPLATE_TEXTS_H
#define TEMPLATE_TEXTS_H

#include "base/arena.h"
#include "base/json.h"

struct texts;

struct texts *texts_new(void); /* [any] */
void texts_free(struct texts *texts);
/*
 * Adds the catalogue of a language (its primary subtag, BCP 47: "de"), or replaces it. EINVAL with what and where: no
 * JSON, something else than objects and strings, plural forms without `other`.
 */
belfry_status texts_add(struct texts *texts, const char *language, struct belfry_str json, struct error *err);
/* The language in which a locale ("de-AT") is answered: one that was added, else the fallback, else "en". Lives as long
 * as texts. */
const char *texts_language(const struct texts *texts, struct belfry_str locale);
#define TEXTS_LOCALE_SIZE 40
/* The locale that numbers and times are written by, so that they fit the words around them: the one asked for when it
 * is of a language that is answered in ("de-AT"), else that language. Returns out. */
const char *texts_locale(const struct texts *texts, struct belfry_str locale, char out[TEXTS_LOCALE_SIZE]);
/* All texts for a locale as nested objects, with those of the fallback where the language has none; NULL when there are
 * none at all. Borrowed, until the next texts_add(). */
json_t *texts_tree(struct texts *texts, struct belfry_str locale);
/*
 * The text of a dotted key, with args for {0}, {1}: strings as they are, numbers and plural forms by the locale. The
 * key itself when there is no such text. In arena.
 */
struct belfry_str texts_format(struct texts *texts, struct belfry_str locale, const char *key,
                               const struct belfry_value *args, size_t count, struct arena *arena);
/* "5 minutes ago", "yesterday": how long before now_ms an instant is, in words of texts_locale(); "now" below a minute.
 * Empty from a week on and for what lies ahead. In arena. */
struct belfry_str texts_ago(const struct texts *texts, struct belfry_str locale, int64_t now_ms, int64_t at_ms,
                            struct arena *arena);

#endif
