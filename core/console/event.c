/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event and its story; the box that answers about one person; and what the event says, which stays hidden until
 * somebody asks for it, because that is written down.
 */
#include "console/internal.h"

/* What was refused is another kind of row. */
void events_show(struct page *page)
{
    struct belfry_str refused;
    int is_refused = http_query(page->req, "refused", 0, &refused) == BELFRY_OK && str_eqz(refused, "true");
    json_object_set_new(page->model, "is_refused", json_boolean(is_refused));
}

static struct belfry_str who_of(struct page *page)
{
    struct belfry_str who;
    return http_query(page->req, "who", 0, &who) == BELFRY_OK ? str_trim(who) : STR("");
}

static struct belfry_str id_of(struct page *page)
{
    return http_param(page->req, "id");
}

void event_ask(struct page *page)
{
    struct belfry_str who = who_of(page);
    json_set_str(page->model, "who", who);
    json_set_str(page->model, "id", id_of(page));
    if (!who.len)
        return;
    json_t *body = json_object();
    json_set_str(body, "event", id_of(page));
    json_set_str(body, "who", who);
    page_ask(page, "POST", "/explain", body);
}

/* The answer about one person: their own line of the story, or that there is none. */
static void add_person(struct page *page)
{
    json_t *story = page_got(page, 1), *one = json_object();
    json_set_str(one, "name", who_of(page));
    if (!story) {
        json_object_set(one, "wrong", json_object_get(page->questions[1].answer, "detail"));
    } else {
        story_dress(page, story);
        json_object_set(one, "recipients", json_object_get(story, "recipients"));
        json_object_set_new(one, "not_among", json_boolean(!json_is_true(json_object_get(story, "has_people"))));
    }
    json_object_set_new(page->model, "about", one);
}

/* Other events about the same thing are one link away. */
static void add_subject(struct page *page, json_t *story)
{
    json_t *event = json_object_get(story, "event");
    const char *subject = page_encoded(page, json_str(json_object_get(event, "subject")));
    json_object_set_new(event, "subject_query", json_string(subject));
}

void event_show(struct page *page)
{
    add_subject(page, page_got(page, 0));
    story_dress(page, page_got(page, 0));
    if (page->asked > 1)
        add_person(page);
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

static void revealed(struct page *page)
{
    json_t *story = page_got(page, 0), *shown = json_object();
    if (!story) {
        json_decref(shown);
        page_problem(page, 0);
        return;
    }
    json_object_set(shown, "words", json_at(story, "/event/body"));
    json_object_set_new(shown, "source_data", json_string(page_pretty(page, json_at(story, "/event/data"))));
    json_object_set_new(page->model, "revealed", shown);
    dress(page, story);
    add_subject(page, story);
    story_dress(page, story);
    page_render(page);
}

/* Asked for without `bodies=hidden` the story says all, also what conditions met, and the API writes that down. */
void reveal_act(struct page *page)
{
    page->view = page_view(page, "event");
    json_set_str(page->model, "id", id_of(page));
    page_ask(page, "GET", arena_printf(page->req->arena, "/events/%s", page_encoded(page, id_of(page))), NULL);
    page_go(page, revealed);
}
