/* SPDX-License-Identifier: Apache-2.0 */
/* What the txn half remembers, in the source's own state. All [txn]. */
#ifndef INVOICE_XERO_MEMORY_H
#define INVOICE_XERO_MEMORY_H

#include <belfry/plugin.h>

#define XERO_TENANTS_MAX 100

/*
 * The webhook of an org, "xero/webhook": one value. Sequences belong to the app at Xero and so to the webhook, not to
 * a tenant: they are compared as they come in, whatever tenants the events are of.
 */
struct xero_memory {
    int64_t last;    /* lastEventSequence of the newest body; 0: none yet */
    int64_t seen_ms; /* eventDateUtc of the newest event; 0: none yet */
    int64_t from_ms; /* of the first event that could not be fetched for want of a client; 0: all were asked for */
    int64_t back_ms; /* when the webhook was last enabled again */
    int64_t sweep;   /* 1: the timer "xero/sweep" is set */
    struct belfry_str tenants[XERO_TENANTS_MAX]; /* that had events of invoices */
    size_t tenant_count;
};

/* All zero when there is nothing yet. Texts live until the plugin's function returns. */
void xero_memory_load(struct belfry_txn *txn, struct xero_memory *out);
/* ELIMIT at the limits of a call. */
belfry_status xero_memory_save(struct belfry_txn *txn, const struct xero_memory *memory);
/* Once; more than XERO_TENANTS_MAX are not remembered. */
void xero_memory_tenant(struct xero_memory *memory, struct belfry_str tenant);

/* What Xero says was paid of one of our invoices. */
struct xero_paid {
    int64_t minor;      /* the most that it has said so far; 0: nothing */
    int64_t updated_ms; /* when the invoice was changed there, by the newest answer; 0: unknown */
};
struct xero_paid xero_paid_get(struct belfry_txn *txn, struct belfry_str id);
belfry_status xero_paid_set(struct belfry_txn *txn, struct belfry_str id, struct xero_paid paid);

/*
 * An invoice that was paid at Xero and is not known here: `id` and `number` are Xero's, number may be empty. Kept for
 * 90 days, "xero/wait/{id}" and "xero/wait#{number}".
 */
belfry_status xero_wait(struct belfry_txn *txn, struct belfry_str tenant, struct belfry_str id,
                        struct belfry_str number);
/* Takes what waits for an invoice of ours by number or id: 1 and its tenant and id, or 0. */
int xero_wait_take(struct belfry_txn *txn, struct belfry_str our_id, struct belfry_str number,
                   struct belfry_str *tenant, struct belfry_str *id);
/* Forgets those that waited for long; `after` is where the last call ended. A negative status, or OK. */
belfry_status xero_wait_sweep(struct belfry_txn *txn, struct belfry_str after);
#define XERO_SWEEP_TIMER "xero/sweep"

/* Text in the scratch memory of the txn; NULL ptr at its limit. */
struct belfry_str xero_format(struct belfry_txn *txn, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define XERO_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

#endif
