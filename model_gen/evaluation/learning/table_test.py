import json
import platform
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from model_gen.evaluation.learning import page
from model_gen.evaluation.learning.conditions import CONDITIONS
from model_gen.evaluation.learning.payload import payload
from model_gen.evaluation.learning.result import FLOAT, INT8, Run
from model_gen.evaluation.learning.table import columns, lines
from model_gen.evaluation.learning.targets import BELOW_CLEAN, targets
from model_gen.evaluation.learning.testing import made_up


def _with(run: Run, kind: str = FLOAT, **changed: float) -> Run:
    return replace(run, top1={**run.top1, kind: {**run.top1[FLOAT], **changed}})


def test_the_table_is_of_means_and_deviations() -> None:
    runs = [
        _with(made_up("today", 0.5), start=0.2, end=0.8),
        _with(made_up("today", 0.7, test="bo", processor=20.0), start=0.4, end=0.4),
        made_up("reference", 0.6),
    ]
    today, reference = columns(runs)
    assert (today.recipe, today.runs, reference.runs) == ("today", 2, 1)
    assert today.top1["clean"].mean == pytest.approx(0.6)
    assert today.top1["clean"].spread == pytest.approx(statistics.stdev([0.5, 0.7]))
    assert today.top1["placements"].mean == pytest.approx(0.5)
    assert today.processor.mean == pytest.approx(15)
    assert reference.top1["clean"].spread is None
    told = "\n".join(lines(runs))
    assert "0.600 ± 0.141" in told
    assert "NOT MEASURED" in told


def test_int8_has_a_column_of_its_own() -> None:
    found = columns([_with(made_up("release", 0.5), INT8, click=0.4)])
    assert [(c.title, c.top1["click"].mean) for c in found] == [
        ("release", 0.5),
        ("release int8", 0.4),
    ]


def _verdicts(*runs: Run) -> dict[str, str]:
    return {target.what: target.verdict for target in targets(runs)}


def test_every_target_passes_at_its_edge_and_misses_beyond() -> None:
    edge = {name: 0.8 - most / 100 for name, most in BELOW_CLEAN.items()}
    ours = made_up("release", 0.8)
    ours = replace(ours, top1={FLOAT: {**ours.top1[FLOAT], **edge}})
    ours = replace(
        ours, top1={**ours.top1, INT8: {n: v - 0.005 for n, v in ours.top1[FLOAT].items()}}
    )
    reference = made_up("reference", 0.78)
    assert set(_verdicts(ours, reference).values()) == {"pass"}
    for name in BELOW_CLEAN:
        worse = replace(ours, top1={FLOAT: {**ours.top1[FLOAT], name: edge[name] - 0.001}})
        missed = [
            what for what, verdict in _verdicts(worse, reference).items() if verdict == "miss"
        ]
        assert len(missed) == 1
        assert missed[0].startswith(name)
    assert "miss" in _verdicts(ours, made_up("reference", 0.781)).values()
    assert "miss" in _verdicts(replace(ours, processor=10.1), reference).values()
    assert "miss" in _verdicts(_with(ours, INT8, click=0.0), reference).values()
    for start in (0.8 - 0.046, 0.8 + 0.046):  # 3.07 points from the mean of the three
        assert "miss" in _verdicts(_with(ours, start=start), reference).values()
    refused = replace(ours, top1={FLOAT: ours.top1[FLOAT]}, int8_refused="cosine")
    assert "miss" in _verdicts(refused, reference).values()


def test_nothing_measured_passes_nothing() -> None:
    assert set(_verdicts(made_up("reference", 0.5)).values()) == {"not measured"}
    assert _verdicts(made_up("release", 0.9)).popitem()[1] == "not measured"  # int8


def test_recipes_are_compared_on_the_same_speakers() -> None:
    """A reference that was measured on harder speakers, too, is not beaten by that."""
    runs = [
        made_up("release", 0.9),
        made_up("reference", 0.9),
        made_up("reference", 0.1, test="bo"),
    ]
    assert targets(runs)[0].verdict == "miss"
    assert "+0.0 points over 1 runs" in targets(runs)[0].found


def test_the_payload_names_no_place(tmp_path: Path) -> None:
    found = payload([made_up("today", 0.5)])
    text = json.dumps(found, allow_nan=False)
    for place in (str(Path.home()), str(Path(__file__).parents[3]), platform.node()):
        assert len(place) < 2 or place not in text
    assert found["runs"][0]["top1"][FLOAT] == dict.fromkeys(CONDITIONS, 0.5)
    assert set(found["machine"]) == {"processor", "cores", "system"}
    assert "| today |" in page.text(found)


def test_the_page_is_that_of_the_data() -> None:
    """`python -m model_gen.evaluation.learning.page > docs/learning.md` mends it."""
    told = page.DATA.with_suffix(".md").read_text(encoding="utf-8")
    assert told == page.text(json.loads(page.DATA.read_text(encoding="utf-8")))
