/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of one invoice: one state value, "invoice/{id}", and its line in the index of numbers. While it is
 * open that is all that reminders and messages need; once it is paid or void the payer is forgotten, and what was
 * issued is known by its digest only.
 */
#ifndef INVOICE_ACCOUNT_H
#define INVOICE_ACCOUNT_H

#include "ledger.h"
#include "machine.h"

#define ACCOUNT_ID_MAX 256     /* bytes of an invoice's id */
#define ACCOUNT_NUMBER_MAX 128 /* bytes of its number */

/* Text members; empty when absent. {NAME, what it is} */
#define ACCOUNT_TEXTS(XX)                                                                                              \
    XX(number)      /* as people know it */                                                                            \
    XX(owner)       /* username */                                                                                     \
    XX(currency)    /* ISO 4217 */                                                                                     \
    XX(url)         /* where people find it */                                                                         \
    XX(digest)      /* of what invoice.issued said */                                                                  \
    XX(payer_name)  /* only while it is open */                                                                        \
    XX(payer_email) /* only while it is open */                                                                        \
    XX(due_on)      /* date; only while it is open */                                                                  \
    XX(claimed_by)  /* who claimed, while the claim is open */                                                         \
    XX(settled_by)  /* who confirmed or rejected the last claim, or PAYMENT */                                         \
    XX(disputed_by) /* who disputed, while the dispute is open */                                                      \
    XX(resolved_by) /* who resolved the last dispute */                                                                \
    XX(closed_by)   /* who confirmed, or PAYMENT; who voided, empty when that was not said */

/* Numbers; 0 when absent. Times are ms since the epoch. */
#define ACCOUNT_NUMBERS(XX)                                                                                            \
    XX(status) /* enum invoice_status */                                                                               \
    XX(amount_minor)                                                                                                   \
    XX(received_minor)                                                                                                 \
    XX(chased_ms) /* chasers up to here are done with: sent, missed or before the issue */                             \
    XX(settled_ms)                                                                                                     \
    XX(disputed_ms)                                                                                                    \
    XX(resolved_ms)                                                                                                    \
    XX(closed_ms)   /* paid or voided */                                                                               \
    XX(chased_wall) /* of the latest of those chasers what calendar and offset say, as if the zone were UTC */

#define ACCOUNT_PAYMENT "payment" /* stands where a person would, when money settled it */

struct account {
#define ACCOUNT_TEXT(name) struct belfry_str name;
#define ACCOUNT_NUMBER(name) int64_t name;
    ACCOUNT_TEXTS(ACCOUNT_TEXT)
    ACCOUNT_NUMBERS(ACCOUNT_NUMBER)
#undef ACCOUNT_TEXT
#undef ACCOUNT_NUMBER
};

/* "invoice/{id}": the key of the state and the subject of events. NULL ptr at the limits of a call. [txn] */
struct belfry_str account_key(struct belfry_txn *txn, struct belfry_str id);

/* ENOTFOUND when no invoice has the id. Texts live until the plugin's function returns. [txn] */
belfry_status account_load(struct belfry_txn *txn, struct belfry_str id, struct account *out);
/* ELIMIT at the limits of a call. [txn] */
belfry_status account_save(struct belfry_txn *txn, struct belfry_str id, const struct account *account);

enum machine_state account_state(const struct account *account);

/* The index of numbers: the account can be found from now on, or no more. [txn] */
belfry_status account_index_add(struct belfry_txn *txn, struct belfry_str number, struct belfry_str id);
belfry_status account_index_remove(struct belfry_txn *txn, struct belfry_str number, struct belfry_str id);

#endif
