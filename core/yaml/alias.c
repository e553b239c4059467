/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors, aliases and merge keys. An alias becomes a copy, so that every node has one parent and one path; the copy
 * keeps the place of the original, which is where a fault in it must be mended. All copies count against the limit of
 * nodes, which is what makes an alias bomb harmless: the first alias that would go over it ends the reading.
 */
#include "yaml/loader.h"

#include "base/mem.h"

#include <stdlib.h>

/* Maps up to this size are searched; larger ones get a table. */
#define SMALL_MAP 16
#define MAX_SEARCHES 100

struct anchor *alias_define(struct loader *l, const char *name, struct yaml_node *node, int open)
{
    struct anchor *anchor = arena_alloc(l->arena, sizeof(*anchor));
    *anchor = (struct anchor){.node = node, .open = open};
    hash_set(l->anchors, str_of(name), anchor);
    return anchor;
}

/* Nodes of a subtree, counted no further than limit; *height is its depth. */
static size_t measure(const struct yaml_node *node, size_t limit, size_t *height)
{
    size_t total = 1, below = 0;
    for (size_t i = 0; i < node->count && total <= limit; i++) {
        size_t h = 0;
        const struct yaml_node *value = node->kind == YAML_MAP ? node->pairs[i].value : node->items[i];
        total += measure(value, limit, &h) + (node->kind == YAML_MAP);
        below = h > below ? h : below;
    }
    *height = below + (node->kind != YAML_SCALAR);
    return total;
}

static struct yaml_node *copy(struct arena *arena, const struct yaml_node *from)
{
    struct yaml_node *node = arena_memdup(arena, from, sizeof(*from));
    node->parent = node->key = NULL;
    if (from->kind == YAML_LIST) {
        const struct yaml_node **items = arena_alloc(arena, from->count * sizeof(*items));
        for (size_t i = 0; i < from->count; i++) {
            struct yaml_node *item = copy(arena, from->items[i]);
            item->parent = node;
            items[i] = item;
        }
        node->items = items;
    } else if (from->kind == YAML_MAP) {
        struct yaml_pair *pairs = arena_alloc(arena, from->count * sizeof(*pairs));
        for (size_t i = 0; i < from->count; i++) {
            struct yaml_node *key = copy(arena, from->pairs[i].key), *value = copy(arena, from->pairs[i].value);
            key->parent = value->parent = node;
            value->key = key;
            pairs[i] = (struct yaml_pair){key, value};
        }
        node->pairs = pairs;
    }
    return node;
}

struct yaml_node *alias_copy(struct loader *l, const struct yaml_node *from, size_t depth, struct diag_span span)
{
    size_t height = 0, room = LOAD_MAX_NODES - l->nodes;
    size_t count = measure(from, room, &height);
    if (count > room || depth + height > LOAD_MAX_DEPTH) {
        if (!l->stopped)
            diag_add(l->diags, "H105", DIAG_ERROR, span,
                     count > room ? "aliases expand to more than 100,000 values"
                                  : "aliases nest more than 64 levels deep");
        l->stopped = 1;
        return NULL;
    }
    l->nodes += count;
    return copy(l->arena, from);
}

/* A syntax error may have taken the anchor with it; then the missing anchor is no second fault. The text is searched a
 * limited number of times, because a file can hold a third of a million aliases. */
static int may_be_lost(struct loader *l, const struct anchor *anchor, struct belfry_str name)
{
    if (anchor || !l->faulty)
        return anchor && anchor->broken;
    if (l->searches == MAX_SEARCHES)
        return 1;
    l->searches++;
    struct belfry_str text = l->source.original;
    for (const char *at = text.ptr; (at = memmem(at, (size_t)(text.ptr + text.len - at), name.ptr, name.len)); at++) {
        if (at > text.ptr && at[-1] == '&')
            return 1;
    }
    return 0;
}

void alias_use(struct loader *l, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    uint32_t begin = load_byte(l, event->start_mark);
    struct diag_span span = load_span(l, begin, load_byte(l, event->end_mark));
    struct anchor *anchor = hash_get(l->anchors, str_of(name));
    struct yaml_node *node = NULL;
    l->last_flow = l->last_quoted = 0;
    if (anchor && !anchor->open && !anchor->broken) {
        node = alias_copy(l, anchor->node, l->depth, span);
        if (!node)
            return;
    } else if (!may_be_lost(l, anchor, str_of(name))) {
        const char *shown = diag_show(l->diags, str_of(name));
        struct diag *d = diag_add(l->diags, "H102", DIAG_ERROR, span, "unknown alias `*%s`", shown);
        if (anchor)
            diag_help(l->diags, d, "the alias is inside the value that it names");
        else
            diag_help(l->diags, d, "mark the value with `&%s` before this line, or quote text that begins with `*`",
                      shown);
    }
    if (!node) {
        if (!load_count(l, 1, span))
            return;
        /* A value that nobody judges. */
        node = arena_alloc(l->arena, sizeof(*node));
        node->kind = YAML_SCALAR;
        node->span = span;
        node->plain = 1;
        node->scalar = YAML_NULL;
        node->text = node->raw = str_slice("", 0);
        node->unresolved = 1;
    }
    struct frame *frame = l->depth ? &l->frames[l->depth - 1] : NULL;
    if (frame && frame->node->kind == YAML_MAP && !frame->key && node->kind != YAML_SCALAR)
        diag_add(l->diags, "H106", DIAG_ERROR, span, "a key must be a plain word, not a map or list");
    build_add(l, node, event);
}

/* --- merge -------------------------------------------------------------------------------------------------- */

/* Keys of the map that is being made. */
struct keys {
    const struct yaml_pair *pairs;
    size_t count;
    struct hash *table; /* NULL while the map is small */
};

static const struct yaml_node *find_key(const struct keys *keys, struct belfry_str text)
{
    if (keys->table)
        return hash_get(keys->table, text);
    for (size_t i = 0; i < keys->count; i++) {
        if (str_eq(keys->pairs[i].key->text, text))
            return keys->pairs[i].key;
    }
    return NULL;
}

static void add_pair(struct keys *keys, struct yaml_pair *pairs, const struct yaml_node *key, struct yaml_node *value)
{
    value->index = keys->count;
    pairs[keys->count] = (struct yaml_pair){key, value};
    keys->pairs = pairs;
    keys->count++;
    if (keys->table)
        hash_set(keys->table, key->text, (void *)(uintptr_t)key);
}

static int is_merge(const struct yaml_node *key)
{
    return key->plain && str_eqz(key->text, "<<");
}

/* Pairs that a merge may bring in; reports what is no map. */
static size_t merge_size(struct loader *l, const struct yaml_node *value)
{
    if (value->unresolved)
        return 0;
    if (value->kind == YAML_MAP)
        return value->count;
    size_t total = 0;
    int bad = value->kind != YAML_LIST;
    for (size_t i = 0; i < value->count; i++) {
        bad |= value->items[i]->kind != YAML_MAP && !value->items[i]->unresolved;
        total += value->items[i]->kind == YAML_MAP ? value->items[i]->count : 0;
    }
    if (bad)
        diag_add(l->diags, "H108", DIAG_ERROR, value->span, "`<<` takes an alias of a map, or a list of them");
    return total;
}

struct merge {
    struct loader *l;
    struct frame *frame;
    struct keys explicit, all;
    struct yaml_pair *pairs;
};

static void merge_map(struct merge *m, const struct yaml_node *map)
{
    for (size_t i = 0; i < map->count && !m->l->stopped; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        if (find_key(&m->explicit, pair->key->text) || find_key(&m->all, pair->key->text))
            continue;
        struct yaml_node *key = alias_copy(m->l, pair->key, m->l->depth, map->span);
        struct yaml_node *value = key ? alias_copy(m->l, pair->value, m->l->depth, map->span) : NULL;
        if (!value)
            return;
        key->parent = value->parent = m->frame->node;
        value->key = key;
        add_pair(&m->all, m->pairs, key, value);
    }
    if (map->partial)
        m->frame->node->partial = 1;
}

/* The values of a frame are the loader's to change; pairs are const for everyone else. */
static struct yaml_node *own(const struct yaml_node *node)
{
    return (struct yaml_node *)(uintptr_t)node;
}

static void report_twice(struct loader *l, const struct yaml_node *key, const struct yaml_node *first)
{
    struct diag *d;
    if (l->source.flags[key->span.line - 1] & LINE_FAULTY)
        return;
    if (is_merge(key))
        d = diag_add(l->diags, "H103", DIAG_ERROR, key->span, "a map can hold one `<<`");
    else
        d = diag_add(l->diags, "H101", DIAG_ERROR, key->span, "key `%s` is set twice", diag_show(l->diags, key->text));
    diag_relate(l->diags, d, first->span, "first set here");
    if (is_merge(key))
        diag_help(l->diags, d, "merge several maps with a list: <<: [*a, *b]");
}

void alias_pairs(struct loader *l, struct frame *frame)
{
    struct merge m = {.l = l, .frame = frame};
    size_t merged = 0;
    struct yaml_pair *unique = xcalloc(frame->count + 1, sizeof(*unique));
    if (frame->count > SMALL_MAP)
        m.explicit.table = hash_new();
    for (size_t i = 0; i < frame->count; i++) {
        struct entry *entry = &frame->entries[i];
        const struct yaml_node *first = find_key(&m.explicit, entry->key->text);
        if (first && is_merge(first) == is_merge(entry->key)) {
            report_twice(l, entry->key, first);
            continue;
        }
        merged += is_merge(entry->key) ? merge_size(l, entry->value) : 0;
        add_pair(&m.explicit, unique, entry->key, entry->value);
    }
    m.pairs = arena_alloc(l->arena, (m.explicit.count + merged) * sizeof(*m.pairs));
    if (m.explicit.count + merged > SMALL_MAP)
        m.all.table = hash_new();
    for (size_t i = 0; i < m.explicit.count; i++) {
        const struct yaml_node *value = unique[i].value;
        if (!is_merge(unique[i].key))
            add_pair(&m.all, m.pairs, unique[i].key, own(value));
        else if (value->kind == YAML_MAP)
            merge_map(&m, value);
        for (size_t k = 0; is_merge(unique[i].key) && value->kind == YAML_LIST && k < value->count; k++) {
            if (value->items[k]->kind == YAML_MAP)
                merge_map(&m, value->items[k]);
        }
    }
    frame->node->pairs = m.pairs;
    frame->node->count = m.all.count;
    hash_free(m.explicit.table, NULL);
    hash_free(m.all.table, NULL);
    free(unique);
}
