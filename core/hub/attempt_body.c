/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request that was made, put together when somebody looks: it lies with the event already, and a million
 * attempts do not each keep it again.
 */
#include "hub/internal.h"

#define BODY_MAX 20000

/* At most so many bytes, and no part of a character. */
static struct belfry_str beginning(struct belfry_str s, size_t most)
{
    size_t len = s.len < most ? s.len : most;
    while (len > 0 && len < s.len && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
        len--;
    return (struct belfry_str){s.ptr, len};
}

/* Of the range what is there; *cut: something of it is not. */
static struct belfry_str part(struct belfry_str payload, const json_t *of, int *cut)
{
    json_int_t from = json_integer_value(json_object_get(of, "from")),
               to = json_integer_value(json_object_get(of, "to"));
    json_int_t have = (json_int_t)payload.len, end = to < have ? to : have;
    *cut = end < to;
    if (from < 0 || from >= end)
        return (struct belfry_str){0};
    return (struct belfry_str){payload.ptr + from, (size_t)(end - from)};
}

void hub_attempt_body(json_t *record, struct belfry_str payload)
{
    json_t *request = json_object_get(record, "request"), *of = json_object_get(request, "body_of");
    struct buf body = {0};
    int cut = 0;
    if (!json_is_object(of))
        return;
    buf_adds(&body, json_str(json_object_get(of, "before")));
    buf_adds(&body, part(payload, of, &cut));
    if (!cut)
        buf_adds(&body, json_str(json_object_get(of, "after")));
    struct belfry_str shown = beginning(buf_str(&body), BODY_MAX);
    if (cut || shown.len < body.len)
        json_object_set_new(request, "truncated", json_true());
    json_t *text = json_stringn(shown.ptr ? shown.ptr : "", shown.len);
    if (text) /* not when the stored body was cut inside a character, which 20,000 bytes never reach */
        json_object_set_new(request, "body", text);
    json_object_del(request, "body_of");
    buf_free(&body);
}
