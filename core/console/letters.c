/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters: deliveries that failed for good, those of one cause together. The ticked ones, or all that the filters
 * let through, are tried again or given up; all at once only after their number was typed. What failed after that
 * number was read is not among them, and the API refuses when there are fewer by then.
 */
#include "console/internal.h"

#include <string.h>

#define SHOWN 200

static const char *const narrowing[] = {"channel", "target", "recipient", "rule", "reason", "from", "to"};
#define NARROWING (sizeof(narrowing) / sizeof(narrowing[0]))

void letters_ask(struct page *page)
{
    page_ask(page, "GET",
             arena_printf(page->req->arena, "/deliveries%s%cstate=failed&total=true&limit=%d", page->query,
                          *page->query ? '&' : '?', SHOWN),
             NULL);
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static size_t digits(struct belfry_str s, size_t at)
{
    size_t end = at;
    while (end < s.len && s.ptr[end] >= '0' && s.ptr[end] <= '9')
        end++;
    return end - at;
}

/* "refused: ... after 3 ms" and "... after 0 ms" are one cause: numbers behind the colon are of the attempt. */
static int is_same_cause(struct belfry_str a, struct belfry_str b)
{
    size_t i = 0, j = 0;
    int behind = 0;
    while (i < a.len && j < b.len && (a.ptr[i] == b.ptr[j] || (behind && digits(a, i) && digits(b, j)))) {
        size_t m = behind ? digits(a, i) : 0, n = behind ? digits(b, j) : 0;
        behind |= a.ptr[i] == ':';
        i += m ? m : 1;
        j += n ? n : 1;
    }
    return i == a.len && j == b.len;
}

/* Rows of one channel that failed for the same reason. New when there is none yet. Borrowed. */
static json_t *group_of(json_t *groups, json_t *row)
{
    json_t *group, *channel = json_object_get(row, "channel"), *why = json_object_get(row, "detail");
    size_t i;
    json_array_foreach(groups, i, group)
    {
        if (json_equal(json_object_get(group, "channel"), channel) &&
            is_same_cause(json_str(json_object_get(group, "why")), json_str(why)))
            return group;
    }
    group = json_object();
    json_object_set(group, "channel", channel);
    json_object_set(group, "why", why);
    json_object_set_new(group, "letters", json_array());
    json_array_append_new(groups, group);
    return group;
}

void letters_show(struct page *page)
{
    json_t *groups = json_array(), *group, *row, *answer = page_got(page, 0);
    size_t i;
    deliveries_show(page);
    json_array_foreach(json_object_get(answer, "items"), i, row)
        json_array_append(json_object_get(group_of(groups, row), "letters"), row);
    json_array_foreach(groups, i, group) json_set_str(
        group, "size",
        page_count_text(page, "letters.size", (int64_t)json_array_size(json_object_get(group, "letters"))));
    json_object_set_new(page->model, "groups", groups);
    if (json_is_true(json_object_get(answer, "total_more")))
        return; /* nobody can confirm a number that nobody knows */
    int64_t total = json_integer_value(json_object_get(answer, "total"));
    json_set_str(page->model, "retry_all", page_count_text(page, "letters.retry_all", total));
    json_set_str(page->model, "discard_all", page_count_text(page, "letters.discard_all", total));
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

/* What narrows the list down, as the form has it, or as the API takes it. 0: this does not. */
static int narrowed(struct page *page, const char *name, int api, struct belfry_str *value)
{
    *value = page_field(page, name);
    if (api && (strcmp(name, "from") == 0 || strcmp(name, "to") == 0))
        *value = list_time(page, *value);
    return value->len > 0;
}

static json_t *filter_of(struct page *page)
{
    struct belfry_str value;
    json_t *filter = json_object();
    json_object_set_new(filter, "state", json_string("failed"));
    for (size_t i = 0; i < NARROWING; i++)
        if (narrowed(page, narrowing[i], 1, &value))
            json_set_str(filter, narrowing[i], value);
    return filter;
}

static const char *with_filters(struct page *page, const char *path, int api)
{
    struct belfry_str value;
    for (size_t i = 0; i < NARROWING; i++)
        if (narrowed(page, narrowing[i], api, &value))
            path = arena_printf(page->req->arena, "%s%c%s=%s", path, strchr(path, '?') ? '&' : '?', narrowing[i],
                                page_encoded(page, value));
    return path;
}

/* Where the form came from, with its filters. */
static const char *way_back(struct page *page)
{
    return with_filters(page, "/dead-letters", 0);
}

static int discards(struct page *page)
{
    return str_has_prefix(page_field(page, "do"), STR("discard"));
}

static void done(struct page *page)
{
    const json_t *answer = page_got(page, 0);
    if (!answer) {
        page_problem(page, 0);
        return;
    }
    int64_t matched = json_integer_value(json_object_get(answer, "matched"));
    int64_t changed = json_integer_value(json_object_get(answer, "changed"));
    page_done(page, way_back(page), discards(page) ? "discarded" : "retried", (size_t)changed,
              matched > changed ? (size_t)(matched - changed) : 0);
}

static void redrive(struct page *page, json_t *body)
{
    json_set_str(body, "reason", page_field(page, "why"));
    page_ask(page, "POST", discards(page) ? "/deliveries/discard" : "/deliveries/retry", body);
    page_go(page, done);
}

static void act_on_ticked(struct page *page)
{
    json_t *ids = json_array(), *body = json_object();
    struct belfry_str id;
    for (uint32_t i = 0; i < SHOWN && http_form(page->req, "ids", i, &id) == BELFRY_OK; i++)
        json_array_append_new(ids, json_stringn(id.ptr, id.len));
    size_t count = json_array_size(ids);
    json_object_set_new(body, "ids", ids);
    if (count && page_field(page, "why").len) {
        redrive(page, body);
        return;
    }
    json_decref(body);
    page_fault(page, 422, count ? "reason" : "nothing");
}

/* How many there are is asked anew, so that what is typed is what is so. */
static void confirm(struct page *page)
{
    json_t *answer = page_got(page, 0), *fields = json_array();
    struct belfry_str value;
    for (size_t i = 0; i < NARROWING; i++) {
        if (!narrowed(page, narrowing[i], 0, &value))
            continue;
        json_t *field = json_object();
        json_object_set_new(field, "field", json_string(narrowing[i]));
        json_set_str(field, "caption", page_word(page, "filter", narrowing[i]));
        json_set_str(field, "now", value);
        json_array_append_new(fields, field);
    }
    if (!answer) {
        json_decref(fields);
        page_problem(page, 0);
        return;
    }
    int64_t total = json_integer_value(json_object_get(answer, "total"));
    json_object_set_new(page->model, "narrowed", fields);
    json_set_str(page->model, "why", page_field(page, "why"));
    json_object_set_new(page->model, "total", json_integer(total));
    json_object_set(page->model, "as_of", json_object_get(answer, "as_of"));
    json_object_set_new(page->model, "deed", json_string(discards(page) ? "discard-sure" : "retry-sure"));
    json_object_set_new(
        page->model, "back",
        json_string(arena_printf(page->req->arena, "/%.*s/admin%s", STR_ARG(page->req->pub.org), way_back(page))));
    json_set_str(page->model, "question",
                 page_count_text(page, discards(page) ? "letters.sure_discard" : "letters.sure_retry", total));
    page_render_as(page, "confirm");
}

static void ask_how_many(struct page *page)
{
    page_ask(page, "GET", with_filters(page, "/deliveries?state=failed&total=true&limit=1", 1), NULL);
    page_go(page, confirm);
}

static void act_on_all(struct page *page)
{
    int64_t expected, typed;
    if (str_to_i64(page_field(page, "expected"), &expected) != BELFRY_OK ||
        str_to_i64(page_field(page, "typed"), &typed) != BELFRY_OK || typed != expected) {
        page_fault(page, 422, "count");
    } else if (!page_field(page, "why").len) {
        page_fault(page, 422, "reason");
    } else {
        json_t *body = json_object();
        json_object_set_new(body, "filter", filter_of(page));
        json_object_set_new(body, "expected", json_integer(expected));
        json_set_str(body, "as_of", page_field(page, "as_of"));
        redrive(page, body);
    }
}

void letters_act(struct page *page)
{
    struct belfry_str what = page_field(page, "do");
    page->view = page_view(page, "letters");
    if (str_eqz(what, "retry") || str_eqz(what, "discard"))
        act_on_ticked(page);
    else if (str_eqz(what, "retry-all") || str_eqz(what, "discard-all"))
        ask_how_many(page);
    else if (str_eqz(what, "retry-sure") || str_eqz(what, "discard-sure"))
        act_on_all(page);
    else
        page_fault(page, 400, "no_deed");
}
