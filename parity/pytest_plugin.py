"""Options, header and fixtures of the parity checks, as a pytest plugin."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from parity.check.cases import list_root
from parity.checks.support import RecordedResults
from parity.environment import environment
from parity.errors import ReferenceUnavailable
from parity.fixtures import inputs_root
from parity.live import reference_header, reference_installed
from parity.sample import DataInfo

# Derandomised: a parity suite that fails once in a hundred runs would not be believed.
settings.register_profile(
    "parity",
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("parity")

# Small tensors: one thread is faster, and more would only compete with other processes.
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("parity")
    group.addoption("--live", action="store_true", help="insist on live mmsegmentation")
    group.addoption("--recorded", action="store_true", help="use the recorded reference only")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--live") and config.getoption("--recorded"):
        raise pytest.UsageError("--live and --recorded exclude each other")
    if config.getoption("--live") and not reference_installed():
        raise pytest.UsageError("--live: mmsegmentation is not installed; see README.md")


def _is_live(config: pytest.Config) -> bool:
    return not config.getoption("--recorded") and reference_installed()


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = [f"{name} {text}" for name, text in environment().items()]
    if not _is_live(config):
        return ["reference: recorded", "; ".join(lines)]
    try:
        versions, notes = reference_header()
    except ReferenceUnavailable as error:
        raise pytest.UsageError(str(error)) from error
    live = [f"{name} {text}" for name, text in versions.items()]
    return ["reference: live", "; ".join(live + lines), *notes]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _is_live(config):
        return
    skip = pytest.mark.skip(reason="needs live mmsegmentation; the reference is recorded")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def recorded() -> RecordedResults:
    """Our steps held against the recorded reference."""
    return RecordedResults()


@pytest.fixture(scope="session")
def photographs() -> list[DataInfo]:
    """Real photographs: the built-in ones, and those below PARITY_ADE20K when it is set."""
    extra = os.environ.get("PARITY_ADE20K")
    return list_root(inputs_root()) + (list_root(Path(extra))[:50] if extra else [])
