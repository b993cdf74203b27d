"""Plots as SVG that lies inside a page: no style attributes, no dates, the same bytes every time.

A content security policy forbids style attributes, so each is rewritten as
presentation attributes; what is drawn in black becomes ``currentColor``, so
that a plot is readable on light and dark pages.
"""

import io
import math
from collections.abc import Sequence
from xml.etree import ElementTree

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from parity.check.exhibit.records import Series
from parity.text import visible

# Told apart without colour too: the actual side is drawn thick, the expected thin and dashed.
ACTUAL, EXPECTED, DIFFERENCE = "#d1495b", "#2a7fba", "#8a63c9"
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
LARGEST = 1e150
_BLACK = ("#000000", "black")


def curve_svg(curve: Series, name: str) -> str:
    """Both sides overlaid, their difference below; `name` makes its ids its own."""
    with rc_context():
        _settle(name)
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        figure.patch.set_visible(False)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
        _overlay(upper, curve)
        _difference(lower, curve)
        stream = io.BytesIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(stream, format="svg", metadata=metadata)
    return _inline(stream.getvalue(), curve)


def _settle(name: str) -> None:
    """matplotlib's own defaults, whatever a user's matplotlibrc says, and ours."""
    rcdefaults()
    rcParams["svg.hashsalt"] = name
    rcParams["svg.fonttype"] = "none"  # text stays text: smaller, searchable, read aloud
    rcParams["font.size"] = 9
    rcParams["axes.spines.top"] = False
    rcParams["axes.spines.right"] = False


def _overlay(axes: Axes, curve: Series) -> None:
    axes.patch.set_visible(False)
    axes.plot(
        curve.x, _drawable(curve.actual), color=ACTUAL, linewidth=2.4, alpha=0.75, label="actual"
    )
    axes.plot(
        curve.x, _drawable(curve.expected), "--", color=EXPECTED, linewidth=1.2, label="expected"
    )
    axes.legend(frameon=False, loc="best")


def _drawable(values: Sequence[float]) -> list[float]:
    """Gaps where a number is not finite; matplotlib cannot place ticks much beyond 1e300."""
    return [
        min(max(value, -LARGEST), LARGEST) if math.isfinite(value) else math.nan for value in values
    ]


def _difference(axes: Axes, curve: Series) -> None:
    axes.patch.set_visible(False)
    axes.axhline(0, color="#808080", linewidth=0.6)
    axes.plot(curve.x, _drawable(curve.difference), color=DIFFERENCE, linewidth=1.2)
    axes.set_ylabel("actual \N{MINUS SIGN} expected")


def _inline(svg: bytes, curve: Series) -> str:
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)  # written by matplotlib above, not read from a user
    for child in list(root):
        if child.find(f"{{{_SVG}}}style") is not None or child.tag == f"{{{_SVG}}}metadata":
            root.remove(child)
    for element in root.iter():
        _clean(element)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    title = visible(f"{curve.title}: actual, expected, and their difference")
    root.attrib.update({"role": "img", "aria-label": title, "fill": "currentColor"})
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element) -> None:
    """Style as attributes; links without a namespace; no ids that another plot has too."""
    for key, value in _declarations(element.attrib.pop("style", "")):
        element.set(key, "currentColor" if value in _BLACK else value)
    link = element.attrib.pop(f"{{{_XLINK}}}href", None)
    if link is not None:
        element.set("href", link)
    if element.tag == f"{{{_SVG}}}g":
        element.attrib.pop("id", None)


def _declarations(style: str) -> list[tuple[str, str]]:
    """The pairs of ``key: value; key: value``; of a font, its size alone."""
    pairs = [part.partition(":") for part in style.split(";") if ":" in part]
    found = []
    for key, _, value in pairs:
        if key.strip() == "font":
            size = next((part for part in value.split() if part.endswith("px")), "9px")
            found.append(("font-size", size))
        else:
            found.append((key.strip(), value.strip()))
    return found
