"""What a TAB and ``--help`` are answered from is what the commands are."""

import subprocess
import sys

import make_known
import pytest
import typer
from typer.testing import CliRunner

from parity.cli import COMMANDS, app, found
from parity.cli.names import FILE, known
from tests.cli.support import start

RUNNER = CliRunner()


def test_the_file_holds_what_the_commands_are():
    assert FILE.read_text("utf-8") == make_known.render(), "run python scripts/make_known.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_outline_takes_the_options_of_the_command(name):
    def options(given):
        if hasattr(given, "commands"):
            return {inner: options(one) for inner, one in given.commands.items()}
        return sorted(tuple(one.opts + one.secondary_opts) for one in given.params)

    alone, one = typer.Typer(), found(name)
    if isinstance(one, typer.Typer):
        alone.add_typer(one, name=name)
    else:
        alone.command(name)(one)
    alone.callback()(lambda: None)
    outline, command = typer.main.get_command(app), typer.main.get_command(alone)
    assert options(outline.commands[name]) == options(command.commands[name])


def test_nothing_heavy_is_imported_to_complete_and_to_list():
    text = (
        "import sys, parity.cli; from parity.cli.steps import render_steps; render_steps(); "
        "print(*{'torch', 'mmseg', 'pandas', 'matplotlib', 'cv2', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_help_lists_every_command_with_its_first_sentence():
    text = RUNNER.invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for name, facts in known()["commands"].items():
        assert f"{name} " in text
        assert facts["help"][:20] in text


def test_a_command_keeps_its_own_settings():
    assert "Exit codes:" in RUNNER.invoke(app, ["check", "--help"]).output
    # An option of the training is no option of ours.
    process = start("watch", sys.executable, "-c", "raise SystemExit(7)")
    process.communicate()
    assert process.returncode == 7
