"""pytest plugin for other repositories: the fixture `parity_check` and its options.

Named as an entry point of pytest, it is imported in every run of a repository
that has this package installed; so it imports nothing else before the fixture
is used, prints nothing, and changes no settings.
"""

from collections.abc import Callable
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--parity-live`` and ``--parity-recorded``; neither: live where it is installed."""
    group = parser.getgroup("mmseg-parity")
    group.addoption(
        "--parity-live", action="store_true", help="parity_check: insist on live mmsegmentation"
    )
    group.addoption(
        "--parity-recorded",
        action="store_true",
        help="parity_check: without mmsegmentation, beside the steps of mmseg-parity",
    )
    group.addoption(
        "--parity-examples", metavar="DIR", help="parity_check: write minimal examples below DIR"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The two options exclude each other."""
    if config.getoption("--parity-live") and config.getoption("--parity-recorded"):
        raise pytest.UsageError("--parity-live and --parity-recorded exclude each other")


@pytest.fixture
def parity_check(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`parity.testing.assert_parity` with the options of the command line.

    Minimal examples go below ``--parity-examples``, one folder per test.
    """
    from parity.testing import assert_parity  # noqa: PLC0415 - heavy, and most runs never use it

    defaults: dict[str, Any] = {"live": None}
    if request.config.getoption("--parity-live"):
        defaults["live"] = True
    if request.config.getoption("--parity-recorded"):
        defaults["live"] = False
    folder = request.config.getoption("--parity-examples")
    if folder:
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in request.node.name)
        defaults["example"] = f"{folder}/{name}"

    def check(step: str, candidate: Any = None, **options: Any) -> None:
        __tracebackhide__ = True
        assert_parity(step, candidate, **{**defaults, **options})

    return check
