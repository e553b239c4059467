/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.job/1: the Refresh of a person's org. Who asked for what is in the database, what is done for it is the
 * hub's; this joins the two. A job is of those who asked for it or joined it, and what it brought is told to each by
 * their own rows and the categories that they may see now.
 */
#include "host/inbox.h"

#include "base/mem.h"
#include "store/feeds.h"
#include "store/upkeep.h"

#include <stdlib.h>

struct job_call {
    struct host *host;
    struct http_request *req; /* held */
    struct arena *arena;
    int64_t job;
    int here; /* its progress in this process when the rows were read, or before: so no end is taken for no beginning */
    struct store_refresh found;
    belfry_status early;
    void (*done)(void *arg, belfry_status status, const struct belfry_job *job);
    void *arg;
};

static struct job_call *call_new(const struct belfry_http_request *req,
                                 void (*done)(void *arg, belfry_status status, const struct belfry_job *job), void *arg)
{
    struct job_call *c = xcalloc(1, sizeof(*c));
    c->host = inbox_of(req)->host;
    c->req = inbox_request(req);
    http_hold(c->req);
    c->arena = arena_new(1024);
    c->done = done;
    c->arg = arg;
    c->early = inbox_is_person(req) ? BELFRY_OK : BELFRY_EPERM;
    return c;
}

static void answer(struct job_call *c, belfry_status status, const struct belfry_job *job)
{
    c->done(c->arg, status, status == BELFRY_OK ? job : NULL);
    http_let_go(c->req);
    arena_free(c->arena);
    free(c);
}

static void answer_early(void *arg)
{
    struct job_call *c = arg;
    answer(c, c->early, NULL);
}

/* --- asking for one ----------------------------------------------------------------------------------------------- */

static void on_joined(void *arg, belfry_status status, int64_t id, int created)
{
    struct job_call *c = arg;
    const struct belfry_job job = {.struct_size = sizeof(job),
                                   .state = created ? BELFRY_JOB_QUEUED : BELFRY_JOB_RUNNING,
                                   .id = inbox_id(host_parts(c->host)->store, c->arena, id)};
    if (status == BELFRY_OK && created)
        host_jobs_begin(c->host, id, c->req->pub.org);
    answer(c, status, &job);
}

static void refresh(const struct belfry_http_request *req,
                    void (*done)(void *arg, belfry_status status, const struct belfry_job *job), void *arg)
{
    if (!host_request_on_loop(req, "job.refresh"))
        return;
    struct job_call *c = call_new(req, done, arg);
    if (c->early == BELFRY_OK)
        c->early = ledger_refresh_join(host_parts(c->host)->ledger, req->org, req->principal->name, on_joined, c);
    if (c->early == BELFRY_ECLOSED)
        c->early = BELFRY_ECANCELED;
    if (c->early != BELFRY_OK)
        host_post(c->host, answer_early, c);
}

/* --- looking at one ----------------------------------------------------------------------------------------------- */

/* [reader] */
static belfry_status get_read(struct store_conn *conn, void *arg)
{
    struct job_call *c = arg;
    const struct belfry_principal *who = c->req->pub.principal;
    struct belfry_strs gated = inbox_gates(c->req->config, &who->roles, c->arena);
    return store_refresh_of(conn, c->job, c->req->pub.org, who->name, &gated, &c->found) ? BELFRY_OK : BELFRY_ENOTFOUND;
}

static void get_done(void *arg, belfry_status status)
{
    struct job_call *c = arg;
    const struct store_refresh *found = &c->found;
    int over = found->state >= STORE_JOB_DONE;
    struct belfry_job job = {.struct_size = sizeof(job),
                             .id = inbox_id(host_parts(c->host)->store, c->arena, c->job),
                             .added = found->added,
                             .invalidated = found->invalidated};
    job.state = found->state == STORE_JOB_DONE     ? BELFRY_JOB_DONE
                : found->state == STORE_JOB_FAILED ? BELFRY_JOB_FAILED
                : c->here >= 0                     ? BELFRY_JOB_RUNNING
                                                   : BELFRY_JOB_QUEUED;
    if (job.state == BELFRY_JOB_DONE)
        job.progress = 100;
    else if (over)
        job.progress = found->total ? (uint32_t)(found->done * 100 / found->total) : 0;
    else
        job.progress = c->here > 0 ? (uint32_t)c->here : 0;
    answer(c, status, &job);
}

static void get(const struct belfry_http_request *req, struct belfry_str id,
                void (*done)(void *arg, belfry_status status, const struct belfry_job *job), void *arg)
{
    if (!host_request_on_loop(req, "job.get"))
        return;
    struct job_call *c = call_new(req, done, arg);
    if (c->early == BELFRY_OK)
        c->early = id_parse(store_id_key(host_parts(c->host)->store), id, &c->job);
    c->here = c->early == BELFRY_OK ? host_jobs_progress(c->host, c->job) : -1;
    if (c->early == BELFRY_OK)
        c->early = store_read(host_parts(c->host)->readers, get_read, get_done, c, 0);
    if (c->early != BELFRY_OK)
        host_post(c->host, answer_early, c);
}

const struct belfry_job_api host_job_api = {sizeof(struct belfry_job_api), 0, refresh, get};
