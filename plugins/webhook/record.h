/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of an attempt: request and answer as JSON, bounded, without secrets:
 *
 *     {"request": {"method": "POST", "url": "https://a.example/in", "headers": {"webhook-id": "msg_...", ...},
 *                  "body_of": {"before": "", "from": 0, "to": 512, "after": ""}},
 *      "response": {"status": 200, "class": "ok", "headers": {...}, "body": "...", "elapsed_us": 1234}}
 *
 * request.body_of: the bytes that went out are `before`, the bytes from..to of the event's stored payload, and `after`;
 * so a million attempts do not each keep a body that is there already. Who shows an attempt puts the body together.
 * response.class: ok, http_<status>, redirect, dns, refused, reset, tls, timeout, blocked_ip, canceled, url, other.
 * response.error, of those that are no answer: what happened. response.body or, when it is no UTF-8, body_base64: its
 * first 20,000 bytes at most; response.truncated: there was more.
 * Values of headers whose name says that they are credentials are "***", also where the answer repeats them; of the URL
 * user and query are left out. Of long values of headers the beginning is kept.
 */
#ifndef WEBHOOK_RECORD_H
#define WEBHOOK_RECORD_H

#include "compose.h"

struct asked {
    struct belfry_str url;
    const struct belfry_attr *headers;
    size_t header_count;
    size_t own_headers; /* the first so many are the hub's own */
    const struct composed *body;
};

/* New memory, freed with free(); at most 32 KiB. The payload of `body` is not looked at. */
char *record_make(const struct asked *request, const struct belfry_http_answer *answer);
/* "dns", "refused", "http_503", "ok": the class of an answer. out has 32 bytes. */
const char *record_class(const struct belfry_http_answer *answer, char out[32]);

#endif
