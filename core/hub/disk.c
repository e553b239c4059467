/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk is watched before it is full: below the floor no trigger is taken (503), because a database that cannot grow
 * cannot keep a promise either. What was accepted is still delivered.
 */
#include "base/log.h"
#include "hub/internal.h"

#include <sys/statvfs.h>

#define LOOK_MS 2000

static const char low[] = "less space is free on hub.data_dir than hub.limits.disk_floor_bytes asks for";

const char *hub_disk_fault(const struct hub *hub)
{
    struct statvfs st;
    const struct config_hub *ch = &hub_config(hub)->hub;
    if (statvfs(ch->data_dir, &st) != 0)
        return "hub.data_dir cannot be looked at";
    return (int64_t)(st.f_bavail * st.f_frsize) < ch->limits.disk_floor_bytes ? low : NULL;
}

static void on_look(uv_timer_t *timer)
{
    struct hub *hub = timer->data;
    const char *fault = hub_disk_fault(hub);
    int is_low = fault != NULL;
    ledger_hold(hub->parts.ledger, fault);
    if (is_low == hub->disk_low)
        return;
    hub->disk_low = is_low;
    if (is_low)
        hub_alarm(hub, "hub.disk_low", (struct belfry_str){0}, STR("disk"),
                  "The disk is nearly full; no triggers are taken until there is space again.");
    else
        log_info("hub", "the disk has space again, triggers are taken", NULL);
}

void hub_disk_init(struct hub *hub)
{
    uv_timer_init(hub->parts.loop, &hub->disk_timer);
    hub->disk_timer.data = hub;
    on_look(&hub->disk_timer);
    uv_timer_start(&hub->disk_timer, on_look, LOOK_MS, LOOK_MS);
}

void hub_disk_fini(struct hub *hub)
{
    if (!hub->disk_timer.data)
        return;
    uv_timer_stop(&hub->disk_timer);
    uv_close((uv_handle_t *)&hub->disk_timer, NULL);
}
