import pytest

from parity.train.roots import built_in_data
from tests.train import tiny


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


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "tiny.py"
    file.write_text(tiny.CONFIG)
    return file


@pytest.fixture
def terse():
    with tiny.terse():
        yield
