"""Every refusal of data says what to do next."""

import ast
from pathlib import Path

import model_gen


def test_every_bad_input_of_data_and_audio_has_a_next_step() -> None:
    root = Path(model_gen.__path__[0])
    calls = [
        (f"{path.name}:{node.lineno}", {keyword.arg for keyword in node.keywords})
        for folder in ("data", "audio", "training")
        for path in sorted((root / folder).rglob("*.py"))
        if not path.name.endswith("_test.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadInput"
    ]
    assert len(calls) > 20
    assert [place for place, given in calls if "next_step" not in given] == []
