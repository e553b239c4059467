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

static const struct belfry_field fields[] = {FIELD("subject", "Name of what it is about."),
                                             FIELD("text", "What happened, why, and what to do, for people."),
                                             {0}};
static const struct belfry_field bounce_fields[] = {FIELD("reason", "bounced or complained."), {0}};

const struct belfry_event_type event_hub_types[] = {
    TYPE("hub.endpoint_failing", BELFRY_WARNING, "Deliveries to the endpoint `{{subject}}` keep failing",
         "Deliveries to a webhook endpoint keep failing.", "shop", "They are tried again on the schedule."),
    TYPE("hub.endpoint_disabled", BELFRY_ERROR, "The endpoint `{{subject}}` is disabled",
         "A webhook endpoint is disabled; what comes for it is held.", "shop", "It answered 410 Gone."),
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
