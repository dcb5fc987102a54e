"""The folders keep to the way of the data: no import goes in a circle, and none goes upstream."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What a folder must not import, nor anything in it: what lies behind it on the way of the data.
BARRED = {
    "host.reference": ("model_gen", "host.link", "host.boards", "host.compare"),
    "host.link": ("model_gen", "host.reference", "host.boards", "host.compare"),
    "host.boards": ("model_gen", "host.reference", "host.compare"),
    "host.compare": ("host.cli", "hil_tests"),
    "model_gen.codegen.tflite": ("model_gen.codegen.cm55", "model_gen.codegen.project"),
    "model_gen.codegen.cm55": ("model_gen.codegen.project",),
    "model_gen": ("host.cli", "host.link", "host.boards", "host.compare", "hil_tests"),
}
# Tests, and what only they use, may look anywhere.
FREE = ("_test", "testing", "hil_tests", "conftest")


@cache
def modules() -> dict[str, Path]:
    """Module name -> file, without tests."""
    files = [path for part in ("host", "model_gen") for path in (ROOT / part).rglob("*.py")]
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files}
    return {
        name.removesuffix(".__init__"): path
        for path, name in names.items()
        if not any(word in name for word in FREE)
    }


def imports(name: str, *, late: bool) -> Iterator[str]:
    """The project's modules that a module imports; `late`: inside its functions, too."""
    known = modules()
    tree = ast.parse(known[name].read_text(encoding="utf-8"))
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) in inner and not late:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [one for one in below if one in known]
            yield from found
            if len(found) < len(below) and node.module in known:
                yield node.module


def within(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}.")


def test_no_import_goes_in_a_circle() -> None:
    """Those that only a type checker follows count: what needs them is no smaller."""
    graph = {name: sorted(set(imports(name, late=False))) for name in modules()}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        for other in graph[name]:
            walk(other, (*path, name))
        done.add(name)

    for name in graph:
        walk(name, ())


def test_nothing_downstream_is_imported_upstream() -> None:
    wrong = [
        f"{name} imports {other}"
        for name in modules()
        for folder, barred in BARRED.items()
        if within(name, folder)
        for other in imports(name, late=True)
        if any(within(other, one) for one in barred)
    ]
    assert wrong == []


def test_one_module_says_where_files_lie() -> None:
    """What climbs out of its package finds other things where it is installed; bootstrap.py runs before anything is."""
    leaving = re.compile(r"__file__\)(\.resolve\(\))?\.(parents\[|parent\.parent)")
    found = {name for name, path in modules().items() if leaving.search(path.read_text("utf-8"))}
    assert found == {"host.bootstrap", "host.installed"}
