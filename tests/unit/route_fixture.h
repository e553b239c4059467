/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration and a directory for tests of routing, made from short JSON texts instead of files: rules as in YAML,
 * categories as {"NAME": {"visible_to": [...], "webhooks": true, "required": true}}, people as {"ann": ["role", ...]}.
 * Channels are fixed: inbox (in-app), mail and sms (a person each), hooks (targets), other (mail, org other only).
 */
#ifndef TESTS_ROUTE_FIXTURE_H
#define TESTS_ROUTE_FIXTURE_H

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "route/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena;
    struct config config;
    struct route *route;
    json_t *people;
    size_t asked; /* calls of the directory */
};

enum { FIXTURE_INBOX, FIXTURE_MAIL, FIXTURE_SMS, FIXTURE_HOOKS, FIXTURE_OTHER, FIXTURE_CHANNELS };

static json_t *fixture_json(struct fixture *f, const char *text)
{
    struct error err = {0};
    json_t *value = json_read(str_of(text), &err);
    if (!value)
        fail_msg("bad test data %s: %s", text, error_text(&err));
    arena_cleanup(f->arena, (void (*)(void *))json_decref, value);
    return value;
}

/* Lists of a configuration are sorted. */
static int fixture_by_text(const void *a, const void *b)
{
    return str_cmp(str_of(*(const char *const *)a), str_of(*(const char *const *)b));
}

static struct config_names fixture_names(struct fixture *f, const json_t *list)
{
    size_t count = json_array_size(list);
    const char **items = arena_alloc(f->arena, (count + 1) * sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = json_string_value(json_array_get(list, i));
    qsort(items, count, sizeof(*items), fixture_by_text);
    return (struct config_names){items, count};
}

static void fixture_channels(struct fixture *f)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } rows[FIXTURE_CHANNELS] = {{"inbox", BELFRY_DELIVERY_IN_COMMIT | BELFRY_DELIVERY_PER_RECIPIENT},
                                {"mail", BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_DIGEST},
                                {"sms", BELFRY_DELIVERY_PER_RECIPIENT},
                                {"hooks", BELFRY_DELIVERY_PER_TARGET},
                                {"other", BELFRY_DELIVERY_PER_RECIPIENT}};
    static const char *const other_orgs[] = {"other"};
    struct config_instance *channels = arena_alloc(f->arena, FIXTURE_CHANNELS * sizeof(*channels));
    for (size_t i = 0; i < FIXTURE_CHANNELS; i++) {
        struct plugin *plugin = arena_alloc(f->arena, sizeof(*plugin));
        struct belfry_delivery *delivery = arena_alloc(f->arena, sizeof(*delivery));
        delivery->flags = rows[i].flags;
        plugin->delivery = delivery;
        channels[i].name = rows[i].name;
        channels[i].plugin = plugin;
        channels[i].index = (uint32_t)i;
    }
    channels[FIXTURE_OTHER].orgs = (struct config_names){other_orgs, 1};
    f->config.channels = channels;
    f->config.channel_count = FIXTURE_CHANNELS;
}

static const struct config_instance *fixture_channel(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->config.channel_count; i++)
        if (strcmp(f->config.channels[i].name, name) == 0)
            return &f->config.channels[i];
    fail_msg("no channel %s", name);
    return NULL;
}

static struct config_recipient fixture_recipient(const char *text)
{
    static const struct {
        const char *prefix;
        uint32_t kind;
    } kinds[] = {{"user:", BELFRY_TO_USER}, {"role:", BELFRY_TO_ROLE}, {"email:", BELFRY_TO_EMAIL}};
    if (strcmp(text, "audience") == 0)
        return (struct config_recipient){CONFIG_TO_AUDIENCE, NULL};
    for (size_t i = 0; i < 3; i++)
        if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return (struct config_recipient){kinds[i].kind, text + strlen(kinds[i].prefix)};
    return (struct config_recipient){BELFRY_TO_USER, text};
}

static uint32_t fixture_unless(const json_t *list)
{
    static const char *const words[] = {"seen", "read", "handled", "hidden"};
    uint32_t bits = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t w = 0; w < 4; w++)
            if (strcmp(json_string_value(json_array_get(list, i)), words[w]) == 0)
                bits |= 1u << w;
    return bits;
}

static void fixture_deliver(struct fixture *f, struct config_deliver *out, const json_t *in, uint32_t index)
{
    const json_t *to = json_object_get(in, "to");
    const char *via = json_is_string(in) ? json_string_value(in) : json_string_value(json_object_get(in, "via"));
    struct config_recipient *list = arena_alloc(f->arena, (json_array_size(to) + 1) * sizeof(*list));
    for (size_t i = 0; i < json_array_size(to); i++)
        list[i] = fixture_recipient(json_string_value(json_array_get(to, i)));
    *out = (struct config_deliver){.channel = fixture_channel(f, via),
                                   .to = list,
                                   .to_count = json_array_size(to),
                                   .after_ms = json_integer_value(json_object_get(in, "after")),
                                   .unless = fixture_unless(json_object_get(in, "unless")),
                                   .index = index};
}

static const struct belfry_condition *fixture_condition(struct fixture *f, const json_t *block)
{
    static const char *const paths[] = {"org",     "source", "type", "category", "severity",
                                        "subject", "actor",  "time", "data.*",   NULL};
    struct error err = {0};
    if (!block)
        return NULL;
    const struct belfry_condition *condition = match_compile_json(f->arena, block, paths, MATCH_SEVERITY, &err);
    if (!condition)
        fail_msg("bad condition: %s", error_text(&err));
    return condition;
}

static void fixture_rule(struct fixture *f, struct config_rule *out, const json_t *in, uint32_t index)
{
    const json_t *deliver = json_object_get(in, "deliver");
    struct config_deliver *list = arena_alloc(f->arena, (json_array_size(deliver) + 1) * sizeof(*list));
    for (size_t i = 0; i < json_array_size(deliver); i++)
        fixture_deliver(f, &list[i], json_array_get(deliver, i), (uint32_t)i);
    *out = (struct config_rule){.name = json_string_value(json_object_get(in, "name")),
                                .when = fixture_condition(f, json_object_get(in, "when")),
                                .but = fixture_condition(f, json_object_get(in, "unless")),
                                .deliver = list,
                                .deliver_count = json_array_size(deliver),
                                .orgs = fixture_names(f, json_object_get(in, "orgs")),
                                .stop = json_is_true(json_object_get(in, "stop")),
                                .schedule = json_string_value(json_object_get(in, "during_quiet")),
                                .span = {.line = index + 1},
                                .index = index};
}

static int fixture_by_category(const void *a, const void *b)
{
    return fixture_by_text(&((const struct config_category *)a)->name, &((const struct config_category *)b)->name);
}

static void fixture_categories(struct fixture *f, json_t *in)
{
    size_t count = 0;
    struct config_category *list = arena_alloc(f->arena, (json_object_size(in) + 1) * sizeof(*list));
    const char *name;
    json_t *value;
    json_object_foreach(in, name, value)
    {
        list[count++] = (struct config_category){.name = name,
                                                 .label = name,
                                                 .visible_to = fixture_names(f, json_object_get(value, "visible_to")),
                                                 .webhooks = json_is_true(json_object_get(value, "webhooks")),
                                                 .required = json_is_true(json_object_get(value, "required"))};
    }
    qsort(list, count, sizeof(*list), fixture_by_category);
    f->config.categories = list;
    f->config.category_count = count;
}

/* Rules are given without `unmatched`; that one delivers to the inbox. */
static inline struct fixture *fixture_new(const char *rules, const char *categories, const char *people)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->arena = arena_new(0);
    f->config.refs = 1;
    f->config.hub.timezone = "UTC";
    f->people = fixture_json(f, people);
    fixture_channels(f);
    fixture_categories(f, fixture_json(f, categories));
    const json_t *list = fixture_json(f, rules);
    struct config_rule *compiled = arena_alloc(f->arena, (json_array_size(list) + 1) * sizeof(*compiled));
    for (size_t i = 0; i < json_array_size(list); i++)
        fixture_rule(f, &compiled[i], json_array_get(list, i), (uint32_t)i);
    f->config.rules = compiled;
    f->config.rule_count = json_array_size(list);
    fixture_rule(f, &f->config.unmatched, fixture_json(f, "{\"name\":\"unmatched\",\"deliver\":[\"inbox\"]}"),
                 (uint32_t)json_array_size(list));
    f->route = route_new(&f->config);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    route_free(f->route);
    assert_int_equal(f->config.refs, 1);
    arena_free(f->arena);
    free(f);
}

/* --- the directory --- */

static int has_text(const json_t *list, struct belfry_str text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (str_eq(json_str(json_array_get(list, i)), text))
            return 1;
    return 0;
}

static belfry_status fixture_person(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str username,
                                    struct belfry_person *out)
{
    struct fixture *f = arg;
    const json_t *roles = json_object_getn(f->people, username.ptr, username.len);
    f->asked++;
    if (!roles || !str_eq(org, STR("acme")))
        return BELFRY_ENOTFOUND;
    struct belfry_str *items = arena_alloc(arena, (json_array_size(roles) + 1) * sizeof(*items));
    for (size_t i = 0; i < json_array_size(roles); i++)
        items[i] = json_str(json_array_get(roles, i));
    *out = (struct belfry_person){
        .struct_size = sizeof(*out), .username = username, .roles = {items, json_array_size(roles)}};
    return BELFRY_OK;
}

static int fixture_by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct belfry_str *)a, *(const struct belfry_str *)b);
}

static size_t fixture_members(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str role,
                              struct belfry_str after, size_t limit, const struct belfry_str **out)
{
    struct fixture *f = arg;
    struct belfry_str *items = arena_alloc(arena, (json_object_size(f->people) + 1) * sizeof(*items));
    size_t count = 0;
    const char *name;
    json_t *roles;
    f->asked++;
    if (str_eq(org, STR("acme"))) {
        json_object_foreach(f->people, name, roles)
        {
            if (has_text(roles, role) && (after.len == 0 || strcmp(name, after.ptr) > 0))
                items[count++] = str_of(name);
        }
    }
    qsort(items, count, sizeof(*items), fixture_by_name);
    *out = items;
    return count < limit ? count : limit;
}

static inline struct route_directory fixture_directory(struct fixture *f)
{
    return (struct route_directory){f, fixture_person, fixture_members, NULL, NULL};
}

/* --- events --- */

struct fixture_event {
    struct route_event event;
    struct belfry_view data;
    struct belfry_recipient audience[32];
};

/* {"org","source","type","category","severity","subject","actor","time","data","audience":["ann","role:r","email:x"]};
 * `out` is filled in place because it points into itself. A user's reason may follow after a blank: "ann owner". */
static inline void fixture_event(struct fixture *f, struct fixture_event *out, const char *text)
{
    const json_t *in = fixture_json(f, text);
    const json_t *audience = json_object_get(in, "audience"), *org = json_object_get(in, "org");
    struct belfry_str severity = json_str(json_object_get(in, "severity"));
    *out = (struct fixture_event){.data = json_view(json_object_get(in, "data"))};
    for (size_t i = 0; i < json_array_size(audience) && i < 32; i++) {
        struct config_recipient to = fixture_recipient(json_string_value(json_array_get(audience, i)));
        out->audience[i] = (struct belfry_recipient){.struct_size = sizeof(out->audience[i]), .kind = to.kind};
        out->audience[i].name = str_cut(str_of(to.name), ' ', &out->audience[i].reason);
    }
    out->event = (struct route_event){.org = org ? json_str(org) : STR("acme"),
                                      .source = json_str(json_object_get(in, "source")),
                                      .type = json_str(json_object_get(in, "type")),
                                      .category = json_str(json_object_get(in, "category")),
                                      .subject = json_str(json_object_get(in, "subject")),
                                      .actor = json_str(json_object_get(in, "actor")),
                                      .severity = BELFRY_INFO,
                                      .time_ms = json_integer_value(json_object_get(in, "time")),
                                      .data = json_object_get(in, "data") ? &out->data : NULL,
                                      .audience = out->audience,
                                      .audience_count = json_array_size(audience)};
    static const char *const names[] = {"info", "success", "warning", "error", "critical"};
    for (int i = 0; i < 5; i++)
        if (str_eqz(severity, names[i]))
            out->event.severity = i;
}

#endif
