/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail addresses: `Acme <notify@acme.example>` in the configuration, addr-specs (RFC 5322, 3.4.1) of recipients. A
 * domain is kept as A-labels (RFC 5890), so that what is written into commands and headers is ASCII. Pure. [any]
 */
#ifndef EMAIL_ADDRESS_H
#define EMAIL_ADDRESS_H

#include <belfry/plugin.h>

#define ADDRESS_MAX 254      /* RFC 5321, 4.5.3.1.3 */
#define ADDRESS_LOCAL_MAX 64 /* RFC 5321, 4.5.3.1.1 */
#define ADDRESS_NAME_MAX 300

struct address {
    char spec[ADDRESS_MAX + 1];          /* local@domain, domain in A-labels and lower case */
    char domain[ADDRESS_MAX + 1];        /* of spec */
    char name[4 * ADDRESS_NAME_MAX + 1]; /* UTF-8, empty: none */
};

/*
 * An addr-spec: a dot-atom before the last @ (no quoted local part, no comment), a domain name behind it. Local parts
 * outside of ASCII are refused: they need SMTPUTF8 (RFC 6531) all the way. 0 and *fault, a static text that follows
 * "the address ", when it is none.
 */
int address_read(struct belfry_str text, struct address *out, const char **fault);
/* The same with a display name before it: NAME <SPEC>, "NAME" <SPEC>, or SPEC alone. */
int address_read_named(struct belfry_str text, struct address *out, const char **fault);

#endif
