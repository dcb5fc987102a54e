"""Elements that tell hypotheses apart, against every subset of elements."""

from itertools import combinations

import numpy as np
import pytest

from host.npu.arithmetic import TIE_RULES
from host.npu.compiler.dialect import DIALECTS
from host.npu.probe.catalog import UNDECIDED, probes
from host.npu.probe.probe import Probe, hypotheses, most_telling, named, telling

EVERY = [(dialect, probe) for dialect in DIALECTS for probe in probes(dialect)]
_IDS = [f"{probe.name}-{dialect}" for dialect, probe in EVERY]


def _apart(outputs: list[np.ndarray], places: tuple[int, ...]) -> bool:
    pairs = combinations([output.ravel()[list(places)].tolist() for output in outputs], 2)
    return all(one != other for one, other in pairs)


@pytest.mark.parametrize("seed", range(8))
def test_telling_elements_tell_all_apart_and_are_few(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = list(np.unique(rng.integers(0, 2, (5, 7)), axis=0))
    found = telling(outputs)
    assert _apart(outputs, found)
    fewest = next(
        size
        for size in range(8)
        if any(_apart(outputs, places) for places in combinations(range(7), size))
    )
    assert fewest <= len(found) <= fewest + 1
    many = most_telling(outputs, 6)
    assert len(set(many)) == 6
    assert _apart(outputs, many)


def test_equal_outputs_are_one_hypothesis_of_joined_names() -> None:
    one, other = np.array([1, 2], np.int8), np.array([1, 3], np.int8)
    found = hypotheses({"a": one, "b": other, "c": one.copy()})
    assert [hypothesis.name for hypothesis in found] == ["a or c", "b"]
    assert [named(found, name) for name in "abc"] == ["a or c", "b", "a or c"]


@pytest.mark.parametrize(("dialect", "probe"), EVERY, ids=_IDS)
def test_each_hypothesis_gives_other_bytes(dialect: str, probe: Probe) -> None:
    outputs = [one.output for one in probe.hypotheses]
    for one, other in combinations(outputs, 2):
        assert one.dtype == other.dtype == np.int8
        assert one.shape == other.shape
        assert (one != other).any()
    assert probe.known in [one.name for one in probe.hypotheses]
    assert len({one.crc for one in probe.hypotheses}) == len(outputs)
    assert len(outputs) >= 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tie_probes_tell_every_rule_alone(dialect: str) -> None:
    found = {probe.name: probe for probe in probes(dialect) if probe.name.endswith("-ties")}
    assert ("scale-ties" in found) == (dialect in ("2.1", "2.2"))
    for probe in found.values():
        assert [one.name for one in probe.hypotheses] == list(TIE_RULES)


def test_names_of_probes_differ_and_what_is_open_says_why() -> None:
    for dialect in DIALECTS:
        names = [probe.name for probe in probes(dialect)]
        assert len(set(names)) == len(names)
    assert all(one.question.endswith("?") and one.why for one in UNDECIDED)
