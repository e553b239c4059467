/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers of invoices, read and checked as a whole before anything happens; what they mean is the machine's to say.
 * Here is only what cannot be seen from the outside of a trigger: whether an invoice that is issued again is the same,
 * and what a payment comes to together with those before it.
 */
#include "receive.h"
#include "chase.h"
#include "digest.h"
#include "notice.h"
#include "xero.h"

#include <string.h>

static struct act act_of(struct reading *r)
{
    return (struct act){.self = r->self, .txn = r->txn, .trigger = r->trigger, .err = r->err};
}

/* --- invoice.issued ----------------------------------------------------------------------------------------------- */

/* Of all that is known of an invoice at its issue. */
static struct belfry_str digest(struct belfry_txn *txn, const struct account *said)
{
    const struct belfry_str texts[] = {said->number,   said->owner,  said->payer_name, said->payer_email,
                                       said->currency, said->due_on, said->url};
    return digest_of(txn, texts, sizeof(texts) / sizeof(texts[0]), said->amount_minor);
}

static belfry_status issued(struct reading *r)
{
    struct act a = act_of(r);
    struct account said = {.status = 0};
    if (!read_object(r, "/invoice"))
        return BELFRY_EINVAL;
    a.id = read_id(r, "/invoice/id", ACCOUNT_ID_MAX);
    said.number = read_id(r, "/invoice/number", ACCOUNT_NUMBER_MAX);
    said.owner = read_user(r, "/invoice/owner", REQUIRED);
    if (read_object(r, "/invoice/payer")) {
        said.payer_name = read_line(r, "/invoice/payer/name");
        said.payer_email = read_address(r, "/invoice/payer/email");
    }
    said.amount_minor = read_minor(r, "/invoice/amount_minor", 1);
    said.currency = read_currency(r, "/invoice/currency");
    said.due_on = read_date(r, "/invoice/due_on");
    said.url = read_link(r, "/invoice/url");
    if (r->faults)
        return BELFRY_EINVAL;
    belfry_status status = act_begin(&a);
    said.digest = digest(r->txn, &said);
    if (status != BELFRY_OK || !said.digest.ptr)
        return status != BELFRY_OK ? status : BELFRY_ELIMIT;
    if (a.account.status)
        return act_do(&a, digest_same(a.account.digest, said.digest) ? INPUT_ISSUED : INPUT_ISSUED_OTHERWISE);
    a.account = said;
    status = account_index_add(r->txn, said.number, a.id);
    if (status == BELFRY_OK)
        status = act_do(&a, INPUT_ISSUED);
    return status == BELFRY_OK ? xero_issued(r->self, r->txn, a.id, said.number) : status;
}

/* --- what is said of an invoice that is known --------------------------------------------------------------------- */

/* Optional texts must be texts, whether or not anything is done with them here. */
static void check_texts(struct reading *r)
{
    read_text(r, "/reference", OPTIONAL);
    read_text(r, "/reason", OPTIONAL);
    read_text(r, "/comment", OPTIONAL);
}

static belfry_status said(struct reading *r, enum machine_input input)
{
    struct act a = act_of(r);
    if (!read_object(r, "/invoice"))
        return BELFRY_EINVAL;
    a.id = read_id(r, "/invoice/id", ACCOUNT_ID_MAX);
    a.by = read_by(r, input != INPUT_VOIDED);
    check_texts(r);
    if (r->faults)
        return BELFRY_EINVAL;
    belfry_status status = act_begin(&a);
    return status == BELFRY_OK ? act_do(&a, input) : status;
}

/* --- payment.received --------------------------------------------------------------------------------------------- */

static belfry_status pay(struct act *a, int64_t amount_minor)
{
    struct account *account = &a->account;
    int64_t sum;
    belfry_status status = act_begin(a);
    if (status != BELFRY_OK)
        return status;
    if (__builtin_add_overflow(account->received_minor, amount_minor, &sum))
        return a->self->host->fail(a->err, BELFRY_EINVAL, "/data/amount_minor",
                                   "is more than can be counted with what was received before");
    account->received_minor = sum;
    return act_do(a, sum < account->amount_minor    ? INPUT_RECEIVED_PART
                     : sum == account->amount_minor ? INPUT_RECEIVED_ALL
                                                    : INPUT_RECEIVED_MORE);
}

static belfry_status received(struct reading *r)
{
    struct act a = act_of(r);
    if (!read_object(r, "/invoice"))
        return BELFRY_EINVAL;
    a.id = read_id(r, "/invoice/id", ACCOUNT_ID_MAX);
    int64_t amount_minor = read_minor(r, "/amount_minor", 1);
    a.note = read_text(r, "/note", OPTIONAL);
    if (read_is_person(r->txn))
        a.by = r->txn->principal->name;
    return r->faults ? BELFRY_EINVAL : pay(&a, amount_minor);
}

belfry_status invoice_payment(const struct invoice *self, struct belfry_txn *txn, struct belfry_str id,
                              int64_t amount_minor, struct belfry_str note, struct belfry_error *err)
{
    struct act a = {.self = self, .txn = txn, .err = err, .id = id, .note = note};
    struct account known;
    belfry_status status = account_load(txn, id, &known);
    return status == BELFRY_OK ? pay(&a, amount_minor) : status;
}

/* --- calls of the hub --------------------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    enum machine_input input; /* when receive is NULL */
    belfry_status (*receive)(struct reading *r);
} types[] = {
    {"invoice.issued", 0, issued},
    {"payment.claimed", INPUT_CLAIMED, NULL},
    {"claim.confirmed", INPUT_CONFIRMED, NULL},
    {"claim.rejected", INPUT_REJECTED, NULL},
    {"invoice.disputed", INPUT_DISPUTED, NULL},
    {"dispute.resolved", INPUT_RESOLVED, NULL},
    {"payment.received", 0, received},
    {"invoice.voided", INPUT_VOIDED, NULL},
    {"booking.disputed", 0, notice_booking},
    {"shift.cancelled", 0, notice_shift},
};

belfry_status invoice_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                              struct belfry_error *err)
{
    const struct invoice *invoice = self;
    struct reading r = {invoice, txn, trigger, err, 0};
    if (xero_takes(trigger->type))
        return xero_receive(invoice, txn, trigger, err);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strlen(types[i].type) == trigger->type.len &&
            memcmp(types[i].type, trigger->type.ptr, trigger->type.len) == 0)
            return types[i].receive ? types[i].receive(&r) : said(&r, types[i].input);
    }
    return invoice->host->fail(err, BELFRY_EINVAL, "/type",
                               "must be invoice.issued, payment.claimed, claim.confirmed, claim.rejected, "
                               "invoice.disputed, dispute.resolved, payment.received, invoice.voided, "
                               "booking.disputed or shift.cancelled");
}

belfry_status invoice_due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                          int64_t was_due_ms, struct belfry_error *err)
{
    struct act a = {.self = self, .txn = txn, .err = err};
    (void)payload;
    (void)was_due_ms;
    if (xero_times(key))
        return xero_due(txn, key, payload);
    if (!chase_id(key, &a.id))
        return BELFRY_OK;
    belfry_status status = act_begin(&a);
    return status == BELFRY_OK ? chase_due(&a) : status;
}
