# SPDX-License-Identifier: Apache-2.0
import pytest

import sources


@pytest.mark.parametrize("path", sorted(sources.FILES))
def test_list_of_sources_equals_the_tree(path):
    assert sources.FILES[path]() == sources.text(path), f"{path} is stale: run ./dev sources"
