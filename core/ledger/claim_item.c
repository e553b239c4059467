/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin is told of a row that may go out: the event in the recipient's language, who that is, and why they. */
#include "ledger/inside.h"

/* In their words: the language and zone that they chose, else those of the directory, which knows the address unless
 * the row has one. */
static void fill_person(struct ledger_txn *txn, struct ledger_claim_item *item, int64_t id,
                        const struct store_event *event, struct arena *arena)
{
    const struct route_directory *d = &txn->directory.pub;
    struct belfry_person person = {.struct_size = sizeof(person)};
    struct belfry_str username;
    struct preference own;
    struct store_event said = *event;
    preference_init(&own);
    cache_person_rev(txn, id, &username);
    d->person(d->arg, txn->arena, item->org, username, &person);
    d->preference(d->arg, txn->arena, item->org, username, &own);
    item->username = arena_str(arena, username);
    item->name = arena_str(arena, person.name);
    item->locale = arena_str(arena, own.locale.len ? own.locale : person.locale);
    item->timezone = arena_str(arena, own.timezone.len ? own.timezone : person.timezone);
    if (item->address.len == 0)
        item->address = arena_str(arena, person.email);
    store_event_say(&said, item->locale, arena);
    item->title = said.title;
    item->body = said.body;
    if (config_may_act(config_category(txn->gen->pub->config, item->category), &person.roles))
        item->action_count = store_event_actions(event, item->locale, arena, &item->actions);
}

/* What the category is called may outlive the configuration. */
static void fill_category(struct ledger_txn *txn, struct ledger_claim_item *item, struct arena *arena)
{
    const struct config_category *category = config_category(txn->gen->pub->config, item->category);
    item->category_label = category ? arena_str(arena, config_label(category, item->locale)) : item->category;
    item->required = category && category->required;
}

/* How long it was left to be seen. The rule as it is now; one that is gone waited for nobody knows how long. Where it
 * goes out whether or not it was seen, nothing can be said of that. */
static int64_t waited(const struct ledger_txn *txn, const struct store_delivery *row)
{
    if (!(row->unless & CONFIG_UNLESS_SEEN))
        return 0;
    const struct config_rule *rule = gen_rule(txn->gen, store_name_text(txn->conn, row->rule));
    const struct gen_channel *channel = gen_channel_by_name(txn->gen, row->channel);
    for (size_t i = 0; rule && channel && i < rule->deliver_count; i++)
        if (rule->deliver[i].channel == channel->instance && rule->deliver[i].unless == row->unless)
            return rule->deliver[i].after_ms;
    return 0;
}

void claim_item_fill(struct ledger_txn *txn, struct arena *arena, const struct store_delivery *row,
                     struct ledger_claim_item *item)
{
    struct store_event event = {0};
    struct store_tries tries;
    store_event_get_sent(txn->conn, row->event, arena, &event);
    store_delivery_tries(txn->conn, row, &tries);
    *item = (struct ledger_claim_item){.delivery = row->id,
                                       .event = event.id,
                                       .notification = row->notification,
                                       .attempt = (uint32_t)row->attempts + 1,
                                       .org = store_name_text(txn->conn, row->org),
                                       .source = store_name_text(txn->conn, event.source),
                                       .type = store_name_text(txn->conn, event.type),
                                       .category = store_name_text(txn->conn, event.category),
                                       .subject = event.subject,
                                       .title = event.title,
                                       .body = event.body,
                                       .link = event.link,
                                       .actor = event.actor,
                                       .data = event.data,
                                       .address = arena_str(arena, row->address),
                                       .reason = arena_str(arena, row->reason),
                                       .severity = event.severity,
                                       .event_time_ms = event.time,
                                       .valid_until_ms = event.valid_until,
                                       .due_ms = row->due,
                                       .waited_ms = waited(txn, row),
                                       .first_ms = tries.first_ms,
                                       .unknowns = tries.unknowns,
                                       .test = delivery_is_test(row),
                                       .total = 1};
    if (row->target)
        item->payload = store_payload_get(txn->conn, event.id, arena);
    if (row->notification)
        item->reason = store_notification_reason(txn->conn, row->notification, arena);
    if (row->person)
        fill_person(txn, item, row->person, &event, arena);
    fill_category(txn, item, arena);
}

void claim_item_lease(struct ledger_txn *txn, const struct ledger_claim_item *item, int64_t delivery, int64_t bundle,
                      int kind)
{
    const struct store *store = txn->ledger->store;
    int64_t mailed = item->username.len ? address_mark(store_id_key(store), txn->arena, item->address) : 0;
    store_delivery_join(txn->conn, delivery, bundle, kind, store_boot(store), mailed);
}
