"""mmseg's upper bound on mmcv was raised by hand: a marker of an unusual installation."""

from __future__ import annotations

import re

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import environment, facts_evidence

# mmseg 1.2.2 refuses mmcv from here on (mmseg/__init__.py).
_REFUSED = (2, 2)


def _detect(context: RunContext) -> Verdict:
    mmcv, mmseg = environment(context, "MMCV"), environment(context, "MMSegmentation")
    version = re.match(r"(\d+)\.(\d+)", mmcv.value or "")
    if version is None or not (mmseg.value or "").startswith("1."):
        return Unchecked(
            "the log does not name the versions of mmcv and mmseg",
            "mmseg/__init__.py of the machine that trained",
        )
    if (int(version[1]), int(version[2])) < _REFUSED:
        return RuledOut(f"mmcv {mmcv.value} is inside the window", facts_evidence(context, mmcv))
    detail = f"mmcv {mmcv.value} with mmseg {mmseg.value}, which refuses it unless edited"
    return Found(facts_evidence(context, mmcv, mmseg), "likely", "the log names both", detail)


CAUSE = Cause(
    id="mmcv-guard-edited",
    title="mmseg's version guard was edited",
    mechanism="mmcv 2.2 and later are refused at import unless the installed file was changed.",
    effects=(UNMEASURED,),
    fix="Not a cause in itself; reference.compat accepts mmcv 2.2 without editing a file.",
    detect=_detect,
    kind="marker",
)
