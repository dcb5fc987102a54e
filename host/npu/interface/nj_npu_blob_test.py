"""Networks whose epochs are programs of the epoch controller, through the whole of the executor."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.errors import BadInput
from host.npu.network import Network, Run
from host.npu.testing import blob
from host.npu.testing.records import NUMBERS, structures

SIZE = 16
INPUT, MIDDLE, OUTPUT = 0x34000000, 0x34000010, 0x34000020
HEAD = """
/* global pool 1 is 1 KB */
/* index=1 file postfix=RAM name=ram offset=0x34000000  size=1024 READ_WRITE THROUGHPUT=HIGH */
#include "ll_aton_NN_interface.h"
#include "ll_aton.h"
#include "ll_aton_version.h"
#include "ecloader.h"
#if LL_ATON_VERSION_MAJOR != 1 || LL_ATON_VERSION_MINOR != 1 || LL_ATON_VERSION_MICRO != 1 \
    || LL_ATON_VERSION_DEV != 14
#  warning "another version"
#endif
LL_ATON_User_IO_Result_t LL_ATON_Set_User_Input_Buffer_Default(uint32_t i, void *b, uint32_t n)
{ return LL_ATON_User_IO_WRONG_INDEX; }
LL_ATON_User_IO_Result_t LL_ATON_Set_User_Output_Buffer_Default(uint32_t i, void *b, uint32_t n)
{ return LL_ATON_User_IO_WRONG_INDEX; }
"""


def _list(name: str, buffers: dict[str, tuple[int, int]]) -> str:
    """A function that returns a list of buffers: name, (address, epoch)."""
    entries = "".join(
        f'{{.name = "{buffer}", .addr_base = {{(unsigned char *){address:#x}UL}},'
        f" .offset_end = {SIZE}, .epoch = {epoch}, .mem_shape = shape, .mem_ndims = 1,"
        " .shape = shape, .ndims = 1, .type = DataType_INT8, .nbits = 8},\n"
        for buffer, (address, epoch) in buffers.items()
    )
    return (
        f"const LL_Buffer_InfoTypeDef *LL_ATON_{name}_Buffers_Info_Default(void) {{\n"
        f"  static const uint32_t shape[] = {{ {SIZE} }};\n"
        f"  static const LL_Buffer_InfoTypeDef list[] = {{\n{entries}{{.name = NULL}}}};\n"
        "  return list;\n}\n"
    )


def _network(folder: Path, arrays: str, address: str, flags: str = "EpochBlock_Flags_blob") -> Path:
    """A network.c of one block, epochs 1 to 3; buffer `view` needs no hardware."""
    blocks = (
        "const EpochBlock_ItemTypeDef *LL_ATON_EpochBlockItems_Default(void) {\n"
        "  static EpochBlock_ItemTypeDef blocks[] = {\n"
        f"    {{.flags = {flags}, .epoch_num = 1, .last_epoch_num = 3}},\n"
        "    {.flags = EpochBlock_Flags_last_eb}};\n"
        f"  blocks[0].blob_address = (uintptr_t)({address});\n"
        "  return blocks;\n}\n"
    )
    text = (
        HEAD
        + arrays
        + blocks
        + _list("Input", {"given": (INPUT, 0)})
        + _list("Internal", {"view": (INPUT, 1), "middle": (MIDDLE, 2), "last": (MIDDLE, 3)})
        + _list("Output", {"made": (OUTPUT, 3)})
    )
    path = folder / "network.c"
    path.write_text(text)
    return path


def copy(source: int, target: int, add: int = 0) -> Any:
    """An epoch: engine 2 reads, ARITH 0 adds, engine 5 writes."""
    epoch = structures()["epoch"]()
    for index, address in ((2, source), (5, target)):
        engine = epoch.stream[index]
        engine.writes, engine.raw, engine.bits, engine.frames = index == 5, True, 8, 1
        engine.aligned_right = engine.sign_extends = index == 2
        engine.address, engine.elements = address, SIZE
    arith = epoch.arith[0]
    arith.operation, arith.a, arith.c, arith.x.bytes, arith.out.bytes = (
        NUMBERS["NJ_NPU_AFFINE"],
        1,
        add,
        1,
        1,
    )
    arith.out.mode = 1
    for kind, mask in {"STREAM": 0b100100, "ARITH": 1}.items():
        epoch.enabled[NUMBERS[f"NJ_NPU_{kind}"]] = mask
        epoch.configured[NUMBERS[f"NJ_NPU_{kind}"]] = mask
    for place, (to, unit, frm, other) in enumerate(
        (("ARITH", 0, "STREAM", 2), ("STREAM", 5, "ARITH", 0))
    ):
        link, epoch.links = epoch.link[place], place + 1
        link.destination.kind, link.destination.unit = NUMBERS[f"NJ_NPU_{to}"], unit
        link.source[0].kind, link.source[0].unit = NUMBERS[f"NJ_NPU_{frm}"], other
        link.enabled[0] = True
    return epoch


def two_epochs(base: int = INPUT) -> list[int]:
    """given + 1 goes to the middle and is seen there, - 3 to the middle again, - 2 to the end."""
    epochs = [copy(base, MIDDLE, 1), copy(MIDDLE, MIDDLE, -3), copy(MIDDLE, OUTPUT, -2)]
    return blob.program(epochs, [2, 3, 3])


def _array(name: str, words: list[int]) -> str:
    return blob.text(name, words)


def _run(path: Path, given: npt.NDArray[np.int8]) -> Run:
    with Network.open(path) as network:
        network.run([given])
        return network.run([given])  # the second finds nothing of the first


GIVEN = np.arange(-8, 8, dtype=np.int8)


def test_each_buffer_is_seen_behind_the_epoch_of_the_program_that_wrote_it(tmp_path: Path) -> None:
    run = _run(_network(tmp_path, _array("_ec_blob_1", two_epochs()), "_ec_blob_1"), GIVEN)
    held = [(tensor.name, tensor.epoch, tensor.array.ravel().tolist()) for tensor in run.tensors]
    assert held == [
        ("given", 0, GIVEN.tolist()),
        ("view", 1, GIVEN.tolist()),
        ("middle", 2, (GIVEN + 1).tolist()),
        ("last", 3, (GIVEN - 2).tolist()),
        ("made", 3, (GIVEN - 4).tolist()),
    ]


@pytest.mark.parametrize("order", ["2.1", "2.2", "4.0"])
def test_addresses_are_set_before_a_run_whatever_the_order_of_arguments(
    tmp_path: Path, order: str
) -> None:
    words = two_epochs(base=0)  # as if the input began at 0
    at = [i for i, word in enumerate(words) if word == 0 and words[i - 1] == _address_burst(2)]
    path = _network(tmp_path, _container(order, words, at) + _loader(order), "program")
    run = _run(path, GIVEN)
    assert run.outputs[0].array.ravel().tolist() == (GIVEN - 4).tolist()


def _address_burst(engine: int) -> int:
    """The instruction that writes an engine's address, and its size."""
    return (0x5000 + 0x1000 * engine + 8) // 4 << 16 | 2 << 5 | blob.INCREASING


def _container(order: str, words: list[int], at: list[int]) -> str:
    assert len(at) == 1
    head = 4 if order == "2.1" else 5
    name = b"_mem_pool_in\0\0\0\0"
    table = [2, 4 * 8, 0, 4 * 7, 4 * 8, 1, 4 * 7, at[0] - 2, *struct.unpack("<4I", name)]
    table[1] = 4 * 8  # both are named alike; the second has a word
    offsets = [4 * head] + [0] * (head - 3) + [4 * (head + len(table))]
    if (head + len(table)) % 2:
        table.append(0)
        offsets[-1] += 4
    magic = {"2.1": 0xECBF0020, "2.2": 0xECBF0030, "4.0": 0xECBF0050}[order]
    return blob.text("container", [magic, *offsets, *table, *words])


def _loader(order: str) -> str:
    first = "ec_copy_program(binary, (ECInstr *)program, &size)"
    if order != "2.1":
        first = "ec_copy_blob((ECInstr *)program, binary, &size)"
    table = "ec_get_reloc_table_ptr(binary)"
    one, other = ("(ECInstr *)program", table) if order == "4.0" else (table, "(ECInstr *)program")
    return f"""
static const uint8_t *const binary = (const uint8_t *)container;
static uint64_t program[512];
static ECAddr before[2];
bool LL_ATON_EC_Network_Init_Default(void)
{{
  unsigned int size = 0;
  memset(before, 0, sizeof(before));
  if (!{first.replace("(ECInstr *)program", "NULL")} || size > 1024) return false;
  return {first};
}}
bool LL_ATON_EC_Inference_Init_Default(void)
{{
  if (ec_get_num_relocs({table}) != 2) return false;
  if (strcmp(ec_get_reloc_id({table}, 1), "_mem_pool_in") != 0) return false;
  return ec_reloc({one}, {other}, 1, 0x1234, &before[1])
    && ec_reloc({one}, {other}, 1, {INPUT:#x}, &before[1]);
}}
"""


BAD: dict[str, tuple[Callable[[list[int]], list[int]], str]] = {
    "magic": (lambda words: [0, *words[1:]], "magic = 0"),
    "length": (lambda words: [words[0], 1 << 20, *words[2:]], "address = 4194312"),
    "cut": (lambda words: [words[0], 3, *words[2:]], "data past the end"),
    "opcode": (lambda words: [*words[:-1], 13], "opcode = 13"),
    "register": (
        lambda words: [words[0], words[1] + 1, 0x0C00_2001, *words[2:]],
        "an unknown register = 1 at 0x00003000",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_damaged_program_is_refused_by_name(tmp_path: Path, case: str) -> None:
    damage, expected = BAD[case]
    path = _network(tmp_path, _array("_ec_blob_1", damage(two_epochs())), "_ec_blob_1")
    with pytest.raises(BadInput) as refused:
        _run(path, GIVEN)
    assert expected in str(refused.value.evidence)
    assert "an epoch controller program" in f"{refused.value} {refused.value.evidence}"


@pytest.mark.parametrize(
    ("address", "flags", "expected"),
    [
        ("_ec_blob_1", "EpochBlock_Flags_blob_encrypted", "blob_encrypted"),
        ("0x34001000", "EpochBlock_Flags_blob", "at 0x34001000"),
        ("NULL", "EpochBlock_Flags_blob", "address = 8"),
    ],
)
def test_a_program_that_cannot_be_read_is_refused(
    tmp_path: Path, address: str, flags: str, expected: str
) -> None:
    path = _network(tmp_path, _array("_ec_blob_1", two_epochs()), address, flags)
    with pytest.raises(BadInput) as refused:
        _run(path, GIVEN)
    assert expected in str(refused.value.evidence)


CONTAINER: dict[str, tuple[str, str, str]] = {
    "magic": ("[0]", "0xECBF0060", "the magic of a container"),
    "offset": ("[1]", "22", "an offset in a container"),
    "no-program": ("[4]", "0", "a container without a program"),
    "far": ("[4]", "0x40000000", "address"),
    "program": ("[18]", "0xECBF0030", "the magic of a program"),
    "list": ("[11]", "30", "an offset in a table"),
    "word": ("[12]", "100000", "a word of a relocation"),
}


@pytest.mark.parametrize("case", CONTAINER)
def test_a_damaged_container_is_refused_by_name(tmp_path: Path, case: str) -> None:
    place, value, expected = CONTAINER[case]
    damage = f"  ((uint32_t *)container){place} = {value};\n  unsigned int size = 0;"
    loader = _loader("2.2").replace("  unsigned int size = 0;", damage)
    _refused(tmp_path, loader, expected)


CALLS: dict[str, tuple[str, str, str]] = {
    "index": ("1, 0x1234,", "2, 0x1234,", "the index of a relocation"),
    "room": ("size > 1024) return false;", "size > 1024) return false; size = 3;", "the room"),
    "says-no": ("size > 1024) return false;", "size) return false;", "result = 0"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_loader_that_cannot_do_what_it_is_asked_says_what(tmp_path: Path, case: str) -> None:
    old, new, expected = CALLS[case]
    loader = _loader("2.2")
    assert old in loader
    _refused(tmp_path, loader.replace(old, new), expected)


def _refused(folder: Path, loader: str, expected: str) -> None:
    words = two_epochs(base=0)
    at = [i for i, word in enumerate(words) if word == 0 and words[i - 1] == _address_burst(2)]
    arrays = _container("2.2", words, at).replace("static const uint64_t", "static uint64_t")
    with pytest.raises(BadInput) as refused:
        _run(_network(folder, arrays + loader, "program"), GIVEN)
    assert expected in str(refused.value.evidence)
