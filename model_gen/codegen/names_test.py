"""A model may be called anything, and so may everything in it: the firmware is the same, comments apart."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from host.build import build
from host.bundle import Subject
from host.deadline import Deadline
from host.errors import BadInput
from model_gen.codegen import testing_keras
from model_gen.codegen.c_text_test import NASTY, without_comments
from model_gen.codegen.project import generate
from model_gen.codegen.testing_models import edited, single
from model_gen.codegen.testing_single_ops import q

# Once it ended the comment that it stood in, and began another.
CALL = "*\\__attribute__((constructor))\\*"
HOSTILE = (CALL, *NASTY, "*/\n#error reached\n/*", "\udc80", "\x9b31m", "名前*\\/")


def named(content: bytes) -> bytes:
    """The model with a hostile name wherever it has one."""

    def rename(model: Any, _: Any) -> None:
        raw = [name.encode("utf-8", "surrogatepass") for name in HOSTILE]
        for graph in model.subgraphs:
            graph.name = raw[0]
            for index, tensor in enumerate(graph.tensors):
                tensor.name = raw[index % len(raw)]
        model.description = raw[1]

    return edited(content, rename)


def code(path: Path) -> str:
    """C without comments, blanks at line ends and what says which file the model was."""
    text = without_comments(path.read_text(encoding="ascii"))
    lines = (line.rstrip() for line in text.split("\n"))
    return "\n".join(re.sub(r"model_sha256 = .*", "model_sha256", line) for line in lines)


@pytest.mark.parametrize("name", ["mobile", "dense"])
def test_hostile_names_change_nothing_but_comments(name: str, tmp_path: Path) -> None:
    plain = testing_keras.quantized(name)
    first = generate(Subject(Path("plain"), plain), "native", tmp_path / "plain")
    second = generate(Subject(Path(CALL), named(plain)), "native", tmp_path / "named")
    files = [
        sorted(p.name for p in (project.path / "model").iterdir()) for project in (first, second)
    ]
    assert files[0] == files[1]
    for file in files[0]:
        one, other = (code(project.path / "model" / file) for project in (first, second))
        assert one == other, file
    assert (second.path / "model/nj_model.c").read_text(encoding="ascii").count("constructor") > 0


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_a_model_of_hostile_names_builds(tmp_path: Path) -> None:
    subject = Subject(Path("named.tflite"), named(testing_keras.quantized("mobile")))
    project = generate(subject, "native", tmp_path / "project")
    build(project, Deadline.after(600))
    assert project.elf.is_file()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_refusal_shows_no_control_character(name: str) -> None:
    """Of an op that the backend does not have, by its own name and its tensors'."""
    from model_gen.codegen.pipeline import compile_model

    def custom(model: Any, schema: Any) -> None:
        raw = name.encode("utf-8", "surrogatepass")
        model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].customCode = raw
        for tensor in model.subgraphs[0].tensors:
            tensor.name = raw

    content = edited(single("RELU", [q((1, 4))], q((1, 4))), custom)
    with pytest.raises(BadInput) as caught:
        compile_model(content)
    error = caught.value
    assert (error.what + error.evidence + error.next_step).replace("\n", "").isprintable()
    assert "\n" not in error.what + error.evidence or "\n" in name
