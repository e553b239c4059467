/* SPDX-License-Identifier: Apache-2.0 */
/* A story as JSON. Members are always there; what is not known is null, so that readers need not ask twice. */
#include "route/explain.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "event/event.h"

#include <stdlib.h>

static void set_str(json_t *object, const char *key, struct belfry_str value)
{
    if (value.len > 0)
        json_set_str(object, key, value);
    else
        json_object_set_new(object, key, json_null());
}

static void set_text(json_t *object, const char *key, const char *value)
{
    set_str(object, key, str_of(value));
}

static void set_time(json_t *object, const char *key, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    if (ms)
        time_format(ms, text);
    set_text(object, key, ms ? text : NULL);
}

static void set_int(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

static void set_bool(json_t *object, const char *key, int value)
{
    json_object_set_new(object, key, json_boolean(value));
}

/* --- the event --- */

static json_t *data_json(struct belfry_str data)
{
    json_t *value = data.len > 0 ? json_loadb(data.ptr, data.len, JSON_DECODE_ANY, NULL) : NULL;
    return value ? value : json_null();
}

static json_t *trigger_json(const struct story *story)
{
    if (story->trigger_id.len == 0 && story->trigger_type.len == 0)
        return json_null();
    json_t *out = json_object();
    set_str(out, "source", story->trigger_source);
    set_str(out, "id", story->trigger_id);
    set_str(out, "type", story->trigger_type);
    set_str(out, "principal", story->principal);
    return out;
}

static json_t *event_json(const struct story *story)
{
    json_t *out = json_object();
    set_str(out, "id", story->id);
    set_str(out, "org", story->org);
    set_str(out, "source", story->source);
    set_str(out, "type", story->type);
    set_str(out, "category", story->category);
    set_text(out, "severity", severity_name(story->severity));
    set_str(out, "subject", story->subject);
    set_str(out, "actor", story->actor);
    set_str(out, "title", story->title);
    set_str(out, "body", story->body);
    set_str(out, "link", story->link);
    set_time(out, "time", story->time_ms);
    set_text(out, "validity", story->validity ? story->validity : "valid");
    set_time(out, "valid_until", story->valid_until_ms);
    set_str(out, "note", story->note);
    json_object_set_new(out, "trigger", trigger_json(story));
    json_object_set_new(out, "data", data_json(story->data));
    return out;
}

/* --- rules --- */

static json_t *step_json(const struct story_step *step)
{
    json_t *out = json_object();
    set_text(out, "part", step->exception ? "unless" : "when");
    set_int(out, "depth", step->depth);
    set_text(out, "path", step->path);
    set_text(out, "test", step->test);
    set_text(out, "actual", step->actual);
    set_bool(out, "result", step->result);
    set_text(out, "note", step->note);
    return out;
}

static json_t *rules_json(const struct story *story, const struct explain_filter *filter)
{
    json_t *list = json_array();
    for (size_t i = 0; i < story->rule_count; i++) {
        const struct story_rule *rule = &story->rules[i];
        if (!explain_shows_rule(filter, rule->name))
            continue;
        json_t *out = json_object(), *steps = json_array();
        set_text(out, "name", rule->name);
        set_text(out, "file", rule->file);
        json_object_set_new(out, "line", rule->line ? json_integer(rule->line) : json_null());
        set_bool(out, "matched", rule->matched);
        set_text(out, "reason", rule->why);
        for (size_t s = 0; s < rule->step_count; s++)
            json_array_append_new(steps, step_json(&rule->steps[s]));
        json_object_set_new(out, "conditions", steps);
        json_array_append_new(list, out);
    }
    return list;
}

/* --- deliveries --- */

const char *explain_result_name(uint32_t result)
{
    static const char *const names[] = {NULL,      "delivered",   "retry",    "unavailable", "rejected",
                                        "unknown", "target_gone", "deferred", "throttled"};
    return result < sizeof(names) / sizeof(names[0]) ? names[result] : NULL;
}

static json_t *attempts_json(const struct story_delivery *delivery)
{
    json_t *list = json_array();
    for (size_t i = 0; i < delivery->attempt_count; i++) {
        const struct story_attempt *attempt = &delivery->attempts[i];
        json_t *out = json_object();
        set_int(out, "number", attempt->number);
        set_time(out, "at", attempt->at_ms);
        set_int(out, "elapsed_us", attempt->elapsed_us);
        set_text(out, "result", explain_result_name(attempt->result));
        json_object_set_new(out, "code", attempt->code ? json_integer(attempt->code) : json_null());
        set_str(out, "detail", attempt->detail);
        json_array_append_new(list, out);
    }
    return list;
}

static json_t *unless_json(uint32_t unless)
{
    static const char *const words[] = {"seen", "read", "handled", "hidden"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (unless >> i & 1)
            json_array_append_new(list, json_string(words[i]));
    return list;
}

static json_t *delivery_json(const struct story_delivery *delivery)
{
    json_t *out = json_object();
    set_str(out, "id", delivery->id);
    set_str(out, "channel", delivery->channel);
    set_str(out, "target", delivery->target);
    if (delivery->target_label.len)
        set_str(out, "target_label", delivery->target_label);
    set_str(out, "rule", delivery->rule);
    set_text(out, "outcome", outcome_name(delivery->outcome));
    set_str(out, "reason", delivery->reason);
    set_time(out, "due_at", delivery->due_ms);
    set_time(out, "ended_at", delivery->ended_ms);
    json_object_set_new(out, "unless", unless_json(delivery->unless));
    json_object_set_new(out, "attempts", attempts_json(delivery));
    return out;
}

/* Those of one chain of the index that the filter lets through. */
static json_t *deliveries_json(const struct story *story, const struct explain_filter *filter,
                               const struct explain_index *index, size_t head)
{
    json_t *list = json_array();
    for (size_t d = head; d != SIZE_MAX; d = index->next[d])
        if (explain_shows_delivery(filter, story, &story->deliveries[d]))
            json_array_append_new(list, delivery_json(&story->deliveries[d]));
    return list;
}

/* --- recipients --- */

static json_t *notification_json(const struct story_notification *n)
{
    if (!n)
        return json_null();
    json_t *out = json_object();
    set_str(out, "id", n->id);
    set_time(out, "visible_at", n->visible_ms);
    set_time(out, "seen_at", n->seen_ms);
    set_time(out, "read_at", n->read_ms);
    set_time(out, "hidden_at", n->hidden_ms);
    set_text(out, "validity", n->validity);
    set_str(out, "handled_by", n->handled_by);
    set_time(out, "handled_at", n->handled_ms);
    set_str(out, "replaced_by", n->replaced_by);
    set_str(out, "note", n->note);
    return out;
}

static json_t *recipients_json(const struct story *story, const struct explain_filter *filter,
                               const struct explain_index *index)
{
    json_t *list = json_array();
    for (size_t i = 0; i < story->recipient_count; i++) {
        const struct story_recipient *recipient = &story->recipients[i];
        if (!explain_shows_recipient(filter, recipient))
            continue;
        json_t *out = json_object();
        set_str(out, "recipient", recipient->name);
        set_text(out, "kind", recipient->email ? "email" : "user");
        set_str(out, "reason", recipient->reason);
        set_bool(out, "may_see", !recipient->blind);
        json_object_set_new(out, "notification", notification_json(recipient->notification));
        json_object_set_new(out, "deliveries", deliveries_json(story, filter, index, index->heads[i]));
        json_array_append_new(list, out);
    }
    return list;
}

static json_t *notes_json(const struct story *story, const struct explain_filter *filter)
{
    json_t *list = json_array();
    for (size_t i = 0; i < story->note_count; i++) {
        const struct story_note *note = &story->notes[i];
        if (filter && filter->who.len > 0 && !str_eq(filter->who, note->name))
            continue;
        json_t *out = json_object();
        set_str(out, "name", note->name);
        set_text(out, "rule", note->rule);
        set_text(out, "reason", note->what);
        json_array_append_new(list, out);
    }
    return list;
}

static json_t *summary_json(const struct story *story, const struct explain_filter *filter)
{
    static const char *const names[] = {
        [EXPLAIN_DONE] = "delivered", [EXPLAIN_WAITS] = "waiting", [EXPLAIN_NOT] = "not_sent"};
    int64_t counts[] = {0, 0, 0};
    json_t *out = json_object();
    for (size_t i = 0; i < story->delivery_count; i++)
        if (explain_shows_delivery(filter, story, &story->deliveries[i]))
            counts[explain_state(&story->deliveries[i])]++;
    for (size_t i = 0; i < 3; i++)
        set_int(out, names[i], counts[i]);
    return out;
}

json_t *explain_json(const struct story *story, const struct explain_filter *filter)
{
    struct explain_index index = explain_index(story);
    json_t *out = json_object();
    set_bool(out, "dry_run", story->dry_run);
    json_object_set_new(out, "generation",
                        story->generation ? json_integer((json_int_t)story->generation) : json_null());
    json_object_set_new(out, "event", event_json(story));
    json_object_set_new(out, "rules", rules_json(story, filter));
    json_object_set_new(out, "recipients", recipients_json(story, filter, &index));
    json_object_set_new(out, "deliveries", deliveries_json(story, filter, &index, index.heads[story->recipient_count]));
    json_object_set_new(out, "left_out", notes_json(story, filter));
    set_bool(out, "truncated", story->truncated);
    json_object_set_new(out, "being_written",
                        story->to_write ? json_pack("{s:I,s:I}", "done", (json_int_t)story->written, "total",
                                                    (json_int_t)story->to_write)
                                        : json_null());
    json_object_set_new(out, "summary", summary_json(story, filter));
    free(index.heads);
    return out;
}
