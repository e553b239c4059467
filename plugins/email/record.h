/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of an attempt, for people: without content, credentials and the recipient's address. Pure. [loop] */
#ifndef EMAIL_RECORD_H
#define EMAIL_RECORD_H

#include <belfry/host.h>

#define RECORD_DETAIL_SIZE 1200

struct record_facts {
    const char *server; /* host and port; NULL: none was asked */
    const char *from, *message_id, *note;
    uint32_t servers_asked; /* within this attempt */
};

/* One line: "mail.example.org:25 said 550 5.1.1 no such user (envelope)", "...: connection refused (connect)". */
void record_detail(const struct record_facts *facts, const struct belfry_smtp_answer *answer,
                   char out[RECORD_DETAIL_SIZE]);
/* JSON, to be freed with free(); NULL without memory. */
char *record_make(const struct record_facts *facts, const struct belfry_smtp_answer *answer);
/* "content" */
const char *record_stage(uint32_t stage);

#endif
