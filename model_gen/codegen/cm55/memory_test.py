"""What a model takes of a board's memory, and the refusal of one that does not fit: early, by name, nothing written."""

import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.build import build, footprint
from host.bundle import Subject
from host.contract import Contract, TensorContract
from host.deadline import Deadline
from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.installed import BOARDS
from host.n6_layout import layout
from model_gen.codegen.cm55.compile import compile_model
from model_gen.codegen.cm55.memory import MemoryMap, Region, check_fits
from model_gen.codegen.cm55.report import report
from model_gen.codegen.project.generate import generate
from model_gen.codegen.project.ports import port_memory
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.models import builder

SECONDS = 20.0  # of processor time; printing such a model as C would take minutes
VIRTUAL = BOARDS / "virtual"


def heavy_model() -> bytes:
    """Two fully connected layers with 96 and 48 MB of weights behind a small one."""
    tensor = builder().Tensor

    def weights(rows: int, columns: int) -> Any:
        return tensor((rows, columns), 0.1, data=np.full((rows, columns), rows % 100, np.int8))

    tensors = [
        tensor((1, 64), 0.1),
        weights(6000, 64),
        tensor((1, 6000), 0.1),
        weights(16000, 6000),
        tensor((1, 16000), 0.1),
        weights(3000, 16000),
        tensor((1, 3000), 0.1),
    ]
    options: dict[str, Any] = {"FullyConnectedOptions": {}}
    ops = [("FULLY_CONNECTED", [i, i + 1, -1], [i + 2], options, 1) for i in (0, 2, 4)]
    return bytes(builder().model(ops, tensors))


def wide_model() -> bytes:
    """A sum of two inputs of 60 MB, then its maximum with the first."""
    tensors = [builder().Tensor((1, 60_000_000), 0.1) for _ in range(4)]
    ops: list[Any] = [
        ("ADD", [0, 1], [2], {"AddOptions": {}}, 1),
        ("RELU", [2], [3], None, 1),
    ]
    return bytes(builder().model(ops, tensors))


@pytest.mark.parametrize(
    ("model", "kind", "there", "blamed"),
    [
        (heavy_model, "constants", "FLASH 134,217,728", "op 1, FULLY_CONNECTED 't4': 96,"),
        (wide_model, "data", "SRAM 2,097,152, DDR 134,217,728", "input 't0': 60,000,000 bytes"),
    ],
    ids=["weights", "activations"],
)
def test_refused_in_seconds_with_the_layers_and_nothing_written(
    model: Any, kind: str, there: str, blamed: str, tmp_path: Path
) -> None:
    subject = Subject(Path("big.tflite"), model())
    started = time.process_time()
    with pytest.raises(BadInput, match="does not fit the memory of the board virtual") as caught:
        generate(subject, "virtual", tmp_path / "p")
    assert time.process_time() - started < SECONDS
    evidence = caught.value.evidence
    assert evidence.startswith("Received: ")
    assert f"the board has {there} bytes for {kind}" in evidence
    assert blamed in evidence
    if kind == "constants":  # the largest first
        assert [int(i) for i in re.findall(r"op (\d)", evidence)] == [1, 2, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_board_without_a_map_takes_everything() -> None:
    assert port_memory("native") is None
    found = compile_model(keras_models.quantized("dense")).needs
    check_fits(found, None)


@pytest.mark.parametrize("short", ["code", "constants", "data"])
def test_each_kind_is_checked_to_the_byte(short: str) -> None:
    found = compile_model(keras_models.quantized("dense")).needs
    exact = {
        "code": 100 + 8 * found.steps,
        "constants": 10 + found.constants,
        "data": 1 + sum(found.objects.values()),
        "stack": 0,
    }
    firmware = {"code": 100, "constants": 10, "data": 1, "stack": 0}

    def board(sizes: dict[str, int]) -> MemoryMap:
        regions = tuple(Region(kind.upper(), size, kind) for kind, size in sizes.items())
        return MemoryMap("tight", regions, firmware)

    check_fits(found, board(exact))
    with pytest.raises(BadInput, match="board tight") as caught:
        check_fits(found, board(exact | {short: exact[short] - 1}))
    assert f"bytes for {short}" in caught.value.evidence


def test_weights_go_where_there_is_room() -> None:
    found = compile_model(keras_models.quantized("dense")).needs
    assert 0 < found.weights <= found.constants
    firmware = dict.fromkeys(("code", "constants", "data", "stack"), 0)

    def board(constants: int, nor: int) -> MemoryMap:
        rooms = {"code": 1 << 20, "data": 1 << 20, "constants": constants, "weights": nor}
        regions = tuple(Region(kind, size, kind) for kind, size in rooms.items() if size)
        return MemoryMap("tight", regions, firmware)

    all_of_it, tables = found.constants, found.constants - found.weights
    assert check_fits(found, board(all_of_it, found.weights)) == "ram"
    assert check_fits(found, board(all_of_it - 1, found.weights)) == "nor"
    assert check_fits(found, board(all_of_it, found.weights), "nor") == "nor"
    assert check_fits(found, board(max(tables, 1), found.weights)) == "nor"
    for map_, wanted in (
        (board(all_of_it - 1, found.weights), "ram"),
        (board(all_of_it - 1, 0), "auto"),
    ):
        with pytest.raises(BadInput, match="board tight") as caught:
            check_fits(found, map_, wanted)
        assert "bytes for constants" in caught.value.evidence
    with pytest.raises(BadInput) as caught:
        check_fits(found, board(all_of_it - 1, found.weights - 1))
    assert f"weights of {found.weights:,} bytes" in caught.value.evidence
    for without in (None, board(all_of_it, 0)):
        with pytest.raises(BadInput, match="external NOR only on a board that has one"):
            check_fits(found, without, "nor")


def test_an_array_lies_in_one_region() -> None:
    """Two regions hold enough together, but neither the arena."""
    found = compile_model(keras_models.quantized("dense")).needs
    half = sum(found.objects.values()) // 2
    sizes = {"code": 1 << 20, "constants": 1 << 20}
    regions = [Region(kind, size, kind) for kind, size in sizes.items()]
    firmware = dict.fromkeys(("code", "constants", "data", "stack"), 0)
    small = max(found.objects.values()) - 1
    pieces = [Region(f"R{i}", small, "data") for i in range(half)]
    with pytest.raises(BadInput, match="board split"):
        check_fits(found, MemoryMap("split", (*regions, *pieces), firmware))


def test_the_map_is_the_linker_scripts() -> None:
    memory = port_memory("virtual")
    assert memory is not None
    script = (VIRTUAL / "nj_virtual.ld").read_text()
    units = {"K": 1 << 10, "M": 1 << 20}
    lengths = re.findall(r"(\w+) \(\w+\) *: ORIGIN = \w+, LENGTH = (\d+)([KM])", script)
    sizes = {name: int(number) * units[unit] for name, number, unit in lengths}
    assert {region.name: region.bytes for region in memory.regions} == sizes


def test_the_map_of_an_stm32n6_is_its_linker_scripts() -> None:
    memory, at = port_memory("stm32n6570-dk"), layout()
    assert memory is not None
    assert {region.name: region.bytes for region in memory.regions} == {
        "CODE": at["CONSTANTS"] - at["APPLICATION"],
        "CONSTANTS": at["APPLICATION_END"] - at["CONSTANTS"],
        "DATA": at["CACHEAXI_RAM"] - at["APPLICATION_END"],
        "DTCM": at["DTCM_BYTES"],
        "NOR": at["NOR_END"] - at["NOR_WEIGHTS"],
    }


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
@pytest.mark.slow
def test_the_estimate_is_below_the_elf_and_near_it(tmp_path: Path) -> None:
    """Never above, so that no model is refused that fits; code and parameters make the difference."""
    model = keras_models.quantized("dense")
    project = generate(Subject(Path("dense.tflite"), model), "virtual", tmp_path / "p")
    build(project, Deadline.after(120))
    sizes, found = footprint(project), compile_model(model).needs
    memory = port_memory("virtual")
    assert memory is not None
    least = memory.firmware
    flash = found.constants + least["constants"] + least["code"] + 8 * found.steps
    ram = sum(found.objects.values()) + least["data"] + least["stack"]
    assert flash <= sizes.flash < flash + 24_000
    assert ram <= sizes.ram < ram + 8_000
    assert found.constants <= sizes.engine_flash


def test_the_report_counts_by_layer() -> None:
    """Bytes of constants sum up to the whole; what is alive at the peak sums up to the peak."""
    found = report(keras_models.quantized("mobile"))
    assert sum(op.constant_bytes for op in found.ops) == found.constant_bytes
    assert sum(live.bytes for live in found.peak) == found.peak_bytes
    assert [live.bytes for live in found.peak] == sorted(
        (x.bytes for x in found.peak), reverse=True
    )
    assert 0 <= found.peak_step < found.steps


def test_a_stream_needs_a_ring_that_is_counted() -> None:
    frontend = FrontendContract(chunk_samples=6000, frames=24, mel_bands=40, bins=257)
    tensor = TensorContract((1, 40, 24, 1), "int8", 1.0, 0)
    contract = Contract(frontend, ("any",), "none", tensor, tensor, {}, {}, {})
    model = keras_models.quantized("dense")
    plain = compile_model(model, contract=contract).needs.objects
    found = compile_model(model, contract=contract, stream=True).needs
    assert found.objects == plain | {"ring of frames": 4 * 40 * 24}
    regions = [Region(kind, 1 << 20, kind) for kind in ("code", "constants", "stack")]
    firmware = dict.fromkeys(("code", "constants", "data", "stack"), 0)
    data = Region("SRAM", sum(found.objects.values()) - 1, "data")
    with pytest.raises(BadInput, match="does not fit") as caught:
        check_fits(found, MemoryMap("tight", (*regions, data), firmware))
    assert "ring of frames 3,840" in caught.value.evidence
