# SPDX-License-Identifier: Apache-2.0
"""Another secret that is asked for twice at once: exactly one is made, and the one before signs on for its while."""
import re
import threading

import pytest
import requests

from support import people
from support.config import base, endpoint, with_hooks
from support.endpoints import Endpoints
from support.events import case


@pytest.fixture
def start(new_hub):
    return lambda: new_hub(with_hooks(base(), endpoint("yaml", "http://127.0.0.1:1/"), source="crm")).start()


def at_once(count, ask):
    """What that many threads are answered that ask at the same time."""
    answers, gate = [None] * count, threading.Barrier(count)

    def one(n):
        gate.wait()
        answers[n] = ask()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    [t.start() for t in threads], [t.join() for t in threads]
    return answers


def rotated_once(hub, api, receiver, made, secret):
    """One rotation happened: the secret that was shown signs, and the one before, and no third."""
    rows = hub.get("/v1/acme/audit?limit=200", people.token("admin")).json()["items"]
    assert [row["what"] for row in rows].count("endpoint.rotate") == 1
    assert api.get(made["id"])["version"] == 2
    hub.send(case("ann"))
    both = receiver.wait(1, "/made")[0]
    assert both.verifies(secret) and both.verifies(made["secret"])
    assert len(both.headers["webhook-signature"].split(" ")) == 2


def test_a_rotation_of_one_version_happens_once_however_often_it_is_asked_for(start, receiver):
    hub = start()
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"))
    url, headers = f"{hub.url}/v1/acme/endpoints/{made['id']}/rotate", {**people.token("endpoints"), "If-Match": '"1"'}
    answers = at_once(4, lambda: requests.post(url, headers=headers, timeout=60))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    (first,) = [answer for answer in answers if answer.status_code == 200]
    assert first.headers["etag"] == '"2"'
    rotated_once(hub, api, receiver, made, first.json()["secret"])


def test_a_second_click_on_rotate_makes_no_second_secret(start, receiver):
    hub = start()
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"))
    url = f"{hub.url}/acme/endpoints/{made['id']}/rotate"
    headers = {**people.token("endpoints"), "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    assert 'name="version" value="1"' in requests.get(url, headers=headers, timeout=60).text
    form = {"version": "1", "overlap": "3600"}
    answers = at_once(2, lambda: requests.post(url, headers=headers, data=form, timeout=60))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    shown, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert "No new secret was made now" in refused.text and "whsec_" not in refused.text
    assert 'name="version" value="2"' in refused.text, "who wants another one all the same can have it"
    rotated_once(hub, api, receiver, made, re.search(r"whsec_[A-Za-z0-9+/=]+", shown.text)[0])
