/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable tasks on their way to the sources: claimed from the ledger when due, performed by the source on the loop.
 * What comes back goes to the ledger through host->task_done().
 */
#include "base/mem.h"
#include "hub/internal.h"

#define TASKS_AT_ONCE 64

static struct hub_instance *source_named(struct hub *hub, const char *name)
{
    const struct config_instance *ci = config_source(hub_config(hub), str_of(name));
    return ci ? hub->current->sources[ci->index] : NULL;
}

static void on_claimed(void *arg, const struct ledger_task *tasks, size_t count)
{
    struct hub *hub = arg;
    hub->tasks_claiming = 0;
    for (size_t i = 0; i < count; i++) {
        struct hub_instance *source = source_named(hub, tasks[i].source);
        if (source && source->live && source->plugin->source->perform)
            source->plugin->source->perform(host_instance_self(source->live), (uint64_t)tasks[i].id, tasks[i].org,
                                            tasks[i].key, tasks[i].payload);
        else
            ledger_task_done(hub->parts.ledger, tasks[i].source, tasks[i].id, BELFRY_RETRY, 0, (struct belfry_str){0});
    }
    if (count == TASKS_AT_ONCE)
        hub_tasks_look(hub);
}

void hub_tasks_look(struct hub *hub)
{
    if (hub->tasks_claiming || hub->stopping || !hub->ready)
        return;
    hub->tasks_claiming = 1;
    ledger_tasks_claim(hub->parts.ledger, TASKS_AT_ONCE, on_claimed, hub);
}

static void on_tick(uv_timer_t *timer)
{
    hub_tasks_look(timer->data);
}

void hub_tasks_init(struct hub *hub)
{
    uv_timer_init(hub->parts.loop, &hub->task_timer);
    hub->task_timer.data = hub;
    uv_timer_start(&hub->task_timer, on_tick, 1000, 1000); /* retries become due without a commit */
}

void hub_tasks_fini(struct hub *hub)
{
    if (hub->task_timer.data)
        uv_close((uv_handle_t *)&hub->task_timer, NULL);
}
