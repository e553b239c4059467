/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer says of the credentials of its request. Any thread. */
#ifndef WEBHOOK_MASK_H
#define WEBHOOK_MASK_H

#include "record.h"

/* A copy of a part of an answer with "***" where it has a credential that went out: the value of a header whose name
 * says so, a word of it, the signature, the query of the URL. Never longer than the text. New memory, freed with
 * free(); *len: how long it is. */
char *mask_new(const struct asked *request, struct belfry_str text, size_t *len);

#endif
