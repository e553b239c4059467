/* SPDX-License-Identifier: Apache-2.0 */
/* The role belfry.endpoints/1: what people say of an endpoint over the API. [loop] */
#ifndef WEBHOOK_ENDPOINTS_H
#define WEBHOOK_ENDPOINTS_H

#include "webhook.h"

extern const struct belfry_endpoints endpoints_role;

#endif
