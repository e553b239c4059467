/* SPDX-License-Identifier: Apache-2.0 */
/* What a server's answer to one mail means: for the mail, its recipient, their domain, and the server. Pure. [any] */
#ifndef EMAIL_ANSWER_H
#define EMAIL_ANSWER_H

#include <belfry/host.h>

enum answer_server {
    SERVER_UNKNOWN,       /* says nothing of it */
    SERVER_WORKS,         /* it talked about the mail */
    SERVER_SUSPECT,       /* it fell silent in the middle of the mail: its fault or the mail's */
    SERVER_DOWN,          /* no mail can be given to it now */
    SERVER_MISCONFIGURED, /* TLS or AUTH: until somebody changes something, here or there */
};

enum answer_domain {
    DOMAIN_UNKNOWN,
    DOMAIN_WORKS,     /* it took a mail, or refused one for good */
    DOMAIN_TRANSIENT, /* a mail was put off */
    DOMAIN_SLOW,      /* it asks for fewer mails (4.2.1, 4.7.28) */
    DOMAIN_POLICY,    /* it does not trust us: SPF, DKIM, DMARC, reverse DNS, reputation */
};

struct answer {
    uint32_t outcome; /* BELFRY_DELIVERED, RETRY, UNAVAILABLE, REJECTED or UNKNOWN */
    uint32_t report;  /* what it says of the address: BELFRY_ADDRESS_BOUNCED or SOFT; 0: nothing */
    enum answer_server server;
    enum answer_domain domain;
    int elsewhere; /* 1: nothing was handed over, and it is not about the mail: another server may be asked */
};

/* RFC 5321 codes, RFC 3463 enhanced ones before them where they say more. */
struct answer answer_judge(const struct belfry_smtp_answer *answer);

#endif
