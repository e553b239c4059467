# SPDX-License-Identifier: Apache-2.0
"""Mail through bad days: kill -9 of the hub in each state of a mail, and a server that fails in each way smtp-sink knows.
No mail is lost; one comes twice only where nobody can know whether it arrived, and then under one Message-ID."""
import random

import pytest

from support import people
from support.config import base, with_mail
from support.events import case
from support.smtp import HOLD
from support.smtp_sink import SmtpSink
from support.wait import until

OPEN = ["scheduled", "sending", "retrying", "unknown"]


def config(server):
    return with_mail(base(), server)


def mails(hub):
    """{title: delivery} of all mails, page by page."""
    found, before = {}, ""
    while True:
        answer = hub.get(f"/v1/acme/deliveries?channel=mail&limit=200{before}",
                         people.token("all")).json()
        for item in answer["items"]:
            found[item["title"]] = item
        if not answer["next"]:
            return found
        before = f"&before={answer['next']}"


def way(hub, title):
    return mails(hub)[title]


def results(hub, title):
    """What each attempt met."""
    told = hub.get(f"/v1/acme/deliveries/{way(hub, title)['id']}", people.token("all")).json()
    return [attempt["result"] for attempt in told["timeline"]]


def becomes(hub, title, *outcomes):
    return until(lambda: (found := way(hub, title))["state"] in outcomes and found, f"{title}: {outcomes}")


# --- kill -9 -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("state", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT", "."])
def test_a_mail_under_way_when_the_hub_is_killed_is_unknown_and_comes_once_more(new_hub, smtp, state):
    smtp.script(state, HOLD)
    hub = new_hub(config(smtp), clock=True).start()
    hub.send(case("ann", name="Under way"))
    if state == "GREETING":
        until(lambda: smtp.sessions)
    else:
        smtp.wait_for({"CONTENT": "DATA"}.get(state, state))
    hub.kill()
    smtp.unscript().release()
    first = until(lambda: not [s for s in smtp.sessions if s.open]) and smtp.all_mails()
    hub.start()
    left = becomes(hub, "Under way", "unknown")
    hub.clock.advance("14m")
    assert smtp.all_mails() == first and way(hub, "Under way")["id"] == left["id"]
    hub.clock.advance("5m")
    becomes(hub, "Under way", "delivered")
    assert len(smtp.mails()) == len(first) + 1 and len(first) <= 1
    assert len({mail["Message-ID"] for mail in smtp.all_mails()}) == 1
    assert state in ("CONTENT", ".") or not first, "nothing was handed over before DATA"


def test_a_mail_that_waits_when_the_hub_is_killed_goes_out_once(new_hub, smtp):
    made = with_mail(base(), smtp, deliver={"after": "5m"})
    hub = new_hub(made, clock=True).start()
    hub.send(case("ann", name="Waits"))
    hub.kill()
    hub.start()
    hub.clock.advance("6m")
    becomes(hub, "Waits", "delivered")
    hub.kill()
    hub.start()
    hub.clock.advance("1d")
    assert [mail["Subject"] for mail in smtp.all_mails()] == ["Waits"]


def rounds(new_hub, count, seed):
    """Mails to two people while the hub dies; whatever was unknown has gone out again before the next round."""
    rng = random.Random(seed)
    sink = SmtpSink()
    try:
        hub = new_hub(config(sink.url), clock=True).start()
        names = []
        for round_ in range(count):
            some = [f"r{round_}-{i}" for i in range(40)]
            names += some
            before = len(sink.taken())
            hub.send([case(rng.choice(["ann", "bob"]), name=name) for name in some])
            want = before + rng.randint(0, 35)
            until(lambda: len(sink.taken()) >= want, "smtp-sink takes mails")
            hub.kill()
            hub.start()
            hub.clock.advance("20m")
            until(lambda: not [m for m in mails(hub).values() if m["state"] in OPEN], "all mails have ended")
        assert {m["state"] for m in mails(hub).values()} == {"delivered"}
        came = {}
        for mail in sink.taken():
            came.setdefault(mail.header("Subject"), []).append(mail.message_id)
        assert set(came) == set(names), "lost"
        for name, ids in came.items():
            assert len(set(ids)) == 1 and len(ids) <= 2, (name, ids)
            assert len(ids) == 1 or "unknown" in results(hub, name), f"{name} came twice, and was never unknown"
        assert len({ids[0] for ids in came.values()}) == len(names)
    finally:
        sink.close()


def test_ten_kills_under_load(new_hub):
    rounds(new_hub, 10, 0)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_hundred_kills_under_load(new_hub, seed):
    rounds(new_hub, 20, seed)


# --- a server with faults -----------------------------------------------------------------------------------------------

FAULTS = [
    # options of smtp-sink, what becomes of the mail meanwhile, whether it comes when the server is well again
    (["-r", "CONNECT"], ["scheduled", "retrying"], True),
    (["-r", "MAIL"], ["retrying"], True),
    (["-r", "RCPT"], ["retrying"], True),
    (["-r", "DATA"], ["retrying"], True),
    (["-r", "."], ["retrying"], True),
    (["-q", "CONNECT"], ["scheduled", "retrying"], True),
    (["-q", "MAIL"], ["scheduled", "retrying"], True),
    (["-q", "RCPT"], ["scheduled", "retrying"], True),
    (["-q", "DATA"], ["scheduled", "retrying"], True),
    (["-Q", "MAIL"], ["scheduled", "retrying"], True),
    (["-f", "CONNECT"], ["scheduled", "retrying"], True),
    (["-f", "RCPT"], ["failed"], False),
    (["-f", "DATA"], ["failed"], False),
    (["-f", "."], ["failed"], False),
    (["-q", "."], ["unknown"], True),
]


@pytest.mark.parametrize("fault, meanwhile, comes", FAULTS, ids=[" ".join(f[0]) for f in FAULTS])
def test_a_server_that_fails_in_one_way_and_is_well_again(new_hub, fault, meanwhile, comes):
    sink = SmtpSink(*fault)
    try:
        hub = new_hub(config(sink.url), clock=True).start()
        hub.send(case("ann", name="Through trouble"))
        until(lambda: way(hub, "Through trouble")["detail"], "it is tried")
        becomes(hub, "Through trouble", *meanwhile)
        held = sink.taken()
        sink.close()
        sink = SmtpSink(port=sink.port)
        for _ in range(12):
            hub.clock.advance("5m")
        if comes:
            becomes(hub, "Through trouble", "delivered")
            sink.wait(1)
        taken = sink.taken()
        assert len(taken) == comes, "once, or never"
        assert {m.message_id for m in held} <= {m.message_id for m in taken} or not comes
        assert comes or way(hub, "Through trouble")["state"] == "failed"
    finally:
        sink.close()


@pytest.mark.parametrize("slow", ["DATA:2", ".:2"])
def test_a_slow_server_holds_up_nobody_else(new_hub, slow):
    """The inbox answers while smtp-sink thinks for two seconds about each mail, before its content and behind it."""
    sink = SmtpSink("-W", slow)
    try:
        hub = new_hub(config(sink.url)).start()
        hub.send([case("ann", name=f"slow {i}") for i in range(8)])
        until(lambda: [m for m in mails(hub).values() if m["state"] == "sending"])
        assert len(hub.titles("ann")) == 8
        assert "delivered" not in {m["state"] for m in mails(hub).values()}, "nobody waited for smtp-sink"
        sink.wait(8)
        until(lambda: {m["state"] for m in mails(hub).values()} == {"delivered"})
    finally:
        sink.close()
