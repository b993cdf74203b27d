"""``parity record``: write the reference's outputs, to be checked against without mmseg."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track
from typer import Option

from parity.check.cases import recording_cases
from parity.check.summary import reference_steps
from parity.check.workers import use_one_thread
from parity.cli.console import plain
from parity.compare.store import save_traces
from parity.compare.trace import run_trace
from parity.environment import cpu_capability, environment
from parity.errors import ReferenceUnavailable
from parity.fixtures import fixtures_root, inputs_root
from parity.live import reference_header


def record(
    out: Annotated[
        Path | None, Option(help="Folder to write; default: the fixtures of this checkout.")
    ] = None,
) -> None:
    """Record live mmsegmentation on the built-in inputs."""
    versions, _ = reference_header()
    use_one_thread()
    inputs = inputs_root()
    folder = fixtures_root() / "recorded" if out is None else out
    console = plain(stderr=True)
    traces = {
        case.name: run_trace(reference_steps(case.steps), case.start(), case.seed)
        for case in track(recording_cases(inputs), "recording", console=console, transient=True)
    }
    for missing in (record.missing for trace in traces.values() for record in trace.steps):
        if missing:
            raise ReferenceUnavailable(missing)
    machine = {name: text for name, text in environment().items() if name not in ("CPU", "GPU")}
    header = {"versions": {**versions, **machine}, "cpu_capability": cpu_capability()}
    save_traces(folder, "traces", traces, header=header, inputs=inputs)
    typer.echo(f"recorded {len(traces)} cases in {folder}")
