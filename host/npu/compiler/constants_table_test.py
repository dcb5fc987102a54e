"""The table of constants, on a network.c written here from the model's own predictions."""

from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.npu.compiler.constants_table import (
    ConstantsTable,
    compare_constants,
    nodes_in_order,
    nodes_of_offsets,
    nodes_of_quantization_file,
)
from host.npu.compiler.model import CompiledModel, compile_model
from host.npu.compiler.network_constants import Memory, read_network_constants
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.net import make_net
from model_gen.codegen.testing.single_ops import constant, q

BASE = 0x71000000
_TYPES = {
    "CONV_ACC_V2": "LL_Convacc_InitTypeDef",
    "ARITH_ACC_V2": "LL_Arithacc_InitTypeDef",
    "POOL_ACC_V2": "LL_Poolacc_InitTypeDef",
}


class _Text:
    """A network.c of one epoch, and the memory with its vectors."""

    def __init__(self) -> None:
        self.memory = bytearray()
        self.lines = [
            '/* GIT_DESCRIPTION "ours" */',
            "static void LL_ATON_Start_EpochBlock_1(const void *epoch_block)",
            "{",
        ]

    def vector(self, values: Any, bits: int) -> str:
        at = len(self.memory)
        self.memory += np.asarray(values).astype(f"<i{bits // 8}").tobytes()
        place = f"ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR(0x{BASE:x}UL + {at})"
        return f"{{((unsigned char *)({place})) /* Equivalent hex address = 0x0UL */}}"

    def unit(self, hardware: str, kind: str, node: str, **fields: Any) -> None:
        self.lines += [f"  /* Unit= 3 [{hardware} 0] */", f"  /* kind={kind} node={node} */"]
        self.lines.append(f"  static const {_TYPES[hardware]} {node}_init1 = {{")
        self.lines += [f"    .{name} = {value}," for name, value in fields.items()]
        self.lines += ["    /* two lines", "       of words */", "  };", ""]

    def text(self) -> str:
        return "\n".join([*self.lines, "}", ""])


def _written(model: CompiledModel, **changed: int) -> _Text:
    """The network.c that the model predicts; `changed` adds to constants of op 0."""
    out = _Text()
    number = 3
    for layer in model.layers:
        c = {constant.kind: constant.value for constant in layer.constants}
        if layer.op.index == 0:
            c |= {kind: c[kind] + by for kind, by in changed.items()}
        if layer.op.name == "MEAN":
            node = f"AveragePool_{number}"
            pool = {"mulval": c["mulval"], "shift_o": c["mean shift"]}
            out.unit("POOL_ACC_V2", "AveragePool", node, operation="POOL_GAVG", **pool)
            if "mean C" in c:
                word = c["mean C"]
                parts = {"B_scalar": word >> 16, "C_scalar": f"(short){word & 0xFFFF}"}
                scaled = {"A_scalar": c["mean A"], "shift_o": c["t"], "Ax_shift": 8, **parts}
                out.unit("ARITH_ACC_V2", "Add", "RequantizeLinear_inserted_id4", **scaled)
            number += 1
            continue
        node = f"{'Gemm' if layer.op.name == 'FULLY_CONNECTED' else 'Conv2D'}_{number}"
        zero = layer.convolution.input_zero  # type: ignore[attr-defined]
        sums = {"fsub": 0 if zero == -128 else zero, "outbytes_o": 2, "shift_o": c["cs"]}
        out.unit("CONV_ACC_V2", "Conv", node, **sums)
        a, offsets = out.vector(c["A_k"], 16), out.vector(c["C_k"], 32)
        if "s" in c:
            both = {"A_vector": a, "C_vector": offsets, "shift_o": c["s"]}
            out.unit("ARITH_ACC_V2", "Add", f"{node}_off_bias_1", **both)
        else:
            first = {"A_vector": a, "shift_o": c["s1"]}
            out.unit("ARITH_ACC_V2", "Mul", f"{node}_mul_scale_1", **first)
            second = {"A_scalar": c["A"], "C_vector": offsets, "shift_o": c["s2"]}
            out.unit("ARITH_ACC_V2", "Add", f"{node}_off_bias_2", **second)
        off = {"A_scalar": 16384, "B_scalar": 32, "C_scalar": "(short)0", "shift_o": 14}
        out.unit("ARITH_ACC_V2", "Sub", f"{node}_suboff_4", **off)
        number += 3
    return out


def _table(model: CompiledModel, written: _Text) -> ConstantsTable:
    text = written.text()
    memory = Memory(((BASE, bytes(written.memory)),))
    nodes = nodes_in_order(text, model)
    return compare_constants(read_network_constants(text), memory, model, nodes)


@pytest.mark.parametrize("dialect", ["2.2", "4.0"])
def test_every_constant_of_its_own_network_is_equal_and_none_left_out(dialect: str) -> None:
    model = compile_model(make_net(3).tflite(), dialect)
    table = _table(model, _written(model))
    assert all(equal == total for equal, total in table.by_kind().values())
    assert table.unexplained == table.in_software == ()
    predicted = {c.kind for layer in model.layers for c in layer.constants}
    assert predicted <= table.by_kind().keys()


def test_the_constants_of_a_mean_that_is_rescaled_are_compared_too() -> None:
    mean = single(
        "MEAN",
        [q((1, 5, 6, 7), 0.05, -20), constant([1, 2])],
        q((1, 7), 0.021, 9),
        {"ReducerOptions": {"keepDims": False}},
    )
    model = compile_model(mean, "2.2")
    table = _table(model, _written(model))
    assert dict(table.by_kind()) == dict.fromkeys(
        ("mulval", "mean shift", "mean A", "mean C", "t"), (1, 1)
    )


@pytest.mark.parametrize("kind", ["cs", "A_k", "s1", "A", "C_k", "s2"])
def test_a_constant_that_differs_is_named(kind: str) -> None:
    model = compile_model(make_net(3).tflite(), "2.2")
    table = _table(model, _written(model, **{kind: 1}))
    wrong = [(row.kind, row.op, row.node) for row in table.compared if row.equal != row.total]
    assert wrong == [(kind, 0, "Conv2D_3")]


def test_what_no_op_explains_is_listed() -> None:
    model = compile_model(make_net(3).tflite(), "2.2")
    written = _written(model)
    written.unit("ARITH_ACC_V2", "Abs", "Abs_99", operation="ARITH_ABS_X")
    table = _table(model, written)
    assert [name.split(" (")[0] for name in table.unexplained] == ["arith Abs_99"]
    assert "unexplained: arith Abs_99" in "\n".join(table.lines())


def test_an_op_without_units_is_one_in_software() -> None:
    model = compile_model(make_net(3).tflite(), "2.2")
    written = _written(model)
    text = written.text()
    start = text.index("  /* Unit= 3 [CONV_ACC_V2 0] */\n  /* kind=Conv node=Gemm")
    memory = Memory(((BASE, bytes(written.memory)),))
    nodes = nodes_in_order(text, model)
    table = compare_constants(read_network_constants(text[:start]), memory, model, nodes)
    assert table.in_software == ("op 4 FULLY_CONNECTED (Gemm_13)",)


def test_another_models_network_is_refused() -> None:
    model = compile_model(make_net(3).tflite(), "2.2")
    with pytest.raises(BadInput, match="0 nodes where the model has 1 ops"):
        nodes_in_order("node=Conv2D_3 node=Conv2D_6 node=Conv2D_9 node=Gemm_13", model)


def test_nodes_of_the_quantization_file_name_their_ops() -> None:
    content = {
        "nodes": {
            "Conv2D_4": {"names": ["DEPTHWISE_CONV_2D_1"]},
            "Dequantize_5": {"names": ["__FE_GENERATED__"]},
            "Add_9": {"names": ["ADD_12"]},
        }
    }
    assert nodes_of_quantization_file(content) == {1: "Conv2D_4", 12: "Add_9"}


def test_with_branches_a_node_is_known_by_what_it_adds() -> None:
    model = compile_model(make_net(3).tflite(), "2.2")
    for changed in ({}, {"C_k": 1}):
        written = _written(model, **changed)
        network, right = (
            read_network_constants(written.text()),
            nodes_in_order(written.text(), model),
        )
        memory = Memory(((BASE, bytes(written.memory)),))
        products = sorted(op for op, node in right.items() if not node.startswith("AveragePool"))
        turned = dict(zip(products, [right[op] for op in reversed(products)], strict=True))
        found = nodes_of_offsets(network, memory, model, turned)
        assert found == {op: right[op] for op in products}, (
            "the one of another bias is what is left"
        )


@pytest.mark.parametrize("content", [{}, {"nodes": 3}, {"nodes": {"Conv2D_4": {"names": [{}, 7]}}}])
def test_a_quantization_file_without_names_names_nothing(content: dict[str, Any]) -> None:
    assert nodes_of_quantization_file(content) == {}
