"""The executor as a judge: where it runs, what it is kept by, and what it takes."""

from pathlib import Path

import numpy as np
import pytest

from host.compare.testing_networks import write_project
from host.errors import BadInput
from host.npu.board.virtual import VirtualBoard
from host.npu.executed_model import ExecutedModel, GeneratedNetwork
from host.npu.generated import read_generated
from host.npu.testing.code import RAM, Code, copy
from host.project import GENERATED

FAR = 0x34000040  # where the output lies


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("npu") / "firmware").path / GENERATED


def appended(folder: Path, tmp_path: Path, text: str) -> Path:
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    with (other / "network.c").open("a") as stream:
        stream.write(text)
    return other


@pytest.mark.parametrize(
    ("text", "board"),
    [
        ("", None),
        ("/* ll_sw_forward_softmax_integer(&a); */", None),
        ("/* ll_sw_forward_softmax(&a); */", VirtualBoard()),
        ("/* ll_sw_forward_activ(&a); */", VirtualBoard()),
    ],
)
def test_functions_of_floats_are_computed_by_the_library_of_the_boards_core(
    folder: Path, tmp_path: Path, text: str, board: VirtualBoard | None
) -> None:
    found = GeneratedNetwork.read(appended(folder, tmp_path, text))
    assert found.board == board
    assert found.library == ""


def test_operators_of_sts_runtime_ask_for_its_library(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "st").mkdir()
    with pytest.raises(BadInput, match="must hold one"):
        GeneratedNetwork.read(folder, tmp_path / "st")


def test_a_network_is_opened_once_for_all_of_the_same_content(folder: Path, tmp_path: Path) -> None:
    first, second = GeneratedNetwork.read(folder), GeneratedNetwork.read(folder)
    assert first.model is second.model
    other = GeneratedNetwork.read(appended(folder, tmp_path, "/* another */"))
    assert other.judging.content != first.judging.content
    assert other.judging.identity == first.judging.identity
    assert other.model is not first.model
    assert [one.name for one in other.model.written] == [one.name for one in first.model.written]


def test_where_it_runs_is_part_of_what_decides_its_numbers(folder: Path, tmp_path: Path) -> None:
    here = GeneratedNetwork.read(folder)
    there = GeneratedNetwork(here.code, here.images, VirtualBoard())
    assert here.judging.content == there.judging.content
    assert here.judging.identity != there.judging.identity


def test_a_network_that_lists_no_internal_buffers_says_so(folder: Path, tmp_path: Path) -> None:
    """As one of a release build."""
    move = copy(hex(RAM), hex(FAR))
    code = read_generated(Code(blocks=[(move, "")], internals=None).write(tmp_path))
    assert "by its outputs alone" in ExecutedModel(code, ()).description
    assert "alone" not in GeneratedNetwork.read(folder).model.description


def test_inputs_that_do_not_fit_are_refused(folder: Path) -> None:
    model = GeneratedNetwork.read(folder).model
    right = [np.zeros(port.shape, port.dtype) for port in model.inputs]
    assert sorted(model.run(right)) == list(range(len(model.written)))
    with pytest.raises(BadInput, match="the network takes"):
        model.run(right[:-1])
    with pytest.raises(BadInput, match="the network takes"):
        model.run([right[0].astype(np.float64), *right[1:]])
