# SPDX-License-Identifier: Apache-2.0
"""I1 to I4 of the mission, and of I5 the confirmed claim, through the running hub.

I1: payment claimed, needs confirmation; invoice disputed; booking disputed; shift cancelled; invoice paid.
I2: a claim never flips to PAID by itself; Confirm / Reject, from the inbox row too.
I3: a dispute pauses the chasers until it is resolved.
I4: cancelling a shift applies the fee terms if the window applies.
I5: paid comes from a confirmed claim.
"""
import datetime
import threading
import uuid
from zoneinfo import ZoneInfo

import pytest
import requests

from support import people
from support.config import base, with_source
from support.events import cloud_event

BERLIN = ZoneInfo("Europe/Berlin")
PAYER = "accounts@northwind.example"


def make_config(outcome="delivered", **options):
    config = with_source(base(), "billing", plugin="invoice", **options)
    config["channels"]["mail"] = {"plugin": "echo_delivery", "outcome": outcome}
    config["rules"].append({"name": "reminders", "when": {"type": "invoice.reminder"}, "deliver": ["mail"]})
    return config


@pytest.fixture
def hub(new_hub):
    return new_hub(make_config(), clock=True).start()


def today(hub):
    return datetime.datetime.fromtimestamp(hub.now(), BERLIN).date()


class Invoice:
    """One of Ann's invoices at the hub, over 1234.50 EUR."""

    def __init__(self, hub, due_in=20, id=None):
        self.hub = hub
        self.id = id or uuid.uuid4().hex[:8]
        self.due = today(hub) + datetime.timedelta(days=due_in)
        self.url = f"https://books.example.org/{self.id}"
        hub.send(self.trigger("invoice.issued", invoice={
            "id": self.id, "number": f"N-{self.id}", "owner": "ann", "payer": {"name": "Northwind", "email": PAYER},
            "amount_minor": 123450, "currency": "EUR", "due_on": self.due.isoformat(), "url": self.url}), "billing")

    def trigger(self, type, **data):
        return cloud_event(type, {"invoice": {"id": self.id}, **data})

    def post(self, type, **data):
        """The response, whatever it is."""
        return self.hub.post_trigger(self.trigger(type, **data), "billing")

    def send(self, type, **data):
        return self.hub.send(self.trigger(type, **data), "billing")[0]

    def row(self, type, who="ann"):
        return next(i for i in self.hub.items(who, type=type) if i["subject"] == f"invoice/{self.id}")

    def types(self, who="ann"):
        return sorted(i["type"] for i in self.hub.items(who) if i["subject"] == f"invoice/{self.id}")


def act(hub, who, row, action, **body):
    return hub.post(f"/v1/acme/notifications/{row['id']}/actions/{action}", hub.person(who), json=body)


# --- I1 --------------------------------------------------------------------------------------------------------------

def test_i1_payment_claimed_needs_confirmation(hub):
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind", reference="TRX-42")
    row = invoice.row("invoice.payment_claimed")
    assert row["title"] == f"Payment claimed: N-{invoice.id}, 1234.50 EUR" and "TRX-42" in row["body"]
    assert row["severity"] == "warning" and row["category"] == "invoice" and row["unread"]
    assert [(a["id"], a["label"]) for a in row["actions"]] == [("confirm", "Confirm"), ("reject", "Reject")]
    opened = hub.get(row["href"], hub.person("ann"))
    assert (opened.status_code, opened.headers["Location"]) == (303, invoice.url)
    assert hub.items("bob") == []


def test_i1_invoice_disputed(hub):
    invoice = Invoice(hub)
    invoice.send("invoice.disputed", by="northwind", reason="Not ours")
    row = invoice.row("invoice.disputed")
    assert row["title"] == f"Invoice disputed: N-{invoice.id}, 1234.50 EUR" and row["severity"] == "error"
    assert "northwind" in row["body"] and "Not ours" in row["body"] and "paused" in row["body"]


def test_i1_booking_disputed(hub):
    event = {"booking": {"id": "b-3", "url": "https://books.example.org/b/3", "owner": "ann"}, "by": "northwind",
             "reason": "Not booked for that date"}
    hub.send(cloud_event("booking.disputed", event), "billing")
    row = hub.items("ann", type="booking.disputed")[0]
    assert (row["severity"], row["category"], row["subject"]) == ("error", "invoice", "booking/b-3")
    assert "Not booked for that date" in row["body"]
    assert hub.send(cloud_event("booking.disputed", event), "billing")[0]["events"] == 0, "repeated: nothing"


def test_i1_shift_cancelled(hub):
    hub.send(shift("s-1", "2026-02-01T09:00:00Z", "2026-01-01T09:00:00Z"), "billing")
    row = hub.items("ann", type="shift.cancelled")[0]
    assert (row["severity"], row["category"], row["subject"]) == ("warning", "invoice", "shift/s-1")


def test_i1_invoice_paid(hub):
    invoice = Invoice(hub)
    invoice.send("payment.received", amount_minor=100000)
    assert invoice.types() == []
    invoice.send("payment.received", amount_minor=23450)
    row = invoice.row("invoice.paid")
    assert row["title"] == f"Invoice paid: N-{invoice.id}, 1234.50 EUR" and row["severity"] == "success"
    assert row["body"] == "1234.50 EUR received."
    invoice.send("payment.received", amount_minor=50)
    assert invoice.row("invoice.overpaid")["title"] == f"Invoice overpaid: N-{invoice.id}, 0.50 EUR too much"


# --- I2 and I5 -------------------------------------------------------------------------------------------------------

def test_i2_a_claim_never_flips_to_paid_by_itself(hub):
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind")
    invoice.send("payment.claimed", by="northwind")
    hub.clock.advance("90d")
    assert set(invoice.types()) == {"invoice.payment_claimed"}
    assert hub.unread("ann") == 1, "the second claim took the place of the first"


def test_i2_confirm_from_the_inbox_row_makes_it_paid(hub):
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind")
    answer = act(hub, "ann", invoice.row("invoice.payment_claimed"), "confirm")
    assert answer.status_code == 200, answer.text
    row = invoice.row("invoice.payment_claimed")
    assert row["handled_by"] == "ann" and row["actions"] == [] and not row["unread"]
    assert invoice.row("invoice.paid")["body"] == "ann confirmed the payment."


def test_i2_reject_from_the_inbox_row_leaves_it_open(hub):
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind")
    first = invoice.row("invoice.payment_claimed")
    answer = act(hub, "ann", first, "reject", comment="Nothing on the account")
    assert answer.status_code == 200, answer.text
    assert invoice.row("invoice.payment_claimed")["handled_by"] == "ann"
    assert invoice.types() == ["invoice.payment_claimed"]
    invoice.send("payment.claimed", by="northwind")
    assert invoice.row("invoice.payment_claimed")["actions"] != [], "it is open and may be claimed again"
    late = act(hub, "ann", first, "confirm")
    assert late.status_code == 409 and late.json()["handled_by"] == "ann", "that was about the first claim"
    assert "invoice.paid" not in invoice.types()


def test_i2_confirm_over_the_api_says_who_and_when_to_the_second(hub):
    invoice = Invoice(hub)
    assert invoice.post("claim.confirmed", by="ann").status_code == 409, "there is no claim"
    invoice.send("payment.claimed", by="northwind")
    invoice.send("claim.confirmed", by="bob")
    late = invoice.post("claim.confirmed", by="ann")
    problem = late.json()
    assert late.status_code == 409 and problem["handled_by"] == "bob"
    assert datetime.datetime.fromisoformat(problem["handled_at"].replace("Z", "+00:00")).timestamp() == hub.now()
    assert problem["errors"][0]["pointer"] == "/data/invoice/id"
    assert invoice.types().count("invoice.paid") == 1


def test_i2_after_void_nothing_is_paid_confirmed_or_claimed(hub):
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind")
    invoice.send("invoice.voided", by="bob")
    assert invoice.row("invoice.payment_claimed")["validity"] == "withdrawn"
    for type in ["payment.received", "claim.confirmed", "claim.rejected", "payment.claimed", "invoice.disputed"]:
        refused = invoice.post(type, by="ann", amount_minor=1)
        assert refused.status_code == 409 and refused.json()["handled_by"] == "bob", type
    assert invoice.send("invoice.voided")["events"] == 0


@pytest.mark.parametrize("round", range(5))
def test_i2_two_who_confirm_at_once_are_one_confirmation(hub, round):
    """From two connections, one of them through the row, so that there is exactly one invoice.paid."""
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind")
    row = invoice.row("invoice.payment_claimed")
    trigger = invoice.trigger("claim.confirmed", by="bob")
    person, token = hub.person("ann"), {**people.token("all"), "Content-Type": "application/cloudevents+json"}
    answers, gate = {}, threading.Barrier(3)

    def post(name, path, headers, body):
        gate.wait()
        answers[name] = requests.post(hub.url + path, headers=headers, json=body, timeout=30)

    threads = [threading.Thread(target=post, args=args) for args in [
        ("row", f"/v1/acme/notifications/{row['id']}/actions/confirm", person, {}),
        ("token", "/v1/acme/sources/billing/triggers", token, trigger)]]
    for thread in threads:
        thread.start()
    gate.wait()
    for thread in threads:
        thread.join()
    codes = {name: answer.status_code for name, answer in answers.items()}
    assert codes in ({"row": 200, "token": 409}, {"row": 409, "token": 202}), codes
    winner = "ann" if codes["row"] == 200 else "bob"
    loser = answers["token" if winner == "ann" else "row"].json()
    assert loser["handled_by"] == winner and loser["handled_at"]
    assert invoice.types().count("invoice.paid") == 1
    assert invoice.row("invoice.payment_claimed")["handled_by"] == winner


def test_i2_whom_a_rule_brought_in_may_confirm_and_nobody_else_can(hub):
    config = make_config()
    config["rules"].append({"name": "clerk", "when": {"type": "invoice.payment_claimed"},
                            "deliver": [{"via": "inbox", "to": ["bob"]}]})
    hub.write_config(config)
    assert hub.reload().status_code == 200
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind")
    row = invoice.row("invoice.payment_claimed")
    assert act(hub, "carl", row, "confirm").status_code == 404
    assert act(hub, "bob", row, "confirm").status_code == 404, "that is Ann's row"
    assert act(hub, "bob", invoice.row("invoice.payment_claimed", "bob"), "confirm").status_code == 200
    assert invoice.row("invoice.payment_claimed")["handled_by"] == "bob"


def test_i5_paid_comes_from_a_confirmed_claim_and_its_money_is_not_told_again(hub):
    invoice = Invoice(hub)
    invoice.send("payment.claimed", by="northwind")
    invoice.send("claim.confirmed", by="ann")
    assert invoice.types().count("invoice.paid") == 1
    assert invoice.send("payment.received", amount_minor=123450)["events"] == 0
    assert invoice.send("payment.received", amount_minor=1)["events"] == 1
    assert invoice.row("invoice.overpaid")["title"].endswith("0.01 EUR too much")


# --- I3 --------------------------------------------------------------------------------------------------------------

def go_to(hub, date, hour, minute=0, second=0):
    """Moves the clock to a time of day in Berlin."""
    at = datetime.datetime.combine(date, datetime.time(hour, minute, second), BERLIN).timestamp()
    hub.clock.advance(f"{int(round((at - hub.now()) * 1000))}ms")


def reminders(hub, state=""):
    """Deliveries of reminders, with who they go to."""
    return hub.deliveries(f"?channel=mail{state}")


def day(invoice, days):
    return invoice.due + datetime.timedelta(days=days)


def test_i3_reminders_leave_for_the_payers_address_at_nine_in_the_orgs_zone_and_are_in_no_inbox(hub):
    invoice = Invoice(hub)
    go_to(hub, day(invoice, -3), 8, 59, 59)
    assert reminders(hub) == []
    go_to(hub, day(invoice, -3), 9)
    sent = reminders(hub, "&state=delivered")
    assert [d["recipient"] for d in sent] == [PAYER]
    for who in ["ann", "bob", "root", PAYER]:  # nobody, nor who is called as the address
        assert hub.items(who) == []
    for count, days in enumerate([1, 7, 14], 2):
        go_to(hub, day(invoice, days), 9)
        assert len(reminders(hub, "&state=delivered")) == count
    hub.clock.advance("90d")
    assert len(reminders(hub)) == 4


def test_i3_an_org_with_a_zone_of_its_own_has_its_own_morning(new_hub):
    config = make_config()
    config["orgs"]["acme"]["timezone"] = "Asia/Kolkata"
    hub = new_hub(config, clock=True).start()
    invoice = Invoice(hub)
    nine = datetime.datetime.combine(day(invoice, -3), datetime.time(9), ZoneInfo("Asia/Kolkata")).timestamp()
    hub.clock.advance(f"{int(round((nine - hub.now()) * 1000)) - 1}ms")
    assert reminders(hub) == []
    hub.clock.advance("1ms")
    assert len(reminders(hub)) == 1


def test_i3_a_dispute_pauses_the_chasers_until_it_is_resolved(hub):
    invoice = Invoice(hub)
    go_to(hub, day(invoice, -3), 9)
    invoice.send("invoice.disputed", by="northwind")
    go_to(hub, day(invoice, 6), 9)
    assert len(reminders(hub)) == 1, "1d passed in silence"
    invoice.send("dispute.resolved", by="ann")
    assert invoice.row("invoice.disputed")["handled_by"] == "ann"
    assert len(reminders(hub)) == 1, "what passed is dropped"
    go_to(hub, day(invoice, 7), 9)
    assert len(reminders(hub)) == 2, "the schedule resumes with what is still ahead"
    hub.clock.advance("90d")
    assert len(reminders(hub)) == 3
    again = invoice.post("dispute.resolved", by="bob")
    assert again.status_code == 409 and again.json()["handled_by"] == "ann"


@pytest.mark.parametrize("type,data", [
    ("invoice.disputed", {"by": "northwind"}),
    ("payment.received", {"amount_minor": 123450}),
    ("invoice.voided", {}),
])
def test_i3_a_reminder_that_has_not_left_does_not_leave_any_more(new_hub, type, data):
    hub = new_hub(make_config("retry"), clock=True).start()
    invoice = Invoice(hub)
    go_to(hub, day(invoice, -3), 9)
    assert [d["state"] for d in reminders(hub)] == ["retrying"]
    invoice.send(type, **data)
    ended = reminders(hub)[0]
    assert ended["state"] == "withdrawn"
    hub.clock.advance("30d")
    assert reminders(hub) == [ended], "no more attempts, and no other reminder"


def test_i3_of_several_that_were_missed_while_the_hub_was_down_only_the_latest_goes_out(hub):
    invoice = Invoice(hub)
    hub.stop()
    hub.clock.ms += 40 * 86_400_000
    hub.start()
    hub.clock.advance("1ms")
    assert len(reminders(hub)) == 1
    assert len(hub.events("?type=invoice.reminder")) == 1
    assert invoice.types() == []


def test_i3_chasers_of_a_new_configuration_hold_from_the_next_on(hub):
    invoice = Invoice(hub)
    hub.write_config(make_config(chasers=["-3d", "2d"], chase_at="18:30"))
    assert hub.reload().status_code == 200
    go_to(hub, day(invoice, -3), 18, 30)
    assert len(reminders(hub)) == 1
    go_to(hub, day(invoice, 2), 18, 29, 59)
    assert len(reminders(hub)) == 1
    go_to(hub, day(invoice, 2), 18, 30)
    assert len(reminders(hub)) == 2


def test_i3_what_went_out_does_not_come_again_when_the_morning_is_moved(hub):
    invoice = Invoice(hub)
    go_to(hub, day(invoice, -3), 9)
    assert len(reminders(hub)) == 1
    config = make_config(chase_at="18:30")
    config["orgs"]["acme"]["timezone"] = "America/New_York"
    hub.write_config(config)
    assert hub.reload().status_code == 200
    go_to(hub, day(invoice, 1), 23)  # in Berlin, where it is 17:00 in New York
    assert len(reminders(hub)) == 1
    go_to(hub, day(invoice, 2), 1)
    assert len(reminders(hub)) == 2


# --- I4 --------------------------------------------------------------------------------------------------------------

def shift(id, starts_at, cancelled_at, **terms):
    return cloud_event("shift.cancelled", {
        "shift": {"id": id, "url": "/shifts/9", "owner": "ann", "starts_at": starts_at}, "by": "northwind",
        "cancelled_at": cancelled_at,
        "terms": {"window_hours": 24, "percent": 50, "rate_minor": 18000, "currency": "EUR", **terms}})


def test_i4_cancelling_inside_of_the_window_applies_the_fee(hub):
    hub.send(shift("in", "2026-02-01T09:00:00Z", "2026-01-31T09:00:01Z"), "billing")
    row = hub.items("ann", type="shift.cancelled")[0]
    assert row["title"] == "Shift cancelled: in, fee 90.00 EUR"
    data = hub.story(hub.events("?type=shift.cancelled")[0]["id"])["event"]["data"]
    assert (data["fee_applies"], data["fee_minor"], data["fee"]) == (True, 9000, "90.00 EUR")
    assert data["shift"]["owner"] == "ann" and data["terms"]["percent"] == 50


def test_i4_cancelling_outside_of_the_window_does_not(hub):
    hub.send(shift("out", "2026-02-01T09:00:00Z", "2026-01-31T09:00:00Z"), "billing")
    row = hub.items("ann", type="shift.cancelled")[0]
    assert row["title"] == "Shift cancelled: out" and "No cancellation fee applies." in row["body"]


def test_i4_clocks_that_change_make_no_difference(hub):
    hub.send(shift("spring", "2026-03-29T12:00:00+02:00", "2026-03-28T12:00:00+01:00"), "billing")
    hub.send(shift("autumn", "2026-10-25T12:00:00+01:00", "2026-10-24T12:00:00+02:00"), "billing")
    assert sorted(hub.titles("ann")) == ["Shift cancelled: autumn", "Shift cancelled: spring, fee 90.00 EUR"]


def test_i4_another_cancellation_of_the_same_shift_says_who_was_first(hub):
    first = shift("twice", "2026-02-01T09:00:00Z", "2026-01-31T10:00:00Z")
    hub.send(first, "billing")
    assert hub.send({**first, "id": "again"}, "billing")[0]["events"] == 0
    other = hub.post_trigger(shift("twice", "2026-02-01T09:00:00Z", "2026-01-31T11:00:00Z"), "billing")
    assert other.status_code == 409
    assert (other.json()["handled_by"], other.json()["handled_at"]) == ("northwind", "2026-01-31T10:00:00.000Z")


def test_i4_all_faults_of_the_terms_are_named(hub):
    bad = hub.post_trigger(shift("bad", "tomorrow", "2026-01-31T11:00:00Z", percent=-1, currency="euro"), "billing")
    assert bad.status_code == 422
    assert [e["pointer"] for e in bad.json()["errors"]] == [
        "/data/shift/starts_at", "/data/terms/currency", "/data/terms/percent"]
