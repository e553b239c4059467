/* SPDX-License-Identifier: Apache-2.0 */
/* An event's texts in another language, as the ledger keeps them beside its own (schema.h, `texts`). */
#include "store/events.h"

#include "base/json.h"

void store_texts_path(struct belfry_str locale, char out[STORE_TEXTS_PATH])
{
    size_t len = 0, most = STORE_TEXTS_PATH - 3;
    while (len < locale.len && len < most && locale.ptr[len] >= 'a' && locale.ptr[len] <= 'z')
        len++;
    /* a path that leads nowhere, where the locale is none */
    int plain = len > 0 && (len == locale.len || locale.ptr[len] == '-');
    memcpy(out, "$.", 2);
    memcpy(out + 2, plain ? locale.ptr : "-", plain ? len : 1);
    out[2 + (plain ? len : 1)] = '\0';
}

static void take(const json_t *words, const char *name, struct arena *arena, struct belfry_str *text)
{
    const json_t *value = json_object_get(words, name);
    if (json_is_string(value))
        *text = arena_str(arena, json_str(value));
}

void store_texts_take(struct belfry_str words, struct arena *arena, struct belfry_str *title, struct belfry_str *body)
{
    json_t *said = words.len ? json_read(words, NULL) : NULL;
    take(said, "title", arena, title);
    take(said, "body", arena, body);
    json_decref(said);
}

void store_event_say(struct store_event *event, struct belfry_str locale, struct arena *arena)
{
    char path[STORE_TEXTS_PATH];
    json_t *texts = event->texts.len ? json_read(event->texts, NULL) : NULL;
    store_texts_path(locale, path);
    const json_t *words = json_object_get(texts, path + 2);
    take(words, "title", arena, &event->title);
    take(words, "body", arena, &event->body);
    json_decref(texts);
}
