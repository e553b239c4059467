/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of webhooks. Xero gives its events no ids, so each is named by what it says; a whole body and what cannot be
 * named so are known by the hash of their bytes.
 */
#include "xero_body.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_TEXT 41          /* 160 bits in hex and NUL */
#define UNREADABLE_SHOWN 2048 /* bytes of a body that nobody can read */
#define EVENTS_MAX 5000       /* of a body; its size ends before that */
#define ID_PART_MAX 80        /* of an id that is put together; UUIDs and times are shorter */
#define READ_FLAGS JSON_REJECT_DUPLICATES

static void hash_text(const char *ptr, size_t len, char out[HASH_TEXT])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(ptr, len, md, &size, EVP_sha256(), NULL);
    for (size_t i = 0; i < (HASH_TEXT - 1) / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", md[i]);
}

static char *named(const char *prefix, struct belfry_str bytes)
{
    char hash[HASH_TEXT], *id;
    hash_text(bytes.ptr ? bytes.ptr : "", bytes.len, hash);
    return asprintf(&id, "%s:%s", prefix, hash) < 0 ? NULL : id;
}

/* Takes id and data. */
static int add(struct xero_triggers *out, const char *type, char *id, char *data)
{
    struct xero_trigger *t = &out->items[out->count];
    *t = (struct xero_trigger){type, id, data};
    out->count++;
    return id && data ? 0 : -1;
}

/* --- one event ---------------------------------------------------------------------------------------------------- */

static struct belfry_str member(const json_t *event, const char *name)
{
    const json_t *value = json_object_get(event, name);
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

static int is_word(struct belfry_str s, const char *upper)
{
    size_t i;
    for (i = 0; i < s.len && upper[i]; i++) {
        char c = s.ptr[i] >= 'a' && s.ptr[i] <= 'z' ? (char)(s.ptr[i] - 32) : s.ptr[i];
        if (c != upper[i])
            return 0;
    }
    return i == s.len && !upper[i];
}

/* tenantId:resourceId:eventType:eventDateUtc; NULL when one of them is missing */
static char *event_id(const json_t *event)
{
    static const char *const parts[] = {"tenantId", "resourceId", "eventType", "eventDateUtc"};
    char id[4 * (ID_PART_MAX + 1)];
    size_t n = 0;
    for (size_t p = 0; p < 4; p++) {
        struct belfry_str part = member(event, parts[p]);
        if (part.len == 0 || part.len > ID_PART_MAX)
            return NULL;
        for (size_t i = 0; i < part.len; i++) /* "Update" and "UPDATE" are one */
            id[n++] = (char)(p == 2 && part.ptr[i] >= 'a' && part.ptr[i] <= 'z' ? part.ptr[i] - 32 : part.ptr[i]);
        id[n++] = p < 3 ? ':' : '\0';
    }
    return strdup(id);
}

static int add_event(struct xero_triggers *out, json_t *event)
{
    char *data = json_is_object(event) ? json_dumps(event, JSON_COMPACT) : NULL;
    if (!json_is_object(event)) { /* refused by receive(), which wants an object */
        json_t *wrapped = json_pack("{s:O}", "event", event);
        data = wrapped ? json_dumps(wrapped, JSON_COMPACT) : NULL;
        json_decref(wrapped);
    }
    char *id = event_id(event);
    if (!id && data)
        id = named("event", (struct belfry_str){data, strlen(data)});
    return add(out, "xero.event", id, data);
}

/* --- the body as a whole ------------------------------------------------------------------------------------------ */

static int64_t sequence_of(const json_t *root, const char *name)
{
    const json_t *value = json_object_get(root, name);
    return json_is_integer(value) && json_integer_value(value) > 0 ? json_integer_value(value) : 0;
}

static int has_text(const json_t *list, struct belfry_str text)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (json_string_length(item) == text.len && memcmp(json_string_value(item), text.ptr, text.len) == 0)
            return 1;
    }
    return 0;
}

/* {first, last, oldest, newest, tenants}: times in ms, sequences 0 when unknown, tenants of invoice events */
static char *delivery_data(const json_t *root, const json_t *events)
{
    int64_t oldest = 0, newest = 0;
    json_t *tenants = json_array(), *event;
    size_t i;
    json_array_foreach(events, i, event)
    {
        struct belfry_str tenant = member(event, "tenantId");
        int64_t when = xero_time(member(event, "eventDateUtc"));
        if (when > 0 && (!oldest || when < oldest))
            oldest = when;
        if (when > newest)
            newest = when;
        if (is_word(member(event, "eventCategory"), "INVOICE") && tenant.len && tenant.len <= ID_PART_MAX &&
            !has_text(tenants, tenant))
            json_array_append_new(tenants, json_stringn(tenant.ptr, tenant.len));
    }
    json_t *data = json_pack("{s:I,s:I,s:I,s:I,s:o}", "first", (json_int_t)sequence_of(root, "firstEventSequence"),
                             "last", (json_int_t)sequence_of(root, "lastEventSequence"), "oldest", (json_int_t)oldest,
                             "newest", (json_int_t)newest, "tenants", tenants);
    char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
    json_decref(data);
    return text;
}

/* As much of the body as helps an admin, whatever bytes it has. */
static char *unreadable_data(struct belfry_str body, const char *why)
{
    char shown[UNREADABLE_SHOWN + 1];
    size_t n = body.len < UNREADABLE_SHOWN ? body.len : UNREADABLE_SHOWN;
    for (size_t i = 0; i < n; i++)
        shown[i] = (char)(body.ptr[i] >= ' ' && body.ptr[i] <= '~' ? body.ptr[i] : '?');
    json_t *data = json_pack("{s:s,s:s#}", "why", why, "body", shown, (int)n);
    char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
    json_decref(data);
    return text;
}

static int read_events(struct belfry_str body, const json_t *root, const json_t *events, struct xero_triggers *out)
{
    size_t i, count = json_array_size(events);
    json_t *event;
    out->items = calloc(count + 1, sizeof(*out->items));
    if (!out->items)
        return -1;
    if (count == 0)
        return add(out, "xero.enabled", named("enabled", body), strdup("{}"));
    int rc = add(out, "xero.delivery", named("delivery", body), delivery_data(root, events));
    json_array_foreach(events, i, event) rc |= add_event(out, event);
    return rc;
}

int xero_body_read(struct belfry_str body, struct xero_triggers *out)
{
    json_error_t error = {0};
    json_t *root = json_loadb(body.ptr ? body.ptr : "", body.len, READ_FLAGS, &error);
    json_t *events = json_object_get(root, "events");
    int listed = json_is_object(root) && (!events || json_is_null(events) || json_is_array(events));
    int rc = 0;
    *out = (struct xero_triggers){0};
    if (listed && json_array_size(events) <= EVENTS_MAX) {
        rc = read_events(body, root, events, out);
    } else {
        out->items = calloc(1, sizeof(*out->items));
        rc = out->items ? add(out, "xero.unreadable", named("unreadable", body),
                              unreadable_data(body, !root     ? error.text
                                                    : !listed ? "it is no object with a list of events"
                                                              : "it has too many events"))
                        : -1;
    }
    json_decref(root);
    if (rc != 0)
        xero_triggers_free(out);
    return rc;
}

void xero_triggers_free(struct xero_triggers *triggers)
{
    for (size_t i = 0; i < triggers->count; i++) {
        free(triggers->items[i].id);
        free(triggers->items[i].data);
    }
    free(triggers->items);
    *triggers = (struct xero_triggers){0};
}
