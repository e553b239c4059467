/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that this plugin made or took over, as text for the hub. [txn] */
#ifndef INVOICE_JSON_TEXT_H
#define INVOICE_JSON_TEXT_H

#include <belfry/plugin.h>

#include <jansson.h>

/* In the scratch memory of the txn; takes json over. NULL ptr when json is NULL or that memory ends. */
struct belfry_str json_text(struct belfry_txn *txn, json_t *json);

#endif
