# SPDX-License-Identifier: Apache-2.0
"""Bad days, for every source: a stream of valid, invalid, repeated and reordered triggers, of actions and of time that
goes by. What was accepted, given again to an empty hub at the same times, makes the same state, timers, events and rows;
and nobody outside the audience ever got one."""
import datetime
import json
import random
import sqlite3

import pytest

from support.config import base
from support.events import cloud_event

BEGIN = 1_800_000_000_000  # a Friday morning of 2027
STAFF = ["ann", "bob", "carl", "mona"]
MANAGERS = ["ann", "mona"]


class Workflow:
    source, steps, pauses = "crm", 220, ["0s", "1s", "20m", "5h", "2d"]
    options = {"plugin": "workflow", "rules": [
        {"name": "big", "on": "both", "fire": "on_entering", "when": {"fields.amount": {"gte": 50}},
         "notify": {"to": ["owner", "role:sales-manager"]}},
        {"name": "hot", "on": "update", "when": {"fields.rating": "hot"}, "notify": {"to": ["created_by"]}},
        {"name": "stuck", "on": "both", "fire": "on_entering", "after": "3d", "when": {"fields.stage": "stuck"},
         "notify": {"to": ["owner", "field:boss"]}}]}

    def make(self, rng):
        record = {"object": "Deal", "id": str(rng.randrange(4))}
        fields = {"amount": rng.choice([10, 60, None, "60"]), "rating": rng.choice(["hot", "cold"]),
                  "stage": rng.choice(["stuck", "open"]), "boss": rng.choice(STAFF)}
        fields = {name: value for name, value in fields.items() if rng.random() < 0.6}
        kind = rng.choice(["created", "updated", "updated", "updated", "deleted"])
        if kind == "deleted":
            return "record.deleted", {"record": record, "by": rng.choice(STAFF)}
        if kind == "created":
            record.update(owner=rng.choice(STAFF), created_by=rng.choice(STAFF), url="/deal", fields=fields)
            return "record.created", {"record": record}
        if rng.random() < 0.5:
            record["owner"] = rng.choice([*STAFF, None])
        return "record.updated", {"record": {**record, "fields": fields}, "changed_by": rng.choice(STAFF)}

    def learn(self, type, data):
        pass

    def audience(self, event):
        record = event["data"]["record"]
        boss = record["fields"].get("boss")
        bosses = boss if isinstance(boss, list) else [boss]
        return {"record.assigned": {record.get("owner")}, "workflow.big": {record.get("owner"), *MANAGERS},
                "workflow.hot": {record.get("created_by")},
                "workflow.stuck": {record.get("owner"), *map(str, bosses)}}[event["type"]]


class Approval:
    source, steps, pauses = "deals", 220, ["0s", "1s", "10m", "7h", "1d"]
    options = {"plugin": "approval", "remind_after": "1d", "escalate": {"after": "2d", "to": ["role:sales-manager"]}}

    def __init__(self):
        self.submitters, self.approvers = {}, {}

    def make(self, rng):
        id = f"A-{rng.randrange(8)}"
        kind = rng.choice(["submitted", "decided", "decided", "decided", "reassigned", "recalled"])
        if kind == "submitted":
            steps = [{"name": f"Step {i}", "approvers": rng.sample([*STAFF, "role:sales-manager"], rng.randint(1, 3)),
                      "needs": rng.choice(["any", "all", 2, 1])} for i in range(rng.randint(1, 3))]
            return "approval.submitted", {"approval": {"id": id, "title": f"Discount {id}", "url": "/deals",
                                                       "submitter": rng.choice(STAFF), "steps": steps}}
        data = {"approval": {"id": id}, "by": rng.choice(STAFF)}
        if kind == "decided":
            data["decision"] = rng.choice(["approved", "approved", "rejected"])
            data["comment"] = rng.choice(["Fine", None])
        elif kind == "reassigned":
            data["from"], data["to"] = rng.sample(STAFF, 2)
        return f"approval.{kind}", data

    def learn(self, type, data):
        approval = data["approval"]
        if type == "approval.submitted":
            self.submitters.setdefault(approval["id"], set()).add(approval["submitter"])
            for step in approval["steps"]:
                for who in step["approvers"]:
                    names = MANAGERS if who.startswith("role:") else [who]
                    self.approvers.setdefault(approval["id"], set()).update(names)
        elif type == "approval.reassigned":
            self.approvers.setdefault(approval["id"], set()).add(data["to"])

    def audience(self, event):
        id = event["subject"].split("/", 1)[1]
        if event["type"] in ("approval.requested", "approval.reminder"):
            return self.approvers[id]
        if event["type"] in ("approval.approved", "approval.rejected"):
            return self.submitters[id]
        return set(MANAGERS)


class Sync:
    source, steps, pauses = "hr-sync", 260, ["0s", "5s", "59s", "61s", "2h", "3d"]
    options = {"plugin": "sync", "stalled_after": "1d", "failures_to": ["carl"], "blocked_to": ["role:sales-manager"]}

    def __init__(self):
        self.admins = {}

    def make(self, rng):
        run = {"id": f"run-{rng.randrange(12)}"}
        kind = rng.choice(["started", "started", "progress", "finished", "finished", "blocked", "unblocked"])
        if kind in ("blocked", "unblocked"):
            item = {"id": f"plan-{rng.randrange(3)}"}
            if kind == "blocked":
                item.update(title="Plan", url="/plan")
            return f"work.{kind}", {"item": item, **({"reason": "No rate"} if kind == "blocked" else {})}
        if kind == "started" or (kind == "finished" and rng.random() < 0.3):
            run.update(kind=rng.choice(["sync", "overview", "import"]), admin=rng.choice(STAFF))
        data = {"run": run}
        if kind == "progress":
            data.update(done=rng.randrange(100), total=100)
        if kind == "finished":
            data.update(outcome=rng.choice(["succeeded", "partial", "failed"]), log="one\ntwo")
        return f"sync.{kind}", data

    def learn(self, type, data):
        if "admin" in data.get("run", {}):
            self.admins.setdefault(data["run"]["id"], set()).add(data["run"]["admin"])

    def audience(self, event):
        if event["type"] == "sync.blocked":
            return set(MANAGERS)
        admins = self.admins.get(event["subject"].split("/", 1)[1], set())
        troubled = event["type"] == "sync.stalled" or event["data"]["run"]["outcome"] in ("partial", "failed")
        return admins | {"carl"} if troubled else admins

    def attributes(self, rng, now_ms):
        """Half of the triggers say when it was: up to two minutes ago, and some clocks are fast."""
        at = datetime.datetime.fromtimestamp(now_ms // 1000 - rng.randrange(-30, 120), datetime.timezone.utc)
        return {"time": at.isoformat()} if rng.random() < 0.5 else {}


class Invoice:
    source, steps, pauses = "billing", 260, ["0s", "1m", "6h", "2d", "9d"]
    options = {"plugin": "invoice"}

    def __init__(self):
        self.owners = {}

    def make(self, rng):
        kind = rng.choice(["issued", "issued", "payment.claimed", "payment.claimed", "claim.confirmed", "claim.rejected",
                           "invoice.disputed", "dispute.resolved", "payment.received", "payment.received", "invoice.voided",
                           "booking.disputed", "shift.cancelled"])
        id, who, thing = f"i-{rng.randrange(6)}", rng.choice(["globex", *STAFF]), f"t-{rng.randrange(3)}"
        if kind == "issued":
            return "invoice.issued", {"invoice": {
                "id": id, "number": id, "owner": rng.choice(STAFF), "payer": {"name": "Globex", "email": "pay@globex.example"},
                "amount_minor": 1000, "currency": "EUR", "due_on": rng.choice(["2027-01-20", "2027-02-15"]), "url": "/i"}}
        if kind == "booking.disputed":
            return kind, {"booking": {"id": thing, "url": "/b", "owner": rng.choice(STAFF)}, "by": who}
        if kind == "shift.cancelled":
            return kind, {"shift": {"id": thing, "url": "/s", "owner": rng.choice(STAFF), "starts_at": "2027-01-20T08:00:00Z"},
                          "by": who, "cancelled_at": rng.choice(["2027-01-19T20:00:00Z", "2027-01-10T08:00:00Z"]),
                          "terms": {"window_hours": 24, "percent": 50, "rate_minor": 999, "currency": "EUR"}}
        data = {"invoice": {"id": id}}
        if kind == "payment.received":
            data["amount_minor"] = rng.choice([400, 600, 1000, 2000])
        elif kind != "invoice.voided" or rng.random() < 0.5:
            data["by"] = who
        return kind, data

    def learn(self, type, data):
        for thing in ("invoice", "booking", "shift"):
            if "owner" in data.get(thing, {}):
                self.owners.setdefault(f"{thing}/{data[thing]['id']}", set()).add(data[thing]["owner"])

    def audience(self, event):
        return set() if event["type"] == "invoice.reminder" else self.owners[event["subject"]]


# --- a stream ------------------------------------------------------------------------------------------------------------


def broken(rng, data):
    """The same with one thing wrong; some of it may be wrong for nobody."""
    copy = json.loads(json.dumps(data))
    at = copy
    while isinstance(at, dict) and at:
        name = rng.choice(sorted(at))
        if not isinstance(at[name], dict) or rng.random() < 0.3:
            at[name] = rng.choice([7, "", [], {}, None, "\u202e", "x" * 600])
            break
        at = at[name]
    return copy


class Player:
    def __init__(self, hub):
        self.hub = hub
        hub.clock.set(BEGIN)

    def post(self, source, event):
        answer = self.hub.post_trigger(event, source)
        assert answer.status_code in (202, 409, 422), answer.text
        return answer.status_code == 202 and answer.json()["accepted"][0]["status"] == "accepted"

    def open_rows(self, source):
        return [(who, i["type"], i["subject"], a["id"]) for who in STAFF
                for i in self.hub.inbox(who, query=f"?source={source}&limit=50&read=all")["items"] for a in i["actions"]]

    def act(self, source, who, type, subject, action, comment):
        rows = self.hub.inbox(who, query=f"?source={source}&limit=50&read=all")["items"]
        row = next(i for i in rows if (i["type"], i["subject"]) == (type, subject) and i["actions"])
        answer = self.hub.post(f"/v1/acme/notifications/{row['id']}/actions/{action}", self.hub.person(who),
                               json={"comment": comment})
        assert answer.status_code in (200, 409), answer.text
        return answer.status_code == 200


def record(domain, player, rng):
    """Plays a stream; what was accepted, with the time that went by before it."""
    accepted, sent, waited = [], [], []
    for step in range(domain.steps):
        pause = rng.choice(domain.pauses)
        player.hub.clock.advance(pause)
        waited.append(pause)
        choice = rng.random()
        known = [event for at, event in sent if at > player.hub.clock.ms - 29 * 86_400_000]  # remembered for 30 days
        if choice < 0.1 and known:
            assert not player.post(domain.source, rng.choice(known)), "it was taken before"
            continue
        if choice < 0.25 and (rows := player.open_rows(domain.source)):
            act = (*rng.choice(rows), rng.choice([None, "So be it"]))
            if player.act(domain.source, *act):
                accepted.append((waited, "act", act))
                waited = []
            continue
        type, data = domain.make(rng)
        more = domain.attributes(rng, player.hub.clock.ms) if hasattr(domain, "attributes") else {}
        event = cloud_event(type, broken(rng, data) if choice > 0.9 else data, id=f"{type}-{step}", **more)
        if player.post(domain.source, event):
            domain.learn(type, event["data"])
            accepted.append((waited, "post", event))
            sent.append((player.hub.clock.ms, event))
            waited = []
    accepted.append((waited, "end", None))
    return accepted


def replay(domain, player, accepted):
    for waited, kind, what in accepted:
        for pause in waited:
            player.hub.clock.advance(pause)
        if kind == "post":
            assert player.post(domain.source, what), what
        elif kind == "act":
            assert player.act(domain.source, *what), what


def outcome(hub):
    """What a hub has become, without the numbers that it gave itself."""
    hub.stop()
    db = sqlite3.connect(f"file:{next(hub.data_dir.glob('*.db'))}?mode=ro", uri=True)
    rows = lambda query: [tuple(r) for r in db.execute(query)]
    ordinal = {id: n for n, (id,) in enumerate(rows("SELECT id FROM event ORDER BY id"))}
    row_of = {id: (who, ordinal[event]) for id, who, event in
              rows("SELECT n.id, p.username, n.event FROM notification n JOIN person p ON p.id = n.person")}
    events = [dict(zip(("subject", "validity", "valid_until", "time", "actor", "title", "body", "link", "data", "type"), r))
              for r in rows("SELECT e.subject, e.validity, valid_until, time, actor, title, body, link, data, n.text"
                            " FROM event e JOIN name n ON n.id = e.type ORDER BY e.id")]
    notifications = sorted(
        (*row_of[id], validity, by, at, row_of.get(replaced), seen, reason, note)
        for id, validity, by, at, replaced, seen, reason, note in
        rows("SELECT id, validity, ifnull(handled_by, ''), ifnull(handled_at, 0), replaced_by, ifnull(seen, 0),"
             " ifnull(reason, ''), ifnull(note, '') FROM notification"))
    return {
        "state": rows("SELECT i.text, s.key, s.value FROM state s JOIN name i ON i.id = s.inst ORDER BY 1, 2"),
        "timers": rows("SELECT i.text, key, due, payload FROM timer t JOIN name i ON i.id = t.inst ORDER BY 1, 2"),
        "events": events,
        "notifications": notifications,
    }


def check_audiences(domain, made):
    for event in made["events"]:
        event["data"] = json.loads(event["data"])
    told = 0
    for who, event, *_ in made["notifications"]:
        event = made["events"][event]
        assert who in domain.audience(event), (who, event)
        told += 1
    assert told > 20, "the stream told hardly anybody"


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", [Workflow, Approval, Sync, Invoice])
def test_what_was_accepted_gives_the_same_again(new_hub, kind, seed):
    def fresh():
        config = base()
        config["sources"] = {kind.source: kind.options}
        config["orgs"] = {"acme": {"users": {who: {"roles": ["sales-manager"] if who in MANAGERS else []} for who in STAFF}}}
        config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if t["name"] == "everything"]
        return Player(new_hub(config, clock=True).start())

    domain, rng = kind(), random.Random(f"{kind.__name__} {seed}")
    first = fresh()
    accepted = record(domain, first, rng)
    assert len(accepted) > domain.steps / 6, "hardly anything was accepted"
    once = outcome(first.hub)
    second = fresh()
    replay(domain, second, accepted)
    again = outcome(second.hub)
    for what in once:
        assert once[what] == again[what], what
    check_audiences(domain, once)
