/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound HTTP over libcurl's multi interface, polled by libuv. Guarded against requests to private addresses: the
 * address is judged when the socket is opened and again before each request, re-used connections included. No
 * redirects, no proxy from the environment, http and https only, TLS 1.2 or newer, verified.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/arena.h"
#include "base/status.h"

#include <belfry/host.h>
#include <uv.h>

struct client;

/* kept: connections of HTTP that stay open for re-use, those in use included (0: 2,048, or a quarter of the descriptors
 * that the process may have). One host may have all; twice as many can be open while hosts that were busy before give
 * theirs back. At most 32 TLS handshakes at once. SSL_CERT_FILE of the environment names certificates
 * that HTTP trusts in place of the system's. [loop] */
struct client *client_new(uv_loop_t *loop, long kept, struct error *err);
/* Cancels what is under way (done is called with CANCELED); further calls are ECLOSED. [loop] */
void client_stop(struct client *client);
/* client_stop, and the end of it. [loop] */
void client_free(struct client *client);
/* Copies what it needs of the call (the body too). done once, on a later turn; *id for cancel. The call's time runs
 * from now on, also while it waits for its turn to shake hands: what did not begin in it never does. EINVAL with err
 * for a bad URL, header name or value (CR, LF, NUL), and for headers that are the client's own (Host, Content-Length
 * and so on). [loop] */
belfry_status client_request(struct client *client, const struct belfry_http_call *call,
                             void (*done)(void *arg, const struct belfry_http_answer *answer), void *arg, uint64_t *id,
                             struct error *err);
void client_cancel(struct client *client, uint64_t id);

/* --- the guard (pure, tested by itself) --------------------------------------------------------------------------- */

struct client_cidrs;
/* Parses "10.0.0.0/8", "::1/128". NULL with err naming the faulty one. */
struct client_cidrs *client_cidrs_new(const char *const *list, struct error *err);
void client_cidrs_free(struct client_cidrs *cidrs);
/* 1 when the address (text) lies in the range (text, a single address too); 0 also when either cannot be read. */
int client_cidr_has(const char *cidr, const char *address);
/* 1 when the address may be connected to: public, or in `allow` (may be NULL). v4-mapped and NAT64 addresses are judged
 * by the IPv4 address inside. family AF_INET or AF_INET6, address in network order (4 or 16 bytes). */
int client_address_allowed(int family, const void *address, const struct client_cidrs *allow);
/* 1 when the host of the URL is the number of an address, in any spelling that libcurl reads (127.1, 0x7f000001), and
 * that may not be connected to. 0 for names, and for what is no URL. allow: texts, ends at NULL; may be NULL. */
int client_url_refused(const char *url, const char *const *allow);

#endif
