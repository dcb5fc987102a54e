"""Networks executed and held against TFLite: what is sound, and what was planted in one layer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.comparison.budget import budgets
from host.npu.comparison.cause import LAYOUT, NOT_MODELLED, ROUNDING, TIES, UNEXPLAINED
from host.npu.comparison.compare import Comparison, LayerComparison, compare
from host.npu.comparison.executed import Executed
from host.npu.comparison.mapping import VALUES
from host.npu.comparison.predicted import Predicted
from host.npu.comparison.side import FUSED, HIDDEN, OBSERVED, Pass, Place
from host.npu.comparison.steps import Steps
from host.npu.comparison.testing_network import Change, exchanged, write
from host.npu.compiler.model import compile_model
from host.npu.testing import layers as npu
from model_gen.codegen.neural_art.output_folder import read_output
from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.net import make_net
from model_gen.codegen.testing.single_ops import window
from model_gen.codegen.tflite.graph import Array

DIALECTS = ("2.1", "2.2", "3.0", "4.0")
SHAPE = (1, 10, 8, 3)
NET = make_net(3, SHAPE).tflite()


def _vectors(count: int = 2, shape: tuple[int, ...] = SHAPE) -> list[tuple[Array, ...]]:
    numbers = np.random.default_rng(5)
    return [(numbers.integers(-128, 128, shape, dtype=np.int8),) for _ in range(count)]


def _run(
    folder: Path,
    dialect: str = "4.0",
    content: bytes = NET,
    *,
    change: Change = lambda _, layer: layer,
    rule: str = "half-away",
    vectors: Sequence[Sequence[Array]] | None = None,
) -> Comparison:
    model = compile_model(content, dialect)
    write(folder, model, content, change)
    side = Executed(folder / "network.c", read_output(folder), model, "made here", rule)
    try:
        return compare(side, content, vectors or _vectors())
    finally:
        side.close()


def _faults(found: Comparison) -> list[int]:
    return [row.op for row in found.layers if row.cause is not None and row.cause.is_fault]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_sound_network_is_as_predicted_in_every_layer(tmp_path: Path, dialect: str) -> None:
    found = _run(tmp_path, dialect)
    assert [row.op for row in found.observed] == [0, 1, 2, 3, 4]
    assert found.others == ()
    for row in found.layers:
        assert row.predicted is not None
        assert row.predicted.equal == row.predicted.elements > 0
        assert row.forced.largest <= 1
        assert row.cause is None or row.cause.names == (ROUNDING,)
        assert row.forced.equal + row.forced.one == row.forced.elements == row.end.elements
    assert any(row.forced.one for row in found.layers), "the NPU rounds otherwise than TFLite"


def test_a_prediction_says_the_same_as_the_executed_network(tmp_path: Path) -> None:
    executed = _run(tmp_path, "2.2")
    predicted = compare(Predicted(compile_model(NET, "2.2")), NET, _vectors())
    assert [(r.forced, r.end) for r in executed.layers] == [
        (r.forced, r.end) for r in predicted.layers
    ]
    assert executed.effects == predicted.effects
    assert [r.predicted for r in predicted.layers] == [None] * 5


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize("op", [0, 1, 2])
def test_exchanged_kernels_are_seen_in_just_their_layer(
    tmp_path: Path, dialect: str, op: int
) -> None:
    found = _run(
        tmp_path,
        dialect,
        change=lambda index, layer: exchanged(layer) if index == op else layer,
    )
    assert _faults(found) == [op]
    wrong = found.layers[op]
    assert wrong.cause is not None
    # A depthwise kernel reads its own channel, so that other values come out.
    assert wrong.cause.names == ((UNEXPLAINED,) if op == 1 else (LAYOUT,))
    if op != 1:
        assert "channels exchanged: 0, 1" in wrong.cause.evidence
    assert all(row.forced.largest <= 1 for row in found.layers if row.op != op)
    assert found.layers[-1].end.largest > 1, "end to end it reaches the output"


def test_another_constant_is_seen_in_just_its_layer(tmp_path: Path) -> None:
    def change(index: int, layer: npu.Layer) -> npu.Layer:
        if index == 2:
            assert isinstance(layer, npu.Conv)
            assert isinstance(layer.requantization, npu.Fused)
            how = layer.requantization
            offsets = how.offsets + (np.arange(12) == 3) * (1 << how.shift)
            layer = replace(layer, requantization=replace(how, offsets=offsets))
        return layer

    found = _run(tmp_path, change=change)
    assert _faults(found) == [2]
    assert found.layers[2].forced.largest <= 2
    assert found.layers[2].cause is not None
    assert found.layers[2].cause.names == (UNEXPLAINED,)


def _halves() -> bytes:
    """Two 1x1 convolutions; the sums of the second alone are rounded, and half of them are ties."""
    tensor = builder().Tensor
    one = np.eye(4, dtype=np.int8).reshape(4, 1, 1, 4)
    two = np.zeros((4, 1, 1, 4), np.int8)
    two[0] = 50
    two[1, ..., 0], two[2, ..., 1], two[3, ..., 2] = 1, 1, -1
    wide = [2.0**-9, 0.5, 0.5, 0.5]
    zeros = np.zeros(4, np.int32)
    point = {"Conv2DOptions": window(padding=1, dilationHFactor=1, dilationWFactor=1)}
    content: bytes = builder().model(
        [("CONV_2D", [0, 1, 2], [5], point, 3), ("CONV_2D", [5, 3, 4], [6], point, 3)],
        [
            tensor((1, 16, 16, 4), 1.0),
            tensor((4, 1, 1, 4), [1.0] * 4, 0, one, axis=0),
            tensor((4,), [1.0] * 4, 0, zeros, "int32"),
            tensor((4, 1, 1, 4), wide, 0, two, axis=0),
            tensor((4,), wide, 0, zeros, "int32"),
            tensor((1, 16, 16, 4), 1.0),
            tensor((1, 16, 16, 4), 1.0),
        ],
    )
    return content


def test_another_tie_rule_is_named_in_just_the_layer_that_has_ties(tmp_path: Path) -> None:
    content = _halves()
    vectors = _vectors(1, (1, 16, 16, 4))
    # Who asks for a rule is told nothing strange.
    assert _faults(_run(tmp_path, content=content, rule="half-up", vectors=vectors)) == []

    class Wrong(Executed):
        """A NPU that rounds ties up, and says that it does not."""

        def __init__(self, folder: Path) -> None:
            model = compile_model(content, "4.0")
            super().__init__(folder / "network.c", read_output(folder), model, "", "half-up")
            self._asked = self.about

        def run(self, inputs: Sequence[Array]) -> Pass:
            self.about = self._asked
            made = super().run(inputs)
            self.about = replace(self._asked, rule="half-away")
            return made

    side = Wrong(tmp_path)
    try:
        found = compare(side, content, vectors)
    finally:
        side.close()
    assert _faults(found) == [1]
    wrong = found.layers[1]
    assert wrong.cause is not None
    assert wrong.cause.names == (TIES,)
    assert "half-up" in wrong.cause.evidence


def test_layers_fused_by_the_switch_are_judged_together(tmp_path: Path) -> None:
    """Their name in the list of buffers is another one's: nothing tells that it is the tensor."""

    def change(index: int, layer: npu.Layer) -> npu.Layer:
        if index == 1:
            return replace(layer, target=layer.target.renamed("Conv2D_5_mul_scale_out_6"))
        return layer

    hidden = _run(tmp_path, "2.2", change=_renaming(change))
    row = hidden.layers[1]
    assert not row.observed
    assert row.place.state in (FUSED, HIDDEN)
    assert hidden.layers[2].covers == (1,)
    assert hidden.layers[2].predicted is not None
    assert hidden.layers[2].predicted.largest == 0


def _renaming(change: Change) -> Change:
    """The layers behind read the renamed tensor."""
    renamed: dict[str, npu.Tensor] = {}

    def changed(index: int, layer: npu.Layer) -> npu.Layer:
        source = getattr(layer, "source", None)
        if source is not None and source.name in renamed:
            assert not isinstance(layer, npu.Add)
            layer = replace(layer, source=renamed[source.name])
        made = change(index, layer)
        if made.target.name != layer.target.name:
            renamed[layer.target.name] = made.target
        return made

    return changed


def _residual() -> bytes:
    """Two convolutions whose outputs nothing but order tells apart, and their sum."""
    tensor = builder().Tensor
    numbers = np.random.default_rng(12)
    kernels = [numbers.integers(-90, 91, (6, 1, 1, 6)).astype(np.int8) for _ in range(2)]
    zeros = np.zeros(6, np.int32)
    point = {"Conv2DOptions": window(padding=1, dilationHFactor=1, dilationWFactor=1)}
    content: bytes = builder().model(
        [
            ("CONV_2D", [0, 1, 2], [5], point, 3),
            ("CONV_2D", [0, 3, 4], [6], point, 3),
            ("ADD", [5, 6], [7], {"AddOptions": {}}, 2),
        ],
        [
            tensor((1, 5, 7, 6), 0.04, 11),
            tensor((6, 1, 1, 6), [0.01] * 6, 0, kernels[0], axis=0),
            tensor((6,), [0.04 * 0.01] * 6, 0, zeros, "int32"),
            tensor((6, 1, 1, 6), [0.01] * 6, 0, kernels[1], axis=0),
            tensor((6,), [0.04 * 0.01] * 6, 0, zeros, "int32"),
            tensor((1, 5, 7, 6), 0.07, -3),
            tensor((1, 5, 7, 6), 0.07, -3),
            tensor((1, 5, 7, 6), 0.13, 5),
        ],
    )
    return content


@pytest.mark.parametrize("dialect", ["2.2", "4.0"])
def test_branches_alike_are_told_by_order_and_their_sum_is_judged(
    tmp_path: Path, dialect: str
) -> None:
    found = _run(tmp_path, dialect, content=_residual(), vectors=_vectors(2, (1, 5, 7, 6)))
    assert [row.place.how for row in found.layers] == ["order", "order", VALUES]
    assert _faults(found) == []
    assert all(row.predicted is not None and not row.predicted.largest for row in found.layers)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(DIALECTS))
def test_any_net_is_as_predicted_in_every_layer(seed: int, dialect: str) -> None:
    content = make_net(seed).tflite()
    with TemporaryDirectory() as folder:
        found = _run(Path(folder), dialect, content)
    assert len(found.observed) == 5
    assert _faults(found) == []
    assert all(row.predicted is not None and not row.predicted.largest for row in found.layers)


def test_floats_at_the_end_count_in_steps_of_their_bytes(tmp_path: Path) -> None:
    tensor = builder().Tensor
    kernel = np.random.default_rng(3).integers(-99, 100, (4, 1, 1, 3)).astype(np.int8)
    point = {"Conv2DOptions": window(padding=1, dilationHFactor=1, dilationWFactor=1)}
    content: bytes = builder().model(
        [
            ("CONV_2D", [0, 1, 2], [3], point, 3),
            ("DEQUANTIZE", [3], [4], {"DequantizeOptions": {}}, 2),
        ],
        [
            tensor((1, 6, 5, 3), 0.05, 3),
            tensor((4, 1, 1, 3), [0.01] * 4, 0, kernel, axis=0),
            tensor((4,), [0.0005] * 4, 0, np.zeros(4, np.int32), "int32"),
            tensor((1, 6, 5, 4), 0.06, 2),
            tensor((1, 6, 5, 4), dtype="float32"),
        ],
    )
    found = _run(tmp_path, "2.2", content, vectors=_vectors(3, (1, 6, 5, 3)))
    last = found.layers[1]
    assert last.observed
    assert last.unit == pytest.approx(0.06)
    assert last.forced.largest == 0
    assert last.end.largest == found.layers[0].end.largest
    (effect,) = found.effects
    assert effect.largest == pytest.approx(0.06 * last.end.largest)
    wrong = _run(
        tmp_path / "wrong",
        "2.2",
        content,
        change=lambda i, one: exchanged(one) if i == 0 else one,
        vectors=_vectors(3, (1, 6, 5, 3)),
    )
    assert _faults(wrong) == [0], "the layer behind it does what it is told"


def test_a_network_that_lists_no_internal_buffers_says_so_and_is_judged_as_a_whole(
    tmp_path: Path,
) -> None:
    model = compile_model(NET, "2.2")
    folder = write(tmp_path, model, NET)
    source = folder / "network.c"
    (folder / "network_c_info.json").unlink()  # it would tell of them
    head = "LL_ATON_Internal_Buffers_Info_net(void)\n{"
    assert head in source.read_text()
    source.write_text(source.read_text().replace(head, f"{head}\n  return 0;"))
    side = Executed(source, read_output(folder), model, "")
    try:
        found = compare(side, NET, _vectors())
    finally:
        side.close()
    assert [row.op for row in found.observed] == [4]
    assert all(row.place.state == HIDDEN for row in found.layers[:4])
    assert all("--all-buffers-info" in row.place.reason for row in found.layers[:4])
    last = found.layers[4]
    assert last.covers == (0, 1, 2, 3)
    assert last.forced == last.end, "all of it is its own"
    assert last.predicted is not None
    assert last.predicted.largest == 0


def test_an_op_that_nobody_models_is_named_so_and_gets_no_budget() -> None:
    """A NPU that gives something else for it: no fault is claimed, and nothing is allowed."""
    tensor = builder().Tensor
    content: bytes = builder().model(
        [("MUL", [0, 1], [2], {"MulOptions": {}}, 2)],
        [tensor((1, 4, 5, 6), 0.05, 3), tensor((1, 4, 5, 6), 0.04, -2), tensor((1, 4, 5, 6), 0.1)],
    )
    model = compile_model(content, "4.0")

    class Other(Predicted):
        """An executed one, as far as anybody can tell."""

        def __init__(self) -> None:
            super().__init__(model)
            self.about = replace(self.about, kind="executed")
            self.places = {2: Place(OBSERVED, name="Mul_3_out_0", how="name")}

        def run(self, inputs: Sequence[Array]) -> Pass:
            made = super().run(inputs)
            out = np.clip(made.tensors[2].astype(int) + 2, -128, 127).astype(np.int8)
            return replace(made, tensors={**made.tensors, 2: out})

    numbers = np.random.default_rng(2)
    vector = tuple(numbers.integers(-128, 128, (1, 4, 5, 6), dtype=np.int8) for _ in range(2))
    found = compare(Other(), content, [vector])
    (row,) = found.layers
    assert row.forced.largest == 2
    assert row.predicted is None
    assert row.cause is not None
    assert (row.cause.names, row.cause.is_fault) == ((NOT_MODELLED,), False)
    assert "op 0, MUL" in row.cause.evidence
    assert budgets(found).budget.layers == {}
    assert 0 in budgets(found).refused


def _layer(op: int, *, seen: bool = True, covers: tuple[int, ...] = (), **more: Any) -> Any:
    fields: dict[str, Any] = {"dtype": "int8", "unit": None, **more}
    return LayerComparison(
        *(op, "LOGISTIC", op, f"t{op}", (1, 4), fields.pop("dtype"), fields.pop("unit")),
        place=Place(OBSERVED if seen else HIDDEN),
        covers=covers,
        how="",
        doubts=(),
        inherited=(),
        **fields,
    )


def test_a_layer_is_judged_alone_or_with_a_later_one_and_floats_where_they_are_equal() -> None:
    apart: dict[str, Any] = {"forced": Steps(4, 3, 1, 0, 1), "dtype": "float32"}
    layers = (
        _layer(0),
        _layer(1, seen=False),
        _layer(2, covers=(1,)),
        _layer(3, seen=False),
        _layer(4, dtype="float32"),
        _layer(5, **apart),
        _layer(6, **apart, unit=0.5),
    )
    found = Comparison(None, "", 1, layers, (), ())  # type: ignore[arg-type]
    assert [layer.op for layer in found.not_judged] == [3, 5]
