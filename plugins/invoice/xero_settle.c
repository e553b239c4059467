/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Xero says of an invoice becomes what is received of ours. Xero counts in all what was paid; so only what goes
 * beyond the most that it has said before is new, and whoever repeats an answer, or gives an older one, changes
 * nothing.
 *
 * An invoice that is paid already, by a confirmed claim or by payments that were told otherwise, was paid by the same
 * money: only what exceeds its amount is more than that.
 */
#include "xero_settle.h"
#include "ledger.h"
#include "money.h"
#include "xero_body.h"
#include "xero_memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct theirs { /* an invoice at Xero */
    struct belfry_str tenant, id, number, type, status, currency, paid, credited;
    int64_t updated_ms; /* 0: unknown */
};

static int is(struct belfry_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

__attribute__((format(printf, 4, 5))) static belfry_status note(struct belfry_txn *txn, uint32_t level,
                                                                const struct theirs *x, const char *format, ...)
{
    char text[300], line[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(line, sizeof(line), "xero: org=%.*s invoice=%.*s number=\"%.*s\": %s", XERO_ARG(txn->org), XERO_ARG(x->id),
             (int)(x->number.len < 80 ? x->number.len : 80), x->number.ptr ? x->number.ptr : "", text);
    for (char *p = line; *p; p++)
        *p = (unsigned char)*p < ' ' ? ' ' : *p;
    txn->host->log(txn->host, level, line);
    return BELFRY_OK;
}

/* --- which of ours ------------------------------------------------------------------------------------------------ */

/* By number; else ours may carry Xero's own id. ENOTFOUND, ECONFLICT as invoice_find(). */
static belfry_status match(struct belfry_txn *txn, const struct theirs *x, struct belfry_str *id,
                           struct invoice_standing *ours)
{
    belfry_status status = invoice_standing(txn, x->id, ours);
    *id = x->id;
    if (status != BELFRY_ENOTFOUND || !x->number.len)
        return status;
    status = invoice_find(txn, x->number, id);
    return status ? status : invoice_standing(txn, *id, ours);
}

/* --- what is new -------------------------------------------------------------------------------------------------- */

static int settled_minor(const struct theirs *x, int digits, int64_t *minor)
{
    int64_t paid, credited;
    if (xero_minor(x->paid, digits, &paid) != 0 || xero_minor(x->credited, digits, &credited) != 0 || paid < 0 ||
        credited < 0)
        return -1;
    return __builtin_add_overflow(paid, credited, minor) ? -1 : 0;
}

/* What is new of it, received. What cannot be is said: the other invoices of a page have nothing to do with it. */
static belfry_status receive(const struct invoice *self, struct belfry_txn *txn, const struct theirs *x,
                             struct belfry_str id, int64_t amount_minor)
{
    struct belfry_str why = xero_format(txn, "Xero, %.*s", XERO_ARG(x->status));
    belfry_status status = invoice_payment(self, txn, id, amount_minor, why, NULL);
    if (status == BELFRY_EINVAL || status == BELFRY_ECONFLICT)
        return note(txn, BELFRY_LOG_WARN, x, "the payment cannot be received here");
    return status;
}

/* Xero may call an invoice paid that is over less there, or of which tax was withheld: here it is not, and its payer is
 * reminded until somebody decides. */
static void compare(struct belfry_txn *txn, const struct theirs *x, const struct invoice_standing *ours,
                    int64_t new_minor)
{
    char here[MONEY_TEXT_SIZE], billed[MONEY_TEXT_SIZE];
    if (is(x->status, "PAID") && ours->status == INVOICE_OPEN && new_minor < ours->amount_minor - ours->received_minor)
        note(txn, BELFRY_LOG_WARN, x, "PAID at Xero and open here, where %s of %s were received",
             money_text(ours->received_minor + new_minor, ours->currency, here),
             money_text(ours->amount_minor, ours->currency, billed));
}

static belfry_status pay(const struct invoice *self, struct belfry_txn *txn, const struct theirs *x,
                         struct belfry_str id, const struct invoice_standing *ours, int64_t minor)
{
    struct xero_paid before = xero_paid_get(txn, id);
    int64_t known = before.minor;
    int older = x->updated_ms && x->updated_ms < before.updated_ms; /* two answers came in another order */
    if (older)
        return BELFRY_OK;
    if (minor >= before.minor)
        compare(txn, x, ours, minor - before.minor);
    if (minor == before.minor)
        return BELFRY_OK;
    if (minor < before.minor) {
        note(txn, BELFRY_LOG_WARN, x, "Xero takes back a payment; what was received here stays as it is");
        return xero_paid_set(txn, id, (struct xero_paid){before.minor, x->updated_ms});
    }
    if (ours->status == INVOICE_PAID)
        known = minor <= ours->amount_minor ? minor : ours->received_minor;
    belfry_status status = minor > known ? receive(self, txn, x, id, minor - known) : BELFRY_OK;
    return status ? status : xero_paid_set(txn, id, (struct xero_paid){minor, x->updated_ms});
}

/* Whether there is any counts, so the digits of the currency do not. */
static int has_payment(const struct theirs *x)
{
    int64_t paid = 0;
    return settled_minor(x, 4, &paid) == 0 && paid > 0;
}

static belfry_status settle_one(const struct invoice *self, struct belfry_txn *txn, const struct theirs *x)
{
    struct belfry_str id;
    struct invoice_standing ours;
    int64_t minor;
    if (!is(x->type, "ACCREC"))
        return BELFRY_OK; /* a bill that we pay, or nothing that is an invoice */
    belfry_status status = match(txn, x, &id, &ours);
    int ended = is(x->status, "VOIDED") || is(x->status, "DELETED");
    if (status == BELFRY_ENOTFOUND)
        return ended || !has_payment(x) ? BELFRY_OK : xero_wait(txn, x->tenant, x->id, x->number);
    if (status == BELFRY_ECONFLICT)
        return note(txn, BELFRY_LOG_WARN, x, "several invoices here have this number; none of them is taken as paid");
    if (status)
        return status;
    if (ended)
        return ours.status != INVOICE_OPEN
                   ? BELFRY_OK
                   : note(txn, BELFRY_LOG_WARN, x, "%.*s at Xero and open here; invoice.voided voids it here",
                          XERO_ARG(x->status));
    if (ours.status == INVOICE_VOID)
        return has_payment(x) ? note(txn, BELFRY_LOG_WARN, x, "paid at Xero and voided here; nothing is received")
                              : BELFRY_OK;
    if (ours.currency.len != x->currency.len || memcmp(ours.currency.ptr, x->currency.ptr, x->currency.len) != 0)
        return note(txn, BELFRY_LOG_WARN, x, "the currency is %.*s at Xero and %.*s here; nothing is received",
                    XERO_ARG(x->currency), XERO_ARG(ours.currency));
    if (settled_minor(x, money_digits(ours.currency), &minor) != 0)
        return note(txn, BELFRY_LOG_WARN, x, "%.*s paid and %.*s credited is no amount of %.*s; nothing is received",
                    XERO_ARG(x->paid), XERO_ARG(x->credited), XERO_ARG(x->currency));
    return pay(self, txn, x, id, &ours, minor);
}

/* --- the result of a task ----------------------------------------------------------------------------------------- */

static struct theirs invoice_at(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_str tenant,
                                uint32_t index)
{
    struct theirs x = {.tenant = tenant};
    char pointer[64];
    const struct {
        const char *name;
        struct belfry_str *text;
    } texts[] = {{"id", &x.id},     {"number", &x.number},     {"type", &x.type},        {"status", &x.status},
                 {"paid", &x.paid}, {"currency", &x.currency}, {"credited", &x.credited}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        snprintf(pointer, sizeof(pointer), "/invoices/%" PRIu32 "/%s", index, texts[i].name);
        txn->api->value_str(txn, trigger, pointer, texts[i].text, NULL);
    }
    snprintf(pointer, sizeof(pointer), "/invoices/%" PRIu32 "/updated", index);
    txn->api->value_int(txn, trigger, pointer, &x.updated_ms, NULL);
    return x;
}

belfry_status xero_page(struct belfry_txn *txn, struct belfry_str tenant, int64_t since_ms, int64_t page)
{
    struct belfry_str payload = xero_format(txn, "{\"tenant\":\"%.*s\",\"since\":%" PRId64 ",\"page\":%" PRId64 "}",
                                            XERO_ARG(tenant), since_ms, page);
    return payload.ptr ? txn->api->task(txn, belfry_str("xero.invoices"), payload, 0) : BELFRY_ELIMIT;
}

/* The next page is a task of the commit that took this one. */
static belfry_status next_page(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_str tenant)
{
    int32_t more = 0;
    int64_t since = 0, page = 0;
    if (txn->api->value_bool(txn, trigger, "/more", &more, NULL) != BELFRY_OK || !more ||
        txn->api->value_int(txn, trigger, "/since", &since, NULL) != BELFRY_OK ||
        txn->api->value_int(txn, trigger, "/page", &page, NULL) != BELFRY_OK)
        return BELFRY_OK;
    return xero_page(txn, tenant, since, page + 1);
}

belfry_status xero_settle(const struct invoice *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                          struct belfry_error *err)
{
    struct belfry_value list;
    struct belfry_str tenant;
    if (txn->api->value_str(txn, trigger, "/tenant", &tenant, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    belfry_status status = txn->api->value_get(txn, trigger, "/invoices", &list);
    uint32_t count = status == BELFRY_OK && list.type == BELFRY_VALUE_ARRAY ? list.count : 0;
    status = BELFRY_OK;
    for (uint32_t i = 0; i < count && !status; i++) {
        struct theirs x = invoice_at(txn, trigger, tenant, i);
        status = settle_one(self, txn, &x);
    }
    return status ? status : next_page(txn, trigger, tenant);
}
