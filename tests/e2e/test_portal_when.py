# SPDX-License-Identifier: Apache-2.0
"""The condition in the portal's form: as it stands in the docs, whether JSON or YAML, in braces or in lines."""
import re

import pytest

from support import people
from support.config import base, with_hooks

CONDITION = {"severity": {"gte": "success"}, "any": [{"type": "a.b"}, {"data.n": 3}]}
FLOW = "{severity: {gte: success}, any: [{type: a.b}, {data.n: 3}]}"
BLOCK = "severity: {gte: success} # not the rest\nany:\n  - type: a.b\n  - data.n: 3\n"
JSON = '{"severity": {"gte": "success"}, "any": [{"type": "a.b"}, {"data.n": 3}]}'


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    hub = Hub(tmp_path_factory.mktemp("when"), with_hooks(base()))
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


def typed(hub, when):
    """The page that answers the form."""
    form = {"url": "https://partner.example/hook", "which": "every", "when": when, "signatures": "v1"}
    return hub.post("/acme/endpoints/new", {**people.token("own"), "Accept": "text/html"}, data=form)


@pytest.mark.parametrize("text", [FLOW, BLOCK, JSON, f"\n  {FLOW}\n", JSON.replace("a.b", "a\\u002eb")])
def test_it_is_read_as_it_is_written_anywhere(hub, text):
    answer = typed(hub, text)
    assert answer.status_code == 201, answer.text
    id = re.search(r"/acme/endpoints/([0-9a-f-]{36})", answer.text)[1]
    assert hub.get(f"/v1/acme/endpoints/{id}", people.token("own")).json()["when"] == CONDITION


@pytest.mark.parametrize("text,why", [
    ("{severity: {gte: success}", "line 1: "), ('{"severity": {"gte": "success"}', "line 1: "),
    ("{severity: info, severity: error}", "line 1: "),
    ("{severity: {above: success}}", "above"),
])
def test_what_is_wrong_is_said_at_the_field(hub, text, why):
    answer = typed(hub, text)
    assert answer.status_code == 422
    assert why in re.search(r'id="when-wrong"[^>]*>(.*?)</', answer.text, re.S)[1]
