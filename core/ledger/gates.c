/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time can change is asked again when a delivery comes due, against the rows and the clock of that very moment: is
 * the event still valid, did the recipient see it, may they still see it, do they want it, is there an address, was it
 * sent already, does it go into a digest, are these quiet hours.
 * The first gate that holds it back says what becomes of it.
 */
#include "ledger/inside.h"

#include "store/suppressions.h"

/* To a person, or an address: not to targets, and not the inbox, which asks when it is read. */
static int is_mail(uint32_t flags)
{
    return (flags & (BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_IN_COMMIT)) == BELFRY_DELIVERY_PER_RECIPIENT;
}

static int stop(struct gate *gate, enum outcome outcome, const char *why)
{
    gate->outcome = outcome;
    gate->why = why;
    return 0;
}

static int by_validity(struct gate *gate, int validity)
{
    switch (validity) {
    case BELFRY_EXPIRED:
        return stop(gate, OUTCOME_expired, REASON_EXPIRED);
    case BELFRY_SUPERSEDED:
        return stop(gate, gate->own.replaced ? OUTCOME_merged : OUTCOME_superseded, REASON_SUPERSEDED);
    default:
        return stop(gate, OUTCOME_withdrawn, "it was withdrawn");
    }
}

/* What was done with the row: the recipient's own, or for somebody whom a rule's `to` brought in any of the audience's.
 */
static uint32_t marks_of(struct ledger_txn *txn, const struct gate *gate)
{
    const struct store_notification *own = &gate->own;
    if (!own->id || !(own->via & STORE_VIA_AUDIENCE))
        return store_audience_marks(txn->conn, gate->event->id);
    return (own->seen ? CONFIG_UNLESS_SEEN : 0) | (own->read ? CONFIG_UNLESS_READ : 0) |
           (own->handled ? CONFIG_UNLESS_HANDLED : 0) | (own->hidden ? CONFIG_UNLESS_HIDDEN : 0);
}

static int valid(struct ledger_txn *txn, struct gate *gate, uint32_t flags)
{
    const struct store_event *event = gate->event;
    if (event->validity)
        return by_validity(gate, event->validity);
    if (event->valid_until && event->valid_until <= txn->now)
        return stop(gate, OUTCOME_expired, REASON_EXPIRED);
    if (event->valid_until && is_mail(flags) && event->valid_until - txn->now < LEDGER_VALID_MS)
        return stop(gate, OUTCOME_expired, REASON_EXPIRES);
    if (gate->row->notification && !gate->own.id)
        return stop(gate, OUTCOME_recipient_removed, "the recipient was removed");
    return gate->own.validity ? by_validity(gate, gate->own.validity) : 1;
}

static int unseen(struct ledger_txn *txn, struct gate *gate)
{
    uint32_t met = gate->row->unless ? gate->row->unless & marks_of(txn, gate) : 0;
    if (!met)
        return 1;
    if (met & CONFIG_UNLESS_HANDLED)
        return stop(gate, OUTCOME_handled, "unless: handled");
    return stop(gate, OUTCOME_viewed,
                met & CONFIG_UNLESS_SEEN   ? "unless: seen"
                : met & CONFIG_UNLESS_READ ? "unless: read"
                                           : "unless: hidden");
}

/* Nobody is left who could handle it, and nothing else ended it: an event without a subject cannot be handled, and is
 * never live. */
static int is_settled(const struct store_event *event)
{
    return event->subject.len > 0 && !event->live && !event->validity;
}

/* What was under way when the row was handled, and comes back to be tried again. An address has no row, only the event.
 */
static int unhandled(struct gate *gate, uint32_t flags)
{
    int handled = gate->own.id ? gate->own.handled : gate->row->address.len > 0 && is_settled(gate->event);
    if (!(flags & BELFRY_DELIVERY_PER_RECIPIENT) || !handled)
        return 1;
    return stop(gate, OUTCOME_handled, "it was handled");
}

static int may_see(struct ledger_txn *txn, struct gate *gate, const struct config_category *category, uint32_t flags,
                   struct belfry_str org, struct belfry_str username, struct belfry_person *person)
{
    if (!category || category->visible_to.count == 0)
        return 1;
    if (gate->row->target)
        return category->webhooks ? 1 : stop(gate, OUTCOME_suppressed_role, "the category is for some roles only");
    if (flags & BELFRY_DELIVERY_IN_COMMIT)
        return 1; /* asked when the inbox is read, with the roles of then */
    const struct route_directory *d = &txn->directory.pub;
    if (username.len == 0 || d->person(d->arg, txn->arena, org, username, person) ||
        !config_visible(category, &person->roles))
        return stop(gate, OUTCOME_suppressed_role, "the recipient's roles do not see the category");
    return 1;
}

/* Who the gates of people are asked about. */
struct who {
    struct belfry_str org, username;
    struct belfry_person person;
    const struct preference *own; /* NULL: nothing chosen */
};

/* Looks the person up. */
static void meet(struct ledger_txn *txn, struct who *who, struct preference *own)
{
    const struct route_directory *d = &txn->directory.pub;
    if (who->username.len && !who->person.username.len)
        d->person(d->arg, txn->arena, who->org, who->username, &who->person);
    if (who->username.len && !d->preference(d->arg, txn->arena, who->org, who->username, own))
        who->own = own;
}

static int wanted(struct ledger_txn *txn, struct gate *gate, const struct config_category *category,
                  const struct who *who, struct preference_verdict *verdict)
{
    const struct config *config = txn->gen->pub->config;
    *verdict = (struct preference_verdict){.goes = 1, .how = CONFIG_EMAIL_UNSEEN};
    if (!who->username.len)
        return 1; /* an outside address has nothing to choose with */
    preference_judge(who->own, category, store_name_text(txn->conn, gate->event->category),
                     preference_zone(config, config_org(config, who->org), who->own, who->person.timezone), txn->now,
                     txn->arena, verdict);
    return verdict->goes || stop(gate, OUTCOME_suppressed_preference, verdict->why);
}

/* Where it would go to, and whether anything goes there. */
static int has_address(struct ledger_txn *txn, struct gate *gate, const struct config_category *category,
                       const struct who *who)
{
    struct belfry_str address = gate->row->address.len ? gate->row->address : who->person.email;
    struct store_suppression why;
    if (address.len == 0)
        return stop(gate, OUTCOME_no_address, who->person.username.len ? ROUTE_NO_ADDRESS : ROUTE_NOBODY_OF_THAT_NAME);
    int stays = gate->row->person || (category && category->required); /* who has preferences says it there */
    if (store_suppressed(txn->conn, gate->row->org, address, gate->event->category, stays, txn->arena, &why))
        return stop(gate, OUTCOME_suppressed_address, suppression_text(&why, txn->arena));
    return 1;
}

/* Its time has come: by a window, which the configuration or the person's zone may have moved since, or by the end of
 * the night. */
static int is_at_window(const struct store_delivery *row, const struct config *config,
                        const struct gen_channel *channel, const struct who *who)
{
    if (row->state != OUTCOME_digested || row->kind)
        return 1;
    return route_digest_next(config, config_org(config, who->org), &who->person, who->own, channel->instance,
                             row->due - 1) == row->due;
}

/*
 * The window that a row belongs to: the next one after it came due. While the hub was away, or its clock jumped, that
 * may have passed: then it goes out now, unless that window had its digest already.
 */
static int64_t window_of(struct ledger_txn *txn, const struct gate *gate, const struct gen_channel *channel,
                         const struct who *who)
{
    const struct config *config = txn->gen->pub->config;
    const struct config_org *org = config_org(config, who->org);
    const struct store_delivery *row = gate->row;
    int64_t at = route_digest_next(config, org, &who->person, who->own, channel->instance, row->due);
    if (at <= txn->now && store_digest_last(txn->conn, row->person, row->channel, gate->event->category) >= at)
        at = route_digest_next(config, org, &who->person, who->own, channel->instance, txn->now);
    return at;
}

/* What was tried before keeps its own place in people's mail, and a digest whose time has come is not put off to the
 * next. */
static int goes_now(struct ledger_txn *txn, struct gate *gate, const struct gen_channel *channel, const struct who *who,
                    const struct preference_verdict *verdict)
{
    const struct store_delivery *row = gate->row;
    const struct config *config = txn->gen->pub->config;
    if (!(channel->flags & BELFRY_DELIVERY_DIGEST) || verdict->how != CONFIG_EMAIL_DIGEST || row->bundle ||
        row->attempts || (row->category && is_at_window(row, config, channel, who)))
        return 1;
    gate->due = window_of(txn, gate, channel, who);
    return stop(gate, OUTCOME_digested, verdict->why);
}

static int not_quiet(struct ledger_txn *txn, struct gate *gate, const struct config_category *category,
                     const struct config_rule *rule, const struct who *who, int choosable)
{
    const struct config *config = txn->gen->pub->config;
    struct preference own;
    preference_init(&own);
    if (who->own)
        own = *who->own;
    if (!choosable) /* their zone is theirs for a rule's schedule as well; their hours are of mail */
        own.quiet_from_min = own.quiet_to_min = PREFERENCE_NONE;
    struct route_quiet quiet = route_quiet(config, rule, config_org(config, who->org), &who->person, &own,
                                           gate->event->severity, category, txn->now);
    gate->due = quiet.until_ms;
    if (gate->due <= txn->now)
        return 1;
    return stop(gate, OUTCOME_held_quiet_hours, route_quiet_why(&quiet, rule, txn->arena));
}

int gates_pass(struct ledger_txn *txn, struct gate *gate)
{
    const struct store_delivery *row = gate->row;
    const struct gen_channel *channel = gen_channel_by_name(txn->gen, row->channel);
    uint32_t flags = channel ? channel->flags : 0;
    struct who who = {.org = store_name_text(txn->conn, row->org), .person = {.struct_size = sizeof(who.person)}};
    struct preference own;
    struct preference_verdict verdict;
    int choosable = (flags & BELFRY_DELIVERY_PREFERENCE) != 0;
    const struct config_rule *rule = gen_rule(txn->gen, store_name_text(txn->conn, row->rule));
    const struct config_category *category =
        config_category(txn->gen->pub->config, store_name_text(txn->conn, gate->event->category));
    gate->own = (struct store_notification){.id = 0};
    if (row->notification)
        store_notification_get(txn->conn, row->notification, &gate->own);
    if (row->person)
        cache_person_rev(txn, row->person, &who.username);
    if (delivery_is_test(row))
        return valid(txn, gate, flags);
    if (!valid(txn, gate, flags) || !unseen(txn, gate) || !unhandled(gate, flags) ||
        !may_see(txn, gate, category, flags, who.org, who.username, &who.person))
        return 0;
    if (flags & BELFRY_DELIVERY_IN_COMMIT)
        return gate->own.pos ? stop(gate, OUTCOME_duplicate, "it is in the inbox already") : 1;
    if (choosable || (rule && rule->schedule))
        meet(txn, &who, &own);
    if (choosable && (!wanted(txn, gate, category, &who, &verdict) || !has_address(txn, gate, category, &who)))
        return 0;
    if (store_delivery_has_twin(txn->conn, row))
        return stop(gate, OUTCOME_duplicate, "another rule delivered on the same channel");
    if (choosable && !goes_now(txn, gate, channel, &who, &verdict))
        return 0;
    return not_quiet(txn, gate, category, rule, &who, choosable);
}

void gate_obey(struct ledger_txn *txn, const struct gate *gate)
{
    const struct store_delivery *row = gate->row;
    struct belfry_str why = str_of(gate->why);
    switch (gate->outcome) {
    case OUTCOME_held_quiet_hours:
        store_delivery_wait(txn->conn, row->id, OUTCOME_held_quiet_hours, 1, gate->due, row->attempts, why);
        break;
    case OUTCOME_digested:
        store_delivery_gather(txn->conn, row->id, gate->event->category, gate->due, why);
        break;
    default:
        outcome_end(txn, row, gate->outcome, why);
        return;
    }
    outcome_count(txn, row->channel, gate->outcome, 1);
}
