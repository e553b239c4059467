/* SPDX-License-Identifier: Apache-2.0 */
/* The portal at /{org}/endpoints: where integrators see to the endpoints that are theirs. It knows nothing that the API
 * does not say, and does nothing that the API does not do (site.h). */
#ifndef PORTAL_PORTAL_H
#define PORTAL_PORTAL_H

#include "site/site.h"

/* The site; it ends with site_free(). NULL with err when a template, a catalogue or a route is at fault. [loop] */
struct site *portal_new(struct http *http, struct error *err);

#endif
