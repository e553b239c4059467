/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/{org}/templates/preview: what a mail would say. Nothing is sent. [loop] */
#ifndef EMAIL_PREVIEW_H
#define EMAIL_PREVIEW_H

#include <belfry/host.h>

#define PREVIEW_BODY_MAX (512 * 1024)

void preview_route(void *self, const struct belfry_http_request *req);

#endif
