"""What gdb is told to flash a board: the servers that it speaks to, how they are reached, and its script."""

import struct
from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput
from host.n6_layout import layout
from host.nearest import did_you_mean

DONE = "nightjar: done"
SECONDS = 60  # that a server has for an answer, unless told otherwise
SAY_DONE = f"echo {DONE}\\n"
_ARCHITECTURE = "set architecture armv8.1-m.main"
_LOAD = ("load", "compare-sections")
# gdb takes a reset by `monitor` for no change, and writes no register that has its new value already.
_FORGET = "maintenance flush register-cache"
_THUMB = 0x01000000  # xPSR as a reset leaves it: Thumb, no exception
OTHER_CHIP = "nightjar: unique id"  # then three words in hex
FLASH_BOOT = "nightjar: flash boot"  # then the pc, and at which look
BOOT_ROM = "nightjar: boot ROM"  # then the pc, at the last look
# firmware/boards/stm32n6/nj_registers.h: RCC_APB4ENSR2 and its bit of BSEC, NJ_UNIQUE_ID.
_FUSES_ON = "set *(unsigned *)0x56028a78 = 0x2"
UNIQUE_ID = 0x56009014
_ROM_BYTES = 0x20000
# Nobody has timed the boot ROM of silicon: it is given some looks to start something, and milliseconds are enough here.
LOOKS = 4
LOOK = 0.5  # seconds that the core runs before each


@dataclass(frozen=True)
class Server:
    """A gdb server.

    Attributes:
        name: for people, and what `server_named` takes.
        reset: the command that resets the board and leaves its core halted.
        boots: commands that reset the board, let its boot ROM work for LOOK seconds, and halt the core; `{connect}` is
            gdb's own command to connect. Empty: none is known.
        again: those that let a halted core run for as long, and halt it.
        go: what lets the core run where `detach` alone leaves it halted.
        port: where it listens unless told otherwise; None where it has no such port.
        trouble: what to do when it fails.
    """

    name: str
    reset: str
    boots: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    go: tuple[str, ...] = ()
    port: int | None = None
    trouble: str = "power-cycle the board, see what the gdb server says, then try again"


_SLEEP = f"monitor sleep {1000 * LOOK:.0f}"
QEMU = Server(
    "qemu",
    "monitor system_reset",
    boots=("monitor system_reset", "detach", f"shell sleep {LOOK}", "{connect}"),
    again=("detach", f"shell sleep {LOOK}", "{connect}"),
    trouble="end the board with `nightjar board down`, then try again",
)
OPENOCD = Server(
    "openocd",
    "monitor reset halt",
    boots=("monitor reset run", _SLEEP, "monitor halt"),
    again=("monitor resume", _SLEEP, "monitor halt"),
    go=("monitor resume",),
    port=3333,
)
ST_LINK = Server("st-link", "monitor reset", port=61234)
PYOCD = Server(
    "pyocd",
    "monitor reset halt",
    boots=("monitor reset", _SLEEP, "monitor halt"),
    again=("monitor continue", _SLEEP, "monitor halt"),
)
SERVERS = {server.name: server for server in (QEMU, OPENOCD, ST_LINK, PYOCD)}


@dataclass(frozen=True)
class Target:
    """A gdb server's place.

    Attributes:
        text: what gdb's `target remote` takes.
        folder: where gdb runs, so that no path is too long for a unix socket; None: anywhere.
    """

    text: str
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "Target":
        """A target from host:port, the absolute path of a unix socket, or `| command`."""
        if text.startswith("/"):
            path = Path(text)
            return cls(path.name, path.parent)
        return cls(text)

    @property
    def connect(self) -> str:
        """What gdb is told to connect."""
        return f"target remote {heard(self.text)}"

    @property
    def server(self) -> Server:
        """The server that is known to be there: QEMU at a socket, else by its program or its usual port.

        Raises:
            BadInput: nothing tells.
        """
        if self.folder is not None:
            return QEMU
        if self.text.startswith("|"):
            program = Path(self.text.removeprefix("|").split()[0]).name
            found = [server for server in SERVERS.values() if server.name == program]
        else:
            port = self.text.rpartition(":")[2]
            found = [server for server in SERVERS.values() if str(server.port) == port]
        if not found:
            raise BadInput(
                "nothing tells which gdb server this is, and so how it resets the board",
                evidence=f"Received: {self.text!r}",
                next_step="let it listen at its usual port ("
                + ", ".join(f"{s.name} {s.port}" for s in SERVERS.values() if s.port)
                + "), or name it with `nightjar flash --server`",
            )
        return found[0]


def heard(place: str) -> str:
    """What gdb's `target` takes for a place; of a command that fails at once, gdb then tells what it said.

    gdb relays what its child says when it reads, and gives up before that where it cannot write: so the shell that
    has run the command stays for a second.
    """
    return f"{place} || sleep 1" if place.startswith("|") else place


def server_named(name: str) -> Server:
    """The server of that name.

    Raises:
        BadInput: there is none.
    """
    if name not in SERVERS:
        raise BadInput(
            f"the known gdb servers are {', '.join(SERVERS)}.{did_you_mean(name, SERVERS)}",
            evidence=f"Received: {name!r}",
        )
    return SERVERS[name]


@dataclass(frozen=True)
class Start:
    """Where a core starts whose boot ROM waits for a debugger, as gdb's expressions."""

    sp: str
    pc: str

    @classmethod
    def in_memory(cls, vectors: int) -> "Start":
        """As the vector table says that lies in the board's memory."""
        return cls(f"*(unsigned *){vectors:#x}", f"*(unsigned *){vectors + 4:#x} & ~1")


@dataclass(frozen=True)
class Guard:
    """What an STM32N6 is held to before anything is written to it.

    Attributes:
        name: what the board is called.
        uid: the 24 hex digits that its unique id must be; None: any. Nothing is held to an id that
            reads as zero, as where the fuses have no clock: HELLO says it afterwards.
        switches: how its switches must stand for a development boot, for the message.
    """

    name: str
    uid: str | None
    switches: str

    def chip(self, server: Server) -> list[str]:
        """Ends the script where another chip answers, which then runs on as it did."""
        if self.uid is None:
            return []
        words = struct.unpack("<III", bytes.fromhex(self.uid))
        at = [f"*(unsigned *){UNIQUE_ID + 4 * place:#x}" for place in range(3)]
        there = " | ".join(at)
        differs = " || ".join(f"{one} != {word:#010x}" for one, word in zip(at, words, strict=True))
        said = f'printf "{OTHER_CHIP} %08x %08x %08x\\n", {", ".join(at)}'
        return [_FUSES_ON, f"if ({there}) != 0 && ({differs})", said, *_leave(server)]

    def boot(self, target: Target, server: Server) -> list[str]:
        """Resets, and ends the script where the boot ROM then starts something: no development boot.

        A core that is in the boot ROM at every look is taken to wait there for a debugger.
        """
        if not server.boots:
            return []
        rom = layout()["BOOT_ROM"]
        boots, again = (
            [*(step.format(connect=target.connect) for step in steps), _FORGET]
            for steps in (server.boots, server.again)
        )
        inside = f"$pc >= {rom:#x} && $pc < {rom + _ROM_BYTES:#x}"
        return [
            *(*boots, "set $look = 1", f"while $look < {LOOKS} && {inside}"),
            *(*again, "set $look = $look + 1", "end", f"if !({inside})"),
            *(f'printf "{FLASH_BOOT} %#x %d\\n", (unsigned)$pc, $look', *_leave(server)),
            f'printf "{BOOT_ROM} %#x\\n", (unsigned)$pc',
        ]


def _leave(server: Server) -> list[str]:
    """The end of a condition under which nothing is written."""
    return [*server.go, "detach", "quit 1", "end"]


def script(
    target: Target,
    server: Server,
    *,
    load: bool,
    start: Start | None,
    seconds: int = SECONDS,
    guard: Guard | None = None,
) -> str:
    """What gdb does with the ELF that it is given, line by line; it ends at the first line that fails.

    Without `start`, a reset alone starts what was loaded. With it, the reset comes first: what ran
    before may not touch what is written, and only a reset clears what no debugger can, as CONTROL,
    the stacks' limits and the masks.

    Args:
        load: whether the ELF is written and read back; else what is in memory starts again.
        seconds: that the server has for an answer.
        guard: what the chip is held to first; None: nothing.
    """
    written = _LOAD if load else ()
    steps = [*written, server.reset] if start is None else started(server, start, written)
    if guard is not None:
        steps = [*guard.chip(server), *guard.boot(target, server), *steps]
    return connected(target, [*steps, *server.go, "detach", SAY_DONE], seconds)


def started(server: Server, start: Start, written: tuple[str, ...] = _LOAD) -> list[str]:
    """A reset, the ELF `written`, and the core about to start; it is still halted."""
    return [
        *(server.reset, _FORGET, *written),
        *(f"set $sp = {start.sp}", f"set $pc = {start.pc}", f"set $xpsr = {_THUMB:#x}"),
    ]


def connected(target: Target, steps: list[str], seconds: int) -> str:
    """A script that connects and then takes `steps`."""
    lines = ["set confirm off", "set pagination off", "set width 0", _ARCHITECTURE]
    lines += [f"set remotetimeout {seconds}", f"set tcp connect-timeout {seconds}"]
    lines.append("set tcp auto-retry off")  # who refuses now will not answer later
    return "\n".join([*lines, target.connect, *steps, ""])
