# SPDX-License-Identifier: Apache-2.0
"""Rules of the plugin ABI that can only be broken while a plugin runs: the call has no effect and is counted."""
import socket
import sqlite3

import pytest

from support import people
from support.config import base, with_source
from support.events import case
from support.wait import until

IGNORED = "belfry_plugin_calls_ignored_total"


@pytest.fixture
def hub(new_hub):
    return new_hub(with_source(base(), "manners", plugin="manners_source")).start()


def trigger(hub, kind, event_id=None, **data):
    event = {"specversion": "1.0", "id": event_id or kind, "source": "/test", "type": f"manners.{kind}", "data": data}
    answer = hub.post_trigger(event, source="manners")
    assert answer.status_code == 202, answer.text


def ignored(hub):
    """{(call, rule): count} of the instance; a stale txn does not tell whose it was."""
    found = {}
    for line in hub.get("/metrics").text.splitlines():
        if line.startswith(IGNORED + "{"):
            labels = dict(part.split("=") for part in line[len(IGNORED) + 1:line.index("}")].split(","))
            assert labels["instance"] in ('"manners"', '""')
            found[labels["call"].strip('"'), labels["rule"].strip('"')] = float(line.rsplit(" ", 1)[1])
    return found


def listing(hub, **query):
    answer = hub.get("/v1/acme/manners/manners", people.token("reader"), params=query)
    return answer.text.split() if answer.status_code == 200 else answer.status_code


def test_ids_that_are_over_are_counted_and_do_nothing(hub):
    trigger(hub, "stale")
    wanted = {("timer.stop", "R04"): 1, ("http-client.cancel", "R04"): 1, ("smtp-client.cancel", "R04"): 1,
              ("fd.unwatch", "R04"): 1, ("http-route.respond", "R04"): 1, ("complete", "R05"): 1, ("task_done", "R04"): 1}
    until(lambda: ignored(hub) == wanted)
    trigger(hub, "stale", "again")
    until(lambda: ignored(hub) == {key: 2 for key in wanted})


def test_a_loop_function_on_another_thread_is_refused(hub):
    trigger(hub, "thread")
    assert ignored(hub) == {("timer.start", "R01"): 1}
    assert "call=timer.start rule=R01" in hub.log()


def test_a_txn_after_its_call_is_refused(hub):
    trigger(hub, "late")
    until(lambda: ignored(hub) == {("put", "R01"): 1})
    assert "call=put rule=R01" in hub.log()
    assert listing(hub) == []


def test_worker_descriptor_task_and_scan_work_together(hub):
    for word in ("apple", "apricot", "banana"):
        trigger(hub, "ask", word, word=word)
        until(lambda: word in listing(hub))
    assert listing(hub, prefix="ap") == ["apple", "apricot"]
    assert listing(hub, after="apple") == ["apricot", "banana"]
    assert listing(hub, limit=1) == ["apple"]
    assert listing(hub, limit=1001) == 400
    assert ignored(hub) == {}
    assert hub.metrics()['belfry_manners_words_total{instance="manners"}'] == 3


def test_callbacks_come_on_a_later_turn_and_parameters_are_copied(hub):
    trigger(hub, "call")
    until(lambda: hub.metrics()['belfry_manners_callbacks_total{instance="manners"}'] == 8)
    assert hub.metrics()['belfry_manners_inline_total{instance="manners"}'] == 0
    assert listing(hub) == ["borrowed"]
    assert ignored(hub) == {}


def test_a_mail_ends_with_the_instance_that_sent_it(hub):
    """The server hears nothing more of it, and the plugin, which is gone, is not told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        trigger(hub, "mail", word=str(server.getsockname()[1]))
        connection, _ = server.accept()
        with connection:
            connection.settimeout(30)
            connection.sendall(b"220 hello\r\n")
            assert connection.recv(100) == b"EHLO acme.example\r\n"
            del hub.config["sources"]["manners"]
            hub.write_config(hub.config)
            assert hub.reload().status_code == 200
            assert connection.recv(100) == b""
    assert hub.get("/healthz").status_code == 200


def test_a_request_may_be_answered_before_what_was_asked_for_it(hub):
    """The host needs who asked until the end; the sanitizers see whether it still has them."""
    hub.send(case("ann"))
    id = hub.items("ann")[0]["id"]
    for _ in range(20):
        assert hub.post(f"/v1/acme/hasty/manners?id={id}", hub.person("ann")).status_code == 204
    until(lambda: hub.metrics()['belfry_manners_callbacks_total{instance="manners"}'] == 20 * 5)
    assert hub.metrics()['belfry_manners_inline_total{instance="manners"}'] == 0
    assert hub.unread("ann") == 0


def test_longer_structs_are_taken_when_their_tails_are_zero(hub):
    trigger(hub, "newer")
    assert hub.titles("ann") == hub.titles("bob") == ["From a newer plugin"]


@pytest.mark.parametrize("used", ["event", "recipient", "selection"])
def test_longer_structs_that_use_what_is_unknown_are_refused(hub, used):
    event = {"specversion": "1.0", "id": used, "source": "/test", "type": "manners.newer", "data": {"used": used}}
    answer = hub.post_trigger(event, source="manners")
    assert answer.status_code == 422, answer.text
    assert used == "selection" or "needs a newer hub" in answer.text
    assert hub.titles("ann") == []


def test_a_successor_goes_on_counting(hub):
    trigger(hub, "ask", word="one")
    until(lambda: listing(hub) == ["one"])
    hub.config["sources"]["manners"]["was"] = "manner"
    hub.write_config(hub.config)
    assert hub.reload().status_code == 200
    trigger(hub, "ask", "second", word="two")
    until(lambda: listing(hub) == ["one", "two"])
    assert hub.metrics()['belfry_manners_words_total{instance="manners"}'] == 2
    assert ignored(hub) == {}


def test_what_an_attempt_says_is_one_line_and_its_record_is_bounded(new_hub):
    config = base()
    config["channels"]["echo"] = {"plugin": "echo_delivery", "secret": "talks too much"}
    config["rules"].append({"name": "echo", "when": {}, "deliver": ["echo"]})
    hub = new_hub(config).start()
    hub.send(case("ann"))
    row = until(lambda: hub.deliveries("?state=delivered&channel=echo"))[0]
    assert row["detail"].startswith("two lines") and len(row["detail"]) == 300 and "\n" not in row["detail"]
    assert "the record of an attempt is over 32 KiB and was left out" in hub.log()
    hub.stop()
    with sqlite3.connect(hub.data_dir / "belfry.db") as db:
        assert db.execute("SELECT record FROM attempt").fetchall() == [(None,)]


def late(new_hub, **options):
    config = base()
    config["channels"]["late"] = {"plugin": "late_delivery", **options}
    config["rules"].append({"name": "late", "when": {}, "deliver": ["late"]})
    hub = new_hub(config, clock=True).start()
    hub.send(case("ann"))
    return hub


def test_a_batch_is_cancelled_at_its_deadline(new_hub):
    hub = late(new_hub)
    row = until(lambda: hub.deliveries("?state=delivered&channel=late"))[0]
    assert row["detail"] == "when told to hurry" and row["attempts"] == 1


@pytest.mark.slow
def test_an_answer_that_never_comes_is_a_retry_and_a_late_one_is_ignored(new_hub):
    hub = late(new_hub, stubborn=True)
    row = until(lambda: hub.deliveries("?state=retrying&channel=late"))[0]
    assert row["detail"] == "the plugin did not answer before the deadline" and row["attempts"] == 1
    hub.clock.advance("10m")
    row = until(lambda: hub.deliveries("?state=delivered&channel=late"))[0]
    assert row["detail"] == "at once" and row["attempts"] == 2
    assert hub.metrics()[IGNORED + '{instance="late",call="complete",rule="R05"}'] == 1
