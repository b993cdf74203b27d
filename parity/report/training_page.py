"""Trainings side by side as one page: curves overlaid, where they part, and the classes."""

from collections.abc import Iterator

from markupsafe import Markup

from parity.check.exhibit.records import Series
from parity.report import training as text
from parity.report.figures import curve_svg
from parity.report.html import page_environment, page_policy, static_file
from parity.train.asked import CANDIDATE, REFERENCE
from parity.train.record import Training
from parity.train.seeds import Trainings


def render_training_html(found: Trainings) -> str:
    """A page that needs nothing else; the same trainings give the same bytes."""
    style = static_file("report.css")
    return (
        page_environment()
        .get_template("training.html.j2")
        .render(
            found=found,
            heading=text.heading(found),
            policy=page_policy(style, ""),
            style=Markup(style),
            figures=[
                (one.title, Markup(curve_svg(one, f"loss {one.title}"))) for one in _curves(found)
            ],
            told=None if found.scores is None else text.score_verdict(found.scores),
            verdict=text.verdict,
            summary=text.summary(found),
            tone=_tone(found),
            remarks=tuple(text.remarks(found.each[0])),
            details=text.details,
            distances=text.distances,
        )
    )


def _tone(found: Trainings) -> str:
    """Of the head of the page: of nothing that was compared, or not to its end, none."""
    if found.equal:
        return "equal"
    tallies = [training.tally for training in found.each]
    if any(tally is not None and tally.first is not None for tally in tallies):
        return "different"
    return "within" if any(tally is not None and tally.excused for tally in tallies) else "none"


def _curves(found: Trainings) -> Iterator[Series]:
    for training in found.each:
        yield from _losses(training)


def _losses(training: Training) -> Iterator[Series]:
    """The sum of the losses of both sides, at the iterations that both have."""
    sides = [training.traces.get(side) for side in (CANDIDATE, REFERENCE)]
    lines = []
    for trace in sides:
        if trace is None or not trace.steps:
            return
        terms = [line for name, line in trace.losses.items() if "loss" in name]
        lines.append(dict(zip(trace.steps, map(sum, zip(*terms, strict=True)), strict=True)))
    steps = tuple(step for step in lines[0] if step in lines[1])
    actual, expected = (tuple(float(line[step]) for step in steps) for line in lines)
    apart = tuple(one - two for one, two in zip(actual, expected, strict=True))
    title = f"loss, seed {training.options.seed}"
    yield Series(title, "iteration", tuple(map(float, steps)), actual, expected, apart)
