/* SPDX-License-Identifier: Apache-2.0 */
/* The source of parcels.c on the fake host: its button, its list, and what a Refresh brings in. */
#include <belfry/test.h>

#include <assert.h>
#include <string.h>

#define PARCEL(id, who) "{\"id\":\"" id "\",\"for\":\"" who "\",\"from\":\"Northwind\"}"
#define DONE "refreshed: 0 added, 0 invalidated, OK"
#define TOLD(who) "parcel.waiting -> " who ": A parcel of Northwind waits at the desk"

static const struct belfry_test_call list = {.path = "/v1/acme/sources/parcels/parcels"};

int main(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, "list: 'https://desk.example.org/list'");
    belfry_test_expect_error(t, "");

    belfry_test_send(t, "parcel.arrived", PARCEL("7", "ann"));
    belfry_test_send(t, "parcel.arrived", PARCEL("8", "bob"));
    belfry_test_expect(t, TOLD("ann") "\n" TOLD("bob"));

    assert(strcmp(belfry_test_call(t, &list)->body, "{\"items\":[" PARCEL("7", "ann") "," PARCEL("8", "bob") "]}") ==
           0);
    belfry_test_as(t, "person:ann");
    assert(strcmp(belfry_test_call(t, &list)->body, "{\"items\":[" PARCEL("7", "ann") "]}") == 0);

    belfry_test_act(t, "ann", "parcel/ann/7", "fetched", NULL);
    belfry_test_expect(t, "handled parcel/ann/7 by ann");
    assert(strcmp(belfry_test_call(t, &list)->body, "{\"items\":[]}") == 0);
    belfry_test_as(t, "token:desk");
    belfry_test_send(t, "parcel.fetched", "{\"id\":\"7\",\"for\":\"ann\",\"by\":\"ann\"}");
    belfry_test_expect_error(t, "no such parcel waits");

    /* two lines, of which one is refused, so that somebody reads the log; again: nothing that is new */
    struct belfry_test_answer answer = {.status = 200, .body = "41 " PARCEL("41", "ann") "\n42 {\"id\":\"42\"}\n"};
    belfry_test_answer(t, &answer);
    belfry_test_refresh(t);
    belfry_test_expect(t, TOLD("ann") "\n" DONE);
    assert(strstr(belfry_test_logs(t), "a parcel of the list was refused"));
    belfry_test_answer(t, &answer);
    belfry_test_refresh(t);
    belfry_test_expect(t, DONE);
    belfry_test_free(t); /* fails when the job was not ended */
    return 0;
}
