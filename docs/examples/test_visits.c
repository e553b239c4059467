/* SPDX-License-Identifier: Apache-2.0 */
/* The source of visits.c on the fake host: actions run as the person who clicks. */
#include <belfry/test.h>

#define DORA "{\"id\":\"V-1\",\"name\":\"Dora Diaz\",\"host\":\"ann\"}"

int main(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, "");
    belfry_test_expect_error(t, "");

    belfry_test_user(t, "bob", "reception");
    belfry_test_send(t, "visit.announced", DORA);
    belfry_test_expect(t, "visit.waiting -> ann, bob: Dora Diaz is at the gate");

    belfry_test_act(t, "ann", "V-1", "decline", "I am on the train");
    belfry_test_expect(t, "handled V-1 by ann");
    belfry_test_expect_inbox(t, "bob", "");

    belfry_test_send(t, "visit.admitted", "{\"id\":\"V-1\",\"by\":\"bob\"}");
    belfry_test_expect_error(t, "the visitor does not wait any more\n"
                                "handled_at = 2026-01-05T09:00:00Z\n"
                                "handled_by = ann");
    belfry_test_send(t, "visit.admitted", "{\"id\":\"V-2\",\"by\":\"bob\"}");
    belfry_test_expect_error(t, "no such visitor was announced");
    belfry_test_send(t, "visit.declined", "{}");
    belfry_test_expect_error(t, "/data/id: is required\n"
                                "/data/by: is required");
    belfry_test_free(t);
    return 0;
}
