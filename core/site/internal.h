/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the site room only. */
#ifndef SITE_INTERNAL_H
#define SITE_INTERNAL_H

#include "site/site.h"

struct site {
    struct http *http;
    struct pages *pages;
    const struct site_plan *plan;
    struct bind *binds; /* what the routes point to */
};

struct page *page_new(const struct site *site, struct http_request *req);

/* Sets model.filters, model.pager from the address, and returns the query of the API, "?..." (list.c). */
const char *list_query(struct page *page);
/* The query alone, as the API takes it, with another place in the list. */
const char *list_query_from(struct page *page, struct belfry_str before);
/* The links to older and newest rows, from the answer's next. */
void list_pager(struct page *page);

/* Whether the list is asked for as a file; answers with it (sheet.c). */
int sheet_wanted(struct page *page);
void sheet_open(struct page *page);

#endif
