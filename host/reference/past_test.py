"""Sequences: what was given before decides what a model with state gives, and nothing else does."""

from collections.abc import Callable

import numpy as np
import pytest

from host.reference.interpreter import Array
from host.reference.kept import KeptReference
from host.reference.micro import MicroModel
from host.reference.model import ReferenceModel
from host.reference.past import Past, linked, missing
from host.reference.state import has_state
from model_gen.codegen.testing.single_ops import SINGLE_OPS
from model_gen.codegen.testing.streaming import streaming_net

OUTPUT = 13
STEPS = [(np.full((1, 2, 1, 3), 9 * number, np.int8),) for number in range(6)]


def test_equal_pasts_have_equal_digests() -> None:
    first, again = list(linked(STEPS)), list(linked(STEPS))
    assert first[0] is None
    digests = [past.digest for past in first if past is not None]
    assert digests == [past.digest for past in again if past is not None]
    assert len(set(digests)) == len(STEPS) - 1
    last = first[-1]
    assert last is not None
    assert last.length == len(STEPS) - 1
    assert [step.inputs for step in last.steps()] == STEPS[:-1]
    other = Past((np.zeros((2, 1, 1, 3), np.int8),))
    assert other.digest != Past((np.zeros((1, 2, 1, 3), np.int8),)).digest


def test_what_is_missing_on_the_way() -> None:
    pasts = list(linked(STEPS))
    assert missing(pasts[4], pasts[4]) == []
    assert missing(pasts[4], pasts[2]) == [pasts[3], pasts[4]]
    assert missing(pasts[2], None) == [pasts[1], pasts[2]]
    assert missing(pasts[2], pasts[4]) is None
    assert missing(None, pasts[1]) is None
    assert missing(None, None) == []


def test_which_models_keep_something() -> None:
    assert has_state(streaming_net())
    assert not has_state(SINGLE_OPS["add_same"]())


def outputs(
    run: Callable[[list[Array], Past | None], dict[int, Array]], order: list[int]
) -> list[bytes]:
    """The outputs of the steps, asked for in any order; in that of the steps."""
    pasts = list(linked(STEPS))
    found = {at: run(list(STEPS[at]), pasts[at])[OUTPUT].tobytes() for at in order}
    return [found[at] for at in range(len(STEPS))]


@pytest.mark.parametrize("judge", [ReferenceModel, MicroModel])
def test_a_judge_gives_a_step_whatever_it_was_asked_before(
    judge: type[ReferenceModel] | type[MicroModel],
) -> None:
    if judge is MicroModel:
        pytest.importorskip("tflite_micro")
    model = judge(streaming_net())
    in_order = outputs(model.run, [0, 1, 2, 3, 4, 5])
    assert len(set(in_order)) == len(STEPS)
    assert outputs(model.run, [5, 0, 3, 3, 1, 2, 4, 0]) == in_order
    assert outputs(judge(streaming_net()).run, [4, 5, 0, 1, 2, 3]) == in_order


def test_a_record_is_of_its_past() -> None:
    kept = KeptReference(streaming_net(), "tflite")
    inputs, pasts = list(STEPS[0]), list(linked(STEPS))
    want = kept.run(inputs, pasts[3])[OUTPUT]
    assert kept.recall(inputs, pasts[2]) is None
    assert kept.recall(inputs) is None
    found = kept.recall(inputs, pasts[3])
    assert found is not None
    np.testing.assert_array_equal(found.outputs[OUTPUT], want)
    kept.forget(inputs, pasts[3])
    assert kept.recall(inputs, pasts[3]) is None
