"""What gdb is told to flash a board: the servers that it speaks to, how they are reached, and its script."""

from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput
from host.nearest import did_you_mean

DONE = "nightjar: done"
SAY_DONE = f"echo {DONE}\\n"
_ARCHITECTURE = "set architecture armv8.1-m.main"
_LOAD = ("load", "compare-sections")
# gdb takes a reset by `monitor` for no change, and writes no register that has its new value already.
_FORGET = "maintenance flush register-cache"
_THUMB = 0x01000000  # xPSR as a reset leaves it: Thumb, no exception


@dataclass(frozen=True)
class Server:
    """A gdb server.

    Attributes:
        name: for people, and what `server_named` takes.
        reset: the command that resets the board and leaves its core halted.
        go: what lets the core run where `detach` alone leaves it halted.
        port: where it listens unless told otherwise; None where it has no such port.
        trouble: what to do when it fails.
    """

    name: str
    reset: str
    go: tuple[str, ...] = ()
    port: int | None = None
    trouble: str = "power-cycle the board, see what the gdb server says, then try again"


QEMU = Server(
    "qemu",
    "monitor system_reset",
    trouble="end the board with `nightjar board down`, then try again",
)
OPENOCD = Server("openocd", "monitor reset halt", go=("monitor resume",), port=3333)
ST_LINK = Server("st-link", "monitor reset", port=61234)
PYOCD = Server("pyocd", "monitor reset halt")
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
                + "), or name it",
            )
        return found[0]


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


def script(
    target: Target, server: Server, *, load: bool, start: Start | None, seconds: int = 60
) -> str:
    """What gdb does with the ELF that it is given, line by line; it ends at the first line that fails.

    Without `start`, a reset alone starts what was loaded. With it, the reset comes first: what ran
    before may not touch what is written, and only a reset clears what no debugger can, as CONTROL,
    the stacks' limits and the masks.

    Args:
        load: whether the ELF is written and read back; else what is in memory starts again.
        seconds: that the server has for an answer.
    """
    written = _LOAD if load else ()
    steps = [*written, server.reset] if start is None else started(server, start, written)
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
    return "\n".join([*lines, f"target remote {target.text}", *steps, ""])
