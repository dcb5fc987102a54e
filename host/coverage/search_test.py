"""The search finds what random inputs do not, with few inputs, and the same each time."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.bundle import Subject
from host.compare.expect import Oracle
from host.compare.flip import copy_project, find_symbol, overwrite
from host.compare.layers import read_structure
from host.compare.vectors import Vector, random_inputs
from host.coverage.board import observed
from host.coverage.candidates import changed, planned
from host.coverage.image import read_image
from host.coverage.measure import measure
from host.coverage.search import Found, engine, fewest, search
from host.coverage.space import spaces_of
from host.coverage.tally import reached
from host.coverage.testing_projects import build, model, needs_board
from host.deadline import Deadline
from host.errors import BadInput
from host.inputs import read_inputs, write_inputs
from host.link.messages import What
from host.link.registers import FirmwareFault
from host.project import Project
from host.reference.kept import to_bytes
from model_gen.codegen.testing import fuzz_models

Made = tuple[Subject, Project]
TRIES = 70


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="module")
def found(made: Made) -> Found:
    subject, project = made
    return search(project, subject, tries=TRIES, seed=1)


def _vectors(inputs: tuple[tuple[np.ndarray, ...], ...]) -> list[Vector]:
    return [Vector(i, inputs=one) for i, one in enumerate(inputs)]


@needs_board
def test_it_reaches_more_than_random_inputs(made: Made, found: Found) -> None:
    subject, project = made
    drawn = random_inputs(project.description.inputs, len(found.inputs), 0)
    random = measure(project, subject, _vectors(tuple(drawn)))
    searched = measure(project, subject, _vectors(found.inputs))
    assert (found.tried, found.complete, found.failure) == (TRIES, True, None)
    assert searched.constants.reached > random.constants.reached
    assert len(found.inputs) < TRIES
    assert searched.code.reached > random.code.reached


@needs_board
def test_every_input_adds_what_it_says(made: Made, found: Found) -> None:
    subject, project = made
    image = read_image(project.elf)
    part, sums = engine(image, project), []
    with observed(project, subject, image, None) as board:
        board.marks.clear()
        for inputs in found.inputs:
            board.run(inputs)
            sums.append(int((reached(board.marks, (0,)) & part).sum()))
    assert tuple(np.diff([0, *sums])) == found.gains
    assert all(gain > 0 for gain in found.gains)


@needs_board
def test_the_same_search_finds_the_same(made: Made, found: Found) -> None:
    subject, project = made
    again = search(project, subject, tries=TRIES, seed=1)
    assert again.gains == found.gains
    for one, other in zip(again.inputs, found.inputs, strict=True):
        assert [to_bytes(a) for a in one] == [to_bytes(b) for b in other]


@needs_board
def test_what_it_finds_can_be_given_again(made: Made, found: Found, tmp_path: Path) -> None:
    subject, project = made
    ports = project.description.inputs
    write_inputs(tmp_path / "found.npz", ports, found.inputs)
    again = search(
        project, subject, tries=len(found.inputs), seed=2,
        start=read_inputs(tmp_path / "found.npz", ports),
    )  # fmt: skip
    assert sum(again.gains) == sum(found.gains)


@needs_board
def test_extremes_are_computed_as_the_reference_does(made: Made, found: Found) -> None:
    """Else the inputs would show differences that are nobody's fault."""
    subject, project = made
    oracle = Oracle(subject, read_structure(subject.model))
    with observed(project, subject, read_image(project.elf), None) as board:
        generator = np.random.default_rng(0)
        for vector in _vectors((*planned(spaces_of(subject), generator), *found.inputs)):
            board.run(vector.inputs)
            for index, want in enumerate(oracle.expect(vector).outputs):
                got = board.link.read(What.OUTPUT, index, want.nbytes, board.patience())
                assert got == to_bytes(want)


@needs_board
def test_a_deadline_ends_it_with_what_it_has(made: Made) -> None:
    subject, project = made
    told: list[str] = []

    class UntilTold(Deadline):
        @property
        def remaining(self) -> float:
            return 0.0 if told else 600.0

    limit = UntilTold(Deadline.after(600).at)
    found = search(project, subject, tries=10**6, seed=0, limit=limit, say=told.append)
    assert (found.tried, found.complete, len(found.inputs)) == (1, False, 1)
    assert f"{found.gains[0]:,}" in told[0]


@needs_board
def test_an_input_that_makes_the_firmware_fault_is_kept(made: Made, tmp_path: Path) -> None:
    subject, project = made
    broken = copy_project(project, tmp_path)
    step = find_symbol(project.elf, "nj_step0", "STT_FUNC")
    overwrite(broken.elf, step, b"\x00\xde")  # udf
    found = search(broken, subject, tries=9, seed=0)
    assert (len(found.inputs), found.tried, found.complete) == (1, 1, False)
    assert isinstance(found.failure, FirmwareFault)


@needs_board
def test_a_tier_that_does_not_count_is_refused(tmp_path: Path) -> None:
    subject, project = build(tmp_path, "native")
    with pytest.raises(BadInput, match="cannot be counted"):
        search(project, subject, tries=1, seed=0)


@given(st.lists(st.binary(min_size=2, max_size=2), max_size=7))
def test_the_fewest_hold_what_all_hold_and_none_is_needless(rows: list[bytes]) -> None:
    chosen = fewest([np.frombuffer(row, np.uint8) for row in rows])

    def union(numbers: Iterable[int]) -> int:
        return reduce(or_, (int.from_bytes(rows[i], "little") for i in numbers), 0)

    assert len(set(chosen)) == len(chosen)
    assert union(chosen) == union(range(len(rows)))
    for one in chosen:
        assert union(set(chosen) - {one}) != union(chosen)


def test_spaces_say_what_the_model_says() -> None:
    first, second = spaces_of(Subject(Path("x"), model()))
    assert (first.shape, first.dtype.name, first.zero_point) == ((1, 6, 5, 3), "float32", 5)
    assert first.scale == pytest.approx(0.03)
    assert (second.shape, second.dtype.name, second.zero_point) == ((1, 4), "int8", 2)
    assert len(first.patterns) == 8
    assert not second.patterns


def test_candidates_of_a_uint8_input_have_its_steps() -> None:
    (space,) = spaces_of(Subject(Path("x"), fuzz_models.unsigned()))
    assert (space.dtype.name, space.zero_point, space.lowest, space.highest) == (
        *("uint8", 131),
        *(-131.0, 124.0),
    )
    made = [one for (one,) in planned((space,), np.random.default_rng(0))]
    assert {one.dtype for one in made} == {np.dtype(np.uint8)}
    assert {int(step) for one in made for step in one.flat} > {0, 131, 255}
    assert np.array_equal(space.cast(space.steps(made[0])), made[0])


def test_every_candidate_is_an_input_of_the_model() -> None:
    spaces = spaces_of(Subject(Path("x"), model()))
    generator = np.random.default_rng(0)
    made = list(planned(spaces, generator))
    made += [changed(spaces, made[:5], generator) for _ in range(300)]
    made += [changed(spaces, [], generator) for _ in range(5)]
    for inputs in made:
        for space, one in zip(spaces, inputs, strict=True):
            assert (one.dtype, one.shape) == (space.dtype, space.shape)
            # A reference may convert to int32 before it saturates.
            assert np.isfinite(one).all()
            assert np.abs(space.steps(one)).max() < 2**25


def test_boundaries_and_patterns_are_among_the_candidates() -> None:
    spaces = spaces_of(Subject(Path("x"), model()))
    made = list(planned(spaces, np.random.default_rng(0)))
    ends = [one for _, one in made if np.ptp(one.astype(int)) == 0]
    assert {-128, 127, 2, 0} <= {int(one[0, 0]) for one in ends}
    reals = [first for first, _ in made]
    scale = spaces[0].scale
    weights = spaces[0].patterns[0]
    low, high = spaces[0].lowest * scale, spaces[0].highest * scale
    want = np.where(weights, high, low).astype(np.float32)
    assert any(np.array_equal(one, want) for one in reals)
    assert max(np.abs(one).max() for one in reals) == pytest.approx(2.0**20 * scale)
