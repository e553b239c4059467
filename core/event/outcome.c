/* SPDX-License-Identifier: Apache-2.0 */
/* Names of outcomes. The numbers are stored in databases, so their order in the list is asserted here. */
#include "event/outcome.h"

#include <stddef.h>
#include <string.h>

static const char *const names[OUTCOME_COUNT] = {
#define OUTCOME_NAME(number, name) [number] = #name,
    OUTCOME_MAP(OUTCOME_NAME)
#undef OUTCOME_NAME
};

#define OUTCOME_ONE(number, name) +1
_Static_assert(0 OUTCOME_MAP(OUTCOME_ONE) == OUTCOME_COUNT, "OUTCOME_COUNT is not the number of outcomes");
#undef OUTCOME_ONE

const char *outcome_name(int outcome)
{
    return outcome >= 0 && outcome < OUTCOME_COUNT ? names[outcome] : NULL;
}

int outcome_parse(const char *name)
{
    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}
