"""The chip's unique id as a vendor's tool reads it, held against the bench's before anything is written."""

import struct
from collections.abc import Callable

from host.boards.bench_file import BenchBoard
from host.boards.chip import check_uid
from host.boards.gdb_script import UNIQUE_ID

WORDS = 3
# The address as a tool repeats it, then the words.
PATTERN = rf"(?:0x)?{UNIQUE_ID:08x}\s*:\s*((?:(?:0x)?[0-9a-f]{{8}}\s*){{{WORDS}}})"


def check_chip(board: BenchBoard, words: list[int], say: Callable[[str], None]) -> None:
    """Refuse another chip than the bench's.

    Args:
        board: whose bench entry says a unique id.
        words: what was read; empty, or zero: the id cannot be read, and HELLO says it afterwards.
        say: takes that.

    Raises:
        IdentityFailure: it is another one.
    """
    if not any(words):
        say("the chip's unique id cannot be read by this tool; HELLO says it afterwards")
        return
    if board.chip_uid is not None:
        check_uid(board.name, board.chip_uid, struct.pack("<III", *words), untouched=True)
