/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Abuse protection (CloudEvents HTTP webhook 1.0.2, section 4): an endpoint that asks for it is sent nothing before its
 * receiver has agreed, with WebHook-Allowed-Origin in the answer to an OPTIONS request, whatever its status. [loop]
 *
 * Consent is for a URL, and is asked for again when the instance starts. A receiver that does not agree is asked again
 * later, when something is to be sent to it; in between nothing is.
 */
#ifndef WEBHOOK_HANDSHAKE_H
#define WEBHOOK_HANDSHAKE_H

#include "webhook.h"

/* What was found out for somebody who waits. */
struct consent_news {
    int given;
    const char *detail; /* why not, for people */
    int64_t wait_ms;    /* when it makes sense to come again */
};

/*
 * 1: there is consent, go on. 0: the receiver is asked, or is not to be asked yet; told(arg) comes once, at once or on
 * a later turn, unless handshake_forget(arg) is called before.
 */
int handshake_consent(struct webhook *w, const struct belfry_target *target,
                      void (*told)(void *arg, const struct consent_news *news), void *arg);
void handshake_forget(struct webhook *w, const void *arg);
/* The endpoint is there no more, and its consent neither. */
void handshake_gone(struct webhook *w, uint64_t target);

/* Who asks: the host name of the hub's address, as it stands in WebHook-Request-Origin. Lives as long as the instance.
 */
struct belfry_str handshake_origin(const struct webhook *w);

/* When the instance ends. */
void handshake_free(struct webhook *w);

#endif
