"""Faults of the board: it starts again, its supply falls, its port goes, it hangs, it faults."""

import os
import platform
import random
import signal
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from host.boards import open_board
from host.boards.recovery.recover import recover
from host.deadline import Deadline
from host.errors import NightjarError
from host.exit_codes import Exit
from host.link.transport import Transport
from host.selftest import links
from host.selftest.faults.chip_flags import BROWN_OUT, WATCHDOG, restart
from host.selftest.faults.lines import Struck
from host.selftest.faults.row import Injection, Row
from host.selftest.faults.scene import SHORT, Scene, Wrap
from host.selftest.faults.seen import Seen
from host.selftest.links import Line
from host.selftest.stock import HANGS, UNDEFINED

_FRAMES = (
    10  # that a session sends at least: before one of them, HELLO's excepted, something happens
)
_BACK = 0.5  # seconds, until a cable is plugged in again
_STEP = r"nj_model\.c:\d+ \(nj_step2\)"
_CORTEX_UNDEFINED = b"\x00\xde"


def _line(kind: type[Line]) -> Wrap:
    return lambda transport, chance: kind(
        transport, transport, chance, chance.randrange(1, _FRAMES)
    )


def _when(happens: Callable[[], None]) -> Wrap:
    """A line on which something happens in the middle of a session."""

    def wrap(transport: Transport, chance: random.Random) -> Line:
        line = Struck(transport, transport, chance, chance.randrange(1, _FRAMES))
        line.happens = happens
        return line

    return wrap


def _over(kind: type[Line], scene: Scene, number: int, attempts: int = 1) -> Seen:
    return scene.judge(number, _line(kind), attempts=attempts, seconds=20.0)


def _restarted(flags: int, scene: Scene, number: int, attempts: int = 1) -> Seen:
    with scene.n6() as kept:
        return scene.judge(
            number,
            _when(lambda: restart(kept.record, flags)),
            tier="n6-virtual",
            at=kept.at,
            attempts=attempts,
        )


def _pulled(scene: Scene, number: int) -> Seen:
    with scene.at_pty() as board:
        return scene.judge(number, _when(board.pull), at=board.at)


def _pulled_and_plugged(scene: Scene, number: int) -> Seen:
    """The firmware that runs there is judged again, as nobody has another way to it."""
    with scene.at_pty() as board:
        back: list[threading.Timer] = []

        def happens() -> None:
            board.pull()
            back.append(board.plug(_BACK))

        seen = scene.judge(number, _when(happens), at=board.at, attempts=2)
        for timer in back:
            timer.join()
        return seen


def _held(scene: Scene, number: int) -> Seen:
    with scene.at_pty() as board:
        holder = subprocess.Popen(["sh", "-c", f"exec sleep 600 3<>{board.port}"])
        try:
            while not _has_begun(holder):
                pass
            return scene.judge(number, at=board.at)
        finally:
            holder.kill()
            holder.wait()


def _has_begun(holder: "subprocess.Popen[bytes]") -> bool:
    return b"sleep" in Path(f"/proc/{holder.pid}/cmdline").read_bytes()[:6]


def _hangs(scene: Scene, number: int) -> Seen:
    project = scene.broken("native", HANGS[platform.machine()])
    return scene.judge(number, project=project, seconds=SHORT)


def _wedged(scene: Scene, number: int) -> Seen:
    """A chip that is stuck, and that no rung of the ladder brings back: who comes next is refused at once."""
    project = scene.built("n6-virtual")
    with scene.n6() as kept:
        assert kept.record.process is not None
        os.kill(kept.record.process.pid, signal.SIGSTOP)
        said: list[str] = []
        recover(kept.at, project.elf, said.append, Deadline.after(1.0), root=scene.boards)
        seen = scene.judge(number, tier="n6-virtual", at=kept.at)
        return Seen(seen.code, "\n".join([*said, seen.text]))


def _faults(tier: str, code: bytes, scene: Scene, number: int) -> Seen:
    return scene.judge(number, project=scene.broken(tier, code), tier=tier)


def _stuck_probe(scene: Scene, number: int) -> Seen:
    """The gdb server takes the connection, and says nothing."""
    project = scene.built("n6-virtual")
    with scene.n6() as kept:
        assert kept.record.process is not None
        os.kill(kept.record.process.pid, signal.SIGSTOP)
        try:
            with open_board(kept.at) as board:
                board.flash(project.elf, Deadline.after(SHORT))
        except NightjarError as error:
            return Seen(error.exit_code, str(error))
        return Seen(Exit.OK, "it was flashed")


ROWS = (
    Row(
        "reset",
        "Reset mid-transfer",
        "BOARD with the cause; run again by `--attempts`, and FLAKY then",
        (
            Injection(
                "RESET of somebody else",
                *("native", Exit.BOARD, (r"rebooted by itself \(reset cause: requested\)",)),
                partial(_over, links.Reset),
            ),
            Injection(
                "the same, `--attempts 2`",
                *(
                    "native",
                    Exit.FLAKY,
                    ("attempt ended by BOARD: the board rebooted", "at attempt 2"),
                ),
                partial(_over, links.Reset, attempts=2),
            ),
            Injection(
                "its process is killed",
                *("native", Exit.BOARD, ("the process of the native board has ended",)),
                partial(_over, links.Killed),
            ),
            Injection(
                "the chip starts anew with the flag of the IWDG",
                *("n6-virtual", Exit.BOARD),
                (r"rebooted by itself \(reset cause: watchdog\)", "IWDG"),
                partial(_restarted, WATCHDOG),
                dear=True,
            ),
        ),
    ),
    Row(
        "brown-out",
        "Brown-out",
        "BOARD: check supply and hub; never repeated in silence",
        (
            Injection(
                "the chip starts anew with the flag of the BOR",
                *("n6-virtual", Exit.BOARD),
                (r"\(reset cause: brown out\)", "check supply and hub, power-cycle"),
                partial(_restarted, BROWN_OUT),
                dear=True,
            ),
            Injection(
                "the same, `--attempts 2`",
                *("n6-virtual", Exit.FLAKY),
                (r"attempt ended by BOARD: [^\n]*brown out", "at attempt 2"),
                partial(_restarted, BROWN_OUT, attempts=2),
                dear=True,
            ),
        ),
    ),
    Row(
        "vanished",
        "Port vanishes",
        "BOARD: absent, or back after so many seconds, and what the kernel says of USB",
        (
            Injection(
                "the port goes and stays away",
                *("native", Exit.BOARD),
                (r"has vanished: it is absent, \d+ s later", "the kernel"),
                _pulled,
                dear=True,
            ),
            Injection(
                "it comes back under the same serial number, `--attempts 2`",
                *("native", Exit.FLAKY),
                (r"attempt ended by BOARD: [^\n]*has vanished: it was back after", "at attempt 2"),
                _pulled_and_plugged,
            ),
        ),
    ),
    Row(
        "held",
        "Another process has the port",
        "its pid, its command, since when",
        (
            Injection(
                "another program has it open",
                *("native", Exit.LOCKED),
                (r"it is open in pid \d+, `sleep 600`, which runs since 20\d\d-",),
                _held,
            ),
        ),
    ),
    Row(
        "hung",
        "Board hung",
        "FIRMWARE with the line where it hangs in its code; else BOARD, and a mark where nothing brings it back",
        (
            Injection(
                *(
                    "the firmware waits for ever in a layer",
                    "native",
                    Exit.FIRMWARE,
                    (_STEP,),
                    _hangs,
                )
            ),
            Injection(
                "the board is stopped",
                *("native", Exit.BOARD, ("its firmware is not to be found",)),
                partial(_over, links.Frozen),
                dear=True,
            ),
            Injection(
                "the chip is stuck, `board recover`, and then a session",
                *("n6-virtual", Exit.BOARD),
                ("probe reset: failed", r"the board n6-\d+ is marked", "nightjar board recover n6"),
                _wedged,
                dear=True,
            ),
        ),
    ),
    Row(
        "fault",
        "HardFault",
        "FIRMWARE with file and line, and what CFSR means",
        (
            Injection(
                "an undefined instruction in a layer",
                *("native", Exit.FIRMWARE, (_STEP,)),
                partial(_faults, "native", UNDEFINED[platform.machine()]),
            ),
            Injection(
                "the same",
                *("virtual", Exit.FIRMWARE, (_STEP, "CFSR", "UNDEFINSTR undefined instruction")),
                partial(_faults, "virtual", _CORTEX_UNDEFINED),
                dear=True,
            ),
        ),
    ),
    Row(
        "probe",
        "Probe hung",
        "FLASH with the end of what the tool said",
        (
            Injection(
                "the gdb server is stopped",
                *("n6-virtual", Exit.FLASH),
                ("the probe or its gdb server hangs", "evidence: "),
                _stuck_probe,
                dear=True,
            ),
        ),
    ),
)
