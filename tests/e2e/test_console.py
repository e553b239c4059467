# SPDX-License-Identifier: Apache-2.0
"""The console at /{org}/admin: it shows what the API says, to whom the API says it, and does what the API does."""
import csv
import http.client
import io
import json
import re
import socket
import sqlite3
import struct
from datetime import datetime, timezone
from html import unescape

import pytest

from support import people, raw
from support.config import WEBHOOK_SECRET, base, endpoint, with_hooks
from support.endpoints import Endpoints
from support.events import case, cloud_event, created
from support.paths import PATIENCE
from support.wait import until

HTML = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script> \u202e" + "x" * 200


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    from support.receiver import Receiver
    receiver = Receiver()
    config = with_hooks(base(), receiver.endpoint("good"), receiver.endpoint("bad", types=["workflow.bad"]), source="crm", schedule=["1ms"])
    hub = Hub(tmp_path_factory.mktemp("console"), config)
    receiver.answer("/bad", 400)
    try:
        hub.start()
        hub.send(case("bob", "odd", HOSTILE))
        hub.send(case("victor", "secret", "Merger with Initech"))
        hub.send(case("carl", "bad", "Nobody takes this"))
        hub.send(case("carl", "bad", "Nor this"))
        until(lambda: len(hub.deliveries("?state=failed")) == 2)
        yield hub
    finally:
        hub.show_log()
        hub.close()
        receiver.close()


def admin(hub):
    return {**hub.person("root"), **HTML}


def page(hub, path, status=200, headers=None):
    answer = hub.get("/acme/admin" + path, headers or admin(hub))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in answer.text and answer.text.count("<h1") == 1
    return answer.text


def event_of(hub, title):
    return next(e["id"] for e in hub.events("?limit=200") if title in e["title"])


VIEWS = ["", "/events", "/explain", "/deliveries", "/dead-letters", "/endpoints", "/plugins", "/categories",
         "/categories/CALC_BLOCKED", "/suppressions", "/audit"]


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_is_for_admins_of_the_org(hub, view):
    path = "/acme/admin" + view
    assert page(hub, view)
    assert hub.get(path, {**people.token("reader"), **HTML}).status_code == 200
    assert hub.get(path, {**hub.person("bob"), **HTML}).status_code == 403
    assert hub.get(path, {**people.token("crm"), **HTML}).status_code == 403
    assert hub.get(path, {**hub.person("ann", "globex", ["admin"]), **HTML}).status_code == 404
    assert hub.get(path, HTML).status_code == 401
    assert "Verwaltung" in page(hub, view, headers={**hub.person("root", locale="de"), **HTML})


def test_a_list_has_its_filters_in_the_address_and_says_what_it_does_not_take(hub):
    text = page(hub, "/events?type=workflow.odd")
    assert 'value="workflow.odd"' in text and "Initech" not in text
    assert "No event matches" in page(hub, "/events?type=nothing")
    assert "none of the outcomes" in page(hub, "/deliveries?state=nonsense", 400)
    assert "no cursor" in page(hub, "/audit?before=nonsense", 400)
    assert page(hub, "/events?refused=true")


def test_a_list_of_a_time(new_hub, receiver):
    """Minutes in UTC, as browsers write them; deeds on all that is listed keep to them."""
    receiver.answer("/bad", 400)
    hub = new_hub(with_hooks(base(), receiver.endpoint("bad"), source="crm", schedule=["0s"]), clock=True).start()
    hub.send(case("carl", "calm", "Before"))
    until(lambda: (hub.clock.advance("1s"), len(hub.deliveries("?state=failed")) == 1)[1])
    hub.clock.advance("2h")
    minute = datetime.fromtimestamp(hub.clock.now() - 3600, timezone.utc).strftime("%Y-%m-%dT%H:%M")
    hub.send(case("carl", "calm", "After"))
    until(lambda: (hub.clock.advance("1s"), len(hub.deliveries("?state=failed")) == 2)[1])
    for path in ["/deliveries", "/dead-letters"]:
        text = page(hub, f"{path}?from={minute}")
        assert "After" in text and "Before" not in text and f'name="from" value="{minute}"' in text
        assert "Before" in page(hub, f"{path}?to={minute}") and "After" not in page(hub, f"{path}?to={minute}")
    assert "RFC 3339" in page(hub, "/audit?from=monday", 400)
    assert [row["title"] for row in rows_of(hub, f"/dead-letters?format=csv&to={minute}")] == ["Before"]
    ask = hub.post("/acme/admin/dead-letters", admin(hub), data={"do": "discard-all", "to": minute})
    assert number_of(ask) == "1" and f'name="to" value="{minute}"' in ask.text
    sure = {"do": "discard-sure", "to": minute, "expected": "1", "typed": "1", "as_of": as_of_of(ask), "why": "old"}
    done = hub.post("/acme/admin/dead-letters", admin(hub), data=sure, allow_redirects=False)
    assert unescape(done.headers["location"]).startswith("/acme/admin/dead-letters?to=")
    assert "1 delivery was discarded" in page(hub, done.headers["location"].removeprefix("/acme/admin"))
    text = page(hub, "/dead-letters")
    assert "After" in text and "Before" not in text


def test_what_is_not_there_is_404(hub):
    for path in ["/events/x", "/deliveries/x", "/endpoints/x", "/categories/x"]:
        assert "no such" in page(hub, path, 404)


def test_older_rows_are_behind_a_link_and_newest_leads_back(hub):
    for _ in range(55):
        hub.send(case("carl", "calm"))
    text = page(hub, "/events?type=workflow.calm")
    older = unescape(re.search(r'href="([^"]+)" rel="next"', text)[1])
    assert text.count("<tr ") == 51 and "type=workflow.calm" in older and "before=" in older
    text = page(hub, older.removeprefix("/acme/admin"))
    assert text.count("<tr ") == 6 and 'rel="next"' not in text
    assert 'href="/acme/admin/events?type=workflow.calm"' in text


def test_the_story_says_why_she_got_it_and_why_he_did_not(hub):
    event = event_of(hub, "Initech")
    text = page(hub, f"/events/{event}")
    assert "victor" in text and "was not told" in text and "Their roles do not see this category" in text
    about = page(hub, f"/events/{event}?who=carl")
    assert re.search(r'<strong dir="auto">carl</strong> is not among those', about)
    about = page(hub, f"/events/{event}?who=victor")
    assert about.count('<strong dir="auto">victor</strong>') == 2


def test_what_comes_from_outside_is_text(hub):
    text = page(hub, f"/events/{event_of(hub, 'alert')}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "\u202e" not in text


def test_a_message_is_hidden_until_somebody_looks_and_that_is_kept(hub):
    hub.send(created(owner="bob", fields={"name": "Plain", "note": "for your eyes only"}))
    event = event_of(hub, "Plain")
    assert "for your eyes only" not in page(hub, f"/events/{event}")
    path = f"/acme/admin/events/{event}/reveal"
    assert hub.post(path, {**people.token("reader"), **HTML}).status_code == 403
    assert hub.post(path, {**hub.person("bob"), **HTML}).status_code == 403
    answer = hub.post(path, admin(hub))
    assert answer.status_code == 200 and "for your eyes only" in answer.text
    rows = hub.get("/v1/acme/audit?what=event.reveal", people.token("admin")).json()["items"]
    assert [(row["who"], row["detail"]["event"]) for row in rows] == [("person:root", event)]
    text = page(hub, "/audit?what=event.reveal")
    assert "person:root" in text and f"/acme/admin/events/{event}" in text


def test_a_dry_run_is_drawn_like_a_story_and_writes_nothing(hub):
    before = len(hub.events("?limit=200"))
    trigger = case("bob", "odd", "What if?")
    form = {"source": "crm", "trigger": json.dumps(trigger)}
    answer = hub.post("/acme/admin/explain", admin(hub), data=form)
    assert answer.status_code == 200 and "would be told" in answer.text and "did not match" in answer.text
    wrong = hub.post("/acme/admin/explain", admin(hub), data={**form, "trigger": "{nonsense"})
    assert wrong.status_code == 422 and "{nonsense" in unescape(wrong.text)
    none = hub.post("/acme/admin/explain", admin(hub), data={**form, "source": "nothing"})
    assert none.status_code == 422 and "there is no source" in unescape(none.text)
    assert len(hub.events("?limit=200")) == before


def test_a_delivery_can_be_tried_again(hub):
    bad = hub.deliveries("?state=failed&channel=hooks")[0]
    text = page(hub, f"/deliveries/{bad['id']}")
    assert 'class="timeline"' in text and "400" in text and 'value="retry"' in text
    path = f"/acme/admin/deliveries/{bad['id']}"
    assert hub.post(path, admin(hub), data={"do": "explode"}).status_code == 400
    assert hub.post(path, {**hub.person("bob"), **HTML}, data={"do": "retry"}).status_code == 403
    answer = hub.post(path, admin(hub), data={"do": "retry"}, allow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == path + "?done=retried&n=1"
    assert "1 delivery is due now" in page(hub, f"/deliveries/{bad['id']}?done=retried&n=1")
    until(lambda: hub.get("/v1/acme/deliveries/" + bad["id"], people.token("admin")).json()["attempts"] > bad["attempts"])


def test_a_notice_says_only_what_we_would_say(hub):
    assert "Send" not in page(hub, "/deliveries?done=Send%20money&n=1")
    assert 'class="notice"' not in page(hub, "/deliveries?done=Send%20money&n=1")


def test_dead_letters_are_grouped_by_cause(hub):
    until(lambda: len(hub.deliveries("?state=failed")) == 2)
    text = page(hub, "/dead-letters")
    assert text.count('class="group"') == 1 and 'name="ids"' in text
    nothing = hub.post("/acme/admin/dead-letters", admin(hub), data={"do": "discard", "why": "x"})
    assert nothing.status_code == 422 and "Nothing was selected" in nothing.text
    one = hub.deliveries("?state=failed")[0]["id"]
    no_reason = hub.post("/acme/admin/dead-letters", admin(hub), data={"do": "discard", "ids": [one]})
    assert no_reason.status_code == 422 and "give a reason" in no_reason.text


def test_numbers_of_an_attempt_make_no_other_cause_but_a_status_does(new_hub, receiver):
    for status in (400, 404):
        receiver.answer(f"/e{status}", status)
    hooks = [endpoint("one", "http://127.0.0.1:1/"), endpoint("two", "http://127.0.0.1:2/"), receiver.endpoint("e400"),
             receiver.endpoint("e404")]
    hub = new_hub(with_hooks(base(), *hooks, source="crm", schedule=["0s"])).start()
    hub.send(case("carl"))
    until(lambda: len(hub.deliveries("?state=failed")) == 4)
    groups = page(hub, "/dead-letters").split('class="group"')[1:]
    assert len(groups) == 3, "two that refuse connections, and two that answer"
    refused = next(group for group in groups if "refused" in group)
    assert "one" in refused and "two" in refused and "2 shown" in refused


def number_of(ask):
    return re.search(r'name="expected" value="(\d+)"', ask.text)[1]


def as_of_of(ask):
    return re.search(r'name="as_of" value="([^"]+)"', ask.text)[1]


def test_all_are_given_up_only_when_their_number_was_typed(hub):
    until(lambda: len(hub.deliveries("?state=failed")) == 2)
    ask = hub.post("/acme/admin/dead-letters", admin(hub), data={"do": "discard-all", "target": "bad"})
    assert ask.status_code == 200
    total, as_of = number_of(ask), as_of_of(ask)
    assert 'name="target" value="bad"' in ask.text
    form = {"do": "discard-sure", "target": "bad", "expected": total, "typed": "7" + total, "as_of": as_of,
            "why": "spilt milk"}
    wrong = hub.post("/acme/admin/dead-letters", admin(hub), data=form)
    assert wrong.status_code == 422 and "Nothing was changed" in wrong.text
    assert len(hub.deliveries("?state=failed&target=bad&limit=200")) == int(total)
    sure = hub.post("/acme/admin/dead-letters", admin(hub), data={**form, "typed": total}, allow_redirects=False)
    assert sure.status_code == 303, sure.text
    assert sure.headers["location"] == f"/acme/admin/dead-letters?target=bad&done=discarded&n={total}"
    assert not hub.deliveries("?state=failed&target=bad")
    assert "spilt milk" in page(hub, "/audit") and "None" not in page(hub, "/dead-letters?target=bad")


# --- lists as files -----------------------------------------------------------------------------------------------------

FORMULAS = ['=cmd|"/C calc"!A0', "+1+2", "-2+3", "@SUM(A1)", 'a "quoted", one', "plain"]


def rows_of(hub, path, headers=None):
    answer = hub.get("/acme/admin" + path, headers or admin(hub))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8"), newline="")))


def test_a_list_is_a_file_however_long_it_is(new_hub, receiver):
    receiver.answer("/bad", 400)
    config = with_hooks(base(), receiver.endpoint("bad", types=["workflow.bad"]), source="crm", schedule=["0s"])
    hub = new_hub(config).start()
    hub.send([case("carl", "calm", f"Row {i}") for i in range(450)])
    hub.send([case("carl", "odd", title) for title in FORMULAS])
    hub.send([case("carl", "bad", f"Dead {i}") for i in range(3)])
    until(lambda: len(hub.deliveries("?state=failed")) == 3)
    rows = rows_of(hub, "/events?format=csv")
    assert len(rows) == 459 and len({row["id"] for row in rows}) == 459
    assert [row["title"] for row in rows[9:]] == [f"Row {i}" for i in reversed(range(450))], "newest first, each once"
    titles = [row["title"] for row in rows_of(hub, "/events?format=csv&type=workflow.odd")]
    assert titles == [("'" if title[0] in "=+-@" else "") + title for title in reversed(FORMULAS)], "nothing that runs"
    dead = rows_of(hub, "/dead-letters?format=csv")
    assert [(row["title"], row["state"], row["target"]) for row in dead] == \
        [(f"Dead {i}", "failed", "bad") for i in (2, 1, 0)] and all("400" in row["detail"] for row in dead)
    assert rows_of(hub, "/dead-letters?format=csv&reason=nothing") == []
    assert len(rows_of(hub, "/deliveries?format=csv&channel=hooks", {**people.token("reader"), **HTML})) == 3
    assert [row["name"] for row in rows_of(hub, "/endpoints?format=csv")] == ["bad"]
    seen = {row["username"]: row["sees"] for row in rows_of(hub, "/categories/CALC_BLOCKED?format=csv")}
    assert seen["mona"] == "true" and seen["bob"] == "false"
    assert hub.post(f"/v1/acme/events/{rows[0]['id']}/reveal", people.token("admin"), json={"reason": "=1+1"}).ok
    (kept,) = rows_of(hub, "/audit?format=csv")
    assert kept["what"] == "event.reveal" and json.loads(kept["detail"]) == {"event": rows[0]["id"], "reason": "=1+1"}
    assert rows_of(hub, "/events?format=csv&refused=true") == []
    link = unescape(re.search(r'href="([^"]+)" download', page(hub, "/deliveries?channel=hooks"))[1])
    assert link == "/acme/admin/deliveries?channel=hooks&format=csv"
    assert " download" not in page(hub, "/events?type=nothing"), "a file of nothing"


def test_a_file_is_refused_as_its_page_is(hub):
    assert "no cursor" in page(hub, "/events?format=csv&before=nonsense", 400)
    assert "no such" in page(hub, "/categories/x?format=csv", 404)
    path = "/acme/admin/deliveries?format=csv"
    assert hub.get(path, {**hub.person("bob"), **HTML}).status_code == 403
    assert hub.get(path, {**hub.person("ann", "globex", ["admin"]), **HTML}).status_code == 404
    theirs = hub.get("/globex/admin/events?format=csv", {**hub.person("ann", "globex", ["admin"]), **HTML})
    assert theirs.status_code == 200 and len(theirs.content.splitlines()) == 1, "the names of the columns"
    head = hub.request("HEAD", path, admin(hub))
    assert head.status_code == 200 and head.headers["content-type"].startswith("text/csv") and not head.content


def test_who_reads_a_file_slowly_gets_all_of_it(new_hub):
    """It is longer than the hub holds ready for a client; it goes on when that has been taken."""
    hub = new_hub(base()).start()
    for start in range(0, 20000, 1000):
        hub.send([case("carl", "calm", f"{i} " + "x" * 250) for i in range(start, start + 1000)])
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", hub.port))
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**admin(hub), "Host": "x"}.items())
        s.sendall(f"GET /acme/admin/events?format=csv HTTP/1.1\r\n{lines}\r\n".encode())
        answer = http.client.HTTPResponse(s)
        answer.begin()
        assert page(hub, ""), "others are served while it waits"
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        rows = csv.DictReader(io.StringIO(answer.read().decode(), newline=""))
    assert [int(row["title"].split()[0]) for row in rows] == [*reversed(range(20000))]
def test_a_bad_day_fits_on_a_page(new_hub, receiver):
    """An endpoint that answers with pages of debugging, eight times: its delivery can be looked at all the same; and so
    can 200 letters, each of which has much to say of its own."""
    receiver.answer("/bad", (500, {"Content-Type": "text/html"}, b'<p class="trace">' * 1200))
    config = with_hooks(base(), receiver.endpoint("bad"), source="crm", schedule=["1h"] * 7)
    hub = new_hub(config, clock=True).start()
    hub.send(case("carl", "bad", "Nobody takes this"))
    while not hub.deliveries("?state=failed"):
        hub.clock.advance("2h")
    delivery = hub.deliveries("?state=failed")[0]
    assert delivery["attempts"] == 8
    assert len(hub.get(f"/v1/acme/deliveries/{delivery['id']}", people.token("admin")).content) > 160_000
    shown = page(hub, f"/deliveries/{delivery['id']}")
    assert shown.count("&lt;p class=") > 8 * 100 and "\u2026" in shown and '"timeline"' in unescape(shown)
    hub.send([case("carl", "bad", f"Letter {i}") for i in range(199)])
    hub.stop()
    with sqlite3.connect(next(hub.data_dir.glob("*.db"))) as db:
        db.execute("UPDATE delivery SET state = 8, open = 0, lease = NULL, ended = due, detail = id || ?", ("<\"'>" * 240,))
    db.close()
    hub.start()
    letters = page(hub, "/dead-letters")
    assert letters.count('name="ids"') == 200 and len(letters) > 1_000_000


# --- attacks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ill(new_hub, receiver):
    """A hub with two letters that nobody took."""
    receiver.answer("/bad", 400)
    hooks = [receiver.endpoint("good", types=["workflow.odd"]), receiver.endpoint("bad", types=["workflow.bad"])]
    hub = new_hub(with_hooks(base(), *hooks, source="crm", schedule=["1ms"])).start()
    hub.send([case("carl", "bad", "First"), case("carl", "bad", "Second"), case("bob", "odd", "Fine")])
    until(lambda: len(letters(hub)) == 2 and hub.deliveries("?state=delivered&channel=hooks"))
    return hub


def letters(hub):
    return [d["id"] for d in hub.deliveries("?state=failed&target=bad")]


def state_of(hub, delivery):
    return hub.get(f"/v1/acme/deliveries/{delivery}", people.token("admin")).json()


def test_the_selected_ones_and_no_others(ill):
    one, other = letters(ill)
    form = {"do": "discard", "ids": [one, "nonsense"], "why": "a test"}
    answer = ill.post("/acme/admin/dead-letters", admin(ill), data=form, allow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/acme/admin/dead-letters?done=discarded&n=1"
    assert state_of(ill, one)["state"] == "cancelled" and state_of(ill, other)["state"] == "failed"
    tried = state_of(ill, other)["attempts"]
    form = {"do": "retry", "ids": [one, other], "why": "another test", "target": "bad"}
    answer = ill.post("/acme/admin/dead-letters", admin(ill), data=form, allow_redirects=False)
    assert answer.headers["location"].startswith("/acme/admin/dead-letters?target=bad&done=retried&n=")
    until(lambda: state_of(ill, other)["attempts"] > tried)


def test_all_are_tried_again_with_the_reason_that_was_given_before(ill):
    ask = ill.post("/acme/admin/dead-letters", admin(ill), data={"do": "retry-all", "target": "bad", "why": "it is <up>"})
    assert 'value="it is &lt;up&gt;"' in ask.text and '<strong dir="auto">bad</strong>' in ask.text
    total = number_of(ask)
    form = {"do": "retry-sure", "target": "bad", "expected": total, "typed": total, "as_of": as_of_of(ask),
            "why": "it is <up>"}
    sure = ill.post("/acme/admin/dead-letters", admin(ill), data=form, allow_redirects=False)
    assert sure.headers["location"] == f"/acme/admin/dead-letters?target=bad&done=retried&n={total}"
    assert "it is &lt;up&gt;" in page(ill, "/audit?what=deliveries.retry")


def test_a_page_offers_what_can_be_done(ill):
    dead, _ = letters(ill)
    text = page(ill, f"/deliveries/{dead}")
    assert 'value="retry"' in text and 'value="cancel"' not in text, "it has ended"
    done = ill.deliveries("?state=delivered")[0]["id"]
    text = page(ill, f"/deliveries/{done}")
    assert 'value="retry"' not in text and 'value="cancel"' not in text


def test_nothing_of_another_org_can_be_looked_at_or_changed(ill):
    """Every documented route of admins, with ids that are real, for an admin of another org."""
    dead, _ = letters(ill)
    event = state_of(ill, dead)["event"]
    endpoint = ill.get("/v1/acme/endpoints", people.token("admin")).json()["items"][0]["id"]
    real = {"events": event, "deliveries": dead, "endpoints": endpoint}
    asked = 0
    for path, methods in ill.get("/openapi.json").json()["paths"].items():
        kind = re.match(r"(?:/\{org\}/admin|/v1/\{org\})/(\w+(?:-\w+)*)", path)
        if not kind or kind[1] not in {*real, "dead-letters", "audit", "overview", "plugins", "categories", "explain",
                                    "suppressions"}:
            continue
        if "{id}" in path and kind[1] not in real:
            continue
        path = path.replace("{org}", "globex").replace("{id}", real.get(kind[1], ""))
        for method in methods:
            form = "/admin" in path
            do = "test" if kind[1] == "endpoints" else "retry"
            body = {"do": do, "ids": [dead], "why": "mine now"} if form else {"ids": [dead], "event": event}
            sent = {} if method in ("get", "delete") else {"data": body} if form else {"json": body if kind[1] != "events" else {}}
            for headers in [ill.person("eve", "globex", ["admin"]), people.token("other")]:
                answer = ill.request(method.upper(), path, {**headers, **(HTML if form else {})}, allow_redirects=False, **sent)
                asked += 1
                if any(id in path for id in real.values()):
                    assert answer.status_code == 404, f"{method} {path} {answer.status_code} {answer.text}"
                for theirs in ["First", "Second", "carl", endpoint]:
                    assert theirs not in answer.text.replace(path, ""), f"{method} {path} {theirs}"
    assert asked > 50
    assert [state_of(ill, one)["state"] for one in letters(ill)] == ["failed", "failed"]
    assert "mine now" not in page(ill, "/audit")


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_what_is_in_trouble_stands_on_the_front_page(new_hub, receiver):
    receiver.answer("/bad", 500)
    config = with_hooks(base(), receiver.endpoint("bad"), source="crm")
    config["sources"]["board"] = {"plugin": "notice_source"}
    config["sources"]["erp"]["feed"] = {"url": "http://127.0.0.1:1/events", "every": "1m", "org": "acme"}
    hub = new_hub(config, clock=True).start()
    assert "No breaker is open" not in until(lambda: (lambda text: text if "feed fails" in text else "")(page(hub, "")))
    hub.send([case("ann") for _ in range(12)])
    text = until(lambda: (lambda text: text if ">open<" in text else "")(page(hub, "")))
    assert "hooks / bad" in text and "until" in text
    assert "paused after failures" in page(hub, "/endpoints")
    for _ in range(3):
        hub.send(cloud_event("notice.slow", {"subject": "notice/1"}), "board")
    text = page(hub, "")
    assert re.search(r'quarantined</span> <a href="/acme/admin/plugins"><span dir="auto">board', text)
    text = page(hub, "/plugins")
    assert "quarantined" in text and "250 ms" in text and "until" in text
    other = hub.get("/globex/admin", {**hub.person("eve", "globex", ["admin"]), **HTML}).text
    assert "hooks / bad" not in other and "feed fails" not in other
    receiver.answer("/bad", 200)
    until(lambda: (hub.clock.advance("1m"), "hooks / bad" not in page(hub, ""))[1])
    assert 'quarantined</span> <a href="/acme/admin/plugins"' not in page(hub, ""), "for a minute"


def test_a_role_that_was_taken_away_after_the_page_was_opened_does_nothing_any_more(ill):
    door = ill.get("/acme/session?token=" + people.once("root"), allow_redirects=False)
    own = {"Cookie": door.headers["set-cookie"].split(";")[0], "Sec-Fetch-Site": "same-origin", **HTML}
    dead, _ = letters(ill)
    event = state_of(ill, dead)["event"]
    ask = ill.post("/acme/admin/dead-letters", own, data={"do": "discard-all"})
    assert ask.status_code == 200
    sure = {"do": "discard-sure", "expected": number_of(ask), "typed": number_of(ask), "as_of": as_of_of(ask), "why": "x"}
    ill.config["orgs"]["acme"]["users"]["root"]["roles"] = []
    ill.write_config()
    assert ill.reload().ok
    for path, form in [("/dead-letters", sure), ("/dead-letters", {"do": "retry", "ids": [dead], "why": "x"}),
                       (f"/deliveries/{dead}", {"do": "retry"}), (f"/events/{event}/reveal", {}),
                       ("/explain", {"source": "crm", "trigger": "{}"})]:
        answer = ill.post("/acme/admin" + path, own, data=form, allow_redirects=False)
        assert answer.status_code == 403 and answer.headers["content-type"].startswith("text/html"), path
        assert "role admin" in unescape(re.sub("<[^>]+>", "", answer.text)), "it says what is missing"
    assert [state_of(ill, one)["state"] for one in letters(ill)] == ["failed", "failed"]
    assert ill.get("/v1/acme/audit", people.token("admin")).json()["items"] == []


ANSWERS = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "{{{t.tabs.label}}}",
           "&lt;b&gt;", "\u202eevil\u0000\x1b[31m", "x" * 2000]


def test_an_endpoint_is_disabled_enabled_and_tested_from_its_page(new_hub, receiver):
    hub = new_hub(with_hooks(base(), receiver.endpoint("yaml"), source="crm")).start()
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"), description="The <b>shop</b>", order="fifo", types=["record.*"],
                    headers={"X-Token": "t0p"}, metadata={"customer": "42"}, when={"severity": "error"})
    path = f"/endpoints/{made['id']}"
    text = page(hub, path)
    for shown in ["one of a subject at a time", "token:hooks-app", "customer", "severity", "X-Token", "The &lt;b&gt;shop"]:
        assert shown in text, shown
    assert "t0p" not in text and made["secret"] not in text and f'href="/acme/endpoints/{made["id"]}"' in text
    do = lambda what: hub.post(f"/acme/admin{path}", admin(hub), data={"do": what}, allow_redirects=False)  # noqa: E731
    for what, notice, enabled in [("disable", "The endpoint is disabled", False), ("enable", "The endpoint is enabled", True),
                                  ("test", "A test is on its way", True)]:
        answer = do(what)
        assert answer.status_code == 303, answer.text
        text = page(hub, answer.headers["location"].removeprefix("/acme/admin"))
        assert notice in text and api.get(made["id"])["enabled"] is enabled
        assert ('value="enable"' in text) is not enabled and ('value="disable"' in text) is enabled
    assert receiver.wait(1, "/made")[0].json()["data"]["test"] is True
    assert do("delete").status_code == 400
    yaml = next(e["id"] for e in api.list() if e["from"] == "yaml")
    assert "the configuration" in page(hub, f"/endpoints/{yaml}")


def test_what_an_endpoint_answers_is_text_and_secrets_stay_secret(new_hub, receiver):
    hooks = []
    for i, answer in enumerate(ANSWERS):
        path = f"/e{i}?key=s3cr3t-{i}"
        receiver.answer(path, (400, {"X-Said": "<script>alert(2)", "Set-Cookie": "id=s3cr3t"}, answer.encode()))
        hooks.append(endpoint(f"e{i}", receiver.url(path)))
    hub = new_hub(with_hooks(base(), *hooks, source="crm", schedule=["0s"])).start()
    hub.send(case("carl", "calm", "<b>One</b>"))
    until(lambda: len(hub.deliveries("?state=failed")) == len(ANSWERS))
    said = 0
    for path in ["/dead-letters", "/deliveries", *(f"/deliveries/{d['id']}" for d in hub.deliveries("?state=failed")),
                 "/endpoints", f"/events/{hub.events()[0]['id']}"]:
        text = page(hub, path)
        for never in ["<script>alert", "<img src=x", "<svg", "<b>One", "s3cr3t", WEBHOOK_SECRET, "\u202e", "\x1b", "\x00"]:
            assert never not in text, f"{never!r} in {path}"
        said += "&lt;script&gt;alert(1)" in text
    assert said >= 1, "it is shown, as text"


FORMS = [("/events/{event}/reveal", {}), ("/explain", {"source": "crm", "trigger": "{}"}),
         ("/deliveries/{delivery}", {"do": "retry"}), ("/dead-letters", {"do": "retry", "ids": "x", "why": "x"}),
         ("/dead-letters", {"do": "discard-sure", "expected": "1", "typed": "1", "why": "x"})]


@pytest.mark.parametrize("path, form", FORMS)
def test_a_foreign_page_submits_no_form(hub, path, form):
    row = hub.deliveries("?channel=hooks")[0]
    path = "/acme/admin" + path.format(event=row["event"], delivery=row["id"])
    door = hub.get("/acme/session?token=" + people.once("root"), allow_redirects=False)
    cookie = {"Cookie": door.headers["set-cookie"].split(";")[0], **HTML}
    written = len(hub.get("/v1/acme/audit?limit=200", people.token("admin")).json()["items"])
    for bad in [{}, {"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}]:
        assert hub.post(path, {**cookie, **bad}, data=form, allow_redirects=False).status_code == 403, bad
    assert len(hub.get("/v1/acme/audit?limit=200", people.token("admin")).json()["items"]) == written
    assert hub.post(path, {**cookie, "Sec-Fetch-Site": "same-origin"}, data=form).status_code != 403


@pytest.mark.parametrize("address", [
    "/events/..%2F..%2Fdeliveries", "/events/%3Fbodies=shown", "/deliveries/x%2Fretry", "/endpoints/x%23y",
    "/categories/..%2Fplugins", "/events/x%3Fa%26b"])
def test_an_id_is_one_segment_of_the_question(hub, address):
    assert "no such" in page(hub, address, 404)


@pytest.mark.parametrize("query", [
    "channel=hooks%26state%3Ddelivered", "target=bad%23", "rule=%3Fstate=delivered", "reason=x%26total=true"])
def test_a_filter_is_one_value_of_the_question(hub, query):
    assert "No delivery matches" in page(hub, "/deliveries?" + query)
    assert 'name="ids"' not in page(hub, "/dead-letters?" + query)


def test_a_person_asked_about_in_the_story_brings_no_body_with_it(hub):
    hub.send(created(owner="bob", fields={"name": "Plainer", "note": "nobody saw this"}))
    event = event_of(hub, "Plainer")
    written = hub.get("/v1/acme/audit?what=event.reveal", people.token("admin")).json()["items"]
    for query in ["?who=bob", "?bodies=shown", "?bodies=shown&who=bob"]:
        assert "nobody saw this" not in page(hub, f"/events/{event}{query}")
    assert hub.get("/v1/acme/audit?what=event.reveal", people.token("admin")).json()["items"] == written


def test_readers_who_leave_before_they_are_answered(ill):
    """Their questions are answered to nobody; the sanitizers see that nothing is used or kept too long."""
    event, delivery = ill.events()[0]["id"], letters(ill)[0]
    asks = [("GET", view, "") for view in [*VIEWS, f"/events/{event}", f"/events/{event}?who=carl", f"/deliveries/{delivery}"]]
    asks += [("POST", f"/events/{event}/reveal", ""), ("POST", "/dead-letters", "do=retry-all&why=x"),
             ("POST", "/explain", "source=crm&trigger=%7B%7D"), ("POST", f"/deliveries/{delivery}", "do=nothing")]
    who = ill.person("root")["Authorization"]
    for method, view, form in asks * 3:
        head = (f"{method} /acme/admin{view} HTTP/1.1\r\nHost: x\r\nAuthorization: {who}\r\nAccept: text/html\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}")
        with raw.connect(ill) as s:
            s.sendall(head.encode())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave by a reset
    assert page(ill, "") and len(letters(ill)) == 2
