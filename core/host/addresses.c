/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.addresses/1: what a channel asks and says of addresses. Looks run on a reader, deeds are commands of the
 * ledger; after a deed the state is looked at again, so that what is answered is what counts. A call belongs to its
 * instance: when that ends first, nobody is answered.
 */
#include "host/internal.h"

#include "base/mem.h"
#include "ledger/addresses.h"
#include "store/deliveries.h"
#include "store/events.h"
#include "store/people.h"
#include "store/preferences.h"

#include <stdlib.h>

struct question {
    struct host_thing thing;
    struct host *host;
    struct config *config; /* a reference */
    struct arena *arena;
    const char *channel;
    int over; /* the instance ended */
    belfry_status status;
    void *arg;
    /* report */
    struct ledger_address_report report;
    void (*reported)(void *arg, belfry_status status);
    /* delivery */
    int64_t delivery;
    struct belfry_mail_facts facts;
    void (*told)(void *arg, belfry_status status, const struct belfry_mail_facts *facts);
    /* state, stop, restore */
    struct belfry_str org, username, address, category, language;
    struct ledger_subscription deed;
    struct belfry_subscription_state state;
    void (*answered)(void *arg, belfry_status status, const struct belfry_subscription_state *state);
};

static void drop(struct host_thing *thing)
{
    LIST_OF(thing, struct question, thing)->over = 1; /* a reader or the ledger still has it */
}

static struct question *question_new(const struct belfry_host *table, void *arg)
{
    struct question *q = xcalloc(1, sizeof(*q));
    q->host = host_of(table);
    q->config = config_ref(host_config(q->host));
    q->arena = arena_new(1024);
    q->channel = arena_strdup(q->arena, table->instance);
    q->arg = arg;
    host_thing_add(host_instance_of(table), &q->thing, "question about an address", drop);
    return q;
}

static void question_free(struct question *q)
{
    if (!q->over)
        host_thing_remove(&q->thing);
    config_unref(q->config);
    arena_free(q->arena);
    free(q);
}

static struct belfry_str keep(struct question *q, struct belfry_str s)
{
    return arena_str(q->arena, s);
}

/* An id of this hub's, or ENOTFOUND. */
static belfry_status parse(const struct question *q, struct belfry_str text, int64_t *id)
{
    return id_parse(store_id_key(host_parts(q->host)->store), text, id);
}

static int serves(const struct question *q, struct belfry_str org)
{
    const struct config_instance *channel = config_channel(q->config, str_of(q->channel));
    return channel && config_org(q->config, org) && config_serves(channel, org);
}

/* What the directory says of a person's address: 1 when they are in it. [reader] */
static int in_directory(const struct question *q, struct store_conn *conn, struct belfry_str org,
                        struct belfry_str username, struct belfry_str *email)
{
    const struct config_user *user = config_user(q->config, org, username);
    struct store_directory_entry entry = {0};
    int64_t org_id = store_name_find(conn, org);
    int found = user || (org_id && store_directory_get(conn, org_id, username, q->arena, &entry));
    *email = user ? str_of(user->email) : entry.email;
    return found;
}

/* --- reports ------------------------------------------------------------------------------------------------------ */

static void report_answer(struct question *q, belfry_status status)
{
    if (!q->over && q->reported)
        q->reported(q->arg, status == BELFRY_ECLOSED ? BELFRY_ECANCELED : status);
    question_free(q);
}

static void report_early(void *arg)
{
    struct question *q = arg;
    report_answer(q, q->status);
}

static void report_done(struct ledger_address_report *report, belfry_status status)
{
    report_answer(report->arg, status);
}

static void report(const struct belfry_host *table, const struct belfry_address_report *in,
                   void (*done)(void *arg, belfry_status status), void *arg)
{
    if (!host_on_loop(table, "addresses.report"))
        return;
    struct question *q = question_new(table, arg);
    q->reported = done;
    q->report = (struct ledger_address_report){.channel = q->channel,
                                               .what = in->what,
                                               .org = keep(q, in->org),
                                               .address = keep(q, in->address),
                                               .detail = keep(q, in->detail),
                                               .done = report_done,
                                               .arg = q};
    int known = in->what >= BELFRY_ADDRESS_BOUNCED && in->what <= BELFRY_ADDRESS_COMPLAINED;
    q->status = known ? BELFRY_OK : BELFRY_EINVAL;
    if (known && in->delivery.len)
        q->status = parse(q, in->delivery, &q->report.delivery);
    if (q->status != BELFRY_OK)
        host_post(q->host, report_early, q);
    else
        ledger_address_report(host_parts(q->host)->ledger, &q->report);
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

/* Of all that went out under its id; empty: they are of several. */
static struct belfry_str category_of(const struct question *q, struct store_conn *conn,
                                     const struct store_delivery *row, int64_t category)
{
    struct store_event event;
    struct store_delivery other;
    int64_t *ids;
    size_t count = row->bundle ? store_deliveries_bundled(conn, row->id, q->arena, &ids) : 0;
    for (size_t i = 0; i < count; i++)
        if (store_delivery_get(conn, ids[i], q->arena, &other) &&
            store_event_get_sent(conn, other.event, q->arena, &event) && event.category != category)
            return (struct belfry_str){NULL, 0};
    return store_name_text(conn, category);
}

/* [reader] */
static belfry_status facts_read(struct store_conn *conn, void *arg)
{
    struct question *q = arg;
    struct store_delivery row;
    struct store_event event;
    int64_t org, rev;
    q->facts = (struct belfry_mail_facts){.struct_size = sizeof(q->facts)};
    if (!store_delivery_get(conn, q->delivery, q->arena, &row) || row.target ||
        !store_event_get_sent(conn, row.event, q->arena, &event))
        return BELFRY_ENOTFOUND;
    q->facts.org = store_name_text(conn, row.org);
    q->facts.address = row.address;
    if (!serves(q, q->facts.org))
        return BELFRY_ENOTFOUND;
    q->facts.category = category_of(q, conn, &row, event.category);
    if (!row.person || !store_person_get(conn, row.person, q->arena, &org, &q->facts.username, &rev))
        return BELFRY_OK;
    struct belfry_str email;
    in_directory(q, conn, q->facts.org, q->facts.username, &email);
    int64_t now = address_mark(store_id_key(host_parts(q->host)->store), q->arena, email);
    if (!row.address.len && (!row.mailed || row.mailed == now))
        q->facts.address = email;
    return BELFRY_OK;
}

static void facts_done(void *arg, belfry_status status)
{
    struct question *q = arg;
    if (!q->over)
        q->told(q->arg, status, status == BELFRY_OK ? &q->facts : NULL);
    question_free(q);
}

static void facts_early(void *arg)
{
    facts_done(arg, ((struct question *)arg)->status);
}

static void delivery(const struct belfry_host *table, struct belfry_str id,
                     void (*done)(void *arg, belfry_status status, const struct belfry_mail_facts *facts), void *arg)
{
    if (!host_on_loop(table, "addresses.delivery"))
        return;
    struct question *q = question_new(table, arg);
    q->told = done;
    q->status = parse(q, id, &q->delivery);
    if (q->status == BELFRY_OK)
        q->status = store_read(host_parts(q->host)->readers, facts_read, facts_done, q, 0);
    if (q->status != BELFRY_OK)
        host_post(q->host, facts_early, q);
}

/* --- subscriptions ------------------------------------------------------------------------------------------------ */

/* [reader] Off is what somebody chose, not that mail happens to wait. */
static belfry_status of_person(struct question *q, struct store_conn *conn, int64_t org,
                               const struct config_category *category)
{
    struct store_preference row;
    struct preference p;
    preference_init(&p);
    int chose = org && store_preference_get(conn, org, q->username, q->arena, &row);
    if (!in_directory(q, conn, q->org, q->username, &q->state.address) && !chose)
        return BELFRY_ENOTFOUND;
    if (chose)
        preference_load(row.doc, q->arena, &p);
    q->state.off = (uint32_t)preference_stopped(&p, q->config, category, q->category);
    return BELFRY_OK;
}

/* [reader] */
static belfry_status state_read(struct store_conn *conn, void *arg)
{
    struct question *q = arg;
    const struct config_category *category = config_category(q->config, q->category);
    int64_t org = store_name_find(conn, q->org);
    q->state.required = category && category->required;
    q->state.label = category ? config_label(category, q->language) : q->category;
    if (!serves(q, q->org))
        return BELFRY_ENOTFOUND;
    if (q->username.len)
        return of_person(q, conn, org, category);
    q->state.off =
        org && store_suppressed(conn, org, q->address, q->category.len ? store_name_find(conn, q->category) : 0,
                                (int)q->state.required, q->arena, NULL);
    q->state.address = q->address;
    return BELFRY_OK;
}

static void state_done(void *arg, belfry_status status)
{
    struct question *q = arg;
    if (!q->over)
        q->answered(q->arg, status == BELFRY_ECLOSED ? BELFRY_ECANCELED : status,
                    status == BELFRY_OK ? &q->state : NULL);
    question_free(q);
}

static void state_early(void *arg)
{
    state_done(arg, ((struct question *)arg)->status);
}

static void look(struct question *q)
{
    q->status = store_read(host_parts(q->host)->readers, state_read, state_done, q, 0);
    if (q->status != BELFRY_OK)
        host_post(q->host, state_early, q);
}

static struct question *
about(const struct belfry_host *table, const struct belfry_subscription *which,
      void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state), void *arg)
{
    struct question *q = question_new(table, arg);
    q->answered = done;
    q->org = keep(q, which->org);
    q->username = keep(q, which->username);
    q->address = keep(q, which->address);
    q->category = keep(q, which->category);
    q->language = STR("en");
    q->state.struct_size = sizeof(q->state);
    return q;
}

static void state(const struct belfry_host *table, const struct belfry_subscription *which, struct belfry_str language,
                  void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                  void *arg)
{
    if (!host_on_loop(table, "addresses.state"))
        return;
    struct question *q = about(table, which, done, arg);
    q->language = keep(q, language);
    look(q);
}

static void deed_done(struct ledger_subscription *deed, belfry_status status)
{
    struct question *q = deed->arg;
    q->state.changed = (uint32_t)deed->changed;
    q->state.before = deed->before;
    if (status == BELFRY_OK)
        look(q);
    else
        state_done(q, status);
}

static void change(struct question *q, int restore, struct belfry_str before)
{
    q->deed = (struct ledger_subscription){.channel = q->channel,
                                           .org = q->org,
                                           .username = q->username,
                                           .address = q->address,
                                           .category = q->category,
                                           .restore = restore,
                                           .given = keep(q, before),
                                           .arena = q->arena,
                                           .done = deed_done,
                                           .arg = q};
    ledger_subscription(host_parts(q->host)->ledger, &q->deed);
}

static void stop(const struct belfry_host *table, const struct belfry_subscription *which,
                 void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                 void *arg)
{
    if (host_on_loop(table, "addresses.stop"))
        change(about(table, which, done, arg), 0, (struct belfry_str){NULL, 0});
}

static void restore(const struct belfry_host *table, const struct belfry_subscription *which, struct belfry_str before,
                    void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                    void *arg)
{
    if (host_on_loop(table, "addresses.restore"))
        change(about(table, which, done, arg), 1, before);
}

const struct belfry_addresses_api host_addresses_api = {
    sizeof(struct belfry_addresses_api), 0, report, delivery, state, stop, restore};
