"""Flashing through gdb on any gdb server: one that listens, or OpenOCD as gdb's own child.

Into RAM, for a development boot: the ELF is loaded, read back and started.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers.attempts import Attempt, Connection, NoAnswer, after_power_cycle, in_turn
from host.boards.flashers.parts import Image
from host.boards.flashers.tool import NO_PROBE, Symptom, require, symptom
from host.boards.gdb import Debugger, GdbFailure, command_line
from host.boards.gdb_script import OPENOCD, QEMU, SECONDS, ST_LINK, Guard, Server, Target
from host.boards.kinds import SILICON, VIRTUAL_N6
from host.boards.n6_virtual import development_boot
from host.boards.openocd import UNDER_RESET, piped
from host.boards.probes import Probe, choose_probe, find_probes
from host.boards.tiers import tier_of
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, HostFailure, NightjarError

_BUILD_OPENOCD = "build OpenOCD from its git, commit 7d688bc or later, and put it on PATH"
_PLAIN = "as the chip runs"
_SYMPTOMS = (
    Symptom(
        r"can't find target/stm32n6x",
        HostFailure,
        "this OpenOCD does not know the STM32N6: 0.12 and older ones do not",
        _BUILD_OPENOCD,
    ),
    Symptom(
        r"no device found|LIBUSB_ERROR_NO_DEVICE|open failed",
        BoardFailure,
        "OpenOCD finds no such probe",
        NO_PROBE,
    ),
    Symptom(
        r"LIBUSB_ERROR_(ACCESS|BUSY)",
        BoardFailure,
        "the probe cannot be opened",
        "end what else uses it (a gdb server, an IDE); `nightjar doctor` checks udev rules and groups",
    ),
    Symptom(
        r"connection refused|no such file or directory\.|no route to host|name or service not known",
        BoardFailure,
        "no gdb server answers",
        "start it, or mend gdb in bench.toml; `nightjar flash --dry-run` shows how one is started",
    ),
)


@dataclass(frozen=True)
class GdbServer:
    """The way `gdb`.

    server: which one it is; None: its program or its port tells. `probes` says what is plugged in.
    """

    server: Server | None = None
    probes: Callable[[], tuple[Probe, ...]] = find_probes

    def seen(self, board: BenchBoard) -> bool:
        """As `Flasher.seen`: QEMU's server alone has been."""
        return board.gdb is not None and self._server(Target.parse(board.gdb)) is QEMU

    def remarks(self, image: Image, board: BenchBoard) -> tuple[str, ...]:
        """As `Flasher.remarks`."""
        attempts = self._attempts(board)
        server = self._server(self._target(board, attempts[0]))
        lines = [f"gdb server: {server.name}", in_turn(attempts)]
        if not server.boots:
            lines.append("nothing looks through this server whether the board boots from flash")
        if board.gdb is not None and not board.gdb.startswith("|") and board.kind in SILICON:
            lines += _how_to_start(server, board)
        return tuple(lines)

    def commands(self, image: Image, board: BenchBoard) -> list[str]:
        """As `Flasher.commands`: gdb's script into a file, then gdb."""
        self._check(image, board)
        debugger = self._debugger(board, self._attempts(board)[0])
        script = str(image.elf.resolve().with_suffix(".gdb"))
        text = debugger.script(image.elf)
        folder = debugger.target.folder
        return [
            f"cat > {shlex.quote(script)} <<'EOF'",
            *text.splitlines(),
            "EOF",
            *([] if folder is None else [f"cd {shlex.quote(str(folder))}"]),
            shlex.join(command_line(script, image.elf)),
        ]

    def holds(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> bool:
        """As `Flasher.holds`."""
        self._check(image, board)
        return True  # RAM alone, which HELLO has measured

    def flash(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> FlashReport:
        """As `Flasher.flash`."""
        self._check(image, board)
        attempts = self._attempts(board)
        target = self._target(board, attempts[0])
        if target.text.startswith("|"):
            require(shlex.split(target.text[1:])[0], _BUILD_OPENOCD)
        connection = Connection(attempts, deadline, say)
        return connection.do(lambda attempt: self._once(image, board, attempt, deadline))

    def _once(
        self, image: Image, board: BenchBoard, attempt: Attempt, deadline: Deadline
    ) -> FlashReport:
        debugger = self._debugger(board, attempt)
        try:
            return debugger.flash(image.elf, deadline.at_most(SECONDS))
        except GdbFailure as error:
            if error.wrote:
                raise
            raise _cause(error) from error

    def _check(self, image: Image, board: BenchBoard) -> None:
        if board.kind not in (VIRTUAL_N6, *tier_of(VIRTUAL_N6).runs):
            raise BadInput(
                "a gdb server is used for an STM32N6 alone",
                evidence=f"Received: {board.name}, of kind {board.kind}",
                next_step=f"flash it with --board {board.kind}",
            )
        if image.boot != "development":
            raise BadInput(
                "gdb loads into RAM, for a development boot",
                evidence=f"Received: --boot flash for {board.name}",
                next_step='write flasher = "cubeprogrammer" into bench.toml',
            )

    def _attempts(self, board: BenchBoard) -> tuple[Attempt, ...]:
        modes = [Attempt(_PLAIN)]
        if board.gdb is None:
            modes.append(Attempt(f"under reset ({UNDER_RESET})", (UNDER_RESET,)))
        return (*modes, *after_power_cycle(board))

    def _target(self, board: BenchBoard, attempt: Attempt) -> Target:
        if board.gdb is not None:
            return Target.parse(board.gdb)
        if board.kind not in SILICON:
            raise BadInput(
                f"nothing says how gdb reaches {board.name}",
                evidence="Received: a board without gdb",
                next_step='write gdb = "host:port", the path of a socket, or "| command" into bench.toml',
            )
        serial = board.probe or choose_probe(None, self.probes(), board.name).serial
        return Target.parse(piped(serial, under_reset=bool(attempt.words)))

    def _server(self, target: Target) -> Server:
        return self.server or target.server

    def _debugger(self, board: BenchBoard, attempt: Attempt) -> Debugger:
        target = self._target(board, attempt)
        kind = SILICON.get(board.kind)
        guard = Guard(board.chip_uid, "development" if kind is None else kind.development)
        return Debugger(target, self._server(target), development_boot(), guard)


def _how_to_start(server: Server, board: BenchBoard) -> list[str]:
    """The command that starts the server of a board, on its probe; nothing where none is known."""
    if server is ST_LINK:
        words = ["ST-LINK_gdbserver", "-d", "--frequency", "2000", "--apid", "1", "-v"]
        words += ["--port-number", str(board.gdb).rpartition(":")[2]]
        words += ["--serial-number", board.probe] if board.probe else []
        return [f"start it first: {shlex.join([*words, '-cp'])} FOLDER_OF_STM32_PROGRAMMER_CLI"]
    if server is OPENOCD and board.probe:
        command = piped(board.probe).removeprefix("| ").replace("-c 'gdb_port pipe' ", "")
        return [f"start it first: {command}"]
    return []


def _cause(error: GdbFailure) -> NightjarError:
    """Why nothing was written: what the server said, else that the chip does not answer."""
    known = symptom(error.output, _SYMPTOMS)
    if known is not None:
        return known.kind(known.what, evidence=error.evidence, next_step=known.next_step)
    return NoAnswer(
        "gdb does not reach the chip",
        evidence=error.evidence,
        next_step="put the boot switches into the development position and power-cycle the board",
    )
