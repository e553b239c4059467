/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Banners. What the last form did comes from the address that it led back to: done, n, failed, undo. They say nothing
 * that a person could not be told by anybody's link, and undo is asked of the hub, which knows whose it is.
 */
#include "banners.h"

static struct belfry_str param(const struct call *call, const char *name)
{
    struct belfry_str value = {NULL, 0};
    if (call->app->http->query(call->req, name, 0, &value) != BELFRY_OK)
        value.len = 0;
    return value;
}

static uint64_t number(struct belfry_str s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.len && i < 12 && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        n = n * 10 + (uint64_t)(s.ptr[i] - '0');
    return n;
}

static json_t *banner(struct belfry_str text, int warn)
{
    json_t *made = json_object();
    view_put(made, "text", text);
    json_object_set_new(made, "warn", json_boolean(warn));
    return made;
}

static struct belfry_str two(const struct call *call, struct belfry_str a, struct belfry_str b)
{
    return b.len ? view_say(call, "done.together", a, b) : a;
}

/* --- what was done ---------------------------------------------------------------------------- */

static const struct {
    const char *done, *key;
} things[] = {{"read", "done.read"},     {"unread", "done.unread"}, {"hide", "done.hide"},
              {"unhide", "done.unhide"}, {"undo", "done.undo"},     {"act", "done.act"}};

static void add_done(const struct call *call, json_t *banners)
{
    struct belfry_str done = param(call, "done"), undo = param(call, "undo");
    uint64_t n = number(param(call, "n")), failed = number(param(call, "failed"));
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        if (!text_is(done, things[i].done))
            continue;
        struct belfry_str text = view_count(call, things[i].key, n), not_done = {NULL, 0};
        if (failed)
            not_done = view_count(call, "done.failed", failed);
        json_t *made = banner(two(call, text, not_done), failed > 0);
        if (undo.len > 0 && undo.len < 64)
            view_put(made, "undo", undo);
        view_put(made, "kind", belfry_str("done"));
        json_array_append_new(banners, made);
    }
    if (text_is(done, "none"))
        json_array_append_new(banners, banner(view_text(call, "done.none"), 1));
}

/* --- the job ---------------------------------------------------------------------------------- */

static void add_under_way(const struct call *call, json_t *banners)
{
    json_t *made = banner(view_count(call, "job.under_way", call->job.progress), 0);
    json_t *job = json_pack("{s:i}", "progress", (int)call->job.progress);
    struct text again = {0};
    refresh_address(call, param(call, "job"), &again);
    view_put(job, "again", text_view(&again));
    text_free(&again);
    json_object_set_new(made, "job", job);
    view_put(made, "kind", belfry_str("job"));
    json_array_append_new(banners, made);
}

static struct belfry_str outcome(const struct call *call)
{
    const struct belfry_job *job = &call->job;
    if (job->added && job->invalidated)
        return view_count2(call, "job.both", job->added, job->invalidated);
    if (job->added)
        return view_count(call, "job.added", job->added);
    if (job->invalidated)
        return view_count(call, "job.invalidated", job->invalidated);
    return view_text(call, "job.nothing");
}

static void add_job(const struct call *call, json_t *banners)
{
    int failed = call->job.state == BELFRY_JOB_FAILED;
    if (!call->has_job)
        return;
    if (call->job.state <= BELFRY_JOB_RUNNING) {
        add_under_way(call, banners);
        return;
    }
    struct belfry_str more = failed ? view_text(call, "job.failed") : (struct belfry_str){0};
    json_t *made = banner(two(call, outcome(call), more), failed);
    view_put(made, "kind", belfry_str("job"));
    json_array_append_new(banners, made);
}

json_t *banners_model(const struct call *call)
{
    json_t *banners = json_array();
    add_job(call, banners);
    add_done(call, banners);
    if (call->bad.len)
        json_array_append_new(banners, banner(view_say(call, "done.ignored", call->bad, (struct belfry_str){0}), 1));
    return banners;
}
