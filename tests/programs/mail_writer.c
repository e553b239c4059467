/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mails of the email plugin without a hub, for tests that read them with somebody else's parser: a JSON object a
 * line on standard input, one a line on standard output.
 *
 *   {"from": "Acme <a@b>", "to": "c@d", "subject": ..., any text of struct message, "date_ms": N,
 *    "sign": {"domain": D, "now_s": N, "keys": [{"selector": S, "pem": P}]}}
 *   {"message": ..., "signature": ..., "to": ...} or {"fault": ...}
 */
#include "../../plugins/email/address.h"
#include "../../plugins/email/dkim.h"
#include "../../plugins/email/message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 8

static struct belfry_str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return (struct belfry_str){json_is_string(value) ? json_string_value(value) : "", json_string_length(value)};
}

static const struct {
    const char *name;
    size_t member;
} texts[] = {
    {"to_name", offsetof(struct message, to_name)},
    {"subject", offsetof(struct message, subject)},
    {"message_id", offsetof(struct message, message_id)},
    {"thread", offsetof(struct message, thread)},
    {"list_name", offsetof(struct message, list_name)},
    {"list_id", offsetof(struct message, list_id)},
    {"unsubscribe", offsetof(struct message, unsubscribe)},
    {"unsubscribe_mail", offsetof(struct message, unsubscribe_mail)},
    {"feedback_id", offsetof(struct message, feedback_id)},
    {"language", offsetof(struct message, language)},
    {"text", offsetof(struct message, text)},
    {"html", offsetof(struct message, html)},
};

static json_t *signature_of(const json_t *sign, const char *message, size_t size, const char **fault)
{
    struct dkim_key *keys[KEYS_MAX];
    size_t count = 0, i, len = 0;
    json_t *key, *out = NULL;
    json_array_foreach(json_object_get(sign, "keys"), i, key)
    {
        if (count < KEYS_MAX && (keys[count] = dkim_key_read(text_of(key, "selector").ptr, text_of(key, "pem"), fault)))
            count++;
    }
    if (count == json_array_size(json_object_get(sign, "keys"))) {
        char *fields = dkim_sign((const struct dkim_key *const *)keys, count, text_of(sign, "domain").ptr, message,
                                 size, json_integer_value(json_object_get(sign, "now_s")), &len);
        out = fields ? json_stringn(fields, len) : NULL;
        *fault = fields ? NULL : "cannot sign";
        free(fields);
    }
    while (count)
        dkim_key_free(keys[--count]);
    return out;
}

static json_t *answer(const json_t *asked)
{
    struct address from, to;
    struct message m = {.from = &from, .to = &to, .date_ms = json_integer_value(json_object_get(asked, "date_ms"))};
    const char *fault = NULL;
    size_t size = 0;
    if (!address_read_named(text_of(asked, "from"), &from, &fault) || !address_read(text_of(asked, "to"), &to, &fault))
        return json_pack("{s:o}", "fault", json_sprintf("the address %s", fault));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *(struct belfry_str *)(void *)((char *)&m + texts[i].member) = text_of(asked, texts[i].name);
    char *message = message_write(&m, &size, &fault);
    json_t *sign = json_object_get(asked, "sign"), *signature = NULL;
    if (message && sign)
        signature = signature_of(sign, message, size, &fault);
    json_t *out = fault ? json_pack("{s:s}", "fault", fault)
                        : json_pack("{s:s%, s:o*, s:s, s:s}", "message", message, size, "signature", signature, "to",
                                    to.spec, "from_name", from.name);
    free(message);
    return out;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, stdin)) > 0) {
        json_t *asked = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL), *said = asked ? answer(asked) : NULL;
        if (!said)
            return 1;
        json_dumpf(said, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(said);
        json_decref(asked);
    }
    free(line);
    return 0;
}
