# SPDX-License-Identifier: Apache-2.0
"""Languages: whose wish counts, and what is told in them."""
import itertools
import re
import sqlite3

import pytest

from support import people
from support.config import base
from support.events import cloud_event, created
from support.hub import Hub
from support.wait import until

_number = itertools.count(1)
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


def configured():
    config = base()
    users = config["orgs"]["acme"]["users"]
    users["greta"] = {"name": "Greta Groß", "locale": "de-AT", "roles": ["sales-manager", "admin"]}
    users["ann"]["locale"] = "en-GB"
    config["sources"].update({
        "deals": {"plugin": "approval", "remind_after": "36h"},
        "hr-sync": {"plugin": "sync", "background_after": "0s", "stalled_after": "2h"},
        "billing": {"plugin": "invoice"},
    })
    return config


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("languages"), configured(), clock=True)
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


def newest(hub, who, query="?read=all&limit=1", headers=None, **claims):
    answer = hub.get(f"/v1/acme/notifications{query}", {**hub.person(who, **claims), **(headers or {})})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def said(item):
    return item["title"], item["body"]


# --- whose wish counts ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("wish, language", [
    (None, "en"),
    ("", "en"),
    ("de", "de"),
    ("DE-at", "de"),
    ("fr, de;q=0.5", "de"),
    ("fr", "en"),
    ("en-GB,en;q=0.9,de;q=0.8", "en"),
    ("en;q=0.3, de;q=0.8", "de"),
    ("de;q=0", "en"),
    ("de;q=0.000, en", "en"),
    ("*", "en"),
    ("de;q=2", "en"),
    ("de;q=x, en;q=0.1", "en"),
    ("x" * 60 + ", de", "de"),
    ("../de, \"><script>, de;q=0.1", "de"),
])
def test_a_browser_that_nobody_is_signed_in_with_says_its_language(hub, wish, language):
    headers = {"Accept": HTML} | ({"Accept-Language": wish} if wish is not None else {"Accept-Language": None})
    page = hub.get("/acme/notifications", headers)
    assert page.status_code == 401
    assert re.search(r'<html lang="(\w+)" dir="ltr">', page.text)[1] == language
    assert page.headers["content-language"] == language
    assert "Accept-Language" in page.headers["vary"]
    assert ("Sie sind nicht angemeldet" in page.text) == (language == "de")


@pytest.mark.parametrize("who, claims, wish, language", [
    ("greta", {}, "en", "de"),  # what is known of a person goes before their browser
    ("greta", {"locale": "en-US"}, "de", "en"),  # and their session before that
    ("ann", {"locale": "de"}, "en", "de"),
    ("bob", {}, "de-CH, en;q=0.5", "de"),
    ("bob", {}, None, "en"),
    ("bob", {"locale": "\"><b>"}, "de", "de"),  # no language at all
    ("bob", {"locale": "fr"}, "de", "en"),  # a wish that we have no words for
    ("bob", {"locale": "DE-at"}, None, "de"),
    ("bob", {"locale": "de_DE"}, None, "de"),  # as many applications write it
])
def test_the_session_goes_before_the_person_and_the_person_before_the_browser(hub, who, claims, wish, language):
    headers = {**hub.person(who, **claims), "Accept": HTML, "Accept-Language": wish}
    page = hub.get("/acme/notifications", headers)
    assert page.status_code == 200
    assert page.headers["content-language"] == language


def test_times_are_in_the_language_of_the_words_around_them(hub):
    hub.send(created(owner="bob", object="Lead", fields={"name": "Just now"}))
    headers = {**hub.person("bob", locale="fr-FR"), "Accept": HTML}
    page = hub.get("/acme/notifications", headers).text
    assert '<html lang="en"' in page and ">now</time>" in page
    hub.clock.advance("9d")
    times = re.findall(r"<time [^>]*>([^<]+)</time>", hub.get("/acme/notifications", {**headers, **hub.person(
        "bob", locale="fr-FR")}).text)
    assert re.fullmatch(r"[A-Z][a-z]{2} \d+, \d{4}, \d+:\d\d.[AP]M", times[0]), times


@pytest.mark.parametrize("claims, written_by", [
    ({}, ("de-AT", "Europe/Berlin")),
    ({"locale": "en-GB", "zoneinfo": "Asia/Tokyo"}, ("en-GB", "Asia/Tokyo")),
    ({"locale": "fr", "zoneinfo": "Mars/Base"}, ("en", "Europe/Berlin")),
    ({"zoneinfo": "\"><script>"}, ("de-AT", "Europe/Berlin")),
])
def test_a_page_says_what_its_numbers_and_times_are_written_by(hub, claims, written_by):
    page = hub.get("/acme/notifications", {**hub.person("greta", **claims), "Accept": HTML}).text
    assert re.search(r'<body data-locale="([^"]*)" data-zone="([^"]*)">', page).groups() == written_by


def test_of_people_of_the_api_the_language_is_known_as_well(hub):
    put = hub.request("PUT", "/v1/acme/users/hans", people.token("users"), json={"locale": "de"})
    assert put.status_code == 200
    for roles in (None, ["sales-manager"]):
        page = hub.get("/acme/notifications", {**hub.person("hans", roles=roles), "Accept": HTML})
        assert page.headers["content-language"] == "de"


def test_a_tag_is_of_one_language(hub):
    headers = hub.person("bob")
    german = hub.get("/v1/acme/notifications", {**headers, "Accept-Language": "de"})
    tag = {"If-None-Match": german.headers["etag"]}
    assert hub.get("/v1/acme/notifications", {**headers, **tag, "Accept-Language": "de"}).status_code == 304
    assert hub.get("/v1/acme/notifications", {**headers, **tag, "Accept-Language": "en"}).status_code == 200
    assert "Accept-Language" in german.headers["vary"]


# --- pages of faults --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path, status, words", [
    ("/acme/nothing/at/all", 404, "Hier ist nichts"),
    ("/no-such-org/notifications", 401, "Sie sind nicht angemeldet"),
    ("/acme/session", 400, "Diese Adresse ist nicht zu verstehen"),
    ("/acme/session?token=a.b.c", 401, "Die Anmeldung hat nicht geklappt"),
    ("/acme/session/end", 405, "Das lässt sich nicht öffnen"),
])
def test_a_browser_gets_a_page_where_an_application_gets_a_problem(hub, path, status, words):
    page = hub.get(path, {"Accept": HTML, "Accept-Language": "de"})
    assert page.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert words in page.text
    assert "require-trusted-types-for" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    problem = hub.get(path, {"Accept": "application/json"})
    if status != 401 or "token" in path:
        assert problem.status_code == status
        assert problem.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/acme/nothing", "/v1/acme/notifications", "/assets/none.css"])
def test_the_api_stays_what_it_is_for_browsers_too(hub, path):
    answer = hub.get(path, {"Accept": HTML})
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_a_path_says_is_text_in_the_page_of_a_fault(hub):
    page = hub.get("/acme/session?token=x&next=%3Cscript%3Ealert(1)%3C/script%3E", {"Accept": HTML})
    assert "<script>alert" not in page.text
    assert hub.get("/%3Cb%3E/x", {"Accept": HTML}).text.count("<b>") == 0


# --- what is told -----------------------------------------------------------------------------------------------

def approval(**more):
    return cloud_event("approval.submitted", {"approval": {
        "id": f"L-{next(_number)}", "title": "New printer", "url": "https://erp.example/a", "submitter": "carl",
        "steps": [{"name": "Finance", "approvers": ["greta", "ann"], "needs": "any"}], **more}})


def test_an_approval_is_told_in_the_words_of_each_reader(hub):
    hub.send(approval(), "deals")
    german, english = newest(hub, "greta")[0], newest(hub, "ann")[0]
    assert said(german) == ("Zu genehmigen: New printer", "Finance, Schritt 1 von 1. Eingereicht von carl.")
    assert said(english) == ("Approve: New printer", "Finance, step 1 of 1. Submitted by carl.")
    assert german["actions"] == [{"id": "approve", "label": "Genehmigen"}, {"id": "reject", "label": "Ablehnen"}]
    assert english["actions"] == [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]
    page = hub.get("/acme/notifications", {**hub.person("greta"), "Accept": HTML}).text
    assert "Zu genehmigen: New printer" in page and "Genehmigen" in page and "Kommentar" in page
    assert "Freigaben" in page and "Approvals" in hub.get("/acme/notifications", {**hub.person("ann"), "Accept": HTML}).text


def test_what_people_read_is_in_an_item_on_request_and_only_then(hub):
    hub.send(approval(), "deals")
    for who, category, comment in [("greta", "Freigaben", "Kommentar"), ("ann", "Approvals", "Comment")]:
        plain = newest(hub, who)[0]
        [said_too] = hub.inbox(who, query="?limit=1&labels=true")["items"]
        one = hub.get(f"/v1/acme/notifications/{plain['id']}?labels=true", hub.person(who)).json()
        assert said_too == one and one["category_label"] == category
        assert [a.pop("comment") for a in one["actions"]][0] == comment
        del one["category_label"]
        assert one == plain == hub.inbox(who, query="?limit=1&labels=false")["items"][0]
    refused = hub.get("/v1/acme/notifications?labels=yes", hub.person("ann"))
    assert refused.status_code == 400 and refused.json()["detail"] == "labels: must be true or false"


def test_a_label_of_the_configuration_wins_over_that_of_a_plugin(tmp_path):
    config = base()
    config["sources"]["deals"] = {"plugin": "approval"}
    config["categories"]["approval"] = {"label": "Sign-offs"}
    hub = Hub(tmp_path, config)
    try:
        hub.start()
        hub.send(approval(), "deals")
        for language in ["en", "de"]:
            [item] = hub.get("/v1/acme/notifications?labels=true",
                             {**hub.person("ann"), "Accept-Language": language}).json()["items"]
            assert item["category_label"] == "Sign-offs"
    finally:
        hub.close()


def test_what_is_computed_is_in_the_language_too(hub):
    hub.send(approval(), "deals")
    hub.clock.advance("36h")
    german = [i for i in newest(hub, "greta", "?read=all") if i["type"] == "approval.reminder"][0]
    english = [i for i in newest(hub, "ann", "?read=all") if i["type"] == "approval.reminder"][0]
    assert "offen seit: 36 Stunden" in german["body"]
    assert "has been open for 36 hours" in english["body"]


def test_a_reader_whose_language_only_the_browser_knows_reads_it(hub):
    hub.send(created(owner="bob", object="Lead", fields={"name": "Northwind"}))
    german = newest(hub, "bob", headers={"Accept-Language": "de-DE,de;q=0.9"})[0]
    assert said(german) == ("Northwind", "Lead an bob zugewiesen, von carl")
    assert newest(hub, "bob")[0]["body"] == "Lead assigned to bob by carl"


def finished(kind, minutes, outcome="succeeded"):
    id = f"run-{next(_number)}"
    return (cloud_event("sync.started", {"run": {"id": id, "kind": kind, "admin": "greta"}}, id=f"{id}-s"),
            cloud_event("sync.finished", {"run": {"id": id}, "outcome": outcome}, id=f"{id}-f"), minutes)


@pytest.mark.parametrize("kind, outcome, title, english", [
    ("recalculation", "succeeded", "Neuberechnung abgeschlossen", "Recalculation completed"),
    ("import", "partial", "Import teilweise abgeschlossen", "Import completed in part"),
    ("sync", "failed", "Synchronisierung fehlgeschlagen", "Sync failed"),
    ("overview", "partial", "Übersicht ist teilweise fertig", "Overview is ready in part"),
    ("payroll", "succeeded", "Payroll abgeschlossen", "Payroll completed"),
])
def test_runs(hub, kind, outcome, title, english):
    start, end, _ = finished(kind, 50, outcome)
    hub.send(start, "hr-sync")
    hub.clock.advance("50m")
    hub.send(end, "hr-sync")
    assert said(newest(hub, "greta")[0]) == (title, "Dauer: 50 min.")
    assert said(newest(hub, "greta", locale="en")[0]) == (english, "It took 50 min.")


def test_invoices(hub):
    invoice = {"id": f"i-{next(_number)}", "number": "2026-7", "owner": "greta", "url": "https://books.example/7",
               "payer": {"name": "Northwind", "email": "pay@northwind.example"},
               "amount_minor": 123450, "currency": "EUR", "due_on": "2030-01-31"}
    hub.send(cloud_event("invoice.issued", {"invoice": invoice}), "billing")
    hub.send(cloud_event("payment.claimed", {"invoice": {"id": invoice["id"]}, "by": "carl", "reference": "T-1"}), "billing")
    item = newest(hub, "greta")[0]
    assert item["title"] == "Zahlung gemeldet: 2026-7, 1.234,50 EUR"
    assert item["body"].startswith("carl hat gemeldet, dass die Rechnung bezahlt ist. Verwendungszweck: T-1.")
    assert [a["label"] for a in item["actions"]] == ["Bestätigen", "Ablehnen"]
    assert newest(hub, "greta", locale="en")[0]["title"] == "Payment claimed: 2026-7, 1234.50 EUR"
    hub.send(cloud_event("payment.received", {"invoice": {"id": invoice["id"]}, "amount_minor": 123457}), "billing")
    assert said(newest(hub, "greta")[0]) == ("Rechnung überzahlt: 2026-7, 0,07 EUR zu viel",
                                             "1.234,57 EUR eingegangen für 1.234,50 EUR.")


def test_times_in_what_is_told_are_written_as_its_readers_do(hub):
    """In the org's zone, which is named; the data keeps them for machines."""
    shift = {"shift": {"id": "s-1", "url": "/s/1", "owner": "greta", "starts_at": "2030-02-01T09:00:00Z"}, "by": "carl",
             "cancelled_at": "2030-01-31T23:30:00Z",
             "terms": {"window_hours": 24, "percent": 50, "rate_minor": 246900, "currency": "EUR"}}
    hub.send(cloud_event("shift.cancelled", shift), "billing")
    assert said(newest(hub, "greta")[0]) == (
        "Schicht abgesagt: s-1, Gebühr 1.234,50 EUR",
        "carl hat am 01.02.2030, 00:30 Uhr abgesagt; Beginn wäre am 01.02.2030, 10:00 Uhr gewesen (Europe/Berlin). "
        "Die Absagegebühr beträgt 1.234,50 EUR.")
    assert said(newest(hub, "greta", locale="en-GB")[0]) == (
        "Shift cancelled: s-1, fee 1234.50 EUR",
        "carl cancelled it on 1 Feb 2030, 00:30; it was to begin on 1 Feb 2030, 10:00 (Europe/Berlin). "
        "The cancellation fee is 1234.50 EUR.")
    [event] = [e for e in hub.events() if e["type"] == "shift.cancelled"]
    data = hub.story(event["id"])["event"]["data"]
    assert (data["cancelled_at"], data["shift"]["starts_at"]) == (shift["cancelled_at"], shift["shift"]["starts_at"])


def test_a_run_that_stalls(hub):
    start, _, _ = finished("import", 0)
    hub.send(start, "hr-sync")
    hub.clock.advance("2h")
    assert said(newest(hub, "greta")[0]) == ("Import ist nicht fertig geworden", "Nach 2 h war vom Ende nichts zu hören.")
    assert said(newest(hub, "greta", locale="en")[0]) == ("Import has not finished", "After 2 h nothing was heard of its end.")


def test_a_search_looks_through_what_its_reader_reads(hub):
    hub.send(approval(title="Standing desk"), "deals")

    def found(who, q):
        return [i["title"] for i in newest(hub, who, f"?read=all&q={q}") if "desk" in i["title"]]

    assert found("greta", "genehmigen: standing") == ["Zu genehmigen: Standing desk"]
    assert found("greta", "approve: standing") == []
    assert found("ann", "approve: standing") == ["Approve: Standing desk"]
    assert found("ann", "zu genehmigen") == []


def test_hostile_text_is_as_harmless_in_every_language(hub):
    hub.send(approval(title="<img src=x onerror=alert(1)>\u202e\nX"), "deals")
    item = newest(hub, "greta")[0]
    assert item["title"] == "Zu genehmigen: <img src=x onerror=alert(1)> X"
    page = hub.get("/acme/notifications", {**hub.person("greta"), "Accept": HTML}).text
    assert "<img src=x" not in page


def test_what_is_the_same_in_every_language_is_not_kept_twice(hub):
    hub.send(created(owner="greta", object="Lead", fields={"name": "Same title"}))
    with sqlite3.connect(hub.data_dir / "belfry.db") as db:
        texts = db.execute("SELECT texts FROM event WHERE title = 'Same title'").fetchone()[0]
    assert texts == '{"de":{"body":"Lead an greta zugewiesen, von carl"}}'


def test_the_hub_itself_speaks_german_to_its_admins(hub):
    good = hub.config_path.read_text()
    hub.config_path.write_text(good + "\nno-such-section: {}\n")
    assert hub.reload().status_code == 422
    hub.config_path.write_text(good)
    item = until(lambda: [i for i in newest(hub, "greta", "?read=all") if i["type"] == "hub.config_rejected"])[0]
    assert item["title"] == "Eine neue Konfiguration wurde abgelehnt; die alte gilt weiter."
