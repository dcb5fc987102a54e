"""The QEMU that a generated network runs in, with a virtual Cortex-M55."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from host.boards.qemu import PACKAGE, PROGRAM
from host.boards.tools import find_tool, leashed
from host.npu.board.firmware import firmware
from host.npu.child import Ask, Child
from host.npu.generated import GeneratedCode

_ASKED = 0xC0000000  # as in nj_npu_board.ld


@dataclass(frozen=True)
class VirtualBoard:
    """A Place: QEMU's machine mps3-an547, a machine of its own for each run."""

    def __call__(self, code: GeneratedCode) -> Child:
        return _Board(firmware(code), code.path.name)


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
