/* SPDX-License-Identifier: Apache-2.0 */
/* One thing that happens to one invoice: from what it is to what it becomes, and whom that concerns. All [txn]. */
#ifndef INVOICE_ACT_H
#define INVOICE_ACT_H

#include "account.h"

struct act {
    const struct invoice *self;
    struct belfry_txn *txn;
    const struct belfry_trigger *trigger; /* whose data events take over; NULL: none of ours */
    struct belfry_error *err;
    struct belfry_str id;
    struct account account; /* status 0: the invoice is unknown */
    struct belfry_str by;   /* who acted; empty: nobody */
    struct belfry_str note; /* where money came from; may be empty */
};

/* Fills account; an invoice that is unknown is no error. */
belfry_status act_begin(struct act *a);
/* What the machine says of the input: refused, or done, told and saved. For payments the account has counted them. */
belfry_status act_do(struct act *a, enum machine_input input);

/* Emits an event of the invoice to its owner, or a reminder to its payer. */
belfry_status act_tell(const struct act *a, const char *type);

#endif
