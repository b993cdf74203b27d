"""The reference's own unit tests, with our steps run beside its classes.

    python scripts/reference_suite.py --mmseg CHECKOUT [--mmcv CHECKOUT] [--mmengine CHECKOUT]
        [--only WORD] [--plant ID]

A checkout gives the tests and their data; what they test is the installed package. Each call
of a class or function that one of our steps reproduces is first run by our step and by the
original on copies of its arguments, from the same state of all generators. Values, dtypes,
gradients and the states afterwards are compared bit for bit. Then the state is put back and
the call goes on as always, so that the tests come out as they do without this.

Exits 1 when anything differs, 2 when a checkout has no tests.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from suite import data, masks, model, training
from suite.beside import ClassCalls
from suite.page import render
from suite.patching import Suite

from parity.errors import InputError
from parity.live import reference_header
from parity.suspects.catalogue import all_suspects
from parity.suspects.suspect import Suspect
from parity.text import did_you_mean

PACKAGES = ("mmseg", "mmcv", "mmengine")


class Outcomes:
    """How the tests of a checkout came out."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: when it ran, or when it could not be set up."""
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self.counts[report.outcome] = self.counts.get(report.outcome, 0) + 1


def run_tests(
    checkout: Path, only: str = "", planted: Suspect | None = None
) -> tuple[list[ClassCalls], dict[str, int]]:
    """What came of every place in the tests of `checkout`, and how the tests came out."""
    reference_header()
    places = [*data.places(), *model.places(), *masks.places(), *training.places()]
    suite, outcomes = Suite(places, planted), Outcomes()
    os.chdir(checkout)
    options = ["-q", "--continue-on-collection-errors", "-p", "no:cacheprovider", "-W", "ignore"]
    options += ["-c", os.devnull, "--rootdir", str(checkout), *(["-k", only] if only else [])]
    with suite.in_place():
        pytest.main([*options, "--tb=no", "-r", "N", "tests"], plugins=[outcomes])
    return list(suite.rows.values()), outcomes.counts


def suspect_called(name: str) -> Suspect:
    """Raises InputError where the catalogue has none of this name."""
    known = {one.id: one for one in all_suspects()}
    if name not in known:
        raise InputError(f"no suspect {name}; {did_you_mean(name, known, 'see parity show')}")
    return known[name]


def checked(name: str, given: Path) -> Path:
    """The checkout. Raises InputError where it holds no tests."""
    if not (given / "tests").is_dir():
        raise InputError(f"--{name} {given}: has no folder tests; give a checkout of {name}")
    return given.resolve()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests of each checkout in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in PACKAGES:
        parser.add_argument(f"--{name}", type=Path, metavar="CHECKOUT")
    parser.add_argument("--only", default="", metavar="WORD", help="as pytest's -k")
    parser.add_argument("--plant", metavar="ID", help="make this known mistake in our steps")
    given = parser.parse_args(arguments)
    try:
        named = {name: getattr(given, name) for name in PACKAGES if getattr(given, name)}
        checkouts = {name: checked(name, path) for name, path in named.items()}
        if not checkouts:
            raise InputError("give a checkout: --mmseg, --mmcv or --mmengine")
        planted = None if given.plant is None else suspect_called(given.plant)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    found: list[ClassCalls] = []
    spawn = multiprocessing.get_context("spawn")
    for name, checkout in checkouts.items():
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            rows, outcomes = pool.submit(run_tests, checkout, given.only, planted).result()
        print(f"{name}: " + (", ".join(f"{n} {what}" for what, n in outcomes.items()) or "no test"))
        found += rows
    text, differs = render(found)
    print(text)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
