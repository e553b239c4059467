/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refresh, over the API and on the page. The page needs no script: its button leads to the page with the job's id in
 * the address, which asks for itself again until the job has ended, and then says what it brought.
 */
#include "view.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_AGAIN_S 2

/* --- API -------------------------------------------------------------------------------------- */

static void on_asked(void *arg, belfry_status status, const struct belfry_job *job)
{
    struct call *call = arg;
    struct text body = {0}, place = {0};
    if (status != BELFRY_OK) {
        answer_status(call, status, (struct belfry_str){0});
        return;
    }
    text_z(&body, "{\"job\":");
    text_json(&body, job->id);
    text_z(&body, "}");
    text_z(&place, "/v1/");
    text_url(&place, call->req->org);
    text_z(&place, "/jobs/");
    text_url(&place, job->id);
    struct belfry_attr location = {belfry_str("Location"), text_view(&place)};
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 202,
                                            .content_type = belfry_str("application/json"),
                                            .body = text_view(&body),
                                            .headers = &location,
                                            .header_count = 1};
    call->app->http->respond(call->app->host, call->req->id, &response);
    text_free(&body);
    text_free(&place);
    call_free(call);
}

void api_refresh(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    call->app->job->refresh(req, on_asked, call);
}

static void on_got(void *arg, belfry_status status, const struct belfry_job *job)
{
    static const char *const states[] = {"queued", "running", "done", "failed"};
    struct call *call = arg;
    struct text out = {0};
    char numbers[120];
    if (status != BELFRY_OK) {
        answer_status(call, status, belfry_str(status == BELFRY_ENOTFOUND ? "there is no such job of yours" : ""));
        return;
    }
    snprintf(numbers, sizeof(numbers), "{\"state\":\"%s\",\"progress\":%u,\"added\":%llu,\"invalidated\":%llu}",
             states[job->state < 4 ? job->state : 3], job->progress, (unsigned long long)job->added,
             (unsigned long long)job->invalidated);
    text_z(&out, numbers);
    answer_json(call, 200, &out);
}

void api_job(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    call->app->job->get(req, call_param(call, "id"), on_got, call);
}

/* --- the page --------------------------------------------------------------------------------- */

/* "?unread=1&job=ID": newest rows first, whatever place the form came from. */
void refresh_address(const struct call *call, struct belfry_str job, struct text *out)
{
    text_z(out, "/");
    text_url(out, call->req->org);
    text_z(out, "/notifications");
    size_t before = out->len;
    query_write(&call->query, 0, '?', out);
    text_z(out, out->len > before ? "&job=" : "?job=");
    text_url(out, job);
}

static void on_begun(void *arg, belfry_status status, const struct belfry_job *job)
{
    struct call *call = arg;
    struct text out = {0};
    if (status != BELFRY_OK) {
        view_notice(call, 503, "notice.unavailable", view_text(call, "notice.no_refresh_text"));
        return;
    }
    refresh_address(call, job->id, &out);
    answer_redirect(call, text_view(&out));
    text_free(&out);
}

void refresh_from_page(struct call *call)
{
    call->app->job->refresh(call->req, on_begun, call);
}

static void on_looked(void *arg, belfry_status status, const struct belfry_job *job)
{
    struct call *call = arg;
    call->has_job = status == BELFRY_OK; /* somebody else's, or a very old one: the page is what it is without */
    if (call->has_job) {
        call->job = *job;
        call->job.id = (struct belfry_str){0}; /* borrowed */
        call->reload_after_s = job->state <= BELFRY_JOB_RUNNING ? LOOK_AGAIN_S : 0;
    }
    call->then(call);
}

void refresh_look(struct call *call, void (*then)(struct call *call))
{
    struct belfry_str id;
    if (call->app->http->query(call->req, "job", 0, &id) != BELFRY_OK || id.len == 0 || id.len > 64) {
        then(call);
        return;
    }
    call->then = then;
    call->app->job->get(call->req, id, on_looked, call);
}
