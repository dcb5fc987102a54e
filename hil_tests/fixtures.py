"""The fixtures of a user's own tests: a bundle, the bench that judges it, the board that answers, and the verdict.

All last as long as pytest's session. Nothing is built or started before the first test that needs it, and all of them
share one board, one link and one firmware. What is judged and where is said by `--bundle` and `--board`, or by
`nightjar_bundle` and `nightjar_board` in pytest's configuration.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil_tests.options import SUITE
from host.errors import BadInput

if TYPE_CHECKING:
    from hil_tests.running import RunningBoard
    from host.bundle import Subject
    from host.compare.bench import Bench
    from host.report.verdict import Verdict


@pytest.fixture(scope="session")
def bundle(pytestconfig: pytest.Config) -> "Subject":
    """What is judged: model, contract, labels and windows of sound, as they were found right."""
    from host.bundle import load_subject

    return load_subject(_asked(pytestconfig))


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config) -> Iterator["Bench"]:
    """Its firmware, made and built, on a board that is started, flashed and identified by the first question."""
    from hil_tests.suite import open_session
    from host.compare.bench import Bench

    _asked(pytestconfig)
    if SUITE in pytestconfig.stash:
        raise BadInput(
            "the suite holds the board as long as it runs",
            evidence="Received: hil_tests and tests that use the fixture `bench`, in one run",
            next_step="run them one after the other: `pytest --pyargs hil_tests ...`, then your tests",
        )
    with Bench(open_session(pytestconfig)[0]) as made:
        yield made


@pytest.fixture(scope="session")
def board(bench: "Bench") -> "RunningBoard":
    """The board that answers, its identity proved: `board.hello` says which, `board.infer(inputs)` what it computes."""
    from hil_tests.running import RunningBoard

    return RunningBoard(bench)


@pytest.fixture(scope="session")
def verdict(bench: "Bench") -> "Verdict":
    """Whether the board computes what the host computes, on every vector: what `nightjar verify` judges."""
    from host.compare.vectors import node_id

    bench.identity()
    for index in range(bench.total):
        with bench.asking(node_id(index)):
            bench.observation(index)
    return bench.verdict()


def _asked(config: pytest.Config) -> Path:
    """Where the bundle or .tflite lies.

    Raises:
        BadInput: nobody has said so.
    """
    path = config.getoption("--hil-bundle")
    if path is None:
        raise BadInput(
            "tests on a board need a bundle",
            evidence="Received: neither --bundle nor nightjar_bundle in pytest's configuration",
            next_step="pytest --bundle DIR, or a bundle folder or .tflite as nightjar_bundle",
        )
    return Path(path)
