# SPDX-License-Identifier: Apache-2.0
"""docs/webhooks.md: its calls are answered, in their order, and its bodies are like those that arrive."""
import json
import re
import subprocess

from support import people
from support.config import base, endpoint, with_hooks
from support.events import created
from support.paths import PATIENCE, SRC
from support.wait import until

FENCE = re.compile(r"^ *```(\w+)[^\n]*\n(.*?)^ *```$", re.M | re.S)
BLOCKS = FENCE.findall((SRC / "docs/webhooks.md").read_text())
CALLS = [call for kind, body in BLOCKS if kind == "sh" for call in re.findall(r"curl (?:.*\\\n)*.*\n", body)]
BODIES = [json.loads(body) for kind, body in BLOCKS if kind == "json"]


def run(call, env):
    """The JSON of the answer, which has to be a success."""
    done = subprocess.run(["bash", "-euc", call.replace("curl ", "curl -sS --fail-with-body ", 1)], env=env,
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{call}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def test_its_calls_are_answered(new_hub, receiver):
    hub = new_hub(with_hooks(base())).start()
    env = {**hub.environment(), "BELFRY": hub.url, "TOKEN": people.TOKENS["own"]["secret"], "NO_PROXY": "*"}
    took = []
    for call in CALLS:
        answer = run(call.replace("http://127.0.0.1:8421/hook", receiver.url()), env)
        path = re.match(r"curl (?:-X POST )?\$BELFRY/v1/acme/(\S+)", call)[1]
        took.append(re.sub(r"\$\w+", "*", path))
        if path == "endpoints":
            env["ID"] = answer["id"]
        if path.endswith("/test"):
            assert receiver.wait(1)[0].json()["data"]["test"] is True
            env["ATTEMPT"] = until(lambda: hub.get(f"/v1/acme/endpoints/{env['ID']}/attempts", people.token("own")).json()["items"])[0]["id"]
    assert took == ["event-types", "endpoints", "endpoints/*/test", "endpoints/*/attempts", "endpoints/*/enable",
                    "endpoints/*/recover", "endpoints/*/attempts/*/resend", "endpoints/*/rotate"]
    again = receiver.wait(2)
    assert again[0].id == again[1].id and again[0].body == again[1].body, "what was resent"


def shape(value):
    """Names of members and types of values, all the way down; of texts that are one of few also which."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return type(value).__name__


def test_its_bodies_are_like_those_that_arrive(new_hub, receiver):
    formats = ["standard", "thin", "cloudevents-structured"]
    config = with_hooks(base(), *(endpoint(name, receiver.url(f"/{name}"), format=name, types=["record.assigned"]) for name in formats))
    hub = new_hub(config).start()
    trigger = created(owner="ann", created_by="bob", id="00Q-8", fields={"name": "Alder and Finch", "rating": "hot"})
    hub.send(trigger)
    receiver.wait(len(formats))
    assert len(BODIES) == len(formats)
    for name, shown in zip(formats, BODIES):
        came = receiver.wait(1, f"/{name}")[0].json()
        assert shape(shown) == shape(came), name
        assert list(shown) == list(came) and list(shown["data"]) == list(came["data"]), f"{name}: in this order"
