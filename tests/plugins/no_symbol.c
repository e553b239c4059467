/* SPDX-License-Identifier: Apache-2.0 */
/* Exports no belfry_entry. */
#include <belfry/plugin.h>

BELFRY_EXTERN BELFRY_EXPORT const uint32_t belfry_something;
const uint32_t belfry_something = BELFRY_MAGIC;
