/* SPDX-License-Identifier: Apache-2.0 */
/* The body that targets get of an event (Standard Webhooks 1.0, section "Payload structure"). */
#ifndef LEDGER_PAYLOAD_H
#define LEDGER_PAYLOAD_H

#include "base/str.h"

/* What goes into it, all borrowed. */
struct ledger_payload {
    struct belfry_str id; /* of the event, as people see it */
    struct belfry_str org, source, type, category, subject, title, body, link;
    struct belfry_str actor; /* empty: not there */
    struct belfry_str data;  /* JSON, stands as it is */
    int64_t time_ms;         /* of the event */
    int32_t severity;
    int test; /* somebody tries the endpoint out, and nothing happened */
};

/* Appends it as JSON. docs/integrator.md and GET /v1/{org}/event-types say what it is like: members are added, never
 * taken away. [any] */
void ledger_payload(const struct ledger_payload *payload, struct buf *out);

#endif
