/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a file that is not whole, nobody can say which values an option table would call secret. So what stands on a line
 * behind a key that sounds like one is shown in no diagnostic, whatever it turns out to be.
 */
#include "yaml/loader.h"

#include <ctype.h>

/* A stretch of one line. */
struct piece {
    const struct loader *l;
    uint32_t at, end;
};

static char char_at(const struct piece *p, uint32_t at)
{
    return at < p->end ? p->l->source.text[at] : '\n';
}

/* The key that ends before a colon, without its quotes. */
static struct belfry_str key_before(const struct piece *p, uint32_t begin, uint32_t colon)
{
    const char *text = p->l->source.text;
    while (colon > begin && strchr(" \t\"'", text[colon - 1]))
        colon--;
    uint32_t from = colon;
    while (from > begin && !strchr(" \t{[,\"'", text[from - 1]))
        from--;
    return str_slice(text + from, colon - from);
}

static int sounds_secret(struct belfry_str key)
{
    static const char *const words[] = {"secret", "pass", "token", "key", "credential", "hs256"};
    char text[64];
    size_t len = key.len < sizeof(text) ? key.len : sizeof(text) - 1;
    if (len > 0)
        memcpy(text, key.ptr, len);
    text[len] = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasestr(text, words[i]))
            return 1;
    return 0;
}

static uint32_t quoted_end(const struct piece *p, uint32_t at)
{
    char quote = char_at(p, at);
    for (at++; at < p->end && char_at(p, at) != quote; at++)
        if (quote == '"' && char_at(p, at) == '\\')
            at++;
    return at < p->end ? at + 1 : p->end;
}

static int is_end(const struct piece *p, uint32_t at, int list)
{
    if (char_at(p, at) == '#' && at > 0 && isblank((unsigned char)char_at(p, at - 1)))
        return 1;
    return strchr(list ? "]" : ",}]", char_at(p, at)) != NULL;
}

/* A quoted text to its other quote, a list of texts to its bracket, all else to what could end it in brackets. */
static uint32_t value_end(const struct piece *p, uint32_t at)
{
    int list = char_at(p, at) == '[';
    while (at < p->end && !is_end(p, at, list))
        at = strchr("\"'", char_at(p, at)) ? quoted_end(p, at) : at + 1;
    while (at > 0 && at <= p->end && isblank((unsigned char)char_at(p, at - 1)))
        at--;
    return at;
}

/* ${env:X} says where a secret is, and no more, unless it brings a fallback along. */
static int is_reference(const struct piece *p, uint32_t at, uint32_t end)
{
    struct belfry_str text = str_slice(p->l->source.text + at, end - at);
    if (text.len > 0 && strchr("\"'", text.ptr[0]))
        text = str_slice(text.ptr + 1, text.len - 1);
    return str_has_prefix(text, STR("${")) && !memmem(text.ptr, text.len, ":-", 2);
}

/* Maps, and lists of maps, hold keys of their own. */
static int holds_more(const struct piece *p, uint32_t at)
{
    if (char_at(p, at) == '[')
        for (at++; isblank((unsigned char)char_at(p, at));)
            at++;
    return strchr("{\n#&*|>", char_at(p, at)) != NULL;
}

static void hide_line(struct loader *l, struct piece *p)
{
    uint32_t begin = p->at;
    for (; p->at < p->end; p->at++) {
        if (char_at(p, p->at) != ':' || !isspace((unsigned char)char_at(p, p->at + 1)))
            continue;
        uint32_t value = p->at + 1;
        while (isblank((unsigned char)char_at(p, value)))
            value++;
        if (!sounds_secret(key_before(p, begin, p->at)) || holds_more(p, value))
            continue;
        uint32_t end = value_end(p, value);
        if (end > value && !is_reference(p, value, end))
            diag_redact(l->diags, load_span(l, value, end));
        p->at = end > value ? end - 1 : value;
    }
}

void hide_secrets(struct loader *l)
{
    const struct positions *lines = l->source.positions;
    for (size_t i = 0; i < lines->line_count; i++) {
        uint32_t end = i + 1 < lines->line_count ? lines->line_begin[i + 1] - 1 : (uint32_t)l->source.original.len;
        struct piece line = {l, lines->line_begin[i], end};
        if (!(l->source.flags[i] & LINE_EMPTY))
            hide_line(l, &line);
    }
}
