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
VARIABLE = re.compile(r"\$\{env:(\w+)\}")
WITHOUT_TRIGGERS = {"xero.md"}  # Xero posts what a test cannot copy from a page: it is signed


class Loader(yaml.SafeLoader):
    """Reads booleans as the hub does: `on` is a word."""


Loader.yaml_implicit_resolvers = {
    first: [r for r in resolvers if r[0] != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_are_taken(new_hub, page):
    blocks = FENCE.findall((SRC / "docs" / "sources" / page).read_text())
    config = base(sources=None)
    config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if t["name"] == "everything"]
    text = next(body for kind, body in blocks if kind == "yaml")
    for section, value in yaml.load(text, Loader).items():
        config.setdefault(section, {}).update(value)
    hub = new_hub(config)
    hub.env.update({name: "a-secret-of-thirty-two-bytes-or-more" for name in VARIABLE.findall(text)})
    hub.start()
    examples = [body for kind, body in blocks if kind == "sh" and "/triggers " in body]
    assert bool(examples) != (page in WITHOUT_TRIGGERS), "a page without an example"
    for number, example in enumerate(examples, 1):
        env = {**hub.environment(), "BELFRY": hub.url, "TOKEN": people.TOKENS["all"]["secret"]}
        example = example.replace("http://127.0.0.1:8420/", "$BELFRY/")
        said = subprocess.run(["sh", "-ec", example.replace("curl ", "curl -sS --noproxy '*' -w '\\n%{http_code}' ")],
                              env=env, capture_output=True, text=True, timeout=PATIENCE)
        assert said.returncode == 0 and said.stdout.endswith("\n202"), f"example {number}: {said.stdout}{said.stderr}"
        assert '"refused"' not in said.stdout, f"example {number}: {said.stdout}"
