/* SPDX-License-Identifier: Apache-2.0 */
/* Words in the reader's language, put into the model: the host formats, this copies. */
#include "content_inside.h"

#include <string.h>

struct place {
    json_t *object;
    const char *name;
};

static void put_at(void *arg, struct belfry_str text)
{
    const struct place *at = arg;
    content_put(at->object, at->name, text);
}

void content_put(json_t *object, const char *name, struct belfry_str value)
{
    json_object_set_new(object, name, json_stringn(value.len ? value.ptr : "", value.len));
}

void content_put_text(const struct writing *w, json_t *object, const char *name, const char *key,
                      const struct belfry_value *args, size_t count)
{
    struct place at = {object, name};
    w->content->pages->format_in(w->content->host, w->locale, key, args, count, put_at, &at);
}

void content_put_time(const struct writing *w, json_t *object, const char *name, uint32_t style, int64_t ms)
{
    struct place at = {object, name};
    w->content->pages->time_in(w->content->host, w->locale, w->zone, style, ms, put_at, &at);
}

struct belfry_value content_arg(struct belfry_str s)
{
    return (struct belfry_value){.type = BELFRY_VALUE_STRING, .s = s};
}

struct belfry_value content_number(int64_t n)
{
    return (struct belfry_value){.type = BELFRY_VALUE_INT, .i = n};
}

static void is_key(void *arg, struct belfry_str text)
{
    struct belfry_str *key = arg;
    if (text.len == key->len && memcmp(text.ptr, key->ptr, key->len) == 0)
        key->len = 0;
}

int content_has_text(const struct writing *w, const char *key)
{
    struct belfry_str same = {key, strlen(key)};
    w->content->pages->format_in(w->content->host, w->locale, key, NULL, 0, is_key, &same);
    return same.len > 0;
}
