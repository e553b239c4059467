/* SPDX-License-Identifier: Apache-2.0 */
/* What deeds on endpoints share: whose an endpoint is, and how a row of one that has ended goes out again. */
#include "ledger/inside.h"

#include "store/lanes.h"

int endpoint_find(struct ledger_txn *txn, const struct deed *deed, int64_t id, struct store_target *out)
{
    return store_target_get(txn->conn, id, txn->arena, out) && !out->removed &&
           str_eqz(store_name_text(txn->conn, out->org), deed->org);
}

json_t *endpoint_detail(struct ledger_txn *txn, const struct store_target *endpoint)
{
    char id[ID_TEXT_SIZE];
    id_format(store_id_key(txn->ledger->store), endpoint->id, id);
    json_t *detail = json_pack("{s:s}", "endpoint", id);
    json_set_str(detail, "name", endpoint->name);
    return detail;
}

static int is_held(const struct ledger_txn *txn, int64_t endpoint)
{
    return hash_get(txn->ledger->disabled, str_slice((const char *)&endpoint, sizeof(endpoint))) != NULL;
}

void endpoint_row_again(struct ledger_txn *txn, const struct store_delivery *row, const struct store_event *event,
                        int64_t due_ms, uint32_t unless, const char *why)
{
    struct store_delivery again = *row;
    int held = is_held(txn, row->target);
    again.lane = lane_of(target_route(txn, row->target), event);
    again.due = due_ms;
    again.attempts = 0;
    again.unless = unless;
    again.open = held ? 2 : 1;
    again.state = held ? OUTCOME_held_disabled : OUTCOME_scheduled;
    if (again.lane && !held)
        again.due = store_lane_enter(txn->conn, &again);
    store_delivery_renew(txn->conn, &again, str_of(held ? REASON_DISABLED : why));
    if (held)
        outcome_count(txn, row->channel, OUTCOME_held_disabled, 1);
    else
        ledger_txn_due(txn, row->target);
}

int is_test_event(const struct store_event *event)
{
    return event->trigger_id.len == 0 && str_eqz(event->trigger_type, ENDPOINT_TEST);
}

/* {"endpoint":{"id":...}} of an event that only the hub makes. */
int is_about_endpoint(struct ledger_txn *txn, const struct store_event *event, int64_t endpoint)
{
    if (!str_eqz(store_name_text(txn->conn, event->source), "hub") ||
        !str_has_prefix(store_name_text(txn->conn, event->type), STR("hub.endpoint_")))
        return 0;
    char id[ID_TEXT_SIZE];
    id_format(store_id_key(txn->ledger->store), endpoint, id);
    json_t *data = json_read(event->data, NULL);
    int about = str_eqz(json_str(json_object_get(json_object_get(data, "endpoint"), "id")), id);
    json_decref(data);
    return about;
}
