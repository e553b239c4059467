/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.blocked and work.unblocked: what cannot go on until somebody acts. `item/{id}` is there while the item is
 * blocked, and holds the time that its trigger named: of two that both name one the later counts, so that news that
 * comes late does not undo what is newer.
 */
#include "receive.h"
#include "tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY "item/"

static const char *const severities[] = {"info", "success", "warning", "error", "critical", NULL};

/* 1 when the item is blocked; *newer when what is known is newer than this trigger. */
static belfry_status look(struct sync_read *r, struct belfry_str key, int *blocked, int *newer)
{
    struct belfry_str value;
    char text[24] = "";
    belfry_status status = r->txn->api->get(r->txn, key, &value);
    *blocked = status == BELFRY_OK;
    *newer = 0;
    if (*blocked && value.len < sizeof(text)) {
        memcpy(text, value.ptr, value.len);
        int64_t said_ms = sync_moment_of(r->trigger).said_ms;
        *newer = said_ms && strtoll(text, NULL, 10) > said_ms;
    }
    return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}

static belfry_status tell(struct sync_read *r, struct belfry_str subject, struct belfry_str category, int severity,
                          struct belfry_str link)
{
    const struct belfry_list *to = &r->sync->config->blocked_to;
    struct belfry_recipient *audience = r->txn->api->alloc(r->txn, (to->count + 1) * sizeof(*audience));
    if (!audience)
        return BELFRY_ELIMIT;
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str("sync.blocked"),
                                 .subject = subject,
                                 .category = category,
                                 .severity = severity,
                                 .link = link,
                                 .audience = audience,
                                 .audience_count = sync_recipients(to, "blocked_to", audience, 0)};
    return r->txn->api->emit(r->txn, &event, r->err);
}

/* What names the run: its id, or an object that has one. */
static void read_run(struct sync_read *r)
{
    struct belfry_value value;
    if (r->txn->api->value_get(r->txn, r->trigger, "/run", &value) == BELFRY_OK && value.type == BELFRY_VALUE_OBJECT)
        sync_read_id(r, "/run/id");
    else
        sync_read_text(r, "/run", 0);
}

belfry_status sync_blocked(struct sync_read *r)
{
    struct belfry_str id = sync_read_id(r, "/item/id"), link = sync_read_link(r, "/item/url", 1);
    sync_read_text(r, "/item/title", 1);
    sync_read_text(r, "/reason", 1);
    struct belfry_str category = sync_read_text(r, "/category", 0);
    int severity = sync_read_word(r, "/severity", severities, 0, "must be info, success, warning, error or critical");
    read_run(r);
    if (r->refused)
        return BELFRY_EINVAL;
    struct belfry_str key = sync_key(r->txn, KEY, id);
    int blocked, newer;
    char time[24];
    belfry_status status = key.ptr ? look(r, key, &blocked, &newer) : BELFRY_ELIMIT;
    if (status != BELFRY_OK || newer)
        return status;
    status = tell(r, key, category, severity, link);
    snprintf(time, sizeof(time), "%" PRId64, sync_moment_of(r->trigger).said_ms);
    return status == BELFRY_OK ? r->txn->api->put(r->txn, key, belfry_str(time)) : status;
}

belfry_status sync_unblocked(struct sync_read *r)
{
    struct belfry_str id = sync_read_id(r, "/item/id");
    if (r->refused)
        return BELFRY_EINVAL;
    struct belfry_str key = sync_key(r->txn, KEY, id);
    int blocked, newer;
    belfry_status status = key.ptr ? look(r, key, &blocked, &newer) : BELFRY_ELIMIT;
    if (status != BELFRY_OK || !blocked || newer)
        return status;
    struct belfry_selection which = {.struct_size = sizeof(which), .reason = belfry_str("it is not blocked any more")};
    status = r->txn->api->withdraw(r->txn, key, &which);
    return status == BELFRY_OK ? r->txn->api->del(r->txn, key) : status;
}
