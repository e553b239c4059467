/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event that one endpoint gets so that somebody can see what it does with it. It is an event of the hub, of the type
 * that was asked for, with that type's category and severity; its title and what caused it (trigger_type) say that it
 * is a test, and so does its payload. It has no subject: it replaces nothing and waits for nothing. Its row has no
 * rule, which is how gates and dispatch know a test: it is gated by nothing, and tried once. A disabled endpoint gets
 * it, too: that is how somebody finds out whether to enable it.
 */
#include "ledger/inside.h"

#include "ledger/endpoints.h"

#include <stdlib.h>

struct test {
    struct ledger_command command;
    struct deed deed;
    int64_t target, event, delivery;
    char *type, *data;
    const char *why;
    void (*done)(void *arg, belfry_status status, const char *why, int64_t event, int64_t delivery);
    void *arg;
};

/* As a source of the org declares it; NULL: none does. */
static const struct belfry_event_type *declared(const struct gen *gen, struct belfry_str org, struct belfry_str type)
{
    for (size_t i = 0; i < gen->pub->source_count; i++) {
        const struct gen_source *source = &gen->sources[i];
        const struct gen_type *found =
            source->live && config_serves(source->live->instance, org) ? gen_type_find(source, type) : NULL;
        if (found)
            return found->type;
    }
    return NULL;
}

static void write_event(struct ledger_txn *txn, struct test *t, const struct store_target *endpoint)
{
    struct belfry_str org = str_of(t->deed.org), type = str_of(t->type);
    const struct belfry_event_type *known = declared(txn->gen, org, type);
    struct belfry_str category = str_of(known && known->category ? known->category : "hub");
    struct store_event row = {.id = ledger_txn_id(txn),
                              .org = endpoint->org,
                              .source = store_name(txn->conn, STR("hub")),
                              .type = store_name(txn->conn, type),
                              .category = store_name(txn->conn, category),
                              .severity = known ? (int32_t)known->severity : BELFRY_INFO,
                              .time = txn->now,
                              .generation = (int64_t)txn->gen->pub->config->generation,
                              .title = str_of(arena_printf(txn->arena, "Test of %s", t->type)),
                              .data = str_of(t->data),
                              .audience = STR("[]"),
                              .rules = STR("[]"),
                              .trigger_type = STR(ENDPOINT_TEST),
                              .principal = str_of(t->deed.who)};
    struct route_event event = {.org = org, .source = STR("hub"), .type = type, .category = category};
    store_event_add(txn->conn, &row);
    payload_write(txn, &event, &row);
    txn->events++;
    t->event = row.id;
}

static belfry_status test_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct test *t = LIST_OF(command, struct test, command);
    struct store_target endpoint;
    char id[ID_TEXT_SIZE];
    if (!endpoint_find(txn, &t->deed, t->target, &endpoint))
        return BELFRY_ENOTFOUND;
    if (!gen_channel_by_name(txn->gen, endpoint.channel)) {
        t->why = "its channel is not in the configuration any more";
        return BELFRY_ECONFLICT;
    }
    write_event(txn, t, &endpoint);
    struct store_delivery row = {.id = ledger_txn_id(txn),
                                 .event = t->event,
                                 .org = endpoint.org,
                                 .channel = endpoint.channel,
                                 .target = t->target,
                                 .state = OUTCOME_scheduled,
                                 .open = 1,
                                 .due = txn->now};
    store_delivery_add(txn->conn, &row);
    ledger_txn_due(txn, t->target);
    t->delivery = row.id;
    json_t *detail = endpoint_detail(txn, &endpoint);
    id_format(store_id_key(txn->ledger->store), t->event, id);
    json_object_set_new(detail, "event", json_string(id));
    json_object_set_new(detail, "type", json_string(t->type));
    deed_audit(txn, &t->deed, "endpoint.test", detail);
    return BELFRY_OK;
}

static void test_done(struct ledger_command *command, belfry_status status)
{
    struct test *t = LIST_OF(command, struct test, command);
    t->done(t->arg, status, status == BELFRY_ECONFLICT ? t->why : NULL, status ? 0 : t->event,
            status ? 0 : t->delivery);
    deed_free(&t->deed);
    free(t->type);
    free(t->data);
    free(t);
}

void ledger_endpoint_test(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, struct belfry_str type,
                          struct belfry_str data,
                          void (*done)(void *arg, belfry_status status, const char *why, int64_t event,
                                       int64_t delivery),
                          void *arg)
{
    struct test *t = xcalloc(1, sizeof(*t));
    *t = (struct test){.deed = deed_copy(deed), .target = target, .done = done, .arg = arg};
    t->type = xstrndup(type.ptr, type.len);
    t->data = xstrndup(data.ptr, data.len);
    t->command = (struct ledger_command){.run = test_run, .done = test_done};
    if (ledger_submit(ledger, &t->command) != BELFRY_OK)
        test_done(&t->command, BELFRY_ECLOSED);
}
