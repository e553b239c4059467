/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVOICE_XERO_SIGN_H
#define INVOICE_XERO_SIGN_H

#include <belfry/plugin.h>

/* [any] 1 when `signature` (x-xero-signature) is base64(HMAC-SHA256(key, body)). The key is the webhook key's text as
 * it is, never decoded. Compared in constant time. */
int xero_signed(const char *key, struct belfry_str body, struct belfry_str signature);

#endif
