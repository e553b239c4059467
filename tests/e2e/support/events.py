# SPDX-License-Identifier: Apache-2.0
"""CloudEvents that outside systems send."""
import itertools
import uuid

_number = itertools.count(1)


def cloud_event(type, data=None, id=None, source="/tests", **attributes):
    event = {"specversion": "1.0", "id": id or uuid.uuid4().hex, "source": source, "type": type}
    event.update(attributes)
    if data is not None:
        event["data"] = data
    return event


def record(object="Lead", id=None, **more):
    """The record of a trigger: owner, created_by, fields, url are given as they are."""
    id = id or f"{next(_number)}-{uuid.uuid4().hex[:6]}"
    return {"object": object, "id": id, "url": f"https://crm.example/{object}/{id}", **more}


def created(object="Lead", owner="ann", created_by="carl", fields=None, id=None, event_id=None, **more):
    body = record(object, id, owner=owner, created_by=created_by, fields=fields or {}, **more)
    return cloud_event("record.created", {"record": body}, id=event_id)


def updated(record_, changed_by="carl", before=None, event_id=None, **changes):
    """The same record with some members replaced: owner=..., fields={...}"""
    body = {"object": record_["object"], "id": record_["id"], **changes}
    data = {"record": body, "changed_by": changed_by}
    if before is not None:
        data["before"] = before
    return cloud_event("record.updated", data, id=event_id)


def deleted(record_, by="carl"):
    return cloud_event("record.deleted", {"record": {"object": record_["object"], "id": record_["id"]}, "by": by})


def case(to, kind="calm", name=None, id=None, event_id=None, url=None):
    """A record that tells one person one thing (see CASE_RULES)."""
    body = record("Case", id, fields={"for": to, "kind": kind, "name": name or f"A {kind} case for {to}"})
    body.update(created_by="carl", owner="carl", url=url or body["url"])
    return cloud_event("record.created", {"record": body}, id=event_id)


def record_of(event):
    return event["data"]["record"]
