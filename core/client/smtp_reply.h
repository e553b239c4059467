/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of an SMTP server (RFC 5321 section 4.2), read piece by piece in bounded memory. Pure, no allocation; tested
 * by itself.
 */
#ifndef CLIENT_SMTP_REPLY_H
#define CLIENT_SMTP_REPLY_H

#include <stddef.h>

#define SMTP_LINE_MAX 512 /* of a line this much is kept; servers may say more (section 4.5.3.1.5), it is dropped */
#define SMTP_TEXT_MAX 500
#define SMTP_REPLY_MAX (64 * 1024) /* who says more in one reply never stops */

/* Zeroed is: nothing was said. What is in it stays until the next reply begins. */
struct smtp_reply {
    int code;                     /* 200 to 599 once it is whole; 0: none */
    char enhanced[12];            /* RFC 3463, of the same class as the code; "" when it has none */
    char text[SMTP_TEXT_MAX + 1]; /* printable ASCII, other bytes are `?`; lines joined by a blank */
    char line[SMTP_LINE_MAX + 1]; /* the latest line, without its end */
    size_t text_len, line_len, heard;
    int whole, in_line;
};

enum smtp_read {
    SMTP_READ_MORE, /* all was taken, the line has no end yet */
    SMTP_READ_LINE, /* a line is in `line`, others follow */
    SMTP_READ_WHOLE,
    SMTP_READ_NONSENSE /* this is no reply: nothing that follows can be trusted */
};

/* Takes bytes up to the end of one line; *used: how many. */
enum smtp_read smtp_reply_read(struct smtp_reply *reply, const char *data, size_t len, size_t *used);

#endif
