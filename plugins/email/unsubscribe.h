/* SPDX-License-Identifier: Apache-2.0 */
/* /{org}/u/{token}: what a mail's reader is asked, and what is done then. [loop] */
#ifndef EMAIL_UNSUBSCRIBE_H
#define EMAIL_UNSUBSCRIBE_H

#include "email.h"

#define UNSUBSCRIBE_BODY (32 << 10)

/* Adds the page's template, in start(), when the texts are there. */
belfry_status unsubscribe_start(struct email *e, struct belfry_error *err);
void unsubscribe_get(void *self, const struct belfry_http_request *req);
void unsubscribe_post(void *self, const struct belfry_http_request *req);

#endif
