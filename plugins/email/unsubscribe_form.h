/* SPDX-License-Identifier: Apache-2.0 */
/* The body of RFC 8058: which of two media types it has is the mail provider's choice. Pure. [any] */
#ifndef EMAIL_UNSUBSCRIBE_FORM_H
#define EMAIL_UNSUBSCRIBE_FORM_H

#include <belfry/plugin.h>

/* Is there a field of that name and value in a multipart/form-data body (RFC 7578), in whichever place? A part without
 * an end counts for nothing. */
int unsubscribe_form_has(struct belfry_str content_type, struct belfry_str body, const char *name, const char *value);

#endif
