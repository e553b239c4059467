/* SPDX-License-Identifier: Apache-2.0 */
/* What triggers and timers have in common: names, state, refusals. */
#include "call.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct belfry_str join(struct approval_call *c, const char *prefix, struct belfry_str rest)
{
    size_t len = strlen(prefix);
    char *out = c->api->alloc(c->txn, len + rest.len);
    if (!out)
        return (struct belfry_str){NULL, 0};
    memcpy(out, prefix, len);
    memcpy(out + len, rest.ptr, rest.len);
    return (struct belfry_str){out, len + rest.len};
}

belfry_status approval_call_name(struct approval_call *c, struct belfry_str id)
{
    c->key = join(c, APPROVAL_KEY, id);
    c->id = c->key.ptr ? approval_after(c->key, APPROVAL_KEY) : c->key;
    return c->key.ptr ? BELFRY_OK : approval_out_of_memory(c);
}

belfry_status approval_call_load(struct approval_call *c)
{
    struct belfry_str value;
    int foreign;
    belfry_status status = c->api->get(c->txn, c->key, &value);
    if (status == BELFRY_ENOTFOUND)
        return BELFRY_OK;
    if (status != BELFRY_OK || approval_state_load(c->txn, value, &c->state, &foreign))
        return status;
    if (!foreign)
        return approval_out_of_memory(c);
    return c->a->host->fail(c->err, BELFRY_EINTERNAL, NULL, "what is remembered of %.*s cannot be read",
                            (int)c->key.len, c->key.ptr);
}

belfry_status approval_call_save(struct approval_call *c)
{
    struct belfry_str value = approval_state_save(c->txn, &c->state);
    return value.ptr ? c->api->put(c->txn, c->key, value) : approval_out_of_memory(c);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

belfry_status approval_refuse(struct approval_call *c, struct belfry_str by, int64_t at_ms, const char *format, ...)
{
    const struct belfry_host *host = c->a->host;
    char text[900], time[BELFRY_TIME_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    host->fail(c->err, BELFRY_ECONFLICT, NULL, "%s", text);
    if (by.len) {
        c->a->calendar->format_time(at_ms, time);
        host->fail_attr(c->err, "handled_by", by);
        host->fail_attr(c->err, "handled_at", belfry_str(time));
    }
    return BELFRY_ECONFLICT;
}

belfry_status approval_refuse_closed(struct approval_call *c)
{
    const struct approval_state *s = &c->state;
    char time[BELFRY_TIME_SIZE];
    if (s->status == APPROVAL_UNKNOWN)
        return approval_refuse(c, (struct belfry_str){NULL, 0}, 0, "there is no approval %.*s: nobody has submitted it",
                               (int)c->id.len, c->id.ptr);
    c->a->calendar->format_time(s->at_ms, time);
    return approval_refuse(c, s->by, s->at_ms, "approval %.*s was %s by %.*s at %s", (int)c->id.len, c->id.ptr,
                           approval_status_word(s->status), (int)s->by.len, s->by.ptr, time);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

belfry_status approval_timer_set(struct approval_call *c, const char *prefix, int64_t when_ms)
{
    struct belfry_str key = join(c, prefix, c->id), nothing = {"", 0};
    return key.ptr ? c->api->timer_set(c->txn, key, when_ms, nothing) : approval_out_of_memory(c);
}

belfry_status approval_timer_clear(struct approval_call *c, const char *prefix)
{
    struct belfry_str key = join(c, prefix, c->id);
    return key.ptr ? c->api->timer_clear(c->txn, key) : approval_out_of_memory(c);
}
