/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts: what was asked and what was answered, as text. What an endpoint answers is its own, and may be anything: it
 * is shown as it came, cut where it is long, and never as more than text.
 */
#include "portal/internal.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 20000 /* bytes of a body; the record has no more */

/* --- one attempt -------------------------------------------------------------------------------------------------- */

/* Not in the middle of a character. */
static struct belfry_str cut(struct page *page, struct belfry_str text)
{
    size_t len = TEXT_MAX;
    if (text.len <= len)
        return text;
    while (((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return str_of(arena_printf(page->req->arena, "%.*s\xE2\x80\xA6", (int)len, text.ptr));
}

static json_t *headers_text(const json_t *headers)
{
    struct buf out = {0};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)headers, name, value)
        buf_addf(&out, "%s%s: %.*s", out.len ? "\n" : "", name, STR_ARG(json_str(value)));
    json_t *text = json_stringn(out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}

/* A body is text, or base64 of what is none. */
static json_t *body_text(struct page *page, const json_t *side)
{
    struct belfry_str body = json_str(json_object_get(side, "body"));
    if (!body.len)
        body = json_str(json_object_get(side, "body_base64"));
    body = cut(page, body);
    return json_stringn(body.ptr ? body.ptr : "", body.len);
}

static void side_dress(struct page *page, json_t *attempt, const char *name, const json_t *side)
{
    json_t *out = json_object();
    json_object_set_new(out, "head", headers_text(json_object_get(side, "headers")));
    json_object_set_new(out, "body", body_text(page, side));
    json_object_set(out, "url", json_object_get(side, "url"));
    json_object_set(out, "method", json_object_get(side, "method"));
    json_object_set(out, "class", json_object_get(side, "class"));
    json_object_set(out, "error", json_object_get(side, "error"));
    json_object_set(out, "truncated", json_object_get(side, "truncated"));
    json_object_set_new(attempt, name, out);
}

/* "http_503" beside 503 says nothing more. */
static void drop_echo(struct page *page, json_t *attempt)
{
    struct belfry_str detail = json_str(json_object_get(attempt, "detail"));
    long long code = json_integer_value(json_object_get(attempt, "code"));
    if (code && str_eqz(detail, arena_printf(page->req->arena, "http_%lld", code)))
        json_object_del(attempt, "detail");
}

void attempts_dress(struct page *page, json_t *items)
{
    json_t *attempt;
    size_t i;
    json_array_foreach(items, i, attempt)
    {
        const json_t *record = json_object_get(attempt, "record");
        dress_attempt(page, attempt);
        drop_echo(page, attempt);
        json_object_set_new(attempt, "webhook_id",
                            json_string(arena_printf(page->req->arena, "msg_%.*s",
                                                     STR_ARG(json_str(json_object_get(attempt, "event"))))));
        side_dress(page, attempt, "request", json_object_get(record, "request"));
        side_dress(page, attempt, "response", json_object_get(record, "response"));
        json_object_set_new(attempt, "has_record", json_boolean(json_is_object(record)));
    }
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

void attempts_ask(struct page *page)
{
    page_ask(page, "GET", endpoint_path(page, ""), NULL);
}

void attempts_show(struct page *page)
{
    json_t *items = json_object_get(page_got(page, 0), "items"), *endpoint = page_got(page, 1);
    attempts_dress(page, items);
    json_object_set_new(page->model, "has_tries", json_boolean(json_array_size(items) > 0));
    json_object_set(page->model, "tries", items);
    json_object_set(page->model, "id", json_object_get(endpoint, "id"));
    json_object_set(page->model, "url", json_object_get(endpoint, "url"));
    json_object_set_new(page->model, "resends", json_true());
}

static void resent(struct page *page)
{
    if (page_got(page, 0))
        page_done(page, endpoint_page(page, "/attempts"), "resent", 1, 0);
    else
        page_problem(page, 0);
}

void attempts_act(struct page *page)
{
    const char *attempt = page_encoded(page, page_field(page, "attempt"));
    page->view = page_view(page, "attempts");
    page_ask(page, "POST", endpoint_path(page, arena_printf(page->req->arena, "/attempts/%s/resend", attempt)), NULL);
    page_go(page, resent);
}
