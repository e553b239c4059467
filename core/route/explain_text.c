/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story as text for a terminal: what was looked at, in the order in which it was looked at, a mark before each line.
 * Every text that came from outside passes through text_line, so that no event can write escape sequences.
 */
#include "route/explain.h"

#include "base/clock.h"
#include "base/str.h"
#include "event/event.h"

#include <stdlib.h>

#define MARK_YES "\xe2\x9c\x93"   /* check mark */
#define MARK_NO "\xe2\x9c\x97"    /* ballot x */
#define MARK_WAITS "\xe2\x80\xa6" /* ellipsis */

struct text {
    struct buf *out;
    struct arena *arena;
    const struct story *story;
    const struct explain_filter *filter;
};

static void put(struct text *t, struct belfry_str s)
{
    buf_adds(t->out, text_line(t->arena, s));
}

static void putz(struct text *t, const char *s)
{
    put(t, str_of(s));
}

/* Padded to a number of characters, and at least two blanks behind it. */
static void put_column(struct text *t, struct belfry_str s, size_t width)
{
    struct belfry_str clean = text_line(t->arena, s);
    size_t chars = 0;
    for (size_t pos = 0; pos < clean.len; chars++)
        str_utf8_next(clean, &pos);
    buf_adds(t->out, clean);
    for (size_t i = chars; i < width || i < chars + 2; i++)
        buf_addc(t->out, ' ');
}

/* Takes blanks off the end of the line and ends it. */
static void end_line(struct text *t)
{
    while (t->out->len > 0 && t->out->ptr[t->out->len - 1] == ' ')
        t->out->len--;
    buf_addc(t->out, '\n');
}

/* " (in 5m)", " (in 7h 53m)": the two largest units, whole. */
static void put_ahead(struct text *t, int64_t ms)
{
    static const struct {
        int64_t seconds;
        char name;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t left = (ms + 999) / 1000;
    size_t first = 0;
    while (left < units[first].seconds)
        first++;
    buf_addf(t->out, " (in %lld%c", (long long)(left / units[first].seconds), units[first].name);
    left %= units[first].seconds;
    if (first + 1 < sizeof(units) / sizeof(units[0]) && left >= units[first + 1].seconds)
        buf_addf(t->out, " %lld%c", (long long)(left / units[first + 1].seconds), units[first + 1].name);
    buf_addc(t->out, ')');
}

/* The instant and, when it lies ahead, how far. */
static void put_time(struct text *t, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    time_format(ms, text);
    buf_addz(t->out, text);
    if (t->story->now_ms && ms > t->story->now_ms)
        put_ahead(t, ms - t->story->now_ms);
}

/* --- event --- */

static void put_attribute(struct text *t, const char *name, struct belfry_str value)
{
    if (value.len == 0)
        return;
    buf_addf(t->out, " %s=", name);
    put(t, value);
}

static void put_detail(struct text *t, const char *name, struct belfry_str value)
{
    if (value.len == 0)
        return;
    buf_addf(t->out, "         %-9s", name);
    put(t, value);
    end_line(t);
}

static void put_event(struct text *t)
{
    const struct story *story = t->story;
    buf_addz(t->out, "event    ");
    put(t, story->source);
    buf_addc(t->out, ' ');
    put(t, story->type);
    put_attribute(t, "org", story->org);
    put_attribute(t, "severity", str_of(severity_name(story->severity)));
    put_attribute(t, "category", story->category);
    put_attribute(t, "subject", story->subject);
    put_attribute(t, "actor", story->actor);
    end_line(t);
    put_detail(t, "title", story->title);
    put_detail(t, "id", story->id);
    put_detail(t, "trigger", story->trigger_id);
    put_detail(t, "validity", str_of(story->validity));
    put_detail(t, "note", story->note);
    if (story->time_ms) {
        buf_addz(t->out, "         time     ");
        put_time(t, story->time_ms);
        end_line(t);
    }
    if (story->generation)
        buf_addf(t->out, "         config   generation %llu\n", (unsigned long long)story->generation);
}

/* --- rules --- */

static void put_step(struct text *t, const struct story_step *step)
{
    buf_addf(t->out, "%*s%s ", 6 + 2 * (int)step->depth, "", step->result ? MARK_YES : MARK_NO);
    if (step->path)
        put_column(t, str_of(step->path), 18);
    if (step->actual)
        put_column(t, str_of(step->test), 28);
    else
        putz(t, step->test);
    if (step->actual) {
        buf_addz(t->out, "event: ");
        putz(t, step->actual);
    }
    if (step->note) {
        buf_addz(t->out, "  ");
        putz(t, step->note);
    }
    end_line(t);
}

static void put_rule(struct text *t, const struct story_rule *rule)
{
    int exception = 0;
    buf_addf(t->out, "  %s ", rule->matched ? MARK_YES : MARK_NO);
    put_column(t, str_of(rule->name), 30);
    if (rule->file) {
        char *line = arena_printf(t->arena, "%s:%u", rule->file, rule->line);
        put_column(t, str_of(line), 24);
    }
    if (rule->why)
        putz(t, rule->why);
    end_line(t);
    for (size_t i = 0; i < rule->step_count; i++) {
        if (rule->steps[i].exception && !exception)
            buf_addz(t->out, "      unless\n");
        exception = rule->steps[i].exception;
        put_step(t, &rule->steps[i]);
    }
}

static void put_rules(struct text *t)
{
    if (t->story->rule_count == 0)
        return;
    buf_addz(t->out, "rules\n");
    for (size_t i = 0; i < t->story->rule_count; i++)
        if (explain_shows_rule(t->filter, t->story->rules[i].name))
            put_rule(t, &t->story->rules[i]);
}

/* --- deliveries --- */

static void put_unless(struct text *t, uint32_t unless)
{
    static const char *const words[] = {"seen", "read", "handled", "hidden"};
    const char *between = " unless ";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!(unless >> i & 1))
            continue;
        buf_addf(t->out, "%s%s", between, words[i]);
        between = " or ";
    }
}

static void put_when(struct text *t, const struct story_delivery *delivery)
{
    enum explain_state state = explain_state(delivery);
    if (state == EXPLAIN_WAITS && delivery->due_ms > t->story->now_ms)
        put_time(t, delivery->due_ms);
    else if (state == EXPLAIN_WAITS || (t->story->dry_run && state == EXPLAIN_DONE))
        buf_addz(t->out, "now");
    else if (delivery->ended_ms)
        put_time(t, delivery->ended_ms);
    if (state == EXPLAIN_WAITS)
        put_unless(t, delivery->unless);
}

static void put_attempt(struct text *t, const struct story_attempt *attempt)
{
    buf_addf(t->out, "          attempt %u  ", attempt->number);
    put_time(t, attempt->at_ms);
    buf_addf(t->out, "  %.1f ms", (double)attempt->elapsed_us / 1000);
    if (attempt->code)
        buf_addf(t->out, "  %d", attempt->code);
    if (attempt->detail.len > 0) {
        buf_addz(t->out, "  ");
        put(t, attempt->detail);
    }
    end_line(t);
}

static void put_delivery(struct text *t, const struct story_delivery *delivery)
{
    static const char *const marks[] = {
        [EXPLAIN_DONE] = MARK_YES, [EXPLAIN_WAITS] = MARK_WAITS, [EXPLAIN_NOT] = MARK_NO};
    struct buf to = {0};
    buf_addf(t->out, "      %s ", marks[explain_state(delivery)]);
    buf_adds(&to, delivery->channel.len > 0 ? delivery->channel : STR("any channel"));
    if (delivery->target.len > 0) {
        buf_addc(&to, '/');
        buf_adds(&to, delivery->target_label.len ? delivery->target_label : delivery->target);
    }
    put_column(t, buf_str(&to), 16);
    buf_free(&to);
    put_column(t, str_of(outcome_name(delivery->outcome)), 22);
    size_t from = t->out->len;
    put_when(t, delivery);
    if (t->out->len > from)
        buf_addz(t->out, "  ");
    if (delivery->reason.len > 0) {
        put(t, delivery->reason);
        buf_addz(t->out, "  ");
    }
    if (delivery->rule.len > 0) {
        buf_addz(t->out, "[rule ");
        put(t, delivery->rule);
        buf_addc(t->out, ']');
    }
    end_line(t);
    for (size_t i = 0; i < delivery->attempt_count; i++)
        put_attempt(t, &delivery->attempts[i]);
}

static size_t put_chain(struct text *t, const struct explain_index *index, size_t head)
{
    size_t shown = 0;
    for (size_t d = head; d != SIZE_MAX; d = index->next[d]) {
        if (!explain_shows_delivery(t->filter, t->story, &t->story->deliveries[d]))
            continue;
        put_delivery(t, &t->story->deliveries[d]);
        shown++;
    }
    return shown;
}

/* --- recipients --- */

static void put_mark(struct text *t, const char *word, int64_t ms)
{
    if (ms == 0)
        return;
    buf_addf(t->out, "  %s ", word);
    put_time(t, ms);
}

static void put_notification(struct text *t, const struct story_notification *n)
{
    buf_addz(t->out, "      row ");
    put(t, n->id);
    if (n->visible_ms == 0)
        buf_addz(t->out, "  not in the inbox");
    put_mark(t, "in the inbox since", n->visible_ms);
    put_mark(t, "seen", n->seen_ms);
    put_mark(t, "read", n->read_ms);
    put_mark(t, "hidden", n->hidden_ms);
    if (n->validity && strcmp(n->validity, "valid") != 0)
        buf_addf(t->out, "  %s", n->validity);
    if (n->note.len > 0) {
        buf_addz(t->out, ": ");
        put(t, n->note);
    }
    if (n->handled_by.len > 0) {
        buf_addz(t->out, "  handled by ");
        put(t, n->handled_by);
    }
    end_line(t);
}

static void put_recipients(struct text *t, const struct explain_index *index)
{
    size_t shown = 0;
    buf_addz(t->out, "recipients\n");
    for (size_t i = 0; i < t->story->recipient_count; i++) {
        const struct story_recipient *recipient = &t->story->recipients[i];
        if (!explain_shows_recipient(t->filter, recipient))
            continue;
        shown++;
        buf_addz(t->out, "  ");
        put_column(t, recipient->name, 20);
        put(t, recipient->reason);
        if (recipient->email)
            buf_addz(t->out, ", an outside address");
        if (recipient->blind)
            buf_addz(t->out, ", may not see this category");
        end_line(t);
        if (recipient->notification)
            put_notification(t, recipient->notification);
        if (put_chain(t, index, index->heads[i]) == 0 && !recipient->notification)
            buf_addz(t->out, "      nothing is delivered\n");
    }
    if (shown > 0)
        return;
    buf_addz(t->out, "  nobody");
    if (t->filter && t->filter->who.len > 0) {
        buf_addz(t->out, ": ");
        put(t, t->filter->who);
        buf_addz(t->out, " is not among them");
    }
    end_line(t);
}

/* Targets, and decisions that concern nobody in particular. */
static void put_others(struct text *t, const struct explain_index *index)
{
    size_t before = t->out->len;
    buf_addz(t->out, "others\n");
    if (put_chain(t, index, index->heads[t->story->recipient_count]) == 0)
        t->out->len = before;
}

static void put_notes(struct text *t)
{
    size_t shown = 0;
    for (size_t i = 0; i < t->story->note_count; i++) {
        const struct story_note *note = &t->story->notes[i];
        if (t->filter && t->filter->who.len > 0 && !str_eq(t->filter->who, note->name))
            continue;
        if (shown++ == 0)
            buf_addz(t->out, "left out\n");
        buf_addz(t->out, "  ");
        put_column(t, note->name, 20);
        putz(t, note->what);
        if (note->rule) {
            buf_addz(t->out, "  [rule ");
            putz(t, note->rule);
            buf_addc(t->out, ']');
        }
        end_line(t);
    }
}

static void put_result(struct text *t)
{
    size_t counts[] = {0, 0, 0};
    for (size_t i = 0; i < t->story->delivery_count; i++)
        if (explain_shows_delivery(t->filter, t->story, &t->story->deliveries[i]))
            counts[explain_state(&t->story->deliveries[i])]++;
    buf_addf(t->out, "result   %zu delivered, %zu waiting, %zu not sent", counts[EXPLAIN_DONE], counts[EXPLAIN_WAITS],
             counts[EXPLAIN_NOT]);
    if (t->story->truncated)
        buf_addz(t->out, ", and there is more than is told here: ask for one recipient");
    if (t->story->to_write)
        buf_addf(t->out, ", and deliveries to endpoints are being written: %lld of %lld are there",
                 (long long)t->story->written, (long long)t->story->to_write);
    buf_addz(t->out, t->story->dry_run ? " (dry run: nothing was written)\n" : "\n");
}

void explain_text(const struct story *story, const struct explain_filter *filter, struct buf *out)
{
    struct text t = {out, arena_new(0), story, filter};
    struct explain_index index = explain_index(story);
    put_event(&t);
    put_rules(&t);
    put_recipients(&t, &index);
    put_others(&t, &index);
    put_notes(&t);
    put_result(&t);
    free(index.heads);
    arena_free(t.arena);
}
