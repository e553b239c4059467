/* SPDX-License-Identifier: Apache-2.0 */
/* From a batch to the bytes of its mail and the addresses of its envelope. [loop] */
#ifndef EMAIL_LETTER_H
#define EMAIL_LETTER_H

#include "email.h"

struct letter {
    char *message; /* to be freed with free() */
    size_t size;
    char from[ADDRESS_MAX + 1]; /* of the envelope */
    char message_id[TOKEN_MESSAGE_ID_SIZE];
    char note[300]; /* what went wrong with a template; empty: nothing */
};

/* 0, or -1 and a fault, a sentence for people. The same batch to the same address gives the same bytes but for the
 * date. */
int letter_write(struct email *e, const struct belfry_batch *batch, const struct address *to, struct letter *out,
                 const char **fault);

#endif
