"""Every place a run names must exist and read as quoted."""

from dataclasses import fields

from parity.runs.facts import Fact, Source


def sources(run):
    """Every source in a run, with what it is about."""
    for item in fields(run.settings):
        fact = getattr(run.settings, item.name)
        assert isinstance(fact, Fact)
        # A value without a place says how it came about; no value says why.
        assert fact.source or fact.note, item.name
        yield item.name, fact.source
    for name, fact in run.environment.items():
        yield name, fact.source
    for name, curve in run.curves.items():
        yield name, curve.source(0)
        yield name, curve.source(-1)
    for evaluation in run.evaluations:
        yield "evaluation", evaluation.source
    for load in run.weights:
        yield "weights", load.source
        yield "weights", load.listed
    for message in (*run.messages, *run.console):
        yield "message", message.source
        yield "message", Source(message.source.file, message.last_line)
    if run.config is not None:
        yield from run.config.origins.items()


def assert_evidence_exists(run):
    """Fails for a file or line that is not there, or does not hold the quoted text."""
    root = run.path if run.path.is_dir() else run.path.parent
    lines, checked = {}, 0
    for name, source in sources(run):
        if source is None:
            continue
        path = root / source.file
        assert path.is_file(), (name, source)
        if source.line is not None:
            if path not in lines:
                lines[path] = path.read_text("utf-8", "replace").split("\n")
            assert source.line <= len(lines[path]), (name, source)
            # Terminal colours are left out of quotes: the end of a line is compared.
            assert source.text[-40:] in lines[path][source.line - 1], (name, source)
            checked += 1
    assert checked > 0
