/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a configuration as one tree. Maps of names are united, lists of rules are joined in the order of files;
 * the same name in two files is an error that shows both places.
 */
#include "config/include.h"

/* Values of one section in all files. Returns the count. */
static size_t section_values(const struct config_files *files, const char *section, const struct yaml_pair **out)
{
    size_t count = 0;
    for (size_t i = 0; i < files->count; i++) {
        const struct yaml_pair *pair = yaml_pair(files->roots[i], section);
        if (pair)
            out[count++] = pair;
    }
    return count;
}

/* Keys of several maps in one; a key that is there already is an error. */
static const struct yaml_node *unite(struct config_build *b, const struct yaml_pair **values, size_t count)
{
    size_t total = 0, n = 0;
    struct yaml_node *map = arena_memdup(b->arena, values[0]->value, sizeof(*map));
    for (size_t i = 0; i < count; i++)
        total += values[i]->value->count;
    struct yaml_pair *pairs = arena_alloc(b->arena, (total + 1) * sizeof(*pairs));
    struct hash *seen = hash_new();
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *part = values[i]->value;
        map->partial |= part->partial;
        for (size_t k = 0; k < part->count; k++) {
            const struct yaml_node *key = part->pairs[k].key, *first = hash_get(seen, key->text);
            if (first) {
                struct diag *d = config_error(b, "H101", key, "`%s.%s` is set in two files",
                                              config_show(b, values[i]->key->text), config_show(b, key->text));
                diag_relate(b->diags, d, first->span, "first set here");
                continue;
            }
            hash_set(seen, key->text, (void *)(uintptr_t)key);
            pairs[n++] = part->pairs[k];
        }
    }
    hash_free(seen, NULL);
    map->kind = YAML_MAP;
    map->pairs = pairs;
    map->count = n;
    return map;
}

static const struct yaml_node *join(struct config_build *b, const struct yaml_pair **values, size_t count)
{
    size_t total = 0, n = 0;
    struct yaml_node *list = arena_memdup(b->arena, values[0]->value, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        total += values[i]->value->count;
    const struct yaml_node **items = arena_alloc(b->arena, (total + 1) * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        list->partial |= values[i]->value->partial;
        for (size_t k = 0; k < values[i]->value->count; k++)
            items[n++] = values[i]->value->items[k];
    }
    list->kind = YAML_LIST;
    list->items = items;
    list->count = n;
    return list;
}

/* One section of all files. Values of a wrong shape stay alone, so that their section reports them. */
static struct yaml_pair merge(struct config_build *b, enum config_section section, const struct yaml_pair **values,
                              size_t count)
{
    enum yaml_kind want = section == SECTION_RULES ? YAML_LIST : YAML_MAP;
    const struct yaml_pair *wrong = NULL;
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i]->value->kind == want)
            values[good++] = values[i];
        else if (!config_is_nothing(values[i]->value))
            wrong = values[i];
    }
    if (wrong || good == 0)
        return wrong ? *wrong : *values[0];
    if (good == 1)
        return *values[0];
    if (section != SECTION_UNMATCHED)
        return (struct yaml_pair){values[0]->key, want == YAML_LIST ? join(b, values, good) : unite(b, values, good)};
    struct diag *d = config_error(b, "H101", values[1]->key, "`unmatched` is set in two files");
    diag_relate(b->diags, d, values[0]->key->span, "first set here");
    return *values[0];
}

void config_merge(struct config_build *b, const struct config_files *files)
{
    struct yaml_node *root = arena_alloc(b->arena, sizeof(*root));
    struct yaml_pair *pairs = arena_alloc(b->arena, SECTION_COUNT * sizeof(*pairs));
    const struct yaml_pair **values = arena_alloc(b->arena, (files->count + 1) * sizeof(*values));
    root->kind = YAML_MAP;
    root->partial = files->unread;
    root->span = diag_span_at(b->diags, b->main_file, 0, 0);
    root->pairs = pairs;
    for (enum config_section s = SECTION_HUB; s < SECTION_COUNT; s++) {
        size_t count = section_values(files, config_sections[s], values);
        if (count)
            pairs[root->count++] = merge(b, s, values, count);
    }
    b->root = b->config->root = root;
}
