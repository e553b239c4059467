# SPDX-License-Identifier: Apache-2.0
"""The console at /{org}/admin: it shows what the API says, to whom the API says it, and does what the API does."""
import json
import re
import socket
import sqlite3
import struct
from html import unescape

import pytest

from support import people, raw
from support.config import base, with_hooks
from support.events import case, created
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
         "/categories/CALC_BLOCKED", "/audit"]


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


def test_all_are_given_up_only_when_their_number_was_typed(hub):
    until(lambda: len(hub.deliveries("?state=failed")) == 2)
    ask = hub.post("/acme/admin/dead-letters", admin(hub), data={"do": "discard-all", "target": "bad"})
    assert ask.status_code == 200
    total = re.search(r'name="expected" value="(\d+)"', ask.text)[1]
    assert 'name="target" value="bad"' in ask.text
    form = {"do": "discard-sure", "target": "bad", "expected": total, "typed": "7" + total, "why": "spilt milk"}
    wrong = hub.post("/acme/admin/dead-letters", admin(hub), data=form)
    assert wrong.status_code == 422 and "Nothing was changed" in wrong.text
    assert len(hub.deliveries("?state=failed&target=bad&limit=200")) == int(total)
    sure = hub.post("/acme/admin/dead-letters", admin(hub), data={**form, "typed": total}, allow_redirects=False)
    assert sure.status_code == 303, sure.text
    assert sure.headers["location"] == f"/acme/admin/dead-letters?target=bad&done=discarded&n={total}"
    assert not hub.deliveries("?state=failed&target=bad")
    assert "spilt milk" in page(hub, "/audit") and "None" not in page(hub, "/dead-letters?target=bad")


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
    total = re.search(r'name="expected" value="(\d+)"', ask.text)[1]
    form = {"do": "retry-sure", "target": "bad", "expected": total, "typed": total, "why": "it is <up>"}
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
    dead, _ = letters(ill)
    event, endpoint = state_of(ill, dead)["event"], ill.get("/v1/acme/endpoints", people.token("admin")).json()["items"][0]
    other = {**ill.person("eve", "globex", ["admin"]), **HTML}
    for path in [f"/events/{event}", f"/deliveries/{dead}", f"/endpoints/{endpoint['id']}"]:
        answer = ill.get("/globex/admin" + path, other)
        assert answer.status_code == 404 and "hooks" not in answer.text and "carl" not in answer.text, path
    posts = [(f"/events/{event}/reveal", {}), (f"/deliveries/{dead}", {"do": "retry"})]
    for path, form in posts:
        assert ill.post("/globex/admin" + path, other, data=form).status_code == 404, path
    form = {"do": "discard", "ids": [dead], "why": "mine now"}
    answer = ill.post("/globex/admin/dead-letters", other, data=form, allow_redirects=False)
    assert answer.headers["location"].endswith("done=discarded&n=0&failed=1")
    assert state_of(ill, dead)["state"] == "failed"
    assert "mine now" not in page(ill, "/audit")


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
