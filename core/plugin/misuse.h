/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a call that breaks a rule of the ABI: it has no effect, it is counted in /metrics as
 * belfry_plugin_calls_ignored_total{instance,call,rule}, and the hub goes on. All functions are [any].
 */
#ifndef PLUGIN_MISUSE_H
#define PLUGIN_MISUSE_H

#include "base/str.h"

/* R01: a call on the wrong thread, or a txn that is used outside of its call. Logged as an error. instance "" when the
 * call does not tell whose it is. */
void misuse_thread(const char *instance, const char *call);
/* R04: an id that is over or never was. R05: a complete() that is not owed any more. */
void misuse_stale(const char *instance, const char *call, const char *rule, uint64_t id);

#endif
