/* SPDX-License-Identifier: Apache-2.0 */
/* What the source tells of: the event types, their fields and their texts. */
#include "invoice.h"

#define FIELD(name, kind, text)                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_field), .value_type = BELFRY_VALUE_##kind, .path = (name), .doc = (text)   \
    }
#define ACTION(name, text, type, ...)                                                                                  \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_action_type), .id = (name), .label = (text), .trigger = (type),            \
        __VA_ARGS__                                                                                                    \
    }

#define INVOICE_FIELDS                                                                                                 \
    FIELD("invoice.id", STRING, "Its id in the system it lives in."),                                                  \
        FIELD("invoice.number", STRING, "The number that people know it by."),                                         \
        FIELD("invoice.owner", STRING, "Whose invoice it is."), FIELD("invoice.url", STRING, "Where people find it."), \
        FIELD("invoice.amount_minor", INT, "What was billed, in minor units of the currency."),                        \
        FIELD("invoice.currency", STRING, "ISO 4217."),                                                                \
        FIELD("invoice.amount", STRING, "What was billed, for people: 1234.50 EUR."),                                  \
        FIELD("invoice.received_minor", INT, "What was received so far."),                                             \
        FIELD("invoice.received", STRING, "The same for people."),                                                     \
        FIELD("invoice.outstanding_minor", INT, "What is still to come."),                                             \
        FIELD("invoice.outstanding", STRING, "The same for people."),                                                  \
        FIELD("invoice.due_on", STRING, "Date; while it was open."),                                                   \
        FIELD("invoice.payer.name", STRING, "Who owes it; while it was open."),                                        \
        FIELD("invoice.payer.email", STRING, "Where reminders go; while it was open.")

static const struct belfry_field claimed_fields[] = {INVOICE_FIELDS,
                                                     FIELD("by", STRING, "Who says that it is paid."),
                                                     FIELD("reference", STRING, "What they gave as reference."),
                                                     {0}};
static const struct belfry_field disputed_fields[] = {INVOICE_FIELDS,
                                                      FIELD("by", STRING, "Who disputes it."),
                                                      FIELD("reason", STRING, "Why, when they said so."),
                                                      FIELD("paused", BOOL, "True when reminders are paused by it."),
                                                      {0}};
static const struct belfry_field paid_fields[] = {
    INVOICE_FIELDS,
    FIELD("confirmed_by", STRING, "Who confirmed the claim; absent when the money was received."),
    FIELD("note", STRING, "Where the money came from, when that is known."),
    {0}};
static const struct belfry_field overpaid_fields[] = {
    INVOICE_FIELDS,
    FIELD("excess_minor", INT, "What was received beyond the amount, in all."),
    FIELD("excess", STRING, "The same for people."),
    FIELD("note", STRING, "Where the money came from, when that is known."),
    {0}};
static const struct belfry_field reminder_fields[] = {INVOICE_FIELDS, {0}};
static const struct belfry_field booking_fields[] = {FIELD("booking.id", STRING, "Its id."),
                                                     FIELD("booking.url", STRING, "Where people find it."),
                                                     FIELD("booking.owner", STRING, "Whose booking it is."),
                                                     FIELD("by", STRING, "Who disputes it."),
                                                     FIELD("reason", STRING, "Why, when they said so."),
                                                     {0}};
static const struct belfry_field shift_fields[] = {
    FIELD("shift.id", STRING, "Its id."),
    FIELD("shift.url", STRING, "Where people find it."),
    FIELD("shift.owner", STRING, "Who was to work it."),
    FIELD("shift.starts_at", STRING, "When it was to begin."),
    FIELD("by", STRING, "Who cancelled it."),
    FIELD("cancelled_at", STRING, "When."),
    FIELD("fee_applies", BOOL, "True when it was cancelled inside of the window."),
    FIELD("fee_minor", INT, "The fee in minor units of the terms' currency; 0 outside of the window."),
    FIELD("fee", STRING, "The same for people: 90.00 EUR."),
    FIELD("starts", STRING, "When it was to begin, for people, in the org's time zone: 1 Feb 2026, 10:00."),
    FIELD("cancelled", STRING, "When it was cancelled, for people, in the same zone."),
    FIELD("timezone", STRING, "That zone: Europe/Berlin."),
    {0}};

static const struct belfry_action_text confirm_texts[] = {
    {.struct_size = sizeof(*confirm_texts), .language = "de", .label = "Bestätigen"}, {0}};
static const struct belfry_action_text reject_texts[] = {
    {.struct_size = sizeof(*reject_texts), .language = "de", .label = "Ablehnen", .comment = "Begründung"}, {0}};
static const struct belfry_action_type claimed_actions[] = {
    ACTION("confirm", "Confirm", "claim.confirmed", .texts = confirm_texts),
    ACTION("reject", "Reject", "claim.rejected", .comment = "Reason", .texts = reject_texts),
    {0}};

static const char *const claimed_replaces[] = {"invoice.payment_claimed", NULL};

#define EXAMPLE_INVOICE                                                                                                \
    "\"invoice\":{\"id\":\"inv-7\",\"number\":\"2026-007\",\"owner\":\"ann\","                                         \
    "\"url\":\"https://books.example.org/7\",\"currency\":\"EUR\",\"due_on\":\"2026-01-31\","                          \
    "\"amount_minor\":123450,\"amount\":\"1234.50 EUR\",\"received_minor\":0,\"received\":\"0.00 EUR\","               \
    "\"outstanding_minor\":123450,\"outstanding\":\"1234.50 EUR\","                                                    \
    "\"payer\":{\"name\":\"Northwind Dairy\",\"email\":\"accounts@northwind.example\"}}"

#define GERMAN(title_text, body_text)                                                                                  \
    (const struct belfry_event_text[])                                                                                 \
    {                                                                                                                  \
        {.struct_size = sizeof(struct belfry_event_text),                                                              \
         .language = "de",                                                                                             \
         .title = (title_text),                                                                                        \
         .body = (body_text)},                                                                                         \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

#define EVENT(name, level, ...)                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_event_type), .type = (name), .category = "invoice",                        \
        .severity = BELFRY_##level, __VA_ARGS__                                                                        \
    }

const struct belfry_event_type invoice_events[] = {
    EVENT("invoice.payment_claimed", WARNING, .replaces = claimed_replaces, .actions = claimed_actions,
          .fields = claimed_fields, .title = "Payment claimed: {{invoice.number}}, {{invoice.amount}}",
          .body = "{{by}} says that it is paid.{{#reference}} Reference: {{reference}}.{{/reference}} Check your bank, "
                  "then confirm or reject.",
          .texts = GERMAN(
              "Zahlung gemeldet: {{invoice.number}}, {{invoice.amount}}",
              "{{by}} hat gemeldet, dass die Rechnung bezahlt ist.{{#reference}} Verwendungszweck: {{reference}}."
              "{{/reference}} Prüfen Sie Ihr Konto; dann bestätigen oder lehnen Sie ab."),
          .doc = "Somebody says that an invoice is paid; its owner has to confirm it.",
          .example = "{" EXAMPLE_INVOICE ",\"by\":\"northwind\",\"reference\":\"TRX-42\"}"),
    EVENT("invoice.disputed", ERROR, .fields = disputed_fields,
          .title = "Invoice disputed: {{invoice.number}}, {{invoice.amount}}",
          .body = "{{by}} disputes it{{#reason}}: {{reason}}{{/reason}}{{#paused}}\nReminders are paused until the "
                  "dispute is resolved.{{/paused}}",
          .texts = GERMAN(
              "Rechnung beanstandet: {{invoice.number}}, {{invoice.amount}}",
              "{{by}} beanstandet die Rechnung{{#reason}}: {{reason}}{{/reason}}{{#paused}}\nBis das geklärt ist, "
              "werden keine Erinnerungen verschickt.{{/paused}}"),
          .doc = "Somebody disputes an invoice; reminders are paused.",
          .example = "{" EXAMPLE_INVOICE ",\"by\":\"northwind\",\"reason\":\"Not ours\",\"paused\":true}"),
    EVENT("invoice.paid", SUCCESS, .fields = paid_fields,
          .title = "Invoice paid: {{invoice.number}}, {{invoice.amount}}",
          .body = "{{#confirmed_by}}{{confirmed_by}} confirmed the payment.{{/confirmed_by}}"
                  "{{^confirmed_by}}{{invoice.received}} received.{{/confirmed_by}}"
                  "{{#note}} {{note}}{{/note}}",
          .texts =
              GERMAN("Rechnung bezahlt: {{invoice.number}}, {{invoice.amount}}",
                     "{{#confirmed_by}}{{confirmed_by}} hat die Zahlung bestätigt.{{/confirmed_by}}"
                     "{{^confirmed_by}}{{invoice.received}} eingegangen.{{/confirmed_by}}{{#note}} {{note}}{{/note}}"),
          .doc = "An invoice is paid: a claim was confirmed, or the whole amount was received.",
          .example = "{" EXAMPLE_INVOICE ",\"by\":\"ann\",\"confirmed_by\":\"ann\"}"),
    EVENT("invoice.overpaid", WARNING, .fields = overpaid_fields,
          .title = "Invoice overpaid: {{invoice.number}}, {{excess}} too much",
          .body = "{{invoice.received}} received for {{invoice.amount}}.{{#note}} {{note}}{{/note}}",
          .texts = GERMAN("Rechnung überzahlt: {{invoice.number}}, {{excess}} zu viel",
                          "{{invoice.received}} eingegangen für {{invoice.amount}}.{{#note}} {{note}}{{/note}}"),
          .doc = "More than the amount of an invoice was received.",
          .example = "{" EXAMPLE_INVOICE ",\"excess_minor\":1000,\"excess\":\"10.00 EUR\"}"),
    EVENT("invoice.reminder", INFO, .fields = reminder_fields,
          .title = "Reminder: invoice {{invoice.number}}, {{invoice.outstanding}} due on {{invoice.due_on}}",
          .body = "Dear {{invoice.payer.name}},\n\ninvoice {{invoice.number}} over {{invoice.amount}} is due on "
                  "{{invoice.due_on}}. {{invoice.outstanding}} is still open.",
          .texts = GERMAN(
              "Erinnerung: Rechnung {{invoice.number}}, {{invoice.outstanding}} fällig am {{invoice.due_on}}",
              "Guten Tag {{invoice.payer.name}},\n\ndie Rechnung {{invoice.number}} über {{invoice.amount}} ist am "
              "{{invoice.due_on}} fällig. Offen sind noch {{invoice.outstanding}}."),
          .doc = "A chaser: reminds the payer, by mail only.", .example = "{" EXAMPLE_INVOICE "}"),
    EVENT("booking.disputed", ERROR, .fields = booking_fields, .title = "Booking disputed: {{booking.id}}",
          .body = "{{by}} disputes it{{#reason}}: {{reason}}{{/reason}}",
          .texts = GERMAN("Buchung beanstandet: {{booking.id}}",
                          "{{by}} beanstandet die Buchung{{#reason}}: {{reason}}{{/reason}}"),
          .doc = "Somebody disputes a booking.",
          .example = "{\"booking\":{\"id\":\"b-3\",\"url\":\"https://books.example.org/b/3\",\"owner\":\"ann\"},"
                     "\"by\":\"northwind\",\"reason\":\"Not booked for that date\"}"),
    EVENT(
        "shift.cancelled", WARNING, .fields = shift_fields,
        .title = "Shift cancelled: {{shift.id}}{{#fee_applies}}, fee {{fee}}{{/fee_applies}}",
        .body = "{{by}} cancelled it on {{cancelled}}; it was to begin on {{starts}} ({{timezone}}). "
                "{{#fee_applies}}The cancellation fee is {{fee}}.{{/fee_applies}}"
                "{{^fee_applies}}No cancellation fee applies.{{/fee_applies}}",
        .texts = GERMAN("Schicht abgesagt: {{shift.id}}{{#fee_applies}}, Gebühr {{fee}}{{/fee_applies}}",
                        "{{by}} hat am {{cancelled}} abgesagt; Beginn wäre am {{starts}} gewesen ({{timezone}}). "
                        "{{#fee_applies}}Die Absagegebühr beträgt {{fee}}.{{/fee_applies}}"
                        "{{^fee_applies}}Es fällt keine Absagegebühr an.{{/fee_applies}}"),
        .doc = "A shift was cancelled; inside of the window of its terms with a fee.",
        .example =
            "{\"shift\":{\"id\":\"s-9\",\"url\":\"https://books.example.org/s/9\",\"owner\":\"ann\","
            "\"starts_at\":\"2026-02-01T09:00:00Z\"},\"by\":\"northwind\",\"cancelled_at\":"
            "\"2026-01-31T20:00:00Z\",\"terms\":{\"window_hours\":24,\"percent\":50,\"rate_minor\":18000,"
            "\"currency\":\"EUR\"},\"fee_applies\":true,\"fee_minor\":9000,\"fee\":\"90.00 EUR\",\"starts\":\"1 Feb 2026, 10:00\","
            "\"cancelled\":\"31 Jan 2026, 21:00\",\"timezone\":\"Europe/Berlin\"}"),
    {0}};
