/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests from inside. A page is a reader of the API like any other, only nearer: it asks in its own process, on
 * behalf of the request that it answers (the parent).
 *
 * Ownership: a question is a request of its own, with an arena of its own, because its handler may answer after the
 * parent has ended; then the answer is dropped. Nothing of it borrows from the parent, and it reaches the parent by id
 * only. In the list of open requests it comes after its parent, so that whoever ends them all ends the parent first.
 */
#include "http/internal.h"

struct round { /* in the parent's arena */
    size_t left;
    void (*done)(void *arg);
    void *arg;
};

struct ask { /* in the question's arena */
    uint64_t parent;
    struct round *round; /* these two only while the parent is found */
    struct http_question *question;
};

static void forget(void *answer)
{
    json_decref(answer);
}

static void one_less(struct round *round)
{
    if (--round->left == 0)
        round->done(round->arg);
}

void ask_answer(struct request *r, uint32_t status, struct belfry_str body)
{
    const struct ask *ask = r->ask;
    if (request_answered(r, status) != 0)
        return;
    struct http_request *parent = http_request_find(r->pub.http, ask->parent);
    if (!parent)
        return;
    ask->question->status = r->status;
    ask->question->answer = body.len ? json_read(body, NULL) : NULL;
    if (ask->question->answer)
        arena_cleanup(parent->arena, forget, ask->question->answer);
    one_less(ask->round);
}

static struct request *question_request(struct request *parent, struct http_question *question, struct round *round)
{
    const struct belfry_str json = STR("application/json");
    struct request *r = request_take(parent->pub.http);
    struct belfry_attr *headers = arena_alloc(r->pub.arena, 3 * sizeof(*headers));
    size_t count = 0;
    struct belfry_http_request *pub = &r->pub.pub;
    r->ask = arena_alloc(r->pub.arena, sizeof(*r->ask));
    *r->ask = (struct ask){parent->pub.pub.id, round, question};
    r->pub.config = config_ref(parent->pub.config);
    pub->method = arena_str(r->pub.arena, str_of(question->method));
    pub->path = str_cut(arena_str(r->pub.arena, str_of(question->target)), '?', &pub->query);
    headers[count++] = (struct belfry_attr){STR("accept"), json};
    if (question->if_match)
        headers[count++] = (struct belfry_attr){STR("if-match"), arena_str(r->pub.arena, str_of(question->if_match))};
    if (question->body) {
        headers[count++] = (struct belfry_attr){STR("content-type"), json};
        pub->content_type = json;
        json_write(question->body, &r->body);
        json_decref(question->body);
        question->body = NULL;
    }
    pub->headers = headers;
    pub->header_count = count;
    return r;
}

static void ask_one(struct request *parent, struct http_question *question, struct round *round)
{
    struct request *r = question_request(parent, question, round);
    if (parent->ask || !str_has_prefix(r->pub.pub.path, STR("/v1/"))) {
        http_problem(&r->pub, 500, NULL, "only a page asks, and only the API");
        return;
    }
    if (request_route(r) != 0)
        return;
    auth_inherit(r, parent);
    if (r->state == REQUEST_ANSWERED)
        return;
    if ((int64_t)r->body.len > r->body_limit)
        http_problem(&r->pub, 413, NULL, "the body is larger than %lld bytes", (long long)r->body_limit);
    else
        request_handle(r);
}

void http_ask(struct http_request *req, struct http_question *questions, size_t count, void (*done)(void *arg),
              void *arg)
{
    uint64_t id = req->pub.id;
    struct http *http = req->http;
    struct round *round = arena_alloc(req->arena, sizeof(*round));
    *round = (struct round){count + 1, done, arg}; /* one for this loop: done() comes after the last was asked */
    for (size_t i = 0; i < count && http_request_find(http, id); i++)
        ask_one(request_of(req), &questions[i], round);
    if (http_request_find(http, id))
        one_less(round);
}

struct belfry_str http_who(struct http_request *req)
{
    const struct belfry_principal *who = req->pub.principal;
    if (req->operator_socket || !who)
        return STR("operator");
    const char *kind = req->portal == HTTP_PORTAL_OF_PERSON ? "portal" : req->token ? "token" : "person";
    return str_of(arena_printf(req->arena, "%s:%.*s", kind, STR_ARG(who->name)));
}
