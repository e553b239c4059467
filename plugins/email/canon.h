/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a message DKIM hashes: the "relaxed" canonicalisation of fields and bodies (RFC 6376, 3.4.2 and 3.4.4), which
 * forgives what relays do to white space. Everything goes into a digest that the caller owns. Pure. [any]
 */
#ifndef EMAIL_CANON_H
#define EMAIL_CANON_H

#include <belfry/plugin.h>

#include <openssl/evp.h>

/* Splits at the first empty line. A message without one is all header. Slices of message. */
void canon_split(struct belfry_str message, struct belfry_str *header, struct belfry_str *body);

/* How many fields `name` there are. Case does not matter. */
size_t canon_count(struct belfry_str header, const char *name);
/* The whole of one, with its continuation lines. They count from the bottom up (RFC 6376, 5.4.2), from 0; an empty
 * slice when there are fewer. */
struct belfry_str canon_field(struct belfry_str header, const char *name, size_t nth);

/* 1 or 0, as OpenSSL's EVP_DigestUpdate. A field with its name: "Subject: a\r\n b\r\n" becomes "subject:a b", and CRLF
 * when `ended` (all but the signature's own). */
int canon_add_field(EVP_MD_CTX *digest, struct belfry_str field, int ended);
int canon_add_body(EVP_MD_CTX *digest, struct belfry_str body);

#endif
