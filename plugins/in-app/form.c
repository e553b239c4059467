/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /{org}/notifications/act: what the buttons of the page do. `do` says what and to which: "read:ID",
 * "hide-selected" (with ids), "read-all" (what the filter lists, as of the revision that the page showed), "undo:OP",
 * "act:ID:ACTION" (with what was written into the field "comment:ID" of that row), "refresh". The answer is 303 to the
 * page with the same filter, so that reloading it repeats nothing.
 */
#include "html.h"

#include <stdio.h>
#include <stdlib.h>

#define SELECTED_MAX QUERY_LIMIT_MAX

struct errand {
    struct belfry_str what; /* "read" */
    struct belfry_str arg;  /* after the colon */
    int all, selected;
};

static struct belfry_str field(const struct call *call, const char *name)
{
    struct belfry_str value = {NULL, 0};
    if (call->app->http->form(call->req, name, 0, &value) != BELFRY_OK)
        value.len = 0;
    return value;
}

static int cut_end(struct belfry_str *s, const char *end)
{
    size_t len = strlen(end);
    if (s->len < len || memcmp(s->ptr + s->len - len, end, len) != 0)
        return 0;
    s->len -= len;
    return 1;
}

static struct errand errand_of(struct belfry_str s)
{
    struct errand e = {.what = s};
    const char *colon = s.len ? memchr(s.ptr, ':', s.len) : NULL;
    if (colon) {
        e.what.len = (size_t)(colon - s.ptr);
        e.arg = (struct belfry_str){colon + 1, s.len - e.what.len - 1};
    } else if (!(e.all = cut_end(&e.what, "-all"))) {
        e.selected = cut_end(&e.what, "-selected");
    }
    return e;
}

/* --- back to the page ------------------------------------------------------------------------- */

static void go_back(struct call *call, const char *done, uint64_t n, struct belfry_str undo, int to_row)
{
    struct text out = {0};
    char count[32];
    html_inbox_path(call, &out);
    size_t before = out.len;
    query_write(&call->query, 1, '?', &out);
    if (done) {
        text_z(&out, out.len > before ? "&done=" : "?done=");
        text_z(&out, done);
        snprintf(count, sizeof(count), "&n=%llu", (unsigned long long)n);
        text_z(&out, count);
    }
    if (done && undo.len) {
        text_z(&out, "&undo=");
        text_url(&out, undo);
    }
    if (to_row) {
        text_z(&out, "#n-");
        text_url(&out, call->id);
    }
    answer_redirect(call, text_view(&out));
    text_free(&out);
}

static void refuse(struct call *call, const struct belfry_inbox_change *change)
{
    struct text text = {0};
    text_str(&text, change->message);
    for (size_t i = 1; i < change->fault_count; i++) {
        text_z(&text, "; ");
        text_str(&text, change->faults[i].detail);
    }
    if (change->handled_by.len) {
        text_z(&text, ", by ");
        text_str(&text, change->handled_by);
    }
    if (change->handled_ms) {
        text_z(&text, " on ");
        text_str(&text, call->app->http->datetime(call->req, change->handled_ms));
    }
    text_z(&text, ".");
    text.ptr[0] = (char)(text.ptr[0] >= 'a' && text.ptr[0] <= 'z' ? text.ptr[0] - 32 : text.ptr[0]);
    answer_notice(call, answer_code(change->status), "That was not possible", text_view(&text));
    text_free(&text);
}

static const char *const mark_words[] = {NULL, "read", "unread", "hide", "unhide"};

static void on_single(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    if (change->status != BELFRY_OK)
        refuse(call, change);
    else
        go_back(call, NULL, 0, change->undo, call->mark == BELFRY_MARK_READ || call->mark == BELFRY_MARK_UNREAD);
}

static void on_many(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    if (change->status != BELFRY_OK)
        refuse(call, change);
    else
        go_back(call, mark_words[call->mark], change->changed, change->undo, 0);
}

static void on_undone(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    if (change->status != BELFRY_OK)
        refuse(call, change);
    else
        go_back(call, "undo", change->changed, (struct belfry_str){0}, 0);
}

static void on_acted(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    if (change->status != BELFRY_OK)
        refuse(call, change);
    else
        go_back(call, "act", 1, (struct belfry_str){0}, 0);
}

/* --- errands ---------------------------------------------------------------------------------- */

static void mark_selected(struct call *call)
{
    struct belfry_inbox_filter filter = {.struct_size = sizeof(filter)};
    struct belfry_str *ids = call_alloc(call, SELECTED_MAX * sizeof(*ids));
    while (filter.ids.count < SELECTED_MAX &&
           call->app->http->form(call->req, "ids", (uint32_t)filter.ids.count, &ids[filter.ids.count]) == BELFRY_OK)
        filter.ids.count++;
    filter.ids.items = ids;
    if (filter.ids.count == 0)
        go_back(call, mark_words[call->mark], 0, (struct belfry_str){0}, 0);
    else
        call->app->inbox->bulk(call->req, call->mark, &filter, 0, on_many, call);
}

static void mark_all(struct call *call)
{
    struct belfry_inbox_filter filter;
    struct belfry_str rev = field(call, "as_of_rev");
    char digits[24] = "";
    if (rev.len > 0 && rev.len < sizeof(digits))
        memcpy(digits, rev.ptr, rev.len);
    query_filter(&call->query, &filter);
    /* Without a revision nothing is marked: the page always sends one. */
    call->app->inbox->bulk(call->req, call->mark, &filter, strtoll(digits, NULL, 10), on_many, call);
}

static void act(struct call *call, struct belfry_str arg)
{
    const char *colon = arg.len ? memchr(arg.ptr, ':', arg.len) : NULL;
    size_t len = colon ? (size_t)(colon - arg.ptr) : arg.len;
    call->id = (struct belfry_str){arg.ptr, len};
    struct text name = {0};
    text_z(&name, "comment:");
    text_str(&name, call->id);
    struct belfry_str comment = field(call, name.ptr);
    text_free(&name);
    struct belfry_str action = {colon ? colon + 1 : NULL, colon ? arg.len - len - 1 : 0};
    call->app->inbox->act(call->req, call->id, action, comment, on_acted, call);
}

void page_act(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    const char *why;
    const char *bad =
        query_read(&call->query, req, call->app->http->form, (uint32_t)call->app->config->page_size, &why);
    struct errand e = errand_of(field(call, "do"));
    call->mark = mark_of(e.what);
    call->id = e.arg;
    if (bad && e.all)
        answer_notice(call, 400, "That was not possible", belfry_str("The filter of this form is malformed."));
    else if (text_is(e.what, "undo"))
        call->app->inbox->undo(req, e.arg, on_undone, call);
    else if (text_is(e.what, "refresh"))
        refresh_from_page(call);
    else if (text_is(e.what, "act"))
        act(call, e.arg);
    else if (!call->mark || (!e.all && !e.selected && !e.arg.len))
        answer_notice(call, 400, "That was not possible", belfry_str("The form does not say what to do."));
    else if (e.selected)
        mark_selected(call);
    else if (e.all)
        mark_all(call);
    else
        call->app->inbox->mark(req, call->mark, e.arg, on_single, call);
}
