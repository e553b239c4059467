/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about an endpoint that is there: a test, another secret, what was missed once more, on, off, away. */
#include "portal/internal.h"

#include <string.h>

static void set_endpoint(struct page *page, const json_t *endpoint)
{
    static const char *const members[] = {"id", "url", "version", "held", "pending"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_object_set(page->model, members[i], json_object_get(endpoint, members[i]));
}

/* The page once more, with what the API said about the form: its faults at their fields, or above it. */
static void refused(struct page *page)
{
    const struct http_question *q = &page->questions[0];
    json_t *fault, *errors = json_object_get(q->answer, "errors"), *at = json_object();
    size_t i;
    json_array_foreach(errors, i, fault)
    {
        const char *pointer = json_string_value(json_object_get(fault, "pointer"));
        if (pointer && *pointer)
            json_set_str(at, pointer + 1, page_word(page, "wrong", pointer + 1));
    }
    page->status = q->status;
    json_object_set_new(page->model, "at", at);
    if (!errors)
        refusal_show(page, q->status, q->answer);
}

/* --- a test ------------------------------------------------------------------------------------------------------- */

static struct belfry_str asked_type(struct page *page)
{
    struct belfry_str type = page_field(page, "type");
    if (!type.len && http_query(page->req, "type", 0, &type) != BELFRY_OK)
        type = STR("");
    return str_trim(type);
}

static struct belfry_str asked_delivery(struct page *page)
{
    struct belfry_str delivery;
    return http_query(page->req, "delivery", 0, &delivery) == BELFRY_OK ? delivery : STR("");
}

void test_ask(struct page *page)
{
    page_ask(page, "GET", "/event-types", NULL);
    if (asked_delivery(page).len)
        page_ask(page, "GET", endpoint_path(page, "/attempts?limit=50"), NULL);
}

/* Types to choose from, and the body of the one that is chosen; the first when none is. */
static void set_choices(struct page *page, const json_t *catalogue)
{
    struct belfry_str wanted = asked_type(page);
    json_t *choices = json_array(), *type;
    size_t i;
    json_array_foreach(json_object_get(catalogue, "items"), i, type)
    {
        struct belfry_str name = json_str(json_object_get(type, "type"));
        if (json_is_false(json_object_get(type, "webhooks")))
            continue;
        int chosen = wanted.len ? str_eq(name, wanted) : json_array_size(choices) == 0;
        json_t *choice = json_object();
        json_set_str(choice, "value", name);
        json_object_set_new(choice, "selected", json_boolean(chosen));
        json_array_append_new(choices, choice);
        if (!chosen)
            continue;
        json_set_str(page->model, "type", name);
        json_object_set(page->model, "doc", json_object_get(type, "doc"));
        json_object_set_new(page->model, "example", json_string(page_pretty(page, json_object_get(type, "example"))));
    }
    json_object_set_new(page->model, "choices", choices);
}

/* The attempts of the test that was sent; none yet: the page can be looked at again. */
static void set_sent(struct page *page, const json_t *attempts)
{
    struct belfry_str delivery = asked_delivery(page);
    json_t *found = json_array(), *attempt;
    size_t i;
    if (!delivery.len) {
        json_decref(found);
        return;
    }
    json_array_foreach(json_object_get(attempts, "items"), i, attempt)
    {
        if (str_eq(json_str(json_object_get(attempt, "delivery")), delivery))
            json_array_append(found, attempt);
    }
    attempts_dress(page, found);
    json_object_set_new(page->model, "sent", json_true());
    json_object_set_new(page->model, "has_tries", json_boolean(json_array_size(found) > 0));
    json_set_str(page->model, "delivery", delivery);
    json_object_set_new(page->model, "tries", found);
}

void test_show(struct page *page)
{
    set_endpoint(page, page_got(page, 0));
    set_choices(page, page_got(page, 1));
    if (page->asked > 2)
        set_sent(page, page_got(page, 2));
}

static void tested_too_often(struct page *page)
{
    if (!page_got(page, 0)) {
        page_problem(page, 0);
        return;
    }
    page->status = 429;
    json_object_set_new(page->model, "often", json_true());
    test_show(page);
    page_render(page);
}

static void tested(struct page *page)
{
    const json_t *answer = page_got(page, 0);
    if (!answer && page->questions[0].status == 429) {
        page_again(page);
        page_ask(page, "GET", endpoint_path(page, ""), NULL);
        test_ask(page);
        page_go(page, tested_too_often);
        return;
    }
    if (!answer) {
        page_problem(page, 0);
        return;
    }
    const char *type = page_encoded(page, asked_type(page));
    const char *delivery = page_encoded(page, json_str(json_object_get(answer, "delivery")));
    page_done(page, endpoint_page(page, arena_printf(page->req->arena, "/test?type=%s&delivery=%s", type, delivery)),
              "tested", 1, 0);
}

void test_act(struct page *page)
{
    json_t *body = json_object();
    page->view = page_view(page, "test");
    json_set_str(body, "type", asked_type(page));
    page_ask(page, "POST", endpoint_path(page, "/test"), body);
    page_go(page, tested);
}

/* --- another secret ----------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *seconds;
} overlaps[] = {{"none", "0"}, {"hour", "3600"}, {"day", "86400"}, {"week", "604800"}};

static void set_overlaps(struct page *page, struct belfry_str now)
{
    json_t *options = json_array();
    for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
        json_t *option = json_object();
        json_object_set_new(option, "value", json_string(overlaps[i].seconds));
        json_set_str(option, "label", page_word(page, "overlap", overlaps[i].name));
        json_object_set_new(option, "selected", json_boolean(str_eqz(now, overlaps[i].seconds)));
        json_array_append_new(options, option);
    }
    json_object_set_new(page->model, "overlaps", options);
}

void rotate_show(struct page *page)
{
    set_endpoint(page, page_got(page, 0));
    set_overlaps(page, STR("86400"));
}

/* The form once more, about the endpoint as it is now. */
static void rotate_overtaken(struct page *page)
{
    if (!page_got(page, 0)) {
        page_problem(page, 0);
        return;
    }
    page->status = 409;
    json_object_set_new(page->model, "overtaken", json_true());
    rotate_show(page);
    page_render(page);
}

static void rotated(struct page *page)
{
    if (page_got(page, 0)) {
        secret_show(page, page_got(page, 0));
    } else if (page->questions[0].status == 412) {
        page_again(page);
        page_ask(page, "GET", endpoint_path(page, ""), NULL);
        page_go(page, rotate_overtaken);
    } else {
        page_problem(page, 0);
    }
}

/* A secret that is made twice, by a second click or a page that is loaded again, would be one that nobody has: the
 * form says of which version it was. */
void rotate_act(struct page *page)
{
    struct belfry_str version = page_field(page, "version");
    int64_t seconds;
    json_t *body = json_object();
    page->view = page_view(page, "rotate");
    if (str_to_i64(page_field(page, "overlap"), &seconds) == BELFRY_OK)
        json_object_set_new(body, "overlap", json_integer(seconds));
    size_t question = page_ask(page, "POST", endpoint_path(page, "/rotate"), body);
    if (version.len)
        page_if_version(page, question, version);
    page_go(page, rotated);
}

/* --- what was missed ---------------------------------------------------------------------------------------------- */

/* Since when deliveries have not arrived, where that is known, is offered. */
void recover_show(struct page *page)
{
    const json_t *endpoint = page_got(page, 0), *since = json_at(endpoint, "/failing_since/iso");
    if (!since)
        since = json_at(endpoint, "/disabled_at/iso");
    set_endpoint(page, endpoint);
    json_set_str(page->model, "zone", http_zone(page->req));
    json_object_set_new(page->model, "since", json_string(local_write(page, json_str(since))));
}

static void recover_again(struct page *page)
{
    const json_t *endpoint = page->own; /* of the question that was refused only its answer is left */
    set_endpoint(page, endpoint);
    json_set_str(page->model, "zone", http_zone(page->req));
    page_render(page);
}

static void recovered(struct page *page)
{
    const json_t *answer = page_got(page, 0);
    if (answer) {
        int64_t count = json_integer_value(json_object_get(answer, "count"));
        page_done(page, endpoint_page(page, ""), "recovered", (size_t)(count > 0 ? count : 0), 0);
        return;
    }
    if (page->questions[0].status == 404) {
        page_problem(page, 0);
        return;
    }
    refused(page);
    json_set_str(page->model, "since", page_field(page, "since"));
    json_set_str(page->model, "until", page_field(page, "until"));
    recover_again(page);
}

static void recover(struct page *page)
{
    json_t *body = json_object();
    struct belfry_str since = page_field(page, "since"), until = page_field(page, "until");
    page->own = page_got(page, 0);
    if (!page->own) {
        json_decref(body);
        page_problem(page, 0);
        return;
    }
    json_set_str(body, "since", local_read(page, since, 0));
    if (until.len)
        json_set_str(body, "until", local_read(page, until, 1));
    page_again(page);
    page_ask(page, "POST", endpoint_path(page, "/recover"), body);
    page_go(page, recovered);
}

void recover_act(struct page *page)
{
    page->view = page_view(page, "recover");
    page_ask(page, "GET", endpoint_path(page, ""), NULL);
    page_go(page, recover);
}

/* --- on, off, away ------------------------------------------------------------------------------------------------ */

/* The last word of the path says what is to be confirmed. */
static const char *deed_of(const struct page *page)
{
    static const char *const deeds[] = {"enable", "disable", "delete"};
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
        if (str_has_suffix(page->req->pub.path, str_of(deeds[i])))
            return deeds[i];
    return NULL;
}

void confirm_show(struct page *page)
{
    const char *deed = deed_of(page);
    set_endpoint(page, page_got(page, 0));
    json_object_set_new(page->model, "deed", json_string(deed));
    json_set_str(page->model, "question", page_word(page, "confirm", deed));
    json_set_str(page->model, "do", page_word(page, "do", deed));
}

static void confirmed(struct page *page)
{
    const char *deed = deed_of(page);
    int away = strcmp(deed, "delete") == 0;
    if (page->questions[0].status / 100 != 2)
        page_problem(page, 0);
    else
        page_done(page, away ? "" : endpoint_page(page, ""), arena_printf(page->req->arena, "%sd", deed), 1, 0);
}

void confirm_act(struct page *page)
{
    const char *deed = deed_of(page);
    page->view = page_view(page, deed);
    if (strcmp(deed, "delete") == 0) {
        size_t question = page_ask(page, "DELETE", endpoint_path(page, ""), NULL);
        if (page_field(page, "version").len)
            page_if_version(page, question, page_field(page, "version"));
    } else {
        page_ask(page, "POST", endpoint_path(page, arena_printf(page->req->arena, "/%s", deed)), NULL);
    }
    page_go(page, confirmed);
}
