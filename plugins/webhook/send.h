/* SPDX-License-Identifier: Apache-2.0 */
/* One delivery: one signed POST. [loop] */
#ifndef WEBHOOK_SEND_H
#define WEBHOOK_SEND_H

#include "webhook.h"

/* The functions of belfry.delivery/1; self is the instance. */
void send_deliver(void *self, const struct belfry_batch *batch);
void send_cancel(void *self, uint64_t batch);
/* When the instance ends. */
void send_free(struct webhook *w);

#endif
