/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of sign-ins: JWT ids that worked once. */
#ifndef STORE_SESSIONS_H
#define STORE_SESSIONS_H

#include "store/store.h"

/* Notes the id (a digest) until it expires. 1 when it is new, 0 when it was used before. [ledger] */
int store_jti_use(struct store_conn *conn, struct belfry_str key, int64_t expires_ms);
/* Forgets those that expired; returns how many. [ledger] */
int store_jti_sweep(struct store_conn *conn, int64_t now_ms);

#endif
