"""The nearest of the words that are known, for who mistyped one."""

import difflib
from collections.abc import Iterable


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """A sentence that names the nearest of the known words, or "".

    >>> did_you_mean("virtaul", ["virtual", "native"])
    ' Did you mean virtual?'
    >>> did_you_mean("UP", ["up", "down"])
    ' Did you mean up?'
    >>> did_you_mean("arduino", ["virtual", "native"])
    ''
    """
    words = list(known)
    same = [word for word in words if word.casefold() == str(given).casefold()]
    near = same or difflib.get_close_matches(str(given), words, n=1)
    return f" Did you mean {near[0]}?" if near else ""
