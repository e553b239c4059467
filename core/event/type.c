/* SPDX-License-Identifier: Apache-2.0 */
/* Names of event types as sources declare them, events replace them and endpoints ask for them. */
#include "event/event.h"

int event_type_is(struct belfry_str pattern, struct belfry_str type)
{
    if (!pattern.len || pattern.ptr[pattern.len - 1] != '*')
        return str_eq(pattern, type);
    return type.len >= pattern.len && str_has_prefix(type, str_slice(pattern.ptr, pattern.len - 1));
}

int event_type_among(struct belfry_str type, const struct belfry_strs *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (event_type_is(patterns->items[i], type))
            return 1;
    return 0;
}
