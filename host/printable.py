"""What others wrote (names in models, folders, labels), made fit for a terminal, a line and a page."""


def printable(text: str, keep: str = "") -> str:
    r"""The text with escapes for what would not show as it is: controls, line ends, marks of direction, surrogates.

    Args:
        text: anything.
        keep: characters that stay though they are such, for instance "\n".

    >>> printable("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
