/* SPDX-License-Identifier: Apache-2.0 */
/* What the page says above the list: how far a refresh is, what the last form did, what of the address was left out. */
#ifndef IN_APP_BANNERS_H
#define IN_APP_BANNERS_H

#include "view.h"

/* A list of {text, warn, kind, undo, job: {progress, again}}. */
json_t *banners_model(const struct call *call);

#endif
