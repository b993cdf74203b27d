"""A report as one HTML page that needs nothing else.

Everything that comes from the report is escaped by the templates. The page's
content security policy allows its own script and style, by their hashes, and
pictures that lie inside it; nothing can be loaded or sent.
"""

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from parity.check.exhibit.records import Series
from parity.report.document import BASE64, CaseEntry, Report, Word, word
from parity.report.figures import curve_svg
from parity.report.palette import class_color
from parity.text import cut, number, ulp, visible

# Texts longer than this are folded, or cut where they are a heading: one name of
# 10,000 characters in every cell of a table takes a browser minutes to lay out.
SHORT = 300

WORDS: tuple[Word, ...] = ("different", "not compared", "within tolerance", "equal")
# Name of the shape, which is also the name of its style, per verdict.
SHAPES = {
    "equal": "equal",
    "within tolerance": "within",
    "different": "different",
    "not compared": "none",
}
CODE_WORDS = {
    "=": "equal",
    "~": "within tolerance",
    "x": "different",
    "-": "not compared",
    "u": "unstable reference",
    ".": "not asked for",
}


def render_html(report: Report) -> str:
    """The whole report; the same report gives the same bytes."""
    style, script = static_file("report.css"), static_file("report.js")
    figures = _Figures()
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            policy=page_policy(style, script),
            style=Markup(style),
            script=Markup(script),
            cases=_data(report),
            figure=figures.draw,
            words=WORDS,
        )
    )


class _Figures:
    """Draws plots, each with ids of its own."""

    def __init__(self) -> None:
        self._drawn = 0

    def draw(self, curve: Series) -> Markup:
        self._drawn += 1
        return Markup(curve_svg(curve, f"figure {self._drawn}"))


def page_policy(style: str, script: str) -> str:
    """Nothing but this very style and script, and pictures as data."""
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def static_file(name: str) -> str:
    """The text of a file that the pages hold: their style, their script."""
    return (resources.files("parity.report") / "static" / name).read_text("utf-8")


def _data(report: Report) -> Markup:
    """What the page's script lists the cases from, safe inside a script element."""
    document = {
        "words": WORDS,
        "shapes": [SHAPES[word] for word in WORDS],
        "codes": {code: [word, SHAPES.get(word, "none")] for code, word in CODE_WORDS.items()},
        "strips": [visible(strip.name) for strip in report.strips],
        "steps": [visible(step.step) for step in report.steps],
        "cases": [_case(case) for case in report.cases],
    }
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def _case(case: CaseEntry) -> list[Any]:
    return [
        visible(case.name),
        case.strip,
        WORDS.index(case.verdict),
        case.steps,
        case.isolated,
        case.chained,
        visible(case.note),
        case.exhibits[0] if case.exhibits else -1,
    ]


@cache
def page_environment() -> Environment:
    """Of the templates; whatever they print is escaped."""
    environment = Environment(
        loader=PackageLoader("parity.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals["word"] = word
    environment.filters.update(
        number=number,
        ulp=ulp,
        color=class_color,
        shape=lambda word: SHAPES.get(word, "none"),
        thousands="{:,}".format,
        data=_picture,
        short=_short,
    )
    return environment


def _shown(value: Any) -> Any:
    """Every text in the templates passes here before it is escaped."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return cut(visible(value))
    return value


def _short(text: str) -> str:
    """For headings and names; the whole text stands elsewhere on the page or in report.json."""
    return cut(visible(text), SHORT)


def _picture(png: str) -> Markup:
    """The address of a picture; what is no base64 gives an empty one."""
    return Markup(f"data:image/png;base64,{png if re.fullmatch(BASE64, png) else ''}")
