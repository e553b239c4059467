/* SPDX-License-Identifier: Apache-2.0 */
/* A dry run: what a trigger would do, drawn like the story of an event that happened. Writes nothing. */
#include "console/internal.h"

static const char example[] = "{\n"
                              "  \"specversion\": \"1.0\",\n"
                              "  \"id\": \"what-if-1\",\n"
                              "  \"source\": \"/console\",\n"
                              "  \"type\": \"record.created\",\n"
                              "  \"data\": {\"record\": {\"object\": \"Lead\", \"id\": \"1\", \"url\": \"/leads/1\",\n"
                              "    \"owner\": \"ann\", \"created_by\": \"bob\", \"fields\": {\"name\": \"Example\"}}}\n"
                              "}";

static void keep_form(struct page *page, struct belfry_str source, struct belfry_str trigger, struct belfry_str who)
{
    json_set_str(page->model, "source_name", source);
    json_set_str(page->model, "trigger_text", trigger);
    json_set_str(page->model, "who", who);
}

void explain_show(struct page *page)
{
    struct belfry_str source;
    if (http_query(page->req, "source", 0, &source) != BELFRY_OK)
        source = STR("");
    keep_form(page, source, STR(example), STR(""));
}

/* 1: the trigger is JSON; else the form is shown again with what is wrong. */
static void show_wrong(struct page *page, uint32_t status, struct belfry_str detail)
{
    page->status = status;
    json_set_str(page->model, "wrong", detail);
    page_render(page);
}

static void explained(struct page *page)
{
    json_t *answer = page_got(page, 0), *story;
    size_t i;
    if (!answer) {
        const struct http_question *q = &page->questions[0];
        json_object_set(page->model, "faults", json_object_get(q->answer, "errors"));
        show_wrong(page, q->status, json_str(json_object_get(q->answer, "detail")));
        return;
    }
    dress(page, answer);
    json_array_foreach(json_object_get(answer, "events"), i, story) story_dress(page, story);
    json_object_set_new(page->model, "ran", json_true());
    json_set_str(page->model, "outcome_text",
                 i ? page_count_text(page, "explain.events", (int64_t)i) : page_text(page, "explain.none"));
    json_object_set_new(page->model, "has_deeds", json_boolean(json_array_size(json_object_get(answer, "deeds")) > 0));
    page_render(page);
}

void explain_act(struct page *page)
{
    struct belfry_str source = page_field(page, "source"), trigger = page_field(page, "trigger"),
                      who = page_field(page, "who");
    struct error err = {0};
    page->view = page_view(page, "explain");
    keep_form(page, source, trigger, who);
    json_t *event = json_read(trigger, &err);
    if (!event) {
        show_wrong(page, 422, arena_str(page->req->arena, str_of(error_text(&err))));
        error_clear(&err);
        return;
    }
    json_t *body = json_object();
    json_set_str(body, "source", source);
    json_object_set_new(body, "trigger", event);
    if (who.len)
        json_set_str(body, "who", who);
    page_ask(page, "POST", "/explain", body);
    page_go(page, explained);
}
