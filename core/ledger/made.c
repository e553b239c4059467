/* SPDX-License-Identifier: Apache-2.0 */
/* Deeds on endpoints that are made over the API: each is one command, with its row in the audit. */
#include "ledger/made.h"

#include "ledger/inside.h"

static const char *const audit_names[] = {
    [LEDGER_ENDPOINT_CREATE] = "endpoint.create", [LEDGER_ENDPOINT_CHANGE] = "endpoint.change",
    [LEDGER_ENDPOINT_REMOVE] = "endpoint.remove", [LEDGER_ENDPOINT_ROTATE] = "endpoint.rotate",
    [LEDGER_ENDPOINT_ENABLE] = "endpoint.enable", [LEDGER_ENDPOINT_DISABLE] = "endpoint.disable",
};

/* Nothing of what people set is told but what of it changed: headers, and metadata too, may hold what is not for
 * everybody's eyes. */
static void audit(struct ledger_txn *txn, const struct ledger_endpoint *e, const struct store_target *row,
                  json_t *changed)
{
    json_t *detail = json_object();
    json_set_str(detail, "endpoint", row->name);
    json_set_str(detail, "channel", store_name_text(txn->conn, row->channel));
    if (row->origin == STORE_ORIGIN_API)
        json_object_set_new(detail, "version", json_integer(row->version));
    if (changed)
        json_object_set_new(detail, "changed", changed);
    if (e->deed.reason.len)
        json_set_str(detail, "reason", e->deed.reason);
    ledger_txn_audit(txn, e->deed.org, e->deed.who, audit_names[e->what], detail);
    json_decref(detail);
}

static void copy(struct ledger_txn *txn, struct arena *arena, const struct store_target *row, struct ledger_made *out)
{
    *out = (struct ledger_made){.row = *row,
                                .org = arena_str(arena, store_name_text(txn->conn, row->org)),
                                .channel = arena_str(arena, store_name_text(txn->conn, row->channel))};
    struct belfry_str *const texts[] = {&out->row.name,     &out->row.url,   &out->row.secret,
                                        &out->row.settings, &out->row.owner, &out->row.doc};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = arena_str(arena, *texts[i]);
}

static belfry_status create(struct ledger_txn *txn, struct ledger_endpoint *e)
{
    const struct config *config = txn->gen ? txn->gen->pub->config : NULL;
    const struct config_instance *channel = config ? config_channel(config, str_of(e->channel)) : NULL;
    if (!channel || !channel->plugin->endpoints || !config_org(config, e->deed.org) ||
        !config_serves(channel, e->deed.org))
        return BELFRY_EAGAIN;
    char name[ID_TEXT_SIZE];
    struct store_target row = {.id = ledger_txn_id(txn),
                               .org = store_name(txn->conn, e->deed.org),
                               .channel = store_name(txn->conn, str_of(e->channel)),
                               .url = e->url,
                               .enabled = 1,
                               .origin = STORE_ORIGIN_API,
                               .version = 1,
                               .owner = e->deed.who,
                               .doc = endpoint_doc_write(&e->doc, txn->arena)};
    id_format(store_id_key(txn->ledger->store), row.id, name);
    row.name = str_of(name);
    e->id = row.id;
    e->fill(e, &row, txn->now);
    store_target_add(txn->conn, &row);
    audit(txn, e, &row, NULL);
    if (!e->enabled)
        targets_switch(txn, &row, 0, STORE_OFF_BY_HAND, STR("made so"), e->number);
    row.enabled = e->enabled != 0;
    row.off_by = row.enabled ? 0 : STORE_OFF_BY_HAND;
    made_put(txn, &row);
    copy(txn, e->arena, &row, &e->out);
    return BELFRY_OK;
}

/* --- those that are there ----------------------------------------------------------------------------------------- */

static struct belfry_str by(struct ledger_txn *txn, const struct ledger_endpoint *e)
{
    return str_of(arena_printf(txn->arena, "disabled by %.*s%s%.*s", STR_ARG(e->deed.who),
                               e->deed.reason.len ? ": " : "", STR_ARG(e->deed.reason)));
}

/* Names of what is another than before. */
static json_t *changes(const struct store_target *before, const struct store_target *row)
{
    static const char *const keys[] = {"description", "types", "when", "metadata", "concurrency", "rate", "order"};
    json_t *list = json_array(), *old = json_read(before->doc, NULL), *new = json_read(row->doc, NULL);
    if (!str_eq(before->url, row->url))
        json_array_append_new(list, json_string("url"));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *a = json_object_get(old, keys[i]), *b = json_object_get(new, keys[i]);
        if ((a || b) && !(a && b && json_equal(a, b)))
            json_array_append_new(list, json_string(keys[i]));
    }
    json_decref(old);
    json_decref(new);
    return list;
}

/* Off by a hand is another state than off by failures: who moves the latter elsewhere enables it. */
static int is_switched(const struct store_target *row, int on)
{
    return row->enabled == on && (on || row->off_by == STORE_OFF_BY_HAND);
}

static void switch_to(struct ledger_txn *txn, struct ledger_endpoint *e, struct store_target *row, int on)
{
    if (is_switched(row, on))
        return;
    targets_switch(txn, row, on, STORE_OFF_BY_HAND, on ? (struct belfry_str){0} : by(txn, e), e->number);
    row->enabled = on;
    row->off_by = on ? 0 : STORE_OFF_BY_HAND;
    row->first_failure = 0;
}

/* What says of everything what is there already changes nothing: no version that others stumble over, no audit. */
static void change(struct ledger_txn *txn, struct ledger_endpoint *e, struct store_target *row)
{
    struct store_target before = *row;
    row->url = e->url;
    row->doc = endpoint_doc_write(&e->doc, txn->arena);
    e->fill(e, row, txn->now);
    json_t *changed = changes(&before, row);
    for (size_t i = 0; i < e->differing.count; i++)
        json_array_append_new(changed, json_stringn(e->differing.items[i].ptr, e->differing.items[i].len));
    if (!json_array_size(changed) && str_eq(before.settings, row->settings) &&
        (e->enabled < 0 || is_switched(row, e->enabled != 0))) {
        json_decref(changed);
        return;
    }
    row->version++;
    e->moved = !str_eq(before.url, row->url);
    store_target_change(txn->conn, row);
    if (e->moved) {
        targets_moved(txn, &before, e->number);
        row->enabled = before.enabled || before.off_by == STORE_OFF_BY_FAILURES;
        row->first_failure = 0;
    }
    if (e->doc.order != BELFRY_ORDER_FIFO)
        lanes_free(txn, row->id, row->org);
    if (e->enabled >= 0) {
        switch_to(txn, e, row, e->enabled != 0);
        if (row->enabled != before.enabled)
            json_array_append_new(changed, json_string("enabled"));
    }
    audit(txn, e, row, changed);
    made_put(txn, row);
}

static void remove_row(struct ledger_txn *txn, struct ledger_endpoint *e, struct store_target *row)
{
    row->secret = row->settings = (struct belfry_str){0}; /* nobody signs with it any more */
    store_target_change(txn->conn, row);
    store_target_remove(txn->conn, row->id, txn->now);
    row->removed = txn->now;
    made_del(txn, row->id);
    audit(txn, e, row, NULL);
}

static void rotate(struct ledger_txn *txn, struct ledger_endpoint *e, struct store_target *row)
{
    e->fill(e, row, txn->now);
    row->version++;
    store_target_change(txn->conn, row);
    audit(txn, e, row, NULL);
}

static belfry_status refused(struct ledger_txn *txn, const struct ledger_endpoint *e, const struct store_target *row)
{
    int switches = e->what == LEDGER_ENDPOINT_ENABLE || e->what == LEDGER_ENDPOINT_DISABLE;
    if (row->removed || !str_eq(store_name_text(txn->conn, row->org), e->deed.org))
        return BELFRY_ENOTFOUND;
    if (row->origin != STORE_ORIGIN_API && !switches)
        return BELFRY_EPERM;
    return e->if_version && e->if_version != row->version ? BELFRY_ECONFLICT : BELFRY_OK;
}

static belfry_status endpoint_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_endpoint *e = LIST_OF(command, struct ledger_endpoint, command);
    struct store_target row;
    e->moved = 0;
    e->differing = (struct belfry_strs){0};
    e->out = (struct ledger_made){0};
    if (e->what == LEDGER_ENDPOINT_CREATE)
        return create(txn, e);
    if (!store_target_get(txn->conn, e->id, txn->arena, &row))
        return BELFRY_ENOTFOUND;
    belfry_status status = refused(txn, e, &row);
    if (status == BELFRY_OK) {
        switch (e->what) {
        case LEDGER_ENDPOINT_CHANGE:
            change(txn, e, &row);
            break;
        case LEDGER_ENDPOINT_REMOVE:
            remove_row(txn, e, &row);
            break;
        case LEDGER_ENDPOINT_ROTATE:
            rotate(txn, e, &row);
            break;
        default:
            switch_to(txn, e, &row, e->what == LEDGER_ENDPOINT_ENABLE);
            audit(txn, e, &row, NULL);
        }
    }
    if (status == BELFRY_OK || status == BELFRY_ECONFLICT)
        copy(txn, e->arena, &row, &e->out);
    return status;
}

static void endpoint_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_endpoint *e = LIST_OF(command, struct ledger_endpoint, command);
    e->done(e, status);
}

void ledger_endpoint(struct ledger *ledger, struct ledger_endpoint *e)
{
    e->number = ++ledger->target_commands;
    e->command = (struct ledger_command){.run = endpoint_run, .done = endpoint_done};
    if (ledger_submit(ledger, &e->command) != BELFRY_OK)
        endpoint_done(&e->command, BELFRY_ECLOSED);
}

/* --- all of a channel --------------------------------------------------------------------------------------------- */

struct listing {
    struct ledger_txn *txn;
    struct ledger_made_list *list;
};

static void on_row(void *arg, const struct store_target *row)
{
    struct listing *l = arg;
    struct ledger_made_list *list = l->list;
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        list->items =
            arena_grow(list->arena, list->items, list->cap * sizeof(*list->items), cap * sizeof(*list->items));
        list->cap = cap;
    }
    copy(l->txn, list->arena, row, &list->items[list->count++]);
}

static belfry_status list_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_made_list *list = LIST_OF(command, struct ledger_made_list, command);
    struct listing l = {txn, list};
    list->count = 0;
    store_targets_made(txn->conn, store_name(txn->conn, str_of(list->channel)), on_row, &l);
    return BELFRY_OK;
}

static void list_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_made_list *list = LIST_OF(command, struct ledger_made_list, command);
    list->done(list, status);
}

void ledger_made_list(struct ledger *ledger, struct ledger_made_list *list)
{
    list->command = (struct ledger_command){.run = list_run, .done = list_done};
    if (ledger_submit(ledger, &list->command) != BELFRY_OK)
        list_done(&list->command, BELFRY_ECLOSED);
}
