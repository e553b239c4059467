/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's context: which extensions exist, the configuration they consult, and the way from any thread to the loop.
 *
 * Posted calls form one list under a mutex; the loop detaches the whole list before it runs the first call, so a call
 * that posts again runs on a later turn and cannot starve the loop.
 */
#include "host/host.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/zone.h"
#include "host/internal.h"
#include "plugin/misuse.h"

struct posted {
    struct list node;
    void (*fn)(void *arg);
    void *arg;
};

static uv_thread_t loop_thread; /* one loop a process; set before any plugin is created */

struct host {
    struct host_settings parts;
    struct config *config;
    struct queue posted;
    uv_async_t wake;
    struct host_inbox *inbox;
    struct host_timers *timers;
    unsigned instances;
    const struct host_jobs *jobs; /* NULL: nothing is ever refreshed */
    void *jobs_arg;
    host_feedback_fn *feedback; /* NULL: nothing ever comes back */
    void *feedback_arg;
};

static const struct {
    const char *id;
    const void *api;
} extensions[] = {
    {BELFRY_EXT_TIMER, &host_timer_api},
    {BELFRY_EXT_MATCH, &host_match_api},
    {BELFRY_EXT_TEMPLATE, &host_template_api},
    {BELFRY_EXT_CALENDAR, &zone_calendar_api},
    {BELFRY_EXT_HTTP_ROUTE, &host_http_route_api},
    {BELFRY_EXT_INBOX, &host_inbox_api},
    {BELFRY_EXT_TARGETS, &host_targets_api},
    {BELFRY_EXT_HTTP_CLIENT, &host_http_client_api},
    {BELFRY_EXT_SMTP_CLIENT, &host_smtp_client_api},
    {BELFRY_EXT_WORKER, &host_worker_api},
    {BELFRY_EXT_FD, &host_fd_api},
    {BELFRY_EXT_METRICS, &host_metrics_api},
    {BELFRY_EXT_SECRET, &host_secret_api},
    {BELFRY_EXT_SITE, &host_site_api},
    {BELFRY_EXT_ALARM, &host_alarm_api},
    {BELFRY_EXT_SAMPLES, &host_samples_api},
    {BELFRY_EXT_STATE, &host_state_api},
    {BELFRY_EXT_DIRECTORY, &host_directory_api},
    {BELFRY_EXT_ASSET, &host_asset_api},
    {BELFRY_EXT_RULES, &host_rules_api},
    {BELFRY_EXT_JOB, &host_job_api},
    {BELFRY_EXT_PAGES, &host_pages_api},
    {BELFRY_EXT_PREFERENCES, &host_preferences_api},
    {BELFRY_EXT_ADDRESSES, &host_addresses_api},
};

const void *host_extension(const char *id)
{
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
        if (strcmp(extensions[i].id, id) == 0)
            return extensions[i].api;
    return NULL;
}

int host_has_extension(const char *id)
{
    return host_extension(id) != NULL;
}

int host_run_posted(struct host *host)
{
    struct list ready;
    size_t count = queue_take_all(&host->posted, &ready);
    struct list *node;
    while ((node = list_pop_front(&ready))) {
        struct posted *call = LIST_OF(node, struct posted, node);
        call->fn(call->arg);
        free(call);
    }
    return count > 0;
}

static void on_wake(uv_async_t *async)
{
    host_run_posted(async->data);
}

void host_post(struct host *host, void (*fn)(void *arg), void *arg)
{
    struct posted *call = xcalloc(1, sizeof(*call));
    call->fn = fn;
    call->arg = arg;
    if (queue_push(&host->posted, &call->node) == 0)
        uv_async_send(&host->wake);
}

static int on_loop(const char *instance, const char *call)
{
    uv_thread_t here = uv_thread_self();
    if (uv_thread_equal(&here, &loop_thread))
        return 1;
    misuse_thread(instance, call);
    return 0;
}

int host_on_loop(const struct belfry_host *table, const char *call)
{
    return on_loop(table->instance, call);
}

int host_request_on_loop(const struct belfry_http_request *req, const char *call)
{
    (void)req;
    return on_loop("", call);
}

struct host *host_new(const struct host_settings *settings)
{
    struct host *host = xcalloc(1, sizeof(*host));
    host->parts = *settings;
    loop_thread = uv_thread_self();
    queue_init(&host->posted);
    uv_async_init(settings->loop, &host->wake, on_wake);
    host->wake.data = host;
    host->timers = host_timers_new(settings->loop, settings->clock);
    host->inbox = host_inbox_new(host);
    return host;
}

static void on_closed(uv_handle_t *handle)
{
    struct host *host = handle->data;
    queue_fini(&host->posted);
    free(host);
}

void host_free(struct host *host)
{
    if (!host)
        return;
    host_run_posted(host);
    host_inbox_free(host->inbox);
    host_timers_free(host->timers);
    config_unref(host->config);
    uv_close((uv_handle_t *)&host->wake, on_closed);
}

void host_configure(struct host *host, struct config *config)
{
    struct config *old = host->config;
    host->config = config_ref(config);
    host_inbox_config(host->inbox, config);
    config_unref(old);
}

struct config *host_config(const struct host *host)
{
    return host->config;
}

const struct host_settings *host_parts(const struct host *host)
{
    return &host->parts;
}

struct host_inbox *host_inbox(const struct host *host)
{
    return host->inbox;
}

struct host_timers *host_timers(const struct host *host)
{
    return host->timers;
}

unsigned host_instances(const struct host *host)
{
    return host->instances;
}

void host_count_instance(struct host *host, int change)
{
    host->instances += (unsigned)change;
}

void host_poke(struct host *host)
{
    host_timers_poke(host->timers);
}

void host_news(struct host *host, const struct ledger_news *news)
{
    host_inbox_news(host->inbox, news);
}

void host_set_jobs(struct host *host, const struct host_jobs *jobs, void *arg)
{
    host->jobs = jobs;
    host->jobs_arg = arg;
}

void host_jobs_begin(struct host *host, int64_t job, struct belfry_str org)
{
    if (host->jobs)
        host->jobs->begin(host->jobs_arg, job, org);
}

int host_jobs_progress(struct host *host, int64_t job)
{
    return host->jobs ? host->jobs->progress(host->jobs_arg, job) : -1;
}

void host_jobs_done(struct host *host, const char *instance, uint64_t id, belfry_status status)
{
    if (host->jobs)
        host->jobs->done(host->jobs_arg, instance, id, status);
}

void host_set_feedback(struct host *host, host_feedback_fn *fn, void *arg)
{
    host->feedback = fn;
    host->feedback_arg = arg;
}

void host_feedback_done(struct host *host, const char *instance, uint64_t id, uint32_t outcome,
                        struct belfry_str detail)
{
    if (host->feedback)
        host->feedback(host->feedback_arg, instance, id, outcome, detail);
}
