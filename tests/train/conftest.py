from __future__ import annotations

import pytest

from parity.train.settings import built_in_data


@pytest.fixture(scope="session")
def data():
    with built_in_data() as root:
        yield root
