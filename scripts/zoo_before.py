"""Every ADE20K config of mmsegmentation through `parity preflight`, static, and `parity derive`.

    python scripts/zoo_before.py [--every N]

Prints what cannot be judged with its reason, and how many went through. Exit code 1 on an error.
"""

import argparse
import sys
import time
from collections import Counter

from parity.errors import ParityError
from parity.guard.derive import derive
from parity.guard.preflight import examine, planned
from parity.runs.config import installed_configs

# Of the machine, and not of the config.
ABSENT = ("train data", "val data", "weights")


def troubles(name: str, kinds: Counter[str]) -> list[str]:
    """What is an error of a config of the zoo as the zoo trains it, or cannot be judged."""
    try:
        lines = list(examine(planned(name), elsewhere=True))
        derive(name, gpus=1)
    except ParityError as error:
        return [f"{name}: {error}"]
    kinds.update(f"{line.name}: {line.status}" for line in lines)
    found = [x for x in lines if x.status == "error" and x.name not in ABSENT]
    return [f"{name}: {line.name}: {line.text}" for line in found]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="one config in so many")
    root = installed_configs()
    assert root is not None
    files = sorted(root.glob("*/*ade20k*.py"))[:: parser.parse_args().every]
    started, kinds, wrong = time.monotonic(), Counter[str](), list[str]()
    for file in files:
        wrong += troubles(file.stem, kinds)
    print(*wrong, sep="\n")
    print(*(f"{count:4} {kind}" for kind, count in sorted(kinds.items())), sep="\n")
    seconds = time.monotonic() - started
    print(f"{len(files)} configs in {seconds:.0f} s, {len(wrong)} errors")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
