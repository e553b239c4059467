# SPDX-License-Identifier: Apache-2.0
"""The receivers in Python that the documentation shows, run: what is a hub's is taken once, everything else refused.

The official library of Python comes from PyPI, which tests do not use: for receiver-lib.py something stands in for it
that has the two names it takes from there, and, as that does, stumbles over a header that holds no signature. That of JavaScript is the real one (tests/node)."""
import subprocess
import sys
import time

import pytest
import requests

from support.config import OTHER_WEBHOOK_SECRET, WEBHOOK_SECRET
from support.paths import SRC
from support.ports import answers, free_ports
from support.receiver import sign
from support.wait import until

STAND_IN = '''
import hmac, json, sys, time
sys.path.insert(0, {support!r})
from support.receiver import sign

class WebhookVerificationError(Exception):
    pass

class Webhook:
    def __init__(self, secret):
        self.secret = secret

    def verify(self, data, headers):
        headers = {{name.lower(): value for name, value in headers.items()}}
        want = sign(self.secret, headers["webhook-id"], headers["webhook-timestamp"], data)
        if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
            raise WebhookVerificationError("too old or too new")
        for one in headers["webhook-signature"].split(" "):
            version, signature = one.split(",")
            if version == "v1" and hmac.compare_digest(want, one):
                return json.loads(data)
        raise WebhookVerificationError("No matching signature found")
'''
BODY = '{"type":"record.assigned","data":{"title":"Ünïcode 😀"}}'.encode()


@pytest.fixture(params=["receiver.py", "receiver-lib.py"])
def example(request, tmp_path):
    """(a function that posts, file of its output, how often it prints one that comes again)"""
    port, = free_ports(1)
    path, said = SRC / "docs/examples" / request.param, tmp_path / "said"
    (tmp_path / "standardwebhooks").mkdir()
    (tmp_path / "standardwebhooks" / "webhooks.py").write_text(STAND_IN.format(support=str(SRC / "tests/e2e")))
    env = {"HOOK_SECRET": WEBHOOK_SECRET, "PORT": str(port), "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1",
           "PYTHONIOENCODING": "utf-8"}
    args = [str(port), WEBHOOK_SECRET] if request.param == "receiver.py" else []
    with open(said, "wb") as out:
        process = subprocess.Popen([sys.executable, path, *args], stdout=out, stderr=subprocess.DEVNULL, env=env)
    try:
        until(lambda: process.poll() is None and answers(port), "the example listens")

        def post(body=BODY, id="msg_1", at=0, secret=WEBHOOK_SECRET, before="", signed=None):
            stamp = int(time.time()) + at
            headers = {"webhook-id": id, "webhook-timestamp": str(stamp),
                       "webhook-signature": before + sign(secret, id, stamp, BODY if signed is None else signed)}
            with requests.Session() as session:
                session.trust_env = False
                return session.post(f"http://127.0.0.1:{port}/hook", data=body, headers=headers, timeout=30).status_code

        yield post, said, request.param
    finally:
        process.terminate()
        process.wait()


def test_an_example_takes_what_is_the_hubs_and_refuses_the_rest(example):
    post, said, name = example
    assert post() == 204
    assert post(before=sign(OTHER_WEBHOOK_SECRET, "msg_1", int(time.time()), BODY) + " v1a,AAAA ") == 204
    refused = [post(BODY + b" "), post(at=-400), post(at=400), post(secret=OTHER_WEBHOOK_SECRET), post(BODY.replace(b"U", b"u"), signed=BODY + b"x")]
    assert refused == [401] * 5
    assert post(before="garbage ") in (204, 401) and post(before="garbage ", secret=OTHER_WEBHOOK_SECRET) == 401, "and goes on"
    until(lambda: "Ünïcode 😀" in said.read_text())
    if name == "receiver-lib.py":
        assert said.read_text() == "record.assigned Ünïcode 😀\n", "the second one came again"
