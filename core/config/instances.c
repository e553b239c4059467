/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sources` and `channels`: named instances of plugins. The plugin is looked up first; when it is unknown nothing else
 * of the block is judged. A block is filled into one stretch of memory: the plugin's struct and behind it ours, so that
 * one table knows all keys that are valid in it.
 */
#include "config/build.h"

#include "base/crypto.h"

#include <stdlib.h>

/* Only one can serve an org: their pages and resources live at fixed paths. */
static const char *const single_plugins[] = {"email", "in-app", "webhook"};
static const struct config_names singles = {single_plugins, 3};

static const struct belfry_option feed_table[] = {
    OPTION(struct config_feed, URL, "url", url, .flags = BELFRY_OPT_REQUIRED,
           .doc = "Asked for events with `after` and `limit`; answers a CloudEvents batch."),
    OPTION(struct config_feed, DURATION, "every", every_ms, .def = "1m", .min = 1000, .max = INT64_C(86400000),
           .doc = "How often."),
    OPTION(struct config_feed, STRING, "token", token, .flags = BELFRY_OPT_SECRET, .doc = "Sent as Bearer token."),
    OPTION(struct config_feed, STRING, "org", org, .flags = BELFRY_OPT_REQUIRED, .doc = "The org of what comes in."),
    OPTION_END,
};

#define COMMON(opt_type, key, ...) OPTION(struct config_common, opt_type, #key, key, __VA_ARGS__)
#define COMMON_ROWS                                                                                                    \
    COMMON(STRING, plugin, .flags = BELFRY_OPT_REQUIRED, .doc = "The plugin; `belfry plugin list` shows them."),       \
        COMMON(LIST, orgs, .flags = BELFRY_OPT_SCALAR_LIST, .children = config_strings,                                \
               .doc = "Orgs that it serves; all when absent.")

const struct belfry_option config_channel_table[] = {
    COMMON_ROWS,
    COMMON(STRING, was,
           .doc = "Its name before a rename: what is pending moves over, and its endpoints with their state."),
    OPTION_END,
};
const struct belfry_option config_source_table[] = {
    COMMON_ROWS,
    COMMON(STRING, was, .doc = "Its name before a rename: its state, timers, tasks and memory of triggers move over."),
    COMMON(OBJECT, feed, .flags = BELFRY_OPT_POINTER, .children = feed_table, .size = sizeof(struct config_feed),
           .doc = "Pulls events from an HTTP address instead of waiting for them."),
    COMMON(OBJECT, verify, .flags = BELFRY_OPT_POINTER, .children = config_verify_table,
           .size = sizeof(struct config_verify_options),
           .doc = "Opens POST /v1/{org}/sources/{source}/hook to whoever signs so."),
    OPTION_END,
};

/* --- one instance ------------------------------------------------------------------------------------------------ */

/* Equal configurations have equal numbers, however they are written; secrets count, so a changed secret is a change. */
static uint64_t hash_of(const struct yaml_node *map)
{
    json_t *json = yaml_to_json(map);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    uint8_t digest[32];
    uint64_t hash;
    sha256(text ? text : "", text ? strlen(text) : 0, digest);
    memcpy(&hash, digest, sizeof(hash));
    free(text);
    json_decref(json);
    return hash;
}

/* What does not depend on whether the rest could be filled. */
static void check_common(struct config_build *b, const struct yaml_node *map, struct config_instance *out)
{
    const struct yaml_node *feed = yaml_get(map, "feed");
    config_build_org_list(b, map, &out->orgs);
    const struct yaml_node *org = yaml_get(feed, "org");
    if (!config_is_text(org))
        return;
    config_ref_org(b, org);
    if (!config_serves(out, org->text))
        config_error(b, "H211", org, "the feed's org `%s` is not among the `orgs` of the source",
                     config_show(b, org->text));
}

static void copy_common(struct config_build *b, const struct yaml_node *map, const struct config_common *common,
                        struct config_instance *out)
{
    out->was = common->was;
    if (common->verify)
        config_build_verify(b, yaml_get(map, "verify"), common->verify, out);
    if (!common->feed)
        return;
    out->feed_url = common->feed->url;
    out->feed_token = common->feed->token;
    out->feed_every_ms = common->feed->every_ms;
    out->feed_org = common->feed->org;
}

/* The `plugin` of a block, or NULL after a diagnostic. */
static const struct plugin *plugin_of(struct config_build *b, const struct yaml_pair *pair, int channel)
{
    const struct yaml_node *map = pair->value, *name = yaml_get(map, "plugin");
    const char *what = channel ? "channel" : "source";
    if (map->kind != YAML_MAP) {
        struct diag *d = config_error(b, "H210", map, "the %s `%s` must be a map, not %s", what,
                                      config_show(b, pair->key->text), yaml_describe(diag_arena(b->diags), map));
        diag_help(b->diags, d, "write `%s: {plugin: PLUGIN}`", config_show(b, pair->key->text));
        return NULL;
    }
    if (!name) {
        struct diag *d = NULL;
        for (size_t i = 0; i < map->count && !d; i++) { /* plugn: says what is meant */
            static const char *const words[] = {"plugin"};
            if (!str_nearest(map->pairs[i].key->text, words, 1))
                continue;
            d = config_error(b, "H201", map->pairs[i].key, "unknown key `%s`", config_show(b, map->pairs[i].key->text));
            diag_suggest(b->diags, d, "plugin");
        }
        if (!d && !map->partial) {
            d = config_error(b, "H202", pair->key, "the %s `%s` names no plugin", what,
                             config_show(b, pair->key->text));
            diag_help(b->diags, d, "`belfry plugin list` shows the plugins");
        }
        return NULL;
    }
    if (name->unresolved)
        return NULL;
    if (!config_is_text(name)) {
        config_error(b, "H203", name, "`plugin` must be a string, not %s", yaml_describe(diag_arena(b->diags), name));
        return NULL;
    }
    return config_plugin(b, name, channel);
}

static void check_recipient(void *arg, struct diag_set *diags, const struct yaml_node *node,
                            struct belfry_str recipient)
{
    struct config_build *b = arg;
    (void)diags;
    if (str_has_prefix(recipient, STR("role:")))
        config_ref_role(b, node, str_slice(recipient.ptr + 5, recipient.len - 5));
    else if (str_has_prefix(recipient, STR("user:")))
        config_ref_user(b, node, str_slice(recipient.ptr + 5, recipient.len - 5));
}

/* Looked at when all categories are known. */
static void check_category(void *arg, const struct yaml_node *node)
{
    struct config_build *b = arg;
    struct config_named *named = arena_alloc(b->arena, sizeof(*named));
    *named = (struct config_named){node, b->categories};
    b->categories = named;
}

static void build_instance(struct config_build *b, const struct yaml_pair *pair, int channel,
                           struct config_instance *out)
{
    size_t size, common;
    out->name = arena_strndup(b->arena, pair->key->text.ptr, pair->key->text.len);
    out->span = pair->key->span;
    config_check_name(b, pair->key, channel ? "channel" : "source");
    out->plugin = plugin_of(b, pair, channel);
    if (!out->plugin) {
        b->blind |= !channel;
        return;
    }
    const struct belfry_option *table = config_instance_options(b->arena, out->plugin, channel, &size, &common);
    char *memory = arena_alloc(b->arena, size);
    struct option_scope scope = {.check_recipient = check_recipient, .check_category = check_category, .arg = b};
    static const char *const also[] = {"hook"};
    scope.also = also;
    scope.also_count = channel ? 0 : 1;
    check_common(b, pair->value, out);
    if (!channel)
        config_build_hook(b, pair->value, out);
    belfry_status status = option_fill(b->arena, b->diags, table, pair->value, &scope, memory, size);
    config_mark_secrets(table, pair->value);
    if (status != BELFRY_OK)
        return;
    out->options = memory;
    copy_common(b, pair->value, (const struct config_common *)(const void *)(memory + common), out);
    out->hash = hash_of(pair->value);
}

/* --- all of a section -------------------------------------------------------------------------------------------- */

int config_orgs_meet(const struct config_names *a, const struct config_names *c)
{
    if (a->count == 0 || c->count == 0)
        return 1;
    for (size_t i = 0; i < a->count; i++) {
        if (config_names_has(c, str_of(a->items[i])))
            return 1;
    }
    return 0;
}

static void check_single(struct config_build *b, const struct yaml_node *map, const struct config_instance *items)
{
    for (size_t i = 1; i < map->count; i++) {
        const char *id = items[i].plugin ? items[i].plugin->id : "";
        for (size_t k = 0; config_names_has(&singles, str_of(id)) && k < i; k++) {
            if (items[i].plugin != items[k].plugin || !config_orgs_meet(&items[i].orgs, &items[k].orgs))
                continue;
            const struct yaml_node *at = map->pairs[i].key;
            struct diag *d =
                config_error(b, "H504", at, "channel `%s` is a second `%s` for the same org", items[i].name, id);
            diag_relate(b->diags, d, items[k].span, "the first one");
            diag_help(b->diags, d,
                      strcmp(id, "email") == 0
                          ? "several mail servers are `servers` of one channel; or give the channels "
                            "different `orgs`"
                          : "give the channels different `orgs`, or merge them");
            break;
        }
    }
}

/* `was` must be a name that is not in use. */
static void check_was(struct config_build *b, const struct yaml_node *map, const char *what)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *was = yaml_get(map->pairs[i].value, "was");
        char text[65];
        if (!config_is_text(was) || !config_check_name(b, was, what) || was->text.len >= sizeof(text))
            continue;
        memcpy(text, was->text.ptr, was->text.len);
        text[was->text.len] = '\0';
        const struct yaml_pair *other = yaml_pair(map, text);
        if (!other)
            continue;
        struct diag *d = config_error(b, "H215", was, "the %s `%s` still exists, so nothing was renamed", what, text);
        diag_relate(b->diags, d, other->key->span, "here");
    }
}

static struct config_instance *build_section(struct config_build *b, enum config_section section, size_t *count)
{
    const struct yaml_node *map = config_map(b, section);
    int channel = section == SECTION_CHANNELS;
    *count = 0;
    if (!map)
        return NULL;
    struct config_instance *items = arena_alloc(b->arena, (map->count + 1) * sizeof(*items));
    for (size_t i = 0; i < map->count; i++) {
        items[i].index = (uint32_t)i;
        build_instance(b, &map->pairs[i], channel, &items[i]);
    }
    *count = map->count;
    check_was(b, map, channel ? "channel" : "source");
    if (channel)
        check_single(b, map, items);
    return items;
}

void config_build_instances(struct config_build *b)
{
    b->config->sources = build_section(b, SECTION_SOURCES, &b->config->source_count);
    b->config->channels = build_section(b, SECTION_CHANNELS, &b->config->channel_count);
}
