/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that people add to what is sent to their endpoint, and which values nobody is shown. Pure, any thread. */
#ifndef WEBHOOK_HEADERS_H
#define WEBHOOK_HEADERS_H

#include <belfry/plugin.h>

#define HEADERS_MAX 32
#define HEADER_NAME_MAX 127
#define HEADER_VALUE_MAX 4096
#define HEADER_MASK "***" /* what is shown in the place of a secret value */

/* Names that nobody may add, in whatever case, and what they begin with ("proxy-*"); ends at NULL. */
extern const char *const headers_refused[];
/* NULL, or why a header cannot be added: a sentence after its name. */
const char *header_name_fault(struct belfry_str name);
const char *header_value_fault(struct belfry_str value);
/* By its name the value is a credential: it is neither shown nor kept with an attempt. */
int header_is_secret(struct belfry_str name);

#endif
