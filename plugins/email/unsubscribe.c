/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds the link holds the mailbox, so the token is all the authority there is: no session, no cookie, no CSRF
 * token counts. Scanners of mail follow every link and some press what they find, so GET and HEAD only look, and
 * nothing on the page sends itself. A POST is either the provider's of RFC 8058, which is answered in a line, or a
 * button of the page, which is answered by the page as things stand then, with the way back.
 *
 * A token that is not one of this org's, or whose person is gone, is answered like any path that is not there.
 */
#include "unsubscribe.h"

#include "token.h"
#include "unsubscribe_form.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char template[] =
#include "plugins/email/pages/unsubscribe.mustache.inc"
    ;

/* What is asked for: a look, or a change and how far it goes. */
enum act { LOOK, STOP, UNDO };

struct call {
    struct email *email;
    const struct belfry_http_request *req;
    char memory[TOKEN_TEXT_SIZE];
    struct belfry_str token;
    struct token_subject subject;
    enum act act;
    int all;       /* of every category: so it was pressed, or the token says no category */
    int one_click; /* RFC 8058: a line in return */
};

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void call_free(struct call *call)
{
    struct email *e = call->email;
    free(call);
    email_idle(e);
}

static void answer_problem(struct call *call, uint32_t status, const char *detail)
{
    const struct email *e = call->email;
    e->http->problem(e->host, call->req->id, status, NULL, belfry_str(detail));
    call_free(call);
}

/* As the hub answers for a path that nobody has. */
static void answer_nothing(struct call *call)
{
    answer_problem(call, 404, "there is nothing at this path");
}

static struct belfry_str say(const struct call *call, const char *key, struct belfry_str label)
{
    const struct belfry_value arg = {.type = BELFRY_VALUE_STRING, .s = label};
    return call->email->pages->format(call->email->host, call->req, key, &arg, 1);
}

static void answer_line(struct call *call, uint32_t status, struct belfry_str line)
{
    const struct email *e = call->email;
    const struct belfry_http_response response = {.struct_size = sizeof(response),
                                                  .status = status,
                                                  .content_type = belfry_str("text/plain; charset=utf-8"),
                                                  .body = line};
    e->http->respond(e->host, call->req->id, &response);
    call_free(call);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void put(json_t *model, const char *name, struct belfry_str value)
{
    json_object_set_new(model, name, json_stringn(value.ptr ? value.ptr : "", value.len));
}

static void put_text(const struct call *call, json_t *model, const char *name, const char *key, struct belfry_str label)
{
    put(model, name, say(call, key, label));
}

/* "a…@acme.example": who holds the link learns whether it is theirs, and nobody learns the address. */
static void put_masked(const struct call *call, json_t *model, struct belfry_str address)
{
    static const char dots[] = "\xe2\x80\xa6";
    const char *at = address.len ? memchr(address.ptr, '@', address.len) : NULL;
    char text[sizeof(dots) + 1 + 512];
    size_t tail = at ? address.len - (size_t)(at - address.ptr) : 0, n = 0;
    if (!at || tail > 500) {
        put_text(call, model, "address", "unsubscribe.nowhere", (struct belfry_str){"", 0});
        return;
    }
    if (at > address.ptr && address.ptr[0] > ' ' && address.ptr[0] <= '~')
        text[n++] = address.ptr[0];
    memcpy(text + n, dots, sizeof(dots) - 1);
    n += sizeof(dots) - 1;
    memcpy(text + n, at, tail);
    put(model, "address", (struct belfry_str){text, n + tail});
}

static void put_told(const struct call *call, json_t *model, const struct belfry_subscription_state *state)
{
    const char *key = NULL;
    if (call->act == STOP)
        key = call->all ? "unsubscribe.told_all_off" : "unsubscribe.told_off";
    else if (call->act == UNDO)
        key = state->off ? "unsubscribe.told_same" : "unsubscribe.told_on";
    if (key)
        put_text(call, model, "told", key, state->label);
}

/* How it stands; after a stop this was told already. */
static void put_state(const struct call *call, json_t *model, const struct belfry_subscription_state *state)
{
    static const char *const keys[2][2] = {{"unsubscribe.on", "unsubscribe.off"},
                                           {"unsubscribe.all_on", "unsubscribe.all_off"}};
    if (state->required && !call->all)
        put_text(call, model, "state", "unsubscribe.required", state->label);
    else if (call->act != STOP)
        put_text(call, model, "state", keys[call->all][state->off != 0], state->label);
}

/* The way back: what was chosen before this very change, or else, that nothing is chosen any more. */
static void put_undo(const struct call *call, json_t *model, const struct belfry_subscription_state *state)
{
    const char *what = call->all ? "all" : "category";
    int exact = call->act == STOP && state->changed;
    char seal[TOKEN_SEAL_SIZE];
    if (!state->off || (state->required && !call->all))
        return;
    put_text(call, model, "undo",
             exact       ? "unsubscribe.undo"
             : call->all ? "unsubscribe.again_all"
                         : "unsubscribe.again",
             state->label);
    put(model, "what", belfry_str(what));
    if (!exact)
        return;
    undo_write(call->email->token_key, call->token, belfry_str(what), state->before, seal);
    put(model, "before", state->before);
    put(model, "seal", belfry_str(seal));
}

static void put_buttons(const struct call *call, json_t *model, const struct belfry_subscription_state *state)
{
    int category = !call->all && !state->off && !state->required, all = !(call->all && state->off);
    json_object_set_new(model, "buttons", json_boolean(category || all));
    json_object_set_new(model, "all", json_boolean(all));
    if (category)
        put_text(call, model, "stop", "unsubscribe.stop", state->label);
}

struct shown {
    struct call *call;
    uint32_t status;
};

static void show(void *arg, struct belfry_str html)
{
    const struct shown *shown = arg;
    const struct call *call = shown->call;
    const struct email *e = call->email;
    const struct belfry_http_page page = {.struct_size = sizeof(page),
                                          .status = shown->status,
                                          .title = say(call, "unsubscribe.heading", (struct belfry_str){"", 0}),
                                          .main = html,
                                          .flags = BELFRY_PAGE_SECRET_ADDRESS};
    e->http->page(e->host, call->req->id, &page);
}

static void answer_page(struct call *call, uint32_t status, const struct belfry_subscription_state *state)
{
    const struct email *e = call->email;
    struct shown shown = {call, status};
    json_t *model = json_object();
    put_masked(call, model, call->subject.address.len ? call->subject.address : state->address);
    put_told(call, model, state);
    put_state(call, model, state);
    put_undo(call, model, state);
    put_buttons(call, model, state);
    json_object_set_new(model, "inbox", json_boolean(call->subject.username.len > 0));
    char *written = json_dumps(model, JSON_COMPACT);
    json_decref(model);
    if (!written ||
        e->pages->render(e->host, call->req, "unsubscribe", belfry_str(written), show, &shown) != BELFRY_OK) {
        free(written);
        answer_problem(call, 500, "the page could not be made");
        return;
    }
    free(written);
    call_free(call);
}

/* --- what the hub says -------------------------------------------------------------------------------------------- */

static struct belfry_subscription which_of(const struct call *call)
{
    return (struct belfry_subscription){.struct_size = sizeof(struct belfry_subscription),
                                        .org = call->req->org,
                                        .username = call->subject.username,
                                        .address = call->subject.address,
                                        .category = call->all ? (struct belfry_str){"", 0} : call->subject.category};
}

static void on_state(void *arg, belfry_status status, const struct belfry_subscription_state *state)
{
    struct call *call = arg;
    if (status == BELFRY_OK && call->one_click)
        answer_line(call, 200, say(call, "unsubscribe.one_click", state->label));
    else if (status == BELFRY_OK)
        answer_page(call, 200, state);
    else if (status == BELFRY_ENOTFOUND)
        answer_nothing(call);
    else if (status == BELFRY_EINVAL)
        answer_problem(call, 400, "what is to be restored is none of what was chosen");
    else
        answer_problem(call, 503, "this cannot be recorded now; try again in a minute");
}

/* The category is required: the page, as a look shows it, or the line, with a status that says that nothing was done.
 */
static void on_required(void *arg, belfry_status status, const struct belfry_subscription_state *state)
{
    struct call *call = arg;
    if (status == BELFRY_OK && call->one_click)
        answer_line(call, 403, say(call, "unsubscribe.required", state->label));
    else if (status == BELFRY_OK)
        answer_page(call, 403, state);
    else
        on_state(arg, status, state);
}

static void on_stopped(void *arg, belfry_status status, const struct belfry_subscription_state *state)
{
    struct call *call = arg;
    const struct email *e = call->email;
    if (status == BELFRY_OK && call->act == STOP && state->changed)
        e->metrics->add(e->host, e->counters.unsubscribed, 1);
    if (status != BELFRY_EPERM) {
        on_state(arg, status, state);
        return;
    }
    const struct belfry_subscription which = which_of(call);
    call->act = LOOK;
    e->addresses->state(e->host, &which, call->req->locale, on_required, call);
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

static struct belfry_str form(const struct call *call, const char *name)
{
    struct belfry_str value = {"", 0};
    call->email->http->form(call->req, name, 0, &value);
    return value;
}

static int equals(struct belfry_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* RFC 8058, 3.1: the pair, as either media type; some send it without saying which. */
static int is_one_click(const struct call *call)
{
    static const char name[] = "List-Unsubscribe", value[] = "One-Click";
    const struct belfry_http_request *req = call->req;
    return equals(form(call, name), value) || unsubscribe_form_has(req->content_type, req->body, name, value) ||
           (!req->content_type.len && equals(req->body, "List-Unsubscribe=One-Click"));
}

/* NULL when it is no token for this org; the answer was given. */
static struct call *call_new(struct email *e, const struct belfry_http_request *req)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call) {
        e->http->problem(e->host, req->id, 503, NULL, belfry_str("out of memory"));
        return NULL;
    }
    *call = (struct call){.email = e, .req = req};
    email_busy(e);
    for (size_t i = 0; i < req->param_count; i++)
        if (equals(req->params[i].name, "token"))
            call->token = req->params[i].value;
    if (!token_read(e->token_key, req->org, call->token, call->memory, &call->subject)) {
        answer_nothing(call);
        return NULL;
    }
    call->all = call->subject.category.len == 0;
    return call;
}

void unsubscribe_get(void *self, const struct belfry_http_request *req)
{
    struct email *e = self;
    struct call *call = call_new(e, req);
    if (!call)
        return;
    const struct belfry_subscription which = which_of(call);
    e->addresses->state(e->host, &which, req->locale, on_state, call);
}

static void stop(struct call *call)
{
    const struct email *e = call->email;
    call->act = STOP;
    const struct belfry_subscription which = which_of(call);
    e->addresses->stop(e->host, &which, on_stopped, call);
}

static void undo(struct call *call)
{
    const struct email *e = call->email;
    struct belfry_str what = form(call, "what"), before = form(call, "before"), seal = form(call, "seal");
    if (!equals(what, "all") && !equals(what, "category")) {
        answer_problem(call, 400, "`what` is `category` or `all`");
        return;
    }
    if (before.len && !undo_read(e->token_key, call->token, what, before, seal)) {
        answer_problem(call, 400, "what is to be restored is none of what was chosen");
        return;
    }
    call->act = UNDO;
    call->all |= equals(what, "all");
    const struct belfry_subscription which = which_of(call);
    e->addresses->restore(e->host, &which, before, on_stopped, call);
}

void unsubscribe_post(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    if (!call)
        return;
    struct belfry_str pressed = form(call, "do");
    call->one_click = is_one_click(call);
    call->all |= !call->one_click && equals(pressed, "all");
    if (call->one_click || equals(pressed, "category") || equals(pressed, "all"))
        stop(call);
    else if (equals(pressed, "undo"))
        undo(call);
    else
        answer_problem(call, 400, "send List-Unsubscribe=One-Click, or `do` as the page has it");
}

belfry_status unsubscribe_start(struct email *e, struct belfry_error *err)
{
    return e->pages->add(e->host, "unsubscribe", belfry_str(template), err);
}
