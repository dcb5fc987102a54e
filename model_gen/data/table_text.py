"""The text of a table, in whatever encoding a spreadsheet wrote it."""

import codecs
from pathlib import Path

from host.errors import BadInput
from host.reading import MOST_TEXT, read_file

WANTED = (
    "save the table as CSV in UTF-8, with the columns path and split, labels or recordist; "
    "docs/data.md describes it"
)
# First bytes -> what such a file is, that may be given by mistake.
_KINDS = {
    b"PK\x03\x04": "a ZIP archive, as .xlsx and .ods are",
    b"\xd0\xcf\x11\xe0": "an old document of Microsoft Office, as .xls is",
    b"RIFF": "sound (RIFF)",
    b"RF64": "sound (RF64)",
    b"FORM": "sound (AIFF)",
    b"fLaC": "sound (FLAC)",
    b"OggS": "sound (Ogg)",
    b"ID3": "sound (MP3)",
    b"\xff\xfb": "sound (MP3)",
    b"caff": "sound (CAF)",
    b"\x1f\x8b": "compressed by gzip",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a database of SQLite",
}
# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
_BLANKS = "\t\n\r\f\v\x1a"  # control characters that a text may hold; the last once ended a file


def read_table_text(path: Path) -> str:
    """The text of a file in UTF-8, UTF-16 or UTF-32, with a mark or without, or else in Latin-1.

    Raises:
        BadInput: it cannot be read, or is no text; what it is instead is said.
    """
    data = read_file(path, "a table of recordings", MOST_TEXT, next_step=WANTED)
    text = _decoded(data)
    kind = next((kind for first, kind in _KINDS.items() if data.startswith(first)), None)
    odd = next((ord(c) for c in text if c < " " and c not in _BLANKS), None)
    if kind is None and odd is not None:
        kind = f"no text: it holds the byte {odd}"
    if kind is not None:
        raise BadInput(
            "a table of recordings must be text",
            evidence=f"Received: {path}, which is {kind}",
            next_step=WANTED,
        )
    return text


def _decoded(data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    encoding = encoding or _unmarked(data[:4])
    if encoding:
        return data.decode(encoding, "replace")
    for guess in ("utf-8", "cp1252"):
        try:
            return data.decode(guess)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _unmarked(first: bytes) -> str | None:
    """The encoding of a text without a mark, whose first characters are of ASCII; None where a
    character has one byte."""
    zeros = tuple(byte == 0 for byte in first)
    encodings: dict[tuple[bool, ...], str] = {
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
    }
    return encodings.get(zeros)
