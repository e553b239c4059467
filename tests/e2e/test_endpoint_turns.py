# SPDX-License-Identifier: Apache-2.0
"""Changes of one endpoint without If-Match go one after the other, and only those who may change it stand in line."""
import json
import socket
import sqlite3

import requests

from support import people
from support.config import base, with_hooks
from support.endpoints import Endpoints
from support.paths import PATIENCE


def test_who_may_not_change_it_takes_no_turn_from_who_may(new_hub, receiver):
    """While nothing can be written, as many as may wait come from somebody for whom the endpoint does not exist."""
    hub = new_hub(with_hooks(base())).start()
    id = Endpoints(hub).make(receiver.url("/made"))["id"]
    host, port = hub.url.removeprefix("http://").split(":")

    def begin(token, body):
        one = socket.create_connection((host, int(port)), PATIENCE)
        text = json.dumps(body)
        head = [f"PATCH /v1/acme/endpoints/{id} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", "Connection: close",
                *(f"{key}: {value}" for key, value in people.token(token).items()), f"Content-Length: {len(text)}"]
        one.sendall("\r\n".join([*head, "", text]).encode())
        return one

    def end(one):
        with one, one.makefile("rb") as answer:
            return answer.read().decode()

    lock = sqlite3.connect(hub.data_dir / "belfry.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    first = begin("endpoints", {"metadata": {"first": "x"}})
    strangers = [begin("own", {"metadata": {"theirs": "x"}}) for _ in range(256)]
    for _ in range(2):  # what was sent before it was read before it
        assert requests.get(f"{hub.url}/v1/acme/categories", headers=people.token("endpoints"), timeout=PATIENCE).status_code
    second = begin("endpoints", {"metadata": {"second": "x"}})
    for _ in range(2):
        assert requests.get(f"{hub.url}/v1/acme/categories", headers=people.token("endpoints"), timeout=PATIENCE).status_code
    lock.execute("ROLLBACK")
    lock.close()
    answers = {name: end(one) for name, one in [("first", first), ("second", second)]}
    assert "too many changes" not in answers["second"], "it waits for its turn"
    assert all(" 404 " in end(one).splitlines()[0] for one in strangers)
    kept = {name for name, answer in answers.items() if " 200 " in answer.splitlines()[0]}  # a lock can last too long
    assert set(Endpoints(hub).get(id)["metadata"]) == kept
