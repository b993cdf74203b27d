"""A report as JUnit XML, which CI systems list case by case."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from parity.report.document import CaseEntry, FindingSection, Report, word
from parity.report.markdown import place_text
from parity.text import cut, visible


def render_junit(report: Report) -> str:
    """One suite per pipeline, one test per case; a case not compared is skipped, never passed.

    A report without cases is one test. Findings are tests of a suite of their own; they fail
    where the report does, which is where the exit code of the command is not 0.
    """
    root = Element("testsuites", name="parity")
    for place, strip in enumerate(report.strips):
        cases = [case for case in report.cases if case.strip == place]
        suite = SubElement(root, "testsuite", name=_text(strip.name))
        _count(suite, cases)
        _properties(suite, report)
        for case in cases:
            _case(suite, case, strip.name, report)
        out = SubElement(suite, "system-out")
        out.text = _text_lines(_step_lines(report, strip.steps))
    if (report.title and not report.strips) or (report.label and not report.title):
        _whole(root, report)
    for section in report.sections:
        if isinstance(section, FindingSection):
            _findings(root, section, failed=report.failed)
    _sum_up(root)
    ElementTree.indent(root, " ")
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _sum_up(root: Element) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))


def _whole(root: Element, report: Report) -> None:
    """A report without cases, or a check that ended early, as one test of its verdict."""
    title = _text(report.title or "the check")
    failed, idle = report.failed, report.verdict == "not compared"
    suite = SubElement(root, "testsuite", name=title, tests="1")
    suite.set("failures", str(int(failed)))
    suite.set("skipped", str(int(idle)))
    _properties(suite, report)
    test = SubElement(suite, "testcase", classname=title, name=_text(report.sentence))
    if failed:
        SubElement(test, "failure", message=_text(report.label), type="different")
    elif idle:
        SubElement(test, "skipped", message=_text(report.label))


def _count(element: Element, cases: tuple[CaseEntry, ...] | list[CaseEntry]) -> None:
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(case.verdict == "different" for case in cases)))
    element.set("errors", str(sum(case.broken for case in cases)))
    idle = (case for case in cases if case.verdict == "not compared" and not case.broken)
    element.set("skipped", str(sum(1 for _ in idle)))


def _properties(suite: Element, report: Report) -> None:
    pairs = [
        ("verdict", report.verdict),
        ("sentence", report.sentence),
        ("actual", report.candidate),
        ("expected", report.reference),
        *((f"version {name}", text) for name, text in report.versions.items()),
        *((f"sha256 {file.name}", file.sha256) for file in report.inputs),
        *(("compared", line) for line in report.compared),
        *(("not compared", line) for line in report.not_compared),
        *(("note", line) for line in report.notes),
        *((f"root {mark}", folder) for mark, folder in report.run.roots.items()),
    ]
    if report.seeds is not None:
        pairs.append(("seeds", f"{report.seeds[0]}:{report.seeds[1]}"))
    if report.run.command:
        pairs.append(("command", report.run.command))
    if report.run.started:
        pairs.append(("started", report.run.started))
    properties = SubElement(suite, "properties")
    for name, value in pairs:
        SubElement(properties, "property", name=_text(name), value=_text(value))


def _case(suite: Element, case: CaseEntry, pipeline: str, report: Report) -> None:
    test = SubElement(suite, "testcase", classname=_text(pipeline), name=_text(case.name))
    if case.broken:
        SubElement(test, "error", message=_text(case.note), type="broken input")
    elif case.verdict == "different":
        failure = SubElement(test, "failure", message=_text(case.note), type="different")
        shown = [report.exhibits[at].facts for at in case.exhibits]
        failure.text = _text_lines(
            [_codes(case, report), *(f"{f.step}: {f.summary}" for f in shown)]
        )
    elif case.verdict == "not compared":
        SubElement(test, "skipped", message=_text(case.note or "nothing was compared"))


def _codes(case: CaseEntry, report: Report) -> str:
    """Every step of a case with both of its codes; see the legend in the schema."""
    names = [report.steps[at].step for at in case.steps]
    codes = zip(names, case.isolated, case.chained, strict=True)
    return "isolated/chained: " + ", ".join(f"{name} {i}/{c}" for name, i, c in codes)


def _step_lines(report: Report, places: tuple[int, ...]) -> list[str]:
    lines = []
    for step in (report.steps[at] for at in places):
        lines.append(
            f"{step.step}: isolated {word(step, step.isolated)}, "
            f"chained {word(step, step.chained)}, "
            f"{step.failed} of {step.cases} cases different, worst {step.worst}"
        )
        if step.accepted:
            lines.append(f"{step.step}: {step.accepted} accepted, first {step.why_accepted}")
        if step.diagnosis.text:
            lines.append(f"{step.step}: diagnosis: {step.diagnosis.text}")
    return lines


def _findings(root: Element, section: FindingSection, *, failed: bool) -> None:
    amount = str(len(section.findings))
    suite = SubElement(root, "testsuite", name=_text(section.title), tests=amount)
    suite.set("failures", amount if failed else "0")
    for finding in section.findings:
        test = SubElement(
            suite, "testcase", classname=_text(section.title), name=_text(finding.title)
        )
        told = [finding.text, *map(place_text, finding.evidence)]
        if failed:
            failure = SubElement(test, "failure", message=_text(finding.text), type="finding")
            failure.text = _text_lines(told[1:])
        else:
            SubElement(test, "system-out").text = _text_lines(told)


def _text(text: str) -> str:
    return cut(visible(text))


def _text_lines(lines: list[str]) -> str:
    return "\n".join(map(_text, lines))
