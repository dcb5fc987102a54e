"""Two runs side by side: what is alike is compared, what is not is said."""

from dataclasses import replace

from host.history.commit import Commit
from host.history.comparison import aligned, compared
from host.history.run import Place, Run, columns_of, layers_of
from host.history.testing_runs import raw, with_cost
from host.report.testing_verdicts import EXACT
from host.report.verdict import Verdict


def run(number: int, verdict: Verdict = EXACT) -> Run:
    found = raw(verdict)
    columns = columns_of(found, Place(Commit("a" * 40, "main"), "birds", "virtual"))
    return Run(**columns, id=number, recorded="", structure=str(number), layers=layers_of(found))


def test_one_layer_that_became_dearer_is_named() -> None:
    found = compared(run(1, with_cost(1000)), run(2, with_cost(1100, layer=3)))
    assert found.unlike == ()
    assert [change.name for change in found.worse] == ["cost.model", "layer 3 ADD"]
    before = EXACT.layers[3].instructions or 0
    assert (found.worse[1].before, found.worse[1].now) == (before, before * 1100 // 1000)
    assert compared(run(2, with_cost(900)), run(1, with_cost(1000))).worse
    assert not compared(run(1, with_cost(1000)), run(2, with_cost(900))).worse


def test_less_coverage_is_worse_and_none_is_not() -> None:
    less = replace(run(2), code=1.0)
    assert [one.name for one in compared(run(1), less).worse] == ["coverage.code"]
    assert not compared(run(1), replace(run(2), code=None)).worse


def test_a_model_exchanged_makes_costs_void_and_says_so() -> None:
    other = replace(with_cost(2000), model_sha256="f" * 64)
    found = compared(run(1), run(2, other))
    assert found.costs == ()
    assert found.unlike == (f"model: {EXACT.model_sha256[:12]}, now {'f' * 12}",)
    assert not found.worse


def test_layers_that_were_renamed_or_inserted_keep_their_costs() -> None:
    renamed = replace(
        EXACT, layers=tuple(replace(one, name=f"x/{one.name}") for one in EXACT.layers)
    )
    found = compared(run(1), run(2, renamed))
    assert len(found.layers) == len(EXACT.layers)
    assert found.layers[0].startswith("layer 0 CONV_2D was renamed from nightjar_1/")
    assert len(found.costs) == len(EXACT.layers) + 2
    before = [(0, "CONV_2D", "a"), (1, "ADD", "b"), (2, "ADD", "c")]
    now = [(0, "CONV_2D", "a"), (1, "MUL", "m"), (2, "ADD", "c")]
    assert aligned(before, now) == (
        [(0, 0), (2, 2)],
        ["layer 1 ADD is gone", "layer 1 MUL is new"],
    )
