# SPDX-License-Identifier: Apache-2.0
"""Whoever reads a mail can stop it: by one click of their mail program (RFC 8058), by the page behind the link, or by a
mail. What only looks changes nothing; what is pressed counts for the very next mail."""
import html
import re
import time

import pytest
import requests

from support import people
from support.config import base, with_mail
from support.events import case
from support.paths import PATIENCE
from support.wait import until

DAY = 24 * 3600
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
GERMAN = {"Accept-Language": "de-DE,de;q=0.9"}


def config(smtp, **options):
    made = with_mail(base(), smtp, bounce_domain="bounce.hub.example", **options)
    made["sources"]["billing"] = {"plugin": "invoice", "chasers": ["0d"]}
    made["categories"]["trouble"]["required"] = True
    return made


@pytest.fixture
def hub(new_hub, smtp):
    return new_hub(config(smtp), clock=True).start()


def mail_to(hub, smtp, who="ann", kind="calm", name="Told"):
    """The mail about something new. Its address has to be in the directory."""
    count = len(smtp.mails()) + 1
    hub.send(case(who, kind, name))
    return smtp.wait(count)[-1]


def link_of(mail):
    """The path of the page, as the header has it."""
    return re.search(r"<https?://[^/]+(/[^>]*)>", mail["List-Unsubscribe"])[1]


def outcome(hub, name):
    """What became of the mail about it."""
    event = next(e for e in hub.events() if e["title"] == name)
    found = [d for r in hub.story(event["id"])["recipients"] for d in r["deliveries"] if d["channel"] == "mail"]
    return found[0]["outcome"]


def ends(hub, name, wanted):
    return until(lambda: outcome(hub, name) == wanted, f"{name}: {wanted}")


def chosen(hub, who="ann"):
    return hub.get("/v1/acme/preferences", hub.person(who)).json()["email"]


def browser(hub, method, path, **options):
    """Without a session and without whatever the hub's own client remembers."""
    options.setdefault("headers", {})
    options["headers"].setdefault("Accept", "text/html")
    return requests.request(method, hub.url + path, timeout=PATIENCE, allow_redirects=False, **options)


def press(hub, path, page, **fields):
    """Posts the form of the page that has this button, with its hidden fields."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return browser(hub, "POST", path, data={**{k: html.unescape(v) for k, v in hidden.items()}, **fields})


# --- looking --------------------------------------------------------------------------------------------------------

def test_looking_changes_nothing_however_often_and_by_whom(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    before = chosen(hub)
    for headers in [{}, {"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}, {"Sec-Fetch-Dest": "document"}]:
        page = browser(hub, "GET", path, headers=headers)
        assert page.status_code == 200 and "a…@acme.example" in page.text and "ann@" not in page.text
        assert browser(hub, "HEAD", path, headers=headers).content == b""
    browser(hub, "GET", path + "?List-Unsubscribe=One-Click&do=all")
    assert chosen(hub) == before
    assert mail_to(hub, smtp, name="Still told").recipient == "ann@acme.example"


def test_the_page_is_for_nobody_else(hub, smtp):
    page = browser(hub, "GET", link_of(mail_to(hub, smtp)))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in page.headers and "<script" not in page.text


def test_the_page_speaks_the_readers_language(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    page = browser(hub, "GET", path, headers=GERMAN)
    assert page.headers["Content-Language"] == "de" and "E-Mails zu „News“ abbestellen" in page.text
    stopped = browser(hub, "POST", path, data={"do": "category"}, headers=GERMAN)
    assert "Sie erhalten keine E-Mails zu „News“ mehr." in stopped.text


# --- one click ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}],
                         ids=["urlencoded", "multipart"])
def test_one_click_stops_the_next_mail_of_that_category_and_no_other(hub, smtp, how):
    mail = mail_to(hub, smtp)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    answer = browser(hub, "POST", link_of(mail), **how)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain")
    assert len(answer.text) < 100 and "Set-Cookie" not in answer.headers
    assert chosen(hub) == {"news": "off"}
    hub.send(case("ann", "calm", "Not mailed"))
    ends(hub, "Not mailed", "suppressed_preference")
    assert "Not mailed" in hub.titles("ann"), "the inbox is not governed by it"
    assert len(smtp.mails()) == 1
    assert mail_to(hub, smtp, who="bob", name="Others").recipient == "bob@acme.example"


def test_twice_is_once(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    answers = [browser(hub, "POST", path, data=ONE_CLICK) for _ in range(3)]
    assert [a.status_code for a in answers] == [200] * 3 and len({a.text for a in answers}) == 1
    assert chosen(hub) == {"news": "off"}


def test_neither_a_cookie_nor_an_origin_counts(hub, smtp):
    """A provider sends none; those of somebody who is signed in here stand for nobody."""
    path = link_of(mail_to(hub, smtp))
    jwt = hub.person("bob")["Authorization"].split()[1]
    cookie = browser(hub, "GET", f"/acme/session?token={jwt}&next=/").headers["Set-Cookie"].split(";")[0]
    far = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for headers in [far, {"Cookie": cookie}, {"Cookie": cookie, **far}, hub.person("bob")]:
        assert browser(hub, "POST", path, data=ONE_CLICK, headers=headers).status_code == 200
    assert chosen(hub) == {"news": "off"} and chosen(hub, "bob") == {}


def test_what_is_no_token_is_nothing(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    token = path.rsplit("/", 1)[1]
    head, mac = token.rsplit(".", 1)
    forged = [f"/acme/u/{head}.{mac[:-2]}AA", f"/acme/u/{head}", "/acme/u/v1.x", f"/globex/u/{token}",
              f"/nowhere/u/{token}", f"/acme/u/{token}A", f"/acme/u/{token}/x"]
    unknown = browser(hub, "GET", "/acme/u2/x")
    for address in forged:
        for method, options in [("GET", {}), ("HEAD", {}), ("POST", {"data": ONE_CLICK})]:
            answer = browser(hub, method, address, **options)
            assert answer.status_code == 404, (method, address)
            if method == "GET" and address.startswith("/acme"):
                assert answer.text == unknown.text, "no hint"
    assert chosen(hub) == {}


def test_bodies_that_say_nothing_change_nothing(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    for body in ["", "List-Unsubscribe=one-click", "do=", "do=everything", "do=undo&what=category&before=%7B%7D"]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert browser(hub, "POST", path, data=body, headers=headers).status_code == 400, body
    assert browser(hub, "POST", path, data="x" * 40000).status_code == 413
    assert browser(hub, "PUT", path, data=ONE_CLICK).status_code == 405
    assert chosen(hub) == {}


# --- the page -------------------------------------------------------------------------------------------------------

def test_a_category_is_stopped_and_taken_up_again(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    hub.request("PUT", "/v1/acme/preferences", hub.person("ann"), json={"email": {"news": "digest"}})
    stopped = browser(hub, "POST", path, data={"do": "category"})
    assert stopped.status_code == 200 and chosen(hub) == {"news": "off"}
    back = press(hub, path, stopped, do="undo")
    assert back.status_code == 200 and chosen(hub) == {"news": "digest"}, "as it was before"


def test_all_mail_is_stopped_and_taken_up_again(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    stopped = browser(hub, "POST", path, data={"do": "all"})
    hub.send(case("ann", "secret", "Of another category"))
    ends(hub, "Of another category", "suppressed_preference")
    assert mail_to(hub, smtp, kind="bad", name="Required")["List-Unsubscribe"] is None
    assert press(hub, path, stopped, do="undo").status_code == 200
    assert mail_to(hub, smtp, name="Told again").recipient == "ann@acme.example"


def test_what_was_stopped_by_one_click_is_taken_up_on_the_page(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    browser(hub, "POST", path, data=ONE_CLICK)
    page = browser(hub, "GET", path)
    assert "E-mail about “News” is off." in page.text
    press(hub, path, page, do="undo")
    assert chosen(hub) == {}
    assert mail_to(hub, smtp, name="Told again").recipient == "ann@acme.example"


def test_a_category_that_became_required_says_that_it_cannot_be_stopped(hub, smtp):
    path = link_of(mail_to(hub, smtp))
    hub.config["categories"]["news"]["required"] = True
    hub.write_config()
    assert hub.reload().status_code == 200
    assert "cannot be stopped" in browser(hub, "GET", path).text
    assert browser(hub, "POST", path, data=ONE_CLICK).status_code == 403
    page = browser(hub, "POST", path, data={"do": "category"})
    assert page.status_code == 403 and "cannot be stopped" in page.text
    assert mail_to(hub, smtp, name="Told all the same").recipient == "ann@acme.example"


# --- outside addresses ----------------------------------------------------------------------------------------------

def issue(hub, number, email="pay@outside.example"):
    """The payer is reminded two days later."""
    invoice = {"id": number, "number": number, "owner": "carl", "payer": {"name": "Payer", "email": email},
               "amount_minor": 1000, "currency": "EUR", "url": f"https://pay.example/{number}",
               "due_on": time.strftime("%Y-%m-%d", time.gmtime(hub.now() + 2 * DAY))}
    hub.send({"specversion": "1.0", "id": f"issued-{number}", "source": "/tests", "type": "invoice.issued",
              "data": {"invoice": invoice}}, "billing")


def test_an_address_outside_stops_its_mail_by_its_own_link(hub, smtp):
    issue(hub, "R-1")
    hub.clock.advance("3d")
    mail = smtp.wait(1)[0]
    assert mail.recipient == "pay@outside.example"
    page = browser(hub, "GET", link_of(mail))
    assert "p…@outside.example" in page.text and "inbox" not in page.text
    stopped = browser(hub, "POST", link_of(mail), data={"do": "category"})
    assert stopped.status_code == 200
    listed = hub.get("/v1/acme/suppressions", people.token("all")).json()["items"]
    assert [s["address"] for s in listed] == ["pay@outside.example"]
    issue(hub, "R-2")
    hub.clock.advance("3d")
    until(lambda: [d for d in hub.deliveries("?state=suppressed_address&channel=mail")], "suppressed")
    assert len(smtp.mails()) == 1
    press(hub, link_of(mail), stopped, do="undo")
    assert hub.get("/v1/acme/suppressions", people.token("all")).json()["items"] == []


# --- whose page it is -----------------------------------------------------------------------------------------------

def test_each_mail_channel_answers_for_its_own_orgs(new_hub, smtp):
    made = config(smtp, orgs=["acme"])
    made["channels"]["other-mail"] = {**made["channels"]["mail"], "orgs": ["globex"], "from": "g@globex.example"}
    made["orgs"]["globex"]["users"]["ann"]["email"] = "ann@globex.example"
    line = {"via": "other-mail", "after": "0s", "unless": []}
    made["rules"].append({"name": "other-mail", "when": {}, "deliver": [line]})
    hub = new_hub(made, clock=True).start()
    ours = link_of(mail_to(hub, smtp))
    hub.send(case("ann", "calm", "In globex"), org="globex")
    theirs = link_of(smtp.wait(2)[-1])
    assert ours.startswith("/acme/u/") and theirs.startswith("/globex/u/")
    for path in (ours, theirs):
        assert browser(hub, "POST", path, data=ONE_CLICK).status_code == 200
        other = path.replace("/acme/", "/globex/") if "/acme/" in path else path.replace("/globex/", "/acme/")
        assert browser(hub, "GET", other).status_code == 404
    assert hub.get("/v1/globex/preferences", hub.person("ann", "globex")).json()["email"] == {"news": "off"}
