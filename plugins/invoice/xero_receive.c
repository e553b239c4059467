/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers of the webhook, as xero_body.h makes them. An event of an invoice becomes a task that fetches it; what came
 * before it is compared with the numbers that Xero counts, and where some are missing, or the webhook was off for a
 * while, all that changed since the last event that was seen is asked for.
 */
#include "xero.h"
#include "xero_memory.h"
#include "xero_settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OVERLAP_MS INT64_C(300000) /* what changed is asked for from a little earlier: two clocks are compared */
#define BACK_AGAIN_MS INT64_C(60000)
#define ID_MAX 64

static const char prefix[] = "xero.";

int xero_takes(struct belfry_str type)
{
    return type.len > sizeof(prefix) - 1 && memcmp(type.ptr, prefix, sizeof(prefix) - 1) == 0;
}

static int is(struct belfry_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static int is_any_case(struct belfry_str s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.ptr, text, s.len) == 0;
}

static const struct xero_config *config_of(const struct invoice *self)
{
    return self->config->xero;
}

static int can_fetch(const struct invoice *self)
{
    return config_of(self) && config_of(self)->client_id;
}

static int is_allowed(const struct invoice *self, struct belfry_str tenant)
{
    const struct belfry_list *list = &config_of(self)->tenants;
    const char *const *names = list->items;
    for (uint32_t i = 0; i < list->count; i++) {
        if (is_any_case(tenant, names[i]))
            return 1;
    }
    return list->count == 0;
}

/* --- one event ---------------------------------------------------------------------------------------------------- */

/* It goes into a URL or a header later. */
static int word(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer, const char *where,
                struct belfry_str *out, struct belfry_error *err)
{
    if (txn->api->value_str(txn, trigger, pointer, out, err) != BELFRY_OK)
        return 1;
    size_t i;
    for (i = 0; i < out->len && i < ID_MAX; i++) {
        char c = out->ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'))
            break;
    }
    if (i == out->len && i > 0)
        return 0;
    txn->host->fail(err, BELFRY_EINVAL, where, "must be letters, digits and hyphens, 1 to %d", ID_MAX);
    return 1;
}

static belfry_status fetch(struct belfry_txn *txn, struct belfry_str tenant, struct belfry_str id)
{
    struct belfry_str payload =
        xero_format(txn, "{\"tenant\":\"%.*s\",\"id\":\"%.*s\"}", XERO_ARG(tenant), XERO_ARG(id));
    return payload.ptr ? txn->api->task(txn, belfry_str("xero.invoice"), payload, 0) : BELFRY_ELIMIT;
}

/* xero.event {tenantId, resourceId, eventType, eventCategory, eventDateUtc} */
static belfry_status on_event(const struct invoice *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                              struct belfry_error *err)
{
    struct belfry_str category, tenant, id;
    int faults = txn->api->value_str(txn, trigger, "/eventCategory", &category, err) != BELFRY_OK;
    faults += word(txn, trigger, "/tenantId", "/data/tenantId", &tenant, err);
    faults += word(txn, trigger, "/resourceId", "/data/resourceId", &id, err);
    if (faults)
        return BELFRY_EINVAL;
    if (!is_any_case(category, "INVOICE") || !can_fetch(self) || !is_allowed(self, tenant))
        return BELFRY_OK;
    return fetch(txn, tenant, id);
}

/* --- what is missing ---------------------------------------------------------------------------------------------- */

/* Every tenant that may have changed: those that the configuration names, else those that had events. */
static belfry_status ask_since(const struct invoice *self, struct belfry_txn *txn, const struct xero_memory *memory,
                               int64_t since_ms)
{
    const struct belfry_list *named = &config_of(self)->tenants;
    const char *const *names = named->items;
    size_t count = named->count ? named->count : memory->tenant_count;
    belfry_status status = BELFRY_OK;
    since_ms = since_ms > OVERLAP_MS ? since_ms - OVERLAP_MS : 0;
    for (size_t i = 0; i < count && !status; i++)
        status = xero_page(txn, named->count ? belfry_str(names[i]) : memory->tenants[i], since_ms, 1);
    return status;
}

struct delivery {
    int64_t first, last, oldest_ms, newest_ms;
};

/* From when what changed must be asked for; 0: nothing is missing. What is older than the last body is a repetition, or
 * late, and changes nothing; unless its events are new: then Xero counts from the beginning again. */
static int64_t missing_since(const struct xero_memory *memory, const struct delivery *d)
{
    if (!memory->last || !d->first || !d->last)
        return 0;
    int gap = d->first > memory->last + 1;
    int restarted = d->last < memory->last && d->newest_ms > memory->seen_ms;
    return gap || restarted ? memory->seen_ms : 0;
}

static void advance(struct xero_memory *memory, const struct delivery *d)
{
    int newer = d->newest_ms > memory->seen_ms;
    if (d->last > memory->last || (d->last && newer))
        memory->last = d->last;
    if (newer)
        memory->seen_ms = d->newest_ms;
}

static void add_tenants(const struct invoice *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                        struct xero_memory *memory)
{
    struct belfry_value tenants;
    char pointer[32];
    if (txn->api->value_get(txn, trigger, "/tenants", &tenants) != BELFRY_OK || tenants.type != BELFRY_VALUE_ARRAY)
        return;
    for (uint32_t i = 0; i < tenants.count; i++) {
        struct belfry_str tenant;
        snprintf(pointer, sizeof(pointer), "/tenants/%" PRIu32, i);
        if (word(txn, trigger, pointer, "/data/tenants", &tenant, NULL) == 0 && is_allowed(self, tenant))
            xero_memory_tenant(memory, tenant);
    }
}

/* xero.delivery {first, last, oldest, newest, tenants}: before the events of the same body. */
static belfry_status on_delivery(const struct invoice *self, struct belfry_txn *txn,
                                 const struct belfry_trigger *trigger, struct belfry_error *err)
{
    struct delivery d;
    struct xero_memory memory;
    int faults = txn->api->value_int(txn, trigger, "/first", &d.first, err) != BELFRY_OK;
    faults += txn->api->value_int(txn, trigger, "/last", &d.last, err) != BELFRY_OK;
    faults += txn->api->value_int(txn, trigger, "/oldest", &d.oldest_ms, err) != BELFRY_OK;
    faults += txn->api->value_int(txn, trigger, "/newest", &d.newest_ms, err) != BELFRY_OK;
    if (faults)
        return BELFRY_EINVAL;
    if (d.newest_ms > txn->now_ms) /* by Xero's clock: nothing later may be missed for that */
        d.newest_ms = txn->now_ms;
    xero_memory_load(txn, &memory);
    int64_t since = missing_since(&memory, &d);
    if (since && !memory.from_ms)
        memory.from_ms = since;
    if (!memory.from_ms && !can_fetch(self))
        memory.from_ms = d.oldest_ms;
    advance(&memory, &d);
    add_tenants(self, txn, trigger, &memory);
    belfry_status status = BELFRY_OK;
    if (memory.from_ms && can_fetch(self)) {
        status = ask_since(self, txn, &memory, memory.from_ms);
        memory.from_ms = 0;
    }
    return status ? status : xero_memory_save(txn, &memory);
}

/* xero.enabled: an intent to receive. The first one begins a webhook; a later one means that Xero had given it up, and
 * what happened meanwhile was told to nobody. Xero sends several in a row. */
static belfry_status on_enabled(const struct invoice *self, struct belfry_txn *txn)
{
    struct xero_memory memory;
    xero_memory_load(txn, &memory);
    if (!memory.seen_ms || txn->now_ms - memory.back_ms < BACK_AGAIN_MS)
        return BELFRY_OK;
    memory.back_ms = txn->now_ms;
    if (!memory.from_ms)
        memory.from_ms = memory.seen_ms;
    belfry_status status = BELFRY_OK;
    if (can_fetch(self)) {
        status = ask_since(self, txn, &memory, memory.from_ms);
        memory.from_ms = 0;
    }
    return status ? status : xero_memory_save(txn, &memory);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static int is_from(struct belfry_txn *txn, uint32_t kind, const char *name)
{
    return txn->principal->kind == kind && (!name || is(txn->principal->name, name));
}

static belfry_status from_webhook(const struct invoice *self, struct belfry_txn *txn,
                                  const struct belfry_trigger *trigger, struct belfry_error *err)
{
    struct belfry_str why;
    if (!config_of(self))
        return txn->host->fail(err, BELFRY_ECONFLICT, NULL, "xero is not configured");
    if (is(trigger->type, "xero.event"))
        return on_event(self, txn, trigger, err);
    if (is(trigger->type, "xero.delivery"))
        return on_delivery(self, txn, trigger, err);
    if (is(trigger->type, "xero.enabled"))
        return on_enabled(self, txn);
    if (txn->api->value_str(txn, trigger, "/why", &why, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    return txn->host->fail(err, BELFRY_EINVAL, "/data/body", "Xero signed a body that cannot be read: %.*s",
                           XERO_ARG(why));
}

belfry_status xero_receive(const struct invoice *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                           struct belfry_error *err)
{
    int result = is(trigger->type, "xero.invoice.result") || is(trigger->type, "xero.invoices.result");
    if (result && is_from(txn, BELFRY_PRINCIPAL_TASK, NULL))
        return xero_settle(self, txn, trigger, err);
    if (!result && is_from(txn, BELFRY_PRINCIPAL_HOOK, "xero"))
        return from_webhook(self, txn, trigger, err);
    return txn->host->fail(err, BELFRY_EPERM, "/type", "only Xero's signed webhook and what it leads to may say this");
}

int xero_times(struct belfry_str key)
{
    return is(key, XERO_SWEEP_TIMER);
}

belfry_status xero_due(struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload)
{
    (void)key;
    return xero_wait_sweep(txn, payload);
}

belfry_status xero_issued(const struct invoice *self, struct belfry_txn *txn, struct belfry_str id,
                          struct belfry_str number)
{
    struct belfry_str tenant, theirs;
    if (!can_fetch(self) || !xero_wait_take(txn, id, number, &tenant, &theirs))
        return BELFRY_OK;
    return fetch(txn, tenant, theirs);
}
