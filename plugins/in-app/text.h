/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text, and writers that escape for where the text goes. */
#ifndef IN_APP_TEXT_H
#define IN_APP_TEXT_H

#include <belfry/host.h>
#include <string.h>

struct text {
    char *ptr;
    size_t len, cap;
};

void text_add(struct text *t, const char *bytes, size_t len);
void text_z(struct text *t, const char *z);
void text_str(struct text *t, struct belfry_str s);
void text_num(struct text *t, int64_t value);
/* A JSON string with quotes (RFC 8259 section 7). */
void text_json(struct text *t, struct belfry_str s);
/* The same, or null when it is empty. */
void text_json_opt(struct text *t, struct belfry_str s);
/* RFC 3339 in UTC with milliseconds. */
void text_time(struct text *t, int64_t ms);
/* With quotes, or null for 0. */
void text_json_time(struct text *t, int64_t ms);
/* For HTML text and quoted attributes. */
void text_html(struct text *t, struct belfry_str s);
/* Percent-encoded for a query value (RFC 3986 section 2.3: unreserved characters stay). */
void text_url(struct text *t, struct belfry_str s);
/* A link for a Location header: bytes above ASCII and controls percent-encoded, the rest as it is. */
void text_location(struct text *t, struct belfry_str s);
struct belfry_str text_view(const struct text *t);
void text_free(struct text *t);

#endif
