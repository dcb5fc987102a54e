"""Flashing through gdb on any gdb server: one that listens, or OpenOCD as gdb's own child.

For a development boot the ELF is loaded into RAM, read back and started. What it has for the NOR, and all of a boot
from flash, our flash loader writes, block by block, and only what the NOR does not hold already.
"""

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.elf import Memory, loaded_sections
from host.boards.flashers.attempts import Attempt, Connection, NoAnswer, after_power_cycle, in_turn
from host.boards.flashers.boot_image import FOLDER
from host.boards.flashers.nor import SECTOR, chunks, loader_beside
from host.boards.flashers.parts import Image, check_fits
from host.boards.flashers.tool import NO_PROBE, Symptom, require, symptom
from host.boards.gdb import Debugger, GdbFailure, GdbOverdue, command_line
from host.boards.gdb_script import OPENOCD, PYOCD, QEMU, ST_LINK, Guard, Server, Target
from host.boards.kinds import DK, SILICON, VIRTUAL_N6
from host.boards.n6_image import Piece
from host.boards.n6_virtual import development_boot, kind_of
from host.boards.openocd import UNDER_RESET, piped
from host.boards.probes import Probe, choose_probe, find_probes
from host.boards.tiers import tier_of
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FlashFailure, HostFailure, NightjarError
from host.n6_layout import layout

_BUILD_OPENOCD = "build OpenOCD from its git, commit 7d688bc or later, and put it on PATH"
_PLAIN = "as the chip runs"
_NO_PACKET = "Ignoring packet error"  # what gdb says of a server that says nothing
_SPLIT = ("split", "-b", str(layout()["LOADER_BUFFER_BYTES"]), "-d", "-a", "4")
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
        _check(image, board)
        debugger = self.debugger(board, self._attempts(board)[0])
        elf, folder = image.elf, image.elf.resolve().with_name(FOLDER)
        files = {part.address: part.file for part in image.parts}
        ram = elf
        lines: list[str] = []
        if not files and debugger.for_nor(elf):
            ram = folder / f"{elf.stem}-in-ram.elf"
            files, lines = _taken_apart(elf, ram, folder, development_boot())
        if files:
            pieces = _pieces(image) if image.parts else debugger.for_nor(elf)
            loader, blocks = loader_beside(elf), []
            for piece in pieces:
                whole = files[piece.address]
                lines.append(shlex.join([*_SPLIT, str(whole), f"{whole}."]))
                blocks += [(one, f"{whole}.{at:04}") for at, one in enumerate(chunks([piece]))]
            lines += _typed(debugger.nor_script(loader, blocks), loader.elf, debugger.target)
        if not image.parts:
            lines += _typed(debugger.script(elf), ram, debugger.target)
        return lines

    def holds(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> bool:
        """As `Flasher.holds`: `flash` itself compares each block, and sends none that is there."""
        return False

    def flash(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> FlashReport:
        """As `Flasher.flash`."""
        _check(image, board)
        attempts = self._attempts(board)
        target = self._target(board, attempts[0])
        if board.gdb is None:
            choose_probe(board.probe, self.probes(), board.name)
        if target.text.startswith("|"):
            require(shlex.split(target.text[1:])[0], _BUILD_OPENOCD)
        connection = Connection(attempts, deadline, say)
        return connection.do(lambda attempt: self._once(image, board, attempt, deadline, say))

    def _once(
        self,
        image: Image,
        board: BenchBoard,
        attempt: Attempt,
        deadline: Deadline,
        say: Callable[[str], None],
    ) -> FlashReport:
        debugger = replace(self.debugger(board, attempt), say=say)
        try:
            if not image.parts:
                return debugger.flash(image.elf, deadline)
            started = time.monotonic()
            loader = loader_beside(image.elf)
            report = debugger.write_nor(loader, _pieces(image), deadline)
        except GdbFailure as error:
            if error.wrote:
                raise
            raise _cause(error) from error
        seconds = time.monotonic() - started
        held = report.bytes - report.written
        say(f"the NOR held {held:,} of {report.bytes:,} bytes already")
        return FlashReport(report.written, seconds, seconds)

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

    def debugger(self, board: BenchBoard, attempt: Attempt | None = None) -> Debugger:
        """gdb on a board, which holds its chip and its switches to the bench before it writes.

        Raises:
            BadInput: nothing tells how gdb reaches it, or which server is there.
            BoardFailure: nothing says which probe, and none is plugged in.
        """
        target = self._target(board, attempt or Attempt(_PLAIN))
        kind = SILICON.get(board.kind)
        guard = Guard(
            board.name, board.chip_uid, "development" if kind is None else kind.development
        )
        memory = development_boot() if board.switches == "development" else None
        return Debugger(target, self._server(target), memory, guard)


def _check(image: Image, board: BenchBoard) -> None:
    if board.kind not in (VIRTUAL_N6, *tier_of(VIRTUAL_N6).runs):
        raise BadInput(
            "a gdb server is used for an STM32N6 alone",
            evidence=f"Received: {board.name}, of kind {board.kind}",
            next_step=f"flash it with --board {board.kind}",
        )
    if image.parts:
        check_fits(image, board.kind if board.kind in SILICON else kind_of(image.elf) or DK.name)


def _pieces(image: Image) -> list[Piece]:
    return [Piece(part.file.name, part.address, part.file.read_bytes()) for part in image.parts]


def _taken_apart(
    elf: Path, ram: Path, folder: Path, memory: Memory
) -> tuple[dict[int, Path], list[str]]:
    """What an ELF has for the NOR, as files of whole sectors by address, and the rest as `ram`: the commands for it."""
    take = "arm-none-eabi-objcopy"
    files, lines, removed = {}, [shlex.join(["mkdir", "-p", str(folder)])], []
    for one in loaded_sections(elf):
        if one.start in memory.nor:
            files[one.start] = folder / f"{one.name.removeprefix('.')}.bin"
            end = one.end + -one.end % SECTOR
            only = ["-O", "binary", "-j", one.name, "--gap-fill=0xff", f"--pad-to={end:#x}"]
            lines.append(shlex.join([take, *only, str(elf.resolve()), str(files[one.start])]))
            removed += ["-R", one.name]
    return files, [*lines, shlex.join([take, *removed, str(elf.resolve()), str(ram)])]


def _typed(script: str, elf: Path, target: Target) -> list[str]:
    """A script of gdb's and gdb, as one types them."""
    file = str(elf.resolve().with_suffix(".gdb"))
    return [
        f"cat > {shlex.quote(file)} <<'EOF'",
        *script.splitlines(),
        "EOF",
        *([] if target.folder is None else [f"cd {shlex.quote(str(target.folder))}"]),
        shlex.join(command_line(file, elf)),
    ]


def _how_to_start(server: Server, board: BenchBoard) -> list[str]:
    """The command that starts the server of a board, on its probe; nothing where none is known."""
    if server is ST_LINK:
        words = ["ST-LINK_gdbserver", "-d", "--frequency", "2000", "--apid", "1", "-v"]
        words += ["--port-number", str(board.gdb).rpartition(":")[2]]
        words += ["--serial-number", board.probe] if board.probe else []
        return [f"start it first: {shlex.join([*words, '-cp'])} FOLDER_OF_STM32_PROGRAMMER_CLI"]
    if server is PYOCD:
        chosen = ["--uid", board.probe] if board.probe else []
        command = shlex.join(["pyocd", "gdbserver", "--persist", *chosen, "--target"])
        return [f"start it first: {command} NAME_IN_THE_PACK_STM32N6xx_DFP"]
    if server is OPENOCD and board.probe:
        command = piped(board.probe).removeprefix("| ").replace("-c 'gdb_port pipe' ", "")
        return [f"start it first: {command}"]
    return []


def _cause(error: GdbFailure) -> NightjarError:
    """Why nothing was written: what the server said, else that the chip does not answer."""
    known = symptom(error.output, _SYMPTOMS)
    if known is not None:
        return known.kind(known.what, evidence=error.evidence, next_step=known.next_step)
    if isinstance(error, GdbOverdue) or _NO_PACKET in error.output:
        return FlashFailure(
            "the probe or its gdb server hangs: it was asked, and has not answered",
            evidence=error.evidence,
            next_step="end the server and start it anew, or plug the probe in again; then power-cycle the board",
        )
    return NoAnswer(
        "gdb does not reach the chip",
        evidence=error.evidence,
        next_step="put the boot switches into the development position and power-cycle the board",
    )
