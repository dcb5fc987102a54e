"""`python -m model_gen.training.option_docs`: the documentation of the options of training, from their table."""

from collections.abc import Iterator
from typing import Any

from model_gen.training.option import Declaration, flag, shown
from model_gen.training.presets import table

PARTS = {
    "data": "Data",
    "model": "The model",
    "recipe": "The recipe",
    "run": "The run",
}
_HEAD = """# Options of `nightjar train`

Made by `python -m model_gen.training.option_docs` from the table in `model_gen/training/options.py`;
a test holds this page to it. Names may be written with underscores; a switch exists both ways, as
`--se` and `--no-se`. `--preset` chooses the column of defaults. A word in parentheses, or an option
whose meaning is, is known and not built yet: it is refused by name, and so is the preset `april`,
with the list of what it lacks, unless everything on that list is given otherwise. "0 (planned
0.0001)" is a default that is 0 today: the documented one comes with the whole documented recipe.
"search" is what tuning will draw from: least and most, or the values.
"""


def text() -> str:
    """The page."""
    return "\n".join([_HEAD, *_parts(), *_old()])


def _parts() -> Iterator[str]:
    for part, title in PARTS.items():
        yield f"## {title}\n"
        yield "| option | values | `release` | `april` | search | what it is |"
        yield "|---|---|---|---|---|---|"
        for name, (declared, kind, default) in table().items():
            if declared.part == part:
                yield _row(name, declared, kind, default)
        yield ""


def _row(name: str, declared: Declaration, kind: Any, default: Any) -> str:
    meaning = declared.meaning
    if declared.later is True:
        meaning = f"({meaning.removesuffix('.')}.)"
    release = _default(name, declared.release)
    if declared.release != default and name != "num_workers":
        release = f"{_default(name, default)} (planned {release})"
    defaults = (release, _default(name, declared.april))
    search = shown(declared.search)
    cells = (f"`{flag(name)}`", _values(declared, kind), *defaults, search, meaning)
    return f"| {' | '.join(cells)} |"


def _values(declared: Declaration, kind: Any) -> str:
    if declared.words:
        later = declared.later if isinstance(declared.later, tuple) else ()
        return ", ".join([*declared.choices, *(f"({word})" for word in later)])
    if kind is bool:
        return "switch"
    plain = str(getattr(kind, "__name__", kind)).replace("pathlib.", "").replace(" | None", "")
    word = {
        "int": "whole number",
        "float": "number",
        "Path": "path",
        "str": "text",
        "tuple[int, ...]": "whole numbers",
        "tuple[str, ...]": "texts, one each time",
    }[plain if not str(kind).startswith("tuple") else str(kind)]
    return f"{word}, {declared.range}" if declared.range else word


def _default(name: str, value: Any) -> str:
    if name == "num_workers":
        return "8" if value == 8 else "number of cores"
    return "" if value is None or value == () else shown([value])


def _old() -> Iterator[str]:
    yield "## Earlier names\n"
    yield "| earlier | now |"
    yield "|---|---|"
    for name, (declared, _, _) in table().items():
        for old in declared.aka:
            yield f"| `--{old}` | `{flag(name)}` |"
        for before, now in declared.old:
            yield f"| `{flag(name)} {before}` | `{flag(name)} {now}` |"
    yield ""


if __name__ == "__main__":
    print(text(), end="")
