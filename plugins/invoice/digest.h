/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVOICE_DIGEST_H
#define INVOICE_DIGEST_H

#include <belfry/plugin.h>

/*
 * 64 bits of SHA-256 as hex, over texts, each with its length so that none runs into the next, and a number: tells what
 * is said again from what is said otherwise. In scratch memory; NULL ptr when that ends. [txn]
 */
struct belfry_str digest_of(struct belfry_txn *txn, const struct belfry_str *texts, size_t count, int64_t number);
int digest_same(struct belfry_str a, struct belfry_str b);

#endif
