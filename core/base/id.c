/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids and their UUIDv7 form. Layout of the 128 bits, most significant first (RFC 9562 section 5.7):
 *   48 milliseconds | 4 version 7 | 12 counter, high | 2 variant 10 | 8 counter, low | 54 keyed hash of the id
 * UUIDs sort as their ids do. Reading one recomputes the hash, so a forged or foreign UUID costs no query.
 */
#include "base/id.h"

#include "base/mem.h"

#include <endian.h>

#define COUNTER_BITS 20
#define TIME_MS_MAX ((INT64_C(1) << (63 - COUNTER_BITS)) - 1)
#define MAC_BITS 54
#define MAC_MASK ((UINT64_C(1) << MAC_BITS) - 1)

int64_t id_first_at(int64_t ms)
{
    return (ms < 0 ? 0 : ms > TIME_MS_MAX ? TIME_MS_MAX : ms) << COUNTER_BITS;
}

int64_t id_next(struct id_gen *gen, int64_t now_ms)
{
    int64_t id = id_first_at(now_ms);
    gen->last = id > gen->last ? id : gen->last + 1;
    return gen->last;
}

static uint64_t id_mac(const struct id_key *key, int64_t id)
{
    uint64_t le = htole64((uint64_t)id);
    return siphash(key, &le, sizeof(le)) & MAC_MASK;
}

static char *put_hex(char *out, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
    return out + digits;
}

void id_format(const struct id_key *key, int64_t id, char out[ID_TEXT_SIZE])
{
    uint64_t bits = (uint64_t)id;
    uint64_t ms = bits >> COUNTER_BITS;
    uint64_t high = ms << 16 | UINT64_C(0x7) << 12 | (bits >> 8 & 0xfff);
    uint64_t low = UINT64_C(2) << 62 | (bits & 0xff) << MAC_BITS | id_mac(key, id);
    char *p = put_hex(out, high >> 32, 8);
    *p++ = '-';
    p = put_hex(p, high >> 16 & 0xffff, 4);
    *p++ = '-';
    p = put_hex(p, high & 0xffff, 4);
    *p++ = '-';
    p = put_hex(p, low >> 48, 4);
    *p++ = '-';
    p = put_hex(p, low & UINT64_C(0xffffffffffff), 12);
    *p = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The two halves of a UUID in its text form, either case (RFC 9562 section 4). 0 when the text has another shape. */
static int read_uuid(struct belfry_str text, uint64_t half[2])
{
    if (text.len != ID_TEXT_SIZE - 1)
        return 0;
    int digits = 0;
    half[0] = half[1] = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i] != '-')
                return 0;
            continue;
        }
        int value = hex_digit(text.ptr[i]);
        if (value < 0)
            return 0;
        uint64_t *part = &half[digits++ / 16];
        *part = *part << 4 | (uint64_t)value;
    }
    return 1;
}

belfry_status id_parse(const struct id_key *key, struct belfry_str text, int64_t *out)
{
    uint64_t half[2];
    if (!read_uuid(text, half))
        return BELFRY_ENOTFOUND;
    uint64_t ms = half[0] >> 16;
    if ((half[0] >> 12 & 0xf) != 7 || half[1] >> 62 != 2 || ms > (uint64_t)TIME_MS_MAX)
        return BELFRY_ENOTFOUND;
    int64_t id = (int64_t)(ms << COUNTER_BITS | (half[0] & 0xfff) << 8 | (half[1] >> MAC_BITS & 0xff));
    uint64_t have = half[1] & MAC_MASK, want = id_mac(key, id);
    if (!mem_equal_ct(&have, sizeof(have), &want, sizeof(want)))
        return BELFRY_ENOTFOUND;
    *out = id;
    return BELFRY_OK;
}
