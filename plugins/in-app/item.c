/* SPDX-License-Identifier: Apache-2.0 */
/* The one printer of notifications: the API and the pages say the same of each. */
#include "item.h"

static const char *const severities[] = {"info", "success", "warning", "error", "critical"};
static const char *const validities[] = {"valid", "expired", "superseded", "withdrawn"};

const char *item_severity(const struct belfry_inbox_item *item)
{
    return severities[item->severity < 5 ? item->severity : 0];
}

const char *item_validity(const struct belfry_inbox_item *item)
{
    return validities[item->validity < 4 ? item->validity : 0];
}

static void member(struct text *out, const char *name, struct belfry_str value, int null)
{
    text_z(out, ",\"");
    text_z(out, name);
    text_z(out, "\":");
    if (null)
        text_json_opt(out, value);
    else
        text_json(out, value);
}

static void time_member(struct text *out, const char *name, int64_t ms)
{
    text_z(out, ",\"");
    text_z(out, name);
    text_z(out, "\":");
    text_json_time(out, ms);
}

void item_href(struct text *out, struct belfry_str org, struct belfry_str id)
{
    text_z(out, "/");
    text_url(out, org);
    text_z(out, "/n/");
    text_url(out, id);
}

static void write_actions(struct text *out, const struct belfry_inbox_item *item, int labels)
{
    text_z(out, ",\"actions\":[");
    for (size_t i = 0; i < item->action_count; i++) {
        text_z(out, i ? ",{\"id\":" : "{\"id\":");
        text_json(out, item->actions[i].id);
        member(out, "label", item->actions[i].label, 0);
        if (labels)
            member(out, "comment", item->actions[i].comment, 1);
        text_z(out, "}");
    }
    text_z(out, "]");
}

void item_members(struct text *out, struct belfry_str org, const struct belfry_inbox_item *item, int labels)
{
    text_z(out, "\"id\":");
    text_json(out, item->id);
    member(out, "type", item->type, 0);
    member(out, "source", item->source, 0);
    member(out, "category", item->category, 0);
    if (labels)
        member(out, "category_label", item->category_label, 0);
    member(out, "severity", belfry_str(item_severity(item)), 0);
    member(out, "title", item->title, 0);
    member(out, "body", item->body, 0);
    text_z(out, ",\"href\":\"");
    item_href(out, org, item->id);
    text_z(out, "\"");
    member(out, "subject", item->subject, 1);
    member(out, "actor", item->actor, 1);
    member(out, "reason", item->reason, 1);
    time_member(out, "created_at", item->created_ms);
    time_member(out, "seen_at", item->seen_ms);
    time_member(out, "read_at", item->read_ms);
    time_member(out, "hidden_at", item->hidden_ms);
    text_z(out, item->unread ? ",\"unread\":true" : ",\"unread\":false");
    member(out, "validity", belfry_str(item_validity(item)), 0);
    time_member(out, "valid_until", item->valid_until_ms);
    member(out, "handled_by", item->handled_by, 1);
    member(out, "replaced_by", item->replaced_by, 1);
    write_actions(out, item, labels);
    text_z(out, ",\"rev\":");
    text_num(out, item->rev);
}

void item_text(struct text *out, const char *name, struct belfry_str value)
{
    member(out, name, value, 0);
}

void item_write(struct text *out, struct belfry_str org, const struct belfry_inbox_item *item, int labels)
{
    text_z(out, "{");
    item_members(out, org, item, labels);
    text_z(out, "}");
}
