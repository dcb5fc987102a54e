"""What vectors move is counted as it is defined, place by place."""

from typing import Any

import numpy as np

from host.compare.float_steps import FloatSteps
from host.compare.reach import reach
from host.compare.vectors_test import Input


def port(name: str, dtype: str) -> Input:
    return Input(name, (2, 3), np.dtype(dtype))


def test_counts_are_those_of_a_naive_count() -> None:
    rng = np.random.default_rng(1)
    ports = [port("a", "int8"), port("b", "uint8"), port("c", "float32"), port("d", "float32")]
    runs: list[Any] = []
    for _ in range(3):
        floats = rng.standard_normal((2, 3)).astype(np.float32)
        inputs = (
            rng.integers(-128, -120, (2, 3), np.int8),
            rng.integers(250, 256, (2, 3), np.uint8),
            floats,
            floats,
        )
        outputs = (
            rng.integers(0, 2, (4, 5), np.int8) * np.array([0, 1, 0, 0, 1], np.int8),
            np.float32(np.nan).reshape(()),
        )
        runs.append((inputs, outputs))
    steps = FloatSteps(0.5, 3, "int8")
    found = reach(ports, [None, None, steps, None], runs)
    naive = [
        {int(v) for run in runs for v in run[0][0].ravel()},
        {int(v) for run in runs for v in run[0][1].ravel()},
        {int(np.rint(v / 0.5)) + 3 for run in runs for v in run[0][2].ravel()},
    ]
    assert [one.steps for one in found.inputs] == [*map(len, naive), None]
    assert [one.of for one in found.inputs] == [256, 256, 256, None]
    assert (found.channels, found.moved) == (6, 2)
    assert "2 of 6 output channels moved (33.3 %)" in found.line
    assert "256 steps of b" in found.line


def test_one_vector_moves_nothing_and_says_so() -> None:
    inputs = (np.zeros((2, 3), np.int8),)
    found = reach([port("a", "int8")], [None], [(inputs, (np.ones((1, 7), np.int8),))])
    assert (found.channels, found.moved) == (7, None)
    assert found.line == "vectors: 1 of 256 steps of a; one vector moves no output"


def test_names_are_fit_for_a_terminal() -> None:
    found = reach(
        [port("\x1b[31m" * 99, "int8")], [None], [((np.zeros(1, np.int8),), (np.ones(1),))]
    )
    assert "\x1b" not in found.line
    assert len(found.line) < 150
