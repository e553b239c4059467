/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for: the filter grammar that the API, the page and its forms share. */
#ifndef IN_APP_QUERY_H
#define IN_APP_QUERY_H

#include "text.h"

#define QUERY_NAMES_MAX 50
#define QUERY_TEXT_MAX 300
#define QUERY_LIMIT_MAX 200

struct query {
    struct belfry_str q, before;
    struct belfry_str severity[5], category[QUERY_NAMES_MAX], source[QUERY_NAMES_MAX];
    size_t severity_count, category_count, source_count;
    int hidden, unread;
    uint32_t limit;
};

/* belfry.http-route/1's query or form. */
typedef belfry_status (*query_get)(const struct belfry_http_request *req, const char *name, uint32_t index,
                                   struct belfry_str *out);

/*
 * Reads the filter. NULL, or the name of the parameter whose value is bad, with what is wrong in *why; what is bad is
 * left out. Strings live as long as the request. An empty q or before counts as absent, since forms send it. Severities
 * are put in the order of their gravity, names in that of their bytes.
 */
const char *query_read(struct query *query, const struct belfry_http_request *req, query_get get, uint32_t limit,
                       const char **why);
/* Borrows from the query. */
void query_filter(const struct query *query, struct belfry_inbox_filter *out);
/* 1 when the parts that choose rows are all as they are by default. */
int query_is_plain(const struct query *query);
/* 1 when a raw query has nothing but what a form of filters sends, so that query_write() says the same. */
int query_is_form(struct belfry_str raw);
/* 1 when something else than text is chosen. */
int query_is_picked(const struct query *query);
/* One of the five severities. */
int query_is_severity(struct belfry_str name);
/* "severity=error&status=hidden", defaults left out, in one order; begins with `first` ('?' or '&') when there is any.
 * With before when with_place. */
void query_write(const struct query *query, int with_place, char first, struct text *out);
/* The first name in a raw query that is none of the list's and none of `more`, which ends at NULL; empty: there is
 * none. */
struct belfry_str query_stranger(struct belfry_str raw, const char *const *more);
/* What query_write() writes, one by one. */
void query_each(const struct query *query, int with_place,
                void (*fn)(void *arg, const char *name, struct belfry_str value), void *arg);

#endif
