/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of the ABI that can only be checked while plugins run. The counters of one family are made when they are first
 * needed: their labels are names of instances, of calls and of rules, so there are few.
 */
#include "plugin/misuse.h"

#include "base/log.h"
#include "base/metrics.h"

static void count(const char *instance, const char *call, const char *rule)
{
    metric_add(metric_get(metrics_global(), "belfry_plugin_calls_ignored_total",
                          "Calls of plugins that broke a rule of the plugin ABI and had no effect.", METRIC_COUNTER,
                          "instance", instance, "call", call, "rule", rule, NULL),
               1);
}

void misuse_thread(const char *instance, const char *call)
{
    count(instance, call, "R01");
    log_error("plugin", "a call on the wrong thread or after its time was ignored", "instance=%s call=%s rule=R01",
              *instance ? instance : "-", call);
}

void misuse_stale(const char *instance, const char *call, const char *rule, uint64_t id)
{
    count(instance, call, rule);
    log_debug("plugin", "a call with an id that is over or never was had no effect",
              "instance=%s call=%s rule=%s id=%llu", instance, call, rule, (unsigned long long)id);
}
