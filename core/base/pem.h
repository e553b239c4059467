/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a certificate and a private key, both as PEM, can serve TLS together. */
#ifndef BASE_PEM_H
#define BASE_PEM_H

#include "base/str.h"

enum pem_fault {
    PEM_PAIR,    /* none */
    PEM_NO_CERT, /* no certificate in it */
    PEM_NO_KEY,  /* no private key in it, or one that a passphrase protects */
    PEM_NOT_A_PAIR
};

/* The first certificate counts, as for a server. Keeps nothing. [any] */
enum pem_fault pem_pair(struct belfry_str cert, struct belfry_str key);

#endif
