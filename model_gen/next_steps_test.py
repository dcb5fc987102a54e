"""Every refusal of the way from recordings to a bundle, and of a command, says what to do next."""

import ast
from pathlib import Path

import host.cli
import model_gen

ROOTS = [Path(model_gen.__path__[0]), Path(host.cli.__path__[0])]


def test_every_bad_input_has_a_next_step() -> None:
    calls = [
        (f"{path.parent.name}/{path.name}:{node.lineno}", {one.arg for one in node.keywords})
        for root in ROOTS
        for path in sorted(root.rglob("*.py"))
        if not path.name.endswith("_test.py") and "codegen" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadInput"
    ]
    assert len(calls) > 90
    assert [place for place, given in calls if "next_step" not in given] == []
