"""JUnit files of a run of the suite, in the form that Jenkins takes and in GitLab's, and annotations for GitHub.

A testcase has a name, a time and a classname, and in GitLab's form a file; its failure or error has the class as its
type. Everything else stands in the properties of the testsuite.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from host.files import write_atomically

FAILURE_CLASS = "failure_class"  # the property of a pytest case that names the class
CLASSES = (
    "FIRMWARE",
    "LINK",
    "BOARD",
    "FLASH",
    "IDENTITY",
    "HOST",
    "DEFECT",
    "INCOMPLETE",
    "INPUT",
)
_TAGS = {"failed": "failure", "error": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class CaseRecord:
    """A test as a report shows it. outcome: passed, failed, error or skipped. kind: the failure's class, or "".

    file, line: of the test; seconds: it took.
    """

    classname: str
    name: str
    outcome: str
    seconds: float
    file: str
    line: int
    kind: str = ""
    message: str = ""
    text: str = ""


def junit_xml(
    cases: Iterable[CaseRecord], properties: Mapping[str, str], *, gitlab: bool = False
) -> bytes:
    """The file; `gitlab` adds the attribute `file` to each testcase."""
    given = once(cases)
    counts: dict[str, str] = {
        "tests": str(len(given)),
        "failures": str(sum(case.outcome == "failed" for case in given)),
        "errors": str(sum(case.outcome == "error" for case in given)),
        "skipped": str(sum(case.outcome == "skipped" for case in given)),
        "time": f"{sum(case.seconds for case in given):.3f}",
    }
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", {"name": "nightjar", **counts})
    listed = ET.SubElement(suite, "properties")
    for name, value in properties.items():
        ET.SubElement(listed, "property", {"name": name, "value": _plain(value)})
    for case in given:
        named = {"classname": _plain(case.classname), "name": _plain(case.name)}
        more = {"file": case.file} if gitlab else {}
        element = ET.SubElement(suite, "testcase", {**named, "time": f"{case.seconds:.3f}", **more})
        if case.outcome in _TAGS:
            kind = {"type": case.kind} if case.kind else {}
            said = {"message": _plain(case.message), **kind}
            ET.SubElement(element, _TAGS[case.outcome], said).text = _plain(case.text)
    ET.indent(root, " ")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def annotations(cases: Iterable[CaseRecord]) -> list[str]:
    """One workflow command of GitHub a failure: it shows at the file and line of the test."""
    return [
        f"::error file={_escaped(case.file, ':,')},line={case.line},"
        f"title={_escaped(f'{case.kind} {case.name}', ':,')}::{_escaped(case.text or case.message)}"
        for case in once(cases)
        if case.outcome in ("failed", "error")
    ]


def add_types(path: Path) -> int:
    """Give every <failure> and <error> of pytest's own JUnit file its class as its type.

    It is the case's property `failure_class`, or what the message begins with.

    Returns:
        How many elements were given a type.
    """
    tree = ET.parse(path)
    given = 0
    for case in tree.iter("testcase"):
        classes = [
            element.get("value", "")
            for element in case.iter("property")
            if element.get("name") == FAILURE_CLASS
        ]
        for element in (*case.iter("failure"), *case.iter("error")):
            # What is found when a board is put away comes too late for a property, but says its class first.
            kind = classes[0] if classes else element.get("message", "").partition(":")[0]
            if classes or kind in CLASSES:
                element.set("type", kind)
                given += 1
    write_atomically(path, ET.tostring(tree.getroot(), encoding="utf-8", xml_declaration=True))
    return given


def once(cases: Iterable[CaseRecord]) -> list[CaseRecord]:
    """Each test once; of one that was run again, the worst."""
    worst = ("passed", "skipped", "error", "failed")
    found: dict[tuple[str, str], CaseRecord] = {}
    for case in cases:
        key = (case.classname, case.name)
        before = found.get(key)
        if before is None or worst.index(case.outcome) > worst.index(before.outcome):
            found[key] = case
    return list(found.values())


def _plain(text: str) -> str:
    """Only what XML 1.0 can hold."""
    return "".join(character if _in_xml(character) else "\ufffd" for character in text)


def _in_xml(character: str) -> bool:
    if character < "\ue000":
        return character in "\t\n" or " " <= character <= "\ud7ff"
    return character not in "\ufffe\uffff"


def _escaped(text: str, more: str = "") -> str:
    """Text in a workflow command: GitHub reads %XX, and ends a message at a newline."""
    return "".join(f"%{ord(c):02X}" if c in "%\r\n" + more else c for c in text)
