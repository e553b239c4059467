/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table says what is done; this does it, effect after effect. The account is changed first, so that events tell of
 * it as it is from now on.
 */
#include "act.h"
#include "chase.h"

#include <string.h>

static const struct belfry_str nobody = {NULL, 0};

/* --- refusing ----------------------------------------------------------------------------------------------------- */

/* Who made it so, and when: empty and 0 when nobody did, or it is not known. */
struct maker {
    struct belfry_str by;
    int64_t at_ms;
};

static struct maker maker_of(const struct account *account, enum machine_refusal refusal)
{
    switch (refusal) {
    case REFUSED_NO_CLAIM:
        return (struct maker){account->settled_by, account->settled_ms};
    case REFUSED_IS_DISPUTED:
        return (struct maker){account->disputed_by, account->disputed_ms};
    case REFUSED_NOT_DISPUTED:
        return (struct maker){account->resolved_by, account->resolved_ms};
    case REFUSED_IS_PAID:
    case REFUSED_IS_VOID:
        return (struct maker){account->closed_by, account->closed_ms};
    default:
        return (struct maker){nobody, 0};
    }
}

static belfry_status refuse(const struct act *a, enum machine_refusal refusal)
{
    static const char *const texts[REFUSAL_COUNT] = {
        [REFUSED_NOT_ISSUED] = "was not issued here",
        [REFUSED_OTHER_CONTENT] = "was issued with other content; void it and issue another",
        [REFUSED_NO_CLAIM] = "has no open claim",
        [REFUSED_IS_PAID] = "is paid",
        [REFUSED_IS_VOID] = "was voided",
        [REFUSED_IS_DISPUTED] = "is disputed already",
        [REFUSED_NOT_DISPUTED] = "is not disputed",
    };
    const struct belfry_host *host = a->self->host;
    struct maker maker = maker_of(&a->account, refusal);
    if (maker.by.len > 0)
        host->fail_attr(a->err, "handled_by", maker.by);
    if (maker.at_ms != 0) {
        char at[BELFRY_TIME_SIZE];
        a->self->calendar->format_time(maker.at_ms, at);
        host->fail_attr(a->err, "handled_at", belfry_str(at));
    }
    return host->fail(a->err, BELFRY_ECONFLICT, "/data/invoice/id", "invoice %.*s %s", (int)a->id.len, a->id.ptr,
                      texts[refusal]);
}

/* --- the effects -------------------------------------------------------------------------------------------------- */

/* Who settles a claim that money settles. */
static struct belfry_str settler(const struct act *a)
{
    return a->by.len > 0 ? a->by : belfry_str(ACCOUNT_PAYMENT);
}

static struct belfry_selection rows_of(const struct belfry_str *type, const char *reason)
{
    return (struct belfry_selection){
        .struct_size = sizeof(struct belfry_selection), .types = {type, 1}, .reason = belfry_str(reason)};
}

static belfry_status handled(const struct act *a, const char *type_name, struct belfry_str by)
{
    struct belfry_str type = belfry_str(type_name);
    struct belfry_selection which = rows_of(&type, "");
    return a->txn->api->handled(a->txn, account_key(a->txn, a->id), &which, by);
}

static belfry_status withdrawn(const struct act *a, const char *type_name, const char *reason)
{
    struct belfry_str type = belfry_str(type_name);
    struct belfry_selection which = rows_of(&type, reason);
    return a->txn->api->withdraw(a->txn, account_key(a->txn, a->id), &which);
}

static belfry_status do_effect(struct act *a, enum machine_effect effect)
{
    switch (effect) {
    case EFFECT_CLAIM_HANDLED:
        return handled(a, "invoice.payment_claimed", settler(a));
    case EFFECT_CLAIM_WITHDRAWN:
        return withdrawn(a, "invoice.payment_claimed", "the invoice was voided");
    case EFFECT_DISPUTE_HANDLED:
        return handled(a, "invoice.disputed", a->by);
    case EFFECT_DISPUTE_WITHDRAWN:
        return withdrawn(a, "invoice.disputed", "the invoice was voided");
    case EFFECT_CHASERS_START:
        return chase_begin(a, a->txn->now_ms - 1); /* one that is due this very moment does not lie before */
    case EFFECT_CHASERS_RESUME:
        return chase_begin(a, a->txn->now_ms);
    case EFFECT_CHASERS_PAUSE:
        return chase_stop(a, "the invoice is disputed");
    case EFFECT_CHASERS_END:
        return chase_stop(a, a->account.status == INVOICE_VOID ? "the invoice was voided" : "the invoice is paid");
    case EFFECT_TELL_CLAIMED:
        return act_tell(a, "invoice.payment_claimed");
    case EFFECT_TELL_DISPUTED:
        return act_tell(a, "invoice.disputed");
    case EFFECT_TELL_PAID:
        return act_tell(a, "invoice.paid");
    case EFFECT_TELL_OVERPAID:
        return act_tell(a, "invoice.overpaid");
    default:
        return BELFRY_OK;
    }
}

/* --- the change --------------------------------------------------------------------------------------------------- */

static int is_paid(enum machine_state state)
{
    return state == STATE_PAID || state == STATE_PAID_DISPUTED;
}

static int is_claimed(enum machine_state state)
{
    return state == STATE_CLAIMED || state == STATE_CLAIMED_DISPUTED;
}

static int is_disputed(enum machine_state state)
{
    return state == STATE_DISPUTED || state == STATE_CLAIMED_DISPUTED || state == STATE_PAID_DISPUTED;
}

static void change_claim(struct act *a, enum machine_input input, int open)
{
    struct account *account = &a->account;
    if (input == INPUT_CLAIMED) {
        account->claimed_by = a->by;
    } else if (account->claimed_by.len > 0 && !open) {
        account->claimed_by = nobody;
        account->settled_by = settler(a);
        account->settled_ms = a->txn->now_ms;
    }
}

static void change_dispute(struct act *a, int open)
{
    struct account *account = &a->account;
    if (open && account->disputed_by.len == 0) {
        account->disputed_by = a->by;
        account->disputed_ms = a->txn->now_ms;
    } else if (!open && account->disputed_by.len > 0) {
        account->disputed_by = nobody;
        account->disputed_ms = 0;
        account->resolved_by = a->by;
        account->resolved_ms = a->txn->now_ms;
    }
}

/* The account becomes what the next state says. */
static void change(struct act *a, enum machine_input input, enum machine_state next)
{
    struct account *account = &a->account;
    change_claim(a, input, is_claimed(next));
    change_dispute(a, is_disputed(next));
    enum invoice_status status = next == STATE_VOID ? INVOICE_VOID : is_paid(next) ? INVOICE_PAID : INVOICE_OPEN;
    if (status == (enum invoice_status)account->status)
        return;
    account->status = status;
    if (status == INVOICE_OPEN)
        return;
    account->closed_by = status == INVOICE_VOID ? a->by : settler(a);
    account->closed_ms = a->txn->now_ms;
}

/* Lets go of what nobody will ask for any more: of a paid invoice the payer, of a void one all but that it was. */
static belfry_status forget(struct act *a)
{
    struct account *account = &a->account, old = *account;
    if (account->status == INVOICE_OPEN)
        return BELFRY_OK;
    account->payer_name = account->payer_email = account->due_on = nobody;
    account->chased_ms = account->chased_wall = 0;
    if (account->status != INVOICE_VOID)
        return BELFRY_OK;
    *account = (struct account){
        .status = INVOICE_VOID, .digest = old.digest, .closed_by = old.closed_by, .closed_ms = old.closed_ms};
    return account_index_remove(a->txn, old.number, a->id);
}

belfry_status act_begin(struct act *a)
{
    belfry_status status = account_load(a->txn, a->id, &a->account);
    if (status == BELFRY_ENOTFOUND)
        a->account = (struct account){.status = 0};
    return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}

belfry_status act_do(struct act *a, enum machine_input input)
{
    enum machine_state state = account_state(&a->account);
    const struct machine_step *step = machine_step(state, input);
    belfry_status status = BELFRY_OK;
    if (step->refusal)
        return refuse(a, step->refusal);
    int money = input == INPUT_RECEIVED_PART || input == INPUT_RECEIVED_ALL || input == INPUT_RECEIVED_MORE;
    if (step->next == state && !step->effects && !money)
        return BELFRY_OK; /* said again */
    a->confirms = input == INPUT_CONFIRMED;
    change(a, input, step->next);
    for (unsigned bit = 0; status == BELFRY_OK && bit < EFFECT_COUNT; bit++)
        if (step->effects & 1u << bit)
            status = do_effect(a, (enum machine_effect)(1u << bit));
    if (status == BELFRY_OK)
        status = forget(a);
    return status == BELFRY_OK ? account_save(a->txn, a->id, &a->account) : status;
}
