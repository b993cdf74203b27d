"""Names that are misspelt or half typed, and what the help says of them."""

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.cli.names import complete_causes, complete_steps, complete_zoo
from parity.errors import InputError
from tests.cli.support import start

RUNNER = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "krop"], "no step krop; did you mean crop?"),
        (
            ["check", "photmetric"],
            "did you mean photometric or photometric_single or photometric_sample?",
        ),
        (["steps", "los_ce"], "did you mean loss_ce"),
        (["cause", "early-scor"], "did you mean early-score"),
        (["matrix", "torchvison"], "did you mean torchvision"),
        (["check", "xyzzy"], "no step xyzzy; the steps are load"),
    ],
)
def test_did_you_mean(arguments, told):
    result = RUNNER.invoke(app, arguments)
    assert isinstance(result.exception, InputError)
    assert told in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chek"], "Did you mean 'check'?"),
        (["check", "--sedes", "0:3"], "--seeds"),
        (["check", "--rounding", "pas"], "'fail', 'pass'"),
    ],
)
def test_wrong_commands_options_and_values(arguments, told):
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_completed_names():
    assert complete_steps("cro")[0] == "crop"
    assert "loss_ce" in complete_steps("loss_c")
    assert complete_causes("early-sc") == ["early-score"]
    assert complete_steps("xyzzy") == []


@pytest.mark.live
def test_completed_results_of_the_zoo():
    found = complete_zoo("mask2former_swin-t")
    assert found
    assert all(name.startswith("mask2former_swin-t") for name in found)


def test_completion_in_a_shell():
    words = {
        "_PARITY_COMPLETE": "complete_bash",
        "COMP_WORDS": "parity check photo",
        "COMP_CWORD": "2",
    }
    process = start(environment=words)
    assert process.communicate()[0].split() == ["photometric", "photometric_single"]


def test_help_says_steps_exit_codes_and_an_example():
    text = RUNNER.invoke(app, ["check", "--help"], env={"COLUMNS": "80"}).output
    for told in ("load, resize, crop", "130  ended by Ctrl-C", "parity check crop resize --seeds"):
        assert told in text


@pytest.mark.parametrize("told", ["/tmp/[red]:smile:", "/tmp/[/]:tada:"])
def test_messages_are_neither_markup_nor_emoji(told):
    process = start("explain", told)
    assert process.communicate()[1].startswith(f"error: {told}: no such file")


def test_every_command_has_a_help():
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert RUNNER.invoke(app, [name, "--help"]).exit_code == 0
