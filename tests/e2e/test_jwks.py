# SPDX-License-Identifier: Apache-2.0
"""auth.jwt.jwks as a URL: keys are fetched, followed when they change, and the last good ones stay in force."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from support import people
from support.config import base
from support.wait import until

OLD, NEW = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())


def key_set(**keys):
    """A JWKS of public keys by their kid."""
    return json.dumps({"keys": [{**json.loads((RSAAlgorithm if isinstance(k, rsa.RSAPrivateKey) else ECAlgorithm)
                                              .to_jwk(k.public_key())), "kid": kid} for kid, k in keys.items()]})


class Identity:
    """A host application that publishes its keys: `answer` is (status, body), `asked` counts."""

    def __init__(self):
        self.answer = (200, key_set(old=OLD))
        self.asked = 0
        identity = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                identity.asked += 1
                status, body = identity.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if status // 100 == 3:
                    self.send_header("Location", f"http://127.0.0.1:{identity.server.server_address[1]}/elsewhere")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json?client=secret-of-the-query"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def identity():
    one = Identity()
    yield one
    one.server.shutdown()
    one.server.server_close()


def config_of(identity):
    config = base()
    config["auth"]["jwt"] = {"jwks": identity.url}
    return config


def signed(hub, key, kid, who="ann"):
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    headers = people.bearer(people.mint(who, secret=key, algorithm=algorithm, headers={"kid": kid}, now=hub.now()))
    return hub.get("/v1/acme/notifications/count", headers).status_code


def test_people_sign_in_with_keys_of_a_url(new_hub, identity):
    hub = new_hub(config_of(identity)).start()
    until(lambda: signed(hub, OLD, "old") == 200)
    assert signed(hub, NEW, "old") == signed(hub, NEW, "new") == 401
    assert "key set fetched" in hub.log() and "secret-of-the-query" not in hub.log()


def test_keys_that_change_are_followed(new_hub, identity):
    hub = new_hub(config_of(identity), clock=True).start()
    until(lambda: signed(hub, OLD, "old") == 200)
    identity.answer = (200, key_set(new=NEW))
    asked = identity.asked
    hub.clock.advance("5m")
    until(lambda: identity.asked > asked)
    until(lambda: signed(hub, NEW, "new") == 200)
    assert signed(hub, OLD, "old") == 401, "a key that was withdrawn counts no more"


@pytest.mark.parametrize("bad", [(500, "no"), (302, ""), (200, "no JSON"), (200, '{"keys":1}'),
                                 (200, '{"keys":[' + '"x",' * 100000 + '"x"]}')])
def test_the_last_good_keys_stay_in_force(new_hub, identity, bad):
    hub = new_hub(config_of(identity), clock=True).start()
    until(lambda: signed(hub, OLD, "old") == 200)
    identity.answer, asked = bad, identity.asked
    hub.clock.advance("5m")
    until(lambda: identity.asked > asked)
    until(lambda: "key set could not be fetched" in hub.log())
    assert signed(hub, OLD, "old") == 200


def test_until_they_were_there_once_it_is_503(new_hub, identity):
    identity.answer = (503, "")
    hub = new_hub(config_of(identity), clock=True).start()
    until(lambda: "key set could not be fetched" in hub.log())
    assert signed(hub, OLD, "old") == 503
    assert hub.ready(), "and nobody else is disturbed"
    identity.answer = (200, key_set(old=OLD))
    hub.clock.advance("5s")
    until(lambda: signed(hub, OLD, "old") == 200)


def test_an_org_of_its_own_and_a_reload(new_hub, identity):
    config = base()
    config["orgs"]["acme"]["jwt"] = {"jwks": identity.url}
    hub = new_hub(config).start()
    until(lambda: signed(hub, OLD, "old") == 200)
    del config["orgs"]["acme"]["jwt"]
    hub.write_config(config)
    assert hub.reload().status_code == 200
    assert signed(hub, OLD, "old") == 401
