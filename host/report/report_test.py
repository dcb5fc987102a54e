"""JSON against its schema, and the page."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import jsonschema
import numpy as np
import pytest

from host.boards.kinds import NOT_SEEN
from host.report.html import render
from host.report.summary import summary_lines
from host.report.testing_verdicts import HOSTILE, VERDICTS, spoiled
from host.report.verdict import (
    SCHEMA_FILE,
    CostVerdict,
    Exhibits,
    FirstDifference,
    FootprintVerdict,
    LayerVerdict,
    NotApplicable,
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
    tier="virtual",
    not_applicable=(NotApplicable("frontend", "a bare .tflite has none"),),
    exhibits=Exhibits((Spectrogram(2, PICTURE, PICTURE),)),
)
DIFFERENT = replace(
    EXACT,
    exact=False,
    exit_code=19,
    first_difference=FirstDifference(1, 0, "a", "CONV_2D", (0, 1, 2, 3), -5, 7, 11, 12, "padding"),
    layers=(replace(EXACT.layers[0], differing=11, max_steps=12), EXACT.layers[1]),
    exhibits=Exhibits(steps=np.arange(120).reshape(1, 5, 6, 4)),
)


INCOMPLETE = replace(EXACT, exact=False, complete=False, exit_code=18)


@pytest.mark.parametrize("verdict", [EXACT, DIFFERENT, INCOMPLETE])
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
        {"complete": False},
        {"exact": False},
        {"exact": False, "complete": False},
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
    assert "1\u202f234" in page
    assert "c" * 64 in page


def test_the_page_says_clock_caches_and_memory_and_time_of_cycles_alone() -> None:
    proved = replace(
        EXACT.proved,
        uid="ab" * 12,
        clocks=(600_000_000, 400_000_000),
        caches=3,
        placement={".text": "AXISRAM1"},
    )
    cost = replace(EXACT.cost, model_us=1234.56)
    page = render(replace(EXACT, proved=proved, cost=cost), title="x")
    for words in ("ab" * 12, "600 MHz, 400 MHz", "instructions and data", ".text AXISRAM1"):
        assert words in page
    assert "1,234.6 \u00b5s" in page
    assert "\u00b5s" not in render(replace(EXACT, proved=proved), title="x")
    assert "MHz" not in render(EXACT, title="x")


def test_the_page_shows_the_first_difference() -> None:
    page = render(DIFFERENT, title="x")
    for words in (
        "[0, 1, 2, 3]",
        '<dd class="mono">-5</dd>',
        "padding",
        "Different: CONV_<wbr>2D, layer 0",
    ):
        assert words in page


def test_what_is_incomplete_is_not_exact() -> None:
    assert INCOMPLETE.as_json()["exact"] is False
    assert INCOMPLETE.headline.startswith("INCOMPLETE")
    assert "Incomplete" in render(INCOMPLETE, title="x")


@pytest.mark.parametrize("verdict", [EXACT, DIFFERENT, INCOMPLETE])
def test_an_emulator_never_passes_for_silicon(verdict: Verdict) -> None:
    """Wherever a board is named for people, who ran its firmware is named beside it."""
    virtual = replace(verdict, board="stm32n6570-dk", tier="n6-virtual")
    silicon = replace(verdict, board="stm32n6570-dk", tier="stm32n6570-dk")
    page = render(virtual, title="x")
    assert page.count("stm32n6570-dk") == page.count("stm32n6570-dk on n6-virtual") == 2
    assert "n6-virtual" not in render(silicon, title="x")
    assert NOT_SEEN in render(silicon, title="x")
    assert NOT_SEEN not in page
    if verdict is not DIFFERENT:
        assert "(stm32n6570-dk on n6-virtual)" in virtual.headline
        assert f"(stm32n6570-dk, {NOT_SEEN})" in silicon.headline


def test_silicon_is_marked_in_json_as_long_as_nobody_has_seen_it_judged() -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    for tier, remark in (("stm32n6570-dk", NOT_SEEN), ("n6-virtual", None), ("virtual", None)):
        payload = json.loads(json.dumps(replace(EXACT, tier=tier).as_json()))
        jsonschema.validate(payload, schema)
        assert payload.get("remark") == remark


class _Tags(HTMLParser):
    """Every tag with the names of its attributes, in order; places to break a line at are none."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "wbr":
            self.found.append((tag, *(name for name, _ in attributes)))


@pytest.mark.parametrize("kind", VERDICTS)
def test_a_hostile_name_in_every_field_stays_text(kind: str) -> None:
    plain = render(VERDICTS[kind], title="x", note="y")
    page = render(spoiled(VERDICTS[kind]), title=HOSTILE, note=HOSTILE)
    assert _Tags(page).found == _Tags(plain).found
    assert page.encode("utf-8")
    controls = re.findall(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", page
    )
    assert controls == []


def test_every_report_lists_the_budgets_of_the_npu() -> None:
    lines = ("op 3: at most 2 steps, coarse multiplier", "op 4: at most 1 step, rounding")
    verdict = replace(EXACT, proved=replace(EXACT.proved, npu_budget=lines))
    jsonschema.validate(
        json.loads(json.dumps(verdict.as_json())), json.loads(SCHEMA_FILE.read_text())
    )
    page = render(verdict, title="b")
    summary = "\n".join(summary_lines(verdict))
    for line in lines:
        assert line in page
        assert line in summary
    assert "not used by cm55" in summary
    assert "budget" not in render(EXACT, title="b")


def test_what_the_link_mended_is_said_and_a_bad_one_is_warned_of() -> None:
    verdict = VERDICTS["exact"]

    def said(outside: str = "", **link: int) -> str:
        proved = replace(verdict.proved, link={"frames_in": 1000, **link}, outside=outside)
        return "\n".join(summary_lines(replace(verdict, proved=proved)))

    assert "link" not in said() + said(noise_bytes=0)
    few = said(crc_errors=3, retries=4)
    assert "link: 3 frames damaged, 4 requests repeated: all of it was mended" in few
    assert "WARNING" not in few
    assert "WARNING: the link is bad: 11 frames were damaged or lost" in said(crc_errors=6, gaps=5)
    assert "WARNING" not in said(retries=500, stale=500), "a busy computer is no bad link"
    assert "outside frames came 12 bytes: 'boot rom 1.2'" in said("boot rom 1.2", noise_bytes=12)
