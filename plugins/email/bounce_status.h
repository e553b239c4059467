/* SPDX-License-Identifier: Apache-2.0 */
/* The part message/delivery-status of a report (RFC 3464, 2). Pure. [any] */
#ifndef EMAIL_BOUNCE_STATUS_H
#define EMAIL_BOUNCE_STATUS_H

#include "bounce.h"

/* Adds what the text says of recipients to out. */
void bounce_status(struct belfry_str text, struct bounce *out);

#endif
