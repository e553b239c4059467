/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids. Inside, an id is a 64-bit integer that is strictly increasing per database: milliseconds << 20 | counter, and
 * the rowid of its table. Outside it is a UUIDv7 (RFC 9562 section 5.7): 48 bits of time, the 20-bit counter in rand_a
 * and the first 8 bits of rand_b, and 54 bits that are a keyed hash of the id. The hash makes ids unguessable and lets
 * a foreign or forged id be told without a query. So a UUID needs no column and no index.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <belfry/plugin.h>
#include <stdint.h>

#define ID_TEXT_SIZE 37 /* 36 characters and NUL */

struct id_key {
    uint8_t bytes[16];
};

/* Generator; one owner (the ledger). next = max(last + 1, now_ms << 20). */
struct id_gen {
    int64_t last;
};
int64_t id_next(struct id_gen *gen, int64_t now_ms);
/* Milliseconds part of an id. */
static inline int64_t id_time_ms(int64_t id)
{
    return id >> 20;
}
/* The first id that a millisecond can have; of one before the epoch that of the epoch, of one that is too far away that
 * of the last there is. [any] */
int64_t id_first_at(int64_t ms);
/* Writes the UUID in lower case. [any] */
void id_format(const struct id_key *key, int64_t id, char out[ID_TEXT_SIZE]);
/* 0, or BELFRY_ENOTFOUND when the text is no UUID of this database. [any] */
belfry_status id_parse(const struct id_key *key, struct belfry_str text, int64_t *out);

/* SipHash-2-4 of data under key, 64 bits: hash tables and subject keys that outsiders cannot aim at. [any] */
uint64_t siphash(const struct id_key *key, const void *data, size_t len);
/* Random bytes from the kernel; aborts when there are none. [any] */
void random_bytes(void *out, size_t len);
/* Unpadded base64url (RFC 4648 section 5) and standard base64 (section 4). decode: 0 or BELFRY_EINVAL. */
struct buf;
void base64_encode(const void *data, size_t len, int url, struct buf *out);
belfry_status base64_decode(struct belfry_str text, int url, struct buf *out);
void hex_encode(const void *data, size_t len, struct buf *out);

#endif
