# SPDX-License-Identifier: Apache-2.0
"""Addresses that get no mail: what bounces and complaints do, who is told, and how it ends. The fixture
addresses_delivery stands for the channel that hears of them."""
import html
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import people
from support.config import base
from support.events import case
from support.paths import SRC
from support.wait import until

OK = 0
BOUNCED, SOFT, COMPLAINED = 1, 2, 3
LIST = "/v1/acme/suppressions"
SAID = "550 5.1.1 <ann@acme.example>: no such user"


def statuses():
    """The numbers of belfry_status, from the public header."""
    text = (SRC / "core/include/belfry/plugin.h").read_text()
    return {name: int(number) for name, number in re.findall(r"XX\((\w+), (-?\d+), ", text)}


STATUS = statuses()


def config():
    made = base()
    made["channels"]["post"] = {"plugin": "addresses_delivery"}
    made["rules"].append({"name": "letters", "when": {"category": ["news", "trouble"]},
                          "deliver": [{"via": "post", "after": "5m", "unless": ["seen"]}]})
    made["rules"].append({"name": "outside", "when": {"data.record.fields.kind": "fine"},
                          "deliver": [{"via": "post", "to": ["email:pat@shop.example"]}]})
    made["categories"]["trouble"]["required"] = True
    return made


@pytest.fixture
def hub(new_hub):
    return new_hub(config(), clock=True).start()


def ask(hub, call, org="acme", **body):
    """One call of the extension."""
    answer = hub.post(f"/v1/acme/addresses/{call}", people.token("reader"), json={"org": org, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def report(hub, what=BOUNCED, address="ann@acme.example", detail=SAID, **more):
    return ask(hub, "report", what=what, address=address, detail=detail, **more)["status"]


def mailed(hub, to="ann", kind="calm"):
    """A mail goes to somebody; its key."""
    hub.send(case(to, kind))
    hub.clock.advance("5m")
    letters = hub.get("/v1/acme/letters", people.token("reader")).json()
    return letters[-1]["key"]


def suppressed(hub, query="", org="acme", headers=None):
    answer = hub.get(f"/v1/{org}/suppressions{query}", headers or people.token("admin"))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def notices(hub, who="ann"):
    return [item for item in hub.items(who) if item["type"] == "hub.address_bounces"]


def delivery(hub, key):
    return hub.get(f"/v1/acme/deliveries/{key}", people.token("admin")).json()


def audit(hub, what):
    return hub.get(f"/v1/acme/audit?what={what}", people.token("admin")).json()["items"]


# --- what a bounce does -------------------------------------------------------------------------------------------

def test_a_bounce_ends_mail_and_tells_the_person_in_the_inbox(hub):
    key = mailed(hub)
    assert delivery(hub, key)["state"] == "delivered"
    assert report(hub, delivery=key) == report(hub, delivery=key) == OK
    failed = delivery(hub, key)
    assert (failed["state"], failed["detail"]) == ("failed", "bounced: " + SAID)
    (row,) = suppressed(hub)
    assert row == {"address": "ann@acme.example", "username": "ann", "category": None, "reason": "bounced",
                   "detail": SAID, "since": row["since"], "delivery": key}
    (notice,) = notices(hub)
    assert notice["category"] == "hub" and notice["severity"] == "warning" and notice["unread"]
    assert notice["subject"] == "user/ann" and notice["title"] == "Mail to your address comes back"
    opened = hub.get(notice["href"], hub.person("ann"))
    assert opened.status_code == 303 and opened.headers["location"].endswith("/acme/preferences")
    german = hub.get(f"/v1/acme/notifications/{notice['id']}", {**hub.person("ann"), "Accept-Language": "de"}).json()
    assert german["title"] == "E-Mails an Ihre Adresse kommen zurück"
    assert notices(hub, "bob") == notices(hub, "root") == [], "it is hers alone"
    hub.send(case("ann"))
    hub.clock.advance("5m")
    (last,) = hub.deliveries("?state=suppressed_address")
    assert last["detail"] == f"mail to this address came back on {row['since']}: {SAID}"
    assert len(hub.get("/v1/acme/letters", people.token("reader")).json()) == 1
    assert mailed(hub, "bob") and len(hub.get("/v1/acme/letters", people.token("reader")).json()) == 2


def test_five_mails_that_come_back_for_now(hub):
    for n in range(5):
        assert suppressed(hub) == [] and notices(hub) == []
        key = mailed(hub)
        assert report(hub, SOFT, delivery=key, detail="452 4.2.2 mailbox full") == OK
        assert report(hub, SOFT, delivery=key, detail="452 4.2.2 mailbox full") == OK
        hub.clock.advance("1d")
    (row,) = suppressed(hub)
    assert row["detail"] == "5 mails within 14 days, the last one said: 452 4.2.2 mailbox full"
    assert len(notices(hub)) == 1


def test_what_comes_back_for_now_is_forgotten_after_a_fortnight(hub):
    for n in range(8):
        assert report(hub, SOFT, delivery=mailed(hub)) == OK
        hub.clock.advance("4d")
    assert suppressed(hub) == []


def test_required_mail_does_not_go_to_an_address_that_bounces_either(hub):
    assert report(hub, delivery=mailed(hub, "ann", "odd")) == OK
    hub.send(case("ann", "odd"))
    hub.clock.advance("5m")
    assert len(hub.deliveries("?state=suppressed_address")) == 1


def test_a_complaint(hub):
    key = mailed(hub)
    assert report(hub, COMPLAINED, detail="abuse", delivery=key) == OK
    assert delivery(hub, key)["state"] == "delivered", "it did arrive"
    assert [row["reason"] for row in suppressed(hub)] == ["complained"]
    assert [notice["title"] for notice in notices(hub)] == ["You get no more mail from here"]


def test_reports_that_are_not_about_us_change_nothing(hub):
    key = mailed(hub)
    forged = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert report(hub, delivery=forged) == STATUS["ENOTFOUND"]
    assert report(hub, delivery="x") == STATUS["ENOTFOUND"]
    assert report(hub, org="nowhere") == STATUS["ENOTFOUND"]
    assert report(hub, org="globex", delivery=key) == STATUS["ENOTFOUND"]
    assert report(hub, what=9) == STATUS["EINVAL"]
    assert suppressed(hub) == [] and suppressed(hub, org="globex", headers=people.token("other")) == []
    assert delivery(hub, key)["state"] == "delivered" and audit(hub, "suppression.add") == []


def test_what_is_known_of_a_mail(hub):
    assert ask(hub, "delivery", delivery=mailed(hub)) == {
        "status": OK, "org": "acme", "username": "ann", "address": "ann@acme.example", "category": "news"}
    hub.send(case("bob", "fine"))
    hub.clock.advance("5m")
    letter = next(l for l in hub.get("/v1/acme/letters", people.token("reader")).json() if not l["to"])
    assert ask(hub, "delivery", delivery=letter["key"]) == {
        "status": OK, "org": "acme", "username": "", "address": "pat@shop.example", "category": "news"}
    assert ask(hub, "delivery", delivery="00000000-0000-7000-8000-000000000000")["status"] == STATUS["ENOTFOUND"]


# --- and its end --------------------------------------------------------------------------------------------------

def test_the_person_allows_mail_again(hub):
    assert report(hub, delivery=mailed(hub)) == OK
    page = hub.get("/acme/preferences", hub.person("ann")).text
    assert "Mail to ann@acme.example came back on" in page and html.escape(SAID) in page
    german = hub.get("/acme/preferences", {**hub.person("ann"), "Accept-Language": "de"}).text
    assert "Eine E-Mail an ann@acme.example kam am" in german and "Wieder E-Mails an diese Adresse senden" in german
    assert "came back" not in hub.get("/acme/preferences", hub.person("bob")).text
    assert hub.post("/acme/preferences/address", hub.person("bob")).status_code == 303, "he has nothing to allow"
    assert len(suppressed(hub)) == 1
    answer = hub.post("/acme/preferences/address", hub.person("ann"))
    assert answer.status_code == 303 and answer.headers["location"].endswith("/acme/preferences?trusted=1")
    assert "Mail goes to your address again." in hub.get("/acme/preferences?trusted=1", hub.person("ann")).text
    assert suppressed(hub) == []
    assert [notice["validity"] for notice in notices(hub)] == ["withdrawn"]
    (row,) = audit(hub, "suppression.delete")
    assert row["who"] == "person:ann" and row["detail"] == {"count": 1, "username": "ann"}
    assert mailed(hub) and hub.deliveries("?state=suppressed_address") == []


def test_an_admin_takes_addresses_off_the_list(hub):
    assert report(hub, delivery=mailed(hub)) == report(hub, address="pat@shop.example") == OK
    assert [row["address"] for row in suppressed(hub)] == ["pat@shop.example", "ann@acme.example"]
    assert [row["address"] for row in suppressed(hub, "?address=ANN@acme.example")] == ["ann@acme.example"]
    assert suppressed(hub, "?reason=complained") == [] and len(suppressed(hub, "?reason=bounced")) == 2
    first = hub.get(LIST + "?limit=1", people.token("reader")).json()
    rest = hub.get(f"{LIST}?limit=1&before={first['next']}", people.token("reader")).json()
    assert [rest["items"][0]["address"], rest["next"]] == ["ann@acme.example", None]
    wrong = [("GET", "?reason=manual", 400), ("GET", "?limit=0", 400), ("GET", "?before=x", 400), ("DELETE", "", 400),
             ("DELETE", "?address=", 400), ("DELETE", "?address=who@acme.example", 404),
             ("DELETE", "?address=ann@acme.example&category=news", 404)]
    for method, query, status in wrong:
        assert hub.request(method, LIST + query, people.token("admin")).status_code == status, query
    assert hub.request("DELETE", LIST + "?address=Ann@acme.example", people.token("admin")).status_code == 204
    assert hub.request("DELETE", LIST + "/pat@shop.example", people.token("admin")).status_code == 204
    assert hub.request("DELETE", LIST + "/pat@shop.example", people.token("admin")).status_code == 404
    assert suppressed(hub) == [] and [n["validity"] for n in notices(hub)] == ["withdrawn"]
    rows = [(row["who"], row["detail"]) for row in audit(hub, "suppression.delete")]
    assert rows == [("token:admin-app", {"count": 1, "address": "p…@shop.example"}),
                    ("token:admin-app", {"count": 1, "address": "A…@acme.example"})]


def test_the_console_lists_them_and_takes_one_off(hub):
    def page(query="", **more):
        return hub.get("/acme/admin/suppressions" + query, {**hub.person("root", **more), "Accept": "text/html"})

    assert "Mail goes to every address." in page().text
    assert report(hub, delivery=mailed(hub)) == OK
    ask(hub, "stop", address="pat@shop.example", category="news")
    text = page().text
    for said in ["ann@acme.example", "mail came back", html.escape(SAID), "pat@shop.example", "wants no mail", "news"]:
        assert said in text, said
    assert "<script>" not in text and text.count('action="/acme/admin/suppressions"') == 3, "two rows and the filters"
    assert "pat@shop.example" not in page("?reason=bounced").text and page("?reason=odd").status_code == 400
    assert "No address on the list matches." in page("?address=who@acme.example").text
    assert "Entfernen<span" in page(locale="de").text
    sheet = page("?format=csv")
    assert sheet.headers["content-type"].startswith("text/csv") and sheet.text.splitlines()[0] == (
        "address,username,category,reason,since,detail,delivery")
    assert len(sheet.text.splitlines()) == 3
    done = hub.post("/acme/admin/suppressions", hub.person("root"), data={"address": "ann@acme.example"})
    assert done.status_code == 303 and "done=released" in done.headers["location"]
    path = done.headers["location"].split("/acme/admin/suppressions")[1]
    assert "Mail goes to the address again." in page(path).text
    assert [row["address"] for row in suppressed(hub)] == ["pat@shop.example"]
    gone = hub.post("/acme/admin/suppressions", hub.person("root"), data={"address": "ann@acme.example"})
    assert gone.status_code == 404 and "not on the list" in gone.text
    assert hub.post("/acme/admin/suppressions", hub.person("root"), data={}).status_code == 400
    assert hub.post("/acme/admin/suppressions", people.token("reader"), data={"address": "x"}).status_code == 403


def test_another_address_is_not_suppressed(hub):
    def dora(email):
        answer = hub.request("PUT", "/v1/acme/users/dora", people.token("users"), json={"email": email})
        assert answer.status_code == 200, answer.text

    dora("dora@old.example")
    assert report(hub, address="dora@old.example", delivery=mailed(hub, "dora")) == OK
    dora("dora@old.example")
    assert [notice["validity"] for notice in notices(hub, "dora")] == ["valid"]
    dora("dora@new.example")
    assert [notice["validity"] for notice in notices(hub, "dora")] == ["withdrawn"]
    assert "came back" not in hub.get("/acme/preferences", hub.person("dora")).text
    key = mailed(hub, "dora")
    assert delivery(hub, key)["state"] == "delivered"
    assert report(hub, address="dora@old.example", delivery=key) == OK
    assert [notice["validity"] for notice in notices(hub, "dora")] == ["withdrawn"], "a late bounce of the old one"


def test_another_address_in_yaml(hub):
    assert report(hub, delivery=mailed(hub)) == OK
    hub.config["orgs"]["acme"]["users"]["ann"]["email"] = "ann@new.example"
    hub.write_config()
    assert hub.reload().status_code == 200
    assert [notice["validity"] for notice in notices(hub)] == ["withdrawn"]


def test_nothing_is_left_of_who_was_erased(hub):
    hub.request("PUT", "/v1/acme/users/dora", people.token("users"), json={"email": "dora.q@secret.example"})
    keys = [mailed(hub, "dora"), mailed(hub, "dora")]
    assert report(hub, address="dora.q@secret.example", detail="dora.q@secret.example: unknown", delivery=keys[0]) == OK
    assert report(hub, SOFT, address="dora.q@secret.example", delivery=keys[1]) == OK
    assert suppressed(hub)
    assert hub.request("DELETE", "/v1/acme/users/dora", people.token("users")).status_code == 204
    assert suppressed(hub) == []
    assert report(hub, address="dora.q@secret.example", delivery=keys[1]) == STATUS["ENOTFOUND"], "and none comes back"
    hub.stop()
    with sqlite3.connect(hub.data_dir / "belfry.db") as database:
        rows = "\n".join(database.iterdump())
    assert "A calm case for dora" in rows and "secret.example" not in rows, "in no table, the audit included"
    hub.start()


def test_it_outlives_the_process(hub):
    assert report(hub, delivery=mailed(hub)) == OK
    hub.kill()
    hub.start()
    assert [row["address"] for row in suppressed(hub)] == ["ann@acme.example"]
    assert [notice["validity"] for notice in notices(hub)] == ["valid"]


# --- what people say through a mail -------------------------------------------------------------------------------

def preferences(hub, who="ann"):
    return hub.get("/v1/acme/preferences", hub.person(who)).json()


def test_a_person_stops_a_category(hub):
    state = ask(hub, "state", username="ann", category="news", language="en")
    assert state == {"status": OK, "off": False, "required": False, "changed": False, "label": "News",
                     "address": "ann@acme.example", "before": ""}
    stopped = ask(hub, "stop", username="ann", category="news")
    assert stopped["off"] and stopped["changed"] and preferences(hub)["email"] == {"news": "off"}
    again = ask(hub, "stop", username="ann", category="news")
    assert again["off"] and not again["changed"]
    assert re.search(r'name="email:news" value="off" checked', hub.get("/acme/preferences", hub.person("ann")).text)
    hub.send(case("ann"))
    hub.clock.advance("5m")
    assert len(hub.deliveries("?state=suppressed_preference")) == 1
    back = ask(hub, "restore", username="ann", category="news", before=stopped["before"])
    assert not back["off"] and back["changed"] and preferences(hub)["email"] == {}
    assert [(r["who"], r["detail"]) for r in audit(hub, "mail.stop")] == [
        ("mail link", {"username": "ann", "category": "news"})]
    assert len(audit(hub, "mail.restore")) == 1


def test_a_person_stops_everything_that_can_be_stopped(hub):
    hub.request("PUT", "/v1/acme/preferences", hub.person("ann"), json={"email": {"news": "digest"}})
    assert ask(hub, "stop", username="ann", category="trouble")["status"] == STATUS["EPERM"]
    stopped = ask(hub, "stop", username="ann")
    assert stopped["off"] and preferences(hub)["default"] == "off" and preferences(hub)["email"] == {"news": "off"}
    required = ask(hub, "state", username="ann", category="trouble")
    assert required["required"] and not required["off"]
    hub.send(case("ann", "odd"))
    hub.clock.advance("5m")
    assert len(hub.get("/v1/acme/letters", people.token("reader")).json()) == 1, "required mail goes on"
    ask(hub, "restore", username="ann", before=stopped["before"])
    assert preferences(hub)["default"] is None and preferences(hub)["email"] == {"news": "digest"}


def test_somebody_outside_stops_a_category(hub):
    def mail():
        hub.send(case("bob", "fine"))
        hub.clock.advance("5m")
        return [l for l in hub.get("/v1/acme/letters", people.token("reader")).json() if l["email"] == "pat@shop.example"]

    assert len(mail()) == 1
    stopped = ask(hub, "stop", address="Pat@shop.example", category="news")
    assert stopped["off"] and stopped["changed"] and stopped["address"] == "Pat@shop.example"
    (row,) = suppressed(hub)
    assert (row["address"], row["category"], row["reason"]) == ("pat@shop.example", "news", "unsubscribed")
    assert len(mail()) == 1
    (held,) = hub.deliveries("?state=suppressed_address")
    assert held["recipient"] == "pat@shop.example" and "no more mail was asked for" in held["detail"]
    assert not ask(hub, "state", address="pat@shop.example", category="trouble")["off"]
    assert ask(hub, "restore", address="pat@shop.example", category="news", before=stopped["before"])["changed"]
    assert len(mail()) == 2


def test_a_bounce_is_not_taken_back_by_a_link(hub):
    assert report(hub, address="pat@shop.example") == OK
    ask(hub, "stop", address="pat@shop.example")
    back = ask(hub, "restore", address="pat@shop.example", before="")
    assert back["off"] and [row["reason"] for row in suppressed(hub)] == ["bounced"]


def test_who_unsubscribed_as_an_outsider_still_gets_what_a_person_gets(hub):
    ask(hub, "stop", address="ann@acme.example")
    assert mailed(hub)


def test_nobody_of_that_name(hub):
    for body in [{"username": "zoe"}, {"username": "ann", "org": "nowhere"}]:
        for what in ["state", "stop", "restore"]:
            assert ask(hub, what, category="news", **body)["status"] == STATUS["ENOTFOUND"], body
    assert ask(hub, "stop", address="no address")["status"] == STATUS["EINVAL"]


# --- explained ----------------------------------------------------------------------------------------------------

def test_explain_says_so_before_and_after(hub):
    assert report(hub, delivery=mailed(hub)) == OK
    ask(hub, "stop", address="pat@shop.example", category="news")
    hub.send(case("ann", "fine", event_id="e-1"))
    event = hub.events()[0]["id"]

    def told(**body):
        story = hub.post("/v1/acme/explain", people.token("admin"), json=body).json()
        story = story["events"][0] if "events" in story else story
        return {r["recipient"]: (d["outcome"], d["reason"]) for r in story["recipients"] for d in r["deliveries"]
                if d["channel"] == "post"}

    dry = told(source="crm", trigger=case("ann", "fine"))
    since = {row["address"]: row["since"] for row in suppressed(hub)}
    bounced = ("suppressed_address", f"mail to this address came back on {since['ann@acme.example']}: {SAID}")
    unsubscribed = ("suppressed_address", f"no more mail was asked for on {since['pat@shop.example']}")
    assert dry["ann"] == bounced and dry["pat@shop.example"] == unsubscribed
    hub.clock.advance("5m")
    after = told(event=event)
    assert after["ann"] == bounced and after["pat@shop.example"] == unsubscribed


def test_both_at_once(hub):
    """A link is clicked twice, and the mail comes back: whoever comes second meets what the first one left."""
    key = mailed(hub)
    with ThreadPoolExecutor(8) as pool:
        stops = [pool.submit(ask, hub, "stop", username="ann", category="news") for _ in range(8)]
        reports = [pool.submit(report, hub, delivery=key) for _ in range(8)]
        assert sorted(s.result()["changed"] for s in stops) == [False] * 7 + [True]
        assert [r.result() for r in reports] == [OK] * 8
    assert len(suppressed(hub)) == len(notices(hub)) == len(audit(hub, "mail.stop")) == 1
    until(lambda: delivery(hub, key)["state"] == "failed", "the mail has failed")
