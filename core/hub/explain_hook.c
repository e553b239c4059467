/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the mapping of a hook makes of a call, for `explain`: {"headers": {...}, "body": ...}, where a text is the body
 * as it was posted and anything else is the JSON that it holds. Nobody's signature is looked at: whoever may ask for a
 * dry run may make up triggers anyway, and an admin who writes a mapping cannot sign in the provider's name.
 */
#include "hub/hook.h"

#include "base/mem.h"

static belfry_status headers_of(struct arena *arena, json_t *doc, struct hook_call *call, struct error *err)
{
    json_t *headers = json_object_get(doc, "headers"), *value;
    struct belfry_attr *out = arena_alloc(arena, (json_object_size(headers) + 1) * sizeof(*out));
    const char *name;
    size_t n = 0;
    if (headers && !json_is_object(headers))
        return error_set(err, BELFRY_EINVAL, "/hook/headers", "must be an object of texts");
    json_object_foreach(headers, name, value)
    {
        char *lower = arena_strdup(arena, name);
        if (!json_is_string(value))
            return error_set(err, BELFRY_EINVAL, "/hook/headers", "must be an object of texts");
        for (char *p = lower; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + 32);
        out[n++] = (struct belfry_attr){str_of(lower), json_str(value)};
    }
    call->headers = out;
    call->header_count = n;
    return BELFRY_OK;
}

static struct belfry_str body_of(struct arena *arena, const json_t *body)
{
    struct buf text = {0};
    if (json_is_string(body))
        return json_str(body);
    if (body)
        json_write(body, &text);
    struct belfry_str copy = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

belfry_status hook_explain(const struct config_instance *source, const struct config_hub *hub, json_t *doc,
                           struct arena *arena, int64_t now_ms, struct trigger_set *set, json_t **made,
                           struct error *err)
{
    struct hook_call call = {.verify = source->verify,
                             .hook = source->hook,
                             .max_items = (size_t)hub->limits.batch_events,
                             .max_bytes = (size_t)hub->limits.request_bytes};
    struct buf batch = {0};
    if (!source->hook)
        return error_set(err, BELFRY_EINVAL, "/hook", "the source has no `hook`; what is posted there are CloudEvents");
    if (headers_of(arena, doc, &call, err) != BELFRY_OK)
        return err->status;
    call.json = call.body = body_of(arena, json_object_get(doc, "body"));
    belfry_status status = hook_map(&call, &batch, err);
    struct belfry_str text = arena_str(arena, buf_str(&batch));
    buf_free(&batch);
    if (status == BELFRY_OK)
        status = ce_decode(set, NULL, 0, STR("application/cloudevents-batch+json"), text,
                           (size_t)hub->limits.event_bytes, call.max_items, now_ms, err);
    *made = status == BELFRY_OK ? json_read(text, NULL) : NULL;
    return status;
}
