/* SPDX-License-Identifier: Apache-2.0 */
/* Who stands in for whom, and when. */
#ifndef APPROVAL_SUBSTITUTE_H
#define APPROVAL_SUBSTITUTE_H

#include "approval.h"

/* Fills a->substitutes from the options. [loop] */
void approval_substitutes_make(struct approval *a);

/* fn for each substitute of an absent person whose period holds now, until it returns other than 0, which is returned.
 * [txn] */
int approval_substitutes_each(const struct approval *a, struct belfry_txn *txn, struct belfry_str absent,
                              int (*fn)(void *arg, struct belfry_str by), void *arg);
/* When the next period of somebody who stands in for this person begins or ends; INT64_MAX: none does. [txn] */
int64_t approval_substitutes_next(const struct approval *a, struct belfry_txn *txn, struct belfry_str absent);

#endif
