/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the host room only. */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

#include "host/host.h"

/* The table of an extension, or NULL. [any] */
const void *host_extension(const char *id);

/* Timers of plugins, driven by the hub's clock. All [loop]. */
struct host_timers;
struct host_timers *host_timers_new(uv_loop_t *loop, struct clock_src *clock);
void host_timers_free(struct host_timers *timers);
/* Runs what is due at the clock's present time. */
void host_timers_poke(struct host_timers *timers);
struct host_timers *host_timers(const struct host *host);

/* An instance was made (1) or destroyed (-1). */
void host_count_instance(struct host *host, int change);

/* Registers the plugin's route table with {instance} replaced. ECONFLICT naming both when a path is taken. */
belfry_status host_routes_mount(struct host_instance *instance, struct error *err);

/* The configuration that the instance was made with; lives as long as the instance. */
struct config *host_instance_generation(const struct host_instance *instance);

/* Its templates and texts, which end with it. [loop] */
struct pages *host_instance_pages(struct host_instance *instance);

/* Drops the things of one kind. */
void host_things_drop(struct host_instance *instance, const char *what);

#endif
