# SPDX-License-Identifier: Apache-2.0
"""What a mail would say: over the API and at the command line. Nobody gets one."""
import json
from html.parser import HTMLParser

import pytest

from support import people
from support.config import base, with_mail
from support.events import case, cloud_event
from support.wait import until

SITE = "https://belfry.example.org"
TYPES = ["record.assigned", "workflow.odd", "approval.requested", "approval.reminder", "approval.escalated",
         "approval.approved", "approval.rejected", "sync.overview_ready", "sync.completed", "sync.failed",
         "sync.stalled", "sync.blocked", "invoice.payment_claimed", "invoice.disputed", "invoice.paid",
         "invoice.overpaid", "invoice.reminder", "booking.disputed", "shift.cancelled"]


@pytest.fixture
def config(smtp):
    deliver = {"after": "5m", "unless": ["seen", "handled"]}
    config = with_mail(base(), smtp, {"source": ["crm", "deals"]}, deliver, templates={
        "invoice.*": {"subject": "Acme: {{title}}", "locales": {"de": {"subject": "Acme, {{title}}"}}},
        "record.assigned": {"text": "{{#data.record.fields}}{{name}}{{/data.record.fields}}\n{{href}}\n"},
    })
    config["hub"]["public_url"] = SITE
    config["orgs"]["acme"]["users"]["dora"] = {"email": "dora@acme.example", "locale": "de-AT",
                                               "timezone": "America/New_York"}
    config["sources"].update({"deals": {"plugin": "approval"}, "hr-sync": {"plugin": "sync"},
                              "billing": {"plugin": "invoice"}})
    return config


@pytest.fixture
def hub(new_hub, config):
    return new_hub(config, clock=True).start()


def preview(hub, status=200, org="acme", headers=None, **body):
    answer = hub.post(f"/v1/{org}/templates/preview", headers or people.token("admin"), json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def faults(hub, **body):
    return {e["pointer"]: e["detail"] for e in preview(hub, 422, **body)["errors"]}


class Tags(HTMLParser):
    """Tags and addresses of an HTML text."""
    def __init__(self, html):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]


# --- types ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_type_has_a_mail_of_its_example(hub, locale):
    for type in TYPES:
        mail = preview(hub, type=type, locale=locale)
        assert mail["subject"] and mail["note"] is None, type
        assert mail["text"].splitlines()[0].endswith(mail["subject"]) or type.startswith(("invoice", "record")), type
        assert f'<html lang="{locale}"' in mail["html"] and len(mail["html"]) < 30_000, type
        page = Tags(mail["html"])
        assert not {"script", "img", "form", "link", "iframe"} & set(page.tags), type
        assert all(link.startswith(f"{SITE}/acme/") for link in page.links), (type, page.links)


def test_words_are_of_the_language_and_times_of_the_zone(hub):
    mail = preview(hub, type="approval.requested", locale="de", timezone="America/New_York")
    assert mail["subject"] == "Zu genehmigen: New printer"
    assert "Warnung: Zu genehmigen: New printer" in mail["text"]
    assert "Im Posteingang antworten (Genehmigen, Ablehnen)" in mail["text"]
    assert "Schritt: Finance" in mail["text"] and "Eingereicht von: sam" in mail["text"]
    assert "GMT-4" in mail["text"] or "GMT-5" in mail["text"]
    assert "nach 5 Minuten" in mail["text"]


def test_data_takes_the_place_of_the_example(hub):
    data = {"approval": {"id": "9", "title": "<script>alert(1)</script>", "submitter": "sam"},
            "step": {"index": 1, "of": 1, "name": "Legal"}}
    mail = preview(hub, type="approval.requested", data=data)
    assert mail["subject"] == "Approve: <script>alert(1)</script>"
    assert "<script" not in mail["html"] and "&lt;script&gt;" in mail["html"]
    assert "Step: Legal" in mail["text"]


def test_digests_and_what_quiet_hours_held(hub):
    digest = preview(hub, type="approval.requested", kind="digest")
    assert "3 notifications today" in digest["subject"] and digest["text"].count("New printer") == 3
    assert "/acme/notifications?category=approval" in digest["text"]
    held = preview(hub, type="approval.requested", kind="catch_up", locale="de")
    assert held["subject"].startswith("3 Benachrichtigungen haben auf Sie gewartet")


# --- the configuration's, and what is tried -------------------------------------------------------------------------

def test_templates_of_the_configuration(hub):
    assert preview(hub, type="invoice.paid")["subject"].startswith("Acme: ")
    assert preview(hub, type="invoice.paid", locale="de-AT")["subject"].startswith("Acme, ")
    mail = preview(hub, type="record.assigned")
    assert mail["text"].startswith(f"Northwind Dairy\n{SITE}/acme/n/")
    assert "Northwind Dairy<br>" in mail["html"]


def test_a_template_is_tried_before_it_is_in_the_configuration(hub):
    mail = preview(hub, type="invoice.paid", template={"subject": "{{data.invoice.number}}: {{severity_label}}",
                                                       "text": "Paid: {{title}}"})
    assert mail["subject"].endswith(": Success") and mail["text"].startswith("Paid: ") and mail["note"] is None
    assert preview(hub, type="invoice.paid")["subject"].startswith("Acme: ")


def test_a_template_that_fails_over_the_data_is_ours_with_a_note(hub):
    loop = "{{#data.a}}" * 6 + "x" + "{{/data.a}}" * 6
    mail = preview(hub, type="approval.requested", template={"text": loop},
                   data={"a": list(range(10)), "approval": {"title": "T"}})
    assert mail["text"].startswith("Warning: Approve: T") and mail["note"].startswith("template.text failed: ")


# --- events ---------------------------------------------------------------------------------------------------------

def test_a_stored_event_is_shown_and_the_audit_says_who_looked(hub):
    hub.send(case("bob", name="A <hot> one"))
    event = hub.events()[0]["id"]
    mail = preview(hub, event=event)
    assert mail["subject"] == "A <hot> one" and "A &lt;hot&gt; one" in mail["html"]
    row = hub.get("/v1/acme/audit?what=event.reveal", people.token("admin")).json()["items"][0]
    assert row["detail"]["event"] == event and row["who"].startswith("token:")
    globex = hub.post("/v1/globex/templates/preview", people.token("other"), json={"event": event})
    assert globex.status_code == 404 and "hot" not in globex.text


def test_nothing_is_sent(hub, smtp):
    preview(hub, type="approval.requested")
    hub.clock.advance("1d")
    assert smtp.mails() == [] and hub.events() == []


# --- what is wrong --------------------------------------------------------------------------------------------------

def test_faults_have_pointers(hub):
    assert "/type" in faults(hub)
    assert "event-types" in faults(hub, type="no.such")["/type"]
    assert "/type" in faults(hub, type=7)
    assert preview(hub, 404, event="nope")["errors"][0]["pointer"] == "/event"
    assert "/event" in faults(hub, event="nope", type="invoice.paid")
    assert "/data" in faults(hub, type="invoice.paid", data=[1])
    assert "/locale" in faults(hub, type="invoice.paid", locale="d e")
    assert "/timezone" in faults(hub, type="invoice.paid", timezone="Mars/Base")
    assert "/kind" in faults(hub, type="invoice.paid", kind="weekly")
    assert "/template/sbject" in faults(hub, type="invoice.paid", template={"sbject": "x"})
    assert "/template" in faults(hub, type="invoice.paid", template="x")
    assert "closed" in faults(hub, type="invoice.paid", template={"text": "{{#title}}"})["/template/text"]
    assert "64 KiB" in faults(hub, type="invoice.paid", template={"text": "x" * 70_000})["/template/text"]
    assert set(faults(hub, type="invoice.paid", kind="weekly", locale=1)) == {"/kind", "/locale"}
    assert "/unknown" in faults(hub, type="invoice.paid", unknown=1)
    assert hub.post("/v1/acme/templates/preview", people.token("admin"), data="[]").status_code == 400
    assert hub.post("/v1/acme/templates/preview", people.token("admin"), data=b"x" * 600_000).status_code == 413


def test_only_admins_see_them(hub):
    body = {"type": "approval.requested"}
    assert hub.post("/v1/acme/templates/preview", hub.person("ann"), json=body).status_code == 403
    assert hub.post("/v1/acme/templates/preview", hub.person("root", roles=["admin"]), json=body).status_code == 200
    assert hub.post("/v1/acme/templates/preview", json=body).status_code == 401


# --- the command line -----------------------------------------------------------------------------------------------

def render(hub, *args, code=0):
    done = hub.belfry("template", "render", "--org", "acme", *map(str, args))
    assert done.returncode == code, done.stderr
    return done


def test_template_render(hub, tmp_path):
    shown = render(hub, "--type", "approval.requested", "--locale", "de").stdout
    assert shown.startswith("Subject: Zu genehmigen: New printer\n\nWarnung: ")
    assert render(hub, "--type", "approval.requested", "--part", "subject").stdout == "Approve: New printer\n"
    assert render(hub, "--type", "invoice.paid", "--part", "html").stdout.startswith("<!DOCTYPE html>")
    data, text, all = tmp_path / "data.json", tmp_path / "mail.txt", tmp_path / "mail.json"
    data.write_text(json.dumps({"approval": {"title": "From a file"}}))
    text.write_text("Look: {{title}}\n")
    all.write_text(json.dumps({"subject": "S {{title}}"}))
    shown = render(hub, "--type", "approval.requested", "--data", data, "--template", text).stdout
    assert "\n\nLook: Approve: From a file\n" in shown
    assert render(hub, "--type", "invoice.paid", "--template", all, "--part", "subject").stdout.startswith("S Invoice")
    hub.send(case("bob", name="Kept"))
    event = hub.events()[0]["id"]
    assert render(hub, "--event", event, "--part", "subject").stdout == "Kept\n"


def test_template_render_says_what_is_wrong(hub, tmp_path):
    assert "usage: belfry template render" in render(hub, code=2).stderr
    assert "usage: belfry template render" in render(hub, "--type", "a", "--event", "b", code=2).stderr
    assert "/type: no source" in render(hub, "--type", "no.such", code=1).stderr
    broken = tmp_path / "mail.txt"
    broken.write_text("{{#title}}")
    assert "/template/text: " in render(hub, "--type", "invoice.paid", "--template", broken, code=1).stderr
    hub.stop()
    assert "no hub answers" in render(hub, "--type", "invoice.paid", code=4).stderr


# --- what is sent ---------------------------------------------------------------------------------------------------

def bodies(mail):
    """Subject, plain text and HTML."""
    return mail["Subject"], mail.part("plain"), mail.part("html")


def test_the_mail_that_goes_out_is_the_one_that_was_shown(hub, smtp):
    record = {"object": "Lead", "id": "1", "url": "https://crm.example/1", "owner": "bob", "created_by": "carl",
              "fields": {"name": "Harbour Cranes"}}
    hub.send(cloud_event("record.created", {"record": record}))
    hub.clock.advance("5m")
    mail, = until(smtp.mails)
    subject, text, html = bodies(mail)
    assert subject == "Harbour Cranes" and text.startswith(f"Harbour Cranes\n{SITE}/acme/n/")
    assert "because it is yours; you had not seen it in the inbox after 5 minutes." in text
    assert "Harbour Cranes<br>" in html


def test_words_zone_and_actions_are_of_who_gets_it(hub, smtp):
    approval = {"id": "7", "title": "Chairs", "url": "https://erp.example/7", "submitter": "sam",
                "steps": [{"name": "Finance", "approvers": ["dora", "bob"], "needs": "any"}]}
    hub.send(cloud_event("approval.submitted", {"approval": approval}), source="deals")
    hub.clock.advance("5m")
    mails = {mail.recipient: bodies(mail) for mail in until(lambda: len(smtp.mails()) == 2 and smtp.mails())}
    subject, text, html = mails["dora@acme.example"]
    assert subject == "Zu genehmigen: Chairs" and '<html lang="de"' in html
    assert f"Im Posteingang antworten (Genehmigen, Ablehnen): {SITE}/acme/notifications" in text
    assert "Eingereicht von: sam" in text and "GMT-" in text
    subject, text, html = mails["bob@acme.example"]
    assert subject == "Approve: Chairs" and "Answer in your inbox (Approve, Reject)" in text
    assert "your approval is asked for" in text and "Stop e-mails for " in text


def test_who_may_not_act_is_not_asked_to(new_hub, config, smtp):
    """Of a category whose actions are for some, the others are mailed without, as their inbox is without."""
    config["categories"]["approval"] = {"label": "Approvals", "actions_for": ["finance"]}
    config["orgs"]["acme"]["users"]["bob"]["roles"] = ["finance"]
    hub = new_hub(config, clock=True).start()
    approval = {"id": "7", "title": "Chairs", "url": "https://erp.example/7", "submitter": "sam",
                "steps": [{"name": "Finance", "approvers": ["ann", "bob"], "needs": "any"}]}
    hub.send(cloud_event("approval.submitted", {"approval": approval}), source="deals")
    hub.clock.advance("5m")
    mails = {mail.recipient: mail.part("plain") for mail in until(lambda: len(smtp.mails()) == 2 and smtp.mails())}
    assert "Answer in your inbox (Approve, Reject)" in mails["bob@acme.example"]
    assert "Answer in your inbox" not in mails["ann@acme.example"] and "Open: " in mails["ann@acme.example"]


@pytest.mark.parametrize("unless, said", [(["seen"], True), (["read", "handled"], False)])
def test_it_says_unseen_only_where_that_was_waited_for(new_hub, config, smtp, unless, said):
    """What goes out to people who saw it does not tell them that they did not."""
    config["rules"][-1]["deliver"] = [{"via": "mail", "after": "5m", "unless": unless}]
    config["channels"]["mail"].update({"after": "5m", "unless": unless})
    hub = new_hub(config, clock=True).start()
    hub.send(case("bob", name="Harbour Cranes"))
    if not said:
        row, = hub.items("bob")
        hub.seen("bob", row["id"])
    hub.clock.advance("5m")
    mail, = until(smtp.mails)
    shown = preview(hub, type="invoice.paid")["text"]
    for text in (mail.part("plain"), shown):
        assert "You get this because " in text and ("had not seen it" in text) == said, text
