"""A file of memory pools (.mpool), and a profile that names one: ours, or a user's."""

import re
from pathlib import Path
from typing import Any

from host.reading import load_json, read_text
from model_gen.codegen.neural_art.compilation import Pool
from model_gen.codegen.neural_art.fields import Fields

_NEXT = "give the file as stedgeai takes it"
_UNITS = {"BYTES": 1, "KBYTES": 1 << 10, "MBYTES": 1 << 20}
_WHOLE = re.compile(r"0x[0-9A-Fa-f]{1,15}|\d{1,15}")


def read_pools(path: Path) -> tuple[Pool, ...]:
    """The pools of a file, those of no bytes too.

    Raises:
        BadInput: it cannot be read, or is none.
    """
    return parse_pools(load_json(path, "a file of memory pools", next_step=_NEXT))


def parse_pools(raw: Any) -> tuple[Pool, ...]:
    """The pools of a document as `load_json` gives it.

    Raises:
        BadInput: it is none.
    """
    memory = Fields.of(raw, "a file of memory pools", _NEXT).object("memory")
    return tuple(
        Pool(
            name=pool.text("name"),
            file=pool.text("fname"),
            address=_amount(pool.object("offset")),
            bytes=_amount(pool.object("size")),
            used=0,
            writable=pool.object("prop").text("rights") != "ACC_READ",
        )
        for pool in memory.objects("mempools")
    )


def _amount(told: Fields) -> int:
    value, unit = told.text("value"), told.text("magnitude")
    if not _WHOLE.fullmatch(value):
        raise told.misfit("value", "a whole number as text", value)
    if unit not in _UNITS:
        raise told.misfit("magnitude", f"one of {', '.join(_UNITS)}", unit)
    return int(value, 0 if value.startswith("0x") else 10) * _UNITS[unit]


def read_profiles(path: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Of each profile of a file its name, its pools' file as it stands there, and its options.

    The file may hold comments of C, which are no JSON.

    Raises:
        BadInput: it cannot be read, or is none.
    """
    text = _without_comments(read_text(path, "a file of profiles", next_step=_NEXT))
    top = Fields.of(load_json(text.encode(), "a file of profiles", next_step=_NEXT), "it", _NEXT)
    profiles = top.object("Profiles")
    made = {}
    for name in profiles.content:
        profile = profiles.object(name)
        made[name] = (profile.text("memory_pool"), tuple(profile.text("options", "").split()))
    return made


def _without_comments(text: str) -> str:
    """The text without comments; what looks like one inside a string stays."""
    pattern = r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/'
    return re.sub(pattern, lambda found: found[1] or " ", text, flags=re.DOTALL)
