"""What is kept of the reference finds a board equal, and never anything else."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.build import build
from host.bundle import Subject
from host.cache import EXPECTATIONS
from host.compare.bench import Bench
from host.compare.expect import Expected, Oracle
from host.compare.flip import copy_project, find_symbol, flip_bit
from host.compare.layers import read_structure
from host.compare.session import Session
from host.compare.vectors import Vector, make_vectors
from host.deadline import Deadline
from host.elf_record import write_record
from host.project import Project
from host.reference.kept import KeptReference, digest
from host.report.verdict import Verdict
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing import fuzz_models

SUBJECT = Subject(Path("model.tflite"), fuzz_models.convolutions())
VECTORS = 3


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "expectations"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = generate(SUBJECT, "native", tmp_path_factory.mktemp("firmware") / "right")
    build(made, Deadline.after(120))
    return made


@pytest.fixture
def wrong(project: Project, tmp_path: Path) -> Project:
    """The same firmware with one bit of a weight flipped."""
    copied = copy_project(project, tmp_path / "wrong")
    flip_bit(copied.elf, find_symbol(copied.elf, "nj_op1_weights"), 3, 6)
    write_record(copied.elf)
    return copied


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The inputs of each inference that the reference did."""
    seen: list[bytes] = []
    run = KeptReference.run

    def watched(self: KeptReference, inputs: Any, past: Any = None) -> Any:
        seen.append(b"".join(value.tobytes() for value in inputs))
        return run(self, inputs, past)

    monkeypatch.setattr(KeptReference, "run", watched)
    return seen


def vectors() -> list[Vector]:
    return make_vectors(SUBJECT, oracle().reference.inputs, VECTORS, 1)


def oracle() -> Oracle:
    return Oracle(SUBJECT, read_structure(SUBJECT.model))


def judged(project: Project, tmp_path: Path) -> tuple[Verdict, Bench]:
    session = Session(project, SUBJECT, "native", VECTORS, 1, root=tmp_path / "boards")
    with Bench(session) as bench:
        for index in range(bench.total):
            bench.observation(index)
        return bench.verdict(), bench


def forge(vector: Vector, change: Callable[[dict[str, Any]], None]) -> None:
    """A record that is whole, and says something else."""
    reference = oracle().reference
    key = reference._run_key(vector.inputs, None)
    raw = EXPECTATIONS.read(key)
    assert raw is not None
    record = json.loads(raw)
    change(record)
    EXPECTATIONS.write(key, json.dumps(record).encode())


def lie(record: dict[str, Any]) -> None:
    """Of the second layer."""
    record["tensors"][1][3] ^= 1


def test_a_second_time_nothing_is_computed_and_everything_is_the_same(
    computed: list[bytes],
) -> None:
    given = vectors()
    first, second = oracle(), oracle()
    fresh = [first.expect(vector) for vector in given]
    assert len(computed) == VECTORS
    recalled = [second.expect(vector) for vector in given]
    assert len(computed) == VECTORS
    assert (first.recalls, second.recalls, second.distrusts) == (False, True, False)
    assert not second.reference.opened
    for one, other in zip(fresh, recalled, strict=True):
        assert (one.recalled, other.recalled) == (False, True)
        assert one.layers == other.layers
        assert one.input_digest == other.input_digest
        assert one.output_digest == other.output_digest
        assert all(map(np.array_equal, one.outputs, other.outputs))
        for position in range(len(one.layers)):
            np.testing.assert_array_equal(one.tensor(position), other.tensor(position))
        assert not other.recalled
    assert len(computed) == 2 * VECTORS
    assert not second.distrusts


def test_a_record_that_the_reference_does_not_confirm_ends_all_trust(
    computed: list[bytes],
) -> None:
    given = vectors()
    right = [oracle().expect(vector) for vector in given]
    forge(given[1], lie)
    computed.clear()
    one = oracle()
    found = one.expect(given[1])
    assert found.layers != right[1].layers
    found.confirm()
    assert one.distrusts
    assert not one.recalls
    assert found.layers == right[1].layers
    assert one.expect(given[0]).layers == right[0].layers
    assert len(computed) == 2  # the good record of vector 0 is not believed any more
    assert oracle().expect(given[1]).layers == right[1].layers


def test_a_record_of_other_layers_is_not_taken(computed: list[bytes]) -> None:
    given = vectors()
    right = oracle().expect(given[0])
    forge(given[0], lambda record: record["tensors"].pop(0))
    computed.clear()
    again = oracle().expect(given[0])
    assert not again.recalled
    assert (again.layers, len(computed)) == (right.layers, 1)


def test_a_repeated_verdict_is_the_same_without_the_reference(
    project: Project, tmp_path: Path, computed: list[bytes]
) -> None:
    first, bench = judged(project, tmp_path)
    assert first.exact
    assert bench.recalled == project.recalled
    computed.clear()
    second, bench = judged(project, tmp_path)
    assert computed == []
    assert not bench.oracle.reference.opened
    assert bench.recalled == (*project.recalled, "expectations")
    assert second.recalled == bench.recalled
    assert replace(second, proved=first.proved, recalled=first.recalled) == first
    assert second.proved.digests == first.proved.digests


def test_a_wrong_board_is_found_as_it_is_without_records(
    project: Project, wrong: Project, tmp_path: Path, computed: list[bytes]
) -> None:
    without, _ = judged(wrong, tmp_path)
    assert not without.exact
    EXPECTATIONS.folder.sweep(0)
    judged(project, tmp_path)
    computed.clear()
    found, bench = judged(wrong, tmp_path)
    assert found.first_difference == without.first_difference
    assert found.layers == without.layers
    assert len(computed) == VECTORS  # each differs, and is computed once
    assert not bench.oracle.distrusts
    leading = bench.case.leading
    assert leading is not None
    assert leading[1].difference is not None


def test_a_right_board_is_right_whatever_a_record_says(
    project: Project, tmp_path: Path, computed: list[bytes]
) -> None:
    judged(project, tmp_path)
    forge(vectors()[1], lie)
    computed.clear()
    verdict, bench = judged(project, tmp_path)
    assert verdict.exact
    assert bench.recalled == project.recalled
    assert len(computed) == VECTORS  # 1 in doubt, 0 asked again, 2 without its record
    computed.clear()
    assert judged(project, tmp_path)[0].exact
    assert computed == []


def test_records_that_agree_with_a_wrong_board_do_not_outlive_one_that_does_not(
    project: Project, wrong: Project, tmp_path: Path
) -> None:
    """All but the last are of the wrong firmware, and find it equal, until the last is in doubt."""
    judged(project, tmp_path)
    given, right = vectors(), oracle()
    observed = _board_says(wrong, tmp_path)
    for vector, says in zip(given[:-1], observed, strict=False):
        forge(vector, says)
    forge(given[-1], lie)
    verdict, bench = judged(wrong, tmp_path)
    assert bench.oracle.distrusts
    assert verdict.first_difference is not None
    assert verdict.first_difference.vector == 0
    assert all(observation.findings for observation in bench.case.observations.values())
    assert right.expect(given[0]).layers == oracle().expect(given[0]).layers


def _board_says(wrong: Project, tmp_path: Path) -> list[Callable[[dict[str, Any]], None]]:
    """For each vector what makes its record one of what the wrong board computes."""
    session = Session(wrong, SUBJECT, "native", VECTORS, 1, root=tmp_path / "boards")
    changes: list[Callable[[dict[str, Any]], None]] = []
    with Bench(session) as bench:
        for index in range(VECTORS):
            observation = bench.observation(index)
            layers = session.structure.layers
            got = {
                layers[place - 2].tensor: pair[1]
                for place, pair in observation.pairs.items()
                if 2 <= place < 2 + len(layers)
            }
            outputs = bench.observer._read_outputs(bench.expected(index).outputs)

            def change(
                record: dict[str, Any], got: dict[int, int] = got, outputs: Any = outputs
            ) -> None:
                for entry in record["tensors"]:
                    entry[3] = got.get(entry[0], entry[3])
                (name,) = record["outputs"]
                record["outputs"][name] = base64.b64encode(outputs[0].tobytes()).decode()

            changes.append(change)
    return changes


def test_a_size_that_only_a_record_has_is_no_defect_of_the_generator(
    project: Project, tmp_path: Path
) -> None:
    judged(project, tmp_path)

    def longer(record: dict[str, Any]) -> None:
        record["tensors"][1][2][-1] += 1

    forge(vectors()[0], longer)
    assert judged(project, tmp_path)[0].exact


def test_tensors_that_are_there_are_expected_as_they_are() -> None:
    value = np.arange(6, dtype=np.int8).reshape(2, 3)
    expected = Expected.of((value,), (value, value + 1), (value + 1,))
    assert not expected.recalled
    assert expected.layers[1].digest == digest((value + 1,)) == expected.output_digest
    assert expected.tensor(0) is value
