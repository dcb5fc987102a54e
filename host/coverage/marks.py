"""The marks that the plugin makes: its plan, and its output, which can be read at any time."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host.boards.plugin import plugin_arguments
from host.coverage.image import Bytes, Image, Mask
from host.coverage.steps import REQUEST, Steps
from host.errors import HostFailure

SOURCE = Path(__file__).with_name("nj_cover.c")
_EXECUTED, _READ = 1, 2
_WORD = 8


@dataclass(frozen=True)
class Marks:
    """The plugin's files in `folder`, for `image`: row 0, and a row for each of `steps`.

    Row 0 has what no step runs; with steps None, everything. Reads are marked from the first call of
    the function `since` on.
    """

    folder: Path
    image: Image
    steps: Steps | None
    since: str = REQUEST

    @property
    def rows(self) -> int:
        return 1 if self.steps is None else 1 + len(self.steps.entries)

    def arguments(self) -> tuple[str, ...]:
        """QEMU's arguments; writes the plan.

        Raises:
            HostFailure: the firmware answers no requests, or gcc does not compile the plugin.
        """
        if self.since not in self.image.symbols:
            raise HostFailure(f"the firmware has no function {self.since}")
        numbers = [self.image.symbols[self.since], len(self.image.sections)]
        for section in self.image.sections:
            numbers += section.address, len(section.data), int(section.code)
        entries, ranges = (
            ((), ()) if self.steps is None else (self.steps.entries, self.steps.ranges)
        )
        numbers += [len(entries), *entries, len(ranges), *(a for span in ranges for a in span)]
        self._plan.write_text(" ".join(map(str, numbers)))
        return plugin_arguments(SOURCE, **{"in": self._plan, "out": self._output})

    def row(self, number: int) -> tuple[Mask, Mask]:
        """bool [width] twice: where executed instructions begin, and what was read.

        A board that runs must be idle: what runs meanwhile may be seen or not.

        Raises:
            HostFailure: QEMU has not run the plugin.
        """
        image = self.image
        head = _WORD * (1 + image.words)
        try:
            with self._output.open("rb") as stream:
                if os.fstat(stream.fileno()).st_size != head + self.rows * image.width:
                    raise _silent("its output has another size than its plan asks for")
                numbers = np.frombuffer(stream.read(head), np.uint64)
                stream.seek(number * image.width, os.SEEK_CUR)
                marks: Bytes = np.frombuffer(stream.read(image.width), np.uint8)
        except OSError as error:
            raise _silent(str(error)) from error
        begun = (marks & _EXECUTED) != 0
        if number == numbers[0]:
            begun[: 2 * image.words : 2] |= numbers[1:] != 0
        return begun, (marks & _READ) != 0

    def clear(self) -> None:
        """Forget row 0 and the counters. The board must be idle, and there must be no steps."""
        assert self.steps is None
        with self._output.open("r+b") as stream:
            stream.seek(_WORD)
            stream.write(bytes(_WORD * self.image.words + self.image.width))

    @property
    def _plan(self) -> Path:
        return self.folder / "plan.txt"

    @property
    def _output(self) -> Path:
        return self.folder / "marks.bin"


def _silent(evidence: str) -> HostFailure:
    return HostFailure(
        "the plugin has marked nothing",
        evidence=evidence,
        next_step="check that `qemu-system-arm -plugin help` knows the option",
    )
