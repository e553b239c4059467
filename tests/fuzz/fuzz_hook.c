/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call of a hook, from bytes: lines of headers, an empty line, a body. Whatever they are, nothing counts as signed
 * that no key signed, and what the mapping makes is a batch that the reader of triggers can at least walk through.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "hub/hook.h"
#include "template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADERS_MAX 32

static const struct config_hook_key keys[] = {
    {.bytes = (const unsigned char *)"a key that is in no corpus", .len = 26},
    {.bytes = (const unsigned char *)"\xd4\xa2\x02\x8e\x28\x72\xa4\xca\x92\xa2\x8b\x95\x7d\x1d\x51\xa9"
                                     "\x22\x9a\x27\x80\x09\xea\x9f\x65\x32\x27\x30\xd0\x5b\x3a\x2a\xfe",
     .len = 32,
     .ed25519 = 1},
};

static const struct config_verify schemes[] = {
    {.header = "webhook-signature",
     .prefix = "v1,",
     .public_prefix = "v1a,",
     .separator = ' ',
     .base64 = 1,
     .timestamp_header = "webhook-timestamp",
     .id_header = "webhook-id",
     .head = "{id}.{t}.",
     .tail = "",
     .tolerance_ms = 300000,
     .keys = keys,
     .key_count = 2},
    {.header = "stripe-signature",
     .prefix = "v1=",
     .separator = ',',
     .timestamp_prefix = "t=",
     .head = "{t}.",
     .tail = "!",
     .tolerance_ms = 300000,
     .keys = keys,
     .key_count = 1},
    {.header = "x-hub-signature-256",
     .prefix = "",
     .hash = CONFIG_HOOK_SHA512,
     .head = "",
     .tail = "",
     .keys = keys,
     .key_count = 1},
};

static struct config_hook_trigger trigger;
static struct config_hook hook = {.triggers = &trigger, .trigger_count = 1};

/* {"v": value at item.v or the body, "t": text, "l": [the list again]}, for each item of body.l or for the body. */
static void start(void)
{
    static const struct belfry_str at_v[] = {{"body", 4}, {"v", 1}, {"0", 1}}, at_l[] = {{"body", 4}, {"l", 1}};
    static struct config_hook_value body = {.kind = HOOK_PATH, .path = {at_v, 1}},
                                    v = {.kind = HOOK_PATH, .path = {at_v, 3}, .otherwise = &body},
                                    text = {.kind = HOOK_TEXT};
    static const struct config_hook_member members[] = {{"v", &v}, {"t", &text}};
    static const struct config_hook_value out = {.kind = HOOK_OBJECT, .members = members, .count = 2};
    static struct arena *arena; /* for good */
    arena = arena_new(0);
    text.text = template_compile(arena, STR("{{headers.a}} {{item.t}} {{#body.l}}{{.}}{{/body.l}}"), NULL);
    trigger.type = template_compile(arena, STR("{{body.t}}"), NULL);
    trigger.id = template_compile(arena, STR("{{body.id}}{{index}}"), NULL);
    trigger.time = template_compile(arena, STR("{{body.time}}"), NULL);
    trigger.data = &out;
    hook.each = (struct belfry_strs){at_l, 2};
}

static size_t read_headers(struct belfry_str *rest, struct belfry_attr headers[HEADERS_MAX])
{
    size_t n = 0;
    while (rest->len && n < HEADERS_MAX) {
        struct belfry_str value, line = str_cut(*rest, '\n', rest);
        if (line.len == 0)
            break;
        headers[n].name = str_cut(line, ':', &value);
        headers[n++].value = value;
    }
    return n;
}

static void map(const struct belfry_attr *headers, size_t count, struct belfry_str body, int is_each)
{
    struct hook_call call = {.verify = &schemes[0],
                             .hook = &hook,
                             .headers = headers,
                             .header_count = count,
                             .json = body,
                             .body = body,
                             .max_items = 8,
                             .max_bytes = 4096};
    struct buf out = {0};
    struct error err = {0}, faults[9] = {{0}};
    struct trigger_set set = {0};
    hook.is_each = (uint8_t)is_each;
    if (hook_map(&call, &out, &err) == BELFRY_OK) {
        belfry_status status =
            ce_decode_partial(&set, STR("application/cloudevents-batch+json"), buf_str(&out), 4096, 8, 0, faults, &err);
        if (status != BELFRY_OK && status != BELFRY_ELIMIT)
            abort();
        trigger_set_free(&set);
    } else if (err.count == 0 || out.len) {
        abort();
    }
    for (size_t i = 0; i < 9; i++)
        error_clear(&faults[i]);
    error_clear(&err);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    struct belfry_attr headers[HEADERS_MAX];
    struct belfry_str rest = {(const char *)data, size};
    if (!started++)
        start();
    size_t count = read_headers(&rest, headers);
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (!hook_verify(&schemes[i], headers, count, rest, INT64_C(1700000000000)))
            abort();
    map(headers, count, rest, 0);
    map(headers, count, rest, 1);
    return 0;
}
