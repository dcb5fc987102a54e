"""Firmware that answers without computing: found, although every tensor of the tapped run is right."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.compare.bench import Bench
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import HostFailure
from host.link.client import Client, Cost
from host.link.download import WrongSize
from host.link.messages import Mode, RunResult
from host.project import Project
from host.report.verdict import Verdict


class Lazy:
    """A client of real firmware that spares itself the runs of one mode and answers with old results."""

    def __init__(self, client: Client, mode: Mode) -> None:
        self._client = client
        self._mode = mode
        self._last = RunResult(1, 0, 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def run(self, *given: Any, **named: Any) -> RunResult:
        if named["mode"] != self._mode:
            self._last = self._client.run(*given, **named)
            return self._last
        return RunResult(named.get("times", 1), 0, self._last.output)

    def cost(self, deadline: Deadline) -> Cost:
        cost = self._client.cost(deadline)
        return Cost(cost.frontend, cost.model or 100_000, cost.stack, cost.steps)


def judge(made: Any, model: Path, board: str, boards: Path, mode: Mode) -> Verdict:
    subject, project = made(model, board)
    with Bench(Session(project, subject, board, vectors=2, seed=5, root=boards)) as bench:
        lazy: Any = Lazy(bench.client, mode)
        bench._contact.client = lazy
        for index in range(bench.total):
            bench.observation(index)
        return bench.verdict()


@pytest.mark.parametrize("model", ["model_path", "bundle_path"])
def test_untapped_run_that_does_nothing(
    made: Any, boards: Path, request: pytest.FixtureRequest, model: str
) -> None:
    verdict = judge(made, request.getfixturevalue(model), "native", boards, Mode.PLAIN)
    assert not verdict.exact
    assert verdict.first_difference is not None
    assert (verdict.first_difference.op, verdict.first_difference.layer) == ("RUN", None)
    assert not any(layer.differing for layer in verdict.layers)


def test_counted_run_that_does_nothing(made: Any, model_path: Path, boards: Path) -> None:
    verdict = judge(made, model_path, "virtual", boards, Mode.STEPS)
    assert verdict.first_difference is not None
    assert "instructions" in verdict.first_difference.cause


def test_table_with_another_size_is_named(
    made: Any, model_path: Path, boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size that a board says a tensor has is held against the reference's, piece by piece."""
    from host.link import download, frames

    subject, project = made(model_path, "native")
    original = frames.parse_data

    def larger(payload: bytes) -> tuple[int, int, bytes] | None:
        parsed = original(payload)
        return parsed and (parsed[0], parsed[1] + 1, parsed[2])

    monkeypatch.setattr(download, "parse_data", larger)
    with (
        Bench(Session(project, subject, "native", vectors=1, seed=5, root=boards)) as bench,
        pytest.raises(WrongSize, match="it says 7 bytes, the reference has 6"),
    ):
        bench.observation(0)


def test_time_that_is_over_is_not_the_firmwares_fault(
    made: Any, model_path: Path, boards: Path
) -> None:
    subject, project = made(model_path, "native")
    with Bench(
        Session(
            project, subject, "native", vectors=1, seed=0, root=boards, limit=Deadline.after(20)
        )
    ) as bench:
        bench.identity()
        bench.session = replace(bench.session, limit=Deadline.after(0))
        with pytest.raises(HostFailure, match="time that was given"):
            bench.observation(0)


def test_elf_that_is_replaced_while_it_is_flashed(
    made: Any, model_path: Path, boards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from host.boards.native import NativeBoard
    from host.compare.flip import copy_project
    from host.errors import IdentityFailure

    subject, given = made(model_path, "native")
    project: Project = copy_project(given, tmp_path / "project")
    flash = NativeBoard.flash

    def replaced(board: NativeBoard, elf: Path, deadline: Deadline) -> Any:
        report = flash(board, elf, deadline)
        elf.write_bytes(elf.read_bytes() + b"\0")
        return report

    monkeypatch.setattr(NativeBoard, "flash", replaced)
    with (
        Bench(Session(project, subject, "native", vectors=1, seed=0, root=boards)) as bench,
        pytest.raises(IdentityFailure, match="changed while"),
    ):
        bench.identity()
