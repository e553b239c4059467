/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the hub room only. */
#ifndef HUB_INTERNAL_H
#define HUB_INTERNAL_H

#include "hub/generation.h"
#include "hub/hub.h"

#define HUB_SIGNALS 3

struct hub_clock; /* clock.c */

struct hub {
    struct hub_parts parts;
    const char *path; /* of the configuration file */
    uint8_t secret[32];
    struct config *starting; /* until the first generation is in force */
    struct hub_generation *first, *current;
    struct hub_reload_numbers reloads;
    struct list reload_queue;
    struct reload *reloading;
    uv_signal_t signals[HUB_SIGNALS];
    uv_timer_t task_timer;
    int tasks_claiming;
    int ready, stopping, exit_code;
    int64_t started_ms;
    struct hub_clock *test_clock;
};

/* Durable tasks: claims what is due and hands it to the sources' perform(). */
void hub_tasks_init(struct hub *hub);
void hub_tasks_look(struct hub *hub);
void hub_tasks_fini(struct hub *hub);

#endif
