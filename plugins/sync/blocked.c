/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.blocked and work.unblocked: what cannot go on until somebody acts. `item/{id}` is there while the item is
 * blocked, and holds the time that its trigger named: of two that both name one the later counts, so that news that
 * comes late does not undo what is newer. For the same reason the time of an unblocking is kept, behind a minus, for as
 * long as an older time would be believed.
 */
#include "receive.h"
#include "tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY SYNC_ITEM
static const char *const severities[] = {"info", "success", "warning", "error", "critical", NULL};

/* What is known of the item of a trigger, and when the trigger says it was; 0: it does not. */
struct item {
    struct belfry_str key;
    int64_t said_ms;
    int blocked, remembered, newer; /* remembered: as unblocked; newer: what is known is newer than the trigger */
};

static belfry_status look(struct sync_read *r, struct belfry_str id, struct item *item)
{
    struct sync_moment moment = sync_moment_of(r->trigger);
    struct belfry_str value = {NULL, 0};
    char text[24] = "";
    *item = (struct item){.key = sync_key(r->txn, KEY, id), .said_ms = moment.said_ms ? sync_moment_ms(moment) : 0};
    belfry_status status = item->key.ptr ? r->txn->api->get(r->txn, item->key, &value) : BELFRY_ELIMIT;
    if (status != BELFRY_OK)
        return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
    memcpy(text, value.ptr, value.len < sizeof(text) ? value.len : 0);
    item->remembered = text[0] == '-';
    item->blocked = !item->remembered;
    item->newer = item->said_ms && strtoll(text + item->remembered, NULL, 10) > item->said_ms;
    return BELFRY_OK;
}

static belfry_status keep(struct sync_read *r, const struct item *item, const char *sign)
{
    char text[24];
    snprintf(text, sizeof(text), "%s%" PRId64, sign, item->said_ms);
    return r->txn->api->put(r->txn, item->key, belfry_str(text));
}

static belfry_status remember_unblocked(struct sync_read *r, const struct item *item)
{
    struct belfry_str nothing = {"", 0};
    belfry_status status = keep(r, item, "-");
    return status == BELFRY_OK ? r->txn->api->timer_set(r->txn, item->key, item->said_ms + SYNC_DAY_MS, nothing)
                               : status;
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
    struct item item;
    belfry_status status = look(r, id, &item);
    if (status != BELFRY_OK || item.newer)
        return status;
    status = tell(r, item.key, category, severity, link);
    if (status == BELFRY_OK && item.remembered)
        status = r->txn->api->timer_clear(r->txn, item.key);
    return status == BELFRY_OK ? keep(r, &item, "") : status;
}

belfry_status sync_unblocked(struct sync_read *r)
{
    struct belfry_str id = sync_read_id(r, "/item/id");
    if (r->refused)
        return BELFRY_EINVAL;
    struct item item;
    belfry_status status = look(r, id, &item);
    if (status != BELFRY_OK || item.newer)
        return status;
    struct belfry_selection which = {.struct_size = sizeof(which), .reason = belfry_str("it is not blocked any more")};
    if (item.blocked)
        status = r->txn->api->withdraw(r->txn, item.key, &which);
    if (status == BELFRY_OK && item.said_ms)
        status = remember_unblocked(r, &item);
    else if (status == BELFRY_OK && item.blocked)
        status = r->txn->api->del(r->txn, item.key);
    return status;
}

belfry_status sync_item_due(struct belfry_txn *txn, struct belfry_str key)
{
    struct belfry_str value;
    belfry_status status = txn->api->get(txn, key, &value);
    if (status == BELFRY_OK && value.len && value.ptr[0] == '-')
        status = txn->api->del(txn, key);
    return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}
