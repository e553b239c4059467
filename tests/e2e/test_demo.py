# SPDX-License-Identifier: Apache-2.0
"""`belfry demo`: a scripted day against the running hub, told in lines, as often as one likes."""
import email
import email.policy
import re
import subprocess

import pytest

from support.config import WEBHOOK_SECRET, base
from support.paths import SRC
from support.people import JWT_SECRET
from support.ports import answers, free_ports
from support.wait import until


def config():
    """What config/demo.yaml has, without its webhook."""
    config = base()
    config["orgs"] = {"acme": {"users": {"ann": {"roles": ["sales-manager", "admin"]}, "bob": {}, "carl": {}}}}
    config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if t["name"] in ("everything", "ops")]
    config["sources"] = {
        "crm": {"plugin": "workflow", "rules": [
            {"name": "hot-lead", "on": "both", "fire": "on_entering", "when": {"object": "Lead", "fields.rating": "hot"},
             "notify": {"to": ["owner"], "title": "Hot lead: {{fields.name}}"}}]},
        "deals": {"plugin": "approval"},
        "hr-sync": {"plugin": "sync"},
        "billing": {"plugin": "invoice"},
    }
    config["rules"].append({"name": "escalate", "when": {"type": "workflow.hot-lead"},
                            "deliver": [{"via": "inbox", "to": ["role:sales-manager"], "after": "15m", "unless": ["seen"]}]})
    return config


def lines(done):
    """What a run said: {time of the script: (source, words, who is told)}"""
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    found = re.findall(r"^(\d\d:\d\d)  (\S+) +(.*) -> (.*)$", done.stdout, re.M)
    assert len(found) == len(done.stdout.splitlines())
    return {at: (source, words, told) for at, source, words, told in found}


def told(day, part):
    return next(who for _, words, who in day.values() if part in words)


def test_the_day_is_played_and_told(new_hub):
    hub = new_hub(config(), clock=True).start()
    day = lines(hub.belfry("demo", "--fast"))
    assert {source for source, _, _ in day.values()} == {"crm", "deals", "hr-sync", "billing"}
    assert told(day, "Carl gives Bob a hot lead") == "bob; if need be later ann"
    assert told(day, "Bob gives Ann a big deal") == "ann"
    assert told(day, "a case of his own") == "nobody"
    assert told(day, "asks Ann or Carl") == "ann, carl"
    assert told(day, "Ann approves") == "bob"
    assert told(day, "a minute too late").startswith("refused: ") and "ann" in told(day, "a minute too late")
    assert told(day, "long after it went to the background") == "ann"
    assert told(day, "the overview is ready") == "ann"
    assert told(day, "that one is ready, too") == "carl"
    assert told(day, "says that it is paid") == "ann" and told(day, "confirms: the invoice is paid") == "ann"
    assert told(day, "the customer disputes it") == "bob" and told(day, "the bank reports") == "bob"
    assert told(day, "disputes a booking") == "ann" and told(day, "the fee applies") == "bob"
    assert told(day, "cannot be calculated") == "ann"

    overview = next(i for i in hub.items("ann", type="sync.overview_ready"))
    assert overview["validity"] == "superseded", "Carl's was begun later"
    types = {i["type"] for who in ["ann", "bob", "carl"] for i in hub.items(who)}
    assert {"invoice.payment_claimed", "invoice.disputed", "booking.disputed", "shift.cancelled", "invoice.paid",
            "approval.approved", "approval.rejected", "sync.completed", "sync.blocked"} <= types
    fee = next(i for i in hub.items("bob", type="shift.cancelled"))
    assert "90.00" in fee["title"] + fee["body"], "half of 180.00 EUR"
    hub.clock.advance("15m")
    assert [i["title"] for i in hub.items("ann", type="workflow.hot-lead")] == ["Hot lead: Northwind Dairy"]


@pytest.fixture
def mailbox(tmp_path):
    """docs/examples/mailbox.py: (port, file of its output, directory of mails)"""
    port, = free_ports(1)
    said, kept = tmp_path / "mailbox.out", tmp_path / "mail"
    with open(said, "wb") as out:
        process = subprocess.Popen(["/usr/bin/python3", SRC / "docs/examples/mailbox.py", str(port), kept], stdout=out)
    try:
        until(lambda: process.poll() is None and answers(port), "the mailbox listens")
        yield port, said, kept
    finally:
        process.terminate()
        process.wait()


def test_in_the_demo_a_bell_comes_first_then_mail_to_who_did_not_look_while_webhooks_arrive(new_hub, mailbox, receiver):
    """What `./dev up` shows, by config/demo.yaml itself: only ports and directories are this test's."""
    port, said, kept = mailbox
    hub = new_hub("", clock=True)
    hub.config = (SRC / "config/demo.yaml").read_text()
    for place, ours in [("127.0.0.1:8420\n", "127.0.0.1:0\n"), ("var/demo", str(hub.data_dir)), ("127.0.0.1:8425", f"127.0.0.1:{port}"),
                        ("http://127.0.0.1:8421/hook", receiver.url())]:
        assert place in hub.config
        hub.config = hub.config.replace(place, ours, 1)
    hub.env = {"BELFRY_DEMO_JWT_SECRET": JWT_SECRET, "BELFRY_DEMO_HOOK_SECRET": WEBHOOK_SECRET}
    hub.start()
    lines(hub.belfry("demo", "--fast"))
    assert "Hot lead: Northwind Dairy" in hub.titles("bob") and said.read_bytes() == b""
    assert "Hot lead: Northwind Dairy" in {d.title() for d in receiver.wait(10)}
    hub.clock.advance("10s")
    hot = until(lambda: re.findall(r"^mail to (bob@acme\.example): Hot lead: Northwind Dairy  \((.*)\)$",
                                   said.read_text(), re.M))
    mail = email.message_from_bytes(open(hot[0][1], "rb").read(), policy=email.policy.SMTP)
    assert mail["To"].addresses[0].addr_spec == "bob@acme.example" and len(list(kept.iterdir())) >= 1
    asked = [line for line in said.read_text().splitlines() if "12 % for Harbour Cranes" in line and "to bob@" not in line]
    assert asked == [], "Ann had decided, so neither she nor Carl is mailed"


def test_it_can_be_played_again(new_hub):
    hub = new_hub(config(), clock=True).start()
    first, second = lines(hub.belfry("demo", "--fast")), lines(hub.belfry("demo", "--fast"))
    assert first.keys() == second.keys()
    assert len(hub.items("ann", type="invoice.paid")) == 2


def test_parts_without_a_source_are_left_out(new_hub):
    some = config()
    some["sources"] = {"crm": some["sources"]["crm"]}
    hub = new_hub(some, clock=True).start()
    done = hub.belfry("demo", "--fast")
    assert done.returncode == 0
    for plugin in ["approval", "sync", "invoice"]:
        assert f"no source uses the plugin {plugin}: its part is left out\n" in done.stdout
    assert "Bob gives Ann a big deal" in done.stdout and "discount" not in done.stdout
    some["sources"] = {"talk": {"plugin": "echo_source"}}
    some["rules"] = some["rules"][:1]
    hub.write_config(some)
    assert hub.reload().status_code == 200
    done = hub.belfry("demo", "--fast")
    assert done.returncode == 1 and "no source" in done.stderr


def test_other_people_play_where_there_is_no_ann(new_hub):
    some = config()
    some["orgs"]["acme"]["users"] = {"zoe": {"roles": ["sales-manager"]}, "ya\"n": {}, "xia": {}}
    hub = new_hub(some, clock=True).start()
    done = hub.belfry("demo", "--fast")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Bob gives Ann a big deal -> zoe" in done.stdout
    assert "a shift of Bob's is cancelled four hours ahead: the fee applies -> ya\"n" in done.stdout


def test_a_hub_that_is_down_and_one_that_goes_down(new_hub):
    hub = new_hub(config()).start()
    hub.stop()
    done = hub.belfry("demo", "--fast")
    assert done.returncode == 4 and "no hub answers" in done.stderr and done.stdout == ""
    hub.start()
    with subprocess.Popen(hub.command("demo", "--speed", "1"), stdout=subprocess.PIPE, text=True,
                          env=hub.environment()) as playing:
        assert "08:30" in playing.stdout.readline()
        playing.terminate()


def test_the_speed(new_hub):
    hub = new_hub(config()).start()
    for wrong in [["--speed", "0"], ["--speed", "-1"], ["--speed", "x"], ["--speed", "nan"], ["--speed", ""], ["more"],
                  ["--speed", "1e9"]]:
        assert hub.belfry("demo", *wrong).returncode == 2, wrong
    assert lines(hub.belfry("demo", "--speed", "500000"))


def test_the_script_can_be_read(new_hub):
    hub = new_hub(config())
    hub.write_config()
    done = hub.belfry("demo", "--list")
    assert done.returncode == 0
    times = [line.split()[0] for line in done.stdout.splitlines()]
    assert times == sorted(times) and len(times) > 25
    for type in ["payment.claimed", "claim.confirmed", "invoice.disputed", "booking.disputed", "shift.cancelled",
                 "approval.submitted", "sync.started", "work.blocked", "record.created"]:
        assert type in done.stdout


def test_an_org_is_named_where_there_are_several(new_hub):
    some = config()
    some["orgs"]["globex"] = {"users": {"ann": {}}}
    hub = new_hub(some, clock=True).start()
    for command in [["demo", "--fast"], ["send", "crm", "record.deleted", "record.object=Lead", "record.id=L-1", "by=bob"]]:
        done = hub.belfry(*command)
        assert done.returncode == 2 and "--org" in done.stderr
    assert hub.belfry("demo", "--fast", "--org", "acme").returncode == 0
    for command in [["demo", "--fast"], ["send", "crm", "record.deleted", "record.object=Lead", "record.id=L-1", "by=bob"]]:
        done = hub.belfry(*command, "--org", "nowhere")
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr == "belfry: the hub has no org `nowhere`; it has acme, globex\n"


def test_send_needs_no_org_where_there_is_one(new_hub):
    hub = new_hub(config(), clock=True).start()
    done = hub.belfry("send", "crm", "record.deleted", "record.object=Lead", "record.id=L-1", "by=bob")
    assert done.returncode == 0 and '"accepted"' in done.stdout
