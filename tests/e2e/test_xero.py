# SPDX-License-Identifier: Apache-2.0
"""I5 of the mission, through the running hub and a stand-in for Xero.

I5: paid comes from a Xero payment webhook or a confirmed claim: signed webhook, real fetch.
"""
import json
import sqlite3
import time
import uuid

import pytest

from support import people, raw
from support.config import base
from support.wait import stays, until
from support.xero import CLIENT_SECRET, SIGNING_KEY, TENANT, Xero, options, signature

OTHER_TENANT = "7a1c5e2e-0000-4000-8000-00000000000b"


class Clock:
    """Real time until there is a hub with a clock of its own."""

    def __init__(self):
        self.hub = None

    def __call__(self):
        return self.hub.now() if self.hub else time.time()


@pytest.fixture
def xero():
    xero = Xero(Clock())
    yield xero
    xero.close()


@pytest.fixture
def hub(new_hub, xero):
    config = base()
    config["sources"]["billing"] = {"plugin": "invoice", "chasers": [], "xero": options(xero)}
    config["sources"]["plain"] = {"plugin": "invoice", "chasers": []}
    config["sources"]["globex-only"] = {"plugin": "invoice", "chasers": [], "orgs": ["globex"], "xero": options(xero)}
    hub = new_hub(config, clock=True).start()
    xero.clock.hub = hub
    return hub


def webhook(hub, source="billing", org="acme"):
    return f"{hub.url}/v1/{org}/sources/{source}/xero"


def trigger(type, data):
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/books", "type": type, "data": data}


def issue(hub, number, minor=10000, currency="EUR", id=None):
    hub.send(trigger("invoice.issued", {"invoice": {
        "id": id or f"our-{number}", "number": number, "owner": "ann",
        "payer": {"name": "Northwind", "email": "pay@northwind.example"}, "amount_minor": minor, "currency": currency,
        "due_on": "2099-01-01", "url": "https://books.example.org/1"}}), "billing")


def paid(hub, type="invoice.paid"):
    return hub.items("ann", type)


def until_paid(hub, count=1):
    until(lambda: len(paid(hub)) == count, f"{count} paid invoices")


# --- paid ------------------------------------------------------------------------------------------------------------

def test_i5_paid_comes_from_a_xero_payment_webhook(hub, xero):
    issue(hub, "INV-1")
    assert xero.intent_to_receive(webhook(hub))
    id = xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub)
    row = paid(hub)[0]
    assert "INV-1" in row["title"] and row["unread"]
    assert [c.path for c in xero.fetches()] == [f"/api.xro/2.0/Invoices/{id}"]
    assert not xero.counted("/stolen")  # where an event says that the invoice is, nobody goes


def test_i5_or_from_a_confirmed_claim_and_both_are_one_payment(hub, xero):
    issue(hub, "INV-1")
    hub.send(trigger("payment.claimed", {"invoice": {"id": "our-INV-1"}, "by": "pay@northwind.example"}), "billing")
    assert paid(hub) == []
    hub.send(trigger("claim.confirmed", {"invoice": {"id": "our-INV-1"}, "by": "ann"}), "billing")
    until_paid(hub)
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until(xero.fetches, "the invoice is fetched")
    settled(hub)
    assert len(paid(hub)) == 1 and paid(hub, "invoice.overpaid") == []


def settled(hub):
    """No task is left."""
    until(lambda: tasks(hub) == [], "all tasks are done")


def database(hub):
    return sqlite3.connect(f"file:{hub.data_dir / 'belfry.db'}?mode=ro", uri=True)


def tasks(hub, dead=0):
    with database(hub) as db:
        return db.execute("SELECT key, detail FROM task WHERE dead = ?", (dead,)).fetchall()


def test_part_payments_add_up(hub, xero):
    issue(hub, "INV-1")
    for amount in ["0.01", "40.00", "40.00", "99.99"]:
        xero.change("INV-1", amount)
        assert xero.deliver(webhook(hub))
    settled(hub)
    assert paid(hub) == []
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub)
    assert paid(hub, "invoice.overpaid") == []


def test_many_events_of_one_body_are_on_disk_when_it_is_answered(hub, xero):
    for n in range(40):
        issue(hub, f"INV-{n}")
    xero.down = "hang"
    for n in range(40):
        xero.change(f"INV-{n}", "100.00")
    assert xero.deliver(webhook(hub))
    hub.kill()
    xero.down = None
    hub.start()
    until_paid(hub, 40)
    assert len(xero.token_calls()) <= 2  # one for all, and the one that hung


def test_xero_first_and_issued_later_ends_paid(hub, xero):
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until(xero.fetches, "the invoice is fetched")
    settled(hub)
    issue(hub, "INV-1")
    until_paid(hub)


def test_bills_other_currencies_and_other_tenants_are_not_ours(hub, xero):
    xero.tenants.add(OTHER_TENANT)
    for number in ["INV-1", "INV-2", "INV-3"]:
        issue(hub, number)
    hub.config["sources"]["billing"]["xero"]["tenants"] = [TENANT]
    hub.write_config()
    assert hub.reload().status_code == 200
    xero.change("INV-1", "100.00", type="ACCPAY")
    xero.change("INV-2", "100.00", currency="USD")
    xero.change("INV-3", "100.00", tenant=OTHER_TENANT)
    assert xero.deliver(webhook(hub))
    until(lambda: len(xero.fetches()) == 2, "both are fetched")
    settled(hub)
    assert paid(hub) == []
    assert all(c.headers["xero-tenant-id"] == TENANT for c in xero.fetches())
    assert "the currency is USD at Xero and EUR here" in hub.log()


# --- the webhook -----------------------------------------------------------------------------------------------------

ITR = json.dumps({"events": [], "lastEventSequence": 0, "firstEventSequence": 0, "entropy": "x"}).encode()


def raw_post(hub, body, *headers, path="/v1/acme/sources/billing/xero", method="POST"):
    head = [f"{method} {path} HTTP/1.1", "Host: hub.test", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw.exchange(hub, "\r\n".join(head).encode() + body)


@pytest.mark.parametrize("key, want", [(SIGNING_KEY, 200), ("wrong", 401)])
def test_the_answer_has_no_body_and_no_cookie(hub, key, want):
    cookie = "Cookie: belfry_session=x; other=y"
    got = raw_post(hub, ITR, f"X-Xero-Signature: {signature(ITR, key)}", cookie, "Origin: http://hub.test")
    head, _, body = got.partition(b"\r\n\r\n")
    assert raw.status(got) == want and body == b""
    assert b"content-length: 0" in head.lower()
    assert b"set-cookie" not in head.lower() and b"\r\ncontent-type:" not in head.lower()


def test_without_a_signature_it_is_401(hub):
    assert raw.status(raw_post(hub, ITR)) == 401
    assert raw.status(raw_post(hub, ITR, "X-Xero-Signature:")) == 401


def test_a_token_or_a_session_is_no_signature(hub):
    for headers in [people.token("all"), hub.person("ann")]:
        assert hub.post("/v1/acme/sources/billing/xero", headers, data=ITR).status_code == 401


def test_what_is_not_there_is_404_whether_signed_or_not(hub):
    for source, org in [("billing", "nowhere"), ("nothing", "acme"), ("plain", "acme"), ("crm", "acme"),
                        ("globex-only", "acme")]:
        texts = set()
        for key in [SIGNING_KEY, "wrong"]:
            answer = hub.post(f"/v1/{org}/sources/{source}/xero", {"x-xero-signature": signature(ITR, key)}, data=ITR)
            assert answer.status_code == 404, (source, org)
            texts.add(answer.text)
        assert len(texts) == 1 and "xero" not in texts.pop()
    assert hub.post("/v1/globex/sources/globex-only/xero", {"x-xero-signature": signature(ITR)},
                    data=ITR).status_code == 200


def test_another_method_is_405_and_a_large_body_413(hub):
    answer = hub.get("/v1/acme/sources/billing/xero")
    assert answer.status_code == 405 and answer.headers["allow"].startswith("POST")
    large = b" " * (1024 * 1024 + 1)
    assert hub.post("/v1/acme/sources/billing/xero", {"x-xero-signature": signature(large)},
                    data=large).status_code == 413


def test_what_cannot_be_taken_now_is_503_and_xero_calls_again(new_hub, xero):
    config = base()
    config["hub"]["limits"]["pending_triggers"] = 1
    config["sources"]["billing"] = {"plugin": "invoice", "chasers": [], "xero": options(xero)}
    hub = new_hub(config, clock=True).start()
    xero.clock.hub = hub
    issue(hub, "INV-1")
    xero.change("INV-1", "100.00")
    body = xero.body_of_queue()  # becomes two triggers, and one may wait
    assert xero.post(webhook(hub), body) == 503
    config["hub"]["limits"]["pending_triggers"] = 20
    hub.config = config
    hub.restart()
    assert xero.post(webhook(hub), body) == 200
    until_paid(hub)


def test_a_signed_body_that_is_no_json_is_kept_where_admins_see_it(hub, xero):
    assert xero.post(webhook(hub), b"\xff not JSON") == 200
    with database(hub) as db:
        kept = db.execute("SELECT kind, problem, CAST(body AS TEXT) FROM refused").fetchall()
    assert len(kept) == 1 and kept[0][0] == "hook"
    assert "cannot be read" in kept[0][1] and "? not JSON" in kept[0][2]


def test_a_token_cannot_say_what_only_xero_knows(hub):
    issue(hub, "INV-1")
    told = {"tenant": TENANT, "invoices": [{"id": "i", "number": "INV-1", "type": "ACCREC", "status": "PAID",
                                            "currency": "EUR", "total": "100", "paid": "100", "credited": "0"}]}
    for type in ["xero.invoice.result", "xero.invoices.result", "xero.event", "xero.delivery", "xero.enabled"]:
        answer = hub.post_trigger(trigger(type, told), "billing")
        assert answer.status_code == 403, answer.text
    assert paid(hub) == []


# --- Xero is away ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("down", [503, "hang up"])
def test_xero_down_for_hours_and_back_is_paid_exactly_once(hub, xero, down):
    issue(hub, "INV-1")
    xero.down = down
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    for _ in range(12):  # a call every 10 minutes at most
        before = len(xero.calls)
        until(lambda: len(xero.calls) > before or hub.clock.advance("1m") and False, "another try")
    assert paid(hub) == [] and tasks(hub, dead=1) == []
    hub.clock.advance("3h")
    xero.down = None
    until(lambda: paid(hub) or hub.clock.advance("1m") and False, "paid")
    settled(hub)
    assert len(paid(hub)) == 1 and len(xero.fetches()) >= 1


def test_kill_9_between_the_200_and_the_fetch_is_paid_after_the_restart(hub, xero):
    issue(hub, "INV-1")
    xero.down = "hang"
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until(lambda: xero.calls, "Xero is asked")
    hub.kill()
    xero.down = None
    hub.start()
    until_paid(hub)
    settled(hub)
    assert len(paid(hub)) == 1


def test_429_waits_as_long_as_xero_says(hub, xero):
    issue(hub, "INV-1")
    xero.change("INV-1", "0.00")
    assert xero.deliver(webhook(hub))
    settled_after_fetch(hub, xero, 1)
    xero.down, xero.retry_after = 429, 90
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    settled_after_fetch(hub, xero, 2, left=1)
    xero.down = None
    hub.clock.advance("80s")
    stays(lambda: len(xero.fetches()) == 2, "not asked before", seconds=1.5)
    hub.clock.advance("10s")
    until_paid(hub)


def settled_after_fetch(hub, xero, count, left=0):
    """Fetched so often, and all tasks are done but those that wait for another time."""
    until(lambda: len(xero.fetches()) == count, f"{count} fetches")
    until(lambda: (len(tasks(hub)), waiting(hub)) == (left, left), "the task is settled")


def waiting(hub):
    with database(hub) as db:
        return db.execute("SELECT count(*) FROM task WHERE dead = 0 AND lease IS NULL").fetchone()[0]


def test_an_invoice_that_is_not_there_ends_with_a_clear_word(hub, xero):
    id = xero.change("INV-1", "100.00")
    del xero.invoices[id]
    assert xero.deliver(webhook(hub))
    until(lambda: tasks(hub, dead=1), "the task is dead")
    assert tasks(hub, dead=1) == [("xero.invoice", f"Xero answered 404 to invoice {id} of tenant {TENANT}; it does not "
                                                   "exist there")]


# --- the token -------------------------------------------------------------------------------------------------------

def test_two_tasks_have_one_token_until_it_expires(hub, xero):
    issue(hub, "INV-1")
    issue(hub, "INV-2")
    xero.change("INV-1", "100.00")
    xero.change("INV-2", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub, 2)
    assert len(xero.token_calls()) == 1
    hub.clock.advance("29m")
    issue(hub, "INV-3")
    xero.change("INV-3", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub, 3)
    assert len(xero.token_calls()) == 2


def test_a_connection_from_before_scopes_were_narrow_gives_a_token_as_well(hub, xero):
    xero.granted = "accounting.transactions.read"
    issue(hub, "INV-1")
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub)
    assert [b"scope=" in c.body for c in xero.token_calls()] == [True, False]


def test_a_token_that_was_revoked_is_replaced_once(hub, xero):
    issue(hub, "INV-1")
    xero.change("INV-1", "50.00")
    assert xero.deliver(webhook(hub))
    settled_after_fetch(hub, xero, 1)
    xero.revoke()
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub)
    assert len(xero.token_calls()) == 2 and len(xero.fetches()) == 3


def test_no_secret_is_in_a_log(hub, xero):
    issue(hub, "INV-1")
    xero.revoke()
    xero.token_life = 1
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub)
    hub.config["sources"]["billing"]["xero"]["client_secret"] = "not-" + CLIENT_SECRET
    hub.write_config()
    assert hub.reload().status_code == 200
    xero.change("INV-1", "110.00")
    assert xero.deliver(webhook(hub))
    until(lambda: "invalid_client" in hub.log(), "the refusal is logged")
    for secret in [SIGNING_KEY, CLIENT_SECRET, "secret-token"]:
        assert secret not in hub.log()


# --- what Xero counts ------------------------------------------------------------------------------------------------

def test_events_that_were_missed_are_asked_for_page_after_page(hub, xero):
    xero.page_size = 2
    for n in range(6):
        issue(hub, f"INV-{n}")
    xero.change("INV-0", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub)
    hub.clock.advance("2h")
    for n in range(1, 5):
        xero.change(f"INV-{n}", "100.00")
    xero.forget()
    assert xero.pages() == []
    xero.change("INV-5", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub, 6)
    settled(hub)
    assert [c.query["page"] for c in xero.pages()] == [["1"], ["2"], ["3"], ["4"]]
    assert len(paid(hub)) == 6 and paid(hub, "invoice.overpaid") == []


def test_a_webhook_that_is_enabled_again_asks_for_what_it_missed(hub, xero):
    issue(hub, "INV-1")
    issue(hub, "INV-2")
    assert xero.intent_to_receive(webhook(hub))
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub)
    assert xero.pages() == []
    hub.clock.advance("2d")
    xero.change("INV-2", "100.00")
    xero.forget()
    assert xero.intent_to_receive(webhook(hub))
    until_paid(hub, 2)
    settled(hub)
    assert [c.query["page"] for c in xero.pages()] == [["1"], ["2"]]  # three right calls of the series, one question


def test_what_is_repeated_changes_nothing(hub, xero):
    issue(hub, "INV-1")
    xero.change("INV-1", "60.00")
    body = xero.deliver(webhook(hub))
    xero.change("INV-1", "100.00")
    later = xero.deliver(webhook(hub))
    until_paid(hub)
    settled(hub)
    fetches = len(xero.fetches())
    for again in [body, later, body]:
        assert xero.post(webhook(hub), again) == 200
    settled(hub)
    assert len(xero.fetches()) == fetches and xero.pages() == [] and len(paid(hub)) == 1


def test_without_a_client_events_are_taken_and_asked_for_once_there_is_one(hub, xero):
    whole = hub.config["sources"]["billing"]["xero"]
    hub.config["sources"]["billing"]["xero"] = {"signing_key": SIGNING_KEY}
    hub.write_config()
    assert hub.reload().status_code == 200
    issue(hub, "INV-1")
    issue(hub, "INV-2")
    xero.change("INV-1", "100.00")
    assert xero.deliver(webhook(hub))
    assert xero.calls == [] and tasks(hub) == []
    hub.config["sources"]["billing"]["xero"] = whole
    hub.write_config()
    assert hub.reload().status_code == 200
    xero.change("INV-2", "100.00")
    assert xero.deliver(webhook(hub))
    until_paid(hub, 2)
