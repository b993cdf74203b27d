"""Configs that a test writes, read as recipes."""

import pytest

from parity.recipe import read


@pytest.fixture
def config(tmp_path):
    def write(text):
        (tmp_path / "config.py").write_text(text)
        return read(tmp_path / "config.py")

    return write
