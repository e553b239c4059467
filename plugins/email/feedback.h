/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about a mail that came back: the role "belfry.feedback/1". [loop] */
#ifndef EMAIL_FEEDBACK_H
#define EMAIL_FEEDBACK_H

#include "email.h"

/* Once, in start(). */
void feedback_start(void);
extern const struct belfry_feedback feedback_role;

#endif
