/* SPDX-License-Identifier: Apache-2.0 */
/* The small extensions: worker, metrics, secret, site, directory, asset, targets. */
#include "base/crypto.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "host/internal.h"

/* --- belfry.worker/1 ---------------------------------------------------------------------------------------------- */

/* Work that was not done when its instance ended: it is cancelled while it waits; when it runs already its end has
 * nobody to go to. */
struct job {
    struct host_thing thing;
    uv_work_t uv;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void job_work(uv_work_t *uv)
{
    struct job *job = uv->data;
    job->work(job->arg);
}

static void job_after(uv_work_t *uv, int status)
{
    (void)status;
    struct job *job = uv->data;
    if (job->done) {
        host_thing_remove(&job->thing);
        job->done(job->arg);
    }
    free(job);
}

static void job_drop(struct host_thing *thing)
{
    struct job *job = LIST_OF(thing, struct job, thing);
    job->done = NULL;
    uv_cancel((uv_req_t *)&job->uv);
}

static belfry_status run(const struct belfry_host *table, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    if (!host_on_loop(table, "worker.run"))
        return BELFRY_EPERM;
    if (!work || !done)
        return BELFRY_EINVAL;
    struct job *job = xcalloc(1, sizeof(*job));
    *job = (struct job){.work = work, .done = done, .arg = arg};
    job->uv.data = job;
    host_thing_add(host_instance_of(table), &job->thing, "work", job_drop);
    uv_queue_work(host_parts(host_of(table))->loop, &job->uv, job_work, job_after);
    return BELFRY_OK;
}

const struct belfry_worker_api host_worker_api = {sizeof(struct belfry_worker_api), 0, run};

/* --- belfry.metrics/1 --------------------------------------------------------------------------------------------- */

#define METRICS_MAX 1024

static struct metric *plugin_metrics[METRICS_MAX];
static uint32_t plugin_metric_count; /* loop only; entries never change once made, so add() may read them anywhere */

static int name_valid(const char *name)
{
    if (!name || !(*name >= 'a' && *name <= 'z'))
        return 0;
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
            return 0;
    return 1;
}

static belfry_status metric_make(const struct belfry_host *table, const char *name, const char *help,
                                 enum metric_type type, uint32_t *id)
{
    if (!host_on_loop(table, "metrics"))
        return BELFRY_EPERM;
    if (!name_valid(name))
        return BELFRY_EINVAL;
    if (plugin_metric_count == METRICS_MAX)
        return BELFRY_ELIMIT;
    char *full = xasprintf("belfry_%s", name);
    struct metric *made =
        metric_get(metrics_global(), full, help ? help : name, type, "instance", table->instance, NULL);
    free(full);
    *id = 0;
    while (*id < plugin_metric_count && plugin_metrics[*id] != made) /* the successor of an instance goes on counting */
        (*id)++;
    if (*id == plugin_metric_count)
        plugin_metrics[plugin_metric_count++] = made;
    return BELFRY_OK;
}

static belfry_status counter(const struct belfry_host *table, const char *name, const char *help, uint32_t *id)
{
    return metric_make(table, name, help, METRIC_COUNTER, id);
}

static belfry_status gauge(const struct belfry_host *table, const char *name, const char *help, uint32_t *id)
{
    return metric_make(table, name, help, METRIC_GAUGE, id);
}

static void add(const struct belfry_host *table, uint32_t id, double value)
{
    (void)table;
    if (id < METRICS_MAX && plugin_metrics[id])
        metric_add(plugin_metrics[id], value);
}

static void set(const struct belfry_host *table, uint32_t id, double value)
{
    (void)table;
    if (id < METRICS_MAX && plugin_metrics[id])
        metric_set(plugin_metrics[id], value);
}

const struct belfry_metrics_api host_metrics_api = {sizeof(struct belfry_metrics_api), 0, counter, gauge, add, set};

/* --- belfry.secret/1 ---------------------------------------------------------------------------------------------- */

static void derive(const struct belfry_host *table, const char *purpose, uint8_t out[32])
{
    char *full = xasprintf("plugin:%s:%s", table->instance, purpose);
    key_derive(host_parts(host_of(table))->secret, full, out);
    free(full);
}

const struct belfry_secret_api host_secret_api = {sizeof(struct belfry_secret_api), 0, derive};

/* --- belfry.site/1 ------------------------------------------------------------------------------------------------ */

static struct belfry_str site_url(const struct belfry_host *table)
{
    if (!host_on_loop(table, "site.url"))
        return (struct belfry_str){0};
    return str_of(host_instance_generation(host_instance_of(table))->hub.public_url);
}

const struct belfry_site_api host_site_api = {sizeof(struct belfry_site_api), 0, site_url};

/* --- belfry.asset/1 ----------------------------------------------------------------------------------------------- */

static belfry_status asset_add(const struct belfry_host *table, const char *name, const char *content_type,
                               const void *bytes, size_t size)
{
    if (!host_on_loop(table, "asset.add"))
        return BELFRY_EPERM;
    if (!name || !*name || strchr(name, '/') || !content_type || (!bytes && size))
        return BELFRY_EINVAL;
    struct http *http = host_parts(host_of(table))->http;
    const char *const owners[] = {table->instance, host_instance_config(host_instance_of(table))->plugin->desc.id};
    for (size_t i = 0; i < 2; i++) {
        char *full = xasprintf("%s/%s", owners[i], name);
        http_asset_add(http, full, content_type, bytes, size);
        free(full);
    }
    return BELFRY_OK;
}

const struct belfry_asset_api host_asset_api = {sizeof(struct belfry_asset_api), 0, asset_add};

/* --- belfry.targets/1 --------------------------------------------------------------------------------------------- */

/* In the host's own size: a plugin that was built when there was less of it lays them out more closely (R07). */
static struct belfry_target_spec *specs_widen(const struct belfry_target_spec *specs, uint32_t count)
{
    size_t stride = count ? specs[0].struct_size : 0;
    struct belfry_target_spec *wide = xcalloc((size_t)count + 1, sizeof(*wide));
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&wide[i], (const char *)specs + i * stride, stride < sizeof(*wide) ? stride : sizeof(*wide));
        wide[i].struct_size = sizeof(*wide);
    }
    return wide;
}

static belfry_status declare(const struct belfry_host *table, const struct belfry_target_spec *specs, uint32_t count,
                             const struct belfry_target_policy *policy, struct belfry_error *err)
{
    if (!host_on_loop(table, "targets.declare"))
        return BELFRY_EPERM;
    struct host_instance *instance = host_instance_of(table);
    struct belfry_target_spec *wide = specs_widen(specs, count);
    belfry_status status = dispatch_targets(host_parts(host_of(table))->dispatch, table->instance, table, wide, count,
                                            policy, host_instance_generation(instance), err ? err->impl : NULL);
    free(wide);
    return status;
}

static void pace(const struct belfry_host *table, uint64_t target, uint32_t per_minute)
{
    if (host_on_loop(table, "targets.pace"))
        dispatch_target_pace(host_parts(host_of(table))->dispatch, table->instance, (int64_t)target, per_minute);
}

const struct belfry_targets_api host_targets_api = {sizeof(struct belfry_targets_api), 0, declare, pace};
