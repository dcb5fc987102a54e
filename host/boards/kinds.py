"""Kinds of bench boards: what is on each, and where its boot switches stand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BenchKind:
    """A kind of board that a probe reaches.

    `chip` is what probe-rs calls it, `loader` the file of STM32CubeProgrammer's external loader for its NOR,
    `nor_bytes` how much that holds.
    `development` and `flash` are the positions of its boot switches for the two ways to boot. They are
    read when the board resets, so that they count after a power cycle.
    """

    name: str
    chip: str
    loader: str
    nor_bytes: int
    development: str
    flash: str

    def switches(self, boot: str) -> str:
        """The positions for `boot`, "development" or "flash"."""
        return self.development if boot == "development" else self.flash


DK = BenchKind(
    "stm32n6570-dk",
    chip="STM32N657",
    loader="MX66UW1G45G_STM32N6570-DK.stldr",
    nor_bytes=128 << 20,
    development="both boot switches right",
    flash="both boot switches left",
)
NUCLEO = BenchKind(
    "nucleo-n657x0-q",
    chip="STM32N657",
    loader="MX25UM51245G_STM32N6570-NUCLEO.stldr",
    nor_bytes=64 << 20,
    development="JP2 in position 2, JP1 in position 1",
    flash="JP2 in position 1",
)
SILICON = {kind.name: kind for kind in (DK, NUCLEO)}
VIRTUAL_N6 = "n6-virtual"
# The unique id of a virtual chip: 96 bits, this text and one character.
VIRTUAL_UID = b"NIGHTJAR-VM"
# What nobody has yet seen work on a board is marked with this, wherever it is told.
NOT_SEEN = "not seen on a board"
