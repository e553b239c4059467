/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation, prepared for the ledger: default templates compiled, rules by name, members of roles by name. It is
 * made before it is in force and does not change afterwards, but for the ids of names, which the command that puts it
 * in force fills in.
 */
#include "ledger/inside.h"

#include "base/log.h"
#include "event/event.h"

#include <stdlib.h>

static const struct belfry_template *compile(struct arena *arena, const char *text, const char *type)
{
    if (!text || !*text)
        return NULL;
    struct error err = {0};
    const struct belfry_template *tpl = template_compile(arena, str_of(text), &err);
    if (!tpl)
        log_error("ledger", "the default template of an event type does not compile, it is left out",
                  "type=%s error=%s", type, log_quote(error_text(&err), strlen(error_text(&err))));
    error_clear(&err);
    return tpl;
}

static void prepare_texts(struct gen *gen, struct gen_type *type)
{
    const struct belfry_event_text *texts = type->type->texts;
    while (texts && texts[type->text_count].struct_size)
        type->text_count++;
    type->texts = arena_alloc(gen->arena, (type->text_count + 1) * sizeof(*type->texts));
    for (size_t i = 0; i < type->text_count; i++)
        type->texts[i] = (struct gen_text){.language = texts[i].language,
                                           .title = compile(gen->arena, texts[i].title, type->type->type),
                                           .body = compile(gen->arena, texts[i].body, type->type->type)};
}

static void prepare_types(struct gen *gen, struct gen_source *source, const struct plugin *plugin)
{
    const struct belfry_event_type *types = plugin ? plugin->desc.events : NULL;
    size_t count = 0;
    while (types && types[count].struct_size)
        count++;
    source->types = arena_alloc(gen->arena, (count + 1) * sizeof(struct gen_type));
    source->type_count = count;
    for (size_t i = 0; i < count; i++) {
        source->types[i].type = &types[i];
        source->types[i].title = compile(gen->arena, types[i].title, types[i].type);
        source->types[i].body = compile(gen->arena, types[i].body, types[i].type);
        prepare_texts(gen, &source->types[i]);
    }
}

/* Every user's name under each of their roles. Users are sorted, so the lists are. */
static void prepare_members(struct gen *gen, const struct config_org *org)
{
    for (size_t i = 0; i < org->user_count; i++) {
        const struct config_user *user = &org->users[i];
        for (size_t j = 0; j < user->roles.count; j++) {
            size_t org_len = strlen(org->name), role_len = strlen(user->roles.items[j]);
            char *key = arena_alloc(gen->arena, org_len + 1 + role_len);
            memcpy(key, org->name, org_len);
            memcpy(key + org_len + 1, user->roles.items[j], role_len);
            struct belfry_str k = {key, org_len + 1 + role_len};
            struct belfry_strs *list = hash_get(gen->members, k);
            if (!list) {
                list = arena_alloc(gen->arena, sizeof(*list));
                hash_set(gen->members, k, list);
            }
            /* Doubles whenever the count is a power of two. */
            struct belfry_str *items = (struct belfry_str *)list->items;
            if ((list->count & (list->count - 1)) == 0) {
                items = arena_alloc(gen->arena, (list->count ? list->count * 2 : 1) * sizeof(*items));
                if (list->count)
                    memcpy(items, list->items, list->count * sizeof(*items));
                list->items = items;
            }
            items[list->count++] = str_of(user->username);
        }
    }
}

static uint32_t most_items(const struct belfry_delivery *delivery)
{
    if (!route_gathers(delivery) || delivery->max_batch < 1)
        return 1;
    return delivery->max_batch < LEDGER_ITEMS_MAX ? delivery->max_batch : LEDGER_ITEMS_MAX;
}

struct gen *gen_new(struct ledger_generation *generation)
{
    struct gen *gen = xcalloc(1, sizeof(*gen));
    const struct config *config = generation->config;
    gen->pub = generation;
    gen->arena = arena_new(0);
    gen->rules = hash_new();
    gen->members = hash_new();
    gen->sources = arena_alloc(gen->arena, (generation->source_count + 1) * sizeof(struct gen_source));
    for (size_t i = 0; i < generation->source_count; i++) {
        gen->sources[i].live = &generation->sources[i];
        if (generation->sources[i].instance)
            prepare_types(gen, &gen->sources[i], generation->sources[i].instance->plugin);
    }
    gen->channels = arena_alloc(gen->arena, (config->channel_count + 1) * sizeof(struct gen_channel));
    for (size_t i = 0; i < config->channel_count; i++) {
        const struct plugin *plugin = config->channels[i].plugin;
        gen->channels[i].instance = &config->channels[i];
        gen->channels[i].flags = plugin && plugin->delivery ? plugin->delivery->flags : 0;
        gen->channels[i].most = most_items(plugin ? plugin->delivery : NULL);
    }
    for (size_t i = 0; i < config->rule_count; i++)
        hash_set(gen->rules, str_of(config->rules[i].name), (void *)&config->rules[i]);
    if (config->unmatched.name)
        hash_set(gen->rules, str_of(config->unmatched.name), (void *)&config->unmatched);
    for (size_t i = 0; i < config->org_count; i++)
        prepare_members(gen, &config->orgs[i]);
    return gen;
}

void gen_free(struct gen *gen)
{
    if (!gen)
        return;
    hash_free(gen->rules, NULL);
    hash_free(gen->members, NULL);
    arena_free(gen->arena);
    free(gen);
}

const struct gen_type *gen_type_find(const struct gen_source *source, struct belfry_str type)
{
    const struct gen_type *prefix = NULL;
    for (size_t i = 0; i < source->type_count; i++) {
        struct belfry_str name = str_of(source->types[i].type->type);
        if (str_eq(name, type))
            return &source->types[i];
        if (event_type_is(name, type))
            prefix = &source->types[i];
    }
    return prefix;
}

struct gen_source *gen_source_find(struct gen *gen, struct belfry_str name)
{
    for (size_t i = 0; i < gen->pub->source_count; i++) {
        const struct ledger_source *live = gen->sources[i].live;
        if (live->instance && str_eqz(name, live->instance->name))
            return live->self && live->vtable ? &gen->sources[i] : NULL;
    }
    return NULL;
}

const struct config_rule *gen_rule(const struct gen *gen, struct belfry_str name)
{
    return hash_get(gen->rules, name);
}

struct gen_channel *gen_channel_by_name(const struct gen *gen, int64_t name)
{
    for (size_t i = 0; i < gen->pub->config->channel_count; i++) {
        if (gen->channels[i].name == name)
            return &gen->channels[i];
    }
    return NULL;
}
