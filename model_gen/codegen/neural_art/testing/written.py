"""The files that stedgeai writes of a small network of our own, in the forms of its versions, for tests."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSIONS = {
    "2.0": ("2.0.0-20049", "1.0.0-16"),
    "2.1": ("2.1.0-20194", "1.1.0-31"),
    "2.2": ("2.2.0-20266 2adc00962", "1.1.1-14 Internal Build atonn-v1.1.1-14-g0000000"),
    "3.0": ("3.0.0-20426 123672867", "1.1.3-8"),
    "4.0": ("4.0.1-20581 7ed50de05", "1.1.3-275"),
    "4.1": ("4.1.0-20700 0000000aa", "1.1.4-1"),
}
RAM, FLASH = 0x342E0000, 0x71000000
RAM_BYTES, FLASH_BYTES = 448 << 10, 48 << 20
SCALE, ZERO = 0.0078125, -1
INNER_SCALE, INNER_ZERO = 0.05, 3  # of the convolution's output
OUT_SCALE, OUT_ZERO = 0.00390625, -128
WEIGHT_SCALE = 0.01  # of each kernel
WEIGHTS = bytes(range(1, 145))  # of 16 kernels of 3 x 3 x 1
IMAGE = WEIGHTS[72:] + WEIGHTS[:72] + bytes(16)  # the compiler orders them otherwise; biases behind


@dataclass(frozen=True)
class Small:
    """A network of one convolution in hardware and a softmax in software, as a version tells of it.

    Attributes:
        version: a key of VERSIONS.
        model: the .tflite that was compiled.
        controller: whether the epoch controller runs it.
        npu: whether the NPU was compiled for.
        image: what lies in the flash.
        ram: where its tensors lie.
    """

    version: str
    model: bytes
    controller: bool = False
    npu: bool = True
    image: bytes = IMAGE
    ram: int = RAM

    @property
    def is_new(self) -> bool:
        return self.version >= "3"

    @property
    def core(self) -> str:
        return VERSIONS[self.version][0]

    @property
    def compiler(self) -> str:
        return VERSIONS[self.version][1]

    @property
    def md5(self) -> str:
        return f"0x{hashlib.md5(self.model, usedforsecurity=False).hexdigest()}"

    @property
    def symbol(self) -> str:
        return "network" if self.is_new else "Default"


def c_info(small: Small) -> dict[str, Any]:
    """What network_c_info.json holds, in the keys of the version."""
    return _npu_info(small) if small.npu else _cpu_info(small)


def compiler_c_info(small: Small) -> dict[str, Any]:
    """The c_info that the NPU's compiler itself writes into the workspace."""
    made = c_info(small)
    del made["memory_footprint"]
    return made


def validation_c_info(small: Small) -> dict[str, Any]:
    """The c_info that a validation writes."""
    environment = _environment(small)
    environment["device"] = "stm32 family - 0x486 - STM32N6xx @800/400MHz"
    row = {"desc": "X-cross #1", "acc": "n.a.", "rmse": 0.125, "cos": 1.0}
    return {
        "aton_execution_time": [
            {"counters": [10, 20, 3], "cycles": 33, "duration_ms": 0.25, "percentage": 100}
        ],
        "environment": environment,
        "json_schema_version": "2.0",
        "validation": {"val_error": 0.125, "val_metrics": [row]},
    }


def _environment(small: Small) -> dict[str, Any]:
    model = {"name": "bird.tflite", "signature": small.md5}
    core = {
        "arguments": "generate -m bird.tflite --target stm32n6",
        "input_model": {"model_files": [model], "name": "bird"},
        "name": "ST.EdgeAI.Core",
        "version": small.core,
    }
    compiler = {"arguments": " -i bird_OE.onnx", "name": "Neural-ART", "version": small.compiler}
    return {
        "generated_model": {
            "model_files": [{"name": "network.c", "signature": ""}],
            "name": small.symbol,
        },
        "network_signature": "0x0123456789abcdef",
        "tools": [core, compiler] if small.npu else [core],
    }


def _npu_info(small: Small) -> dict[str, Any]:
    quantized = {"axis": -1, "offsets": [ZERO], "scales": [SCALE]}
    inner = {"axis": -1, "offsets": [INNER_ZERO], "scales": [INNER_SCALE]}
    scores = {"axis": -1, "offsets": [OUT_ZERO], "scales": [OUT_SCALE]}
    weights = {"axis": 0, "offsets": [0] * 16, "scales": [WEIGHT_SCALE] * 16}
    pools = [
        _pool(1, "npuRAM5", str(small.ram), RAM_BYTES, 768, "ACC_WRITE", "AXISRAM5"),
        _pool(2, "npuRAM6", str(small.ram + RAM_BYTES), RAM_BYTES, 0, "ACC_WRITE", "AXISRAM6"),
        _pool(3, "octoFlash", str(FLASH), FLASH_BYTES, len(small.image), "ACC_READ", "xSPI2"),
        _pool(
            4,
            "npuRAM5_npuRAM6",
            str(small.ram),
            2 * RAM_BYTES,
            768,
            "ACC_WRITE",
            "AXISRAM5_AXISRAM6",
        ),
    ]
    buffers = [
        _buffer(1, "Input_0_out_0", 1, 0, [1, 4, 4, 1], 16, (0, 2), quantized),
        _buffer(2, "Conv2D_2_off_bias_out_1", 1, 512, [1, 4, 4, 16], 256, (2, 3), inner),
        _buffer(3, "Softmax_3_out_0", 1, 0, [1, 4, 4, 16], 256, (3, 4), scores),
        _buffer(4, "Conv2D_2_weights", 3, 0, [16, 9, 1, 1], 144, (0, 4), weights, constant=True),
        _buffer(5, "Conv2D_2_off_bias", 3, 144, [16], 16, (0, 4), {}, constant=True),
    ]
    hardware = "NODE_EC" if small.controller else "NODE_HW"
    idle = "NODE_NO_X" if small.is_new else "NODE_HW"
    nodes = [
        _node(small, 1, "epoch_0", idle, [("Conv2D_2_weights", "Param", idle)]),
        _node(
            *(small, 2, "epoch_2", hardware, [("Conv2D_2", "Conv", "NODE_HW")]),
            inputs=[1, 4, 5],
            outputs=[2],
        ),
        _node(
            *(small, 3, "epoch_3", "NODE_SW", [("Softmax_3", "Softmax", "NODE_SW")]),
            inputs=[2],
            outputs=[3],
        ),
        _node(small, 4, "epoch_4", idle, [("__NN__RETURN__", "Return", idle)], inputs=[3]),
    ]
    made: dict[str, Any] = {
        "buffers": buffers,
        "ec_blobs_info": [],
        "environment": _environment(small),
        "graphs": [
            {"edges": [], "id": 1, "inputs": [1], "name": "n", "nodes": nodes, "outputs": [3]}
        ],
        "json_schema_version": "2.0",
        "memory_accesses": [],
        "memory_footprint": {"activations": 768, "io": [0, 0], "weights": len(small.image)},
        "memory_pools": pools,
        "power_estimates": [
            {"compute_cycles": 1000, "max_cycles": 1500, "node_id": 2},
            {"compute_cycles": 0, "max_cycles": 200, "node_id": 3},
        ],
    }
    if small.version < "2.2":
        del made["ec_blobs_info"]
    if small.version == "2.0":
        for pool in pools:
            del pool["fname"]
    return made


def _cpu_info(small: Small) -> dict[str, Any]:
    kind = {"type": "Conv2D"} if small.is_new else {"description": "Conv2D"}
    node = {
        "id": 7,
        "inputs": [1],
        "outputs": [2],
        "macc": 100,
        "mapping": "NODE_SW",
        "name": "conv",
    }
    return {
        "buffers": [
            _buffer(1, "in", 0, 0, [4, 4, 4], 64, (0, 1), {}),
            _buffer(2, "out", 0, 64, [4, 4, 16], 256, (1, 1), {}),
            _buffer(3, "w", 1, 0, [16, 9], 144, (0, 1), {}, constant=True),
        ],
        "environment": _environment(small),
        "graphs": [{"id": 0, "inputs": [1], "outputs": [2], "nodes": [{**node, **kind}]}],
        "json_schema_version": "2.0",
        "memory_footprint": {"activations": 320, "io": [0, 0], "weights": 144},
        "memory_pools": [
            _pool(0, "heap_overlay_pool", "NULL", -1, 320, "ACC_WRITE", ""),
            _pool(1, "weights_array", "g_network_weights_array", -1, 144, "ACC_READ", ""),
        ],
    }


def _pool(
    number: int, name: str, address: str, size: int, used: int, rights: str, postfix: str
) -> dict[str, Any]:
    return {
        "address": address,
        "fname": f"atonbuf.{postfix}.raw" if postfix else "",
        "id": number,
        "name": name,
        "rights": rights,
        "size_bytes": size,
        "used_size_bytes": used,
    }


def _buffer(
    number: int,
    name: str,
    pool: int,
    offset: int,
    shape: list[int],
    size: int,
    epochs: tuple[int, int],
    quantized: Mapping[str, Any],
    *,
    constant: bool = False,
) -> dict[str, Any]:
    return {
        "epochs": {"start": epochs[0], "end": epochs[1]},
        "format": "STAI_FORMAT_S8",
        "id": number,
        "intq": quantized,
        "is_param": constant,
        "mpool_id": pool,
        "name": name,
        "nbits": 8,
        "offset_start": offset,
        "shape": shape,
        "size_bytes": size,
    }


def _node(
    small: Small,
    number: int,
    name: str,
    mapping: str,
    inner: list[tuple[str, str, str]],
    *,
    inputs: list[int] | None = None,
    outputs: list[int] | None = None,
) -> dict[str, Any]:
    def kind(told: str) -> dict[str, str]:
        return (
            {"type": told} if small.is_new else {"description": f"Node kind={told}" if told else ""}
        )

    made = {
        "id": number,
        "inputs": inputs or [],
        "macc": 0,
        "mapping": mapping,
        "name": name,
        "outputs": outputs or [],
        "subgraph_nodes": [
            {
                "id": 100 + number,
                "mapping": how,
                "name": label,
                "inputs": [],
                "outputs": [],
                **kind(op),
            }
            for label, op, how in inner
        ],
        **kind(""),
    }
    if mapping == "NODE_EC" and not small.is_new:
        made["description"] = "Epoch Controller _ec_blob_1"
    return made


def c_info_json(small: Small) -> bytes:
    """The bytes of network_c_info.json."""
    return json.dumps(c_info(small), indent=2).encode()
