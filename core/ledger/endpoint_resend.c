/* SPDX-License-Identifier: Apache-2.0 */
/* One delivery to an endpoint once more, whatever became of it. Somebody wants it, so the rule's `unless` is not asked.
 */
#include "ledger/inside.h"

#include "ledger/endpoints.h"

#include <stdlib.h>

struct resend {
    struct ledger_command command;
    struct deed deed;
    int64_t target, attempt, delivery;
    const char *why;
    void (*done)(void *arg, belfry_status status, const char *why, int64_t delivery);
    void *arg;
};

/* NULL: it may go. */
static const char *cannot(struct ledger_txn *txn, const struct store_delivery *row, const struct store_target *endpoint,
                          struct store_event *event)
{
    if (row->lease)
        return "it is under way";
    if (row->open == 1)
        return "it waits already";
    if (!endpoint->enabled)
        return "the endpoint is disabled; enable it first";
    if (row->open)
        return "it is held";
    if (!gen_channel_by_name(txn->gen, row->channel))
        return "its channel is not in the configuration any more";
    if (!store_event_get(txn->conn, row->event, txn->arena, event))
        return "its event is not kept any more";
    if (event->validity || (event->valid_until && event->valid_until <= txn->now))
        return "its event is no longer valid";
    return NULL;
}

static belfry_status resend_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct resend *r = LIST_OF(command, struct resend, command);
    struct store_target endpoint;
    struct store_delivery row;
    struct store_event event;
    char id[ID_TEXT_SIZE];
    r->delivery = store_attempt_delivery(txn->conn, r->attempt);
    if (!r->delivery || !store_delivery_get(txn->conn, r->delivery, txn->arena, &row) || row.target != r->target ||
        !store_target_get(txn->conn, r->target, txn->arena, &endpoint) ||
        !str_eqz(store_name_text(txn->conn, endpoint.org), r->deed.org))
        return BELFRY_ENOTFOUND;
    r->why = endpoint.removed ? "the endpoint is gone" : cannot(txn, &row, &endpoint, &event);
    if (r->why)
        return BELFRY_ECONFLICT;
    endpoint_row_again(txn, &row, &event, txn->now, 0, "sent again by hand");
    json_t *detail = endpoint_detail(txn, &endpoint);
    id_format(store_id_key(txn->ledger->store), row.id, id);
    json_object_set_new(detail, "delivery", json_string(id));
    json_object_set_new(detail, "was", json_string(outcome_name(row.state)));
    deed_audit(txn, &r->deed, "endpoint.resend", detail);
    return BELFRY_OK;
}

static void resend_done(struct ledger_command *command, belfry_status status)
{
    struct resend *r = LIST_OF(command, struct resend, command);
    r->done(r->arg, status, status == BELFRY_ECONFLICT ? r->why : NULL, status ? 0 : r->delivery);
    deed_free(&r->deed);
    free(r);
}

void ledger_endpoint_resend(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, int64_t attempt,
                            void (*done)(void *arg, belfry_status status, const char *why, int64_t delivery), void *arg)
{
    struct resend *r = xcalloc(1, sizeof(*r));
    *r = (struct resend){.deed = deed_copy(deed), .target = target, .attempt = attempt, .done = done, .arg = arg};
    r->command = (struct ledger_command){.run = resend_run, .done = resend_done};
    if (ledger_submit(ledger, &r->command) != BELFRY_OK)
        resend_done(&r->command, BELFRY_ECLOSED);
}
