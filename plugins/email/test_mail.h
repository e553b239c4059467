/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/{org}/channels/{name}/test: a mail that says whether mail works, and what the server said. [loop] */
#ifndef EMAIL_TEST_MAIL_H
#define EMAIL_TEST_MAIL_H

#include "email.h"

struct test_limits;
struct test_limits *test_limits_new(void);
void test_limits_free(struct test_limits *limits);

void test_mail_route(void *self, const struct belfry_http_request *req);

#endif
