"""The real command in a process of its own."""

import os
import subprocess
import sys

MAIN = "from parity.__main__ import main; main()"


def start(*arguments, code=MAIN, **options):
    """The command, started; its own process group, so that it alone hears a signal."""
    environment = {key: text for key, text in os.environ.items() if key != "PARITY_ADE20K"}
    environment.update({"COLUMNS": "200", **options.pop("environment", {})})
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, start_new_session=True, **given)


def run(*arguments, **options):
    """The command, ended: its exit code and what it printed."""
    process = start(*arguments, **options)
    printed, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, printed, errors)
