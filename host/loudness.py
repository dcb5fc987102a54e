"""How much a command says."""

from enum import IntEnum


class Level(IntEnum):
    """What is said: each level has what those before it have."""

    QUIET = 0  # warnings and errors only
    NORMAL = 1
    VERBOSE = 2


_level = Level.NORMAL


def level() -> Level:
    """How much the command that runs says."""
    return _level


def set_level(chosen: Level) -> None:
    """Say that much from now on."""
    global _level
    _level = chosen
