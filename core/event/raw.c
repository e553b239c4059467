/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trigger's data is kept as the bytes that were sent, so its place in the envelope must be found. jansson keeps no
 * positions; looking again at the brackets of a text that is known to be JSON costs about a nanosecond a byte and no
 * memory.
 *
 * Every step moves forward and stops at `end`, whatever the text is.
 */
#include "event/raw.h"

#include <jansson.h>

/* Measured with jansson 2.14 on 64 bits: an empty object with its place in an array takes 234 bytes, a member with a
 * small number 133. */
#define TREE_CONTAINER 224
#define TREE_ITEM 136

static void skip_space(struct raw_walk *walk)
{
    while (walk->p < walk->end && (*walk->p == ' ' || *walk->p == '\t' || *walk->p == '\n' || *walk->p == '\r'))
        walk->p++;
}

/* From the opening quote to behind the closing one. */
static void skip_string(struct raw_walk *walk)
{
    for (walk->p++; walk->p < walk->end; walk->p++) {
        if (*walk->p == '"') {
            walk->p++;
            return;
        }
        if (*walk->p == '\\' && walk->p + 1 < walk->end)
            walk->p++;
    }
}

/* From an opening bracket to behind the one that closes it. Which of the two kinds it is does not matter in valid JSON.
 */
static void skip_container(struct raw_walk *walk)
{
    size_t depth = 0;
    while (walk->p < walk->end) {
        switch (*walk->p) {
        case '"':
            skip_string(walk);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
        walk->p++;
        if (depth == 0)
            return;
    }
}

static int ends_scalar(char c)
{
    return c == ',' || c == ']' || c == '}' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct belfry_str take_value(struct raw_walk *walk)
{
    const char *from = walk->p;
    if (walk->p < walk->end && *walk->p == '"')
        skip_string(walk);
    else if (walk->p < walk->end && (*walk->p == '{' || *walk->p == '['))
        skip_container(walk);
    else
        while (walk->p < walk->end && !ends_scalar(*walk->p))
            walk->p++;
    return str_slice(from, (size_t)(walk->p - from));
}

/* Behind the value: over the comma, if there is one. */
static void pass_comma(struct raw_walk *walk)
{
    skip_space(walk);
    if (walk->p < walk->end && *walk->p == ',')
        walk->p++;
}

void raw_enter(struct raw_walk *walk, struct belfry_str text)
{
    walk->p = text.ptr;
    walk->end = text.ptr + text.len;
    skip_space(walk);
    if (walk->p < walk->end)
        walk->p++;
}

int raw_item(struct raw_walk *walk, struct belfry_str *value)
{
    skip_space(walk);
    *value = take_value(walk);
    if (value->len == 0)
        return 0;
    pass_comma(walk);
    return 1;
}

int raw_member(struct raw_walk *walk, struct belfry_str *key, struct belfry_str *value)
{
    skip_space(walk);
    if (walk->p >= walk->end || *walk->p != '"')
        return 0;
    *key = take_value(walk);
    skip_space(walk);
    if (walk->p < walk->end && *walk->p == ':')
        walk->p++;
    return raw_item(walk, value);
}

/* Names may be written with escapes ("d\u0061ta"): rare, so the parser may say what such a one means. */
static int key_is(struct belfry_str key, struct belfry_str name)
{
    if (!memchr(key.ptr, '\\', key.len))
        return key.len == name.len + 2 && memcmp(key.ptr + 1, name.ptr, name.len) == 0;
    json_t *text = json_loadb(key.ptr, key.len, JSON_DECODE_ANY, NULL);
    int same = json_is_string(text) && str_eq(str_slice(json_string_value(text), json_string_length(text)), name);
    json_decref(text);
    return same;
}

struct belfry_str raw_find(struct belfry_str text, struct belfry_str name)
{
    struct raw_walk walk;
    struct belfry_str key, value;
    raw_enter(&walk, text);
    while (raw_member(&walk, &key, &value))
        if (key_is(key, name))
            return value;
    return (struct belfry_str){0};
}

size_t raw_tree_bytes(struct belfry_str text)
{
    size_t containers = 0, items = 0;
    struct raw_walk walk = {text.ptr, text.ptr + text.len};
    while (walk.p < walk.end) {
        char c = *walk.p;
        if (c == '"') {
            skip_string(&walk);
            continue;
        }
        containers += c == '{' || c == '[';
        items += c == ',';
        walk.p++;
    }
    return text.len + containers * TREE_CONTAINER + items * TREE_ITEM;
}
