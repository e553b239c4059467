/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preferences from bytes: the body of PUT /v1/{org}/preferences. What is taken is written, and what is written must be
 * read again without a fault and say the same, because it comes back from the database with nobody to complain to.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "base/zone.h"
#include "route/preference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1767225600000)

static void require(int holds)
{
    if (!holds)
        abort();
}

static void check_again(const struct preference *p, struct arena *arena)
{
    struct preference again;
    json_t *first = preference_json(p), *second;
    require(preference_read(first, arena, &again, NULL) == BELFRY_OK);
    require(json_equal(first, second = preference_json(&again)));
    json_decref(second);
    json_decref(first);
}

/* Whatever was chosen has one answer, and what stops mail says until when or why. */
static void check_verdict(const struct preference *p, struct arena *arena)
{
    struct preference_verdict verdict;
    struct belfry_str zone = p->timezone.len ? p->timezone : STR("Europe/Berlin");
    preference_judge(p, NULL, STR("news"), zone, NOW_MS, arena, &verdict);
    require(verdict.why && *verdict.why && preference_how(verdict.how));
    require(verdict.goes == (verdict.how != CONFIG_EMAIL_OFF));
    require(p->pause.len || !preference_paused_until(p, zone));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(0);
    json_t *doc = json_read(str_slice((const char *)data, size), NULL);
    struct preference p;
    if (doc && preference_read(doc, arena, &p, NULL) == BELFRY_OK) {
        check_again(&p, arena);
        check_verdict(&p, arena);
    }
    json_decref(doc);
    arena_free(arena);
    return 0;
}
