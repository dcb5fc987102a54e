"""The chip's unique id as a vendor's tool reads it, held against the bench's before anything is written."""

import re
import struct
from collections.abc import Callable

from host.boards.bench_file import BenchBoard
from host.boards.chip import check_uid
from host.boards.gdb_script import UNIQUE_ID
from host.errors import FlashFailure

WORDS = 3
# The address as a tool repeats it, then the words.
_PATTERN = rf"(?:0x)?{UNIQUE_ID:08x}\s*:\s*((?:(?:0x)?[0-9a-f]{{8}}\s*){{{WORDS}}})"


def read_words(ask: Callable[[], str]) -> list[int]:
    """The words of the chip's unique id; none where the tool cannot read it.

    Args:
        ask: reads them by the tool, and gives what it said.

    Raises:
        NightjarError: what `ask` raises, but for a FlashFailure: the tool reached the chip, and read nothing.
    """
    try:
        output = ask()
    except FlashFailure:
        return []
    found = re.search(_PATTERN, output, re.IGNORECASE)
    return [] if found is None else [int(word, 16) for word in found[1].split()]


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
    check_uid(board.name, board.chip_uid, struct.pack("<III", *words), untouched=True)
