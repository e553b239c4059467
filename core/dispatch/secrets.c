/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sealed in the row of an endpoint: its secrets with the time until which each signs, newest first, as
 * "UNTIL LENGTH BYTES LF" each; and its settings. Each is bound to the endpoint's name and to what it is, so that none
 * can be laid in the place of another.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

static struct belfry_str context_of(struct belfry_str name, int settings, struct buf *buf)
{
    buf_clear(buf);
    buf_adds(buf, name);
    if (settings)
        buf_addz(buf, " settings");
    return buf_str(buf);
}

static void buf_wipe(struct buf *buf)
{
    if (buf->ptr)
        mem_wipe(buf->ptr, buf->len);
    buf_free(buf);
}

static struct belfry_str seal_text(const struct dispatch *d, struct belfry_str plain, struct belfry_str name,
                                   int settings, struct arena *arena)
{
    struct buf context = {0}, out = {0};
    seal(d->seal_key, plain, context_of(name, settings, &context), &out);
    struct belfry_str sealed = arena_str(arena, buf_str(&out));
    buf_free(&context);
    buf_free(&out);
    return sealed;
}

/* Into out, which the caller wipes. */
static belfry_status open_text(const struct dispatch *d, struct belfry_str sealed, struct belfry_str name, int settings,
                               struct buf *out)
{
    struct buf context = {0};
    belfry_status status = unseal(d->seal_key, sealed, context_of(name, settings, &context), out);
    buf_free(&context);
    return status;
}

struct belfry_str settings_seal(const struct dispatch *d, struct belfry_str plain, struct belfry_str name,
                                struct arena *arena)
{
    return seal_text(d, plain, name, 1, arena);
}

belfry_status settings_open(const struct dispatch *d, struct belfry_str sealed, struct belfry_str name, struct buf *out)
{
    return open_text(d, sealed, name, 1, out);
}

struct belfry_str secrets_seal(const struct dispatch *d, const struct secrets *secrets, struct belfry_str name,
                               struct arena *arena)
{
    struct buf out = {0};
    size_t most = secrets->count < SECRETS_MAX ? secrets->count : SECRETS_MAX;
    for (size_t i = 0; i < most; i++) {
        buf_addf(&out, "%lld %zu ", (long long)secrets->items[i].until_ms, secrets->items[i].text.len);
        buf_adds(&out, secrets->items[i].text);
        buf_addc(&out, '\n');
    }
    struct belfry_str sealed = seal_text(d, buf_str(&out), name, 0, arena);
    buf_wipe(&out);
    return sealed;
}

/* Up to and with the character; 0: there is no such number. */
static int take_number(struct belfry_str *text, char end, int64_t *out)
{
    const char *at = text->len ? memchr(text->ptr, end, text->len) : NULL;
    size_t len = at ? (size_t)(at - text->ptr) : 0;
    if (!at || str_to_i64(str_slice(text->ptr, len), out) != 0 || *out < 0)
        return 0;
    *text = str_slice(text->ptr + len + 1, text->len - len - 1);
    return 1;
}

static void read_secrets(struct belfry_str text, struct secrets *out)
{
    int64_t until, len;
    out->count = 0;
    while (out->count < SECRETS_MAX && take_number(&text, ' ', &until) && take_number(&text, ' ', &len) &&
           (uint64_t)len < text.len) {
        out->items[out->count++] =
            (struct belfry_target_secret){.text = str_slice(text.ptr, (size_t)len), .until_ms = until};
        text = str_slice(text.ptr + len + 1, text.len - (size_t)len - 1);
    }
}

belfry_status secrets_open(const struct dispatch *d, struct belfry_str sealed, struct belfry_str name,
                           struct secrets *out)
{
    *out = (struct secrets){0};
    if (!sealed.len)
        return BELFRY_OK; /* it signs with nothing */
    belfry_status status = open_text(d, sealed, name, 0, &out->plain);
    if (status == BELFRY_OK)
        read_secrets(buf_str(&out->plain), out);
    return status;
}

void secrets_push(struct secrets *secrets, struct belfry_str newest, int64_t until_ms, int64_t now_ms)
{
    size_t kept = 1;
    struct belfry_target_secret items[SECRETS_MAX] = {{.text = newest}};
    for (size_t i = 0; i < secrets->count && kept < SECRETS_MAX; i++) {
        struct belfry_target_secret old = secrets->items[i];
        if (!old.until_ms || old.until_ms > until_ms)
            old.until_ms = until_ms;
        if (old.until_ms > now_ms)
            items[kept++] = old;
    }
    memcpy(secrets->items, items, kept * sizeof(*items));
    secrets->count = kept;
}

void secrets_wipe(struct secrets *secrets)
{
    buf_wipe(&secrets->plain);
    secrets->count = 0;
}
