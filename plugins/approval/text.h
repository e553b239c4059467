/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, and a little more, written into scratch memory of a transaction: the same text for the same values. */
#ifndef APPROVAL_TEXT_H
#define APPROVAL_TEXT_H

#include <belfry/plugin.h>

#include <jansson.h>

/* Zeroed but for txn is empty. When the scratch memory ends, `failed` is set and what follows is dropped. [txn] */
struct approval_text {
    struct belfry_txn *txn;
    char *ptr;
    size_t len, cap;
    int failed;
};

void approval_text_add(struct approval_text *text, const char *ptr, size_t len);
void approval_text_addz(struct approval_text *text, const char *z);
void approval_text_addf(struct approval_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a JSON string with quotes. */
void approval_text_str(struct approval_text *text, struct belfry_str s);
/* A whole value. Reals are written as short as they are read back the same. */
void approval_text_json(struct approval_text *text, const json_t *value);
/* What was written; ptr NULL when the memory ended. */
struct belfry_str approval_text_view(const struct approval_text *text);

#define APPROVAL_SPAN_SIZE 32
/* A length of time for people: "45 minutes", "2 days". */
struct belfry_str approval_span(int64_t ms, int german, char out[APPROVAL_SPAN_SIZE]);

int approval_same(struct belfry_str a, struct belfry_str b);
/* Bytewise: negative, 0 or positive. */
int approval_compare(struct belfry_str a, struct belfry_str b);
/* What follows a prefix; ptr NULL when s does not begin with it. */
struct belfry_str approval_after(struct belfry_str s, const char *prefix);

#endif
