"""A run as JUnit XML, for whoever collects results by machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as Tree

from appliance.fieldtest import shown
from hw_tests.findings import Verdict

if TYPE_CHECKING:
    from hw_tests.findings import Finding, Run

SKIPPED: Final = {Verdict.SKIPPED, Verdict.NOT_ON_THIS_DEVICE}


def junit(run: Run) -> bytes:
    """Write findings as test cases, their figures as properties; what was not run as an error."""
    cases = [_case(finding) for finding in run.findings]
    cases += [_not_run(key) for key in run.missing]
    suite = Tree.Element(
        "testsuite",
        {
            "name": "hw_tests",
            "tests": str(len(cases)),
            "failures": str(sum(f.verdict is Verdict.FAILED for f in run.findings)),
            "errors": str(sum(case.find("error") is not None for case in cases)),
            "skipped": str(sum(f.verdict in SKIPPED for f in run.findings)),
            "timestamp": shown.clean(run.started),
            "hostname": shown.clean(run.site),
        },
    )
    suite.extend(cases)
    written: bytes = Tree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written


def _case(finding: Finding) -> Tree.Element:
    name = shown.clean(f"{finding.key} {finding.line}".strip())
    case = Tree.Element("testcase", {"classname": "hw_tests", "name": name})
    properties = Tree.SubElement(case, "properties")
    for figure in finding.figures:
        value = f"{shown.measured(figure)} ({shown.limit(figure.limit)})"
        Tree.SubElement(properties, "property", {"name": shown.clean(figure.name), "value": value})
    said = shown.clean(finding.remark[1] or finding.remark[0] or finding.verdict)
    if finding.verdict is Verdict.FAILED:
        Tree.SubElement(case, "failure", {"message": said})
    elif finding.verdict is Verdict.INCOMPLETE:
        Tree.SubElement(case, "error", {"message": said})
    elif finding.verdict in SKIPPED:
        Tree.SubElement(case, "skipped", {"message": f"{finding.verdict}: {said}"})
    return case


def _not_run(key: str) -> Tree.Element:
    case = Tree.Element("testcase", {"classname": "hw_tests", "name": shown.clean(key)})
    Tree.SubElement(case, "error", {"message": "not run"})
    return case
