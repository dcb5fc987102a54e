"""A project around a generated network is judged by the executor, and by nothing that the project says of itself."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.compare.expect import Oracle
from host.compare.networks import judged_network
from host.compare.session import Session
from host.compare.testing_networks import SUBJECT, with_tap, write_project
from host.compare.vectors import make_vectors
from host.errors import BadInput, IdentityFailure
from host.npu.network import Network
from host.owned import LIST
from host.project import GENERATED, Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_project(tmp_path_factory.mktemp("npu") / "firmware")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is expected is kept here, compiled libraries with everybody's."""
    monkeypatch.setattr("host.reference.kept.EXPECTATIONS", _Kept())


class _Kept(dict[str, bytes]):
    """A cache in memory."""

    def read(self, key: str) -> bytes | None:
        return self.get(key)

    def write(self, key: str, content: bytes) -> None:
        self[key] = content


def session(project: Project) -> Session:
    return Session(project, SUBJECT, "n6-virtual", vectors=3, seed=7)


def oracle(one: Session) -> Oracle:
    assert one.network is not None
    return Oracle(SUBJECT, one.structure, "neural_art", judging=one.network.judging)


def test_every_tensor_that_the_executor_computes_is_a_layer_in_its_epoch(project: Project) -> None:
    one = session(project)
    with Network.open(project.path / GENERATED) as network:
        zeros = [np.zeros(buffer.size, np.uint8).view(buffer.dtype) for buffer in network.inputs]
        ran = [tensor for tensor in network.run(zeros).tensors if tensor.role != "input"]
    assert {
        (ran[layer.tensor].name, ran[layer.tensor].epoch) for layer in one.structure.layers
    } == {(layer.name, layer.index) for layer in one.structure.layers}
    assert sorted(layer.tensor for layer in one.structure.layers) == list(range(len(ran)))
    assert [layer.index for layer in one.structure.layers] == sorted(t.epoch for t in ran)
    assert len({layer.node_id for layer in one.structure.layers}) == len(ran)
    assert [(tap.index, tap.tensor) for tap in one.taps] == [
        (layer.index, layer.tensor) for layer in one.structure.layers
    ]


def test_what_is_expected_is_what_the_executor_computes(project: Project) -> None:
    one = session(project)
    judge = oracle(one)
    with Network.open(project.path / GENERATED) as network:
        for vector in make_vectors(SUBJECT, judge.reference.inputs, 3, 7):
            run = network.run([tensor.reshape(-1) for tensor in vector.inputs])
            ran = [tensor.array for tensor in run.tensors if tensor.role != "input"]
            expected = judge.expect(vector)
            for position, layer in enumerate(one.structure.layers):
                np.testing.assert_array_equal(expected.tensor(position), ran[layer.tensor])
            outputs = [tensor.array for tensor in run.outputs]
            for got, want in zip(expected.outputs, outputs, strict=True):
                np.testing.assert_array_equal(got, want)
    assert "executor of network.c" in judge.description


def test_a_second_session_recalls_what_the_network_gave_and_not_what_another_gives(
    project: Project, tmp_path: Path
) -> None:
    first = oracle(session(project))
    (vector, *_) = make_vectors(SUBJECT, first.reference.inputs, 3, 7)
    fresh = first.expect(vector)
    again = oracle(session(project))
    assert again.expect(vector).recalled
    assert again.expect(vector).layers == fresh.layers
    other = oracle(session(_with_other_weights(project, tmp_path)))
    assert not other.expect(vector).recalled
    assert other.expect(vector).layers != fresh.layers


def _with_other_weights(project: Project, tmp_path: Path) -> Project:
    """Another network of the same structure: a folder without its list, so that nothing else tells."""
    made = write_project(tmp_path / "other")
    (made.path / LIST).unlink()
    (image,) = (made.path / GENERATED).glob("*.raw")
    data = bytearray(image.read_bytes())
    data[:64] = bytes(byte ^ 0x11 for byte in data[:64])
    image.write_bytes(data)
    assert made.description == project.description
    return made


def test_a_table_that_forgets_an_epoch_proves_nothing(project: Project) -> None:
    with pytest.raises(BadInput, match="does not cover") as caught:
        _ = session(with_tap(project, 1)).taps
    assert "has no tap" in caught.value.evidence


def test_a_tap_that_hides_a_tensor_without_need_is_refused(project: Project) -> None:
    for number, tap in enumerate(project.description.taps):
        hidden = with_tap(project, number, observed=False, slot=None, reason="overwritten")
        with pytest.raises(BadInput, match=r"hides a tensor|does not cover") as caught:
            _ = session(hidden).taps
        assert tap.name in caught.value.evidence


def test_two_tensors_in_one_slot_hide_one_of_them(project: Project) -> None:
    taps = project.description.taps
    last = max(range(len(taps)), key=lambda number: taps[number].slot or 0)
    with pytest.raises(BadInput, match="hides a tensor") as caught:
        _ = session(with_tap(project, last, slot=0)).taps
    assert taps[last].name in caught.value.evidence


def test_a_tap_of_another_epoch_is_none(project: Project) -> None:
    moved = with_tap(project, 0, index=project.description.taps[0].index + 1)
    with pytest.raises(BadInput, match="does not cover"):
        _ = session(moved).taps


@pytest.mark.parametrize("name", ["network.c", "network_atonbuf.xSPI2.raw", "another.h"])
def test_what_was_changed_after_it_was_written_is_another_identity(
    tmp_path: Path, name: str
) -> None:
    made = write_project(tmp_path / "firmware")
    with (made.path / GENERATED / name).open("ab") as stream:
        stream.write(b"\n")
    with pytest.raises(IdentityFailure, match=name):
        judged_network(made)


def test_a_list_that_cannot_be_read_says_no_less_than_one_that_can(tmp_path: Path) -> None:
    made = write_project(tmp_path / "firmware")
    (made.path / LIST).write_text("{")
    with pytest.raises(IdentityFailure, match="not the list"):
        judged_network(made)


def test_a_project_without_its_network_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds the network\.c"):
        judged_network(replace(project, path=tmp_path))


def test_a_project_of_another_backend_is_judged_by_its_model(project: Project) -> None:
    other = replace(project, description=replace(project.description, backend="cm55"))
    assert judged_network(other) is None


def test_the_list_of_the_project_is_read(project: Project) -> None:
    """Else the test above would pass for a folder that says nothing of its files."""
    files = json.loads((project.path / LIST).read_text())["files"]
    assert f"{GENERATED}/network.c" in files
