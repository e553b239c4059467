# SPDX-License-Identifier: Apache-2.0
"""`belfry listen`: what a hub sends is received, verified and shown; what is not its is refused and said why."""
import base64
import json
import re
import subprocess
import time

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from support import people
from support.config import OTHER_WEBHOOK_SECRET, WEBHOOK_SECRET, base, endpoint, with_hooks
from support.events import case
from support.listen import Listen
from support.paths import BIN, PATIENCE
from support.receiver import sign
from support.wait import until


@pytest.fixture
def listen():
    running = []

    def start(*args, **options):
        running.append(Listen(*args, **options))
        return running[-1]

    yield start
    for one in running:
        one.end()


def signed(body, secret=WEBHOOK_SECRET, id="msg_1", at=None, before="", after=""):
    at = int(time.time()) if at is None else at
    return {"webhook-id": id, "webhook-timestamp": str(at),
            "webhook-signature": before + sign(secret, id, at, body) + after}


def keys():
    """(whsk_, whpk_, a function that signs as v1a)"""
    private = Ed25519PrivateKey.generate()
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign_v1a(id, at, body):
        return "v1a," + base64.b64encode(private.sign(f"{id}.{at}.".encode() + body)).decode()

    return "whsk_" + base64.b64encode(seed + public).decode(), "whpk_" + base64.b64encode(public).decode(), sign_v1a


def yaml_of(ear):
    """The channel that it prints, once it is all there."""
    until(lambda: any(line.startswith("      - ") for line in ear.lines))
    begin = ear.lines.index("  hooks:")
    return yaml.safe_load("\n".join(ear.lines[begin:begin + 5]))


def test_what_a_hub_sends_is_verified_and_shown(new_hub, listen):
    """By the YAML that it prints, with the secret that it made."""
    ear = listen(text=True)
    config = base()
    config["channels"].update(yaml_of(ear))
    config["rules"].append({"name": "hooks", "when": {"type": "workflow.bad"}, "deliver": ["hooks"]})
    hub = new_hub(config).start()
    hub.send(case("ann", "bad", "Ünïcode <b>"))
    head = until(lambda: [line for line in ear.lines if "  200  workflow.bad  verified: v1, " in line], "it is shown")[0]
    event = next(e for e in hub.events("?source=crm") if e["type"] == "workflow.bad")
    assert re.search(rf"  verified: v1, \d+ s old  msg_{event['id']}  attempt of 20\S+Z$", head)
    until(lambda: '      "title": "Ünïcode <b>",' in [line[2:] for line in ear.lines], "and its body")
    assert ear.end() == (0, "")
    assert ear.lines[-1] == "Deliveries: 1, of which verified: 1, come again: 0, answered with 2xx: 1"


@pytest.mark.parametrize("given", ["made", "env", "file", "--secret-file"])
def test_the_call_that_it_prints_makes_an_endpoint_that_it_verifies(new_hub, listen, tmp_path, given):
    """Also with a secret that it was given: the call says where that came from, and the hub makes no other."""
    (tmp_path / "a secret").write_text(f"{WEBHOOK_SECRET}\n")
    args = {"made": [], "env": ["--secret", "${env:MY_HOOK}"], "file": ["--secret", "${file:%s}" % (tmp_path / "a secret")],
            "--secret-file": ["--secret-file", tmp_path / "a secret"]}[given]
    env = {"MY_HOOK": WEBHOOK_SECRET}
    ear = listen(*args, text=True, env=env)
    call = "\n".join(until(lambda: (lines := [line for line in ear.lines if "curl" in line or " -d " in line])[1:] and lines))
    assert given == "made" or WEBHOOK_SECRET not in "".join(ear.lines)
    assert yaml_of(ear)["hooks"]["endpoints"][0]["secret"].startswith({"made": "whsec_", "env": "${env:MY_HOOK}"}.get(given, "${file:/"))
    hub = new_hub(with_hooks(base())).start()
    env |= {**hub.environment(), "BELFRY": hub.url, "ORG": "acme", "TOKEN": people.TOKENS["own"]["secret"], "NO_PROXY": "*"}
    done = subprocess.run(["bash", "-euc", call.replace("curl ", "curl -sS ")], env=env, capture_output=True, text=True, timeout=PATIENCE)
    made = json.loads(done.stdout)
    assert hub.post(f"/v1/acme/endpoints/{made['id']}/test", people.token("own"), json={"type": "workflow.bad"}).status_code == 202
    until(lambda: [line for line in ear.lines if "  200  workflow.bad  verified: v1, " in line], "it is verified")


@pytest.mark.parametrize("between", ["\n", ",", "\r\n", " "], ids=repr)
def test_keys_of_a_file_may_stand_on_several_lines(new_hub, listen, tmp_path, between):
    """Where a hub wants them on one: the call makes that of them, for YAML it is said. A path can hold any quote."""
    path = tmp_path / "ann's \"own\" secrets"
    path.write_text(f"{WEBHOOK_SECRET}{between}{keys()[0]}\n")
    ear = listen("--secret-file", path, text=True)
    call = "\n".join(until(lambda: (lines := [line for line in ear.lines if "curl" in line or " -d " in line])[1:] and lines))
    assert yaml_of(ear)["hooks"]["endpoints"][0]["secret"] == "${file:%s}" % path
    assert any("on one line" in line for line in ear.lines) == (between != " ")
    hub = new_hub(with_hooks(base())).start()
    env = {**hub.environment(), "BELFRY": hub.url, "ORG": "acme", "TOKEN": people.TOKENS["own"]["secret"], "NO_PROXY": "*"}
    done = subprocess.run(["bash", "-euc", call.replace("curl ", "curl -sS ").replace('"url"', '"signatures": ["v1", "v1a"], "url"')],
                          env=env, capture_output=True, text=True, timeout=PATIENCE)
    made = json.loads(done.stdout)
    assert hub.post(f"/v1/acme/endpoints/{made['id']}/test", people.token("own"), json={"type": "workflow.bad"}).status_code == 202
    until(lambda: [line for line in ear.lines if "  200  workflow.bad  verified: v1, " in line], "it is verified")


def test_a_public_key_alone_says_nothing_of_how_to_register(listen):
    ear = listen("--public-key", keys()[1], text=True)
    ear.post(BODY, signed(BODY))
    until(lambda: [line for line in ear.lines if "NOT VERIFIED" in line])
    assert not any("endpoints" in line for line in ear.lines)


def test_repeats_are_answered_as_asked_and_said(new_hub, listen, receiver):
    """503 and Retry-After at first: the hub comes again, with the same id."""
    ear = listen("--secret", WEBHOOK_SECRET, "--status", "503,200", "--retry-after", "60")
    assert ear.secret is None, "what was given is not repeated"
    hub = new_hub(with_hooks(base(), endpoint("local", ear.url)), clock=True)
    hub.start()
    hub.send(case("ann", "bad", "Twice"))
    ear.wait(1)
    until(lambda: hub.deliveries("?channel=hooks")[0]["state"] == "retrying")
    hub.clock.advance("59s")
    assert len(ear.said()) == 1
    hub.clock.advance("8s")
    one, two = ear.wait(2)
    assert (one["status"], two["status"]) == (503, 200) and (one["times"], two["times"]) == (1, 2)
    assert one["id"] == two["id"] and one["body"] == two["body"] and one["body"]["data"]["title"] == "Twice"
    assert ear.end() == (0, "")
    assert ear.said("summary") == [{"what": "summary", "deliveries": 2, "verified": 2, "again": 1, "taken": 1}]


BODY = b'{"type":"a.b","data":{}}'


@pytest.mark.parametrize("change,why", [
    (lambda h: {**h, "webhook-id": "msg_2"}, "none of the secrets made its signature"),
    (lambda h: {**h, "webhook-signature": h["webhook-signature"][:-5] + "AAAA="}, "none of the secrets made its signature"),
    (lambda h: {**h, "webhook-signature": h["webhook-signature"][:11]}, "none of the secrets made its signature"),
    (lambda h: {**h, "webhook-signature": "v1,"}, "its header holds no signature of this scheme"),
    (lambda h: {**h, "webhook-signature": h["webhook-signature"].replace("v1,", "v2,")}, "its header holds no signature of this scheme"),
    (lambda h: {**h, "webhook-signature": h["webhook-signature"].replace("v1,", "v1a,")}, "none of the secrets made its signature"),
    (lambda h: signed(BODY, OTHER_WEBHOOK_SECRET), "none of the secrets made its signature"),
    (lambda h: signed(BODY, at=int(time.time()) - 310), "old, and 300 are allowed"),
    (lambda h: signed(BODY, at=int(time.time()) + 310), "ahead, and 300 are allowed"),
    (lambda h: {**h, "webhook-timestamp": "hello"}, "webhook-timestamp is no number of seconds"),
    (lambda h: {**h, "webhook-timestamp": "-1"}, "webhook-timestamp is no number of seconds"),
    (lambda h: {**h, "webhook-timestamp": "9" * 30}, "webhook-timestamp is no number of seconds"),
    *((lambda h, name=name: {k: v for k, v in h.items() if k != name}, f"{name} is missing")
      for name in ["webhook-id", "webhook-timestamp", "webhook-signature"]),
])
def test_what_is_not_right_is_refused_and_why(listen, change, why):
    ear = listen("--secret", WEBHOOK_SECRET)
    assert ear.post(BODY, change(signed(BODY))).status_code == 401
    one, = ear.wait(1)
    assert one["verified"] is False and why in one["how"] and one["times"] == 0
    assert ear.post(BODY + b" ", signed(BODY)).status_code == 401, "a byte more"
    assert ear.post(BODY, signed(BODY)).status_code == 200
    assert ear.wait(3)[2]["times"] == 1, "what anybody may have sent is not remembered"


def test_how_often_it_came_is_said_in_words(listen):
    ear = listen("--secret", WEBHOOK_SECRET, "--no-body", text=True)
    for _ in range(4):
        ear.post(BODY, signed(BODY))
    said = until(lambda: (lines := [line for line in ear.lines if "  a.b  " in line])[3:] and lines)
    assert [re.search(r"old(?:; again, for the (\w+) time)?  msg_1  ", line)[1] for line in said] == [None, "2nd", "3rd", "4th"]
    assert not any("data" in line for line in said)


def test_one_right_signature_among_several_is_enough(listen):
    ear = listen("--secret", f"{OTHER_WEBHOOK_SECRET} {WEBHOOK_SECRET}")
    wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
    assert ear.post(BODY, signed(BODY, before=f"{wrong} v2,{wrong[3:]} ", after=f" {wrong}")).status_code == 200
    assert ear.post(BODY, signed(BODY, OTHER_WEBHOOK_SECRET, "msg_2")).status_code == 200, "while the secret is rotated"
    assert ear.post(b"", signed(b"", id="msg_3")).status_code == 200, "an empty body"


def test_v1a(listen):
    pair, public, sign_v1a = keys()
    now = int(time.time())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": sign_v1a("msg_1", now, BODY)}
    seed = "whsk_" + base64.b64encode(base64.b64decode(pair[5:])[:32]).decode()
    for args in [["--public-key", public], ["--secret", f"{WEBHOOK_SECRET} {pair}"], ["--secret", seed]]:
        ear = listen(*args)
        assert ear.post(BODY, headers).status_code == 200
        assert ear.wait(1)[0]["how"].startswith("v1a, ")
        assert ear.post(BODY, {**headers, "webhook-id": "msg_2"}).status_code == 401
        assert ear.post(BODY, {**headers, "webhook-signature": headers["webhook-signature"][:60]}).status_code == 401
    assert listen("--public-key", keys()[1]).post(BODY, headers).status_code == 401, "another key"


def test_the_secret_need_not_stand_in_the_list_of_processes(listen, tmp_path):
    (tmp_path / "secret").write_text(f"{OTHER_WEBHOOK_SECRET}\n{WEBHOOK_SECRET}\n")
    environment = {"HOOK_SECRET": WEBHOOK_SECRET}
    for args, env in [(["--secret-file", tmp_path / "secret"], None), (["--secret", "${file:%s}" % (tmp_path / "secret")], None),
                      (["--secret", "${env:HOOK_SECRET}"], environment)]:
        ear = listen(*args, env=env)
        assert ear.post(BODY, signed(BODY)).status_code == 200
        assert WEBHOOK_SECRET not in "".join(ear.lines)


def test_once_ends_with_the_first_and_says_by_its_code_how_it_was(listen):
    ear = listen("--once", "--secret", WEBHOOK_SECRET)
    assert ear.post(method="OPTIONS").status_code == 200 and ear.post(method="GET").status_code == 405
    assert ear.post(BODY, signed(BODY)).status_code == 200
    assert ear.end(None) == (0, "")
    ear = listen("--once", "--secret", WEBHOOK_SECRET)
    assert ear.post(BODY, signed(BODY, OTHER_WEBHOOK_SECRET)).status_code == 401
    assert ear.end(None) == (1, "")
    assert listen("--once").end() == (1, ""), "nothing came"


def test_the_handshake_of_cloudevents(listen):
    ear = listen()
    answer = ear.post(method="OPTIONS", headers={"WebHook-Request-Origin": "hub.example", "WebHook-Request-Rate": "120"})
    assert answer.headers["WebHook-Allowed-Origin"] == "hub.example" and answer.headers["WebHook-Allowed-Rate"] == "120"
    assert answer.headers["Allow"] == "POST, OPTIONS"
    said, = ear.wait(1, "handshake")
    assert (said["origin"], said["rate"]) == ("hub.example", "120")
    assert "WebHook-Allowed-Origin" not in ear.post(method="OPTIONS").headers


def test_the_type_is_read_in_every_format(listen):
    ear = listen("--secret", WEBHOOK_SECRET)
    ear.post(BODY, signed(BODY, id="msg_1"))
    ear.post(BODY, {**signed(BODY, id="msg_2"), "ce-type": "c.d", "ce-id": "1"})
    ear.post(b"no JSON", signed(b"no JSON", id="msg_3"))
    assert [(d["type"], d["body"]) for d in ear.wait(3)] == [("a.b", json.loads(BODY)), ("c.d", json.loads(BODY)), ("", "no JSON")]


def test_what_comes_cannot_play_with_the_terminal(listen):
    ear = listen("--secret", WEBHOOK_SECRET, text=True)
    body = b"\x1b[2J\xc2\x9b31m\xff plain \xce\xb1\n"
    ear.post(body, signed(body))
    until(lambda: "    \\x1b[2J\\x9b31m\\xff plain α" in ear.lines, "the body")
    ear.post(b"{}", {**signed(b"{}"), "ce-type": "a\u009b31m".encode()})
    until(lambda: any("  a\\x9b31m  verified: " in line for line in ear.lines), "the type")


def test_too_much_is_refused(listen):
    ear = listen("--secret", WEBHOOK_SECRET)
    body = b"a" * (1 << 20)
    assert ear.post(body, signed(body)).status_code == 200
    assert ear.post(body + b"a", signed(body + b"a")).status_code == 413
    assert len(ear.wait(1)) == 1


def test_a_program_beside_it_gets_the_same_and_answers(listen, receiver):
    ear = listen("--secret", WEBHOOK_SECRET, "--forward", receiver.url("/app"))
    receiver.answer("/app", 204, (429, {"Retry-After": "7", "webhook-delivery": "abort-message"}), None)
    assert ear.post(BODY, {**signed(BODY), "X-Team": "a, b", "Content-Type": "application/json"}).status_code == 204
    got, = receiver.wait(1)
    assert got.body == BODY and got.verifies() and got.headers["x-team"] == "a, b"
    assert got.headers["content-type"] == "application/json"
    answer = ear.post(BODY, signed(BODY))
    assert (answer.status_code, answer.headers["Retry-After"], answer.headers["webhook-delivery"]) == (429, "7", "abort-message")
    assert ear.post(BODY, signed(BODY)).status_code == 502
    assert ear.post(BODY, signed(BODY, OTHER_WEBHOOK_SECRET)).status_code == 401
    assert len(receiver.deliveries) == 3, "what is not verified goes no further"
    assert "did not take it" in ear.end()[1]


def test_the_words_of_a_receiver(listen):
    ear = listen("--secret", WEBHOOK_SECRET, "--status", "410", "--webhook-delivery", "disable")
    answer = ear.post(BODY, signed(BODY))
    assert (answer.status_code, answer.headers["webhook-delivery"]) == (410, "disable")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("args,why", [
    (["--status", "99"], "`99` is no list of status codes"), (["--status", "200,,"], "no list"), (["--status", ""], "no list"),
    (["--status", ",".join(["200"] * 33)], "no list"), (["--port", "70000"], "no port"), (["--port", "x"], "no port"),
    (["--secret", "whsec_"], "base64 of 24 to 64 bytes"), (["--secret", ""], "no key is there"),
    (["--secret", "whsec_c2hvcnQ="], "24 to 64"), (["--public-key", "whpk_AAAA"], "32 bytes"),
    (["--secret", "whsk_AAAA"], "32 or 64 bytes"), (["--secret", "${env:NOT_THERE}"], "the environment has no `NOT_THERE`"),
    (["--secret-file", "/nowhere"], "cannot read /nowhere"), (["--secret", " ".join([WEBHOOK_SECRET] * 17)], "at most 16"),
    (["--format", "xml"], "no format"), (["--webhook-delivery", "stop"], "disable or abort-message"),
    (["--retry-after", "a\nb"], "seconds or an HTTP date"), (["--status", "503", "--retry-after", "soon"], "seconds or an HTTP date"),
    (["--retry-after", "30"], "a status that is no success"), (["--status", "200,204", "--retry-after", "30"], "no success"), (["--forward", "ftp://x"], "no http or https URL"),
    (["--forward", "http://x", "--status", "500"], "the answer is that of http://x"), (["more"], "options only"),
    (["--speed", "1"], "unknown option"),
])
def test_options_that_make_no_sense(args, why):
    done = subprocess.run([BIN, "listen", *args], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and why in done.stderr and done.stdout == ""


def test_a_port_that_is_taken(listen):
    port = listen().url.rsplit(":", 1)[1].strip("/")
    done = subprocess.run([BIN, "listen", "--port", port], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 4 and done.stderr == f"belfry: cannot listen on 127.0.0.1:{port}: Address already in use; --port takes another\n"
