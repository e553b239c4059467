/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKFLOW_LINK_H
#define WORKFLOW_LINK_H

#include <belfry/plugin.h>

/* What the hub takes for a link of an event. [any] */
int workflow_is_link(struct belfry_str link);

#endif
