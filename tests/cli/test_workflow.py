"""The documented workflow, its commands run as they stand in an environment of their own."""

import importlib.util
import os
import re
import subprocess
import venv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "github-actions.md").read_text()
TEXTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *(file for folder in ("parity", "reference") for file in (ROOT / folder).rglob("*.py")),
]
BUILD = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "my-package"
version = "1"
[tool.hatch.build]
packages = ["my_package"]
dev-mode-dirs = ["."]
"""
TRANSFORMS = """
from parity.steps.crop import crop_sample as _crop
from parity.steps.flip import flip_sample as _flip
from parity.steps.photometric import photometric_sample as _photometric
from parity.steps.resize import random_resize_sample as _resize

def resize(sample, rng, *, scale, ratio_range, keep_ratio):
    return _resize(sample, rng, scale=scale, ratio_range=ratio_range, keep_ratio=keep_ratio)

def crop(sample, rng, **options):
    return _crop(sample, rng, **options)

def flip(sample, rng, *, prob, direction="horizontal"):
    return _flip(sample, rng, prob=prob, direction=direction)

def photometric(sample, rng, **options):
    return _photometric(sample, rng, **options)
"""


def block(kind):
    """The first block of code of a kind on the page."""
    return PAGE.split(f"```{kind}\n")[1].split("```")[0]


def commands(job):
    steps = yaml.safe_load(block("yaml"))["jobs"][job]["steps"]
    return [step["run"] for step in steps if "run" in step]


@pytest.fixture
def runner(tmp_path):
    """A user's repository on a fresh machine: pip takes our tree, and nothing from an index."""
    pytest.importorskip("hatchling")
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    [site] = home.glob("lib/python*/site-packages")
    found = [importlib.util.find_spec(name) for name in ("torch", "pytest", "pip", "hatchling")]
    others = dict.fromkeys(str(Path(spec.origin).parents[1]) for spec in found)
    (site / "others.pth").write_text("\n".join(others))  # as paths: no editable install counts
    for name, extra in (("pip", "--no-index --no-deps --no-build-isolation -q"), ("pytest", "")):
        script = home / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{home}/bin/python" -m {name} "$@" {extra}\n')
        script.chmod(0o755)
    user = tmp_path / "user"
    for folder in ("my_package", "tests"):
        (user / folder).mkdir(parents=True)
    (user / "my_package" / "__init__.py").touch()
    (user / "my_package" / "transforms.py").write_text(TRANSFORMS)
    (user / "tests" / "test_parity.py").write_text(block("python"))
    short = block("toml").replace("0:200", "0:1").replace('"resize", "crop", ', "")
    (user / "pyproject.toml").write_text(BUILD + short)
    (user / "mmseg-parity").symlink_to(ROOT)
    environment = {
        **{key: text for key, text in os.environ.items() if not key.startswith("P")},
        "PATH": f"{home / 'bin'}:/usr/bin:/bin",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    def run(command):
        return subprocess.run(
            ["/bin/bash", "-e", "-c", command],
            cwd=user,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("job", ["quick", pytest.param("live", marks=pytest.mark.live)])
def test_its_commands_work_in_a_clean_environment(runner, tmp_path, job):
    for command in commands(job):
        done = runner(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    where = runner("python -c 'import parity, reference; print(parity.__file__)'").stdout
    assert where.startswith(str(tmp_path / "venv"))
    if job == "live":
        assert "live mmsegmentation" in (tmp_path / "summary.md").read_text()


def test_nobody_is_told_to_install_what_no_index_has():
    told = re.compile(r"pip install [^\n]*(?<![./])\bmmseg-parity\b(?!/)")
    assert told.search("pip install 'mmseg-parity[reference]'")
    assert not told.search("pip install -c mmseg-parity/constraints.txt ./mmseg-parity pytest")
    assert [str(file) for file in TEXTS if told.search(file.read_text())] == []
