/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses to which mail does not go, and goes again. Whose the address is says the delivery, and what is known is
 * kept only while that person is in the directory: a bounce that comes after somebody was erased must not bring their
 * address back.
 */
#include "ledger/addresses.h"

#include "event/event.h"
#include "ledger/inside.h"

/* The org's name id; 0 when there is none that the channel serves. */
int64_t addresses_org(struct ledger_txn *txn, const char *channel, struct belfry_str org)
{
    const struct config *config = txn->gen->pub->config;
    const struct config_instance *instance = config_channel(config, str_of(channel));
    return instance && config_org(config, org) && config_serves(instance, org) ? store_name(txn->conn, org) : 0;
}

void addresses_audit(struct ledger_txn *txn, struct belfry_str org, struct belfry_str who, const char *what,
                     json_t *detail, struct belfry_str username, struct belfry_str address, struct belfry_str category)
{
    if (username.len)
        json_object_set_new(detail, "username", json_stringn(username.ptr, username.len));
    if (address.len)
        json_set_str(detail, "address", address_masked(txn->arena, address));
    if (category.len)
        json_set_str(detail, "category", category);
    ledger_txn_audit(txn, org, who, what, detail);
    json_decref(detail);
}

/* --- reports ------------------------------------------------------------------------------------------------------ */

/* Whose address it is. */
struct whose {
    int64_t org;
    struct store_delivery row; /* id 0: none */
    struct belfry_str username, address;
    struct belfry_str now; /* the person's address in the directory */
};

/* Did the person have another address when it went out? */
static int has_moved(const struct ledger_txn *txn, const struct whose *whose)
{
    return whose->row.person && !whose->row.address.len && whose->row.mailed &&
           whose->row.mailed != address_mark(store_id_key(txn->ledger->store), txn->arena, whose->now);
}

/* address stays empty when nothing is to be known of it any more: it was the person's once. */

static belfry_status find_whose(struct ledger_txn *txn, const struct ledger_address_report *r, struct whose *whose)
{
    const struct route_directory *d = &txn->directory.pub;
    struct belfry_person person = {.struct_size = sizeof(person)};
    whose->address = r->address;
    if (!(whose->org = addresses_org(txn, r->channel, r->org)))
        return BELFRY_ENOTFOUND;
    if (r->delivery &&
        (!store_delivery_get(txn->conn, r->delivery, txn->arena, &whose->row) || whose->row.org != whose->org))
        return BELFRY_ENOTFOUND;
    if (whose->row.person) {
        cache_person_rev(txn, whose->row.person, &whose->username);
        if (d->person(d->arg, txn->arena, r->org, whose->username, &person))
            return BELFRY_ENOTFOUND;
        whose->now = person.email;
    }
    if (!whose->address.len && has_moved(txn, whose))
        return BELFRY_OK;
    if (!whose->address.len)
        whose->address = whose->row.address.len ? whose->row.address : whose->now;
    return whose->address.len ? BELFRY_OK : BELFRY_EINVAL;
}

/* What it means for the address: a row, or nothing new (0). */
static int suppress(struct ledger_txn *txn, const struct ledger_address_report *r, const struct whose *whose,
                    struct store_suppression *row)
{
    *row = (struct store_suppression){.id = ledger_txn_id(txn),
                                      .org = whose->org,
                                      .person = whose->row.person,
                                      .delivery = r->delivery,
                                      .reason = r->what == BELFRY_ADDRESS_COMPLAINED ? SUPPRESSION_complained
                                                                                     : SUPPRESSION_bounced,
                                      .address = whose->address,
                                      .detail = text_line(txn->arena, r->detail)};
    if (r->what == BELFRY_ADDRESS_SOFT) {
        struct store_suppression known;
        if (store_suppressed(txn->conn, row->org, row->address, 0, 1, txn->arena, &known) ||
            store_soft_bounce(txn->conn, row, txn->now) < SUPPRESSION_SOFT_MAX)
            return 0;
        row->detail =
            text_line(txn->arena, str_of(arena_printf(txn->arena, "%d mails within %d days, the last one said: %.*s",
                                                      SUPPRESSION_SOFT_MAX, (int)(SUPPRESSION_SOFT_MS / 86400000),
                                                      STR_ARG(row->detail))));
    }
    return store_suppression_add(txn->conn, row);
}

static int same_address(struct ledger_txn *txn, struct belfry_str a, struct belfry_str b)
{
    return str_eq(address_key(txn->arena, a), address_key(txn->arena, b));
}

/* It was thought to have arrived. */
static void fail_row(struct ledger_txn *txn, const struct store_delivery *row, const char *why)
{
    if (row->open == 0 && (row->state == OUTCOME_delivered || row->state == OUTCOME_unknown))
        outcome_end(txn, row, OUTCOME_failed, str_of(why));
}

/* With all that went out under its id. What is reported as junk did arrive. */
static void fail_delivery(struct ledger_txn *txn, const struct ledger_address_report *r,
                          const struct store_delivery *row)
{
    int64_t *ids;
    struct belfry_str detail = text_line(txn->arena, r->detail);
    const char *text = arena_printf(txn->arena, "bounced%s%.*s", detail.len ? ": " : "", STR_ARG(detail));
    if (r->what == BELFRY_ADDRESS_COMPLAINED)
        return;
    size_t count = store_deliveries_bundled(txn->conn, row->id, txn->arena, &ids);
    for (size_t i = 0; i < count; i++) {
        struct store_delivery other;
        if (ids[i] != row->id && store_delivery_get(txn->conn, ids[i], txn->arena, &other))
            fail_row(txn, &other, text);
    }
    fail_row(txn, row, text);
}

static belfry_status report_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct ledger_address_report *r = LIST_OF(command, struct ledger_address_report, command);
    struct whose whose = {0};
    struct store_suppression row;
    if (!txn->gen)
        return BELFRY_EAGAIN;
    belfry_status status = find_whose(txn, r, &whose);
    if (status)
        return status;
    if (whose.row.id)
        fail_delivery(txn, r, &whose.row);
    if (!whose.address.len || !suppress(txn, r, &whose, &row))
        return BELFRY_OK;
    struct belfry_str none = {NULL, 0};
    addresses_audit(txn, r->org, str_of(arena_printf(txn->arena, "channel:%s", r->channel)), "suppression.add",
                    json_pack("{s:s}", "reason", suppression_name(row.reason)), whose.username,
                    whose.username.len ? none : whose.address, none);
    if (whose.username.len && same_address(txn, whose.address, whose.now))
        notice_tell(txn, r->org, whose.username, row.reason);
    return BELFRY_OK;
}

static void report_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_address_report *r = LIST_OF(command, struct ledger_address_report, command);
    r->done(r, status);
}

void ledger_address_report(struct ledger *ledger, struct ledger_address_report *r)
{
    r->command = (struct ledger_command){.run = report_run, .done = report_done};
    if (ledger_submit(ledger, &r->command) != BELFRY_OK)
        report_done(&r->command, BELFRY_ECLOSED);
}

/* --- and back ----------------------------------------------------------------------------------------------------- */

/* People about whose address something is known, each once or more. */
static size_t concerned(struct ledger_txn *txn, int64_t org, struct belfry_str address, struct store_suppression **rows)
{
    struct store_suppression_query query = {.org = org, .address = address, .before = INT64_MAX, .limit = SLICE};
    return store_suppressions_list(txn->conn, &query, txn->arena, rows);
}

static void settle(struct ledger_txn *txn, struct belfry_str org, const struct store_suppression *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct belfry_str username;
        if (!rows[i].person)
            continue;
        cache_person_rev(txn, rows[i].person, &username);
        notice_check(txn, org, username);
    }
}

static int remove_rows(struct ledger_txn *txn, const struct ledger_address_release *r, int64_t org,
                       struct belfry_str address)
{
    int64_t category = r->category.len ? store_name_find(txn->conn, r->category) : -1;
    if (r->category.len && !category)
        return 0;
    if (!r->username.len)
        return store_suppression_del(txn->conn, org, address, category, -1);
    return store_suppression_del(txn->conn, org, address, category, SUPPRESSION_bounced) +
           store_suppression_del(txn->conn, org, address, category, SUPPRESSION_complained);
}

static belfry_status release_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_address_release *r = LIST_OF(command, struct ledger_address_release, command);
    const struct route_directory *d = &txn->directory.pub;
    struct belfry_person person = {.struct_size = sizeof(person)};
    struct store_suppression *rows;
    int64_t org = store_name_find(txn->conn, r->org);
    r->removed = 0;
    if (!txn->gen)
        return BELFRY_EAGAIN;
    if (r->username.len && d->person(d->arg, txn->arena, r->org, r->username, &person))
        return BELFRY_OK;
    struct belfry_str address = r->username.len ? person.email : r->address;
    size_t count = org && address.len ? concerned(txn, org, address, &rows) : 0;
    r->removed = count ? remove_rows(txn, r, org, address) : 0;
    if (!r->removed)
        return BELFRY_OK;
    settle(txn, r->org, rows, count);
    addresses_audit(txn, r->org, r->who, "suppression.delete", json_pack("{s:i}", "count", r->removed), r->username,
                    r->username.len ? (struct belfry_str){NULL, 0} : address, r->category);
    return BELFRY_OK;
}

static void release_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_address_release *r = LIST_OF(command, struct ledger_address_release, command);
    r->done(r, status);
}

void ledger_address_release(struct ledger *ledger, struct ledger_address_release *r)
{
    r->command = (struct ledger_command){.run = release_run, .done = release_done};
    if (ledger_submit(ledger, &r->command) != BELFRY_OK)
        release_done(&r->command, BELFRY_ECLOSED);
}
