"""Read thousands of damaged runs, in child processes of bounded time and memory.

python scripts/fuzz.py [--count N] [--first N] [--explain]

Prints how many inputs there were, every traceback other than RunFormatError and
InputError, and the inputs that took too long or too much. Exit code 1 if any did.
"""

import argparse
import collections
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from parity.errors import InputError  # noqa: E402 - after the path is set
from parity.explain.explain import explain as explain_run  # noqa: E402
from parity.runs import read_run  # noqa: E402
from tests.runs.mutate import write_input  # noqa: E402

Outcome = dict[str, Any]
BATCH = 100
SECONDS = 10  # of the processor: a busy machine makes no input bad
WAITING = 100  # by the clock: what waits takes no time of the processor
LIMIT = 3 << 30  # of address space beyond what the imports map
BIG = 2 << 30


class TooSlow(BaseException):
    """The alarm of one input."""


def main() -> int:
    options = _options()
    if options.batch:
        _batch(options.first, options.count, explain=options.explain)
        return 0
    started = time.monotonic()
    found = [item for first in _firsts(options) for item in _child(first, options)]
    ends = collections.Counter(end for item in found for end in item["ends"])
    print(f"{len(found)} inputs in {time.monotonic() - started:.0f} s")
    for end, count in ends.most_common():
        print(f"  {count:6d}  {end}")
    print(f"slowest: {max(item['seconds'] for item in found):.2f} s")
    print(f"largest: {max(item['bytes'] for item in found) >> 20} MiB")
    bad = [item for item in found if item["bad"]]
    for item in bad[: options.show]:
        print(f"\ninput {item['number']}: {item['bad']}")
    print(f"\n{len(bad)} bad")
    return 1 if bad else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--show", type=int, default=20, help="how many bad inputs to print")
    parser.add_argument("--explain", action="store_true", help="also explain what is read")
    parser.add_argument("--batch", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _firsts(options: argparse.Namespace) -> range:
    return range(options.first, options.first + options.count, BATCH)


def _child(first: int, options: argparse.Namespace) -> list[Outcome]:
    """What a batch in a child process came to; after an input that killed it, the rest anew."""
    end = min(first + BATCH, options.first + options.count)
    found: list[Outcome] = []
    while first + len(found) < end:
        at = first + len(found)
        command = [sys.executable, __file__, "--batch", f"--first={at}", f"--count={end - at}"]
        command += ["--explain"] * options.explain
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        found += [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode:
            died = f"died with {done.returncode}: {done.stderr[-2000:]}"
            number = first + len(found)
            found.append(_record(number, ["died"], 0, 0, died))
    return found


def _batch(first: int, count: int, *, explain: bool) -> None:
    warnings.simplefilter("ignore")
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + LIMIT, mapped + LIMIT))
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGPROF, _alarm)
    for number in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            path = write_input(number, folder)
            print(json.dumps(_one(number, path, explain=explain)), flush=True)


def _one(number: int, path: Path, *, explain: bool) -> Outcome:
    before, started = _peak(), time.process_time()
    ends, bad = [], ""
    signal.alarm(WAITING)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        ends, bad = _read(path, explain=explain)
    except TooSlow:
        ends, bad = ["slow"], f"slow: over {SECONDS} s\n{traceback.format_exc(limit=-6)}"
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
    taken = _peak() - before
    if taken > BIG:
        ends, bad = [*ends, "big"], bad or f"big: {taken} bytes"
    seconds = time.process_time() - started
    return _record(number, ends, seconds, taken, bad)


def _record(number: int, ends: list[str], seconds: float, taken: int, bad: str) -> Outcome:
    return {"number": number, "ends": ends, "seconds": seconds, "bytes": taken, "bad": bad}


def _read(path: Path, *, explain: bool) -> tuple[list[str], str]:
    """How reading, and explaining, ended; and a traceback where that was no answer."""
    ends = []
    steps = [("read", read_run), *([("explain", explain_run)] if explain else [])]
    value: object = path
    for name, step in steps:
        try:
            value = step(value)  # type: ignore[operator]
            ends.append(f"{name}: done")
        except InputError as error:
            return [*ends, f"{name}: {type(error).__name__}"], ""
        except Exception as error:
            where = "".join(traceback.format_exception(error)[-4:])
            return [*ends, f"{name}: TRACEBACK {type(error).__name__}"], f"{name}:\n{where}"
    return ends, ""


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _alarm(*_: object) -> None:
    raise TooSlow


if __name__ == "__main__":
    sys.exit(main())
