from __future__ import annotations

import pytest

from parity.train.settings import built_in_data


@pytest.fixture(scope="session")
def data():
    """With the two smallest images to validate on: there 150 classes take the time."""
    with built_in_data() as root:
        images = sorted(
            (root / "images" / "validation").iterdir(), key=lambda file: file.stat().st_size
        )
        for image in images[2:]:
            image.unlink()
        yield root
