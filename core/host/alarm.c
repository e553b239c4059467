/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.alarm/1: an event of the hub in each org that the instance serves. */
#include "base/mem.h"
#include "host/internal.h"

/* Type, and what stands between the names in its first line. */
static const struct {
    const char *type, *says;
} alarms[] = {[BELFRY_ALARM_FAILING] = {"hub.channel_failing", "takes nothing from the channel"},
              [BELFRY_ALARM_DISTRUSTED] = {"hub.channel_distrusted", "does not trust what is sent by the channel"}};

static void raise_alarm(const struct belfry_host *table, uint32_t what, struct belfry_str name, struct belfry_str why)
{
    if (!host_on_loop(table, "alarm.raise") || what < BELFRY_ALARM_FAILING || what > BELFRY_ALARM_DISTRUSTED)
        return;
    struct host *host = host_of(table);
    const struct config *config = host_config(host);
    const struct config_instance *instance = host_instance_config(host_instance_of(table));
    struct buf text = {0};
    buf_addf(&text, "`%.*s` %s `%s`: %.*s", STR_ARG(name), alarms[what].says, instance->name, STR_ARG(why));
    for (size_t i = 0; i < config->org_count; i++)
        if (strcmp(config->orgs[i].name, "*") != 0 && config_serves(instance, str_of(config->orgs[i].name)))
            dispatch_alarm(host_parts(host)->dispatch, alarms[what].type, str_of(config->orgs[i].name), name, text.ptr);
    buf_free(&text);
}

const struct belfry_alarm_api host_alarm_api = {sizeof(struct belfry_alarm_api), 0, raise_alarm};
