# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to an inbox, and in whatever order: count, list, facets and tags say the same."""
import collections
import random

import pytest

from support.config import base, with_source
from support.events import case, cloud_event

PATH = "/v1/acme/notifications"
WHO = "somebody"
ROLES = [None, ["sales-manager"]]
STEPS = 60


class Inbox:
    """One person's inbox as two sets of roles see it; every answer is compared with the others and with its tag."""

    def __init__(self, hub, seed):
        self.hub = hub
        self.random = random.Random(seed)
        self.known = {}  # (roles, path): tag, text
        self.undo = []
        self.rows = []
        self.rev = 0

    def get(self, path, roles):
        headers = self.hub.person(WHO, roles=roles)
        answer = self.hub.get(path, headers)
        assert answer.status_code == 200, answer.text
        tag, text = self.known.get((str(roles), path), (None, None))
        if tag:
            again = self.hub.get(path, {**headers, "If-None-Match": tag})
            assert again.status_code == (304 if text == answer.text and tag == answer.headers["etag"] else 200)
            assert tag != answer.headers["etag"] or text == answer.text, "a tag stands for one answer"
        self.known[str(roles), path] = answer.headers["etag"], answer.text
        return answer.json()

    def check(self):
        for roles in ROLES:
            count = self.get(f"{PATH}/count", roles)
            lists = [self.get(f"{PATH}?limit=200{more}", roles) for more in ["", "&read=unread", "&status=hidden"]]
            active, unread, hidden = (page["items"] for page in lists)
            assert count["unread"] == len(unread) == sum(i["unread"] for i in active)
            assert count["unseen"] == sum(i["unread"] and not i["seen_at"] for i in active)
            for page in lists:
                assert page["rev"] == count["rev"] and page["total"] == len(page["items"])
                for facet, numbers in page["facets"].items():
                    assert numbers == collections.Counter(i[facet] for i in page["items"])
            for i in active + hidden:
                assert i["unread"] == (i["validity"] == "valid" and not (i["read_at"] or i["hidden_at"] or
                                                                        i["handled_by"]))
                assert i["seen_at"] or not (i["read_at"] or i["hidden_at"]), "read and hide set seen"
                assert i["rev"] <= count["rev"]
                assert roles or i["category"] != "CALC_BLOCKED"
            self.rows = [i["id"] for i in active + hidden] or ["nonsense"]
            self.rev = count["rev"]

    # --- what happens ----------------------------------------------------------------------------------------------

    def arrive(self):
        kinds = ["calm", "fine", "odd", "bad", "worst", "secret"]
        self.hub.send([case(WHO, self.random.choice(kinds)) for _ in range(self.random.randint(1, 4))])

    def notice(self):
        what = self.random.choice(["posted", "posted", "done", "gone", "newer"])
        data = {"to": WHO, "title": "A notice", "by": "another", "subject": f"notice/{self.random.randrange(4)}",
                "for_ms": self.random.choice([0, 60_000, 600_000])}
        self.hub.send(cloud_event(f"notice.{what}", data), "board")

    def replace(self):
        data = {"to": WHO, "text": "again", "subject": f"echo/{self.random.randrange(3)}"}
        self.hub.send(cloud_event("echo.said", data), "talk")

    def post(self, path, body=None):
        headers = self.hub.person(WHO, roles=self.random.choice(ROLES))
        return self.hub.post(f"{PATH}/{path}", headers, json=body)

    def mark(self):
        action = self.random.choice(["read", "unread", "hide", "unhide"])
        assert self.post(f"{self.random.choice(self.rows)}/{action}").status_code in (200, 404)

    def see(self):
        assert self.post("seen", {"ids": self.rows[:3]}).status_code == 204

    def bulk(self):
        action = self.random.choice(["read", "unread", "hide", "unhide"])
        some = {"ids": self.random.sample(self.rows, min(5, len(self.rows)))}
        matching = {"filter": self.random.choice([{}, {"severity": ["error", "info"]}, {"status": "hidden"}, {"q": "A"}]),
                    "as_of_rev": max(0, self.rev - self.random.randrange(3))}
        answer = self.post("bulk", {"action": action, **self.random.choice([some, matching])})
        assert answer.status_code == 200, answer.text
        self.undo += [answer.json()["undo"]] if answer.json()["undo"] else []

    def take_back(self):
        if self.undo:
            assert self.post("undo", {"op": self.random.choice(self.undo)}).status_code == 200

    def wait(self):
        self.hub.clock.advance(self.random.choice(["10s", "61s", "11m"]))


@pytest.mark.parametrize("seed", range(3))
def test_count_list_facets_and_tags_agree(new_hub, seed):
    config = with_source(with_source(base(), "board", plugin="notice_source"), "talk", plugin="echo_source")
    inbox = Inbox(new_hub(config, clock=True).start(), seed)
    happenings = [inbox.arrive, inbox.arrive, inbox.notice, inbox.replace, inbox.mark, inbox.mark, inbox.see, inbox.bulk,
                  inbox.bulk, inbox.take_back, inbox.wait]
    inbox.check()
    for _ in range(STEPS):
        inbox.random.choice(happenings)()
        inbox.check()
    assert len(inbox.rows) > 10
