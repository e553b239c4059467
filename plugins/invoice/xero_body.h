/* SPDX-License-Identifier: Apache-2.0 */
/* What Xero writes: the bodies of its webhooks, and the answers of its API. Pure, any thread. */
#ifndef INVOICE_XERO_BODY_H
#define INVOICE_XERO_BODY_H

#include <belfry/plugin.h>

/* --- webhooks ----------------------------------------------------------------------------------------------------- */

/* A trigger that a body becomes; texts end at NUL. */
struct xero_trigger {
    const char *type; /* "xero.event", ... */
    char *id, *data;
};

struct xero_triggers {
    struct xero_trigger *items;
    size_t count;
};

/*
 * A body whose signature is right, as triggers in the order in which they are to be taken:
 *   no events (intent to receive): xero.enabled;
 *   events: xero.delivery (sequences, times, tenants of invoice events), then xero.event for each as it was sent;
 *   no JSON object with a list of events: xero.unreadable, which receive() refuses so that it is kept.
 * Ids depend on nothing but what was sent, so that a repeated body makes the same ones; an event's is
 * tenantId:resourceId:eventType:eventDateUtc. 0, or -1: out of memory and nothing to free.
 */
int xero_body_read(struct belfry_str body, struct xero_triggers *out);
void xero_triggers_free(struct xero_triggers *triggers);

/* --- answers of the API ------------------------------------------------------------------------------------------- */

/* What the answer is to, from the payload of the task. */
struct xero_question {
    const char *tenant;
    const char *id;   /* of one invoice; NULL: a page of those that changed */
    int64_t since_ms; /* of a page */
    int64_t page;     /* from 1 */
};

/*
 * {"Invoices": [...]} as data of a task's result: {tenant, id | since, page, more, invoices: [{id, number, type,
 * status, currency, paid, credited, updated}]}; amounts are decimal texts, updated is in ms, 0 when unknown. more:
 * there may be a next page. NULL when the answer is not what it should be, or out of memory; else the caller frees it.
 */
char *xero_answer_read(struct belfry_str body, const struct xero_question *question);
/* The same for an answer without invoices (304). */
char *xero_answer_empty(const struct xero_question *question);

/* --- values ------------------------------------------------------------------------------------------------------- */

/* "2026-01-05T09:00:00.123", with or without fraction and zone; without one it is UTC. -1 when it is no time. */
int64_t xero_time(struct belfry_str text);

/* "/Date(1767603600000+0000)/", as the Accounting API writes instants in JSON. 0 when it is none. */
int64_t xero_instant(struct belfry_str text);

/* A decimal number in major units as minor units with so many digits, exactly. 0, or -1: no such number, a fraction
 * that the currency does not have, or out of range. */
int xero_minor(struct belfry_str text, int digits, int64_t *minor);

#endif
