/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses an endpoint may have, as far as the text says it; where it leads is judged when it is called. Any
 * thread. */
#ifndef WEBHOOK_URL_H
#define WEBHOOK_URL_H

#include <belfry/plugin.h>

#define URL_MAX 2048

/* NULL, or what is wrong: a sentence after "url". */
const char *url_fault(struct belfry_str url);
/* The host of an absolute URL, without port. Empty: there is none. */
struct belfry_str url_host(struct belfry_str url);
/* Whether both lead to one server: scheme, host and port (RFC 6454 section 4). 0 when one of them is at fault. */
int url_same_server(struct belfry_str a, struct belfry_str b);
/* "10.0.0.0/8", "fd00::/8" or one address. */
int url_is_range(const char *text);

#endif
