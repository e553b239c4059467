/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of text, members in the order of the header with a tab after each, so that reading needs no parser and no
 * memory: texts are slices of the state's own bytes. No text has a tab, because control characters are refused or
 * became spaces when they came in. New members go to the end of their list and the first byte is raised.
 */
#include "account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FORMAT '1'
#define NUMBER_SIZE 21 /* of an int64_t as text */

/* --- keys --------------------------------------------------------------------------------------------------------- */

static struct belfry_str join(struct belfry_txn *txn, const struct belfry_str *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = txn->api->alloc(txn, len), *p = text;
    for (size_t i = 0; text && i < count; i++) {
        if (parts[i].len > 0)
            memcpy(p, parts[i].ptr, parts[i].len);
        p += parts[i].len;
    }
    return (struct belfry_str){text, text ? len : 0};
}

struct belfry_str account_key(struct belfry_txn *txn, struct belfry_str id)
{
    return join(txn, (const struct belfry_str[]){belfry_str("invoice/"), id}, 2);
}

/* --- one account -------------------------------------------------------------------------------------------------- */

struct reader {
    const char *p, *end;
};

static struct belfry_str take_text(struct reader *r)
{
    const char *tab = r->p < r->end ? memchr(r->p, '\t', (size_t)(r->end - r->p)) : NULL;
    struct belfry_str text = {r->p, (size_t)((tab ? tab : r->end) - r->p)};
    r->p = tab ? tab + 1 : r->end;
    return text;
}

static int64_t take_number(struct reader *r)
{
    struct belfry_str text = take_text(r);
    int negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t value = 0;
    for (size_t i = (size_t)negative; i < text.len; i++)
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    return negative ? -(int64_t)value : (int64_t)value;
}

belfry_status account_load(struct belfry_txn *txn, struct belfry_str id, struct account *out)
{
    struct belfry_str key = account_key(txn, id), value;
    if (!key.ptr)
        return BELFRY_ELIMIT;
    belfry_status status = txn->api->get(txn, key, &value);
    if (status != BELFRY_OK)
        return status;
    if (value.len == 0 || value.ptr[0] != FORMAT)
        return BELFRY_EINTERNAL; /* written by a later version of the plugin */
    struct reader r = {value.ptr + 1, value.ptr + value.len};
#define READ_NUMBER(name) out->name = take_number(&r);
#define READ_TEXT(name) out->name = take_text(&r);
    ACCOUNT_NUMBERS(READ_NUMBER)
    ACCOUNT_TEXTS(READ_TEXT)
    return BELFRY_OK;
}

static char *put_text(char *p, struct belfry_str text)
{
    if (text.len > 0)
        memcpy(p, text.ptr, text.len);
    p[text.len] = '\t';
    return p + text.len + 1;
}

static char *put_number(char *p, int64_t number)
{
    if (number != 0)
        p += snprintf(p, NUMBER_SIZE, "%" PRId64, number);
    *p = '\t';
    return p + 1;
}

belfry_status account_save(struct belfry_txn *txn, struct belfry_str id, const struct account *account)
{
    size_t size = 1;
#define COUNT_NUMBER(name) size += NUMBER_SIZE + 1;
#define COUNT_TEXT(name) size += account->name.len + 1;
    ACCOUNT_NUMBERS(COUNT_NUMBER)
    ACCOUNT_TEXTS(COUNT_TEXT)
    struct belfry_str key = account_key(txn, id);
    char *text = txn->api->alloc(txn, size), *p = text;
    if (!key.ptr || !text)
        return BELFRY_ELIMIT;
    *p++ = FORMAT;
#define WRITE_NUMBER(name) p = put_number(p, account->name);
#define WRITE_TEXT(name) p = put_text(p, account->name);
    ACCOUNT_NUMBERS(WRITE_NUMBER)
    ACCOUNT_TEXTS(WRITE_TEXT)
    while (p > text && p[-1] == '\t') /* what is absent at the end need not be kept */
        p--;
    return txn->api->put(txn, key, (struct belfry_str){text, (size_t)(p - text)});
}

enum machine_state account_state(const struct account *account)
{
    int claimed = account->claimed_by.len > 0, disputed = account->disputed_by.len > 0;
    switch (account->status) {
    case INVOICE_OPEN:
        if (claimed)
            return disputed ? STATE_CLAIMED_DISPUTED : STATE_CLAIMED;
        return disputed ? STATE_DISPUTED : STATE_OPEN;
    case INVOICE_PAID:
        return disputed ? STATE_PAID_DISPUTED : STATE_PAID;
    case INVOICE_VOID:
        return STATE_VOID;
    default:
        return STATE_UNKNOWN;
    }
}

belfry_status invoice_standing(struct belfry_txn *txn, struct belfry_str id, struct invoice_standing *out)
{
    struct account account;
    belfry_status status = account_load(txn, id, &account);
    if (status == BELFRY_OK)
        *out = (struct invoice_standing){(enum invoice_status)account.status,
                                         account.amount_minor,
                                         account.received_minor,
                                         account.number,
                                         account.owner,
                                         account.currency};
    return status;
}

/* --- the index of numbers ----------------------------------------------------------------------------------------- */

/*
 * An empty value at "number/{number}", a line break and the id. People number invoices as they like, so two owners in
 * an org may both have a "2026-001"; none of them is taken for the other.
 */
static struct belfry_str number_key(struct belfry_txn *txn, struct belfry_str number, struct belfry_str id)
{
    return join(txn, (const struct belfry_str[]){belfry_str("number/"), number, belfry_str("\n"), id}, 4);
}

struct found {
    struct belfry_str key;
    size_t count;
};

static int32_t found_one(void *arg, struct belfry_str key, struct belfry_str value)
{
    struct found *found = arg;
    (void)value;
    found->key = key;
    found->count++;
    return 0;
}

belfry_status invoice_find(struct belfry_txn *txn, struct belfry_str number, struct belfry_str *id)
{
    struct belfry_str none = {NULL, 0};
    struct found found = {{NULL, 0}, 0};
    if (number.len == 0 || number.len > ACCOUNT_NUMBER_MAX)
        return BELFRY_ENOTFOUND;
    struct belfry_str prefix = number_key(txn, number, none);
    if (!prefix.ptr)
        return BELFRY_ELIMIT;
    belfry_status status = txn->api->scan(txn, prefix, none, 0, 2, found_one, &found);
    if (status != BELFRY_OK || found.count != 1)
        return status != BELFRY_OK ? status : found.count ? BELFRY_ECONFLICT : BELFRY_ENOTFOUND;
    *id = (struct belfry_str){found.key.ptr + prefix.len, found.key.len - prefix.len};
    return BELFRY_OK;
}

belfry_status account_index_add(struct belfry_txn *txn, struct belfry_str number, struct belfry_str id)
{
    struct belfry_str key = number_key(txn, number, id), empty = {"", 0};
    return key.ptr ? txn->api->put(txn, key, empty) : BELFRY_ELIMIT;
}

belfry_status account_index_remove(struct belfry_txn *txn, struct belfry_str number, struct belfry_str id)
{
    struct belfry_str key = number_key(txn, number, id);
    return key.ptr ? txn->api->del(txn, key) : BELFRY_ELIMIT;
}
