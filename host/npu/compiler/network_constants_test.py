"""Reading structs of a network.c: values of every form, and what cannot be read by its line."""

import numpy as np
import pytest

from host.errors import BadInput
from host.npu.compiler.network_constants import (
    Memory,
    NetworkConstants,
    read_network_constants,
)

_HEAD = """/*
 * GIT_DESCRIPTION "ours-1"
 */
static void LL_ATON_Start_EpochBlock_7(const void *epoch_block)
{
  /* Unit= 19 [ARITH_ACC_V2 1] */
  /* kind=Mul node=Conv2D_7_mul_scale_3 */
  static const LL_Arithacc_InitTypeDef Conv2D_7_mul_scale_3_init7 = {
"""
_TAIL = """  };

  /* Unit= 2 [STREAM_ENG_V2 2] */
  /* Emit conf for STREAM_ENG_V2 node=Conv2D_7 input ports=1 range=8[16,32] */

  static const LL_Streng_TensorInitTypeDef Conv2D_7_dma_init_in_1_7 = {
    /* 16x3x3x2(8 bits) */
    .raw = 1,
    .addr_base = {(unsigned char *)(0x71000000UL) /* Equivalent hex address = 0x0UL */}, /* w */
    .offset_start = 16,
  };
}
"""


def _read(fields: str) -> NetworkConstants:
    return read_network_constants(_HEAD + fields + _TAIL)


def test_values_of_every_form() -> None:
    network = _read(
        "    .operation = ARITH_AFFINE,\n"
        "    .A_scalar = -12,\n"
        "    .C_scalar = (short)36000,\n"
        "    .A_vector = {((unsigned char *)(ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR(0x71000000UL + 80)))"
        " /* Equivalent hex address = 0x71000050UL */},\n"
        "    .B_vector = {0},\n"
        "    .vec_precision = {16, 16, 32},\n"
        "    .shift_o = 0x14,\n"
    )
    assert network.description == "ours-1"
    arith, stream = network.records
    assert (arith.kind, arith.epoch, arith.unit, arith.role) == ("arith", 7, 19, "Mul")
    assert dict(arith.fields) == {
        "operation": "ARITH_AFFINE",
        "A_scalar": -12,
        "C_scalar": 36000,
        "A_vector": 0x71000050,
        "B_vector": 0,
        "vec_precision": (16, 16, 32),
        "shift_o": 20,
    }
    assert (stream.kind, stream.node, stream.role) == ("stream", "Conv2D_7", "input 1")
    assert stream.integer("addr_base") == 0x71000000
    assert stream.integer("left_out") == 0


@pytest.mark.parametrize(
    "field", ["    .A_scalar = 1 + x,\n", "    A_scalar,\n", "    .A = {1, y},\n"]
)
def test_a_field_that_cannot_be_read_is_named_by_its_line(field: str) -> None:
    with pytest.raises(BadInput, match="line 9 "):
        _read(field)


def test_a_name_where_a_number_is_needed_is_refused() -> None:
    arith, _ = _read("    .shift_o = ARITH_AFFINE,\n").records
    with pytest.raises(BadInput, match="cannot be read"):
        arith.integer("shift_o")


@pytest.mark.parametrize("text", ["", "int main(void) { return 0; }"])
def test_a_file_without_units_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="programs units"):
        read_network_constants(text)


def test_vectors_lie_in_the_image_that_holds_them() -> None:
    content = np.array([1, -2, 3, -4], "<i2").tobytes()
    memory = Memory(((0x1000, bytes(4)), (0x71000000, content)))
    assert memory.vector(0x71000002, 2, 16).tolist() == [-2, 3]
    with pytest.raises(BadInput, match="no memory image holds 4 bytes"):
        memory.vector(0x71000006, 2, 16)
    with pytest.raises(BadInput, match="0x71000000 to 0x71000008"):
        memory.vector(0x71000008, 1, 8)


@pytest.mark.parametrize("bits", [1, 5, 8, 13, 16, 29, 32])
def test_numbers_of_any_size_lie_one_behind_the_other(bits: int) -> None:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = [low, high, 0, -1, high // 3, low // 3]
    packed = sum((value & ((1 << bits) - 1)) << (i * bits) for i, value in enumerate(values))
    memory = Memory(((64, bytes(3) + packed.to_bytes(-(-bits * len(values) // 8), "little")),))
    assert memory.vector(67, len(values), bits).tolist() == values
