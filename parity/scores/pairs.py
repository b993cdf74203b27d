"""What differences in one setting are worth, as a section in Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from parity.report.markup import plain
from parity.scores.words import Links, config_name
from parity.zoo.pairs import ScorePair, SettingPairs, Study
from parity.zoo.rows import ScoreRow
from parity.zoo.varied import HEAD, SCALES, WINDOW

# Fewer differences have no quartiles worth the name, and stand apart.
FEW = 3
PLAINEST_HEAD = "FCN"
_HEADER = ("setting", "from", "to", "pairs", "median", "quartiles", "range", "up")
_TEXTS = 3  # columns before the numeric ones


def pairs_document(study: Study, version: str) -> str:
    """The pairs of several data sets as a document of their own."""
    links = Links(version)
    lines = [
        f"# What one setting is worth in the zoo of mmsegmentation {plain(version)}",
        "",
        *(part for line in explanation(study.settings) for part in (line, "")),
    ]
    for dataset in dict.fromkeys(item.dataset for item in study.settings):
        mine = [item for item in study.settings if item.dataset == dataset]
        lines += [f"## {plain(dataset)}", "", *pairs_section(mine, links), ""]
    lines += ["## Rows in no pair", "", *decisions(study)]
    return "\n".join([*lines, "", *links.definitions()]) + "\n"


def explanation(settings: Iterable[SettingPairs]) -> list[str]:
    """What a pair is, and which setting has none."""
    lines = [
        "Two rows are a pair of a setting when their resolved configs and their batches agree in "
        "everything that trains or scores but that setting and what follows from it (the end of "
        "the schedule, the file of pretrained weights of another depth). The figures are points "
        'of mIoU: the score of the value under "to" minus that under "from". Each score is one '
        "training, so that noise is in every difference, and a single pair says little. Half of "
        "the differences lie between the quartiles."
    ]
    if all(item.setting != WINDOW for item in settings):
        lines.append(
            "No two rows differ only in sliding window or whole image: the zoo changes the window "
            "together with the crop and align_corners."
        )
    return lines


def pairs_section(settings: Sequence[SettingPairs], links: Links) -> list[str]:
    """The lines of one data set; the rows behind each are folded away below the table."""
    first, others = _main(settings)
    lines = [*_table(first), "", "The rows behind each line:", ""]
    lines += [line for item in first for line in _rows(item, links)]
    if others:
        lines += ["<details><summary>Heads on one backbone, and settings with few pairs</summary>"]
        lines += ["", *_table(others), ""]
        lines += [line for item in others for line in _rows(item, links)]
        lines += ["</details>", ""]
    heads = sum(item.setting == HEAD for item in settings) - sum(
        item.setting == HEAD for item in others
    )
    if heads:
        lines.append(
            f"Of heads, those against {PLAINEST_HEAD} are shown; `--format json` has the other "
            f"{heads} combinations."
        )
    return lines


def _main(settings: Sequence[SettingPairs]) -> tuple[list[SettingPairs], list[SettingPairs]]:
    """What every reader sees, and what is folded away: heads, and few pairs beside many."""
    plainer = [item for item in settings if item.setting != HEAD]
    many = {item.setting for item in plainer if len(item.pairs) >= FEW}
    first = [item for item in plainer if len(item.pairs) >= FEW or item.setting not in many]
    others = [item for item in plainer if item not in first]
    heads = [item for item in settings if item.setting == HEAD and item.low_value == PLAINEST_HEAD]
    return first, others + heads


def _table(settings: Iterable[SettingPairs]) -> list[str]:
    rule = ["---" if index < _TEXTS else "---:" for index in range(len(_HEADER))]
    return [_line(_HEADER), _line(rule), *(_line(_cells(item)) for item in settings)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(item: SettingPairs) -> list[str]:
    few = len(item.pairs) < FEW
    return [
        plain(item.setting),
        plain(item.low_value),
        plain(item.high_value),
        str(len(item.pairs)),
        f"{item.median:+.2f}",
        "" if few else "{:+.2f} to {:+.2f}".format(*item.quartiles),
        "" if len(item.pairs) == 1 else "{:+.2f} to {:+.2f}".format(*item.range),
        f"{round(item.share_up * len(item.pairs))} of {len(item.pairs)}",
    ]


def _rows(item: SettingPairs, links: Links) -> list[str]:
    count = f"{len(item.pairs)} pair{'s' * (len(item.pairs) != 1)}"
    title = f"{item.setting}, {item.low_value} to {item.high_value}: {count}"
    pairs = [f"- {_pair(pair, item.setting, links)}" for pair in item.pairs]
    return [f"<details><summary>{plain(title)}</summary>", "", *pairs, "", "</details>", ""]


def _pair(pair: ScorePair, setting: str, links: Links) -> str:
    if setting == SCALES:
        return f"{pair.difference:+.2f}: {_row(pair.lower, links)} to {pair.higher.miou:.2f}"
    alike = config_name(pair.lower) == config_name(pair.higher)
    lower, higher = (_row(row, links, weights=alike) for row in (pair.lower, pair.higher))
    return f"{pair.difference:+.2f}: {lower} to {higher}"


def _row(row: ScoreRow, links: Links, *, weights: bool = False) -> str:
    """weights: only the name of its weights tells the row from the other one of its pair."""
    told = f" (weights {plain(row.weights)})" if weights else ""
    return f"{links.name(row) or plain(config_name(row))}{told} {row.miou:.2f}"


def decisions(study: Study) -> list[str]:
    """Which rows are in no pair but that of their own two scores, and which were read otherwise."""
    lines = [
        f"{len(study.left_out)} rows are in no pair but their own of {SCALES}: no source decides "
        "which config they were trained by.",
        "",
        *(f"- {plain(text)}" for text in study.left_out),
        "",
    ]
    if study.assumed:
        lines += ["Read otherwise than the metafile says:", ""]
        lines += [*(f"- {plain(text)}" for text in study.assumed), ""]
    return lines


def pairs_data(settings: Iterable[SettingPairs]) -> list[dict[str, Any]]:
    """The pairs for other programs."""
    return [
        {
            "setting": item.setting,
            "from": item.low_value,
            "to": item.high_value,
            "dataset": item.dataset,
            "mean": round(item.mean, 4),
            "median": round(item.median, 4),
            "quartiles": [round(value, 4) for value in item.quartiles],
            "range": list(item.range),
            "share_up": round(item.share_up, 4),
            "pairs": [
                {"from": pair.lower.name, "to": pair.higher.name, "difference": pair.difference}
                for pair in item.pairs
            ],
        }
        for item in settings
    ]
