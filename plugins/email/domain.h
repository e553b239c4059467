/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipient domains that rest: those that asked for fewer mails, that do not believe us, or that put off one mail after
 * the other. Mail to others is not concerned. Everything is [loop].
 */
#ifndef EMAIL_DOMAIN_H
#define EMAIL_DOMAIN_H

#include "answer.h"

#define DOMAINS_MAX                                                                                                    \
    1000 /* with trouble at the same time; of more the one that was asked for longest ago is forgotten */

struct domains;

struct domains *domains_new(void);
void domains_free(struct domains *domains);

/* 0: a mail may go there now. Otherwise how long, in ms, this one waits: what waits for one domain is spread. *probe: 1
 * when the mail is the first after a pause; its end has to be told to domain_note() with it. */
int64_t domain_wait(struct domains *domains, const char *domain, int64_t now_ms, int *probe);
/* How a mail ended. How long the domain rests from now on when this began a pause, in ms, else 0. */
int64_t domain_note(struct domains *domains, const char *domain, enum answer_domain what, int probe, int64_t now_ms);
/* How many rest, or were not asked again since. */
uint32_t domains_resting(const struct domains *domains);

#endif
