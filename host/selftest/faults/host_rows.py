"""Faults around the board: the wrong one, the wrong firmware, and a host that has no time or no space."""

import json
import random
from dataclasses import replace
from functools import partial
from pathlib import Path

from host.boards.kinds import DK
from host.build import build
from host.compare.flip import copy_project
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.elf_record import write_record
from host.exit_codes import Exit
from host.link.frames import VERSION
from host.link.identity import elf_build_id
from host.link.messages import PROTOCOL
from host.link.transport import Transport
from host.report.gates import Against, failure_of, judged, parse_gate
from host.selftest.faults import lines
from host.selftest.faults.link_rows import wrapped
from host.selftest.faults.row import Injection, Row
from host.selftest.faults.scene import Scene
from host.selftest.faults.seen import Seen
from host.selftest.invocations import HIL
from host.selftest.links import Line
from host.selftest.matrix import Scene as Calls
from host.selftest.matrix import run_cell
from model_gen.codegen.project.generate import generate

_OTHER_MHZ = 800  # the port's own are 600
_TIME = 3.0  # seconds of a session whose host then stalls


def _another_board(scene: Scene, number: int) -> Seen:
    with scene.at_pty(uid="board--beta-", named="board-alpha-") as board:
        return scene.judge(number, at=board.at)


def _stale(scene: Scene, number: int) -> Seen:
    """What was built last differs in its build-id from what runs."""
    rebuilt = copy_project(scene.good, scene.fresh("rebuilt"))
    build_id = elf_build_id(rebuilt.elf)
    rebuilt.elf.write_bytes(rebuilt.elf.read_bytes().replace(build_id, build_id[::-1]))
    write_record(rebuilt.elf)
    with scene.at_pty() as board:
        return scene.judge(number, project=rebuilt, at=board.at)


def _foreign(scene: Scene, number: int) -> Seen:
    return scene.judge(number, project=scene.foreign)


def _skewed(mangle: lines.Mangle, scene: Scene, number: int) -> Seen:
    return scene.judge(number, wrapped(mangle, 1.0, number, both=False))


def _other_clock(scene: Scene, number: int) -> Seen:
    """Two builds for two clocks, both exact; their verdicts held against each other as cycles, as silicon has them."""
    raws = []
    other = generate(scene.subject, DK.name, scene.fresh("clock"), cpu_mhz=_OTHER_MHZ)
    build(other, Deadline.after(300))
    for project in (scene.built("n6-virtual"), other):
        session = Session(project, scene.subject, "n6-virtual", 1, 0, root=scene.boards)
        verdict = prove(session)
        assert verdict.exact
        counted = replace(verdict, proved=replace(verdict.proved, cost_unit="cycles"))
        raws.append(json.loads(json.dumps(counted.as_json())))
    found = judged([parse_gate("cost.model <= +1%")], raws[1], Against(raws[0]))
    failure = failure_of(found)
    return Seen(Exit.OK, "") if failure is None else Seen(failure.exit_code, str(failure))


def _busy(scene: Scene, number: int) -> Seen:
    """The same counts as on a host that has time."""
    costs, verdicts = [], []
    for kind in (Line, lines.Busy):

        def wrap(transport: Transport, kind: type[Line] = kind) -> Line:
            return kind(transport, transport, random.Random(number), 0)

        given = (scene.built("virtual"), scene.subject, "virtual", 1, 0)
        verdicts.append(prove(Session(*given, root=scene.boards, wrap=wrap)))
        costs.append(verdicts[-1].cost)
    same = "the same" if costs[0] == costs[1] else f"{costs}"
    return Seen(verdicts[1].exit_code, f"exact: {verdicts[1].exact}, costs: {same}")


def _stalled(scene: Scene, number: int) -> Seen:
    limit = Deadline.after(_TIME)

    def wrap(transport: Transport, chance: random.Random) -> Line:
        line = lines.Stalled(transport, transport, chance, number % 20)
        line.limit = limit
        return line

    return scene.judge(number, wrap, seconds=_TIME)


def _full(flipped: bool, scene: Scene, number: int) -> Seen:
    project = scene.flipped if flipped else scene.good
    words: list[str | Path] = [
        "verify",
        scene.model,
        "--board",
        "native",
        "--project",
        project.path,
        "--vectors",
        "1",
    ]
    return scene.command(*words, "--json", "/dev/full", "--out", scene.fresh("out"))


def _killed(scene: Scene, number: int) -> Seen:
    """pytest is killed by SIGKILL at its end: what JUnit and the verdict hold by then is held against the code."""
    calls = Calls(scene.model, {"good": scene.good})
    call = next(one for one in HIL if one.name == "SIGKILL")
    folder = scene.fresh("killed")
    folder.mkdir()
    cell = run_cell(calls, call, "good", folder)
    return Seen(cell.got, cell.wrong or "the partial report is valid, and not green")


ROWS = (
    Row(
        "board",
        "Wrong board",
        "IDENTITY with both ids",
        (
            Injection(
                "a board with another unique id at the bench's port",
                *("native", Exit.IDENTITY),
                (b"board--beta-".hex() + ".*" + b"board-alpha-".hex(),),
                _another_board,
            ),
        ),
    ),
    Row(
        "firmware",
        "Wrong firmware, stale build",
        "IDENTITY with both build-ids",
        (
            Injection(
                "an older build runs, `--no-flash`",
                *("native", Exit.IDENTITY, (r"build-id: board [0-9a-f]{40}, wanted [0-9a-f]{40}",)),
                _stale,
            ),
        ),
    ),
    Row(
        "model",
        "Wrong model",
        "IDENTITY, and no number",
        (
            Injection(
                "the program of another model in the project",
                *("native", Exit.IDENTITY, (r"model: board [0-9a-f]{64}, wanted [0-9a-f]{64}",)),
                _foreign,
            ),
        ),
    ),
    Row(
        "version",
        "Protocol version skew",
        "which side is older, and the command that mends it",
        tuple(
            Injection(
                f"HELLO or frames of {'an older' if step < 0 else 'a newer'} {what}",
                *("native", Exit.IDENTITY),
                (f"the {what}: the {side} is older", command),
                partial(_skewed, mangle(now + step)),
            )
            for what, mangle, now in (
                ("protocol", lines.other_protocol, PROTOCOL),
                ("link", lines.other_link, VERSION),
            )
            for step, side, command in (
                (-1, "board", "nightjar flash"),
                (1, "host", "pip install"),
            )
        ),
    ),
    Row(
        "clock",
        "Wrong clock or caches",
        "bytes are judged; what the gate says of cycles is void, with both clocks",
        (
            Injection(
                "firmware for 800 MHz against a baseline of 600",
                *("n6-virtual", Exit.INCOMPLETE),
                (r"another clock \(800 MHz here, 600 MHz in the baseline\)",),
                _other_clock,
                dear=True,
            ),
        ),
    ),
    Row(
        "busy",
        "Host overloaded",
        "the board's counts alone; HOST where no time is left",
        (
            Injection(
                "every read comes up to 30 ms late",
                *("virtual", Exit.OK, ("exact: True, costs: the same",)),
                _busy,
                dear=True,
            ),
            Injection(
                "the host does not run until its time is over",
                *(
                    "native",
                    Exit.HOST,
                    (
                        "time that was given (was|is) over|this computer did not run us",
                        "deadline",
                    ),
                ),
                _stalled,
            ),
        ),
    ),
    Row(
        "full",
        "Disk full, killed",
        "HOST; a difference stays a difference; a partial report is valid",
        (
            Injection(
                "the verdict goes to a full device",
                *("native", Exit.HOST, ("No space left on device",)),
                partial(_full, False),
                dear=True,
            ),
            Injection(
                "the same; a weight is flipped",
                *(
                    "native",
                    Exit.FIRMWARE,
                    ("DIFFERENT: vector 0, layer 2", "No space left on device"),
                ),
                partial(_full, True),
                dear=True,
            ),
            Injection(
                "`nightjar hil`, whose pytest is killed",
                *("native", Exit.HOST, ("the partial report is valid",)),
                _killed,
                dear=True,
            ),
        ),
    ),
)
