"""JSON against its schema, the page, JUnit's types, regressions and exit codes."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from host.errors import (
    BadInput,
    BoardFailure,
    BoardLocked,
    FirmwareFailure,
    IdentityFailure,
    LinkFailure,
    NightjarError,
    RegressionFailure,
)
from host.report.html import render
from host.report.junit import add_types
from host.report.outcome import exit_code
from host.report.regression import check_regression, load_baseline
from host.report.verdict import (
    SCHEMA_FILE,
    CostVerdict,
    Exhibits,
    FirstDifference,
    FootprintVerdict,
    LayerVerdict,
    Proved,
    Spectrogram,
    Verdict,
)

PICTURE = np.random.default_rng(0).random((16, 8)).astype(np.float32)
EXACT = Verdict(
    exact=True,
    board="virtual",
    backend="cm55",
    build_id="ab" * 20,
    model_sha256="c" * 64,
    reference="tensorflow 2.21.0 BUILTIN_REF",
    vectors=3,
    first_difference=None,
    layers=(
        LayerVerdict(0, "<script>a</script>;b", "CONV_2D", 800, True, "", 0, 0, 1234),
        LayerVerdict(1, "shape", "SHAPE", 16, False, "a constant", 0, 0, 0),
    ),
    cost=CostVerdict(None, 1300),
    footprint=FootprintVerdict(5, 4, 3, 2, 1),
    proved=Proved(
        "d" * 64, "e" * 64, 1, "gcc", "CONV_2D=single", "instructions", 3, 9, 12, {"retries": 0}
    ),
    exhibits=Exhibits((Spectrogram(2, PICTURE, PICTURE),)),
)
DIFFERENT = replace(
    EXACT,
    exact=False,
    first_difference=FirstDifference(1, 0, "a", "CONV_2D", (0, 1, 2, 3), -5, 7, 11, 12, "padding"),
    layers=(replace(EXACT.layers[0], differing=11, max_steps=12), EXACT.layers[1]),
    exhibits=Exhibits(steps=np.arange(120).reshape(1, 5, 6, 4)),
)


@pytest.mark.parametrize("verdict", [EXACT, DIFFERENT], ids=["exact", "different"])
def test_json_follows_the_schema(verdict: Verdict) -> None:
    payload = json.loads(json.dumps(verdict.as_json(), allow_nan=False))
    jsonschema.validate(payload, json.loads(SCHEMA_FILE.read_text()))
    assert list(payload)[:12] == [
        *(
            "schema",
            "exact",
            "board",
            "backend",
            "build_id",
            "model_sha256",
            "reference",
            "vectors",
        ),
        *("first_difference", "layers", "cost", "footprint"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"first_difference": DIFFERENT.first_difference},
        {"layers": DIFFERENT.layers},
        {"layers": ()},
        {"vectors": 0},
        {"proved": replace(EXACT.proved, digests=0)},
    ],
)
def test_exact_cannot_be_said_of_a_difference_or_of_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        replace(EXACT, **change)


@pytest.mark.parametrize("verdict", [EXACT, DIFFERENT], ids=["exact", "different"])
def test_the_page_is_self_contained(verdict: Verdict) -> None:
    page = render(verdict, title="a & b")
    assert "<script" not in page
    assert "http" not in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in page
    assert "a constant" in page
    assert "1\u2009234" in page
    assert "c" * 64 in page


def test_the_page_shows_the_first_difference() -> None:
    page = render(DIFFERENT, title="x")
    for words in (
        "[0, 1, 2, 3]",
        '<dd class="mono">-5</dd>',
        "padding",
        "Different: CONV_2D, layer 0",
    ):
        assert words in page


def test_junit_gets_the_class_as_type(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], 0),
        ([LinkFailure("x"), FirmwareFailure("y"), IdentityFailure("z")], 1),
        ([BoardFailure("x"), IdentityFailure("z")], 15),
        ([BoardLocked("x"), LinkFailure("y")], 12),
    ],
)
def test_exit_codes(errors: list[NightjarError], code: int) -> None:
    assert exit_code(errors) == code


def test_growth_is_a_regression_and_shrinking_is_none() -> None:
    before = EXACT.as_json()
    check_regression(before, before)
    check_regression(replace(EXACT, cost=CostVerdict(None, 1299)).as_json(), before)
    with pytest.raises(RegressionFailure) as caught:
        check_regression(replace(EXACT, cost=CostVerdict(None, 1301)).as_json(), before)
    assert "cost.model 1,300 -> 1,301" in caught.value.evidence
    assert caught.value.exit_code == 16
    with pytest.raises(RegressionFailure, match="grew"):
        check_regression(
            replace(EXACT, footprint=FootprintVerdict(5, 4, 3, 3, 1)).as_json(), before
        )


def test_a_baseline_of_another_board_is_not_comparable() -> None:
    with pytest.raises(BadInput):
        check_regression(EXACT.as_json(), replace(EXACT, board="native").as_json())


def test_a_baseline_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(replace(EXACT, board="native").as_json()))
    assert load_baseline(path, "native")["board"] == "native"
    with pytest.raises(BadInput, match="same board"):
        load_baseline(path, "virtual")
