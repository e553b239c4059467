# SPDX-License-Identifier: Apache-2.0
"""Any source can attach actions to an event; they run as the person, with the source's own checks, exactly once. Shown
with the example of docs/plugins.md (visits) and with a source that answers what a test wants (asking_source)."""
import json
import re
import threading
import time

import pytest
import requests

from support import people
from support.config import base
from support.events import cloud_event
from support.example import build
from support.raw import connect
from support.stream import Stream
from support.wait import until


def config_of(tmp_path):
    config = base()
    config["hub"]["plugin_path"] += f":{build('visits', tmp_path)}"
    config["orgs"]["acme"]["users"]["rita"] = {"roles": ["reception"]}
    config["orgs"]["acme"]["users"]["rolf"] = {"roles": ["reception"]}
    config["sources"] = {"gate": {"plugin": "visits"}, "polls": {"plugin": "asking_source"},
                         "crm": {"plugin": "workflow"}}
    config["categories"]["votes"] = {"label": "Votes", "actions_for": ["sales-manager", "board"]}
    return config


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    root = tmp_path_factory.mktemp("actions")
    hub = Hub(root, config_of(root), clock=True)
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


@pytest.fixture
def new(new_hub, tmp_path):
    def make(clock=True):
        return new_hub(config_of(tmp_path), clock=clock).start()
    return make


_visits = iter(range(1, 10**6))


def visit(hub, host="ann"):
    """A visitor waits: the id of the visit."""
    id = f"V-{next(_visits)}"
    hub.send(cloud_event("visit.announced", {"id": id, "name": f"Dora of {id}", "host": host}), source="gate")
    return id


def ask(hub, to="ann", text="Tea?", **more):
    hub.send(cloud_event("ask.put", {"to": to, "text": text, **more}), source="polls")


def row(hub, who, subject=None, **more):
    """The newest row of the person, or that of the subject."""
    return next(i for i in hub.items(who, **more) if subject in (None, i["subject"]))


def path(item, action, org="acme"):
    return f"/v1/{org}/notifications/{item['id']}/actions/{action}"


def act(hub, who, item, action, body=None, **more):
    return hub.post(path(item, action), hub.person(who, **more), json=body)


# --- as the person, with the source's own checks -----------------------------------------------------------------------


def test_an_action_runs_the_sources_trigger_as_the_person(hub):
    id = visit(hub)
    mine = row(hub, "ann", id)
    assert mine["actions"] == [{"id": "admit", "label": "Let in"}, {"id": "decline", "label": "Send away"}]
    answer = act(hub, "ann", mine, "admit")
    assert answer.status_code == 200 and set(answer.json()) == {"rev", "unread"}
    for who in ["ann", "rita", "rolf"]:
        after = row(hub, who, id)
        assert (after["handled_by"], after["actions"], after["unread"]) == ("ann", [], False), who
    assert row(hub, "ann", id)["seen_at"] and not row(hub, "rita", id)["seen_at"]


def test_who_acts_is_the_person_whatever_the_data_says(hub):
    ask(hub, "ann")
    assert act(hub, "ann", row(hub, "ann"), "no").status_code == 200
    assert re.fullmatch(r"\d+ ann no", row(hub, "ann")["title"]), "the action's data says by: mallory"


def test_from_a_token_by_counts(hub):
    id = visit(hub)
    refused = hub.post_trigger(cloud_event("visit.admitted", {"id": id}), source="gate")
    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/data/by"
    hub.send(cloud_event("visit.admitted", {"id": id, "by": "rolf"}), source="gate")
    answer = act(hub, "ann", row(hub, "ann", id), "admit")
    assert answer.status_code == 409 and answer.json()["handled_by"] == "rolf"


def test_the_comment_is_part_of_the_data(hub):
    ask(hub, "ann", subject="c/1")
    assert act(hub, "ann", row(hub, "ann"), "yes", {"comment": "With milk\nand \u202esugar\u0007"}).status_code == 200
    assert row(hub, "ann")["body"] == "With milk\nand sugar ", "clean, as all texts"


@pytest.mark.parametrize("body", [None, {}, {"comment": None}, {"comment": ""}])
def test_without_a_comment_the_data_is_as_the_source_made_it(hub, body):
    ask(hub, "ann")
    assert act(hub, "ann", row(hub, "ann"), "yes", body).status_code == 200
    assert row(hub, "ann")["body"] == "of the source"


def test_what_the_source_refuses_comes_back_in_its_words(hub):
    ask(hub, "ann", subject="refused/1")
    asked = row(hub, "ann")
    wrong = act(hub, "ann", asked, "yes", {"comment": "wrong"})
    assert wrong.status_code == 422 and wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["detail"] == "must not be wrong"
    assert wrong.json()["errors"] == [{"pointer": "/data/comment", "detail": "must not be wrong"},
                                      {"pointer": "/data/answer", "detail": "must be true"}]
    never = act(hub, "ann", asked, "yes", {"comment": "never"})
    assert never.status_code == 403 and never.json()["detail"] == "who asks may not answer"
    late = act(hub, "ann", asked, "yes", {"comment": "late"})
    assert late.status_code == 409 and late.json()["detail"] == "the vote is over"
    assert {k: late.json()[k] for k in ["handled_by", "handled_at", "round"]} == {
        "handled_by": "zoe", "handled_at": "2026-01-02T03:04:05Z", "round": "second"}
    still = row(hub, "ann")
    assert still["id"] == asked["id"] and still["seen_at"] is None and still["rev"] == asked["rev"], "no trace"
    assert act(hub, "ann", asked, "yes").status_code == 200, "a refusal uses nothing up"


def test_bad_bodies(hub):
    ask(hub, "ann")
    asked = row(hub, "ann")
    where, me = path(asked, "yes"), hub.person("ann")
    for raw in [b"{", b"[]", b"7", b'"x"', b"null", b'{"comment":1}', b'{"comment":["x"]}', b'{"comment":{}}',
                b'{"comment":true}', b'{"comment":"a","comment":"b"}', b'{"comment":"\xff"}', b'{"comment":"\\ud800"}',
                b'{"comment":"\\u0000"}', b"comment=x", b"\xef\xbb\xbf{}", b"[" * 10000]:
        answer = hub.post(where, me, data=raw)
        assert answer.status_code == 400, (raw[:40], answer.status_code, answer.text)
        assert answer.json()["status"] == 400
    long = act(hub, "ann", asked, "yes", {"comment": "x" * 4001})
    assert long.status_code == 422 and long.json()["errors"][0]["pointer"] == "/comment"
    assert hub.post(where, me, data=b'{"comment":"' + b"x" * 70000 + b'"}').status_code == 413
    assert row(hub, "ann")["rev"] == asked["rev"]
    assert act(hub, "ann", asked, "yes", {"comment": "\u00e4" * 2000}).status_code == 200
    assert row(hub, "ann")["body"] == "\u00e4" * 2000


def test_actions_that_are_none(hub):
    ask(hub, "ann", subject="none/1")
    asked = row(hub, "ann", "none/1")
    for action in ["maybe", "YES", "yes%00", "yes%2f", "..", "%FF", "x" * 3000, "ask.answered"]:
        answer = hub.post(path(asked, action), hub.person("ann"))
        assert answer.status_code in (400, 404, 414), (action, answer.status_code)
    hub.send(cloud_event("record.created", {"record": {"object": "Lead", "id": "1", "url": "/", "owner": "ann",
                                                       "created_by": "bob", "fields": {}}}))
    assert act(hub, "ann", row(hub, "ann"), "yes").status_code == 404, "an event without actions"
    assert row(hub, "ann", asked["subject"])["rev"] == asked["rev"]


def test_an_action_that_the_source_did_not_declare_is_refused_at_emit(hub):
    for data in [{"action": "maybe"}, {"type": "visit.admitted"}, {"action": "no"}]:
        answer = hub.post_trigger(cloud_event("ask.put", {"to": "ann", "text": "?", **data}), source="polls")
        assert answer.status_code == 422, (data, answer.text)
    assert hub.post_trigger(cloud_event("ask.put", {"to": "ann", "text": "?", "type": "ask.answered"}),
                            source="polls").status_code == 202


# --- exactly once ------------------------------------------------------------------------------------------------------


def understood(hub, who):
    """The numbers that the source counted for the answers of a person."""
    return [int(i["title"].split()[0]) for i in hub.items(who, type="ask.understood")]


def test_a_second_click_is_answered_as_the_first_and_does_nothing(hub):
    ask(hub, "bea", "Once?")
    asked = row(hub, "bea")
    first = act(hub, "bea", asked, "yes", {"comment": "first"})
    again = [act(hub, "bea", asked, "yes", {"comment": "other"}) for _ in range(3)]
    assert {a.status_code for a in [first, *again]} == {200}
    assert len(understood(hub, "bea")) == 1 and row(hub, "bea")["body"] == "first"
    same = cloud_event("ask.answered", {"answer": "yes"}, id=f"act:{asked['id']}:yes:bea", source="/acme/notifications")
    assert hub.send(same, source="polls")[0]["status"] == "duplicate", "the id says which act it was"


def test_the_other_action_after_the_first_finds_the_row_gone(hub):
    ask(hub, "bea", "Yes or no?", subject="vote/1")
    asked = row(hub, "bea", "vote/1")
    assert act(hub, "bea", asked, "yes").status_code == 200
    other = act(hub, "bea", asked, "no")
    assert other.status_code == 409 and other.json()["detail"] == "this notification is no longer valid"
    assert act(hub, "bea", asked, "yes").status_code == 200, "which was taken, and still is"


def test_what_a_person_handled_takes_no_other_act_of_theirs(hub):
    """The subject may ask for something else by now, of which that row and its buttons know nothing."""
    id = visit(hub)
    mine = row(hub, "ann", id)
    assert act(hub, "ann", mine, "decline").status_code == 200
    other = act(hub, "ann", mine, "admit")
    assert other.status_code == 409 and other.json()["detail"] == "this was handled already"
    assert other.json()["handled_by"] == "ann" and other.json()["handled_at"]
    assert act(hub, "ann", mine, "decline").status_code == 200


def at_once(hub, jobs):
    """[(who, item, action)]: all on connections of their own, let go at one moment. The statuses."""
    gate, out = threading.Barrier(len(jobs)), [None] * len(jobs)

    def one(i, who, item, action):
        session = requests.Session()
        session.trust_env = False
        session.get(hub.url + "/healthz")
        headers = hub.person(who)
        gate.wait()
        out[i] = session.post(hub.url + path(item, action), headers=headers, json={"comment": f"{who} {i}"}, timeout=60)

    threads = [threading.Thread(target=one, args=(i, *job)) for i, job in enumerate(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


def test_twenty_connections_of_one_person_are_one_act(hub):
    ask(hub, "cleo", "All at once?")
    answers = at_once(hub, [("cleo", row(hub, "cleo"), "yes")] * 20)
    assert {a.status_code for a in answers} == {200}
    assert len(understood(hub, "cleo")) == 1


def test_twenty_connections_of_two_persons_have_one_winner(hub):
    for round_ in range(5):
        id = visit(hub)
        jobs = [(who, row(hub, who, id), action) for _ in range(5) for who in ["ann", "rita"]
                for action in ["admit", "decline"]]
        answers = at_once(hub, jobs)
        winner = row(hub, "rolf", id)["handled_by"]
        assert winner in ("ann", "rita")
        taken = {job[0::2] for job, a in zip(jobs, answers) if a.status_code == 200}
        assert len(taken) == 1 and winner in next(iter(taken)), "one act, as often as it was clicked"
        for job, answer in zip(jobs, answers):
            if job[0::2] in taken:
                assert answer.status_code == 200
                continue
            assert answer.status_code == 409 and answer.json()["handled_by"] == winner, answer.text
            handled = answer.json()["handled_at"]
            assert abs(hub.now() - time.mktime(time.strptime(handled[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 5


def test_a_kill_between_taking_and_answering_loses_nothing_and_doubles_nothing(new):
    hub = new(clock=False)
    for i in range(8):
        ask(hub, "ann", f"Round {i}?", subject=f"kill/{i}")
    asked = {i: row(hub, "ann", f"kill/{i}") for i in range(8)}
    for i in range(8):
        line = connect(hub)
        body = json.dumps({"comment": str(i)})
        headers = "".join(f"{k}: {v}\r\n" for k, v in hub.person("ann").items())
        line.sendall(f"POST {path(asked[i], 'yes')} HTTP/1.1\r\nHost: hub.test\r\n{headers}"
                     f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        time.sleep(i * 0.0007)  # before, while and after it is taken: whatever it was, the rest has to be right
        hub.kill()
        line.close()
        hub.start()
        first = act(hub, "ann", asked[i], "yes", {"comment": "again"})
        if first.status_code == 503:  # killed inside the source's own call: that trigger is refused once, as one that kills
            first = act(hub, "ann", asked[i], "yes", {"comment": "again"})
        assert first.status_code == 200
        assert act(hub, "ann", asked[i], "yes", {"comment": "and again"}).status_code == 200
        assert sorted(understood(hub, "ann")) == list(range(1, i + 2))
        assert row(hub, "ann", f"kill/{i}")["body"] in (str(i), "again")


# --- rows that take no action ------------------------------------------------------------------------------------------


def test_handled_by_somebody_else_says_who_and_when(hub):
    id = visit(hub)
    hers = row(hub, "rita", id)
    hub.clock.advance("90s")
    assert act(hub, "ann", row(hub, "ann", id), "decline", {"comment": "not today"}).status_code == 200
    hub.clock.advance("90s")
    answer = act(hub, "rita", hers, "admit")
    assert answer.status_code == 409 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["handled_by"] == "ann"
    at = time.mktime(time.strptime(answer.json()["handled_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert 89 <= hub.now() - at <= 91
    assert answer.json()["detail"] == "this was handled already"


def test_an_expired_row_takes_no_action_from_the_very_second(hub):
    id = visit(hub)
    mine = row(hub, "ann", id)
    hub.clock.advance("60m")
    answer = act(hub, "ann", mine, "admit")
    assert answer.status_code == 409 and answer.json()["detail"] == "this notification is no longer valid"
    assert "handled_by" not in answer.json()
    assert row(hub, "ann", id)["validity"] == "expired"


def test_a_replaced_row_takes_no_action_and_its_successor_does(hub):
    hub.send(cloud_event("visit.announced", {"id": "again", "name": "Dora", "host": "ann"}), source="gate")
    old = row(hub, "ann", "again")
    hub.send(cloud_event("visit.announced", {"id": "again", "name": "Dora, still", "host": "ann"}), source="gate")
    assert act(hub, "ann", old, "admit").status_code == 409
    assert act(hub, "ann", row(hub, "ann", "again"), "admit").status_code == 200


def test_a_withdrawn_row_takes_no_action(hub):
    hub.send(cloud_event("visit.announced", {"id": "moved", "name": "Dora", "host": "ann"}), source="gate")
    old = row(hub, "ann", "moved")
    hub.send(cloud_event("visit.announced", {"id": "moved", "name": "Dora", "host": "bob"}), source="gate")
    assert row(hub, "ann", "moved")["validity"] == "withdrawn"
    assert act(hub, "ann", old, "admit").status_code == 409
    assert row(hub, "bob", "moved")["handled_by"] is None


def test_rows_of_others(hub):
    id = visit(hub)
    mine, hers = row(hub, "ann", id), row(hub, "rita", id)
    untouched = [row(hub, who, id)["rev"] for who in ["ann", "rita"]]
    for answer in [act(hub, "bob", mine, "admit"), act(hub, "ann", hers, "admit"),
                   act(hub, "Ann", mine, "admit"),
                   hub.post(path(mine, "admit", "globex"), hub.person("ann", org="globex")),
                   hub.post(path(mine, "admit", "globex"), hub.person("ann")),
                   hub.post(path({"id": "00000000-0000-7000-8000-000000000000"}, "admit"), hub.person("ann")),
                   hub.post(path({"id": "x"}, "admit"), hub.person("ann"))]:
        assert answer.status_code == 404, answer.text
    for name in ["all", "crm", "reader", "admin", "operator"]:
        assert hub.post(path(mine, "admit"), people.token(name)).status_code == 403, name
    assert hub.post(path(mine, "admit")).status_code == 401
    assert hub.get(path(mine, "admit"), hub.person("ann")).status_code == 405
    assert [row(hub, who, id)["rev"] for who in ["ann", "rita"]] == untouched


def test_a_category_that_is_hidden_from_the_person(hub):
    ask(hub, "mona", "Secret?", category="CALC_BLOCKED")
    asked = row(hub, "mona")
    assert act(hub, "mona", asked, "yes", roles=[]).status_code == 404
    assert act(hub, "mona", asked, "yes").status_code == 200


def test_actions_for_a_role(hub):
    ask(hub, "bob", "Vote?", category="votes", subject="vote/2")
    ask(hub, "mona", "Vote?", category="votes", subject="vote/2b")
    asked = row(hub, "bob", "vote/2")
    assert asked["actions"] == []
    answer = act(hub, "bob", asked, "yes")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "this needs the role board or sales-manager"
    assert row(hub, "mona", "vote/2b")["actions"], "the directory's role"
    assert act(hub, "mona", row(hub, "mona", "vote/2b"), "yes", roles=["other"]).status_code == 403, "lost since"
    assert act(hub, "bob", asked, "yes", roles=["board"]).status_code == 200, "the JWT's role"


def test_credentials_that_are_over(hub):
    id = visit(hub)
    mine = row(hub, "ann", id)
    late = people.bearer(people.mint("ann", now=hub.now() - 3700))
    assert hub.post(path(mine, "admit"), late).status_code == 401
    forged = people.bearer(people.mint("ann", secret=people.OTHER_SECRET, now=hub.now()))
    assert hub.post(path(mine, "admit"), forged).status_code == 401
    assert row(hub, "ann", id)["handled_by"] is None


def test_a_source_that_is_gone(new):
    hub = new()
    ask(hub, "ann")
    asked = row(hub, "ann")
    del hub.config["sources"]["polls"]
    hub.write_config()
    assert hub.reload().status_code == 200
    answer = act(hub, "ann", asked, "yes")
    assert answer.status_code == 404 and "not configured any more" in answer.json()["detail"]


# --- what others see ---------------------------------------------------------------------------------------------------


def test_streams_of_all_whose_rows_changed_get_a_hint(hub):
    id = visit(hub)
    streams = {who: Stream(hub, hub.person(who)) for who in ["ann", "rita", "rolf", "bob"]}
    first = {who: json.loads(s.next()["data"]) for who, s in streams.items()}
    assert act(hub, "rita", row(hub, "rita", id), "admit").status_code == 200
    for who in ["ann", "rita", "rolf"]:
        hint = json.loads(streams[who].next()["data"])
        assert hint["rev"] > first[who]["rev"] and hint["unread"] == first[who]["unread"] - 1, who
    hub.send(cloud_event("visit.announced", {"id": "for-bob", "name": "Eve", "host": "bob"}), source="gate")
    assert json.loads(streams["bob"].next()["data"])["rev"] == first["bob"]["rev"] + 1, "nothing was his before"
    for stream in streams.values():
        stream.close()


def test_a_row_that_is_linked_but_not_listed_yet_takes_actions(new_hub, tmp_path):
    config = config_of(tmp_path)
    config["rules"] = [{"name": "later", "when": {"source": "gate"},
                        "deliver": [{"via": "inbox", "after": "10m", "unless": ["handled"]}]}]
    hub = new_hub(config, clock=True).start()
    hub.send(cloud_event("visit.announced", {"id": "V", "name": "Dora", "host": "ann"}), source="gate")
    assert hub.items("ann") == []
    story = hub.story(hub.events()[0]["id"])
    id = next(r["notification"]["id"] for r in story["recipients"] if r["recipient"] == "ann")
    assert hub.post(f"/v1/acme/notifications/{id}/actions/admit", hub.person("ann")).status_code == 200
    hub.clock.advance("11m")
    assert hub.items("ann") == [], "handled: nothing to tell"


# --- the page ----------------------------------------------------------------------------------------------------------


class Browser:
    """The page without a script: one session, forms as they stand."""

    def __init__(self, hub, who):
        self.hub = hub
        token = people.once(who, now=hub.now())
        answer = hub.get(f"/acme/session?token={token}")
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.show()

    def show(self, where="/acme/notifications"):
        self.page = self.hub.get(where, {"Cookie": self.cookie})
        return self.page

    def press(self, button, fields=None, **headers):
        said = {k.replace("_", "-"): v for k, v in headers.items()}
        headers = {"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin", **said}
        return self.hub.post("/acme/notifications/act", {k: v for k, v in headers.items() if v},
                             data={"do": button, **(fields or {})})


@pytest.fixture
def quiet(hub):
    hub._session.cookies.set_policy(requests.cookies.cookielib.DefaultCookiePolicy(allowed_domains=[]))
    return hub


def test_the_form_of_the_page(quiet):
    hub = quiet
    ask(hub, "fay", "Cake & <tea>?", subject="page/1")
    asked = row(hub, "fay")
    fay = Browser(hub, "fay")
    assert "<script" not in fay.page.text
    assert f'value="act:{asked["id"]}:yes">Yes<' in fay.page.text
    assert f'value="act:{asked["id"]}:no">No, &lt;thanks&gt;<' in fay.page.text
    assert f'name="comment:{asked["id"]}"' in fay.page.text and "Why &lt;so&gt;" in fay.page.text
    answer = fay.press(f"act:{asked['id']}:yes", {f"comment:{asked['id']}": "Two\r\nlines", "comment:other": "no"})
    assert answer.status_code == 303
    assert "Done." in fay.show(answer.headers["location"].split("#")[0]).text
    assert row(hub, "fay")["body"] == "Two\nlines"
    assert f'act:{asked["id"]}' not in fay.show().text, "its successor has no buttons"


def test_the_page_says_who_was_first(quiet):
    hub = quiet
    id = visit(hub, "fay")
    mine = row(hub, "fay", id)
    fay = Browser(hub, "fay")
    assert act(hub, "rita", row(hub, "rita", id), "admit").status_code == 200
    answer = fay.press(f"act:{mine['id']}:decline", {f"comment:{mine['id']}": "no"})
    assert answer.status_code == 409
    assert re.search(r"This was handled already, by rita on [^.<]*\d", answer.text)
    assert "<script" not in answer.text and "Back to notifications" in answer.text


def test_the_page_shows_all_that_the_source_found(quiet):
    hub = quiet
    ask(hub, "fay", subject="page/2")
    asked = row(hub, "fay")
    fay = Browser(hub, "fay")
    answer = fay.press(f"act:{asked['id']}:yes", {f"comment:{asked['id']}": "wrong"})
    assert answer.status_code == 422 and "Must not be wrong; must be true." in answer.text
    assert fay.press(f"act:{asked['id']}:yes", {f"comment:{asked['id']}": "x" * 4001}).status_code == 422
    assert fay.press(f"act:{asked['id']}:maybe").status_code == 404
    assert fay.press("act:").status_code == 404
    assert row(hub, "fay")["id"] == asked["id"]


def test_forms_of_others(quiet):
    """A write with a cookie has to come from our own pages, by the word of the browser."""
    hub = quiet
    id = visit(hub, "fay")
    mine = row(hub, "fay", id)
    fay, gil = Browser(hub, "fay"), Browser(hub, "gil")
    button = f"act:{mine['id']}:admit"
    assert fay.press(button, Sec_Fetch_Site="cross-site").status_code == 403
    assert fay.press(button, Sec_Fetch_Site=None, Origin="https://evil.example").status_code == 403
    api = path(mine, "admit")
    assert hub.post(api, {"Cookie": fay.cookie, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert hub.post(api, {"Cookie": fay.cookie}).status_code == 403
    assert row(hub, "fay", id)["handled_by"] is None
    assert gil.press(button).status_code == 404, "a cookie of somebody else"
    assert row(hub, "fay", id)["handled_by"] is None
    assert fay.press(button).status_code == 303
    assert row(hub, "fay", id)["handled_by"] == "fay"
