/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `deliver`: the channels of a rule. An item is a channel's name or a map with the channel under `via`, recipients
 * instead of the audience, a delay, and what makes the delivery needless when it comes due. A channel whose plugin has
 * options `after` and `unless` (mail) gives the defaults of both.
 */
#include "config/build.h"

#include "event/event.h"

struct deliver_options {
    const char *via;
    struct belfry_list to, unless;
    int64_t after_ms;
};

static const char *const unless_words[] = {"seen", "read", "handled", "hidden", NULL}; /* bits of CONFIG_UNLESS_* */
static const struct belfry_option unless_element[] = {ELEMENT(CHOICE, .choices = unless_words), OPTION_END};
static const struct belfry_option recipient_element[] = {ELEMENT(RECIPIENT), OPTION_END};

const struct belfry_option config_deliver_table[] = {
    OPTION(struct deliver_options, STRING, "via", via, .flags = BELFRY_OPT_REQUIRED, .doc = "A name of `channels`."),
    OPTION(struct deliver_options, LIST, "to", to, .flags = BELFRY_OPT_SCALAR_LIST, .children = recipient_element,
           .min = 1, .max = 1000,
           .doc = "NAME or user:NAME, role:ROLE, email:ADDRESS, audience; the event's audience when absent."),
    OPTION(struct deliver_options, DURATION, "after", after_ms, .min = 0, .max = INT64_C(31622400000),
           .doc = "How long to wait; the channel's own when absent, else not at all."),
    OPTION(struct deliver_options, LIST, "unless", unless, .flags = BELFRY_OPT_SCALAR_LIST, .children = unless_element,
           .doc = "Asked when it comes due: seen, read, handled, hidden; any of them ends it."),
    OPTION_END,
};

/* --- the channel's own delay ------------------------------------------------------------------------------------- */

static uint32_t unless_bit(const char *word)
{
    for (uint32_t i = 0; unless_words[i]; i++) {
        if (strcmp(word, unless_words[i]) == 0)
            return 1u << i;
    }
    return 0;
}

static uint32_t list_bits(const struct belfry_option *row, const struct belfry_list *list)
{
    uint32_t bits = 0;
    const struct belfry_option *element = row->children;
    for (uint32_t i = 0; i < list->count; i++) {
        const char *item = (const char *)list->items + (size_t)i * list->stride;
        if (element && element->type == BELFRY_OPT_CHOICE)
            bits |= unless_bit(element->choices[*(const int32_t *)(const void *)item]);
        else if (element && element->type == BELFRY_OPT_STRING)
            bits |= unless_bit(*(const char *const *)(const void *)item);
    }
    return bits;
}

/* Reads `after` and `unless` out of a channel's options, when its plugin has them. */
static void channel_defaults(const struct config_instance *channel, struct config_deliver *out)
{
    const struct belfry_option *row = channel->options ? channel->plugin->desc.options : NULL;
    for (; row && row->struct_size; row++) {
        const void *slot = (const char *)channel->options + row->offset;
        if (strcmp(row->name, "after") == 0 && row->type == BELFRY_OPT_DURATION && !(row->flags & BELFRY_OPT_CALENDAR))
            out->after_ms = *(const int64_t *)slot;
        else if (strcmp(row->name, "unless") == 0 && row->type == BELFRY_OPT_LIST)
            out->unless = list_bits(row, slot);
    }
}

int config_digest_hour(const struct config_instance *channel)
{
    const struct belfry_option *row = channel->options && channel->plugin ? channel->plugin->desc.options : NULL;
    for (; row && row->struct_size; row++) {
        if (strcmp(row->name, "digest_hour") != 0 || row->type != BELFRY_OPT_INT)
            continue;
        int64_t hour = *(const int64_t *)(const void *)((const char *)channel->options + row->offset);
        return hour >= 0 && hour < 24 ? (int)hour : CONFIG_DIGEST_HOUR;
    }
    return CONFIG_DIGEST_HOUR;
}

static int has_recipients(const struct config_instance *channel)
{
    const uint32_t personal = BELFRY_DELIVERY_IN_COMMIT | BELFRY_DELIVERY_PER_RECIPIENT;
    return !channel->plugin || !channel->plugin->delivery || (channel->plugin->delivery->flags & personal);
}

static int is_inbox(const struct config_instance *channel)
{
    return channel && channel->plugin && channel->plugin->delivery &&
           (channel->plugin->delivery->flags & BELFRY_DELIVERY_IN_COMMIT);
}

/* --- recipients -------------------------------------------------------------------------------------------------- */

/* Normalized by the option walker: user:NAME, role:R, email:A, audience. */
static void read_recipient(struct config_build *b, const struct yaml_node *node, const char *text,
                           const struct config_instance *channel, struct config_recipient *out)
{
    static const struct {
        const char *prefix;
        uint32_t kind;
    } kinds[] = {{"user:", BELFRY_TO_USER}, {"role:", BELFRY_TO_ROLE}, {"email:", BELFRY_TO_EMAIL}};
    *out = (struct config_recipient){CONFIG_TO_AUDIENCE, ""};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, len) == 0)
            *out = (struct config_recipient){kinds[i].kind, text + len};
    }
    if (node->unresolved)
        return;
    const char *fault = out->kind == BELFRY_TO_USER ? config_username_fault(str_of(out->name)) : NULL;
    if (fault)
        config_error(b, "H216", node, "the username `%s` %s", config_show(b, str_of(out->name)), fault);
    else if (out->kind == BELFRY_TO_USER)
        config_ref_user(b, node, str_of(out->name));
    else if (out->kind == BELFRY_TO_ROLE)
        config_ref_role(b, node, str_of(out->name));
    else if (out->kind == BELFRY_TO_EMAIL && !address_valid(str_of(out->name)))
        config_error(b, "H216", node, "`%s` is no mail address", config_show(b, str_of(out->name)));
    else if (out->kind == BELFRY_TO_EMAIL && is_inbox(channel))
        config_warning(b, "H216", node, "`%s` is an outside address and has no inbox; `%s` reaches nobody there",
                       config_show(b, str_of(out->name)), channel->name);
}

static void read_recipients(struct config_build *b, const struct yaml_node *map, const struct belfry_list *list,
                            struct config_deliver *out)
{
    const struct yaml_node *to = yaml_get(map, "to");
    const struct yaml_node *const *items;
    const char *const *texts = list->items;
    size_t count = config_items(&to, &items);
    if (count != list->count)
        return;
    struct config_recipient *recipients = arena_alloc(b->arena, (count + 1) * sizeof(*recipients));
    for (size_t i = 0; i < count; i++)
        read_recipient(b, items[i], texts[i], out->channel, &recipients[i]);
    out->to = recipients;
    out->to_count = count;
}

/* --- one delivery ------------------------------------------------------------------------------------------------ */

static void check_targets(struct config_build *b, const struct yaml_node *map, const struct config_instance *channel)
{
    const struct yaml_node *unless = yaml_get(map, "unless");
    const struct yaml_node *const *items;
    const struct yaml_pair *to = yaml_pair(map, "to");
    size_t count = config_items(&unless, &items);
    for (size_t i = 0; i < count; i++) {
        if (!config_is_text(items[i]) || str_eqz(items[i]->text, "handled") ||
            !unless_bit(arena_strndup(b->arena, items[i]->text.ptr, items[i]->text.len)))
            continue;
        struct diag *d = config_error(b, "H408", items[i], "`%s` has no reader, so nothing is %s there", channel->name,
                                      config_show(b, items[i]->text));
        diag_help(b->diags, d, "only `handled` can be asked on this channel");
    }
    if (to) {
        struct diag *d =
            config_error(b, "H211", to->key, "`%s` has no recipients, so there can be no `to`", channel->name);
        diag_help(b->diags, d, "what goes out there is chosen by its endpoints");
    }
}

static void read_channel(struct config_build *b, const struct yaml_node *name, struct config_deliver *out)
{
    if (!config_is_text(name) || !config_ref_channel(b, name))
        return;
    out->channel = config_channel(b->config, name->text);
    if (out->channel && out->channel->plugin)
        channel_defaults(out->channel, out);
}

/* Without a delay nobody can have seen anything; a handled event is possible (another rule's reader was faster). */
static void check_unless_alone(struct config_build *b, const struct yaml_node *map, const struct config_deliver *out)
{
    const struct yaml_pair *unless = yaml_pair(map, "unless");
    if (!unless || out->after_ms > 0 || !out->channel)
        return;
    struct diag *d = config_warning(b, "H212", unless->key, "`unless` has no effect without `after`");
    diag_help(b->diags, d, "it is asked when the delivery comes due, and that is at once: add `after: 5m`");
}

static void build_object(struct config_build *b, const struct yaml_node *map, struct config_deliver *out)
{
    static const char *const foreign[][2] = {
        {"channel", "the channel is under `via`"},
        {"delay", "the delay is under `after`"},
        {"wait", "the delay is under `after`"},
        {"recipients", "recipients are under `to`"},
        {"when", "conditions belong to the rule, beside `deliver`"},
        {NULL, NULL},
    };
    const char *also[8];
    size_t known = config_foreign_keys(b, map, foreign, also, 8);
    if (known && !yaml_get(map, "via")) /* the missing `via` is told by what stands instead of it */
        also[known++] = "via";
    const struct belfry_option *table = config_deliver_table;
    const struct deliver_options *in =
        config_fill(b, yaml_get(map, "via") || known < 2 ? table : table + 1, map, sizeof(*in), also, known);
    read_channel(b, yaml_get(map, "via"), out);
    if (out->channel && !has_recipients(out->channel))
        check_targets(b, map, out->channel);
    if (!in)
        return;
    if (yaml_get(map, "after"))
        out->after_ms = in->after_ms;
    if (yaml_get(map, "unless"))
        out->unless = list_bits(&config_deliver_table[3], &in->unless);
    read_recipients(b, map, &in->to, out);
    check_unless_alone(b, map, out);
}

/* Two deliveries of one rule that differ in nothing. */
static void check_repeats(struct config_build *b, const struct yaml_node *const *items, size_t count)
{
    struct hash *seen = hash_new();
    for (size_t i = 0; i < count; i++) {
        if (!config_is_text(items[i]))
            continue;
        const struct yaml_node *first = hash_get(seen, items[i]->text);
        if (first)
            diag_relate(
                b->diags,
                config_error(b, "H215", items[i], "channel `%s` is listed twice", config_show(b, items[i]->text)),
                first->span, "first here");
        else
            hash_set(seen, items[i]->text, (void *)(uintptr_t)items[i]);
    }
    hash_free(seen, NULL);
}

void config_build_deliver(struct config_build *b, const struct yaml_node *map, struct config_rule *rule)
{
    const struct yaml_node *node = yaml_get(map, "deliver");
    const struct yaml_node *const *items;
    if (!node)
        return;
    if (node->kind == YAML_SCALAR && !config_is_text(node)) {
        struct diag *d = config_error(b, "H210", yaml_pair(map, "deliver")->key, "`deliver` must be a list, not %s",
                                      yaml_describe(diag_arena(b->diags), node));
        diag_help(b->diags, d, "name the channels, or write `deliver: []` for nobody");
        return;
    }
    size_t count = config_items(&node, &items);
    struct config_deliver *deliver = arena_alloc(b->arena, (count + 1) * sizeof(*deliver));
    for (size_t i = 0; i < count; i++) {
        deliver[i].index = (uint32_t)i;
        if (items[i]->kind == YAML_MAP)
            build_object(b, items[i], &deliver[i]);
        else if (config_is_text(items[i]))
            read_channel(b, items[i], &deliver[i]);
        else
            config_error(b, "H203", items[i], "an item of `deliver` must be the name of a channel or a map, not %s",
                         yaml_describe(diag_arena(b->diags), items[i]));
    }
    check_repeats(b, items, count);
    rule->deliver = deliver;
    rule->deliver_count = count;
}
