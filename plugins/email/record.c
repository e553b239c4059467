/* SPDX-License-Identifier: Apache-2.0 */
/* The client hands out replies as printable text of bounded length, so a record stays far below the host's limit. */
#include "record.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const stages[] = {"connect", "tls", "auth", "envelope", "content", "end"};
/* By BELFRY_SMTP_ERR_*: for records, and for people. */
static const struct {
    const char *word, *says;
} errors[] = {
    {"", ""},
    {"reply", "it refused"},
    {"dns", "its name could not be resolved"},
    {"connect", "there is no connection"},
    {"lost", "the connection broke"},
    {"timeout", "no answer came in time"},
    {"tls", "TLS failed"},
    {"auth", "AUTH failed"},
    {"address", "an address cannot be put into a command"},
    {"url", "its address cannot be used"},
    {"canceled", "the attempt was ended"},
    {"message", "the mail cannot be sent as it is"},
};
#define ERRORS (sizeof(errors) / sizeof(errors[0]))

const char *record_stage(uint32_t stage)
{
    return stage < sizeof(stages) / sizeof(stages[0]) ? stages[stage] : "other";
}

void record_detail(const struct record_facts *facts, const struct belfry_smtp_answer *answer,
                   char out[RECORD_DETAIL_SIZE])
{
    const char *server = facts->server ? facts->server : "the mail server";
    struct belfry_str text = answer->text, why = answer->error_text;
    if (answer->code && (answer->error <= BELFRY_SMTP_ERR_REPLY || answer->error == BELFRY_SMTP_ERR_AUTH)) {
        snprintf(out, RECORD_DETAIL_SIZE, "%s said %d%s%.*s%s%.*s (%s)", server, answer->code,
                 answer->enhanced.len ? " " : "", (int)answer->enhanced.len,
                 answer->enhanced.len ? answer->enhanced.ptr : "", text.len ? " " : "",
                 (int)(text.len < 500 ? text.len : 500), text.len ? text.ptr : "", record_stage(answer->stage));
        return;
    }
    snprintf(out, RECORD_DETAIL_SIZE, "%s: %s%s%.*s (%s)", server,
             answer->error < ERRORS ? errors[answer->error].says : "it failed", why.len ? ": " : "",
             (int)(why.len < 500 ? why.len : 500), why.len ? why.ptr : "", record_stage(answer->stage));
}

/* Left out when there is nothing, or no UTF-8. */
static void add_text(json_t *to, const char *name, struct belfry_str text)
{
    json_t *value = text.len ? json_stringn(text.ptr, text.len) : NULL;
    if (value)
        json_object_set_new(to, name, value);
}

char *record_make(const struct record_facts *facts, const struct belfry_smtp_answer *answer)
{
    json_t *record = json_object();
    add_text(record, "server", belfry_str(facts->server));
    add_text(record, "from", belfry_str(facts->from));
    add_text(record, "message_id", belfry_str(facts->message_id));
    add_text(record, "stage", belfry_str(record_stage(answer->stage)));
    if (answer->error)
        add_text(record, "error", belfry_str(answer->error < ERRORS ? errors[answer->error].word : "other"));
    if (answer->code)
        json_object_set_new(record, "code", json_integer(answer->code));
    add_text(record, "enhanced", answer->enhanced);
    add_text(record, "text", answer->text);
    add_text(record, "error_text", answer->error_text);
    json_object_set_new(record, "tls", json_boolean(answer->encrypted));
    json_object_set_new(record, "reused", json_boolean(answer->reused));
    json_object_set_new(record, "elapsed_us", json_integer(answer->elapsed_us));
    if (facts->servers_asked > 1)
        json_object_set_new(record, "servers_asked", json_integer(facts->servers_asked));
    add_text(record, "note", belfry_str(facts->note));
    char *text = json_dumps(record, JSON_COMPACT);
    json_decref(record);
    return text;
}
