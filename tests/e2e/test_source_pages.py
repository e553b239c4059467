# SPDX-License-Identifier: Apache-2.0
"""docs/sources: the configuration that a page begins with, and each of its curl examples, in order, against a hub."""
import re
import subprocess

import pytest
import yaml

from support import people
from support.config import base
from support.paths import PATIENCE, SRC

PAGES = sorted(p.name for p in (SRC / "docs" / "sources").glob("*.md"))
FENCE = re.compile(r"^```(yaml|sh)\n(.*?)^```$", re.M | re.S)
SECRET = re.compile(r"\$\{env:([A-Z_]+)\}")
DOORS = {"/triggers ": "202", "/xero ": "200"}  # where examples post to, and how what is taken is answered


def door(example):
    return next((path for path in DOORS if path in example), None)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_are_taken(new_hub, page):
    blocks = FENCE.findall((SRC / "docs" / "sources" / page).read_text())
    config = base(sources=None)
    config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if t["name"] == "everything"]
    sources = next(body for kind, body in blocks if kind == "yaml")
    hub = new_hub({key: value for key, value in config.items() if key not in yaml.safe_load(sources)})
    hub.write_config()
    hub.env.update({name: f"a value of {name}" for name in SECRET.findall(sources)})
    hub.config = hub.config_path.read_text() + sources
    hub.start()
    examples = [body for kind, body in blocks if kind == "sh" and door(body)]
    assert examples, "a page without an example"
    for number, example in enumerate(examples, 1):
        env = {**hub.environment(), "BELFRY": hub.url, "TOKEN": people.TOKENS["all"]["secret"]}
        example = example.replace("http://127.0.0.1:8420/", "$BELFRY/")
        said = subprocess.run(["sh", "-ec", example.replace("curl ", "curl -sS --noproxy '*' -w '\\n%{http_code}' ")],
                              env=env, capture_output=True, text=True, timeout=PATIENCE)
        taken = said.returncode == 0 and said.stdout.endswith(f"\n{DOORS[door(example)]}")
        assert taken, f"example {number}: {said.stdout}{said.stderr}"
        assert '"refused"' not in said.stdout, f"example {number}: {said.stdout}"
