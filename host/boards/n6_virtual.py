"""The virtual STM32N6: our machine in QEMU runs the very ELF of a board, loaded as into its development boot."""

from typing import ClassVar

from host.boards import qemu
from host.boards.n6_layout import layout
from host.boards.virtual import VirtualBoard
from host.boards.virtual_n6.build import require_program
from host.deadline import Deadline
from host.link.transport import Transport

NAME = "n6-virtual"
_MACHINE = qemu.Machine(
    program=require_program,
    arguments=("-machine", "nightjar-n6", *qemu.COMMON, *qemu.SERIAL),  # USART1 is the only port
    sockets=(qemu.GDB_SOCKET, qemu.UART_SOCKET),
)


class N6VirtualBoard(VirtualBoard):
    """One QEMU of ours; our own, or a kept one that a record describes."""

    name = NAME
    machine: ClassVar[qemu.Machine] = _MACHINE
    # The boot ROM waits for a debugger, which gives the core what the vector table says.
    vectors: ClassVar[int | None] = layout()["APPLICATION"]

    def connect(self, deadline: Deadline) -> Transport:
        return self.connect_slow(deadline)
