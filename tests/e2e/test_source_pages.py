# SPDX-License-Identifier: Apache-2.0
"""docs/sources: the configuration that a page begins with, and each of its curl examples, in order, against a hub."""
import re
import subprocess

import pytest

from support import people
from support.config import base
from support.paths import PATIENCE, SRC

PAGES = sorted(p.name for p in (SRC / "docs" / "sources").glob("*.md"))
FENCE = re.compile(r"^```(yaml|sh)\n(.*?)^```$", re.M | re.S)
REQUEST = re.compile(r"/v1/acme/sources/[\w-]+/(triggers|xero)")


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_are_taken(new_hub, page):
    blocks = FENCE.findall((SRC / "docs" / "sources" / page).read_text())
    part = next(body for kind, body in blocks if kind == "yaml")
    config = base(**dict.fromkeys(re.findall(r"^(\w+):", part, re.M)))  # all but what the page says
    config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if t["name"] == "everything"]
    hub = new_hub(config)
    hub.env.update(dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", part), "a-secret-that-nobody-else-has"))
    hub.write_config()
    hub.config = hub.config_path.read_text() + part
    hub.start()
    examples = [(body, REQUEST.search(body)[1]) for kind, body in blocks if kind == "sh" and REQUEST.search(body)]
    assert examples, "a page without an example"
    for number, (example, what) in enumerate(examples, 1):
        env = {**hub.environment(), "BELFRY": hub.url, "TOKEN": people.TOKENS["all"]["secret"]}
        example = example.replace("http://127.0.0.1:8420/", "$BELFRY/")
        said = subprocess.run(["sh", "-ec", example.replace("curl ", "curl -sS --noproxy '*' -w '\\n%{http_code}' ")],
                              env=env, capture_output=True, text=True, timeout=PATIENCE)
        done = {"triggers": "202", "xero": "200"}[what]
        assert said.returncode == 0 and said.stdout.endswith(f"\n{done}"), f"example {number}: {said.stdout}{said.stderr}"
        assert '"refused"' not in said.stdout, f"example {number}: {said.stdout}"
