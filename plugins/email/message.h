/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one mail (RFC 5322): header, plain text and HTML as multipart/alternative, quoted-printable throughout,
 * so that no relay has a reason to change a byte behind the signature. GMime writes them. Pure. [any]
 */
#ifndef EMAIL_MESSAGE_H
#define EMAIL_MESSAGE_H

#include "address.h"

#include <stddef.h>

struct message {
    const struct address *from, *to;
    struct belfry_str to_name, subject;
    struct belfry_str message_id;  /* without angle brackets */
    struct belfry_str thread;      /* the Message-ID that all of a thread refer to, itself never sent; empty: none */
    struct belfry_str list_name;   /* of List-Id, what people read: "Acme: Approvals" */
    struct belfry_str list_id;     /* of List-Id: "approval.hub.example"; empty: no List-Id */
    struct belfry_str unsubscribe; /* https address of RFC 8058; empty: no List-Unsubscribe of any kind (required) */
    struct belfry_str unsubscribe_mail; /* addr-spec for the mailto: variant; empty: none */
    struct belfry_str feedback_id;      /* "approval:single:acme:belfry"; empty: none */
    struct belfry_str language;         /* BCP 47 */
    struct belfry_str text, html;       /* UTF-8, LF; html empty: text alone */
    int64_t date_ms;
};

/*
 * The message in canonical form (CRLF), to be freed with free(). NULL and *fault (static) when something would break a
 * header: a control character, CR or LF in a value (events are clean when they are stored: this is the last look), a
 * line over 998 bytes; the fault is a sentence. Bidi controls in names and the subject are left out. `html` over 90 KB
 * is refused.
 */
char *message_write(const struct message *message, size_t *size, const char **fault);

#endif
