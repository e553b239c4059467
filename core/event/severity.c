/* SPDX-License-Identifier: Apache-2.0 */
/* Names of severities, in their order. */
#include "event/event.h"

#include "base/str.h"

static const char *const names[] = {
    [BELFRY_INFO] = "info",   [BELFRY_SUCCESS] = "success",   [BELFRY_WARNING] = "warning",
    [BELFRY_ERROR] = "error", [BELFRY_CRITICAL] = "critical",
};

#define COUNT (int)(sizeof(names) / sizeof(names[0]))

int severity_parse(struct belfry_str name)
{
    for (int i = 0; i < COUNT; i++)
        if (str_eqz(name, names[i]))
            return i;
    return -1;
}

const char *severity_name(int severity)
{
    return severity >= 0 && severity < COUNT ? names[severity] : NULL;
}
