# SPDX-License-Identifier: Apache-2.0
"""Lists for admins are read page by page to their end, and take no value that they would have to pass over."""
import pytest

from support import people
from support.config import base, endpoint, with_hooks
from support.events import case
from support.wait import until

READER = people.token("reader")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    config = with_hooks(base(), endpoint("nobody", "http://127.0.0.1:1/"))
    hub = Hub(tmp_path_factory.mktemp("lists"), config, clock=True)  # which stands: after the first try nothing moves
    try:
        hub.start()
        hub.send([case("ann", name=f"n{i}") for i in range(6)])
        until(lambda: {delivery["state"] for delivery in hub.deliveries()} == {"retrying"})
        yield hub
    finally:
        hub.show_log()
        hub.close()


def pages(hub, path, limit):
    """The ids page by page; the last says that it is."""
    got, before = [], ""
    while True:
        page = hub.get(f"{path}?limit={limit}{before}", READER).json()
        got.append([item["id"] for item in page["items"]])
        if page["next"] is None:
            return got
        assert len(got) < 10 and page["items"], "a page is never empty when one was announced"
        before = f"&before={page['next']}"


@pytest.mark.parametrize("path", ["/v1/acme/events", "/v1/acme/deliveries"])
def test_pages(hub, path):
    whole = pages(hub, path, 200)
    assert len(whole) == 1 and len(whole[0]) == len(set(whole[0])) == 6
    assert [len(page) for page in pages(hub, path, 3)] == [3, 3]
    assert [len(page) for page in pages(hub, path, 4)] == [4, 2]
    assert [len(page) for page in pages(hub, path, 6)] == [6]
    assert sum(pages(hub, path, 1), []) == whole[0] == sorted(whole[0], reverse=True)


@pytest.mark.parametrize("path", ["/v1/acme/events", "/v1/acme/deliveries"])
@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=", "limit=%ff", "before=x", "before=%ff",
                                   "before=", "before=00000000-0000-7000-8000-000000000000"])
def test_a_bad_window_is_refused(hub, path, query):
    answer = hub.get(f"{path}?{query}", READER)
    assert answer.status_code == 400 and query.split("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize("path,name", [("events", "source"), ("events", "type"), ("events", "subject"),
                                       ("deliveries", "channel"), ("deliveries", "state")])
def test_a_filter_is_never_passed_over(hub, path, name):
    for bad in ["%ff", "%c3", "%00"]:
        answer = hub.get(f"/v1/acme/{path}?{name}={bad}", READER)
        assert answer.status_code == 400 and name in answer.json()["detail"]
    if name != "state":
        assert hub.get(f"/v1/acme/{path}?{name}=unknown", READER).json() == {"items": [], "next": None}


def test_a_delivery_of_another_org_is_none(hub):
    delivery = hub.deliveries()[0]
    for verb in ["retry", "cancel"]:
        assert hub.post(f"/v1/globex/deliveries/{delivery['id']}/{verb}", people.token("other")).status_code == 404
    assert hub.deliveries()[0] == delivery
    assert hub.post(f"/v1/acme/deliveries/{delivery['id']}/cancel", people.token("admin")).status_code == 200
    assert hub.deliveries()[0]["state"] == "cancelled"
