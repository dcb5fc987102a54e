"""JUnit in the forms that Jenkins and GitLab take, GitHub's annotations, and the types of pytest's own file."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.report.junit import CaseRecord, add_types, annotations, junit_xml

# The elements and attributes that Jenkins' JUnit plugin documents, as far as they are written here.
ALLOWED = {
    "testsuites": set(),
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}
CASES = [
    CaseRecord("hil_tests.test_identity", "test_identity", "passed", 0.25, "hil_tests/a.py", 7),
    CaseRecord("c", "t[vec00]", "failed", 0.5, "f.py", 9, "FIRMWARE", "a < b & c", "100 %\nline"),
    CaseRecord("c", "t[vec01]", "skipped", 0.0, "f.py", 9, message="follows from tensor vec00"),
    CaseRecord("c", "u", "error", 1.0, "f.py", 20, "LINK", "lost", "LINK: lost"),
]
PROPERTIES = {"tier": "virtual", "class": "FIRMWARE"}


@pytest.mark.parametrize("gitlab", [False, True])
def test_only_the_allowed_elements_and_attributes(gitlab: bool) -> None:
    allowed = {**ALLOWED, "testcase": ALLOWED["testcase"] | ({"file"} if gitlab else set())}
    root = ET.fromstring(junit_xml(CASES, PROPERTIES, gitlab=gitlab))
    for element in root.iter():
        assert set(element.attrib) <= allowed[element.tag]
    case = root.find(".//testcase")
    assert case is not None
    assert set(case.attrib) == allowed["testcase"]


def test_class_and_tier_stand_where_they_belong() -> None:
    suite = ET.fromstring(junit_xml(CASES, PROPERTIES))[0]
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped", "time")} == {
        **{"tests": "4", "failures": "1", "errors": "1", "skipped": "1"},
        "time": "1.750",
    }
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties == PROPERTIES
    assert [one.get("type") for one in (*suite.iter("failure"), *suite.iter("error"))] == [
        "FIRMWARE",
        "LINK",
    ]
    assert [one.get("message") for one in suite.iter("skipped")] == ["follows from tensor vec00"]


def test_a_test_that_was_run_again_is_as_bad_as_its_worst_run() -> None:
    twice = [CASES[1], CaseRecord("c", "t[vec00]", "passed", 0.1, "f.py", 9)]
    for cases in (twice, twice[::-1]):
        suite = ET.fromstring(junit_xml(cases, {}))[0]
        assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


@given(st.text(), st.text())
def test_any_text_gives_a_file_that_can_be_read(name: str, message: str) -> None:
    case = CaseRecord("c", name, "failed", 0.0, "f", 1, "FIRMWARE", message, message)
    root = ET.fromstring(junit_xml([case], {"tier": name}))
    assert len(list(root.iter("testcase"))) == 1


def test_annotations_are_one_line_each_and_escaped() -> None:
    assert annotations(CASES) == [
        "::error file=f.py,line=9,title=FIRMWARE t[vec00]::100 %25%0Aline",
        "::error file=f.py,line=20,title=LINK u::LINK: lost",
    ]
    odd = CaseRecord("c", "a:b,c", "failed", 0.0, "x,y:z", 1, "FIRMWARE", "m")
    assert annotations([odd]) == ["::error file=x%2Cy%3Az,line=1,title=FIRMWARE a%3Ab%2Cc::m"]


def test_pytests_own_file_gets_the_class_as_type(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(
        '<testsuites><testsuite><testcase name="a"><properties><property name="failure_class" value="LINK"/>'
        '</properties><error message="m">t</error></testcase><testcase name="b"><failure message="n"/></testcase>'
        "</testsuite></testsuites>"
    )
    assert add_types(file) == 1
    cases = list(ET.parse(file).iter("testcase"))
    assert cases[0][1].attrib == {"message": "m", "type": "LINK"}
    assert "type" not in cases[1][0].attrib
