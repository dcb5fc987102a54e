"""The QEMU that a generated network runs in, with a virtual Cortex-M55."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from host.boards.qemu import PACKAGE, PROGRAM
from host.errors import BadInput, HostFailure, NightjarError
from host.npu.board.firmware import firmware
from host.npu.board.runtime import Runtime
from host.npu.child import Ask, Child
from host.npu.generated import GeneratedCode
from host.tools import find_tool, leashed

_ASKED = 0xC0000000  # as in nj_npu_board.ld
_MOST_ASKED = 256 << 20  # bytes
_COMPLAINT = re.compile(rf"^{PROGRAM}: (?!warning: )(.*)", re.M)  # QEMU's own


@dataclass(frozen=True)
class VirtualBoard:
    """A Place: QEMU's machine mps3-an547, a machine of its own for each run.

    Attributes:
        runtime: the installation whose software epochs are run; None: ours.
    """

    runtime: Runtime | None = None

    @property
    def name(self) -> str:
        """For people."""
        own = "" if self.runtime is None else f", software epochs of {self.runtime.library.name}"
        return f"a virtual Cortex-M55{own}"

    def __call__(self, code: GeneratedCode) -> Child:
        return _Board(firmware(code, self.runtime), code.path.name)


class _Board(Child):
    """Firmware that answers the requests that lie in its memory when it starts, and ends."""

    def __init__(self, elf: Path, name: str) -> None:
        super().__init__(name)
        self._elf = elf
        self._asked = bytearray()  # what every run begins with
        self._given = bytearray()  # what the next one goes on with: its inputs
        self._described = False

    def _send(self, what: Ask, request: bytes) -> None:
        if what == Ask.RUN:
            self._boot(self._asked + self._given + request)
            self._given.clear()
        elif self._described:
            self._given += request
        else:
            self._asked += request
            if what == Ask.DESCRIBE:
                self._described = True
                self._boot(self._asked)

    def _boot(self, asked: bytearray) -> None:
        self._end()
        if len(asked) + 4 > _MOST_ASKED:
            raise BadInput(
                f"{self.name} has more constants than the virtual board has memory for",
                evidence=f"Received: {len(asked)} bytes of {_MOST_ASKED - 4}",
                next_step="run it on this computer",
            )
        handle = os.memfd_create("asked")
        try:
            with os.fdopen(handle, "wb", closefd=False) as stream:
                stream.write(len(asked).to_bytes(4, "little") + asked)
            loader = f"loader,file=/proc/self/fd/{handle},addr={_ASKED:#x},force-raw=on"
            command = (
                *(find_tool(PROGRAM, PACKAGE), "-machine", "mps3-an547", "-nodefaults"),
                *("-display", "none", "-semihosting-config", "enable=on,target=native"),
                *("-device", loader, "-kernel", str(self._elf)),
            )
            self._start(leashed(command), subprocess.DEVNULL, [handle])
        finally:
            os.close(handle)

    def _crash(self, number: int) -> NightjarError:
        error = super()._crash(number)
        own = _COMPLAINT.findall(self._said())
        if not own:
            return error
        return HostFailure(
            "QEMU ended before the network did",
            evidence=f"it said: {own[-1]}",
            next_step="free memory or raise `ulimit -v` if it lacks that; `nightjar doctor` checks QEMU",
        )
