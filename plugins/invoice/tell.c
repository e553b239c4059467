/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of an invoice. Their data is what the trigger said, unknown members and all, with the invoice as it stands
 * laid over the trigger's and its amounts written out for people.
 */
#include "act.h"
#include "read.h"
#include "json_text.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- data --------------------------------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *name, struct belfry_str text)
{
    if (text.len > 0)
        json_object_set_new(object, name, json_stringn(text.ptr, text.len));
}

/* "amount_minor" and, for people, "amount". */
static void set_money(json_t *object, const char *name, int64_t minor, struct belfry_str currency)
{
    char member[32], text[MONEY_TEXT_SIZE];
    snprintf(member, sizeof(member), "%s_minor", name);
    json_object_set_new(object, member, json_integer(minor));
    json_object_set_new(object, name, json_string(money_text(minor, currency, text)));
}

static int64_t outstanding(const struct account *account)
{
    return account->received_minor < account->amount_minor ? account->amount_minor - account->received_minor : 0;
}

static int64_t excess(const struct account *account)
{
    return account->received_minor > account->amount_minor ? account->received_minor - account->amount_minor : 0;
}

static void set_invoice(json_t *data, const struct act *a)
{
    const struct account *account = &a->account;
    json_t *invoice = json_object_get(data, "invoice");
    if (!json_is_object(invoice)) {
        invoice = json_object();
        json_object_set_new(data, "invoice", invoice);
    }
    set_text(invoice, "id", a->id);
    set_text(invoice, "number", account->number);
    set_text(invoice, "owner", account->owner);
    set_text(invoice, "url", account->url);
    set_text(invoice, "currency", account->currency);
    set_text(invoice, "due_on", account->due_on);
    set_money(invoice, "amount", account->amount_minor, account->currency);
    set_money(invoice, "received", account->received_minor, account->currency);
    set_money(invoice, "outstanding", outstanding(account), account->currency);
    if (account->payer_email.len > 0) {
        json_t *payer = json_object();
        set_text(payer, "name", account->payer_name);
        set_text(payer, "email", account->payer_email);
        json_object_set_new(invoice, "payer", payer);
    }
}

/* What the texts of events rely on is what is so, not what a trigger happens to call by the same name. */
static void set_computed(json_t *data, const struct act *a)
{
    static const char *const names[] = {"confirmed_by", "paused", "excess", "excess_minor"};
    const struct account *account = &a->account;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_del(data, names[i]);
    set_text(data, "by", a->by);
    set_text(data, "note", a->note);
    if (a->confirms)
        set_text(data, "confirmed_by", a->by);
    if (account->disputed_by.len > 0)
        json_object_set_new(data, "paused", json_boolean(account->status == INVOICE_OPEN));
    if (excess(account) > 0)
        set_money(data, "excess", excess(account), account->currency);
}

/* As text in scratch memory; empty when that ends. */
static struct belfry_str data_of(const struct act *a)
{
    json_t *data = a->trigger ? json_loadb(a->trigger->data.ptr, a->trigger->data.len, 0, NULL) : NULL;
    if (!json_is_object(data)) {
        json_decref(data);
        data = json_object();
    }
    set_invoice(data, a);
    set_computed(data, a);
    return json_text(a->txn, data);
}

/* What is written otherwise in the German texts. */
static struct belfry_str german_of(const struct act *a)
{
    const struct account *account = &a->account;
    const struct {
        const char *name;
        int64_t minor;
    } amounts[] = {{"amount", account->amount_minor},
                   {"received", account->received_minor},
                   {"outstanding", outstanding(account)}};
    char text[WORDS_SIZE];
    json_t *data = json_object(), *invoice = json_object();
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
        json_object_set_new(invoice, amounts[i].name,
                            json_string(words_money(amounts[i].minor, account->currency, WORDS_GERMAN, text)));
    if (account->due_on.len > 0)
        json_object_set_new(invoice, "due_on", json_string(words_date(a->self, account->due_on, WORDS_GERMAN, text)));
    if (excess(account) > 0)
        json_object_set_new(data, "excess",
                            json_string(words_money(excess(account), account->currency, WORDS_GERMAN, text)));
    json_object_set_new(data, "invoice", invoice);
    return json_text(a->txn, data);
}

/* --- the event ---------------------------------------------------------------------------------------------------- */

/* {"invoice":{"id":...}}: what an action's trigger needs to know. */
static struct belfry_str action_data(const struct act *a)
{
    return json_text(a->txn, json_pack("{s:{s:s%}}", "invoice", "id", a->id.ptr, a->id.len));
}

belfry_status act_tell(const struct act *a, const char *type)
{
    struct belfry_recipient to = {sizeof(to), BELFRY_TO_USER, a->account.owner, belfry_str("owner")};
    struct belfry_action actions[] = {{.struct_size = sizeof(actions[0]), .id = belfry_str("confirm")},
                                      {.struct_size = sizeof(actions[0]), .id = belfry_str("reject")}};
    struct belfry_event_words words = {
        .struct_size = sizeof(words), .language = belfry_str("de"), .data = german_of(a)};
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str(type),
                                 .subject = account_key(a->txn, a->id),
                                 .severity = -1,
                                 .link = a->account.url,
                                 .audience = &to,
                                 .audience_count = 1,
                                 .data = data_of(a),
                                 .words = &words,
                                 .word_count = 1};
    if (strcmp(type, "invoice.reminder") == 0)
        to = (struct belfry_recipient){sizeof(to), BELFRY_TO_EMAIL, a->account.payer_email, belfry_str("payer")};
    if (strcmp(type, "invoice.payment_claimed") == 0) {
        actions[0].data = actions[1].data = action_data(a);
        event.actions = actions;
        event.action_count = 2;
    }
    if (!event.data.ptr || !event.subject.ptr || !words.data.ptr || (event.action_count && !actions[0].data.ptr))
        return BELFRY_ELIMIT;
    return a->txn->api->emit(a->txn, &event, a->err);
}
