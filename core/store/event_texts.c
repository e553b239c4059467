/* SPDX-License-Identifier: Apache-2.0 */
/* An event's texts in another language, as the ledger keeps them beside its own (schema.h, `texts`). */
#include "store/events.h"

#include "base/json.h"

#include <ctype.h>

void store_texts_path(struct belfry_str locale, char out[STORE_TEXTS_PATH])
{
    size_t len = 0, most = STORE_TEXTS_PATH - 3;
    while (len < locale.len && len < most && isalpha((unsigned char)locale.ptr[len]))
        len++;
    /* a path that leads nowhere, where the locale is none */
    int plain = len > 0 && (len == locale.len || locale.ptr[len] == '-');
    memcpy(out, "$.", 2);
    memcpy(out + 2, plain ? locale.ptr : "-", plain ? len : 1);
    out[2 + (plain ? len : 1)] = '\0';
    for (char *c = out + 2; *c; c++)
        *c = (char)tolower((unsigned char)*c);
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

/* --- actions ------------------------------------------------------------------------------------------------------ */

static struct belfry_str copy_member(struct arena *arena, const json_t *object, const char *name)
{
    return arena_str(arena, json_str(json_object_get(object, name)));
}

/* A word of an action in the language, else as the event has it. */
static struct belfry_str word(struct arena *arena, const json_t *words, const json_t *action, const char *name)
{
    const json_t *said =
        json_object_get(json_object_get(words, json_string_value(json_object_get(action, "id"))), name);
    return json_is_string(said) ? arena_str(arena, json_str(said)) : copy_member(arena, action, name);
}

static size_t take_actions(const json_t *list, const json_t *words, struct arena *arena,
                           const struct belfry_action **out)
{
    size_t count = json_array_size(list);
    struct belfry_action *actions = arena_alloc(arena, (count + 1) * sizeof(*actions));
    for (size_t i = 0; i < count; i++) {
        const json_t *from = json_array_get(list, i);
        actions[i] = (struct belfry_action){.struct_size = sizeof(*actions),
                                            .id = copy_member(arena, from, "id"),
                                            .label = word(arena, words, from, "label"),
                                            .type = copy_member(arena, from, "type"),
                                            .comment = word(arena, words, from, "comment")};
    }
    *out = actions;
    return count;
}

size_t store_actions_take(struct belfry_str actions, struct belfry_str words, struct arena *arena,
                          const struct belfry_action **out)
{
    json_t *list = actions.len ? json_read(actions, NULL) : NULL, *said = words.len ? json_read(words, NULL) : NULL;
    size_t count = take_actions(list, json_object_get(said, "actions"), arena, out);
    json_decref(said);
    json_decref(list);
    return count;
}

size_t store_event_actions(const struct store_event *event, struct belfry_str locale, struct arena *arena,
                           const struct belfry_action **out)
{
    char path[STORE_TEXTS_PATH];
    json_t *list = event->actions.len ? json_read(event->actions, NULL) : NULL;
    json_t *texts = list && event->texts.len ? json_read(event->texts, NULL) : NULL;
    store_texts_path(locale, path);
    size_t count = take_actions(list, json_object_get(json_object_get(texts, path + 2), "actions"), arena, out);
    json_decref(texts);
    json_decref(list);
    return count;
}
