/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances: create, start, stop, destroy, and the table that each plugin instance calls.
 *
 * An instance ends in this order: no new work (dispatch and ledger have let go), stop(), stopped() or 10 s, things
 * dropped, destroy(). Its memory stays until the turn after destroy, because a posted call may still name it.
 */
#include "base/mem.h"
#include "base/log.h"
#include "event/event.h"
#include "host/internal.h"
#include "plugin/misuse.h"
#include "template/pages.h"

#include <stdarg.h>
#include <stdio.h>

#define STOP_WAIT_MS 10000
#define RECORD_MAX ((size_t)32 << 10)

struct host_instance {
    struct belfry_host table;
    struct host *host;
    struct config *config;
    const struct config_instance *ci;
    const struct belfry_plugin *plugin;
    char *name;
    void *self;
    struct list things;
    struct pages *pages; /* NULL: has none */
    uint64_t next_id;
    int stopping, stopped;
    uv_timer_t deadline;
    void (*stop_done)(void *arg);
    void *stop_arg;
};

struct host_instance *host_instance_of(const struct belfry_host *table)
{
    return table->impl;
}

struct host *host_of(const struct belfry_host *table)
{
    return host_instance_of(table)->host;
}

const struct config_instance *host_instance_config(const struct host_instance *instance)
{
    return instance->ci;
}

const struct belfry_host *host_instance_table(const struct host_instance *instance)
{
    return &instance->table;
}

struct pages *host_instance_pages(struct host_instance *instance)
{
    if (!instance->pages)
        instance->pages = pages_new();
    return instance->pages;
}

void *host_instance_self(const struct host_instance *instance)
{
    return instance->self;
}

/* --- things ------------------------------------------------------------------------------------------------------- */

uint64_t host_thing_add(struct host_instance *instance, struct host_thing *thing, const char *what,
                        void (*drop)(struct host_thing *thing))
{
    static uint64_t last; /* loop only; never re-used in a process (R04) */
    thing->id = ++last;
    thing->instance = instance;
    thing->what = what;
    thing->drop = drop;
    list_push_back(&instance->things, &thing->node);
    return thing->id;
}

struct host_thing *host_thing_find(struct host_instance *instance, uint64_t id, const char *what)
{
    LIST_EACH(it, &instance->things)
    {
        struct host_thing *thing = LIST_OF(it, struct host_thing, node);
        if (thing->id == id && strcmp(thing->what, what) == 0)
            return thing;
    }
    return NULL;
}

void host_thing_remove(struct host_thing *thing)
{
    list_remove(&thing->node);
}

void host_things_drop(struct host_instance *instance, const char *what)
{
    LIST_EACH_SAFE(it, &instance->things)
    {
        struct host_thing *thing = LIST_OF(it, struct host_thing, node);
        if (strcmp(thing->what, what) != 0)
            continue;
        list_remove(&thing->node);
        thing->drop(thing);
    }
}

static void drop_things(struct host_instance *instance)
{
    struct list *node;
    while ((node = list_pop_front(&instance->things))) {
        struct host_thing *thing = LIST_OF(node, struct host_thing, node);
        log_debug("host", "dropping what a stopped instance left", "instance=%s thing=%s id=%llu", instance->name,
                  thing->what, (unsigned long long)thing->id);
        thing->drop(thing);
    }
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const void *get_extension(const struct belfry_host *table, const char *id)
{
    const struct host_instance *instance = host_instance_of(table);
    for (const char *const *need = instance->ci->plugin->needs; need && *need; need++)
        if (strcmp(*need, id) == 0)
            return host_extension(id);
    return NULL;
}

static void plugin_log(const struct belfry_host *table, uint32_t level, const char *message)
{
    enum log_level to = level > BELFRY_LOG_ERROR ? LOG_LEVEL_ERROR : (enum log_level)level;
    log_write(to, table->instance, message, NULL);
}

static int64_t now_ms(const struct belfry_host *table)
{
    return clock_now_ms(host_parts(host_of(table))->clock);
}

static belfry_status post(const struct belfry_host *table, void (*fn)(void *arg), void *arg)
{
    if (!fn)
        return BELFRY_EINVAL;
    host_post(host_of(table), fn, arg);
    return BELFRY_OK;
}

struct submission {
    struct ledger_request request;
    char *source;
    void (*done)(void *arg, belfry_status status, struct belfry_str message);
    void *arg;
    struct host *host;
    struct arena *arena;
    struct ledger_item_result result;
    belfry_status early;
};

static void submission_free(struct submission *s)
{
    error_clear(&s->result.err);
    trigger_set_free(&s->request.triggers);
    arena_free(s->arena);
    free(s);
}

static void submission_answered(struct ledger_request *request)
{
    struct submission *s = request->arg;
    belfry_status status = request->status;
    char *text = status == BELFRY_OK ? NULL : error_line(&s->result.err);
    if (s->done)
        s->done(s->arg, status, text ? str_of(text) : STR(""));
    free(text);
    submission_free(s);
}

static void submission_refused(void *arg)
{
    struct submission *s = arg;
    char *text = s->result.err.count ? error_line(&s->result.err) : xstrdup(status_text(s->early));
    if (s->done)
        s->done(s->arg, s->early, str_of(text));
    free(text);
    submission_free(s);
}

static belfry_status submit(const struct belfry_host *table, const struct belfry_submission *trigger,
                            void (*done)(void *arg, belfry_status status, struct belfry_str message), void *arg)
{
    if (!host_on_loop(table, "submit"))
        return BELFRY_EPERM;
    if (!plugin_struct_known(trigger, sizeof(*trigger)))
        return BELFRY_EINVAL;
    struct host_instance *instance = host_instance_of(table);
    struct submission *s = xcalloc(1, sizeof(*s));
    s->host = instance->host;
    s->done = done;
    s->arg = arg;
    s->arena = arena_new(1024);
    s->request.org = arena_str(s->arena, trigger->org);
    s->request.source = arena_strdup(s->arena, instance->name);
    s->request.keep_refused = 1;
    s->request.done = submission_answered;
    s->request.arg = s;
    s->request.results = &s->result;
    s->request.principal = (struct belfry_principal){.struct_size = sizeof(struct belfry_principal),
                                                     .kind = BELFRY_PRINCIPAL_HOOK,
                                                     .name = str_of(s->request.source)};
    if (trigger->principal) {
        s->request.principal.kind = trigger->principal->kind;
        s->request.principal.name = arena_str(s->arena, trigger->principal->name);
    }
    s->early = trigger_make(&s->request.triggers, trigger, now_ms(table), &s->result.err);
    if (s->early == BELFRY_OK)
        s->early = ledger_trigger(host_parts(instance->host)->ledger, &s->request);
    if (s->early != BELFRY_OK)
        host_post(instance->host, submission_refused, s);
    return BELFRY_OK;
}

/* What is on its way to the loop may outlive the instance (a worker that ends with destroy()), so it names it by name.
 */
struct completion {
    struct host *host;
    char *name;
    uint64_t batch;
    uint32_t n;
    struct arena *arena;
    struct belfry_result results[];
};

static void completion_run(void *arg)
{
    struct completion *c = arg;
    if (!dispatch_complete(host_parts(c->host)->dispatch, c->batch, c->results, c->n))
        misuse_stale(c->name, "complete", "R05", c->batch);
    arena_free(c->arena);
    free(c);
}

/* A record that is too long is left out whole: half of a JSON text helps nobody. */
static struct belfry_str record_of(const struct belfry_host *table, struct arena *arena, struct belfry_str record)
{
    if (record.len <= RECORD_MAX)
        return arena_str(arena, record);
    log_warn(table->instance, "the record of an attempt is over 32 KiB and was left out", "bytes=%zu", record.len);
    return (struct belfry_str){NULL, 0};
}

static void complete(const struct belfry_host *table, uint64_t batch, const struct belfry_result *results, uint32_t n)
{
    n = results ? n : 0;
    struct completion *c = xcalloc(1, sizeof(*c) + n * sizeof(c->results[0]));
    c->host = host_of(table);
    c->batch = batch;
    c->n = n;
    c->arena = arena_new(512);
    c->name = arena_strdup(c->arena, table->instance);
    uint32_t stride = n ? results[0].struct_size : 0;
    size_t known = stride < sizeof(c->results[0]) ? stride : sizeof(c->results[0]);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&c->results[i], (const char *)results + (size_t)i * stride, known);
        c->results[i].struct_size = sizeof(c->results[0]);
        c->results[i].detail = text_line(c->arena, c->results[i].detail);
        c->results[i].record = record_of(table, c->arena, c->results[i].record);
    }
    host_post(host_of(table), completion_run, c);
}

struct task_result {
    struct host *host;
    char *name;
    int64_t task, retry_after_ms;
    uint32_t outcome;
    char *result;
    size_t len;
};

static void task_result_run(void *arg)
{
    struct task_result *r = arg;
    ledger_task_done(host_parts(r->host)->ledger, r->name, r->task, r->outcome, r->retry_after_ms,
                     str_slice(r->result, r->len));
    free(r->name);
    free(r->result);
    free(r);
}

static void task_done(const struct belfry_host *table, uint64_t task, uint32_t outcome, int64_t retry_after_ms,
                      struct belfry_str result)
{
    struct task_result *r = xcalloc(1, sizeof(*r));
    r->host = host_of(table);
    r->name = xstrdup(table->instance);
    r->task = (int64_t)task;
    r->outcome = outcome;
    r->retry_after_ms = retry_after_ms;
    r->result = xstrndup(result.ptr ? result.ptr : "", result.len);
    r->len = result.len;
    host_post(host_of(table), task_result_run, r);
}

struct job_result {
    struct host *host;
    char *name;
    uint64_t job;
    belfry_status status;
};

static void job_result_run(void *arg)
{
    struct job_result *r = arg;
    host_jobs_done(r->host, r->name, r->job, r->status);
    free(r->name);
    free(r);
}

static void job_done(const struct belfry_host *table, uint64_t job, uint32_t added, uint32_t invalidated,
                     belfry_status status)
{
    struct job_result *r = xcalloc(1, sizeof(*r));
    log_debug("host", "a source has refreshed", "instance=%s job=%llu added=%u invalidated=%u status=%s",
              table->instance, (unsigned long long)job, added, invalidated, status_name(status));
    *r = (struct job_result){host_of(table), xstrdup(table->instance), job, status};
    host_post(host_of(table), job_result_run, r);
}

struct feedback_result {
    struct host *host;
    char *name;
    uint64_t id;
    uint32_t outcome;
    struct arena *arena;
    struct belfry_str detail;
};

static void feedback_result_run(void *arg)
{
    struct feedback_result *r = arg;
    host_feedback_done(r->host, r->name, r->id, r->outcome, r->detail);
    free(r->name);
    arena_free(r->arena);
    free(r);
}

static void feedback_done(const struct belfry_host *table, uint64_t id, uint32_t outcome, struct belfry_str detail)
{
    struct feedback_result *r = xcalloc(1, sizeof(*r));
    struct arena *arena = arena_new(512);
    *r = (struct feedback_result){host_of(table), xstrdup(table->instance), id, outcome,
                                  arena,          text_line(arena, detail)};
    host_post(host_of(table), feedback_result_run, r);
}

static belfry_status fail(struct belfry_error *err, belfry_status status, const char *pointer, const char *format, ...)
{
    if (!err || !err->impl)
        return status;
    va_list args;
    va_start(args, format);
    error_vset(err->impl, status, pointer, format, args);
    va_end(args);
    err->status = ((struct error *)err->impl)->status;
    return status;
}

static void fail_attr(struct belfry_error *err, const char *name, struct belfry_str value)
{
    if (err && err->impl)
        error_attr(err->impl, name, value.ptr, value.len);
}

/* --- life
 * ------------------------------------------------------------------------------------------------------------- */

static void deadline_closed(uv_handle_t *handle)
{
    struct host_instance *instance = handle->data;
    config_unref(instance->config);
    pages_free(instance->pages);
    free(instance->name);
    free(instance);
}

static void instance_free(struct host_instance *instance)
{
    uv_close((uv_handle_t *)&instance->deadline, deadline_closed);
}

static void finish(void *arg)
{
    struct host_instance *instance = arg;
    uv_timer_stop(&instance->deadline);
    http_routes_remove(host_parts(instance->host)->http, instance);
    drop_things(instance);
    if (instance->plugin->destroy)
        instance->plugin->destroy(instance->self);
    host_count_instance(instance->host, -1);
    void (*done)(void *) = instance->stop_done;
    void *done_arg = instance->stop_arg;
    instance_free(instance);
    if (done)
        done(done_arg);
}

static void stopped_on_loop(void *arg)
{
    struct host_instance *instance = arg;
    if (!instance->stopping || instance->stopped)
        return;
    instance->stopped = 1;
    host_post(instance->host, finish, instance);
}

static void stopped(const struct belfry_host *table)
{
    host_post(host_of(table), stopped_on_loop, host_instance_of(table));
}

static void on_deadline(uv_timer_t *timer)
{
    struct host_instance *instance = timer->data;
    log_warn("host", "instance did not stop in time, destroying it", "instance=%s waited=%ds", instance->name,
             STOP_WAIT_MS / 1000);
    stopped_on_loop(instance);
}

struct host_instance *host_instance_new(struct host *host, struct config *config, const struct config_instance *ci,
                                        struct error *err)
{
    struct host_instance *instance = xcalloc(1, sizeof(*instance));
    instance->host = host;
    instance->config = config_ref(config);
    instance->ci = ci;
    instance->plugin = &ci->plugin->desc;
    instance->name = xstrdup(ci->name);
    list_init(&instance->things);
    uv_timer_init(host_parts(host)->loop, &instance->deadline);
    instance->deadline.data = instance;
    instance->table = (struct belfry_host){
        .struct_size = sizeof(struct belfry_host),
        .abi_major = BELFRY_ABI_MAJOR,
        .abi_minor = BELFRY_ABI_MINOR,
        .impl = instance,
        .instance = instance->name,
        .get_extension = get_extension,
        .log = plugin_log,
        .now_ms = now_ms,
        .post = post,
        .submit = submit,
        .complete = complete,
        .task_done = task_done,
        .job_done = job_done,
        .fail = fail,
        .fail_attr = fail_attr,
        .stopped = stopped,
        .feedback_done = feedback_done,
    };
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, err};
    belfry_status status = instance->plugin->create(&instance->table, ci->options, &instance->self, &pub);
    if (status == BELFRY_OK && !instance->self)
        status = error_set(err, BELFRY_EINVAL, NULL,
                           "plugin `%s`: create() returned OK but made nothing: *self is NULL", ci->plugin->id);
    if (status != BELFRY_OK) {
        if (err && !err->count)
            error_set(err, status, NULL, "plugin `%s` refused to be created: %s", ci->plugin->id, status_text(status));
        drop_things(instance);
        instance_free(instance);
        return NULL;
    }
    host_count_instance(host, 1);
    return instance;
}

belfry_status host_instance_start(struct host_instance *instance, struct error *err)
{
    belfry_status status = host_routes_mount(instance, err);
    if (status != BELFRY_OK)
        return status;
    if (!instance->plugin->start)
        return BELFRY_OK;
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, err};
    status = instance->plugin->start(instance->self, &pub);
    if (status != BELFRY_OK && err && !err->count)
        error_set(err, status, NULL, "plugin `%s` could not start: %s", instance->ci->plugin->id, status_text(status));
    return status;
}

void host_instance_stop(struct host_instance *instance, void (*done)(void *arg), void *arg)
{
    instance->stopping = 1;
    instance->stop_done = done;
    instance->stop_arg = arg;
    if (!instance->plugin->stop) {
        stopped_on_loop(instance);
        return;
    }
    uv_timer_start(&instance->deadline, on_deadline, STOP_WAIT_MS, 0);
    instance->plugin->stop(instance->self);
}

belfry_status host_instance_reload(struct host_instance *instance, struct config *config,
                                   const struct config_instance *ci, struct error *err)
{
    if (!instance->plugin->reload || ci->plugin->source)
        return BELFRY_ECANCELED;
    struct config *old = instance->config;
    const struct config_instance *old_ci = instance->ci;
    instance->config = config_ref(config);
    instance->ci = ci;
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, err};
    belfry_status status = instance->plugin->reload(instance->self, ci->options, &pub);
    if (status != BELFRY_OK) {
        if (err && !err->count)
            error_set(err, status, NULL, "plugin `%s` refused the new options: %s", ci->plugin->id,
                      status_text(status));
        instance->config = old;
        instance->ci = old_ci;
        config_unref(config);
        return status;
    }
    config_unref(old);
    return BELFRY_OK;
}

struct config *host_instance_generation(const struct host_instance *instance)
{
    return instance->config;
}
