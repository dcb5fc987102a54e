"""`python -m model_gen.training.option_docs`: the documentation of the options of training, from their table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model_gen.training.option import PARTS, Option, flag, shown
from model_gen.training.presets import table
from model_gen.training.together import RULES
from model_gen.training.unsearched import reasons

_HEAD = """# Options of `nightjar train`

Made by `python -m model_gen.training.option_docs` from the table in `model_gen/training/options.py`;
a test holds this page to it. Names may be written with underscores; a switch exists both ways, as
`--se` and `--no-se`. `--preset` chooses the column of defaults. A word in parentheses, or an option
whose meaning is, is known and not built yet: it is refused by name. "0.2 (documented 0.5)" is a
default that is another than the documented one: one that learned better ([learning.md](learning.md)),
or an L2 penalty, which the figures there were reached without. "search" is what `--tune` draws
from ([tuning.md](tuning.md)): least and most, or the values; or why it draws nothing. The last table
says which options go together.
"""


def text() -> str:
    """The page."""
    return "\n".join([_HEAD, *_parts(), *_old(), *_together()])


def _parts() -> Iterator[str]:
    for part, title in PARTS.items():
        yield f"## {title}\n"
        yield "| option | values | `release` | `april` | search | what it is |"
        yield "|---|---|---|---|---|---|"
        for one in table().values():
            if one.declared.part == part:
                yield _row(one)
        yield ""


def _row(one: Option) -> str:
    declared = one.declared
    meaning = f"({declared.meaning.removesuffix('.')}.)" if one.unbuilt else declared.meaning
    release = _default(one, declared.release)
    if declared.release != one.default and one.name != "num_workers":
        release = f"{_default(one, one.default)} (documented {release})"
    defaults = (release, _default(one, declared.april))
    cells = (f"`{one.flag}`", _values(one), *defaults, _search(one), meaning)
    return f"| {' | '.join(cells)} |"


def _search(one: Option) -> str:
    return shown(one.declared.search) or "; ".join(f"not searched: {why}" for why in reasons(one))


def _values(one: Option) -> str:
    declared = one.declared
    if declared.words:
        later = declared.later if isinstance(declared.later, tuple) else ()
        return ", ".join([*declared.choices, *(f"({word})" for word in later)])
    word = {
        bool: "switch",
        int: "whole number",
        float: "number",
        Path: "path",
        str: "text",
        tuple[int, ...]: "whole numbers",
        tuple[str, ...]: "texts, one each time",
    }[one.kind]
    return f"{word}, {declared.range}" if declared.range else word


def _default(one: Option, value: Any) -> str:
    if one.name == "num_workers":
        return "8" if value == 8 else "number of cores"
    return "" if value is None or value == () else shown([value])


def _old() -> Iterator[str]:
    yield "## Earlier names\n"
    yield "| earlier | now |"
    yield "|---|---|"
    for one in table().values():
        for old in one.declared.aka:
            yield f"| `--{old}` | `{one.flag}` |"
        for before, now in one.declared.old:
            yield f"| `{one.flag} {before}` | `{one.flag} {now}` |"
    yield ""


def _together() -> Iterator[str]:
    yield "## What goes together\n"
    yield "A default that does not fit gives way, and `train` says so; what was given itself is refused,"
    yield "and where there is a *, a default is, too, being the greater choice.\n"
    yield "| with | needs | because |"
    yield "|---|---|---|"
    for rule in RULES:
        values = shown(rule.values)
        if rule.allowed is None:
            needs = f"no `{flag(rule.other)}`"
        else:
            needs = f"`{flag(rule.other)}` {shown(rule.allowed)}{'*' if rule.firm else ''}"
        yield f"| `{flag(rule.option)}` {values} | {needs} | {rule.why} |"
    yield ""


if __name__ == "__main__":
    print(text(), end="")
