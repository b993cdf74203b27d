"""What stands before the ADE20K table: the right row, noise, what differences are worth, a case."""

from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from parity.report.markup import plain
from parity.scores.pairs import decisions, explanation, pairs_section
from parity.scores.table import ScoreTable
from parity.scores.words import Links, config_name
from parity.zoo.noise import judge, pooled_noise, shift_of_the_zoo
from parity.zoo.pairs import SettingPairs, Study
from parity.zoo.rows import ScoreRow

# The case that the project began with, and the row its score was first held against.
RIGHT = "mask2former_swin-s_8xb2-160k_ade20k-512x512"
MISREAD = "mask2former_swin-b-in1k-384x384-pre_8xb2-160k_ade20k-640x640"
ENDED = 44.0
# What `parity explain` prints of that case.
SAMPLE_ANSWER = "sample_answer.txt"


def opening(table: ScoreTable, links: Links) -> list[str]:
    """Lines of Markdown; none where the table is not whole, or lacks the rows of the case."""
    rows = {line.row.name: line.row for line in table.rows if line.run is None}
    iterations = _iterations(table.study)
    if table.study is None or iterations is None or not {RIGHT, MISREAD} <= rows.keys():
        return []
    text = (
        templates(escaped=False)  # Markdown, in which every value is escaped
        .get_template("opening.md")
        .render(
            _row_and_gap(rows[RIGHT], rows[MISREAD], links),
            **_noise(table.study, iterations),
            explanation="\n\n".join(explanation(table.study.settings)),
            pairs="\n".join(pairs_section(table.study.settings, links)).rstrip(),
            decisions="\n".join(decisions(table.study)),
            answer=resources.files("parity.scores").joinpath(SAMPLE_ANSWER).read_text().rstrip(),
        )
    )
    return [*text.splitlines(), ""]


@cache
def templates(*, escaped: bool) -> Environment:
    """Those beside this file. escaped: whether what they print is escaped as HTML."""
    return Environment(
        loader=PackageLoader("parity.scores", ""),
        autoescape=escaped,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


def _iterations(study: Study | None) -> SettingPairs | None:
    found = [item for item in study.settings if item.setting == "iterations"] if study else []
    return max(found, key=lambda item: len(item.pairs), default=None)


def _row_and_gap(right: ScoreRow, misread: ScoreRow, links: Links) -> dict[str, str]:
    gap = ENDED - right.miou
    return {
        "right": links.name(right) or plain(config_name(right)),
        "misread": links.name(misread) or plain(config_name(misread)),
        "right_miou": f"{right.miou:.2f}",
        "misread_miou": f"{misread.miou:.2f}",
        "ended": f"{ENDED:.0f}",
        "gap": f"{-gap:.2f}",
        "wrong_gap": f"{misread.miou - ENDED:.2f}",
        "times": f"{-gap / judge(gap).limit:.1f}",
    }


def _noise(study: Study, iterations: SettingPairs) -> dict[str, str]:
    noise, shift = pooled_noise(), shift_of_the_zoo()
    return {
        "std": f"{noise.std:.2f}",
        "degrees": str(noise.degrees),
        "limit": f"{judge(0).limit:.2f}",
        "iterations": f"{len(iterations.pairs)} pairs of {iterations.low_value} and "
        f"{iterations.high_value} iterations",
        "noise_limit": f"{iterations.noise_limit or 0:.2f}",
        "equal": _repeats(study),
        "shift": f"{shift.points:.2f}",
        "above": str(shift.above),
        "repeats": str(shift.repeats),
    }


def _repeats(study: Study) -> str:
    if not study.equal:
        return (
            "The zoo repeats no training: no two of its rows have equal settings, so it neither "
            "confirms nor refutes the figure directly."
        )
    differences = ", ".join(f"{pair.difference:+.2f}" for pair in study.equal)
    return f"Rows of equal settings in the zoo differ by {differences}."
