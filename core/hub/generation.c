/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations: which instances exist under which configuration.
 *
 * An unchanged instance (same name, plugin and canonical configuration) is shared, and so is a delivery that has
 * reload(): it is the last thing to be tried, and told the old configuration again when the new one does not come into
 * force. Everything else is made new, and the old one ends when the last generation that uses it is retired and its
 * last batch is over. Routes move within one turn of the loop, so no request sees a path without a handler.
 */
#include "hub/generation.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

static struct hub_instance *find(struct hub_instance **list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] && strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}

static size_t source_count(const struct hub_generation *g)
{
    return g ? g->ledger.config->source_count : 0;
}

static size_t channel_count(const struct hub_generation *g)
{
    return g ? g->ledger.config->channel_count : 0;
}

static void on_stopped(void *arg)
{
    struct hub_instance *instance = arg;
    log_info("hub", "instance ended", "instance=%s", instance->name);
    free(instance->name);
    free(instance->fault);
    free(instance);
}

static void instance_unref(struct hub_instance *instance)
{
    if (!instance || --instance->refs > 0)
        return;
    if (instance->live)
        host_instance_stop(instance->live, on_stopped, instance);
    else
        on_stopped(instance);
}

static void on_dispatch_released(void *arg)
{
    struct hub_instance *instance = arg;
    instance->dispatched = 0;
    instance_unref(instance);
}

static struct hub_instance *instance_make(struct hub *hub, struct config *config, const struct config_instance *ci,
                                          int channel, struct error *err)
{
    struct hub_instance *instance = xcalloc(1, sizeof(*instance));
    instance->name = xstrdup(ci->name);
    instance->plugin = ci->plugin;
    instance->hash = ci->hash;
    instance->channel = channel;
    instance->refs = 1;
    instance->since_ms = clock_now_ms(hub_parts(hub)->clock);
    instance->live = host_instance_new(hub_parts(hub)->host, config, ci, err);
    return instance;
}

/* 1 when the instance can go on under another configuration of its own. */
static int reloads(const struct hub_instance *instance)
{
    return instance->channel && instance->plugin->desc.reload && !instance->plugin->source;
}

/* Keeps or makes one instance. 0, or -1 with err when it could not be created. */
static int take(struct hub *hub, struct config *config, const struct config_instance *ci, int channel,
                struct hub_instance **old, size_t old_count, struct hub_instance **out, struct error *err)
{
    struct hub_instance *kept = find(old, old_count, ci->name);
    if (kept && kept->live && kept->plugin == ci->plugin && (kept->hash == ci->hash || reloads(kept))) {
        kept->refs++;
        *out = kept;
        return 0;
    }
    *out = instance_make(hub, config, ci, channel, err);
    return (*out)->live ? 0 : -1;
}

static int is_kept(const struct hub_instance *instance, const struct hub_generation *g)
{
    for (size_t i = 0; i < source_count(g); i++)
        if (g->sources[i] == instance)
            return 1;
    for (size_t i = 0; i < channel_count(g); i++)
        if (g->channels[i] == instance)
            return 1;
    return 0;
}

static void unmount_gone(struct hub_generation *before, const struct hub_generation *after)
{
    for (size_t i = 0; i < source_count(before); i++)
        if (before->sources[i]->live && !is_kept(before->sources[i], after))
            host_instance_unmount(before->sources[i]->live);
    for (size_t i = 0; i < channel_count(before); i++)
        if (before->channels[i]->live && !is_kept(before->channels[i], after))
            host_instance_unmount(before->channels[i]->live);
}

static void mount_again(struct hub_generation *before, const struct hub_generation *after)
{
    struct error err = {0};
    for (size_t i = 0; i < source_count(before); i++)
        if (before->sources[i]->live && !is_kept(before->sources[i], after))
            host_instance_mount(before->sources[i]->live, &err);
    for (size_t i = 0; i < channel_count(before); i++)
        if (before->channels[i]->live && !is_kept(before->channels[i], after))
            host_instance_mount(before->channels[i]->live, &err);
    if (err.count)
        log_error("hub", "routes of a kept instance could not be mounted again", "err=%s",
                  log_quote(error_text(&err), strlen(error_text(&err))));
    error_clear(&err);
}

static int start_one(struct hub_instance *instance, struct error *err)
{
    return host_instance_start(instance->live, err) == BELFRY_OK ? 0 : -1;
}

/* A faulty instance at start: it is left out, the rest of the hub runs (R10). */
static void leave_out(struct hub_instance *instance, struct error *err)
{
    char *line = error_line(err);
    log_error("hub", "instance left out, the hub runs without it", "instance=%s plugin=%s err=%s", instance->name,
              instance->plugin->id, log_quote(line, strlen(line)));
    free(instance->fault);
    instance->fault = line;
    error_clear(err);
    if (instance->live)
        host_instance_stop(instance->live, NULL, NULL);
    instance->live = NULL;
}

/* A refusal names the options by their place in the instance; who reads it has to find that in the file. */
static int refused(struct error *err, int channel, const char *name)
{
    for (size_t i = 0; i < err->count; i++) {
        char *inner = err->items[i].pointer;
        err->items[i].pointer = xasprintf("/%s/%s%s", channel ? "channels" : "sources", name, inner ? inner : "");
        free(inner);
    }
    return -1;
}

static int make_all(struct hub_generation *g, struct hub_generation *before, int strict, struct error *err)
{
    struct config *config = g->ledger.config;
    for (size_t i = 0; i < config->source_count; i++)
        if (take(g->hub, config, &config->sources[i], 0, before ? before->sources : NULL, source_count(before),
                 &g->sources[i], err) != 0) {
            if (strict)
                return refused(err, 0, config->sources[i].name);
            leave_out(g->sources[i], err);
        }
    for (size_t i = 0; i < config->channel_count; i++)
        if (take(g->hub, config, &config->channels[i], 1, before ? before->channels : NULL, channel_count(before),
                 &g->channels[i], err) != 0) {
            if (strict)
                return refused(err, 1, config->channels[i].name);
            leave_out(g->channels[i], err);
        }
    return 0;
}

static int start_all(struct hub_generation *g, const struct hub_generation *before, int strict, struct error *err)
{
    size_t sources = source_count(g), all = sources + channel_count(g);
    for (size_t i = 0; i < all; i++) {
        struct hub_instance *instance = i < sources ? g->sources[i] : g->channels[i - sources];
        if (!instance->live || is_kept(instance, before))
            continue;
        if (start_one(instance, err) != 0) {
            if (strict)
                return refused(err, instance->channel, instance->name);
            leave_out(instance, err);
        }
    }
    return 0;
}

/* Kept channels whose configuration changed: they take the new one. 0, or -1 when one refused it. */
static int reload_kept(struct hub_generation *g, struct error *err)
{
    struct config *config = g->ledger.config;
    for (size_t i = 0; i < config->channel_count; i++) {
        struct hub_instance *instance = g->channels[i];
        const struct config_instance *ci = &config->channels[i];
        if (!instance->live || instance->hash == ci->hash)
            continue;
        if (host_instance_reload(instance->live, config, ci, err) != BELFRY_OK)
            return refused(err, 1, ci->name);
        instance->hash = ci->hash;
    }
    return 0;
}

/* They took it before; a refusal now leaves what they hold, which is a fault of the plugin. */
static void reload_back(struct hub_generation *before, const struct hub_generation *after)
{
    struct config *config = before->ledger.config;
    for (size_t i = 0; i < config->channel_count; i++) {
        struct hub_instance *instance = before->channels[i];
        const struct config_instance *ci = &config->channels[i];
        struct error err = {0};
        if (!instance->live || instance->hash == ci->hash || !is_kept(instance, after))
            continue;
        if (host_instance_reload(instance->live, config, ci, &err) != BELFRY_OK)
            log_error("hub", "a channel did not take its old configuration back", "instance=%s err=%s", instance->name,
                      log_quote(error_text(&err), strlen(error_text(&err))));
        error_clear(&err);
        instance->hash = ci->hash;
    }
}

static void generation_free(struct hub_generation *g)
{
    for (size_t i = 0; i < source_count(g); i++)
        instance_unref(g->sources[i]);
    for (size_t i = 0; i < channel_count(g); i++)
        instance_unref(g->channels[i]);
    route_free(g->ledger.route);
    config_unref(g->ledger.config);
    free(g->ledger.sources);
    free(g->sources);
    free(g->channels);
    free(g);
}

static void on_released(void *arg, struct ledger_generation *lg)
{
    (void)lg;
    struct hub_generation *g = arg;
    g->released = 1;
    hub_generation_retire(g);
}

struct hub_generation *hub_generation_new(struct hub *hub, struct config *config, struct hub_generation *before,
                                          int strict, struct error *err)
{
    struct hub_generation *g = xcalloc(1, sizeof(*g));
    g->hub = hub;
    g->ledger.config = config_ref(config);
    g->ledger.route = route_new(config);
    g->sources = xcalloc(config->source_count + 1, sizeof(*g->sources));
    g->channels = xcalloc(config->channel_count + 1, sizeof(*g->channels));
    if (make_all(g, before, strict, err) != 0) {
        generation_free(g);
        return NULL;
    }
    if (before)
        unmount_gone(before, g);
    if (start_all(g, before, strict, err) != 0 || (before && reload_kept(g, err) != 0)) {
        hub_generation_undo(g, before);
        return NULL;
    }
    g->ledger.sources = xcalloc(config->source_count + 1, sizeof(*g->ledger.sources));
    g->ledger.source_count = config->source_count;
    for (size_t i = 0; i < config->source_count; i++) {
        struct host_instance *live = g->sources[i]->live;
        g->ledger.sources[i] = (struct ledger_source){
            .instance = &config->sources[i],
            .vtable = config->sources[i].plugin->source,
            .host = live ? host_instance_table(live) : NULL,
            .self = live ? host_instance_self(live) : NULL,
        };
    }
    g->ledger.released = on_released;
    g->ledger.arg = g;
    return g;
}

void hub_generation_undo(struct hub_generation *g, struct hub_generation *before)
{
    for (size_t i = 0; i < source_count(g); i++)
        if (g->sources[i] && g->sources[i]->live && !is_kept(g->sources[i], before))
            host_instance_unmount(g->sources[i]->live);
    for (size_t i = 0; i < channel_count(g); i++)
        if (g->channels[i] && g->channels[i]->live && !is_kept(g->channels[i], before))
            host_instance_unmount(g->channels[i]->live);
    if (before) {
        mount_again(before, g);
        reload_back(before, g);
    }
    generation_free(g);
}

void hub_generation_activate(struct hub_generation *g, struct hub_generation *before)
{
    struct config *config = g->ledger.config;
    struct dispatch *dispatch = hub_parts(g->hub)->dispatch;
    for (size_t i = 0; i < config->channel_count; i++)
        if (config->channels[i].was)
            dispatch_channel_rename(dispatch, config->channels[i].was, config->channels[i].name);
    for (size_t i = 0; i < config->channel_count; i++) {
        struct hub_instance *instance = g->channels[i];
        if (!instance->live)
            continue;
        struct dispatch_channel channel = {
            .instance = &config->channels[i],
            .config = config,
            .vtable = config->channels[i].plugin->delivery,
            .self = host_instance_self(instance->live),
            .host = host_instance_table(instance->live),
            .released = on_dispatch_released,
            .arg = instance,
        };
        if (dispatch_channel_set(dispatch, &channel) && !instance->dispatched) {
            instance->dispatched = 1;
            instance->refs++;
        }
    }
    for (size_t i = 0; i < channel_count(before); i++)
        if (!find(g->channels, config->channel_count, before->channels[i]->name)) {
            dispatch_channel_remove(dispatch, before->channels[i]->name);
            metrics_forget(metrics_global(), "channel", before->channels[i]->name);
        }
    for (size_t i = 0; i < source_count(before); i++)
        if (!find(g->sources, config->source_count, before->sources[i]->name))
            metrics_forget(metrics_global(), "source", before->sources[i]->name);
}

void hub_generation_retire(struct hub_generation *g)
{
    if (g->released && g->holds == 0)
        generation_free(g);
}

void hub_generation_hold(struct ledger_generation *generation)
{
    ((struct hub_generation *)(void *)generation)->holds++;
}

void hub_generation_release(struct ledger_generation *generation)
{
    struct hub_generation *g = (struct hub_generation *)(void *)generation;
    g->holds--;
    hub_generation_retire(g);
}
