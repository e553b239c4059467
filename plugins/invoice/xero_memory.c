/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State values as short lines of text: "name value" for numbers, "tenant T" for each tenant; what was paid is
 * "minor updated", a wait is "day tenant number". Ids and tenants were checked before they come here, so neither has a
 * blank.
 */
#include "xero_memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define WAIT_DAYS 90
#define SWEEP_AT_ONCE 500
#define KEY_MAX 512

static const char webhook_key[] = "xero/webhook";

struct belfry_str xero_format(struct belfry_txn *txn, const char *format, ...)
{
    struct belfry_str out = {NULL, 0};
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : txn->api->alloc(txn, (size_t)len + 1);
    if (text) {
        vsnprintf(text, (size_t)len + 1, format, again);
        out = (struct belfry_str){text, (size_t)len};
    }
    va_end(again);
    va_end(args);
    return out;
}

/* Up to the separator or the end. */
static struct belfry_str cut(struct belfry_str *rest, char separator)
{
    const char *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct belfry_str head = {rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len};
    size_t skip = head.len + (at ? 1 : 0);
    rest->ptr += skip;
    rest->len -= skip;
    return head;
}

static int is(struct belfry_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static int64_t number(struct belfry_str s)
{
    int64_t value = 0;
    for (size_t i = 0; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9' && value < INT64_MAX / 10 - 9; i++)
        value = value * 10 + (s.ptr[i] - '0');
    return value;
}

static belfry_status put(struct belfry_txn *txn, struct belfry_str key, struct belfry_str value)
{
    return key.ptr && value.ptr ? txn->api->put(txn, key, value) : BELFRY_ELIMIT;
}

/* --- the webhook -------------------------------------------------------------------------------------------------- */

#define NUMBERS(XX)                                                                                                    \
    XX(last)                                                                                                           \
    XX(seen_ms)                                                                                                        \
    XX(from_ms)                                                                                                        \
    XX(back_ms)                                                                                                        \
    XX(sweep)

void xero_memory_load(struct belfry_txn *txn, struct xero_memory *out)
{
    struct belfry_str text;
    memset(out, 0, sizeof(*out));
    if (txn->api->get(txn, belfry_str(webhook_key), &text) != BELFRY_OK)
        return;
    while (text.len) {
        struct belfry_str value = cut(&text, '\n'), name = cut(&value, ' ');
        if (is(name, "tenant"))
            xero_memory_tenant(out, value);
#define READ(member) else if (is(name, #member)) out->member = number(value);
        NUMBERS(READ)
#undef READ
    }
}

belfry_status xero_memory_save(struct belfry_txn *txn, const struct xero_memory *memory)
{
    size_t size = 256 + memory->tenant_count * 80, n = 0;
    char *text = txn->api->alloc(txn, size);
    if (!text)
        return BELFRY_ELIMIT;
#define WRITE(member)                                                                                                  \
    if (memory->member)                                                                                                \
        n += (size_t)snprintf(text + n, size - n, #member " %" PRId64 "\n", memory->member);
    NUMBERS(WRITE)
#undef WRITE
    for (size_t i = 0; i < memory->tenant_count; i++)
        n += (size_t)snprintf(text + n, size - n, "tenant %.*s\n", XERO_ARG(memory->tenants[i]));
    return put(txn, belfry_str(webhook_key), (struct belfry_str){text, n});
}

void xero_memory_tenant(struct xero_memory *memory, struct belfry_str tenant)
{
    for (size_t i = 0; i < memory->tenant_count; i++) {
        if (memory->tenants[i].len == tenant.len && memcmp(memory->tenants[i].ptr, tenant.ptr, tenant.len) == 0)
            return;
    }
    if (memory->tenant_count < XERO_TENANTS_MAX)
        memory->tenants[memory->tenant_count++] = tenant;
}

/* --- what was paid ------------------------------------------------------------------------------------------------ */

struct xero_paid xero_paid_get(struct belfry_txn *txn, struct belfry_str id)
{
    struct xero_paid paid = {0, 0};
    struct belfry_str value, key = xero_format(txn, "xero/paid/%.*s", XERO_ARG(id));
    if (key.ptr && txn->api->get(txn, key, &value) == BELFRY_OK) {
        paid.minor = number(cut(&value, ' '));
        paid.updated_ms = number(value);
    }
    return paid;
}

belfry_status xero_paid_set(struct belfry_txn *txn, struct belfry_str id, struct xero_paid paid)
{
    return put(txn, xero_format(txn, "xero/paid/%.*s", XERO_ARG(id)),
               xero_format(txn, "%" PRId64 " %" PRId64, paid.minor, paid.updated_ms));
}

/* --- those that nobody knows yet ---------------------------------------------------------------------------------- */

static struct belfry_str wait_key(struct belfry_txn *txn, struct belfry_str id)
{
    return xero_format(txn, "xero/wait/%.*s", XERO_ARG(id));
}

/* NULL ptr for a number that is no key: longer than any that we would issue. */
static struct belfry_str number_key(struct belfry_txn *txn, struct belfry_str number)
{
    if (number.len == 0 || number.len > KEY_MAX - 16)
        return (struct belfry_str){NULL, 0};
    return xero_format(txn, "xero/wait#%.*s", XERO_ARG(number));
}

/* The timer is set once and sets itself again while something waits. */
static belfry_status sweep_later(struct belfry_txn *txn)
{
    struct xero_memory memory;
    xero_memory_load(txn, &memory);
    if (memory.sweep)
        return BELFRY_OK;
    memory.sweep = 1;
    belfry_status status = xero_memory_save(txn, &memory);
    struct belfry_str none = {NULL, 0};
    return status ? status : txn->api->timer_set(txn, belfry_str(XERO_SWEEP_TIMER), txn->now_ms + DAY_MS, none);
}

belfry_status xero_wait(struct belfry_txn *txn, struct belfry_str tenant, struct belfry_str id,
                        struct belfry_str number)
{
    struct belfry_str by_number = number_key(txn, number);
    struct belfry_str value =
        xero_format(txn, "%" PRId64 " %.*s %.*s", txn->now_ms / DAY_MS, XERO_ARG(tenant), XERO_ARG(number));
    belfry_status status = put(txn, wait_key(txn, id), value);
    if (!status && by_number.ptr)
        status = put(txn, by_number, id);
    return status ? status : sweep_later(txn);
}

struct wait {
    int64_t day;
    struct belfry_str tenant, number;
};

static struct wait wait_of(struct belfry_str value)
{
    struct wait w;
    w.day = number(cut(&value, ' '));
    w.tenant = cut(&value, ' ');
    w.number = value;
    return w;
}

static belfry_status forget(struct belfry_txn *txn, struct belfry_str key, struct belfry_str number)
{
    struct belfry_str by_number = number_key(txn, number);
    belfry_status status = txn->api->del(txn, key);
    return status || !by_number.ptr ? status : txn->api->del(txn, by_number);
}

int xero_wait_take(struct belfry_txn *txn, struct belfry_str our_id, struct belfry_str number,
                   struct belfry_str *tenant, struct belfry_str *id)
{
    struct belfry_str value, by_number = number_key(txn, number);
    if (!by_number.ptr || txn->api->get(txn, by_number, id) != BELFRY_OK)
        *id = our_id;
    struct belfry_str key = wait_key(txn, *id);
    if (!key.ptr || key.len > KEY_MAX || txn->api->get(txn, key, &value) != BELFRY_OK)
        return 0;
    struct wait w = wait_of(value);
    *tenant = w.tenant;
    return forget(txn, key, w.number) == BELFRY_OK;
}

struct sweep {
    struct belfry_txn *txn;
    struct belfry_str keys[SWEEP_AT_ONCE], numbers[SWEEP_AT_ONCE];
    struct belfry_str last;
    size_t seen, old;
};

static int32_t look(void *arg, struct belfry_str key, struct belfry_str value)
{
    struct sweep *s = arg;
    struct wait w = wait_of(value);
    s->seen++;
    s->last = key;
    if (w.day + WAIT_DAYS < s->txn->now_ms / DAY_MS) {
        s->keys[s->old] = key;
        s->numbers[s->old++] = w.number;
    }
    return 0;
}

belfry_status xero_wait_sweep(struct belfry_txn *txn, struct belfry_str after)
{
    struct xero_memory memory;
    struct sweep *s = txn->api->alloc(txn, sizeof(*s));
    if (!s)
        return BELFRY_ELIMIT;
    memset(s, 0, sizeof(*s));
    s->txn = txn;
    belfry_status status = txn->api->scan(txn, belfry_str("xero/wait/"), after, 0, SWEEP_AT_ONCE, look, s);
    for (size_t i = 0; i < s->old && !status; i++)
        status = forget(txn, s->keys[i], s->numbers[i]);
    if (status)
        return status;
    struct belfry_str timer = belfry_str(XERO_SWEEP_TIMER), start = {NULL, 0};
    if (s->seen == SWEEP_AT_ONCE)
        return txn->api->timer_set(txn, timer, txn->now_ms, s->last);
    if (s->seen > s->old || after.len)
        return txn->api->timer_set(txn, timer, txn->now_ms + DAY_MS, start);
    xero_memory_load(txn, &memory);
    memory.sweep = 0;
    return xero_memory_save(txn, &memory);
}
