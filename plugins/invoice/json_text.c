/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a trigger that this plugin does not know are handed on as they were sent, and 12.345 is not what jansson
 * writes for the number that it read from that: 12.345000000000001. With 15 digits it does (DBL_DIG: any decimal of so
 * many survives); only a document with a number that needs more is written with 17.
 */
#include "json_text.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

static int needs_more_digits(const json_t *json)
{
    json_t *container = (json_t *)json, *value;
    const char *key;
    size_t i;
    char text[40];
    if (json_is_real(json)) {
        snprintf(text, sizeof(text), "%.*g", DBL_DIG, json_real_value(json));
        return strtod(text, NULL) != json_real_value(json);
    }
    json_object_foreach(container, key, value)
    {
        if (needs_more_digits(value))
            return 1;
    }
    json_array_foreach(container, i, value)
    {
        if (needs_more_digits(value))
            return 1;
    }
    return 0;
}

struct belfry_str json_text(struct belfry_txn *txn, json_t *json)
{
    size_t flags = JSON_COMPACT | (needs_more_digits(json) ? 0 : JSON_REAL_PRECISION(DBL_DIG));
    size_t len = json ? json_dumpb(json, NULL, 0, flags) : 0;
    char *text = len ? txn->api->alloc(txn, len) : NULL;
    if (text)
        json_dumpb(json, text, len, flags);
    json_decref(json);
    return (struct belfry_str){text, text ? len : 0};
}
