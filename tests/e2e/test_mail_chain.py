# SPDX-License-Identifier: Apache-2.0
"""The whole way of a mail through real servers: the hub hands it to Postfix, Postfix to Dovecot, and it is read back over
IMAP by parsers that are not ours."""
import email
import email.policy
import email.utils
import os
import pwd
import re
import shutil
import subprocess

import dkim
import pytest

from support import people
from support.config import base, with_mail
from support.events import case, created, record_of, updated
from support.mailserver import BOUNCES, DOMAIN, KEEPER, SUBMITTER, SUBMITTER_PASSWORD, MailServer
from support.paths import BIN
from support.wait import until

NAMES = [f"box{n:02}" for n in range(30)]


@pytest.fixture(scope="module")
def servers():
    server = MailServer(people=NAMES)
    try:
        yield server.start()
    finally:
        print(f"--- Postfix and Dovecot\n{server.log()[-6000:]}")
        server.close()


@pytest.fixture(scope="module")
def unused():
    return iter(NAMES)


@pytest.fixture
def box(servers, unused):
    """A mailbox that is empty yet."""
    return next(unused)


def config(smtp, box, name=None, **options):
    """Ann's mail goes into this box."""
    made = with_mail(base(), smtp, bounce_domain=BOUNCES, **options)
    made["orgs"]["acme"]["users"]["ann"].update({"email": f"{box}@{DOMAIN}", "name": name or "Ann Lee"})
    made["hub"]["public_url"] = "https://hub.example"
    return made


def plain(servers):
    return f"smtp://127.0.0.1:{servers.smtp}"


def parsed(data):
    """As strictly as Python can."""
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    defects = [*message.defects, *(d for part in message.walk() for d in part.defects),
               *(d for value in message.values() for d in getattr(value, "defects", []))]
    assert defects == [], (defects, data)
    return message


def alternative(message, kind):
    part = message.get_body((kind,))
    return part.get_content().replace("\r\n", "\n")


def read(servers, box, count=1):
    return [parsed(data) for data in servers.wait(box, count)]


# --- the message ---------------------------------------------------------------------------------------------------------

def test_a_mail_arrives_with_its_headers_and_both_alternatives(new_hub, servers, box):
    hub = new_hub(config(plain(servers), box)).start()
    hub.send(case("ann", name="Quay 7 is blocked", kind="bad"))
    mail, = read(servers, box)
    assert mail["From"] == "Acme <notify@acme.example>" and mail["To"].addresses[0].addr_spec == f"{box}@{DOMAIN}"
    assert mail["Subject"] == "Quay 7 is blocked"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["X-Auto-Response-Suppress"] == "All"
    assert mail["MIME-Version"] == "1.0" and mail["Content-Language"] == "en"
    assert email.utils.parsedate_to_datetime(mail["Date"]).utcoffset().total_seconds() == 0
    assert len(mail.get_all("Message-ID")) == len(mail.get_all("Date")) == len(mail.get_all("From")) == 1
    assert mail["Message-ID"].endswith("@acme.example>")
    assert re.fullmatch(r"b\+[a-z2-7]+\.[a-z2-7]+@bounce\.hub\.example", mail["Return-Path"].strip("<>"))
    assert not {"Sender", "Precedence", "X-Priority", "Bcc"} & set(mail.keys())
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    row, = hub.items("ann")
    for kind in ["plain", "html"]:
        text = alternative(mail, kind)
        assert "Quay 7 is blocked" in text and f"https://hub.example{row['href']}" in text


def test_umlauts_emoji_and_hostile_names_arrive_as_they_are(new_hub, servers, box):
    title = "Größe über 7 €: Ærøskøbing 🚢 „Äußerst“ <b>&amp; \"quoted\" 日本語 " + "x" * 60
    name = "Jörg \"Schiff\" O'Größe, 🚢 (Kai; 7)"
    hub = new_hub(config(plain(servers), box, name)).start()
    hub.send(case("ann", name=title))
    mail, = read(servers, box)
    assert mail["Subject"] == title
    assert mail["To"].addresses[0].display_name == name and len(mail["To"].addresses) == 1
    assert title in alternative(mail, "plain")
    assert "<b>&amp;" not in alternative(mail, "html"), "markup in a title stays text"
    raw = servers.mails(box)[0]
    assert raw.isascii() and max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.count(b"\r\n") == raw.count(b"\n")


def test_a_title_with_line_breaks_adds_no_header(new_hub, servers, box):
    hub = new_hub(config(plain(servers), box)).start()
    hub.send(case("ann", name="One\r\nBcc: eve@acme.example\r\n\r\nmore\u2028and\u202egnp.exe"))
    mail, = read(servers, box)
    assert mail["Bcc"] is None and mail["Subject"] == "One Bcc: eve@acme.example more andgnp.exe"


def test_mails_about_one_thing_are_one_thread(new_hub, servers, box):
    """They refer to one Message-ID that itself is never sent, and have one subject (Gmail wants both)."""
    hub = new_hub(config(plain(servers), box)).start()
    lead = created(owner="ann", fields={"name": "Northwind Dairy"})
    hub.send(lead)
    read(servers, box)
    hub.send(updated(record_of(lead), owner="bob"))
    hub.send(updated(record_of(lead), owner="ann"))
    hub.send(created(owner="ann", fields={"name": "Another"}))
    mails = read(servers, box, 3)  # in the order in which they arrived
    first, second = [mail for mail in mails if mail["Subject"] == "Northwind Dairy"]
    other, = [mail for mail in mails if mail["Subject"] == "Another"]
    assert first["Subject"] == second["Subject"] and first["Message-ID"] != second["Message-ID"]
    assert first["References"] == first["In-Reply-To"] == second["References"] == second["In-Reply-To"]
    assert other["References"] != first["References"]
    assert {mail["Message-ID"] for mail in (first, second, other)}.isdisjoint({first["References"], other["References"]})


def test_the_unsubscribe_headers_are_what_rfc_8058_asks_for(new_hub, servers, box):
    made = config(plain(servers), box)
    made["categories"]["trouble"]["required"] = True
    hub = new_hub(made).start()
    hub.send(case("ann", name="Can be stopped"))
    stops, = read(servers, box)
    hub.send(case("ann", name="Cannot be stopped", kind="bad"))
    must = read(servers, box, 2)[1]
    https, mailto = re.fullmatch(r"<(https://hub\.example/acme/u/[^>]+)>, <(mailto:[^>]+)>",
                                 re.sub(r"\s+", " ", stops["List-Unsubscribe"])).groups()
    assert stops["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and mailto.endswith("@" + BOUNCES)
    assert "List-Unsubscribe" not in must and "List-Unsubscribe-Post" not in must
    path = https.removeprefix("https://hub.example")
    assert hub.get(path).status_code == 200
    assert hub.get("/v1/acme/preferences", hub.person("ann")).json()["email"] == {}
    done = hub.post(path, {"Content-Type": "application/x-www-form-urlencoded"}, data="List-Unsubscribe=One-Click")
    assert done.status_code == 200
    assert hub.get("/v1/acme/preferences", hub.person("ann")).json()["email"] == {"news": "off"}
    hub.send(case("ann", name="Not any more"))
    until(lambda: [d for d in hub.deliveries("?channel=mail") if d["state"] == "suppressed_preference"])


# --- DKIM ----------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Made by our own command: {selector: (private key file, what DNS says)}"""
    folder, made = tmp_path_factory.mktemp("dkim"), {}
    for selector, kind in [("r1", "rsa"), ("e1", "ed25519")]:
        path = folder / f"{selector}.pem"
        done = subprocess.run([BIN, "dkim", "keygen", "--selector", selector, "--domain", DOMAIN, "--type", kind, "--out",
                               path], capture_output=True, text=True, timeout=60, check=True)
        made[selector] = path, "".join(re.findall(r'"([^"]*)"', done.stdout))
    return made


def test_signatures_stand_when_the_mail_has_gone_through_postfix_and_dovecot(new_hub, servers, box, keys):
    options = [{"selector": selector, "key": str(path)} for selector, (path, _) in keys.items()]
    hub = new_hub(config(plain(servers), box, "Jörg Größe", dkim=options)).start()
    hub.send(case("ann", name="Signed: Größe 🚢\n.leading dot"))
    data, = servers.wait(box)
    records = {f"{selector}._domainkey.{DOMAIN}.".encode(): record.encode() for selector, (_, record) in keys.items()}
    signatures = parsed(data).get_all("DKIM-Signature")
    assert {re.search(r"a=([^;\s]+)", s)[1] for s in signatures} == {"rsa-sha256", "ed25519-sha256"}
    verify = lambda message, at: dkim.DKIM(message).verify(at, dnsfunc=lambda name, timeout=5: records.get(name))  # noqa: E731
    assert verify(data, 0) and verify(data, 1)
    head, _, body = data.partition(b"\r\n\r\n")
    for forged in [head + b"\r\n\r\n" + body.replace(b"Signed", b"Forged", 1), b"From: eve@acme.example\r\n" + data,
                   re.sub(rb"(?m)^List-Unsubscribe-Post: .*\r\n", b"", data), b"Subject: Other\r\n" + data]:
        assert forged != data
        assert not any(_holds(verify, forged, at) for at in (0, 1)), forged


def _holds(verify, message, at):
    try:
        return verify(message, at)
    except dkim.DKIMException:
        return False


# --- TLS and AUTH ----------------------------------------------------------------------------------------------------------

def submission(servers, **more):
    return {"servers": [{"url": f"smtp://localhost:{servers.submission}", "tls": "required", "tls_ca": str(servers.ca),
                         "username": SUBMITTER, "password": "${env:BELFRY_TEST_SMTP_PASSWORD}", **more}]}


def start(new_hub, made, clock=False):
    hub = new_hub(made, clock)
    hub.env["BELFRY_TEST_SMTP_PASSWORD"] = SUBMITTER_PASSWORD
    hub.env["BELFRY_TEST_WRONG_PASSWORD"] = "not that one"
    return hub.start()


def test_a_submission_server_gets_mail_over_starttls_and_after_auth(new_hub, servers, box):
    hub = start(new_hub, config("", box, **submission(servers)))
    hub.send(case("ann", name="Submitted"))
    mail, = read(servers, box)
    assert mail["Subject"] == "Submitted"
    received = " ".join(mail.get_all("Received"))
    assert "ESMTPSA" in received and SUBMITTER_PASSWORD not in hub.log()


def test_smtps_is_encrypted_from_the_first_byte(new_hub, servers, box):
    made = submission(servers, url=f"smtps://localhost:{servers.smtps}", tls="auto")
    hub = start(new_hub, config("", box, **made))
    hub.send(case("ann", name="Wrapped"))
    mail, = read(servers, box)
    assert "ESMTPSA" in " ".join(mail.get_all("Received"))


@pytest.mark.parametrize("fault, says", [
    ({"tls_ca": None}, "certificate"),
    ({"password": "${env:BELFRY_TEST_WRONG_PASSWORD}"}, "535"),
    ({"url": "smtp://127.0.0.1:{smtp}"}, "AUTH"),
], ids=["an authority that nobody trusts", "a wrong password", "a server without AUTH"])
def test_nothing_is_handed_over_unverified_or_unknown(new_hub, servers, box, fault, says):
    """The mail waits, uses up no attempt, and goes out when the configuration is right: time stands still meanwhile."""
    wrong = {key: value.format(smtp=servers.smtp) if key == "url" else value for key, value in fault.items()}
    made = config("", box, **submission(servers, **wrong))
    made["channels"]["mail"]["servers"][0] = {k: v for k, v in made["channels"]["mail"]["servers"][0].items() if v}
    hub = start(new_hub, made, clock=True)
    hub.send(case("ann", name="Waits for a better server"))
    delivery = until(lambda: next((d for d in hub.deliveries("?channel=mail") if d.get("detail")), None))
    told = hub.get(f"/v1/acme/deliveries/{delivery['id']}", people.token("all")).text
    assert says in told and SUBMITTER_PASSWORD not in told + hub.log() and "not that one" not in told + hub.log()
    assert servers.mails(box) == [] and delivery["state"] in ("scheduled", "retrying")
    hub.write_config(config("", box, **submission(servers)))
    assert hub.reload().status_code == 200
    assert hub.post(f"/v1/acme/deliveries/{delivery['id']}/retry", people.token("admin")).status_code == 200
    assert read(servers, box)[0]["Subject"] == "Waits for a better server"


# --- bounces ---------------------------------------------------------------------------------------------------------------

@pytest.fixture
def bouncing(new_hub, new_mail_server):
    """A hub of its own user, and a Postfix that pipes what comes back into `belfry bounce` as that user: pipe(8) runs
    nothing as root, and only the hub's user may open its socket."""
    owner = pwd.getpwnam(KEEPER)
    hub = new_hub(base())
    hub.config_path = hub.sockets / "belfry.yaml"
    program = hub.sockets / "belfry"
    shutil.copy(BIN, program)
    servers = new_mail_server(people=["ann"], bounce_command=f"{program} bounce -c {hub.config_path} "
                                                             "--recipient ${recipient}")
    hub.write_config(config(plain(servers), "nobody-home"))
    os.chown(hub.sockets, owner.pw_uid, owner.pw_gid)
    # what was built may lie where only root can read
    hub.under = ["setpriv", "--reuid", str(owner.pw_uid), "--regid", str(owner.pw_gid), "--clear-groups",
                 "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return hub.start(), servers


def test_a_mail_that_comes_back_suppresses_the_address_and_tells_its_owner(bouncing):
    """Dovecot knows nobody of that name, Postfix reports so to the sender, which is the hub."""
    hub, servers = bouncing
    hub.send(case("ann", name="To nobody"))
    found = until(lambda: hub.get("/v1/acme/suppressions", people.token("admin")).json()["items"])
    assert [(s["address"], s["reason"]) for s in found] == [(f"nobody-home@{DOMAIN}", "bounced")]
    assert "5.1.1" in found[0]["detail"]
    failed = until(lambda: [d for d in hub.deliveries("?channel=mail") if d["state"] == "failed"])
    assert [d["title"] for d in failed] == ["To nobody"]
    notice = until(lambda: hub.items("ann", "hub.address_bounces"))
    assert len(notice) == 1 and notice[0]["severity"] == "warning"
    hub.send(case("ann", name="Not sent any more"))
    until(lambda: [d for d in hub.deliveries("?channel=mail") if d["state"] == "suppressed_address"
                   and d["title"] == "Not sent any more"])
    assert servers.log().count(f"to=<nobody-home@{DOMAIN}>") == 1
