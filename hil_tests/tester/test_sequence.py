"""A model with state: its vectors are the steps of sequences, in whatever order somebody asks for them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil_tests.tester.conftest import Make
from host.compare.answers import ask
from host.compare.bench import Bench
from host.compare.flip import copy_project, find_symbol, flip_bit
from host.compare.observation import LAYERS
from host.compare.questions import Kind, Question
from host.compare.session import Session
from host.elf_record import write_record
from host.link.messages import Mode, Stages
from model_gen.codegen.testing.streaming import streaming_net

SEED, STEPS = 5, 6  # drawn; as many are given, a sequence of their own


@pytest.fixture(scope="module")
def session(made: Make, tmp_path_factory: pytest.TempPathFactory) -> Session:
    path = tmp_path_factory.mktemp("streaming") / "streaming.tflite"
    path.write_bytes(streaming_net())
    subject, project = made(path, "native")
    rng = np.random.default_rng(SEED + 1)
    given = [(rng.integers(-128, 128, (1, 2, 1, 3), dtype=np.int8),) for _ in range(STEPS)]
    return Session(project, subject, "native", vectors=STEPS, seed=SEED, given=tuple(given))


def test_every_step_is_exact(session: Session, boards: Path) -> None:
    with Bench(replace(session, root=boards)) as bench:
        shown = [bench.observation(number) for number in range(2 * STEPS)]
        assert not any(observation.findings for observation in shown)
        assert len(shown[0].compared) == len(session.taps) == 6
        # The first steps of both begin with the same, and go on differently.
        sums = [tap.name for tap in session.taps].index("t12") + LAYERS
        held = [observation.pairs[sums] for observation in shown]
        assert held[0] == held[STEPS]
        assert len(set(held)) == 2 * STEPS - 1
        assert bench.verdict().exact


@pytest.mark.parametrize("order", [[4, 1, 9, 5, 0], [11, 11, 3, 6]])
def test_any_order_of_questions(order: list[int], session: Session, boards: Path) -> None:
    with Bench(replace(session, root=boards)) as bench:
        for number in order:
            assert ask(bench, Question(Kind.REPEATED, number)).failure is None
            assert not bench.observation(number).findings
            assert ask(bench, Question(Kind.UNTAPPED, number)).failure is None
        soak = ask(bench, Question(Kind.SOAK), soak=3 * STEPS)
        assert soak.failure is None


def test_state_goes_on_with_the_inputs_alone(session: Session, boards: Path) -> None:
    """As nj_state.h says: however an input is run, the next begins with what one run of it leaves."""

    def outputs(bench: Bench, disturb: bool) -> list[int]:
        client, found = bench.client, []
        client.clear(bench.observer.patience())
        for (inputs,) in session.given:
            client.load_input(0, inputs.tobytes(), bench.observer.patience())
            times = 3 if disturb else 1
            limit = bench.observer.patience()
            found.append(client.run(Stages.MODEL, times=times, deadline=limit).output)
            if disturb:
                client.run(Stages.MODEL, mode=Mode.TAPPED, stop_after=3, deadline=limit)
        return found

    with Bench(replace(session, root=boards)) as bench:
        bench.identity()
        plain = outputs(bench, disturb=False)
        assert outputs(bench, disturb=True) == plain
        assert len(set(plain)) == STEPS
        bench.client.hello(bench.observer.patience())  # another session clears, too
        client, limit = bench.client, bench.observer.patience()
        client.load_input(0, session.given[0][0].tobytes(), limit)
        assert client.run(Stages.MODEL, deadline=limit).output == plain[0]


def test_a_wrong_first_value_is_found_where_it_is_read(
    session: Session, boards: Path, tmp_path: Path
) -> None:
    project: Any = copy_project(session.project, tmp_path / "wrong")
    flip_bit(project.elf, find_symbol(project.elf, "nj_first15"), 2, 3)
    write_record(project.elf)
    wrong = replace(session, project=project, root=boards, given=())
    with Bench(wrong) as bench:
        first = bench.observation(0).findings[0]
    assert (first.op, first.name, first.index) == ("READ_VARIABLE", "t12", (0, 0, 0, 2))
    assert first.got == 8
    assert first.want == 0
