"""What a user has seen of a fault."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """What a user has seen of one injection.

    Attributes:
        code: that the command would end with.
        text: all that was said.
        struck: whether the fault came about.
        frames: that the host sent.
    """

    code: int
    text: str
    struck: bool = True
    frames: int = 0
