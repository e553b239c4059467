/* SPDX-License-Identifier: Apache-2.0 */
/* The console at /{org}/admin: what administrators look at when somebody asks why. It knows nothing that the API does
 * not say (site.h). */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "site/site.h"

/* The site; it ends with site_free(). NULL with err when a template, a catalogue or a route is at fault. [loop] */
struct site *console_new(struct http *http, struct error *err);

#endif
