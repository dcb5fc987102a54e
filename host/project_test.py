"""A project's description is read as it was written; any other one is refused in words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.bundle import Subject
from host.compare.layers import match_taps, read_structure
from host.errors import BadInput, NightjarError
from host.link.identity import check_project
from host.project import DESCRIPTION, load_project
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing import keras_models

WRONG: tuple[Any, ...] = (
    *(None, True, "", "x", "\ud800", [], {}, [[]], {"a": {}}, -1, 0, 1.5, 10**400),
    *(2**31, 2**40, 2**63, float("nan"), float("inf")),
)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(Path("dense.tflite"), keras_models.quantized("dense"))


@pytest.fixture(scope="module")
def description(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    project = generate(subject, "native", tmp_path_factory.mktemp("project") / "p")
    assert load_project(project.path) == project
    raw: dict[str, Any] = json.loads((project.path / DESCRIPTION).read_bytes())
    return raw


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value may be exchanged: every one, but of a list only the first."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def exchanged(raw: dict[str, Any], path: tuple[Any, ...], value: Any) -> str:
    made = json.loads(json.dumps(raw))
    target = made
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return json.dumps(made)


def test_any_other_value_is_refused_or_harmless(
    subject: Subject, description: dict[str, Any], tmp_path: Path
) -> None:
    """Never another error than one of ours, and never a wait or a memory that has no end."""
    structure, refused, tried = read_structure(subject.model), 0, 0
    for path in places(description):
        for value in WRONG:
            (tmp_path / DESCRIPTION).write_text(exchanged(description, path, value))
            tried += 1
            try:
                project = load_project(tmp_path)
                check_project(project, subject)
                match_taps(structure, project.description.taps)
            except NightjarError:
                refused += 1
    assert refused > 0.8 * tried


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("taps", 0, "slot"), 2**40, "slot 1099511627776"),
        (("taps", 0, "shape"), [2**31, 2**31], "tensor"),
        (("taps", 0, "cost_steps"), [9999], "at the steps"),
        (("steps",), 0, "0 steps"),
        (("inputs", 0, "scale"), float("nan"), "NaN is no finite number"),
        (("inputs", 0, "bytes"), "1", r"inputs[0].bytes must be a whole number"),
        (("stream",), "yes", "stream must be true or false"),
        (("schema",), "nightjar/project/0", "schema"),
    ],
)
def test_what_is_wrong_is_named(
    path: tuple[Any, ...], value: Any, says: str, description: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / DESCRIPTION).write_text(exchanged(description, path, value))
    with pytest.raises(BadInput, match=r"nightjar\.json must") as caught:
        load_project(tmp_path)
    assert says in caught.value.evidence
