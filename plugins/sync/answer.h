/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of the source's routes. All [loop]. */
#ifndef SYNC_ANSWER_H
#define SYNC_ANSWER_H

#include "find.h"

/* api.c */
void sync_api_list(void *self, const struct belfry_http_request *req);
void sync_api_one(void *self, const struct belfry_http_request *req);
/* list_page.c, run_page.c */
void sync_page_list(void *self, const struct belfry_http_request *req);
void sync_page_one(void *self, const struct belfry_http_request *req);

/* The parameter {id} of the route. */
struct belfry_str sync_param_id(const struct belfry_http_request *req);

#endif
