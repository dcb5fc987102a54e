"""Each rung brings back a virtual board at a port that the one below does not; a board that stays away is marked."""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from host.boards import bench_lock, end_board, keep_board, open_board
from host.boards.kinds import DK
from host.boards.process import ProcessId
from host.boards.recovery.ladder import ABSENT, ANSWERS, FAILED, SILENT, Step, climb
from host.boards.recovery.rungs import hello, rungs_of
from host.boards.virtual_n6.build import find
from host.boards.which import which
from host.cli import run
from host.deadline import Deadline
from host.errors import BoardFailure, LinkFailure
from host.exit_codes import Exit
from host.link.client import Client
from host.link.messages import Mode, Stages
from host.link.testing_firmware import TINY_COMMAND, build_firmware, can_build

pytestmark = pytest.mark.skipif(
    find() is None or not can_build("virtual"), reason="make n6-virtual, and its compiler"
)
REPOSITORY = Path(__file__).parents[3]
HANGS = 9  # what byte 1 of its input makes tiny do: nj_tiny.h
Captured = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class There:
    """A board `mine` of the bench: a kept virtual one at its port, whose power is its QEMU's life."""

    elf: Path

    @property
    def process(self) -> ProcessId:
        record = keep_board("n6-virtual")[0]
        assert record.process is not None
        return record.process

    def climbed(self, *, elf: bool, impatient: float = 4.0) -> list[Step]:
        """What comes of the ladder, the patience of each rung being seconds."""
        at = which("mine", flashes=False)
        with open_board(at, marked=True) as board:
            rungs = [
                replace(
                    rung, seconds=min(rung.seconds, impatient if rung.name == "probe reset" else 60)
                )
                for rung in rungs_of(board, at.entry, self.elf if elf else None)
            ]
            said: list[str] = []
            asks = Deadline.after(120)
            steps = climb(rungs, lambda: hello(board, 1.0), said.append, asks)
        assert said == [step.line for step in steps]
        return list(steps)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[There]:
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        monkeypatch.setattr(bench_lock, "ROOT", Path(runtime) / "locks")
        record = keep_board("n6-virtual")[0]
        again = f"cd {REPOSITORY} && {sys.executable} -m host.entry board"
        bench = tmp_path / "bench.toml"
        bench.write_text(
            f'[board.mine]\nkind = "n6-virtual"\nport = "{record.port}"\ngdb = "{record.gdb}"\n'
            f'power.off = "{again} down n6-virtual"\npower.on = "{again} up n6-virtual"\n'
        )
        monkeypatch.setenv("NIGHTJAR_BENCH", str(bench))
        elf = build_firmware("tiny", DK.name)
        with open_board("mine") as board:
            board.flash(elf, Deadline.after(60))
            hello(board)
        yield There(elf)
        end_board("n6-virtual")


def outcomes(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.rung, step.outcome) for step in steps]


def test_each_rung_in_its_turn(there: There) -> None:
    assert outcomes(there.climbed(elf=False)) == [("look", ANSWERS)]

    with open_board("mine") as board:  # firmware that hangs: only the probe gets through
        limit = Deadline.after(20)
        transport = board.connect(limit)
        client = Client(transport)
        client.hello(limit)
        client.load_input(0, bytes((TINY_COMMAND, HANGS)) + bytes(14), limit)
        client.load_input(1, bytes(5), limit)
        with pytest.raises(LinkFailure, match="no answer"):
            client.run(Stages.MODEL, mode=Mode.PLAIN, deadline=Deadline.after(0.5))
        transport.close()
    steps = there.climbed(elf=False, impatient=30)
    assert outcomes(steps) == [("look", SILENT), ("soft reset", FAILED), ("probe reset", ANSWERS)]

    os.kill(there.process.pid, signal.SIGSTOP)  # a chip that is stuck: only its power gets through
    steps = there.climbed(elf=True)
    assert outcomes(steps) == [
        *(("look", SILENT), ("soft reset", FAILED), ("probe reset", FAILED)),
        *(("power cycle", SILENT), ("reflash", ANSWERS)),
    ]
    assert steps[-1].said.startswith("build-id ")


def test_what_does_not_come_back_is_marked_until_it_answers(there: There, capsys: Captured) -> None:
    bench = Path(os.environ["NIGHTJAR_BENCH"])
    without = bench.with_name("without.toml")
    lines = [line for line in bench.read_text().splitlines() if not line.startswith("power")]
    without.write_text("\n".join(lines))
    recover: list[str] = ["board", "recover", "mine", "--bench", str(without), "--json", "-"]
    process = there.process
    os.kill(process.pid, signal.SIGSTOP)
    assert run([*recover, "--deadline", "1"]) == Exit.BOARD
    answer = json.loads(capsys.readouterr().out)
    assert not answer["answers"]
    assert answer["marked"]
    assert [(step["rung"], step["outcome"]) for step in answer["steps"]][-2:] == [
        ("power cycle", ABSENT),
        ("reflash", ABSENT),
    ]

    for bench_file in (bench, without):
        marked = pytest.raises(BoardFailure, match="the board mine is marked")
        with marked as caught, open_board(which("mine", bench=bench_file)):
            pass
        assert "nightjar board recover mine" in caught.value.next_step
        assert "look: " in caught.value.evidence
    assert run(["board", "list", "--json", "-"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["boards"]
    assert row["mark"]["wedged"] is True

    os.kill(process.pid, signal.SIGCONT)
    assert run(recover) == 0
    assert json.loads(capsys.readouterr().out)["steps"][-1]["outcome"] == ANSWERS
    with open_board("mine") as board:
        hello(board)
