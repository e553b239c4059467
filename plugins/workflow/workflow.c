/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workflow source: work that is assigned but not surfaced was never assigned at all. It is told what became of
 * records of other systems and decides whom to tell: the owner of a record that is new to them, and whoever a rule
 * names.
 *
 * What a record was before is asked of the source's own memory, one state value a record; nothing else is kept. Every
 * call reads it once and writes it when it changed.
 */
#include "receive.h"
#include "rules.h"

#include <stdlib.h>
#include <string.h>

/* --- options ------------------------------------------------------------------------------------------------------ */

#define OPTION(kind, opt_name, member_offset, ...)                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = (uint32_t)(member_offset),   \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }
#define RULE(kind, opt_name, member, ...)                                                                              \
    OPTION(kind, opt_name, offsetof(struct workflow_rule_options, member), __VA_ARGS__)
#define NOTIFY(kind, opt_name, member, ...)                                                                            \
    OPTION(kind, opt_name, offsetof(struct workflow_notify, member), __VA_ARGS__)

static const char *const on_words[] = {"create", "update", "both", NULL};
static const char *const fire_words[] = {"every_time", "on_entering", NULL};
static const char *const severities[] = {"info", "success", "warning", "error", "critical", NULL};
static const char *const recipient_words[] = {"owner", "created_by", "field:", NULL};
static const char *const paths[] = {"object", "id", "url", "owner", "created_by", "fields.*", NULL};

static const struct belfry_option to_element[] = {OPTION(RECIPIENT, NULL, 0, .choices = recipient_words), {0}};

static const struct belfry_option notify_options[] = {
    NOTIFY(LIST, "to", to, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SCALAR_LIST, .children = to_element, .min = 1,
           .max = 100,
           .doc =
               "Whom to tell: a username, role:R, email:A, owner, created_by, or field:F for the people that a field "
               "of the record names."),
    NOTIFY(TEMPLATE, "title", title,
           .doc = "Title; its root is the record ({{fields.name}}). Default: the record's name, else object and id."),
    NOTIFY(TEMPLATE, "body", body, .doc = "Text below the title."),
    NOTIFY(CHOICE, "severity", severity, .def = "info", .choices = severities, .doc = "How urgent it is."),
    NOTIFY(STRING, "category", category, .min = 1, .max = 64, .doc = "Category; default workflow."),
    {0}};

static const struct belfry_option rule_options[] = {
    RULE(
        STRING, "name", name, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_UNIQUE, .min = 1, .max = 64,
        .doc =
            "Name of the rule; its events are of type workflow.NAME, where what is no letter, digit, _ or - is a dash."),
    RULE(CHOICE, "on", on, .def = "both", .choices = on_words,
         .doc = "Asked when a record is created, updated, or both."),
    RULE(CONDITION, "when", when, .choices = paths,
         .doc = "Criteria on the record: object, id, url, owner, created_by, fields.*. Absent: every record."),
    RULE(CHOICE, "fire", fire, .def = "every_time", .choices = fire_words,
         .doc = "Every time the criteria are met, or only when the record starts to meet them."),
    RULE(OBJECT, "notify", notify, .flags = BELFRY_OPT_REQUIRED, .children = notify_options,
         .size = sizeof(struct workflow_notify), .doc = "What to tell whom."),
    RULE(DURATION, "after", after_ms, .min = 0, .max = INT64_C(366) * 86400000,
         .doc = "Tell only after the criteria have been met for so long; dropped when the record stops meeting them."),
    {0}};

static const struct belfry_option rule_element[] = {
    OPTION(OBJECT, NULL, 0, .children = rule_options, .size = sizeof(struct workflow_rule_options)), {0}};

static const struct belfry_option options[] = {
    OPTION(LIST, "rules", offsetof(struct workflow_config, rules), .children = rule_element, .max = 500,
           .doc = "Who else is told of what, besides owners of records that are assigned to them."),
    {0}};

/* --- events ------------------------------------------------------------------------------------------------------- */

#define FIELD(name, kind, text)                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_field), .value_type = BELFRY_VALUE_##kind, .path = (name), .doc = (text)   \
    }

static const struct belfry_field record_fields[] = {
    FIELD("record.object", STRING, "Kind of record."),
    FIELD("record.id", STRING, "Its id in the system it lives in."),
    FIELD("record.url", STRING, "Where people find it."),
    FIELD("record.owner", STRING, "Who owns it now."),
    FIELD("record.created_by", STRING, "Who made it."),
    FIELD("record.fields", OBJECT, "Its fields: those of the trigger, and of earlier ones what rules and titles name."),
    FIELD("record.fields.*", STRING, "One of them, of whatever type it is."),
    FIELD("changed_by", STRING, "Who changed it; absent when it was created."),
    {0}};

#define TITLE                                                                                                          \
    "{{#record.fields.name}}{{record.fields.name}}{{/record.fields.name}}"                                             \
    "{{^record.fields.name}}{{record.object}} {{record.id}}{{/record.fields.name}}"

static const char *const assigned_replaces[] = {"record.assigned", NULL};

static const struct belfry_event_text assigned_texts[] = {
    {.struct_size = sizeof(*assigned_texts),
     .language = "de",
     .body = "{{record.object}} an {{record.owner}} zugewiesen, von "
             "{{#changed_by}}{{changed_by}}{{/changed_by}}{{^changed_by}}{{record.created_by}}{{/changed_by}}"},
    {0}};

static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_INFO,
     .type = "record.assigned",
     .category = "workflow",
     .replaces = assigned_replaces,
     .fields = record_fields,
     .title = TITLE,
     .body = "{{record.object}} assigned to {{record.owner}} by "
             "{{#changed_by}}{{changed_by}}{{/changed_by}}{{^changed_by}}{{record.created_by}}{{/changed_by}}",
     .texts = assigned_texts,
     .doc = "A record has a new owner, who did not make or change it.",
     .example = "{\"record\":{\"object\":\"Lead\",\"id\":\"00Q-7\",\"url\":\"https://crm.example.org/00Q-7\",\"owner\":"
                "\"ann\",\"created_by\":\"bob\",\"fields\":{\"name\":\"Northwind Dairy\",\"rating\":\"hot\"}}}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_INFO,
     .type = "workflow.*",
     .category = "workflow",
     .fields = record_fields,
     .title = TITLE,
     .doc = "A rule's notification; the type ends with the rule's name.",
     .example = "{\"record\":{\"object\":\"Opportunity\",\"id\":\"006-1\",\"url\":\"https://crm.example.org/006-1\","
                "\"owner\":\"ann\",\"created_by\":\"bob\",\"fields\":{\"name\":\"Harbour Cranes\",\"amount\":240000}},"
                "\"changed_by\":\"cara\"}"},
    {0}};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void destroy(void *self)
{
    struct workflow *w = self;
    workflow_rules_free(w);
    free(w);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct workflow *w = calloc(1, sizeof(*w));
    w->host = host;
    w->match = host->get_extension(host, BELFRY_EXT_MATCH);
    w->templates = host->get_extension(host, BELFRY_EXT_TEMPLATE);
    w->hub_rules = host->get_extension(host, BELFRY_EXT_RULES);
    workflow_rules_make(w, config);
    (void)err;
    *self = w;
    return BELFRY_OK;
}

static const struct belfry_source source = {
    .struct_size = sizeof(source), .receive = workflow_receive, .due = workflow_due};

static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_MATCH, BELFRY_EXT_TEMPLATE, BELFRY_EXT_RULES, NULL};

static const struct belfry_category categories[] = {
    {.struct_size = sizeof(struct belfry_category),
     .name = "workflow",
     .label = "Records",
     .texts =
         (const struct belfry_category_text[]){
             {.struct_size = sizeof(struct belfry_category_text), .language = "de", .label = "Datensätze"}, {0}}},
    {0}};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "workflow",
                                            .version = "1.0.0",
                                            .summary = "Tells owners of records assigned to them, and whom rules name",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct workflow_config),
                                            .events = events,
                                            .categories = categories,
                                            .create = create,
                                            .destroy = destroy};

BELFRY_PLUGIN(plugin);
