/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /{org}/notifications/act: what the buttons of the page do. `do` says what and to which: "read:ID",
 * "hide-selected" (with ids), "read-all" (what the filter lists, as of the revision that the page showed), "undo:OP",
 * "act:ID:ACTION" (with what was written into the field "comment:ID" of that row), "refresh". The answer is 303 to the
 * page with the same filter, so that reloading it repeats nothing.
 */
#include "back.h"
#include "view.h"

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

struct done {
    const char *what; /* NULL: there is nothing to say */
    uint64_t n, failed;
    struct belfry_str undo;
};

static void add_number(struct text *out, const char *name, uint64_t n)
{
    char text[48];
    snprintf(text, sizeof(text), "&%s=%llu", name, (unsigned long long)n);
    text_z(out, text);
}

/* To the list as it was, or to the row of which the form spoke. */
static void go_back(struct call *call, const struct done *done, int to_row)
{
    struct text out = {0};
    back_address(call, field(call, "back"), &out);
    if (done->what) {
        text_z(&out, memchr(out.ptr, '?', out.len) ? "&done=" : "?done=");
        text_z(&out, done->what);
        add_number(&out, "n", done->n);
        if (done->failed)
            add_number(&out, "failed", done->failed);
    }
    if (done->what && done->undo.len) {
        text_z(&out, "&undo=");
        text_url(&out, done->undo);
    }
    if (to_row) {
        text_z(&out, "#n-");
        text_url(&out, call->id);
    }
    answer_redirect(call, text_view(&out));
    text_free(&out);
}

/* --- refusals --------------------------------------------------------------------------------- */

static struct belfry_str when_of(const struct call *call, int64_t ms)
{
    return call->app->http->datetime(call->req, ms);
}

/* What the source said, each fault a sentence. */
static void write_message(const struct belfry_inbox_change *change, struct text *out)
{
    text_str(out, change->message);
    for (size_t i = 1; i < change->fault_count; i++) {
        text_z(out, "; ");
        text_str(out, change->faults[i].detail);
    }
    text_z(out, ".");
    out->ptr[0] = (char)(out->ptr[0] >= 'a' && out->ptr[0] <= 'z' ? out->ptr[0] - 32 : out->ptr[0]);
}

static void refuse(struct call *call, const struct belfry_inbox_change *change)
{
    uint32_t code = answer_code(change->status);
    struct text said = {0};
    struct belfry_str text;
    if (change->handled_by.len && change->handled_ms) {
        text = view_say(call, "notice.refused_handled", change->handled_by, when_of(call, change->handled_ms));
    } else if (code == 410) {
        text = view_text(call, "notice.refused_gone");
    } else if (code == 404) {
        text = view_text(call, "notice.not_found_text");
    } else if (code == 503) {
        text = view_text(call, "notice.unavailable_text");
    } else {
        write_message(change, &said);
        text = text_view(&said);
    }
    view_notice(call, code, code == 404 ? "notice.not_found" : "notice.refused", text);
    text_free(&said);
}

static void refuse_form(struct call *call, const char *key)
{
    view_notice(call, 400, "notice.refused", view_text(call, key));
}

/* --- what was done ---------------------------------------------------------------------------- */

static const char *const mark_words[] = {NULL, "read", "unread", "hide", "unhide"};

/* A row that is not there is a page of its own only when it was the only one. */
static void on_marked(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    int stays = call->mark == BELFRY_MARK_READ || call->mark == BELFRY_MARK_UNREAD;
    struct belfry_inbox_change unknown = {.struct_size = sizeof(unknown), .status = BELFRY_ENOTFOUND};
    struct done done = {mark_words[call->mark], change->changed, change->failed_count, change->undo};
    if (change->status != BELFRY_OK)
        refuse(call, change);
    else if (call->id.len && change->failed_count)
        refuse(call, &unknown);
    else
        go_back(call, &done, call->id.len && stays);
}

static void on_undone(void *arg, const struct belfry_inbox_change *change)
{
    struct done done = {.what = "undo", .n = change->changed};
    if (change->status != BELFRY_OK)
        refuse(arg, change);
    else
        go_back(arg, &done, 0);
}

static void on_acted(void *arg, const struct belfry_inbox_change *change)
{
    struct done done = {.what = "act", .n = 1};
    if (change->status != BELFRY_OK)
        refuse(arg, change);
    else
        go_back(arg, &done, 0);
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
    struct done none = {.what = "none"};
    if (filter.ids.count == 0)
        go_back(call, &none, 0);
    else
        call->app->inbox->bulk(call->req, call->mark, &filter, 0, on_marked, call);
}

/* Through the change of many, which can be taken back. */
static void mark_one(struct call *call)
{
    struct belfry_inbox_filter filter = {.struct_size = sizeof(filter), .ids = {&call->id, 1}};
    call->app->inbox->bulk(call->req, call->mark, &filter, 0, on_marked, call);
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
    call->app->inbox->bulk(call->req, call->mark, &filter, strtoll(digits, NULL, 10), on_marked, call);
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

static void run(struct call *call, const struct errand *e)
{
    if (text_is(e->what, "undo")) {
        call->app->inbox->undo(call->req, e->arg, on_undone, call);
    } else if (text_is(e->what, "refresh")) {
        refresh_from_page(call);
    } else if (text_is(e->what, "act")) {
        act(call, e->arg);
    } else if (!call->mark || (!e->all && !e->selected && !e->arg.len)) {
        refuse_form(call, "notice.refused_form");
    } else if (e->selected) {
        mark_selected(call);
    } else if (e->all) {
        mark_all(call);
    } else {
        call->id = e->arg;
        mark_one(call);
    }
}

void page_act(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    const char *why;
    const char *bad =
        query_read(&call->query, req, call->app->http->form, (uint32_t)call->app->config->page_size, &why);
    struct errand e = errand_of(field(call, "do"));
    call->mark = mark_of(e.what);
    if (bad && e.all)
        refuse_form(call, "notice.refused_filter");
    else
        run(call, &e);
}
