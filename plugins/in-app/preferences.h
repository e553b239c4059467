/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the form of preferences and its page. */
#ifndef IN_APP_PREFERENCES_H
#define IN_APP_PREFERENCES_H

#include "in_app.h"

#include <jansson.h>

enum preferences_state {
    PREFERENCES_SHOWN,
    PREFERENCES_SAVED,
    PREFERENCES_TRUSTED,
    PREFERENCES_WRONG, /* faults */
    PREFERENCES_STALE, /* changed elsewhere */
    PREFERENCES_FAILED,
    PREFERENCES_UNAVAILABLE /* nothing of what follows is known */
};

/* What the page shows. */
struct preferences_form {
    enum preferences_state state;
    const struct belfry_preferences *now;
    const json_t *shown;   /* what stands in the fields, as PUT /v1/{org}/preferences takes it */
    struct belfry_str tag; /* of what was on the page that these fields come from */
    const struct belfry_fault *faults;
    size_t fault_count;
};

/* Names of weekdays in JSON, Monday first; ends at NULL. */
extern const char *const preferences_days[];

/* Answers with the page and ends the call. */
void preferences_show(struct call *call, const struct preferences_form *form);

/* In start(): the template and the style. */
belfry_status preferences_init(struct in_app *app, struct belfry_error *err);
/* GET and POST /{org}/preferences */
void page_preferences(void *self, const struct belfry_http_request *req);
void page_preferences_save(void *self, const struct belfry_http_request *req);
/* POST /{org}/preferences/address */
void page_preferences_trust(void *self, const struct belfry_http_request *req);

#endif
