/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of the hub. Each one replaces the earlier of its type and subject. The texts that people read say more
 * than the templates here do: what happened, why, and what to do (ledger/hub_event.c, ledger/notice.c); these are for
 * examples.
 */
#include "event/hub_types.h"

#define FIELD(name, text)                                                                                              \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_field), .value_type = BELFRY_VALUE_STRING, .path = (name), .doc = (text)   \
    }
#define TYPE(name, level, told, text, example_subject, example_text)                                                   \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_event_type), .severity = (level), .type = (name), .category = "hub",       \
        .replaces = (const char *const[]){(name), NULL}, .fields = fields, .title = (told), .body = "{{text}}",        \
        .doc = (text), .example = "{\"subject\":\"" example_subject "\",\"text\":\"" example_text "\"}"                \
    }

/* The three take each other's place. more: what the example has besides */
#define ENDPOINT(name, level, told, text, more)                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_event_type), .severity = (level), .type = (name), .category = "hub",       \
        .replaces = endpoint_types, .fields = endpoint_fields, .title = (told), .body = "{{text}}", .doc = (text),     \
        .example = "{\"subject\":\"shop\",\"text\":\"What happened, and what to do.\",\"endpoint\":{\"id\":"           \
                   "\"019b9cd5-8e80-7001-8000-000000000000\",\"name\":\"shop\",\"channel\":\"hooks\"}" more "}"        \
    }

static const char *const endpoint_types[] = {"hub.endpoint_failing", "hub.endpoint_disabled", "hub.endpoint_recovered",
                                             NULL};
static const struct belfry_field endpoint_fields[] = {
    FIELD("subject", "Name of the endpoint; of one that was made over the API its id."),
    FIELD("text", "What happened, why, and what to do, for people."),
    FIELD("endpoint.id", "Its id."),
    FIELD("endpoint.name", "Its name."),
    FIELD("endpoint.channel", "The channel that it is of."),
    FIELD("endpoint.owner", "Who made it over the API: token:NAME or person:NAME. Else not there."),
    FIELD("since", "When the first delivery failed after the last that arrived. Not of a recovery."),
    FIELD("disabled_at", "When it is disabled if none arrives until then. Of a warning only."),
    FIELD("answer", "What the receiver answered last. Not of a recovery."),
    {0}};
static const struct belfry_field fields[] = {FIELD("subject", "Name of what it is about."),
                                             FIELD("text", "What happened, why, and what to do, for people."),
                                             {0}};
static const struct belfry_field bounce_fields[] = {FIELD("reason", "bounced or complained."), {0}};

const struct belfry_event_type event_hub_types[] = {
    ENDPOINT(
        "hub.endpoint_failing", BELFRY_WARNING, "Deliveries to the endpoint `{{subject}}` keep failing",
        "Deliveries to an endpoint keep failing: told when one has failed four times, and when half, 70 % and 90 % of "
        "the five days are over after which it is disabled.",
        ",\"since\":\"2026-01-05T09:00:00.000Z\",\"disabled_at\":\"2026-01-10T09:00:00.000Z\","
        "\"answer\":\"HTTP 500\""),
    ENDPOINT(
        "hub.endpoint_disabled", BELFRY_ERROR, "The endpoint `{{subject}}` is disabled",
        "An endpoint is disabled because it failed for five days or said that it is gone; what comes for it is held.",
        ",\"since\":\"2026-01-05T09:00:00.000Z\",\"answer\":\"HTTP 410\""),
    ENDPOINT("hub.endpoint_recovered", BELFRY_SUCCESS, "The endpoint `{{subject}}` takes deliveries again",
             "An endpoint takes deliveries again after somebody was told that it failed or was disabled.", ""),
    TYPE("hub.channel_failing", BELFRY_WARNING, "`{{subject}}` takes no deliveries",
         "What a channel delivers to takes nothing from it.", "mail", "It refuses the user name and password."),
    TYPE("hub.channel_distrusted", BELFRY_ERROR, "`{{subject}}` does not trust the sender",
         "What a channel delivers to does not trust what is sent.", "mail.example.org", "DKIM does not verify."),
    TYPE("hub.source_quarantined", BELFRY_ERROR, "The source `{{subject}}` is paused",
         "A source took too long three times in a minute and rests.", "crm", "It goes on by itself after a while."),
    TYPE("hub.config_rejected", BELFRY_ERROR, "A new configuration was rejected",
         "A new configuration was rejected; the old one stays in force.", "config", "2 errors in belfry.yaml"),
    TYPE("hub.disk_low", BELFRY_ERROR, "The disk is almost full", "Until there is space again no triggers are taken.",
         "disk", "40 MiB are left."),
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_WARNING,
     .type = "hub.address_bounces",
     .category = "hub",
     .replaces = (const char *const[]){"hub.address_bounces", NULL},
     .fields = bounce_fields,
     .title = "Mail to your address comes back",
     .doc = "Mail to somebody's address comes back, or was called junk; they are told in the inbox.",
     .example = "{\"reason\":\"bounced\"}"},
    {0}};
