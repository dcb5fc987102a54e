"""Text for generated files, by allow-list: what a template prints is made here, or is an integer.

Each function makes a whole of the language (a comment with its ends, a string with its quotes, a word), so that no
place in a template can give it another meaning. Names of a model may hold anything at all: they become comments only.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
COLUMNS = 100
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CONSTANT = re.compile(_IDENTIFIER.pattern + r"|-?[0-9][0-9a-fx.]*(p[+-]?[0-9]+f?)?")
_CODE = re.compile(
    r"[A-Za-z0-9_ +\-*&()\[\]{}.,;=]*"
)  # no quote, comment, backslash, directive or line end
_WORD = re.compile(r"[A-Za-z0-9_./+=][A-Za-z0-9_./+=\-]*")
_FLAG = re.compile(r"-[A-Za-z0-9_+=\-]+")
_PHRASE = re.compile(r"[A-Za-z0-9_ ,.:;=()+\-]*")
_COMMENT = frozenset(map(chr, range(0x20, 0x7F))) - {"\\"}
_SPLIT = frozenset(("*/", "/*", "??"))  # ends, a start inside, the start of a trigraph
_STRING = _COMMENT - {'"', "?"}


class Text(str):
    """Text that may be printed as it is. Only this module makes it: what is computed from it is a plain str again."""

    __slots__ = ()

    def __new__(cls, *given: object) -> "Text":
        raise TypeError("only the functions of c_text make such text")


def _text(value: str) -> Text:
    return str.__new__(Text, value)


def comment(text: str) -> Text:
    """A C comment on one line, whatever the text is.

    Printable ASCII stays as it is, but for what would end the comment, open another or join lines.

    >>> comment("a*/b")
    '/* a* /b */'
    """
    made: list[str] = []
    for character in text:
        if character == "\\":
            character = "/"
        elif character not in _COMMENT:
            character = "_"
        if made and made[-1] + character in _SPLIT:
            made.append(" ")
        made.append(character)
    return _text(f"/* {''.join(made)} */")


def string(content: str | bytes) -> Text:
    """A C string literal of these bytes; a str is encoded in UTF-8, lone surrogates like any other character.

    >>> string('say "hi"')
    '"say \\\\042hi\\\\042"'
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    # Three digits always, so that a digit behind them is not one of theirs.
    return _text('"' + "".join(chr(b) if chr(b) in _STRING else f"\\{b:03o}" for b in data) + '"')


def identifier(name: str) -> Text:
    """A name of C.

    Raises:
        ValueError: it is none.
    """
    return _allowed(_IDENTIFIER, name)


def constant(text: str) -> Text:
    """A number of C as it is printed elsewhere, or the name of an enumerator.

    Raises:
        ValueError: it is none.
    """
    return _allowed(_CONSTANT, text)


def word(text: str) -> Text:
    """A path or a name without blanks, in CMake, C or prose.

    Raises:
        ValueError: it holds something else.
    """
    return _allowed(_WORD, text)


def flag(text: str) -> Text:
    """A compiler's flag without quotes or paths.

    Raises:
        ValueError: it is none.
    """
    return _allowed(_FLAG, text)


def phrase(text: str) -> Text:
    """Words and harmless punctuation: the same in a comment of C or CMake, in Markdown and in prose.

    Raises:
        ValueError: it holds anything else.
    """
    return _allowed(_PHRASE, text)


def integer(value: int) -> Text:
    """An int32 as a C constant of type int.

    >>> integer(-5), integer(-(1 << 31))
    ('-5', '(-2147483647 - 1)')
    """
    return _text("(-2147483647 - 1)" if value == -(1 << 31) else str(int(value)))


def double(value: float) -> Text:
    """A finite float64 as a C constant without loss.

    Raises:
        ValueError: it is not finite.
    """
    return _text(_finite(value).hex())


def single(value: float) -> Text:
    """A finite float32 as a C constant without loss.

    Raises:
        ValueError: it is not finite.

    >>> single(0.75), single(0.0), single(-2.0)
    ('0x1.8p-1f', '0x0p+0f', '-0x1p+1f')
    """
    mantissa, exponent = _finite(float(np.float32(value))).hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return _text(f"{mantissa}p{exponent}f")


def code(form: str, *parts: Text | int) -> Text:
    """Code: `form`, with the parts in the places of its {}.

    Raises:
        TypeError: a part was not made here and is no integer.
        ValueError: the form holds quotes, comments or the like.

    >>> code("nj_arena + {}", 16)
    'nj_arena + 16'
    """
    pieces = form.split("{}")
    if len(pieces) != len(parts) + 1:
        raise ValueError(f"{len(parts)} parts for {form!r}")
    made = _allowed(_CODE, pieces[0])
    return _text(
        made
        + "".join(
            printed(p) + _allowed(_CODE, piece) for p, piece in zip(parts, pieces[1:], strict=True)
        )
    )


def joined(separator: str, items: Iterable[Text | int]) -> Text:
    """The items with code between them."""
    return _text(_allowed(_CODE, separator).join(map(printed, items)))


def wrapped(items: Iterable[Text], columns: int = COLUMNS) -> list[Text]:
    """Initializers, a comma behind each, as many a line as fit."""
    return _wrapped(map(printed, items), columns)


def integers(values: Array) -> list[Text]:
    """The same of int32 constants: there are millions, so they are printed and wrapped as one text.

    >>> integers(np.array([1, -2, 3], np.int32))
    ['1, -2, 3,']
    """
    whole = str(values.ravel().astype(np.int32, casting="safe").tolist())[1:-1]
    if not whole:
        return []
    # Where a line must not end, no blank stands yet.
    text = whole.replace(str(-(1 << 31)), integer(-(1 << 31)).replace(" ", "~")) + ","
    lines, start = [], 0
    while len(text) - start > COLUMNS:
        end = text.rfind(" ", start, start + COLUMNS + 1)
        lines.append(text[start:end])
        start = end + 1
    lines.append(text[start:])
    if "~" in text:
        lines = [line.replace("~", " ") for line in lines]
    return [_text(line) for line in lines]


def _wrapped(items: Iterable[str], columns: int = COLUMNS) -> list[Text]:
    lines: list[Text] = []
    current = ""
    for item in items:
        if current and len(current) + len(item) + 2 > columns:
            lines.append(_text(current))
            current = ""
        current += f"{item}," if not current else f" {item},"
    return [*lines, _text(current)] if current else lines


def printed(value: Any) -> Any:
    """The value, if a template may print it.

    Raises:
        TypeError: it was not made here, and is no integer.
    """
    if type(value) is Text:
        return value
    if isinstance(value, int):
        return _text(str(int(value)))
    raise TypeError(f"a {type(value).__name__} may not be printed: {value!r:.100}; see {__name__}")


def _finite(value: float) -> float:
    if not np.isfinite(value):
        raise ValueError(f"{value} is no constant")
    return float(value)


def _allowed(pattern: re.Pattern[str], text: str) -> Text:
    if pattern.fullmatch(text) is None:
        raise ValueError(f"not of the form {pattern.pattern}: {text!r:.100}")
    return _text(text)
