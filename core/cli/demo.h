/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted day that `belfry demo` plays: data only. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

enum {
    DEMO_REFUSED = 1 << 0, /* a conflict is what is meant to come */
    DEMO_LOOK = 1 << 1 /* nothing is sent: says who has been told by now of the step that `data` names by its words */
};

struct demo_step {
    const char *at;     /* "09:00", within one day, in order */
    const char *plugin; /* sent to the first source that uses it; left out when there is none */
    const char *type;
    const char *words; /* what happens, one line */
    /* JSON with ' for ". $id is new in each run, $ann, $bob and $carl are people of the org, $time+36h an instant and
     * $date-3d a day (UTC), counted from when the script is played. */
    const char *data;
    unsigned flags;
};

extern const struct demo_step demo_script[]; /* ends at `at` NULL */

#endif
