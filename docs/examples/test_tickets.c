/* SPDX-License-Identifier: Apache-2.0 */
/* The source of tickets.c on the fake host. An expectation that is not met prints what differs and aborts. */
#include <belfry/test.h>

#define OPENED "{\"id\":\"T-1\",\"title\":\"Printer is on fire\",\"assignee\":\"ann\",\"by\":\"bob\"}"

int main(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, "remind_after: 2d");
    belfry_test_expect_error(t, "");

    belfry_test_send(t, "ticket.opened", OPENED);
    belfry_test_expect(t, "ticket.assigned -> ann: Printer is on fire\n"
                          "timer T-1 in 2d");

    belfry_test_advance(t, "2d");
    belfry_test_expect(t, "ticket.reminder -> ann: Still open: Printer is on fire");
    belfry_test_expect_inbox(t, "ann", "ticket.reminder: Still open: Printer is on fire");

    belfry_test_send(t, "ticket.closed", "{\"id\":\"T-1\",\"by\":\"ann\"}");
    belfry_test_expect(t, "handled T-1 by ann");
    belfry_test_expect_inbox(t, "ann", "");

    belfry_test_send(t, "ticket.closed", "{\"id\":\"T-1\",\"by\":\"bob\"}");
    belfry_test_expect_error(t, "the ticket is not open\nhandled_by = bob");

    belfry_test_send(t, "ticket.opened", "{\"id\":7}");
    belfry_test_expect_error(t, "/data/id: must be a string, not an integer\n"
                                "/data/title: is required\n"
                                "/data/assignee: is required\n"
                                "/data/by: is required");
    belfry_test_free(t);
    return 0;
}
