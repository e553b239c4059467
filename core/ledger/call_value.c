/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trigger's data as a source asks for it: by RFC 6901 pointer, with the messages that an integrator reads. The data
 * was parsed before it came here; the ledger never parses it again.
 */
#include "ledger/inside.h"

#include <stdlib.h>

static const json_t *node_at(const struct belfry_trigger *trigger, const char *pointer)
{
    return trigger && trigger->impl ? json_at(trigger->impl, pointer) : NULL;
}

static struct error *error_of(struct belfry_error *err)
{
    return err ? err->impl : NULL;
}

static belfry_status wrong(struct belfry_error *err, const char *pointer, const char *text, const char *found)
{
    struct error *e = error_of(err);
    char *at = xasprintf("/data%s", pointer);
    belfry_status status = error_set(e, BELFRY_EINVAL, at, "%s%s%s", text, found ? ", not " : "", found ? found : "");
    free(at);
    if (err && !err->status)
        err->status = status;
    return status;
}

static belfry_status absent(struct belfry_error *err, const char *pointer)
{
    return err ? wrong(err, pointer, "is required", NULL) : BELFRY_ENOTFOUND;
}

belfry_status call_value_get(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                             struct belfry_value *out)
{
    if (!call_of(txn, "value_get"))
        return BELFRY_ECLOSED;
    const json_t *node = node_at(trigger, pointer);
    json_value(node, out);
    return node && !json_is_null(node) ? BELFRY_OK : BELFRY_ENOTFOUND;
}

belfry_status call_value_str(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                             struct belfry_str *out, struct belfry_error *err)
{
    if (!call_of(txn, "value_str"))
        return BELFRY_ECLOSED;
    const json_t *node = node_at(trigger, pointer);
    if (!node || json_is_null(node))
        return absent(err, pointer);
    if (!json_is_string(node))
        return wrong(err, pointer, "must be a string", json_type_text(node));
    *out = json_str(node);
    return BELFRY_OK;
}

belfry_status call_value_int(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                             int64_t *out, struct belfry_error *err)
{
    if (!call_of(txn, "value_int"))
        return BELFRY_ECLOSED;
    const json_t *node = node_at(trigger, pointer);
    if (!node || json_is_null(node))
        return absent(err, pointer);
    if (!json_is_integer(node))
        return wrong(err, pointer, "must be a whole number", json_type_text(node));
    *out = json_integer_value(node);
    return BELFRY_OK;
}

belfry_status call_value_bool(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                              int32_t *out, struct belfry_error *err)
{
    if (!call_of(txn, "value_bool"))
        return BELFRY_ECLOSED;
    const json_t *node = node_at(trigger, pointer);
    if (!node || json_is_null(node))
        return absent(err, pointer);
    if (!json_is_boolean(node))
        return wrong(err, pointer, "must be true or false", json_type_text(node));
    *out = json_is_true(node);
    return BELFRY_OK;
}

belfry_status call_value_time(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                              int64_t *out_ms, struct belfry_error *err)
{
    struct belfry_str text;
    belfry_status status = call_value_str(txn, trigger, pointer, &text, err);
    if (status)
        return status;
    if (time_parse(text, out_ms))
        return wrong(err, pointer, "must be an RFC 3339 time", NULL);
    return BELFRY_OK;
}

belfry_status call_value_link(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                              struct belfry_str *out, struct belfry_error *err)
{
    belfry_status status = call_value_str(txn, trigger, pointer, out, err);
    if (status)
        return status;
    return link_valid(*out) ? BELFRY_OK
                            : wrong(err, pointer, "must be http, https or a path, of at most 2048 bytes", NULL);
}

belfry_status call_value_address(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                 struct belfry_str *out, struct belfry_error *err)
{
    belfry_status status = call_value_str(txn, trigger, pointer, out, err);
    if (status)
        return status;
    return address_valid(*out) ? BELFRY_OK : wrong(err, pointer, "must be a mail address, such as a@example.org", NULL);
}

belfry_status call_value_username(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                  struct belfry_str *out, struct belfry_error *err)
{
    belfry_status status = call_value_str(txn, trigger, pointer, out, err);
    if (status)
        return status;
    return config_username_fault(*out)
               ? wrong(err, pointer,
                       "must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters", NULL)
               : BELFRY_OK;
}

struct data_view {
    struct belfry_view view;
    struct json_cursor cursor;
};

const struct belfry_view *call_value_view(struct belfry_txn *txn, const struct belfry_trigger *trigger)
{
    struct call *call = call_of(txn, "value_view");
    if (!call)
        return NULL;
    struct data_view *v = arena_alloc(call->arena, sizeof(*v));
    v->view = json_view_cursor(&v->cursor, trigger ? trigger->impl : NULL);
    return &v->view;
}
