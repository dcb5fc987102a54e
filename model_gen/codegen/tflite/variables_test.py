"""Variables: at every step of a sequence every tensor equals the judge's; what has no constant start is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.compare.layers import read_structure
from host.errors import BadInput
from host.reference.past import Past
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import RULES, changed, edited, judge
from model_gen.codegen.testing.streaming import FIRST, RING, SUMS, streaming_net, svdf_net
from model_gen.codegen.tflite.reader import read_tflite

STEPS = 40
RECORDING = 500  # steps of a wake word in 15 s


def check_sequence(model: bytes, folder: Path, rounding: str, steps: int = STEPS) -> HostModel:
    """Every observed tensor of every step equals the judge's; two sequences, the second from the start again."""
    reference, host = judge(model, rounding), HostModel(model, folder, rounding=rounding)
    layers = read_structure(model).layers
    generator = np.random.default_rng(3)
    for _ in range(2):
        past, outputs = None, set()
        host.clear()
        for _ in range(steps):
            inputs = [
                generator.integers(-128, 128, one.shape, dtype=np.int8) for one in reference.inputs
            ]
            want, got = reference.run(inputs, past), host.run(inputs)
            for layer in layers:
                for values in (got.taps[layer.tensor], got.late[layer.tensor]):
                    np.testing.assert_array_equal(values, want[layer.tensor], err_msg=str(layer))
            outputs.add(got.outputs[0].tobytes())
            past = Past(tuple(inputs), past)
        assert len(outputs) > steps // 2
    return host


@pytest.mark.parametrize("rounding", RULES)
def test_a_sequence_is_exact(rounding: str, tmp_path: Path) -> None:
    host = check_sequence(streaming_net(), tmp_path, rounding, RECORDING)
    assert host.generated.needs.objects["state"] == 32


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize(
    "sizes", [{}, {"batches": 2, "units": 7, "rank": 3, "memory": 17}, {"rank": 1, "memory": 1}]
)
def test_svdf_is_exact(sizes: dict[str, Any], rounding: str, tmp_path: Path) -> None:
    """Its memory among the tensors."""
    host = check_sequence(svdf_net(**sizes), tmp_path, rounding)
    assert len(host.generated.observed) == 2
    (state,) = host.generated.program.resolved.graph.states
    assert state.own


def test_svdf_without_a_bias_is_exact(tmp_path: Path) -> None:
    check_sequence(svdf_net(bias=False), tmp_path, "tflite")


def test_variables_are_tensors_that_are_kept() -> None:
    graph = read_tflite(streaming_net())
    assert [graph.tensors[state.tensor].name for state in graph.states] == [RING, SUMS]
    assert not any(state.own for state in graph.states)
    for state in graph.states:
        np.testing.assert_array_equal(state.first, FIRST[graph.tensors[state.tensor].name])
    names = [op.name for op in graph.ops]
    assert "CALL_ONCE" not in names
    assert "VAR_HANDLE" not in names
    ring = graph.states[0].tensor
    reads = {op.name: (op.inputs, op.outputs) for op in graph.ops if ring in op.inputs + op.outputs}
    assert reads == {"READ_VARIABLE": ((ring,), (2,)), "ASSIGN_VARIABLE": ((7,), (ring,))}


def _floats(tensor: Any, schema: Any) -> None:
    tensor.type = schema.TensorType.FLOAT32


def _no_handle(model: Any, _: Any) -> None:
    model.subgraphs[0].operators[3].inputs = np.array([0], np.int32)


def _beyond(model: Any, _: Any) -> None:
    model.subgraphs[0].operators[0].builtinOptions.initSubgraphIndex = 2


def test_svdf_with_an_int8_memory_is_told_who_makes_int16() -> None:
    with pytest.raises(BadInput) as caught:
        plan_model(svdf_net(dtype="int8"))
    assert "TFLite's own converter" in (caught.value.next_step or "")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lambda: streaming_net({RING: FIRST[RING]}), "the variable 'sums' has no first value"),
        (lambda: streaming_net(wrong="computed"), "op 2, ADD: .* only constants can be assigned"),
        (
            lambda: streaming_net(wrong="shape"),
            r"the variable 'ring' from \[1, 4, 1, 3\] to \[1, 3",
        ),
        (lambda: changed(streaming_net(), 2, _floats), "'ring' holds int8, and not float32"),
        (lambda: edited(streaming_net(), _no_handle), "its first input is no handle"),
        (lambda: svdf_net(activation=0), "with the activation RELU only"),
        (lambda: svdf_net(dtype="int8"), "is not int16 of one scale"),
        (lambda: edited(streaming_net(), _beyond), "truncated or damaged"),
    ],
)
def test_what_is_refused(content: Any, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        plan_model(content())
