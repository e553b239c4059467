# SPDX-License-Identifier: Apache-2.0
"""Y4: mail only if the notification was not viewed in the inbox, and by the same rules of validity. Each boundary between
the questions is crossed on both sides: what is decided just before the one that asks counts, what comes after it is too
late. Beside it the mail half of I6, Y3 and P4."""
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from support import people
from support.config import base, with_mail
from support.events import case, cloud_event, updated, record_of
from support.smtp import HOLD
from support.wait import until

WAITS = {"after": "5m", "unless": ["seen", "handled"]}
AT_ONCE = {"after": "0s", "unless": ["seen", "handled"]}


def config(smtp, deliver=WAITS, **options):
    made = with_mail(base(), smtp, deliver=deliver, **options)
    made["orgs"]["acme"]["users"]["mona"]["email"] = "mona@acme.example"
    made["sources"]["deals"] = {"plugin": "approval"}
    made["sources"]["hr-sync"] = {"plugin": "sync", "overview_valid_for": "1h"}
    return made


@pytest.fixture
def hub(new_hub, smtp):
    return new_hub(config(smtp), clock=True).start()


def tell(hub, name, to="ann", kind="calm"):
    """The inbox row of a new event."""
    hub.send(case(to, kind, name))
    return next(i for i in hub.items(to, roles=["sales-manager"]) if i["title"] == name)


def ways(hub, title):
    """What became of the mails about it, whoever they were to."""
    event = next(e for e in hub.events() if e["title"] == title)
    return [d for r in hub.story(event["id"])["recipients"] for d in r["deliveries"] if d["channel"] == "mail"]


def way(hub, title):
    mail, = ways(hub, title)
    return mail


def ends(hub, title, outcome):
    return until(lambda: (found := way(hub, title))["outcome"] == outcome and found, f"{title}: {outcome}")


def subjects(smtp):
    return [mail["Subject"] for mail in smtp.all_mails()]


# --- Y4: viewed -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["seen", "read", "hide"])
def test_what_was_viewed_just_before_its_mail_was_due_is_not_mailed(hub, smtp, how):
    row = tell(hub, "Looked at in time")
    hub.clock.advance("299999ms")
    assert way(hub, row["title"])["outcome"] == "scheduled"
    hub.seen("ann", row["id"]) if how == "seen" else hub.mark("ann", row["id"], how)
    hub.clock.advance("1h")
    assert ends(hub, row["title"], "viewed") and smtp.sessions == [], "not even a connection was made"


def test_what_was_not_viewed_is_mailed_when_it_is_due_and_not_before(hub, smtp):
    row = tell(hub, "Not looked at")
    hub.clock.advance("299999ms")
    assert smtp.sessions == []
    hub.clock.advance("1ms")
    mail, = smtp.wait(1)
    assert mail["Subject"] == row["title"] and mail.recipients == ["ann@acme.example"]
    hub.seen("ann", row["id"])
    ends(hub, row["title"], "delivered")


def test_what_is_viewed_while_its_mail_waits_for_a_free_connection_is_not_mailed(new_hub, smtp):
    """Due is not sent: a claim asks again, and there is none before a connection, and the place behind it, are free."""
    one = [{"url": smtp.url(), "connections": 1}]
    hub = new_hub(config(smtp, AT_ONCE, servers=one)).start()
    smtp.script("MAIL", HOLD)
    rows = [tell(hub, "Takes the connection", to="ann")]
    smtp.wait_for("MAIL")
    rows.append(tell(hub, "Is next", to="mona"))
    ends(hub, "Is next", "sending")
    rows.append(tell(hub, "Waits in the hub", to="bob"))
    assert [way(hub, row["title"])["outcome"] for row in rows] == ["sending", "sending", "scheduled"]
    hub.seen("bob", rows[2]["id"])
    smtp.release()
    ends(hub, "Takes the connection", "delivered")
    ends(hub, "Is next", "delivered")
    ends(hub, "Waits in the hub", "viewed")
    assert subjects(smtp) == ["Takes the connection", "Is next"]


def test_what_is_viewed_when_the_mail_is_with_the_server_cannot_be_stopped_any_more(new_hub, smtp):
    """The documented window: from the claim to the server's answer."""
    hub = new_hub(config(smtp, AT_ONCE)).start()
    smtp.script(".", HOLD)
    row = tell(hub, "Too late")
    smtp.wait_for(".")
    hub.seen("ann", row["id"])
    smtp.release()
    ends(hub, row["title"], "delivered")
    assert subjects(smtp) == [row["title"]]


def test_what_is_viewed_between_two_attempts_is_not_tried_again(hub, smtp):
    smtp.script("RCPT", "450 4.2.0 later")
    row = tell(hub, "Greylisted")
    hub.clock.advance("5m")
    ends(hub, row["title"], "retrying")
    attempts = smtp.count("RCPT")
    hub.seen("ann", row["id"])
    hub.clock.advance("1d")
    ends(hub, row["title"], "viewed")
    assert smtp.count("RCPT") == attempts and subjects(smtp) == []


def test_a_decision_of_somebody_else_stops_the_mail_of_the_other_approvers(hub, smtp):
    step = {"name": "Sales", "approvers": ["ann", "bob"], "needs": "any"}
    deal = {"id": "d-1", "title": "12 % for Harbour Cranes", "url": "https://deals.example/d-1", "submitter": "carl",
            "steps": [step]}
    hub.send(cloud_event("approval.submitted", {"approval": deal}), "deals")
    hub.clock.advance("299999ms")
    hub.send(cloud_event("approval.decided", {"approval": {"id": "d-1"}, "by": "ann", "decision": "approved"}), "deals")
    hub.clock.advance("1h")
    asked = next(e for e in hub.events() if e["type"] == "approval.requested")
    outcomes = {r["recipient"]: [d["outcome"] for d in r["deliveries"] if d["channel"] == "mail"]
                for r in hub.story(asked["id"])["recipients"]}
    assert outcomes == {"ann": ["handled"], "bob": ["handled"]}
    assert all("Harbour" not in (mail["Subject"] or "") or mail.recipients != ["bob@acme.example"]
               for mail in smtp.all_mails())


# --- the same rules of validity ---------------------------------------------------------------------------------------------

def overview(hub, run, admin="ann"):
    hub.send(cloud_event("sync.started", {"run": {"id": run, "kind": "overview", "admin": admin}}), "hr-sync")
    hub.clock.advance("2m")
    hub.send(cloud_event("sync.finished", {"run": {"id": run}, "outcome": "succeeded",
                                           "url": f"https://hr.example/{run}"}), "hr-sync")
    return next(i for i in hub.items(admin) if i["type"] == "sync.overview_ready" and i["validity"] == "valid")


@pytest.mark.parametrize("after, outcome", [("3540s", "delivered"), ("3540001ms", "expired")])
def test_a_mail_goes_out_only_if_what_it_is_about_is_valid_for_a_minute_more(new_hub, smtp, after, outcome):
    hub = new_hub(config(smtp, {"after": after, "unless": []}), clock=True).start()
    row = overview(hub, "o-1")
    hub.clock.advance(after)
    ends(hub, row["title"], outcome)
    assert len(smtp.all_mails()) == (outcome == "delivered")


def test_what_is_replaced_just_before_its_mail_was_due_is_not_mailed(hub, smtp):
    row = overview(hub, "o-1")
    hub.clock.advance("299999ms")
    hub.send(cloud_event("sync.started", {"run": {"id": "o-2", "kind": "overview", "admin": "carl"}}), "hr-sync")
    hub.clock.advance("1h")
    assert way(hub, row["title"])["outcome"] in ("superseded", "expired") and smtp.sessions == []


def test_what_is_withdrawn_just_before_its_mail_was_due_is_not_mailed(hub, smtp):
    first = cloud_event("record.created", {"record": {"object": "Lead", "id": "L-1", "owner": "ann", "created_by": "carl",
                                                      "url": "https://crm.example/L-1", "fields": {"name": "Northwind"}}})
    hub.send(first)
    title = hub.items("ann", "record.assigned")[0]["title"]
    hub.clock.advance("299999ms")
    hub.send(updated(record_of(first), owner="carl"))
    hub.clock.advance("1h")
    outcomes = {d["outcome"] for e in hub.events() if e["title"] == title for r in hub.story(e["id"])["recipients"]
                if r["recipient"] == "ann" for d in r["deliveries"] if d["channel"] == "mail"}
    assert outcomes == {"withdrawn"} and not smtp.mails("ann@acme.example")


# --- the other gates, each just before it is asked ----------------------------------------------------------------------------

def test_a_choice_made_just_before_the_mail_was_due_counts(hub, smtp):
    row = tell(hub, "Not wanted")
    hub.clock.advance("299999ms")
    chosen = hub.request("PUT", "/v1/acme/preferences", hub.person("ann"), json={"email": {"news": "off"}})
    assert chosen.status_code == 200
    hub.clock.advance("1h")
    ends(hub, row["title"], "suppressed_preference")
    assert smtp.sessions == []


def test_a_pause_begun_just_before_the_mail_was_due_counts(hub, smtp):
    row = tell(hub, "On holiday")
    hub.clock.advance("299999ms")
    hub.request("PUT", "/v1/acme/preferences", hub.person("ann"), json={"pause_until": "2099-01-01"})
    hub.clock.advance("1h")
    assert smtp.sessions == [] and way(hub, row["title"])["outcome"] == "suppressed_preference"


# --- I6: mail preferences are independent of the always-on inbox ---------------------------------------------------------------

def test_who_wants_no_mail_of_a_category_finds_all_of_it_in_the_inbox(hub, smtp):
    hub.request("PUT", "/v1/acme/preferences", hub.person("ann"), json={"email": {"news": "off"}, "default": "unseen"})
    quiet, loud = tell(hub, "Only in the inbox", kind="calm"), tell(hub, "In both", kind="bad")
    hub.clock.advance("5m")
    smtp.wait(1)
    ends(hub, quiet["title"], "suppressed_preference")
    assert subjects(smtp) == [loud["title"]]
    assert hub.titles("ann") == [loud["title"], quiet["title"]] and hub.unread("ann") == 2


# --- Y3: the same page from mail ---------------------------------------------------------------------------------------------------

def links(mail):
    """Paths of our own that the plain text names."""
    return re.findall(r"http://hub\.test(/\S+)", mail.part("plain"))


def test_the_link_of_a_mail_still_opens_when_it_is_no_longer_valid_and_says_so(hub, smtp):
    row = overview(hub, "o-1")
    hub.clock.advance("5m")
    mail, = smtp.wait(1)
    path, = {link for link in links(mail) if "/n/" in link}
    assert path == row["href"], "the link of the inbox, where the role and validity are asked again"
    opened = hub.get(path, hub.person("ann"))
    assert opened.status_code == 303 and opened.headers["Location"] == "https://hr.example/o-1"
    hub.clock.advance("1h")
    late = hub.get(path, hub.person("ann"))
    assert late.status_code == 410 and "no longer valid" in late.text
    assert hub.get(path, hub.person("bob")).status_code == 404, "a forwarded mail opens nothing"


# --- P4: some categories only for managers --------------------------------------------------------------------------------------------

SECRET = "Commission of everybody"


def everything(smtp):
    """All that the server was ever told, encoded or not."""
    return "\n".join(" ".join(s.commands) for s in smtp.sessions) + "\n".join(
        f"{mail['Subject']}\n{mail.data.decode()}\n{mail.part('plain')}" for mail in smtp.all_mails())


def test_nothing_of_a_category_for_managers_is_mailed_to_others(hub, smtp):
    hub.send([case("bob", "secret", SECRET), case("mona", "secret", "For Mona"), case("bob", "bad", "For Bob")])
    hub.clock.advance("5m")
    smtp.wait(2)
    assert {mail.recipient: mail["Subject"] for mail in smtp.all_mails()} == {
        "mona@acme.example": "For Mona", "bob@acme.example": "For Bob"}
    said = everything(smtp)
    assert SECRET not in said and way(hub, SECRET)["outcome"] == "suppressed_role"
    bob = next(mail for mail in smtp.all_mails() if mail.recipient == "bob@acme.example")
    assert "CALC_BLOCKED" not in bob.data.decode() and "Calculation" not in bob.part("plain")


def test_a_role_that_is_lost_just_before_the_mail_was_due_is_asked_for_again(new_hub, smtp):
    made = config(smtp)
    hub = new_hub(made, clock=True).start()
    hub.request("PUT", "/v1/acme/users/zoe", people.token("users"),
                json={"email": "zoe@acme.example", "roles": ["sales-manager"]})
    hub.send(case("zoe", "secret", SECRET))
    hub.clock.advance("299999ms")
    hub.request("PUT", "/v1/acme/users/zoe", people.token("users"), json={"email": "zoe@acme.example", "roles": []})
    hub.clock.advance("1h")
    ends(hub, SECRET, "suppressed_role")
    assert smtp.sessions == []


@pytest.mark.parametrize("gathered", ["digest", "quiet hours"])
def test_what_is_gathered_is_asked_item_by_item(new_hub, smtp, gathered):
    """A manager until noon: the digest of the next morning has only what is still theirs to see."""
    made = config(smtp)
    hub = new_hub(made, clock=True).start()
    put = lambda roles: hub.request("PUT", "/v1/acme/users/zoe", people.token("users"),  # noqa: E731
                                    json={"email": "zoe@acme.example", "roles": roles})
    hub.clock.set(int(datetime(2031, 3, 5, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000))
    put(["sales-manager"])
    chosen = ({"default": "digest", "digest": {"hour": 8}} if gathered == "digest" else
              {"quiet": {"from": "11:00", "to": "14:00"}})
    answer = hub.request("PUT", "/v1/acme/preferences", hub.person("zoe"), json=chosen)
    assert answer.status_code == 200, answer.text
    hub.send([case("zoe", "secret", SECRET), case("zoe", "bad", "The first"), case("zoe", "bad", "The second")])
    hub.clock.advance("6m")
    assert smtp.sessions == []
    put([])
    hub.clock.set(int(datetime(2031, 3, 5, 14, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000))
    assert gathered == "quiet hours" or smtp.sessions == []
    hub.clock.set(int(datetime(2031, 3, 6, 8, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000))
    mail, = smtp.wait(1)
    assert "The first" in mail.part("plain") and "The second" in mail.part("plain")
    assert SECRET not in everything(smtp) and "Calculation" not in everything(smtp)
    assert way(hub, SECRET)["outcome"] == "suppressed_role"
