# SPDX-License-Identifier: Apache-2.0
"""What a mail server may say or do, row by row, and what becomes of the mail then: sent, tried again, ended, or given
to another server, with an attempt used up or not."""
import datetime
import re

import pytest

from support import people
from support.config import base, with_mail
from support.events import case
from support.smtp import DROP, HOLD, SmtpServer
from support.wait import stays, until


@pytest.fixture
def start(new_hub, smtp):
    """A hub with the virtual clock that mails all of crm at once."""
    def start(server=None, **options):
        return new_hub(with_mail(base(), server or smtp, {"source": "crm"}, **options), clock=True).start()
    return start


def mail_of(hub, event):
    """The delivery by mail of an event; its attempts are its `timeline`, oldest first."""
    one, = hub.deliveries(f"?channel=mail&event={event}")
    answer = hub.get(f"/v1/acme/deliveries/{one['id']}", people.token("reader"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(hub, to="bob", name="A case", **more):
    """The id of the event."""
    before = {e["id"] for e in hub.events()}
    hub.send(case(to, name=name, **more))
    new, = [e["id"] for e in hub.events() if e["id"] not in before and e["source"] != "hub"]
    return new


def settled(hub, event, *states):
    """The delivery, once it is in one of these states."""
    return until(lambda: (d := mail_of(hub, event))["state"] in states and d, f"{event} is {states}")


# --- replies to the mail --------------------------------------------------------------------------------------------

PUT_OFF = [
    ("MAIL", "451 4.3.0 later"), ("RCPT", "450 4.2.0 greylisted"), ("RCPT", "452 4.2.2 mailbox full"),
    ("DATA", "451 4.3.0 later"), (".", "451 4.3.0 later"), (".", "450 later, without an enhanced code"),
]


@pytest.mark.parametrize("verb, reply", PUT_OFF)
def test_4xx_is_tried_again(start, smtp, verb, reply):
    smtp.script(verb, reply, None)
    hub = start()
    event = send(hub)
    got = settled(hub, event, "retrying")
    attempt, = got["timeline"]
    assert (attempt["result"], attempt["code"]) == ("retry", int(reply[:3]))
    assert reply[4:] in attempt["detail"]
    assert smtp.mails() == []
    hub.clock.advance("67s")
    mail, = smtp.wait(1)
    settled(hub, event, "delivered")
    assert [a["result"] for a in mail_of(hub, event)["timeline"]] == ["retry", "delivered"]
    assert mail.recipient == "bob@acme.example"


REFUSED = [
    ("MAIL", "550 5.7.1 not from you"), ("RCPT", "550 5.7.1 not to him"), ("DATA", "554 5.5.1 no"),
    (".", "554 5.6.0 no such content"), (".", "552 5.3.4 too large"), ("RCPT", "550 without an enhanced code"),
]


@pytest.mark.parametrize("verb, reply", REFUSED)
def test_5xx_is_the_end(start, smtp, verb, reply):
    smtp.script(verb, reply)
    hub = start()
    event = send(hub)
    attempt, = settled(hub, event, "failed")["timeline"]
    assert (attempt["result"], attempt["code"]) == ("rejected", int(reply[:3]))
    hub.clock.advance("1d")
    assert smtp.count("MAIL") == 1
    assert hub.get("/v1/acme/suppressions", people.token("admin")).json()["items"] == []


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "550 5.1.2 no such domain", "556 5.1.10 null MX"])
def test_an_address_that_does_not_exist_is_suppressed(start, smtp, reply):
    smtp.script("RCPT", reply, None)
    hub = start()
    settled(hub, send(hub), "failed")
    listed = until(lambda: hub.get("/v1/acme/suppressions", people.token("admin")).json()["items"])
    assert [(s["address"], s["reason"]) for s in listed] == [("bob@acme.example", "bounced")]
    assert reply[4:] in listed[0]["detail"]
    settled(hub, send(hub), "suppressed_address")
    assert smtp.mails() == []


def test_the_record_of_an_attempt(start, smtp):
    smtp.script(".", "451 4.3.0 come back later", None)
    hub = start()
    event = send(hub, name="A secret title")
    attempt, = settled(hub, event, "retrying")["timeline"]
    record = attempt["record"]
    assert record["server"] == f"127.0.0.1:{smtp.port}"
    assert (record["stage"], record["code"], record["enhanced"], record["text"]) == \
        ("end", 451, "4.3.0", "come back later")
    assert record["from"] == "notify@acme.example" and record["tls"] is False
    hub.clock.advance("67s")
    mail, = smtp.wait(1)
    assert mail["Message-ID"] == f"<{record['message_id']}>", "the same on every attempt"
    assert "A secret title" not in str(attempt) and "A secret title" not in hub.log()


# --- domains --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("reply, pause", [("450 4.2.1 too many", "1m"), ("421 4.7.28 unusual rate", "1m"),
                                          ("550 5.7.26 not authenticated", "15m"), ("550 5.7.515 access denied", "15m"),
                                          ("421 4.7.32 not aligned", "15m")])
def test_a_domain_that_asks_for_a_pause_gets_it_alone(start, smtp, reply, pause):
    smtp.script(".", lambda session, line: reply if session.mails[-1].recipient.endswith("@acme.example") else None)
    hub = start()
    hub.request("PUT", "/v1/acme/users/dora", people.token("users"), json={"email": "dora@other.example"})
    hub.request("PUT", "/v1/acme/users/emil", people.token("users"), json={"email": "emil@acme.example"})
    slowed = send(hub)
    settled(hub, slowed, "retrying")
    waits = send(hub, "emil")
    until(lambda: mail_of(hub, waits)["detail"] == "mail to acme.example waits")
    assert (mail_of(hub, waits)["state"], mail_of(hub, waits)["timeline"]) == ("scheduled", [])
    settled(hub, send(hub, "dora"), "delivered")
    assert hub.get("/v1/acme/suppressions", people.token("admin")).json()["items"] == [], "the address is not at fault"
    assert [m.recipient for m in smtp.all_mails()] == ["bob@acme.example", "dora@other.example"]
    smtp.unscript()
    hub.clock.advance(pause)
    hub.clock.advance("2m")
    smtp.wait(2)  # one goes ahead
    hub.clock.advance("2m")
    smtp.wait(3)
    settled(hub, waits, "delivered")
    settled(hub, slowed, "delivered")


# --- servers that take no mail --------------------------------------------------------------------------------------

def unavailable(hub, event):
    """It waits, and no attempt is used up. What is said of it."""
    got = until(lambda: (d := mail_of(hub, event))["state"] == "retrying" and d["detail"] and d)
    assert (got["timeline"], got["attempts"]) == ([], 0)
    return got["detail"]


@pytest.mark.parametrize("verb, reply", [("GREETING", "554 5.7.1 go away"), ("GREETING", "421 4.3.2 too busy"),
                                         ("GREETING", DROP), ("MAIL", "421 4.3.2 shutting down"),
                                         ("MAIL", "530 5.7.0 sign in first")])
def test_a_server_that_takes_no_mail_is_left_alone_for_a_while(start, smtp, verb, reply):
    smtp.script(verb, reply, None)
    hub = start()
    event = send(hub)
    assert (reply if reply is not DROP else "the connection broke") in unavailable(hub, event)
    assert hub.metrics()['belfry_email_servers_down{instance="mail"}'] == 1
    other = send(hub, name="In the meantime")
    hub.clock.advance("20s")
    assert len(smtp.sessions) == 1, "nobody tries it again so soon"
    hub.clock.advance("15s")
    smtp.wait(1)
    hub.clock.advance("1m")
    settled(hub, event, "delivered")
    settled(hub, other, "delivered")
    assert hub.metrics()['belfry_email_servers_down{instance="mail"}'] == 0
    assert [(a["number"], a["result"]) for a in mail_of(hub, event)["timeline"]] == [(1, "delivered")]


def test_a_server_that_is_away_does_not_use_up_attempts(start, smtp):
    smtp.refuse()
    hub = start()
    event = send(hub)
    unavailable(hub, event)
    for _ in range(12):
        hub.clock.advance("6m")
        until(lambda: mail_of(hub, event)["state"] == "retrying")
    smtp.open()
    hub.clock.advance("6m")
    smtp.wait(1)
    got = settled(hub, event, "delivered")
    assert [(a["number"], a["result"]) for a in got["timeline"]] == [(1, "delivered")]


def test_all_that_waited_goes_when_the_server_is_back(start, smtp):
    """More than are tried at once: one goes ahead, then all the others, within a minute."""
    smtp.refuse()
    hub = start()
    events = [send(hub, name=f"Case {number}") for number in range(20)]
    unavailable(hub, events[0])
    hub.clock.advance("6m")
    smtp.open()
    for _ in range(3):
        hub.clock.advance("30s")
    smtp.wait(20)
    for event in events:
        settled(hub, event, "delivered")
    assert len(smtp.all_mails()) == 20


# --- AUTH and TLS ---------------------------------------------------------------------------------------------------

PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize("mechanisms, reply", [("PLAIN LOGIN", "535 5.7.8 wrong"), ("PLAIN", "454 4.7.0 later"),
                                               ("", None)])
def test_without_auth_no_mail_goes_out(start, mechanisms, reply):
    with SmtpServer(users={"hub": PASSWORD}, mechanisms=mechanisms) as server:
        if reply:
            server.script("AUTH", reply)
        hub = start(server, username="hub", password=PASSWORD)
        event = send(hub)
        assert (reply or "AUTH failed") in unavailable(hub, event)
        assert server.count("MAIL") == 0
        assert PASSWORD not in str(mail_of(hub, event)) and PASSWORD not in hub.log()
        server.unscript()
        server.mechanisms = "LOGIN"
        hub.clock.advance("31s")
        mail, = server.wait(1)
        assert mail.session.user == "hub"
        settled(hub, event, "delivered")


def test_a_server_that_offers_no_auth_gets_no_mail(start, smtp):
    """libcurl by itself would send without."""
    hub = start(username="hub", password=PASSWORD)
    unavailable(hub, send(hub))
    assert smtp.count("MAIL") == 0


def test_starttls(start, authority):
    with SmtpServer(tls=authority.server("127.0.0.1"), users={"hub": PASSWORD}) as server:
        hub = start(server, tls="required", tls_ca=str(authority.ca_file), username="hub", password=PASSWORD)
        settled(hub, send(hub), "delivered")
        mail, = server.wait(1)
        assert mail.session.tls and mail.session.user == "hub"
        assert mail.session.verbs()[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_smtps(start, authority):
    with SmtpServer(tls=authority.server("127.0.0.1"), implicit=True) as server:
        hub = start(server, tls_ca=str(authority.ca_file))
        settled(hub, send(hub), "delivered")
        mail, = server.wait(1)
        assert mail.session.tls and "STARTTLS" not in mail.session.verbs()


@pytest.mark.parametrize("what", ["not offered", "refused", "a stranger's certificate", "another name", "expired"])
def test_without_tls_that_can_be_trusted_no_mail_goes_out(start, authority, what):
    names = ["elsewhere.example"] if what == "another name" else ["127.0.0.1"]
    lives = datetime.timedelta(days=-1) if what == "expired" else datetime.timedelta(days=9)
    context = None if what == "not offered" else authority.server(*names, lives=lives)
    with SmtpServer(tls=context) as server:
        if what == "refused":
            server.script("STARTTLS", "454 4.7.0 not now")
        trusted = {} if what == "a stranger's certificate" else {"tls_ca": str(authority.ca_file)}
        hub = start(server, tls="required", **trusted)
        unavailable(hub, send(hub))
        assert server.count("MAIL") == 0 and server.count("RCPT") == 0


# --- connections that break -----------------------------------------------------------------------------------------

def test_dropped_after_the_dot_is_unknown_and_sent_once_more(start, smtp):
    smtp.script(".", DROP, None)
    hub = start()
    event = send(hub)
    attempt, = settled(hub, event, "unknown")["timeline"]
    assert attempt["result"] == "unknown"
    hub.clock.advance("14m")
    assert len(smtp.all_mails()) == 1
    hub.clock.advance("2m")
    smtp.wait(1)
    settled(hub, event, "delivered")
    before, after = smtp.all_mails()
    assert before["Message-ID"] == after["Message-ID"], "so that whoever got the first drops the second"


def test_unknown_twice_is_the_end(start, smtp):
    smtp.script(".", DROP)
    hub = start()
    event = send(hub)
    settled(hub, event, "unknown")
    hub.clock.advance("16m")
    until(lambda: len(smtp.all_mails()) == 2)
    until(lambda: len(mail_of(hub, event)["timeline"]) == 2)
    hub.clock.advance("2d")
    assert mail_of(hub, event)["state"] == "unknown"
    assert len(smtp.all_mails()) == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_dropped_before_the_dot_is_tried_again(start, smtp, verb):
    smtp.script(verb, DROP, None)
    hub = start()
    event = send(hub)
    attempt, = settled(hub, event, "retrying")["timeline"]
    assert attempt["result"] == "retry"
    hub.clock.advance("67s")
    smtp.wait(1)
    settled(hub, event, "delivered")


@pytest.mark.parametrize("how", ["421", "without a word"])
def test_an_idle_connection_that_the_server_closed_costs_nothing(start, smtp, how):
    hub = start()
    settled(hub, send(hub, name="One"), "delivered")
    until(lambda: smtp.sessions[0].idle)
    smtp.goodbye() if how == "421" else smtp.cut()
    event = send(hub, name="Two")
    attempt, = settled(hub, event, "delivered")["timeline"]
    assert (attempt["number"], attempt["result"]) == (1, "delivered")
    assert len(smtp.mails()) == 2 and len(smtp.sessions) == 2


def test_connections_are_used_again(start, smtp):
    hub = start()
    for name in ["One", "Two", "Three"]:
        settled(hub, send(hub, name=name), "delivered")
    assert len(smtp.sessions) == 1
    assert len(smtp.sessions[0].mails) == 3


def test_connections_are_capped(start, smtp):
    smtp.script(".", HOLD)
    hub = start(connections=2)
    for number in range(6):
        send(hub, name=f"Case {number}")
    until(lambda: len(smtp.all_mails()) == 2)
    stays(lambda: len(smtp.sessions) == 2)
    smtp.release()
    smtp.wait(6)
    assert len(smtp.sessions) == 2


# --- several servers ------------------------------------------------------------------------------------------------

@pytest.fixture
def two(start, smtp):
    """The hub prefers `smtp` and has another one beside it."""
    with SmtpServer() as other:
        yield start(servers=[{"url": smtp.url()}, {"url": other.url()}]), other


@pytest.mark.parametrize("verb, reply", [("CONNECT", None), ("GREETING", "554 no"), ("MAIL", "421 4.3.2 shutting down"),
                                         ("RCPT", DROP), ("DATA", DROP)])
def test_the_other_server_gets_it_within_the_same_attempt(two, smtp, verb, reply):
    hub, other = two
    if reply is None:
        smtp.refuse()
    else:
        smtp.script(verb, reply)
    event = send(hub)
    attempt, = settled(hub, event, "delivered")["timeline"]
    assert attempt["record"]["server"] == f"127.0.0.1:{other.port}"
    assert attempt["record"]["servers_asked"] == 2
    assert [m.recipient for m in other.wait(1)] == ["bob@acme.example"]


@pytest.mark.parametrize("verb, reply, state", [("RCPT", "450 4.2.0 later", "retrying"), ("RCPT", "550 no", "failed"),
                                                (".", DROP, "unknown"), (".", "451 later", "retrying")])
def test_the_other_server_is_not_asked_about_what_the_first_one_said(two, smtp, verb, reply, state):
    hub, other = two
    smtp.script(verb, reply)
    settled(hub, send(hub), state)
    assert other.sessions == []


def test_the_first_server_is_preferred_again_once_it_works(two, smtp):
    hub, other = two
    smtp.refuse()
    settled(hub, send(hub, name="One"), "delivered")
    smtp.open()
    settled(hub, send(hub, name="Two"), "delivered")
    assert len(other.mails()) == 2, "it is left alone for half a minute"
    hub.clock.advance("31s")
    settled(hub, send(hub, name="Three"), "delivered")
    assert len(smtp.mails()) == 1 and len(other.mails()) == 2


# --- hostile texts --------------------------------------------------------------------------------------------------

HOSTILE = [
    "Hi\r\nBcc: eve@evil.example", "Hi\nX-Evil: yes\n\nbody", "right\u202eto left\u202c", "\u2028\u2029",
    "=?utf-8?q?decoded?= twice", "x" * 1000, "\u00e4\u00f6\u00fc \U0001f514 \u65e5\u672c\u8a9e " * 20,
    ".\r\n.\r\nRSET", "\u0085\u009b\x7f",
    "<script>alert(1)</script> & \"'", "{{title}} {{{data}}}",
]


HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Auto-Submitted",
    "X-Auto-Response-Suppress", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
    "Content-Language", "Content-Type",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_is_mailed_clean(start, smtp, title):
    hub = start()
    event = send(hub, name=title)
    settled(hub, event, "delivered")
    mail, = smtp.wait(1)
    message = mail.message
    assert not message.defects and not any(message[name].defects for name in message.keys())
    assert sorted(message.keys()) == sorted(HEADERS)
    assert not re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]", message["Subject"])
    assert all(len(line) <= 998 for line in mail.data.split(b"\r\n"))
    assert b"\n" not in mail.data.replace(b"\r\n", b"") and b"\r" not in mail.data.replace(b"\r\n", b"")
    assert mail.data.isascii()
    assert "<script>alert" not in mail.part("html")
    shown = hub.items("bob")[0]["title"]
    assert " ".join(message["Subject"].split()) == " ".join(shown.split())
    assert mail.session.verbs() == ["EHLO", "MAIL", "RCPT", "DATA", "."]


@pytest.mark.parametrize("name, email", [("Eve\r\nBcc: x@evil.example", "eve@acme.example"),
                                         ("\u202eevE, \"the\" <other@evil.example>", "eve@acme.example"),
                                         ("J\u00f6rg M\u00fc\u00dfig \U0001f514", "joerg@b\u00fccher.example")])
def test_a_hostile_name_is_mailed_clean(start, smtp, name, email):
    hub = start()
    answer = hub.request("PUT", "/v1/acme/users/eve", people.token("users"), json={"email": email, "name": name})
    if answer.status_code == 422:  # refused where it comes in is as good
        return
    settled(hub, send(hub, "eve"), "delivered")
    mail, = smtp.wait(1)
    address, = mail["To"].addresses
    assert not mail["To"].defects
    assert mail.recipient == address.addr_spec == email.replace("b\u00fccher", "xn--bcher-kva")
    assert "\u202e" not in address.display_name and "\n" not in address.display_name
    assert "Bcc" not in mail.message


# --- the test mail --------------------------------------------------------------------------------------------------

def test_mail(hub, who, body=None):
    return hub.post("/v1/acme/channels/mail/test", who, json=body)


test_mail.__test__ = False


def test_an_admin_sees_at_once_whether_mail_works(start, smtp):
    hub = start()
    answer = test_mail(hub, people.token("admin"), {"to": "bob"})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["delivered"], said["to"], said["code"]) == (True, "bob@acme.example", 250)
    mail, = smtp.wait(1)
    assert mail["Message-ID"] == f"<{said['message_id']}>"
    assert "List-Unsubscribe" not in mail.message and "List-Id" not in mail.message
    assert "mail" in mail["Subject"]
    smtp.script("RCPT", "550 5.1.1 no such user")
    answer = test_mail(hub, people.token("admin"), {"to": "bob"})
    problem = answer.json()
    assert answer.status_code == 502
    assert (problem["code"], problem["enhanced"], problem["server"]) == ("550", "5.1.1", f"127.0.0.1:{smtp.port}")
    assert "no such user" in problem["detail"]
    assert hub.get("/v1/acme/suppressions", people.token("admin")).json()["items"] == [], "a test suppresses nobody"


def test_a_test_mail_speaks_the_language_of_who_asks(start, smtp):
    hub = start()
    hub.request("PUT", "/v1/acme/users/root2", people.token("users"),
                json={"email": "root2@acme.example", "roles": ["admin"]})
    headers = {**hub.person("root2", roles=["admin"]), "Accept-Language": "de"}
    answer = test_mail(hub, headers)
    assert answer.status_code == 200, answer.text
    mail, = smtp.wait(1)
    assert mail.recipient == "root2@acme.example"
    assert mail["Subject"].startswith("Test des Kanals") and mail["Content-Language"].startswith("de")


def test_a_test_mail_is_for_admins_and_goes_to_nobody_else(start, smtp):
    hub = start()
    assert test_mail(hub, hub.person("bob")).status_code == 403
    assert test_mail(hub, people.token("reader")).status_code == 403
    assert test_mail(hub, people.token("other")).status_code == 404
    for to in ["stranger@evil.example", "nobody", "carl"]:
        assert test_mail(hub, people.token("admin"), {"to": to}).status_code == 422, to
    assert smtp.sessions == []
    codes = [test_mail(hub, people.token("admin")).status_code for _ in range(12)]
    assert codes[-1] == 429 and 200 in codes
    assert all(m.recipient == "notify@acme.example" for m in smtp.mails())
    hub.clock.advance("10m")
    assert test_mail(hub, people.token("admin")).status_code == 200
