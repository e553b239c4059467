/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story as somebody reads it who asks why: for each recipient one verdict before the details, and for each rule that
 * did not match the one condition that decided it. A page shows the first RECIPIENTS_SHOWN people; the box beside them
 * answers about any other.
 */
#include "console/internal.h"

#include <string.h>

#define RECIPIENTS_SHOWN 100
#define DELIVERIES_SHOWN 100
#define DEPTH_SHOWN 6 /* levels of conditions that are set off from each other */

static int is(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

static int64_t depth_of(const json_t *step)
{
    return json_integer_value(json_object_get(step, "depth"));
}

/* A step without steps below it is a test; the others only say how tests are joined. */
static int is_leaf(const json_t *steps, size_t i)
{
    const json_t *next = json_array_get(steps, i + 1);
    return !next || depth_of(next) <= depth_of(json_array_get(steps, i));
}

static int is_exception(const json_t *step)
{
    return str_eqz(json_str(json_object_get(step, "part")), "unless");
}

/* The test that decided: the first of `when` that does not hold, else the first of `unless` that does. */
static json_t *deciding(const json_t *steps)
{
    json_t *step;
    size_t i;
    for (int exceptions = 0; exceptions <= 1; exceptions++)
        json_array_foreach(steps, i, step)
        {
            if (is_exception(step) == exceptions && is(step, "result") == exceptions && is_leaf(steps, i))
                return step;
        }
    return NULL;
}

static void rule_dress(struct page *page, json_t *rule)
{
    json_t *steps = json_object_get(rule, "conditions"), *step;
    size_t i;
    json_array_foreach(steps, i, step)
    {
        int64_t depth = depth_of(step) < DEPTH_SHOWN ? depth_of(step) : DEPTH_SHOWN;
        json_object_set_new(step, "level", json_integer(depth));
        json_object_set_new(step, "exception", json_boolean(is_exception(step)));
        json_object_set_new(step, "holds", json_boolean(is(step, "result")));
    }
    json_t *cause = is(rule, "matched") ? NULL : deciding(steps);
    if (cause) {
        json_object_set_new(cause, "decides", json_true());
        json_object_set(rule, "cause", cause);
    }
    json_object_set_new(rule, "has_steps", json_boolean(json_array_size(steps) > 0));
    json_set_str(rule, "verdict", page_text(page, is(rule, "matched") ? "rule.matched" : "rule.not_matched"));
}

/* --- deliveries --------------------------------------------------------------------------------------------------- */

void way_dress(struct page *page, json_t *delivery)
{
    json_t *attempts = json_object_get(delivery, json_object_get(delivery, "timeline") ? "timeline" : "attempts");
    json_t *attempt, *unless = json_object_get(delivery, "unless");
    size_t i;
    json_array_foreach(attempts, i, attempt) dress_attempt(page, attempt);
    json_object_set_new(delivery, "has_attempts", json_boolean(json_array_size(attempts) > 0));
    json_t *ended = json_object_get(delivery, "ended_at");
    json_object_set_new(delivery, "waits", json_boolean(!json_is_object(ended) && json_object_get(delivery, "due_at")));
    struct buf words = {0};
    json_t *word;
    json_array_foreach(unless, i, word)
        buf_addf(&words, "%s%.*s", i ? ", " : "", STR_ARG(page_word(page, "unless", json_string_value(word))));
    if (words.len)
        json_set_str(delivery, "unless_words", buf_str(&words));
    buf_free(&words);
}

static void ways_dress(struct page *page, json_t *deliveries)
{
    size_t i;
    json_t *delivery;
    while (json_array_size(deliveries) > DELIVERIES_SHOWN)
        json_array_remove(deliveries, json_array_size(deliveries) - 1);
    json_array_foreach(deliveries, i, delivery) way_dress(page, delivery);
}

/* --- people ------------------------------------------------------------------------------------------------------- */

/* What became of one recipient in a word: reached, still to come, or not. */
static const char *fate(const json_t *recipient)
{
    const json_t *deliveries = json_object_get(recipient, "deliveries"), *delivery;
    size_t i;
    const char *found = "not_reached";
    json_array_foreach(deliveries, i, delivery)
    {
        struct belfry_str tone = json_str(json_at(delivery, "/outcome/tone"));
        if (str_eqz(tone, "good"))
            return "reached";
        if (str_eqz(tone, "wait"))
            found = "to_come";
    }
    return found;
}

static void recipient_dress(struct page *page, json_t *recipient, int dry)
{
    int blind = json_is_false(json_object_get(recipient, "may_see")); /* a row that is not shown to them tells nobody */
    const char *word = blind ? "not_reached" : fate(recipient), *tone = strcmp(word, "reached") == 0   ? "good"
                                                                        : strcmp(word, "to_come") == 0 ? "wait"
                                                                                                       : "none";
    json_t *verdict = json_object();
    json_set_str(verdict, "label",
                 page_text(page, arena_printf(page->req->arena, "fate.%s%s", dry ? "would_" : "", word)));
    json_object_set_new(verdict, "tone", json_string(tone));
    json_object_set_new(recipient, "verdict", verdict);
    json_object_set_new(recipient, "blind", json_boolean(blind));
    ways_dress(page, json_object_get(recipient, "deliveries"));
}

static void people_dress(struct page *page, json_t *story)
{
    json_t *people = json_object_get(story, "recipients"), *person;
    size_t i, count = json_array_size(people);
    json_set_str(story, "told", page_count_text(page, "story.told", (int64_t)count));
    while (json_array_size(people) > RECIPIENTS_SHOWN)
        json_array_remove(people, json_array_size(people) - 1);
    if (count > RECIPIENTS_SHOWN)
        json_set_str(story, "cut", page_count_text(page, "story.cut", RECIPIENTS_SHOWN));
    json_array_foreach(people, i, person) recipient_dress(page, person, is(story, "dry_run"));
    json_object_set_new(story, "has_people", json_boolean(count > 0));
}

static void progress_dress(struct page *page, json_t *story)
{
    const json_t *written = json_object_get(story, "being_written");
    int64_t done = json_integer_value(json_object_get(written, "done"));
    if (json_is_object(written))
        json_set_str(story, "still_to_write",
                     page_count_text(page, "story.still_to_write",
                                     json_integer_value(json_object_get(written, "total")) - done));
}

void story_dress(struct page *page, json_t *story)
{
    json_t *rules = json_object_get(story, "rules"), *rule;
    size_t i, matched = 0;
    json_array_foreach(rules, i, rule)
    {
        rule_dress(page, rule);
        matched += (size_t)is(rule, "matched");
    }
    json_set_str(story, "matches", page_count_text(page, "story.matches", (int64_t)matched));
    json_t *targets = json_object_get(story, "deliveries");
    json_object_set_new(story, "has_targets", json_boolean(json_array_size(targets) > 0));
    json_object_set_new(story, "has_left_out", json_boolean(json_array_size(json_object_get(story, "left_out")) > 0));
    ways_dress(page, targets);
    progress_dress(page, story);
    people_dress(page, story);
}
