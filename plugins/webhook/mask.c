/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receivers under development answer with what they got: echo servers, pages of errors with the headers of the request.
 * What is masked in the request must not stand in the answer beside it, and the signature lets whoever reads it repeat
 * the call for five minutes. Who runs a receiver has the credentials anyway, and can answer with them in disguise; this
 * is for those who do not mean to.
 */
#include "mask.h"

#include "headers.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 6      /* bytes; what is shorter stands in any text */
#define WORD_LEAST 8 /* of a word, so that a scheme such as Bearer can be read in what the receiver complains of */
#define WORDS_MAX 32 /* of a header's value: a scheme and its credential, cookies, the signatures of some keys */

/* How many bytes of the text at its beginning are the secret; 0: it does not begin with it. In JSON a character may
 * have a backslash before it. */
static size_t echoed(const char *text, size_t len, struct belfry_str secret)
{
    size_t at = 0;
    if (secret.len <= len && memcmp(text, secret.ptr, secret.len) == 0)
        return secret.len;
    for (size_t i = 0; i < secret.len; i++) {
        if (at + 1 < len && text[at] == '\\' && text[at + 1] == secret.ptr[i])
            at++;
        if (at == len || text[at] != secret.ptr[i])
            return 0;
        at++;
    }
    return at;
}

/* In place: a mask is shorter than what it stands for. Returns how long the text is then. */
static size_t mask(char *text, size_t len, struct belfry_str secret)
{
    const size_t mask_len = strlen(HEADER_MASK);
    size_t kept = 0, from = 0;
    if (secret.len < LEAST)
        return len;
    for (const char *found; from < len && (found = memchr(text + from, secret.ptr[0], len - from));) {
        size_t before = (size_t)(found - text) - from, used = echoed(found, len - from - before, secret);
        memmove(text + kept, text + from, before + !used);
        kept += before + !used;
        from += before + (used ? used : 1);
        if (!used)
            continue;
        memcpy(text + kept, HEADER_MASK, mask_len);
        kept += mask_len;
    }
    memmove(text + kept, text + from, len - from);
    return kept + (len - from);
}

static size_t mask_words(char *text, size_t len, struct belfry_str value)
{
    size_t from = 0;
    for (int words = 0; from < value.len && words < WORDS_MAX; words++) {
        size_t word = 0;
        while (from + word < value.len && !strchr(" \t,;=\"", value.ptr[from + word]))
            word++;
        if (word >= WORD_LEAST)
            len = mask(text, len, (struct belfry_str){value.ptr + from, word});
        from += word + 1;
    }
    return len;
}

char *mask_new(const struct asked *request, struct belfry_str text, size_t *len)
{
    const char *query = request->url.len ? memchr(request->url.ptr, '?', request->url.len) : NULL;
    char *out = malloc(text.len + 1);
    if (!out)
        abort();
    if (text.len)
        memcpy(out, text.ptr, text.len);
    *len = text.len;
    for (size_t i = 0; *len && i < request->header_count; i++) {
        if (!header_is_secret(request->headers[i].name))
            continue;
        *len = mask(out, *len, request->headers[i].value);
        *len = mask_words(out, *len, request->headers[i].value);
    }
    if (query && *len) {
        query++;
        *len = mask(out, *len, (struct belfry_str){query, (size_t)(request->url.ptr + request->url.len - query)});
    }
    return out;
}
