/* SPDX-License-Identifier: Apache-2.0 */
/* Chance that is the same on every machine (splitmix64). Any seed will do, also small ones that follow each other. */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>

/* 0 to count - 1. */
static inline int pick(uint64_t *seed, int count)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (int)((x ^ x >> 31) % (uint64_t)count);
}

#endif
