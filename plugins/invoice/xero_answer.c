/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the Accounting API, cut down to what decides a payment. Amounts become decimal texts here: jansson reads
 * 12.30 as a double, and a double gives back any decimal of up to DBL_DIG (15) significant digits unchanged; longer
 * ones come out with an exponent or other digits, and are larger than what anybody owes.
 */
#include "xero_body.h"

#include <float.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *text_of(const json_t *invoice, const char *name)
{
    const json_t *value = json_object_get(invoice, name);
    return json_is_string(value) ? json_stringn(json_string_value(value), json_string_length(value)) : json_string("");
}

static json_t *amount_of(const json_t *invoice, const char *name)
{
    const json_t *value = json_object_get(invoice, name);
    char text[40] = "0";
    if (json_is_string(value))
        return text_of(invoice, name);
    if (json_is_integer(value))
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof(text), "%.*g", DBL_DIG, json_real_value(value));
    return json_string(text);
}

static json_int_t updated_of(const json_t *invoice)
{
    const json_t *value = json_object_get(invoice, "UpdatedDateUTC");
    return xero_instant((struct belfry_str){json_string_value(value), json_string_length(value)});
}

static json_t *reduced(const json_t *invoice)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I}", "id", text_of(invoice, "InvoiceID"), "number",
                     text_of(invoice, "InvoiceNumber"), "type", text_of(invoice, "Type"), "status",
                     text_of(invoice, "Status"), "currency", text_of(invoice, "CurrencyCode"), "paid",
                     amount_of(invoice, "AmountPaid"), "credited", amount_of(invoice, "AmountCredited"), "updated",
                     updated_of(invoice));
}

/* Xero says how many pages there are; where it does not, an empty page is the last. */
static int more_pages(const json_t *root, const struct xero_question *question, size_t count)
{
    const json_t *pages = json_object_get(json_object_get(root, "pagination"), "pageCount");
    if (question->id || count == 0)
        return 0;
    return !json_is_integer(pages) || question->page < json_integer_value(pages);
}

static char *answer_text(const struct xero_question *question, json_t *invoices, int more)
{
    json_t *data = json_pack("{s:s,s:b,s:o}", "tenant", question->tenant, "more", more, "invoices", invoices);
    int rc = !data;
    if (question->id) {
        rc |= json_object_set_new(data, "id", json_string(question->id));
    } else {
        rc |= json_object_set_new(data, "since", json_integer(question->since_ms));
        rc |= json_object_set_new(data, "page", json_integer(question->page));
    }
    char *text = rc ? NULL : json_dumps(data, JSON_COMPACT);
    json_decref(data);
    return text;
}

char *xero_answer_read(struct belfry_str body, const struct xero_question *question)
{
    json_t *root = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *invoices = json_object_get(root, "Invoices");
    json_t *out = json_is_array(invoices) ? json_array() : NULL, *invoice;
    size_t i;
    int rc = !out;
    json_array_foreach(invoices, i, invoice) rc |= json_array_append_new(out, reduced(invoice));
    char *text = NULL;
    if (rc)
        json_decref(out);
    else
        text = answer_text(question, out, more_pages(root, question, json_array_size(out)));
    json_decref(root);
    return text;
}

char *xero_answer_empty(const struct xero_question *question)
{
    return answer_text(question, json_array(), 0);
}
