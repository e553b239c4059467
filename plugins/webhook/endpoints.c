/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint of the API always has a key of each kind, also where v1 alone is asked for: so v1a can be switched on
 * later without a new secret. Its receiver is given the one for v1 and the public half of the other.
 *
 * A member that is null has its default again. `headers` is replaced as a whole; a value that comes back as it is
 * shown, masked, is the one that was there. Not so when the URL leads to another server: then credentials are given
 * again or taken out, or else who may change an endpoint could read them where it is pointed to.
 */
#include "endpoints.h"

#include "handshake.h"
#include "headers.h"
#include "settings.h"
#include "url.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A judgement on its way: what was found wrong goes into err, any number of times. */
struct judging {
    const struct webhook *webhook;
    const struct belfry_host *host;
    struct belfry_error *err;
    belfry_status status;
    const struct settings *before;
    int moves; /* to another server */
    struct settings out;
};

#define STAYS_BEHIND "is for the server of before: give it again for this one, or take it out"

static void fault(struct judging *j, const char *pointer, const char *what)
{
    j->status = j->host->fail(j->err, BELFRY_EINVAL, pointer, "%s", what);
}

static struct belfry_str str_of(const json_t *value)
{
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

/* --- members ------------------------------------------------------------------------------------------------------ */

static void judge_format(struct judging *j, json_t *value)
{
    int at = json_is_string(value) ? settings_word(format_names, str_of(value)) : -1;
    if (json_is_null(value))
        j->out.format = FORMAT_STANDARD;
    else if (at < 0)
        fault(j, "/format", "must be standard, thin, cloudevents-structured or cloudevents-binary");
    else
        j->out.format = (enum format)at;
}

static void judge_signatures(struct judging *j, json_t *value)
{
    uint32_t bits = 0;
    size_t i, count = json_array_size(value);
    json_t *item;
    json_array_foreach(value, i, item)
    {
        int at = json_is_string(item) ? settings_word(signature_names, str_of(item)) : -1;
        if (at < 0 || bits & 1u << at)
            bits = 1u << 31;
        else
            bits |= 1u << at;
        if (bits & 1u << 31)
            break;
    }
    if (json_is_null(value))
        j->out.signatures = SIGNATURE_V1;
    else if (!count || bits & 1u << 31)
        fault(j, "/signatures", "must be a list of v1, v1a or both");
    else
        j->out.signatures = bits;
}

static void judge_handshake(struct judging *j, json_t *value)
{
    if (!json_is_boolean(value) && !json_is_null(value))
        fault(j, "/handshake", "must be true or false");
    else
        j->out.handshake = json_is_true(value);
}

/* RFC 6901: ~ and / have codes in a pointer. */
static void header_fault(struct judging *j, struct belfry_str name, const char *what)
{
    struct text pointer = {0};
    text_addz(&pointer, "/headers/");
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '~' || name.ptr[i] == '/')
            text_addz(&pointer, name.ptr[i] == '~' ? "~0" : "~1");
        else
            text_add(&pointer, name.ptr + i, 1);
    fault(j, pointer.ptr, what);
    free(pointer.ptr);
}

static const struct belfry_attr *find_header(const struct belfry_attr *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_same(headers[i].name, name))
            return &headers[i];
    return NULL;
}

static void judge_header(struct judging *j, const char *key, json_t *value)
{
    struct belfry_str name = belfry_str(key), text = json_is_string(value) ? str_of(value) : (struct belfry_str){0};
    const char *wrong = header_name_fault(name);
    if (!wrong && find_header(j->out.headers, j->out.header_count, key))
        wrong = "is there twice";
    if (!wrong && !json_is_string(value))
        wrong = "must be a text";
    if (!wrong && header_is_secret(name) && text_same(text, HEADER_MASK)) {
        const struct belfry_attr *kept = find_header(j->before->headers, j->before->header_count, key);
        wrong = !kept ? "is masked, and there is no value that it could stand for" : j->moves ? STAYS_BEHIND : NULL;
        text = kept ? kept->value : text;
    }
    if (!wrong)
        wrong = header_value_fault(text);
    if (wrong)
        header_fault(j, name, wrong);
    else
        j->out.headers[j->out.header_count++] = (struct belfry_attr){name, text};
}

static void judge_headers(struct judging *j, json_t *value)
{
    const char *key;
    json_t *item;
    j->out.header_count = 0;
    if (json_is_null(value))
        return;
    if (!json_is_object(value)) {
        fault(j, "/headers", "must be an object of names and texts");
        return;
    }
    if (json_object_size(value) > HEADERS_MAX) {
        fault(j, "/headers", "must not be more than 32");
        return;
    }
    json_object_foreach(value, key, item) judge_header(j, key, item);
}

static const struct {
    const char *name;
    void (*judge)(struct judging *j, json_t *value);
} members[] = {{"headers", judge_headers},
               {"format", judge_format},
               {"signatures", judge_signatures},
               {"handshake", judge_handshake}};

static void judge_member(struct judging *j, const char *name, json_t *value)
{
    char pointer[80];
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (strcmp(members[i].name, name) == 0) {
            members[i].judge(j, value);
            return;
        }
    snprintf(pointer, sizeof(pointer), "/%.64s", name);
    fault(j, pointer, "is no member of an endpoint");
}

/* --- check -------------------------------------------------------------------------------------------------------- */

/* Refused at every call in any case; said here so that it is known at once. */
static int leads_inside(const struct webhook *w, struct belfry_str url)
{
    char text[URL_MAX + 1];
    memcpy(text, url.ptr, url.len);
    text[url.len] = '\0';
    return w->http->refuses(w->host, text, w->cidrs);
}

/* Headers that nothing is said of stay, where they may. */
static void judge_kept_headers(struct judging *j)
{
    for (size_t i = 0; j->moves && i < j->before->header_count; i++)
        if (header_is_secret(j->before->headers[i].name))
            header_fault(j, j->before->headers[i].name, STAYS_BEHIND);
}

static void judge_all(struct judging *j, const struct belfry_endpoint_draft *draft, json_t *given)
{
    const char *name, *wrong = url_fault(draft->url);
    json_t *value;
    if (!wrong && leads_inside(j->webhook, draft->url))
        wrong = "leads to a private address, which this hub does not call; the channel may `allow_cidrs` it";
    if (wrong)
        fault(j, "/url", wrong);
    j->moves = !wrong && draft->before.len && !url_same_server(draft->url_before, draft->url);
    json_object_foreach(given, name, value) judge_member(j, name, value);
    if (!json_object_get(given, "headers"))
        judge_kept_headers(j);
}

static belfry_status check(void *self, const struct belfry_endpoint_draft *draft,
                           void (*sink)(void *arg, struct belfry_str settings), void *arg, struct belfry_error *err)
{
    const struct webhook *w = self;
    struct belfry_attr headers[HEADERS_MAX];
    struct settings before;
    json_t *given =
        json_loadb(draft->settings.ptr ? draft->settings.ptr : "", draft->settings.len, JSON_REJECT_DUPLICATES, NULL);
    int readable = settings_read(draft->before, &before) == 0;
    struct judging j = {.webhook = w, .host = w->host, .err = err, .before = &before, .out = before};
    if (!draft->before.len)
        j.out.format = (enum format)w->config->format;
    j.out.headers = headers;
    j.out.header_count = before.header_count < HEADERS_MAX ? before.header_count : HEADERS_MAX;
    if (j.out.header_count)
        memcpy(headers, before.headers, j.out.header_count * sizeof(headers[0]));
    if (!readable)
        fault(&j, "", "what is kept of this endpoint cannot be read");
    else if (!json_is_object(given))
        fault(&j, "", "the settings must be a JSON object without a member twice");
    else
        judge_all(&j, draft, given);
    if (j.status == BELFRY_OK) {
        struct text text = {0};
        settings_write(&j.out, &text);
        sink(arg, text_str(&text));
        OPENSSL_cleanse(text.ptr, text.len);
        free(text.ptr);
    }
    settings_free(&before);
    json_decref(given);
    return j.status;
}

/* --- secret ------------------------------------------------------------------------------------------------------- */

static belfry_status secret(void *self, struct belfry_str settings, struct belfry_str given,
                            void (*sink)(void *arg, struct belfry_str secret), void *arg, struct belfry_error *err)
{
    const struct webhook *w = self;
    struct key keys[KEYS_OF_SECRET];
    char text[KEY_SECRET_TEXT];
    const char *wrong = given.len ? keys_fault(given) : NULL;
    (void)settings;
    if (wrong)
        return w->host->fail(err, BELFRY_EINVAL, "/secret", "%s", wrong);
    size_t count = given.len ? keys_read(given, keys, &wrong) : 0;
    int failed = keys_new(keys, count, text) != 0;
    OPENSSL_cleanse(keys, sizeof(keys));
    if (failed)
        return w->host->fail(err, BELFRY_EAGAIN, "/secret", "there are no random bytes for one now");
    sink(arg, belfry_str(text));
    OPENSSL_cleanse(text, sizeof(text));
    return BELFRY_OK;
}

/* --- show --------------------------------------------------------------------------------------------------------- */

static void add_member(struct text *out, const char *name, struct belfry_str value)
{
    text_addz(out, ",");
    text_string(out, belfry_str(name));
    text_addz(out, ":");
    text_string(out, value);
}

static void add_public_key(struct text *out, struct belfry_str secret_text)
{
    struct key keys[KEYS_OF_SECRET];
    char public[KEY_PUBLIC_TEXT];
    const char *wrong;
    size_t count = keys_read(secret_text, keys, &wrong);
    for (size_t i = 0; i < count; i++)
        if (keys[i].kind == KEY_ED25519 && keys_public(&keys[i], public) == 0)
            add_member(out, "public_key", belfry_str(public));
    OPENSSL_cleanse(keys, sizeof(keys));
}

static void show(void *self, struct belfry_str settings, struct belfry_str secret_text, uint32_t flags,
                 void (*sink)(void *arg, struct belfry_str json), void *arg)
{
    struct settings s;
    struct text out = {0};
    (void)self;
    settings_read(settings, &s);
    text_addz(&out, "{");
    settings_show(&s, &out);
    if (s.signatures & SIGNATURE_V1A && secret_text.len)
        add_public_key(&out, secret_text);
    if (flags & BELFRY_ENDPOINT_REVEAL)
        add_member(&out, "secret", keys_shared(secret_text));
    text_addz(&out, "}");
    sink(arg, text_str(&out));
    OPENSSL_cleanse(out.ptr, out.len);
    free(out.ptr);
    settings_free(&s);
}

static void gone(void *self, uint64_t target)
{
    handshake_gone(self, target);
}

const struct belfry_endpoints endpoints_role = {
    .struct_size = sizeof(endpoints_role), .check = check, .secret = secret, .show = show, .gone = gone};
