# SPDX-License-Identifier: Apache-2.0
"""What the portal says when the hub is too busy to answer: it promises nothing of what may have been done."""
import re
import sqlite3

import pytest

from support import people
from support.config import base, with_hooks
from support.endpoints import Endpoints


@pytest.mark.parametrize("language,said,never", [
    ("en", "The hub is busy. Look whether it was done before you try again.", "Nothing was saved"),
    ("de", "Der Hub ist überlastet. Sehen Sie nach, ob es geschehen ist, bevor Sie es noch einmal versuchen.", "nichts gespeichert"),
])
def test_a_change_that_could_not_be_told_of(new_hub, receiver, language, said, never):
    """What was typed is still in the form."""
    hub = new_hub(with_hooks(base())).start()
    id = Endpoints(hub).make(receiver.url("/made"))["id"]
    lock = sqlite3.connect(hub.data_dir / "belfry.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    form = {"url": receiver.url("/made"), "which": "every", "signatures": "v1", "description": "Typed for long", "version": "1"}
    answer = hub.post(f"/acme/endpoints/{id}/edit", data=form, headers={
        **people.token("endpoints"), "Accept": "text/html", "Accept-Language": language})
    lock.execute("ROLLBACK")
    lock.close()
    alert = re.search(r'role="alert".*?</(?:div|section)>', answer.text, re.S)[0]
    assert answer.status_code == 503 and said in alert and never not in answer.text, answer.text
    assert "Typed for long" in answer.text
