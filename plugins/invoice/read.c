/* SPDX-License-Identifier: Apache-2.0 */
/* The hub words the faults that it finds itself (absent, another type); the rest is worded here. */
#include "read.h"
#include "money.h"

#include <stdio.h>
#include <string.h>

static const struct belfry_str nothing = {NULL, 0};

void read_fault(struct reading *r, const char *pointer, const char *text)
{
    char full[80];
    snprintf(full, sizeof(full), "/data%s", pointer);
    r->self->host->fail(r->err, BELFRY_EINVAL, full, "%s", text);
    r->faults++;
}

int read_object(struct reading *r, const char *pointer)
{
    struct belfry_value value;
    belfry_status status = r->txn->api->value_get(r->txn, r->trigger, pointer, &value);
    if (status == BELFRY_OK && value.type == BELFRY_VALUE_OBJECT)
        return 1;
    read_fault(r, pointer, status == BELFRY_OK ? "must be an object" : "is required");
    return 0;
}

struct belfry_str read_text(struct reading *r, const char *pointer, int required)
{
    struct belfry_str text = nothing;
    belfry_status status = r->txn->api->value_str(r->txn, r->trigger, pointer, &text, NULL);
    if (status == BELFRY_OK)
        return text;
    if (status != BELFRY_ENOTFOUND || required) {
        r->txn->api->value_str(r->txn, r->trigger, pointer, &text, r->err);
        r->faults++;
    }
    return nothing;
}

static int is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

struct belfry_str read_id(struct reading *r, const char *pointer, size_t max)
{
    struct belfry_str id = read_text(r, pointer, REQUIRED);
    int control = 0;
    for (size_t i = 0; i < id.len; i++)
        control |= is_control(id.ptr[i]);
    if (!id.ptr || (id.len > 0 && id.len <= max && !control))
        return id;
    char text[60];
    snprintf(text, sizeof(text), "is longer than %zu bytes", max);
    read_fault(r, pointer, id.len == 0 ? "is empty" : control ? "has a control character" : text);
    return nothing;
}

struct belfry_str read_line(struct reading *r, const char *pointer)
{
    struct belfry_str text = read_text(r, pointer, REQUIRED);
    char *line = text.len ? r->txn->api->alloc(r->txn, text.len) : NULL;
    size_t len = 0;
    for (size_t i = 0; line && i < text.len; i++) {
        char c = is_control(text.ptr[i]) ? ' ' : text.ptr[i];
        if (c != ' ' || (len > 0 && line[len - 1] != ' '))
            line[len++] = c;
    }
    while (len > 0 && line[len - 1] == ' ')
        len--;
    if (text.ptr && len == 0)
        read_fault(r, pointer, "is empty");
    return (struct belfry_str){line, len};
}

/* A string that the hub itself judges. */
static struct belfry_str judged(struct reading *r, const char *pointer,
                                belfry_status (*judge)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
                                                       const char *pointer, struct belfry_str *out,
                                                       struct belfry_error *err))
{
    struct belfry_str text = nothing;
    if (judge(r->txn, r->trigger, pointer, &text, r->err) == BELFRY_OK)
        return text;
    r->faults++;
    return nothing;
}

struct belfry_str read_user(struct reading *r, const char *pointer, int required)
{
    struct belfry_value value;
    if (!required && r->txn->api->value_get(r->txn, r->trigger, pointer, &value) == BELFRY_ENOTFOUND)
        return nothing;
    return judged(r, pointer, r->txn->api->value_username);
}

struct belfry_str read_link(struct reading *r, const char *pointer)
{
    return judged(r, pointer, r->txn->api->value_link);
}

struct belfry_str read_address(struct reading *r, const char *pointer)
{
    return judged(r, pointer, r->txn->api->value_address);
}

struct belfry_str read_currency(struct reading *r, const char *pointer)
{
    struct belfry_str code = read_text(r, pointer, REQUIRED);
    if (!code.ptr || money_digits(code) >= 0)
        return code;
    read_fault(r, pointer, "must be an ISO 4217 currency, such as EUR");
    return nothing;
}

struct belfry_str read_date(struct reading *r, const char *pointer)
{
    struct belfry_str text = read_text(r, pointer, REQUIRED);
    struct belfry_date date;
    if (!text.ptr || r->self->calendar->parse(text, &date) == BELFRY_OK)
        return text;
    read_fault(r, pointer, "must be a date, such as 2026-01-31");
    return nothing;
}

int64_t read_minor(struct reading *r, const char *pointer, int64_t min)
{
    int64_t minor = 0;
    char text[60];
    if (r->txn->api->value_int(r->txn, r->trigger, pointer, &minor, r->err) != BELFRY_OK) {
        r->faults++;
        return min;
    }
    if (minor >= min)
        return minor;
    snprintf(text, sizeof(text), "must be at least %d", (int)min);
    read_fault(r, pointer, text);
    return min;
}

int64_t read_time(struct reading *r, const char *pointer)
{
    int64_t ms = 0;
    if (r->txn->api->value_time(r->txn, r->trigger, pointer, &ms, r->err) != BELFRY_OK)
        r->faults++;
    return ms;
}

int read_is_person(const struct belfry_txn *txn)
{
    return txn->principal && txn->principal->kind == BELFRY_PRINCIPAL_PERSON;
}

struct belfry_str read_by(struct reading *r, int required)
{
    return read_is_person(r->txn) ? r->txn->principal->name : read_user(r, "/by", required);
}
