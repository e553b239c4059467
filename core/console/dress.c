/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an answer of the API to what a template can show. The walk goes by the names of members, which the API keeps to:
 * whatever ends in `_at` is a time, `outcome` and `state` are words of a closed list. It does not go below `data` and
 * `body`, which come from outside and may call anything anything.
 */
#include "console/internal.h"

#include <string.h>

static const struct {
    const char *word, *tone;
} tones[] = {
    {"delivered", "good"},
    {"succeeded", "good"},
    {"ok", "good"},
    {"closed", "good"},
    {"valid", "good"},
    {"waiting", "good"},
    {"scheduled", "wait"},
    {"held_quiet_hours", "wait"},
    {"held_disabled", "wait"},
    {"digested", "wait"},
    {"sending", "wait"},
    {"retrying", "wait"},
    {"half_open", "wait"},
    {"probing", "wait"},
    {"pulling", "wait"},
    {"starting", "wait"},
    {"running", "wait"},
    {"retry", "wait"},
    {"unavailable", "wait"},
    {"partial", "wait"},
    {"unknown", "bad"},
    {"failed", "bad"},
    {"failing", "bad"},
    {"open", "bad"},
    {"rejected", "bad"},
    {"quarantined", "bad"},
    {"stalled", "bad"},
    {"no_address", "bad"},
    {"suppressed_address", "bad"},
    {"channel_removed", "bad"},
    {"target_gone", "bad"},
    {"disabled", "bad"},
    {"suppressed_rate", "bad"},
};

const char *dress_tone(const char *state)
{
    for (size_t i = 0; i < sizeof(tones) / sizeof(tones[0]); i++)
        if (strcmp(tones[i].word, state) == 0)
            return tones[i].tone;
    return "none";
}

static json_t *word_json(struct page *page, const char *group, const char *word)
{
    json_t *out = json_object();
    json_object_set_new(out, "code", json_string(word));
    json_set_str(out, "label", page_word(page, group, word));
    json_object_set_new(out, "tone", json_string(dress_tone(word)));
    return out;
}

static json_t *time_json(struct page *page, struct belfry_str iso)
{
    int64_t ms;
    if (time_parse(iso, &ms) != BELFRY_OK)
        return NULL;
    json_t *out = json_object();
    json_set_str(out, "iso", iso);
    json_set_str(out, "text", http_datetime(page->req, ms));
    return out;
}

static int is_time(const char *key)
{
    size_t len = strlen(key);
    return (len > 3 && strcmp(key + len - 3, "_at") == 0) || strcmp(key, "at") == 0 || strcmp(key, "time") == 0 ||
           strcmp(key, "valid_until") == 0 || strcmp(key, "since") == 0 || strcmp(key, "oldest_due") == 0 ||
           strcmp(key, "paused_until") == 0 || strcmp(key, "breaker_until") == 0 || strcmp(key, "failing_since") == 0 ||
           strcmp(key, "until") == 0;
}

/* The group of texts in which a member's words are; NULL: it has none. */
static const char *group_of(const char *key)
{
    static const char *const states[] = {"outcome", "state", "result", "validity", "breaker"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(key, states[i]) == 0)
            return "state";
    return strcmp(key, "severity") == 0 ? "severity" : NULL;
}

static int is_foreign(const char *key)
{
    static const char *const names[] = {"data", "body", "record", "when", "headers", "metadata", "example"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(key, names[i]) == 0)
            return 1;
    return 0;
}

static void dress_member(struct page *page, json_t *object, const char *key, json_t *value)
{
    json_t *with = NULL;
    if (is_foreign(key) || (strcmp(key, "detail") == 0 && json_is_object(value)))
        return;
    if (!json_is_string(value))
        dress(page, value);
    else if (is_time(key))
        with = time_json(page, json_str(value));
    else if (group_of(key))
        with = word_json(page, group_of(key), json_string_value(value));
    if (with)
        json_object_set_new(object, key, with); /* of a member that is there: the walk goes on */
}

void dress(struct page *page, json_t *answer)
{
    const char *key;
    json_t *value;
    size_t i;
    void *next;
    json_object_foreach_safe(answer, next, key, value) dress_member(page, answer, key, value);
    json_array_foreach(answer, i, value) dress(page, value);
}
