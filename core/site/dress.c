/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an answer of the API to what a template can show. The walk goes by the names of members, which the API keeps to:
 * whatever ends in `_at` is a time, `outcome` and `state` are words of a closed list. It does not go below `data` and
 * `body`, which come from outside and may call anything anything.
 */
#include "site/internal.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_SHOWN 4096 /* bytes of what is kept of an attempt: its beginning; all of it is in the answer's JSON */

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

/* --- attempts and endpoints --------------------------------------------------------------------------------------- */

static struct belfry_str beginning(struct page *page, struct belfry_str text)
{
    size_t len = RECORD_SHOWN;
    if (text.len <= len)
        return text;
    while (((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return str_of(arena_printf(page->req->arena, "%.*s\xE2\x80\xA6", (int)len, text.ptr));
}

void dress_attempt(struct page *page, json_t *attempt)
{
    int64_t us = json_integer_value(json_object_get(attempt, "elapsed_us"));
    const char *text = us < 1000      ? arena_printf(page->req->arena, "%lld \xC2\xB5s", (long long)us)
                       : us < 1000000 ? arena_printf(page->req->arena, "%.1f ms", (double)us / 1e3)
                                      : arena_printf(page->req->arena, "%.1f s", (double)us / 1e6);
    json_object_set_new(attempt, "elapsed", json_string(text));
    json_t *record = json_object_get(attempt, "record");
    char *kept = json_is_object(record) ? json_dumps(record, JSON_INDENT(2)) : NULL;
    if (kept)
        json_set_str(attempt, "record_text", beginning(page, str_of(kept)));
    free(kept);
}

const char *dress_health(const json_t *endpoint)
{
    if (json_is_false(json_object_get(endpoint, "enabled")))
        return "disabled";
    struct belfry_str breaker = json_str(json_at(endpoint, "/breaker/code"));
    if (breaker.len && !str_eqz(breaker, "closed"))
        return "breaker_open";
    return json_is_true(json_object_get(endpoint, "failing")) ? "failing" : "ok";
}

json_t *dress_chip(struct page *page, const char *word, const char *tone)
{
    json_t *chip = json_object();
    json_set_str(chip, "label", page_word(page, "state", word));
    json_object_set_new(chip, "tone", json_string(tone));
    return chip;
}
