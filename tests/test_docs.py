"""What the README and docs/ tell people to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from parity.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = typer.main.get_command(app)


def blocks(page):
    """Of each fenced block its language and its lines."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


def typed(page):
    """The command lines of a page that begin with parity; options in brackets are options."""
    for language, text in blocks(page):
        for line in text.replace("\\\n", " ").splitlines() if language in ("bash", "") else []:
            words = line.removeprefix("$ ").replace("[", "").replace("]", "").replace("|", " ")
            if re.match(r"parity [a-z-]", words):
                yield shlex.split(words, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_exists(page):
    for words in typed(page):
        command, at = COMMANDS, 1
        while hasattr(command, "commands") and at < len(words) and words[at] in command.commands:
            command, at = command.commands[words[at]], at + 1
        own = words[at : words.index("--") if "--" in words else None]
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        known |= {"--help"} | ({"--version", "--install-completion"} if at == 1 else set())
        options = {word.partition("=")[0] for word in own if re.match(r"--?[a-z]", word)}
        assert at > 1 or options, words
        assert options <= known, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_stands_outside_of_a_block(page):
    text = re.sub(r"^```\w*\n.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    assert "```" not in text
    assert not re.search(r"^(parity|python|make) ", text, re.M)
