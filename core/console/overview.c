/* SPDX-License-Identifier: Apache-2.0 */
/* The first look: is anything wrong, and where does one read on? Numbers first, then what is down, then rows. */
#include "console/internal.h"

#define NONE STR("\xE2\x80\x93")
#define LATE_MS 300000 /* what is due for longer says that a channel does not keep up */

enum { NUMBERS, LATEST, RETRYING };

void overview_ask(struct page *page)
{
    page_ask(page, "GET", "/overview", NULL);
    page_ask(page, "GET", "/events?limit=8", NULL);
    page_ask(page, "GET", "/deliveries?state=retrying&limit=8", NULL);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static void add_figure(struct page *page, json_t *figures, const char *name, struct belfry_str value, const char *tone,
                       const char *href)
{
    json_t *figure = json_object();
    json_set_str(figure, "caption", page_word(page, "figure", name));
    json_set_str(figure, "value", value);
    json_object_set_new(figure, "tone", json_string(tone));
    if (href)
        json_object_set_new(
            figure, "href",
            json_string(arena_printf(page->req->arena, "/%.*s/admin%s", STR_ARG(page->req->pub.org), href)));
    json_array_append_new(figures, figure);
}

/* more: it was counted so far only. */
static struct belfry_str number(struct page *page, int64_t n, int more)
{
    struct belfry_str text = page_count_text(page, "figure.number", n);
    return more ? str_of(arena_printf(page->req->arena, "%.*s+", STR_ARG(text))) : text;
}

static struct belfry_str duration(struct page *page, const json_t *ms)
{
    int64_t n = json_integer_value(ms);
    if (!json_is_integer(ms))
        return NONE;
    return str_of(n < 1000 ? arena_printf(page->req->arena, "%lld ms", (long long)n)
                           : arena_printf(page->req->arena, "%.1f s", (double)n / 1e3));
}

static int64_t sum(const json_t *list)
{
    const json_t *n;
    size_t i;
    int64_t all = 0;
    json_array_foreach(list, i, n) all += json_integer_value(n);
    return all;
}

/* How long the oldest that is due waits. What is due in future is late for nobody. */
static void add_oldest(struct page *page, json_t *figures, const json_t *numbers)
{
    const json_t *queue, *queues = json_object_get(numbers, "queues");
    size_t i;
    int64_t oldest = INT64_MAX, now = 0, ms;
    time_parse(json_str(json_at(numbers, "/at/iso")), &now);
    json_array_foreach(queues, i, queue)
    {
        if (time_parse(json_str(json_at(queue, "/oldest_due/iso")), &ms) == BELFRY_OK && ms < oldest)
            oldest = ms;
    }
    int late = oldest < now - LATE_MS;
    add_figure(page, figures, "oldest_due", oldest < now ? http_ago(page->req, oldest) : NONE, late ? "bad" : "",
               "/deliveries?state=retrying");
}

static void add_waiting(struct page *page, json_t *figures, const json_t *queues)
{
    const json_t *queue;
    size_t i;
    int64_t open = 0;
    int more = 0;
    json_array_foreach(queues, i, queue)
    {
        open += json_integer_value(json_object_get(queue, "open"));
        more |= json_is_true(json_object_get(queue, "more"));
    }
    add_figure(page, figures, "waiting", number(page, open, more), "", "/deliveries");
}

static json_t *figures_json(struct page *page, const json_t *numbers)
{
    json_t *figures = json_array(), *queues = json_object_get(numbers, "queues");
    json_t *minutes = json_object_get(numbers, "minutes"), *dead = json_object_get(numbers, "dead_letters");
    int64_t letters = json_integer_value(json_object_get(dead, "count"));
    int64_t failed = sum(json_object_get(minutes, "failed"));
    add_figure(page, figures, "dead_letters", number(page, letters, json_is_true(json_object_get(dead, "more"))),
               letters ? "bad" : "", "/dead-letters");
    add_waiting(page, figures, queues);
    add_oldest(page, figures, numbers);
    add_figure(page, figures, "delivered", number(page, sum(json_object_get(minutes, "delivered")), 0), "",
               "/deliveries?state=delivered");
    add_figure(page, figures, "failed", number(page, failed, 0), failed ? "bad" : "", "/deliveries?state=failed");
    add_figure(page, figures, "suppressed", number(page, sum(json_object_get(minutes, "suppressed")), 0), "", NULL);
    const char *times =
        arena_printf(page->req->arena, "%.*s / %.*s", STR_ARG(duration(page, json_object_get(minutes, "p50_ms"))),
                     STR_ARG(duration(page, json_object_get(minutes, "p95_ms"))));
    add_figure(page, figures, "times", str_of(times), "", NULL);
    return figures;
}

/* --- channels and trouble ----------------------------------------------------------------------------------------- */

/* {"retrying": 3} as a list for a template. */
static json_t *states_json(struct page *page, const json_t *states)
{
    json_t *list = json_array(), *count;
    const char *state;
    json_object_foreach((json_t *)(uintptr_t)states, state, count)
    {
        json_t *out = json_object();
        json_object_set_new(out, "code", json_string(state));
        json_set_str(out, "label", page_word(page, "state", state));
        json_object_set_new(out, "tone", json_string(dress_tone(state)));
        json_set_str(out, "amount", number(page, json_integer_value(count), 0));
        json_array_append_new(list, out);
    }
    return list;
}

static void add_queues(struct page *page, json_t *numbers)
{
    json_t *queues = json_object_get(numbers, "queues"), *queue;
    size_t i;
    json_array_foreach(queues, i, queue)
    {
        json_object_set_new(queue, "amounts", states_json(page, json_object_get(queue, "states")));
        json_set_str(queue, "depth",
                     number(page, json_integer_value(json_object_get(queue, "open")),
                            json_is_true(json_object_get(queue, "more"))));
    }
}

static int any(const json_t *numbers, const char *list)
{
    return json_array_size(json_object_get(numbers, list)) > 0;
}

static void add_numbers(struct page *page)
{
    json_t *numbers = page_got(page, NUMBERS);
    if (!numbers) {
        json_object_set(page->model, "no_numbers", json_object_get(page->questions[NUMBERS].answer, "detail"));
        return;
    }
    add_queues(page, numbers);
    json_object_set_new(numbers, "figures", figures_json(page, numbers));
    json_object_set_new(numbers, "trouble",
                        json_boolean(any(numbers, "endpoints_down") || any(numbers, "endpoints_failing") ||
                                     any(numbers, "feeds_failing") || any(numbers, "quarantined") ||
                                     json_is_false(json_at(numbers, "/reload/ok"))));
    json_object_set_new(numbers, "rejected", json_boolean(json_is_false(json_at(numbers, "/reload/ok"))));
    json_object_set(page->model, "numbers", numbers);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* A short list of the front page: its first rows, and whether there are more. */
static void add_list(struct page *page, const char *name, size_t question)
{
    json_t *answer = page_got(page, question), *list = json_object();
    json_t *items = json_object_get(answer, "items");
    json_object_set_new(list, "some", json_boolean(json_array_size(items) > 0));
    json_object_set_new(list, "more", json_boolean(json_is_string(json_object_get(answer, "next"))));
    if (items)
        json_object_set(list, "items", items);
    if (!answer)
        json_object_set(list, "wrong", json_object_get(page->questions[question].answer, "detail"));
    json_object_set_new(page->model, name, list);
}

void overview_show(struct page *page)
{
    add_numbers(page);
    add_list(page, "latest", LATEST);
    add_list(page, "retrying", RETRYING);
}
