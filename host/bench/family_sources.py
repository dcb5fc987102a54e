"""Which sources decide what a family of the cost table costs: its kernels, what they call and include, its shapes.

Comments and layout do not count, nor do the headers that only declare. The generator and the compiler are not looked
at: who changes how a kernel is called counts its families anew.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from host.files import sha256_bytes
from host.installed import FIRMWARE
from model_gen.profile import grid
from model_gen.profile.cost import CostTable

KERNELS = FIRMWARE / "kernels"
_DECLARATIONS = {"nj_kernels.h", "nj_layers.h"}  # of every kernel, and of every kernel's parameters
_COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\])*")', re.DOTALL)
_CALLED = re.compile(r"\bnj_(\w+)")
_INCLUDED = re.compile(r'#include "(\w+\.h)"')


def stale(table: CostTable) -> tuple[str, ...]:
    """The families of the grid that the table lacks, or counted of other sources; in the grid's order."""
    return tuple(
        name for name in grid.FAMILIES if table.families.get(name) != family_sha256(name, table)
    )


def family_sha256(name: str, table: CostTable) -> str:
    """SHA-256 over what decides the counts of a family, whose kernels are those of its points; "" without points."""
    kernels = {point.work.kernel for point in table.points if point.case == name}
    return sources_sha256(name, kernels) if kernels else ""


def sources_sha256(name: str, kernels: Iterable[str], folder: Path = KERNELS) -> str:
    """The same of the kernels with these names; `folder` holds their sources."""
    texts = [f"{one.name}\n{bare(one.read_text())}" for one in sources_of(kernels, folder)]
    return sha256_bytes("\n".join([*texts, shapes_of(name)]).encode())


def sources_of(kernels: Iterable[str], folder: Path = KERNELS) -> list[Path]:
    """Their files, those of the kernels that they call, and the headers of all, each with the code beside it."""
    waiting = [folder / f"{kernel.split('/')[0].removeprefix('nj_')}.c" for kernel in kernels]
    found: set[Path] = set()
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        text = bare(one.read_text())
        headers = set(_INCLUDED.findall(text)) - _DECLARATIONS
        names = [f"{called}.c" for called in _CALLED.findall(text)]
        names += [*headers, *(f"{Path(header).stem}.c" for header in headers)]
        waiting += [folder / name for name in names if (folder / name).is_file()]
    return sorted(found)


def bare(text: str) -> str:
    """C without comments, each run of white space one space."""
    return " ".join(_COMMENT.sub(lambda found: found[1] or " ", text).split())


def shapes_of(name: str) -> str:
    """The family as the grid has it, with the functions that it is written with; without comments and layout."""
    tree = ast.parse(Path(grid.__file__).read_text())
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    entries = {
        key.value: value
        for table in ast.walk(tree)
        if isinstance(table, ast.Dict)
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Constant)
    }
    used: dict[str, ast.AST] = {}
    waiting: list[ast.AST] = [entries[name]]
    while waiting:
        for node in ast.walk(waiting.pop()):
            called = node.id if isinstance(node, ast.Name) else ""
            if called in functions and called not in used:
                used[called] = functions[called]
                waiting.append(functions[called])
    return "\n".join(
        ast.unparse(one) for one in (entries[name], *(used[key] for key in sorted(used)))
    )
