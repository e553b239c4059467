# SPDX-License-Identifier: Apache-2.0
"""What comes back: `belfry bounce` takes it from an MTA's pipe, and the hub ends mail to addresses that do not exist,
tells the person, and lets them take it up again. What nobody signed changes nothing, and nothing is ever sent back."""
import base64
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from support import people
from support.config import base, with_mail
from support.events import case
from support.paths import PATIENCE
from support.wait import until

NO_USER = "5.1.1"


@pytest.fixture
def hub(new_hub, smtp):
    made = with_mail(base(), smtp, bounce_domain="bounce.hub.example")
    return new_hub(made, clock=True).start()


def outcome(hub, name):
    event = next(e for e in hub.events() if e["title"] == name)
    found = [d for r in hub.story(event["id"])["recipients"] for d in r["deliveries"] if d["channel"] == "mail"]
    return found[0]["outcome"]


def ends(hub, name, wanted):
    return until(lambda: outcome(hub, name) == wanted, f"{name}: {wanted}")


def mail_to(hub, smtp, who="ann", kind="calm", name="Told"):
    count = len(smtp.mails()) + 1
    hub.send(case(who, kind, name))
    mail = smtp.wait(count)[-1]
    ends(hub, name, "delivered")
    return mail


def report(mail, status=NO_USER, action="failed", to=None, final=None):
    """A delivery status notification (RFC 3464) about the mail, to the sender of its envelope."""
    return f"""From: MAILER-DAEMON@mx.example
To: <{to or mail.sender}>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

It could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {final or mail.recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{mail.recipient}>: said so

--b1
Content-Type: message/rfc822

{mail.data.decode()}
--b1--
""".encode()


def complaint(mail, kind="abuse"):
    """An abuse report (RFC 5965) as providers redact it: neither sender nor recipient is left."""
    return f"""From: abuse@provider.example
To: fbl@hub.example
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

A complaint.

--b1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: test/1
Version: 1

--b1
Content-Type: text/rfc822-headers

To: redacted
Message-ID: {mail["Message-ID"]}

--b1--
""".encode()


def bounce(hub, message, *args):
    return subprocess.run(hub.command("bounce", *args), input=message,
                          capture_output=True, timeout=PATIENCE, env=hub.environment())


def taken(hub, message, *args):
    result = bounce(hub, message, *args)
    assert result.returncode == 0, result.stderr
    assert result.stdout == b""


def suppressions(hub):
    return [(s["address"], s["reason"]) for s in
            hub.get("/v1/acme/suppressions", people.token("all")).json()["items"]]


# --- addresses that do not exist ------------------------------------------------------------------------------------

def test_a_bounce_ends_mail_to_the_address_and_tells_its_owner(hub, smtp):
    mail = mail_to(hub, smtp, name="First")
    taken(hub, report(mail), "--recipient", mail.sender)
    assert suppressions(hub) == [("ann@acme.example", "bounced")]
    ends(hub, "First", "failed")
    hub.send(case("ann", "calm", "Second"))
    ends(hub, "Second", "suppressed_address")
    assert len(smtp.mails()) == 1
    notice, = hub.items("ann", "hub.address_bounces")
    assert notice["unread"]
    assert hub.items("bob", "hub.address_bounces") == []
    # the address works again: the operator takes it off, and mail goes out
    gone = hub.request("DELETE", "/v1/acme/suppressions/ann@acme.example", people.token("admin"))
    assert gone.status_code in (200, 204), gone.text
    assert mail_to(hub, smtp, name="Third").recipient == "ann@acme.example"


def test_without_a_recipient_the_header_says_which_mail_it_was(hub, smtp):
    mail = mail_to(hub, smtp)
    taken(hub, b"Delivered-To: " + mail.sender.encode() + b"\n" + report(mail, to="postmaster@hub.example"))
    assert suppressions(hub) == [("ann@acme.example", "bounced")]


def test_the_same_report_twice_is_one(hub, smtp):
    mail = mail_to(hub, smtp)
    for _ in range(3):
        taken(hub, report(mail))
    assert suppressions(hub) == [("ann@acme.example", "bounced")]
    assert len(hub.items("ann", "hub.address_bounces")) == 1


@pytest.mark.parametrize("change", [
    {"action": "delayed", "status": "4.4.1"}, {"action": "relayed", "status": "2.0.0"},
    {"action": "delivered", "status": "2.1.5"}, {"action": "expanded"}, {"status": "5.7.26"}], ids=str)
def test_reports_that_are_no_failure_of_the_address_change_nothing(hub, smtp, change):
    mail = mail_to(hub, smtp)
    taken(hub, report(mail, **change))
    assert suppressions(hub) == [] and outcome(hub, "Told") == "delivered"
    assert mail_to(hub, smtp, name="Told again")


def test_soft_bounces_suppress_when_there_are_five_of_them_in_two_weeks(hub, smtp):
    for n in range(5):
        assert suppressions(hub) == []
        taken(hub, report(mail_to(hub, smtp, name=f"Mail {n}"), status="5.2.2"))
        hub.clock.advance("2d")
    assert [address for address, _ in suppressions(hub)] == ["ann@acme.example"]


def test_a_forwarded_address_that_is_gone_counts_as_soft(hub, smtp):
    taken(hub, report(mail_to(hub, smtp), final="ann@elsewhere.example"))
    assert suppressions(hub) == []


# --- addresses that somebody had before -----------------------------------------------------------------------------

def live_at(hub, email):
    answer = hub.request("PUT", "/v1/acme/users/dora", people.token("users"), json={"email": email})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("what", ["no such address", "nobody named", "for now", "complaint"])
def test_what_comes_back_from_an_address_of_before_is_not_about_that_of_now(hub, smtp, what):
    live_at(hub, "dora@old.example")
    mails = [mail_to(hub, smtp, "dora", name=f"Mail {n}") for n in range(5)]
    live_at(hub, "dora@new.example")
    for mail in mails:
        assert mail.recipient == "dora@old.example"
        said = {"no such address": report(mail), "for now": report(mail, status="4.4.7"),
                "nobody named": report(mail).replace(b"Final-Recipient: rfc822; dora@old.example\n", b""),
                "complaint": complaint(mail)}[what]
        taken(hub, said, "--recipient", mail.sender)
    assert outcome(hub, "Mail 4") == ("delivered" if what == "complaint" else "failed")
    assert suppressions(hub) == [] and hub.items("dora", "hub.address_bounces") == []
    assert mail_to(hub, smtp, "dora", name="After").recipient == "dora@new.example"
    live_at(hub, "dora@old.example")
    taken(hub, report(mails[0]), "--recipient", mails[0].sender)
    assert suppressions(hub) == [("dora@old.example", "bounced")], "and when they go back, it is"


# --- what nobody signed ---------------------------------------------------------------------------------------------

def forged(sender):
    local, domain = sender.split("@")
    return f"{local[:-3]}{'aaa' if local[-3:] != 'aaa' else 'bbb'}@{domain}"


def test_a_forged_report_changes_nothing_even_if_it_encloses_the_mail(hub, smtp):
    mail = mail_to(hub, smtp)
    for to in [forged(mail.sender), "bounce@bounce.hub.example", mail.recipient]:
        taken(hub, report(mail, to=to), "--recipient", to)
    assert suppressions(hub) == [] and outcome(hub, "Told") == "delivered"
    assert hub.items("ann", "hub.address_bounces") == []


@pytest.mark.parametrize("message", [
    b"", b"\0" * 1000, b"\xff\xfe" * 1000, b"Subject: hello\n\nworld\n", b"a:b\n" * 200000,
    b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 200000,
    b"Content-Type: message/rfc822\n\n" * 30000, b"To: " + b"a:" * 500000], ids=lambda m: f"{m[:20]!r}x{len(m)}")
def test_whatever_an_mta_pipes_in_never_bounces(hub, message):
    assert bounce(hub, message).returncode == 0
    assert bounce(hub, message, "--recipient", "somebody@else.example").returncode == 0
    assert hub.running() and suppressions(hub) == []


def test_a_message_of_any_length_is_taken_and_cut(hub, smtp):
    mail = mail_to(hub, smtp)
    taken(hub, report(mail) + b"x" * (3 << 20))
    assert suppressions(hub) == [("ann@acme.example", "bounced")]


# --- complaints, and mails that unsubscribe -------------------------------------------------------------------------

def test_a_complaint_ends_all_mail_to_who_complained(hub, smtp):
    taken(hub, complaint(mail_to(hub, smtp)))
    assert suppressions(hub) == [("ann@acme.example", "complained")]


def test_a_report_that_it_was_no_junk_changes_nothing(hub, smtp):
    taken(hub, complaint(mail_to(hub, smtp), "not-spam"))
    assert suppressions(hub) == []


def test_a_mail_to_the_unsubscribe_address_stops_the_category(hub, smtp):
    mail = mail_to(hub, smtp)
    to = re.search(r"<mailto:([^>?]*)", mail["List-Unsubscribe"])[1].replace("%2B", "+")
    assert to.startswith("unsub+") and len(to.split("@")[0]) <= 64
    taken(hub, f"From: ann@acme.example\nTo: {to}\nAuto-Submitted: auto-replied\n\nI am away.\n".encode())
    assert hub.get("/v1/acme/preferences", hub.person("ann")).json()["email"] == {}
    taken(hub, f"From: ann@acme.example\nTo: {to}\nSubject: unsubscribe\n\n".encode(), "--recipient", to)
    assert hub.get("/v1/acme/preferences", hub.person("ann")).json()["email"] == {"news": "off"}
    hub.send(case("ann", "calm", "Not mailed"))
    ends(hub, "Not mailed", "suppressed_preference")


@pytest.mark.parametrize("way", ["unsubscribe address", "opt-out"])
def test_a_mail_of_several_categories_is_stopped_as_its_link_would(hub, smtp, way):
    """What quiet hours held comes as one mail, whose link is about all of it; the first of it is of one category."""
    quiet = {"quiet": {"from": "11:00", "to": "14:00"}, "timezone": "UTC"}
    assert hub.request("PUT", "/v1/acme/preferences", hub.person("ann"), json=quiet).status_code == 200
    hub.clock.set(int(datetime(2031, 3, 5, 12, tzinfo=timezone.utc).timestamp() * 1000))
    hub.send([case("ann", "calm", "Of one"), case("ann", "bad", "Of another")])
    ends(hub, "Of another", "held_quiet_hours")
    hub.clock.advance("2h")
    mail, = smtp.wait(1)
    ends(hub, "Of one", "delivered")
    to = re.search(r"<mailto:([^>?]*)", mail["List-Unsubscribe"])[1].replace("%2B", "+")
    taken(hub, complaint(mail, way) if way == "opt-out" else f"From: ann@acme.example\nTo: {to}\n\n".encode())
    chosen = hub.get("/v1/acme/preferences", hub.person("ann")).json()
    assert (chosen["default"], chosen["email"]) == ("off", {})


# --- the command and its route --------------------------------------------------------------------------------------

def test_exit_codes_are_those_that_an_mta_goes_by(hub, smtp):
    mail = mail_to(hub, smtp)
    for args in [("--nonsense",), ("--recipient",), ("x",)]:
        assert bounce(hub, report(mail), *args).returncode == 64
    hub.stop()
    away = bounce(hub, report(mail))
    assert away.returncode == 75 and b"no hub answers" in away.stderr
    hub.start()
    taken(hub, report(mail))
    assert suppressions(hub) == [("ann@acme.example", "bounced")]


def test_nothing_is_ever_sent_back(hub, smtp):
    mail = mail_to(hub, smtp)
    connections = len(smtp.sessions)
    taken(hub, report(mail))
    taken(hub, complaint(mail))
    taken(hub, b"From: x@y.example\n\nhello\n")
    hub.clock.advance("1h")
    assert len(smtp.mails()) == 1 and len(smtp.sessions) == connections


def test_the_route_is_the_operators(hub, smtp):
    mail = mail_to(hub, smtp)
    kind = {"Content-Type": "message/rfc822"}
    path = "/v1/admin/bounces"
    assert hub.post(path, kind, data=report(mail)).status_code == 401
    assert hub.post(path, {**people.token("all"), **kind}, data=report(mail)).status_code == 403
    operator = people.token("operator")
    assert hub.post(path, {**operator, "Content-Type": "application/json"}, data=b"{}").status_code == 415
    assert hub.post(path, {**operator, **kind}, data=b"x" * ((1 << 20) + 1)).status_code == 413
    nobodys = hub.post(path, {**operator, **kind}, data=b"Subject: x\n\n").json()
    assert nobodys["taken"] is False and nobodys["channel"] is None
    answer = hub.post(f"{path}?recipient={mail.sender.replace('+', '%2B')}", {**operator, **kind}, data=report(mail))
    assert answer.status_code == 200 and answer.json()["taken"] is True and answer.json()["channel"] == "mail"
    assert "ann@" not in answer.text


def test_neither_address_nor_key_is_in_the_log(hub, smtp):
    mail = mail_to(hub, smtp)
    taken(hub, report(mail))
    lines = [line for line in hub.log().splitlines() if "came back" in line]
    assert lines and not any("ann@" in line for line in lines)
    secret = (hub.data_dir / "secret").read_bytes()
    assert secret.hex() not in hub.log() and base64.b64encode(secret).decode() not in hub.log()


# --- whom the hub asks: the role belfry.feedback/1 ----------------------------------------------------------------------

@pytest.fixture
def pigeons(new_hub, smtp):
    """A channel whose plugin does what a message says, in front of mail."""
    made = base()
    made["channels"]["loft"] = {"plugin": "feedback_delivery"}
    return new_hub(with_mail(made, smtp, bounce_domain="bounce.hub.example"), clock=True).start()


def bring(hub, message, recipient=""):
    headers = {**people.token("operator"), "Content-Type": "Message/RFC822; charset=x"}
    return hub.post(f"/v1/admin/bounces?recipient={recipient}", headers, data=message)


def ignored(hub):
    return sum(n for name, n in hub.metrics().items()
               if name.startswith("belfry_plugin_calls_ignored_total") and 'call="feedback_done"' in name)


def test_the_first_channel_that_knows_it_has_it(pigeons, smtp):
    assert bring(pigeons, b"taken", "dove").json() == {"taken": True, "channel": "loft", "detail": "dove"}
    mail = mail_to(pigeons, smtp)  # nothing of the pigeons', so mail is asked
    answer = bring(pigeons, report(mail), mail.sender.replace("+", "%2B"))
    assert answer.json()["channel"] == "mail" and suppressions(pigeons) == [("ann@acme.example", "bounced")]
    assert bring(pigeons, b"stray").json()["taken"] is False


def test_later_is_told_to_whoever_brought_it(pigeons):
    answer = bring(pigeons, b"later")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert bounce(pigeons, b"later").returncode == 75


def test_an_answer_too_many_counts_for_nothing(pigeons):
    assert bring(pigeons, b"twice").json()["channel"] == "loft"
    until(lambda: ignored(pigeons) == 1, "the second answer is counted")


def test_a_channel_that_does_not_answer_is_waited_for_half_a_minute(pigeons):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bring, pigeons, b"never")
        until(lambda: "a pigeon came back" in pigeons.log(), "the plugin is asked")
        pigeons.clock.advance("29999ms")
        assert not waiting.done()
        pigeons.clock.advance("1ms")
    assert waiting.result().status_code == 503 and "in time" in waiting.result().json()["detail"]
    assert bring(pigeons, b"taken").json()["taken"] is True
    until(lambda: ignored(pigeons) == 1, "what it said too late is counted")


def test_a_channel_that_goes_meanwhile_is_not_waited_for(pigeons):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bring, pigeons, b"never")
        until(lambda: "a pigeon came back" in pigeons.log(), "the plugin is asked")
        del pigeons.config["channels"]["loft"]
        pigeons.write_config()
        assert pigeons.reload().status_code == 200
    assert waiting.result().status_code == 503 and "gone" in waiting.result().json()["detail"]
