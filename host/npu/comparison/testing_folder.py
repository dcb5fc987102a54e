"""For tests: what a compiler leaves beside network.c, so that the folder is of one generation."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from host.npu.compiler.model import CompiledModel
from host.npu.testing.write import WEIGHTS
from model_gen.codegen.neural_art.network_source import (
    NetworkSource,
    SourceBuffer,
    SourcePool,
    parse_network,
)
from model_gen.codegen.neural_art.testing.written import Small, c_info
from model_gen.codegen.tflite.graph import Tensor

_FLASH = 0x71000000
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_END = "    {\n      .name = NULL,\n"
_MAPPINGS = {"hardware": "NODE_HW", "software": "NODE_SW", "hybrid": "NODE_SW"}


def complete(folder: Path, model: CompiledModel, content: bytes) -> None:
    """List the model's weights in the folder's network.c, and write a c_info that tells the same.

    The listed weights lie behind the constants that the network reads.
    """
    source, image = folder / "network.c", folder / WEIGHTS
    text, data = source.read_text(), image.read_bytes()
    entries = ""
    for tensor in _weights(model):
        assert tensor.value is not None
        entries += "\n".join(_entry(tensor, len(data))) + "\n"
        data += tensor.value.tobytes()
    head, mark, rest = text.partition("LL_ATON_Input_Buffers_Info_")
    text = head + mark + rest.replace(_END, entries + _END, 1)
    source.write_text(text)
    image.write_bytes(data)
    told = _c_info(parse_network(text), Small(model.dialect.name, content, image=data))
    (folder / "network_c_info.json").write_text(json.dumps(told, indent=2))


def _weights(model: CompiledModel) -> list[Tensor]:
    read = [op.inputs[1] for op in model.graph.ops if op.name in _WEIGHTED]
    return [model.graph.tensors[index] for index in dict.fromkeys(read)]


def _entry(tensor: Tensor, start: int) -> Iterator[str]:
    base = f"0x{_FLASH:08x}UL"
    yield "    {"
    yield f'      .name = "weights_{tensor.index}",'
    yield f"      .addr_base = {{(unsigned char *)({base}) /* Equivalent hex address = {base} */}},"
    yield f"      .offset_start = {start},"
    yield f"      .offset_end = {start + tensor.bytes},"
    yield f"      .offset_limit = {start + tensor.bytes + 64},"
    yield "      .is_user_allocated = 0,"
    yield "      .is_param = 1,"
    yield "      .epoch = 0,"
    yield "      .batch = 1,"
    yield "      .mem_ndims = 0,"
    yield "      .chpos = CHPos_UNDEFINED,"
    yield "      .Qm = 7,"
    yield "      .Qn = 0,"
    yield "      .Qunsigned = 0,"
    yield "      .type = DataType_INT8,"
    yield "      .nbits = 8,"
    yield "      .ndims = 0,"
    yield "    },"


def _c_info(network: NetworkSource, small: Small) -> dict[str, Any]:
    """That of a small network, with the pools, buffers and epochs of this one."""
    told = c_info(small)
    pool, buffer, node = told["memory_pools"][0], told["buffers"][0], told["graphs"][0]["nodes"][1]
    told["memory_pools"] = [
        pool
        | {"address": str(one.address), "id": number, "name": one.name}
        | {"size_bytes": one.bytes, "used_size_bytes": _used(network, one)}
        | {"rights": "ACC_WRITE" if one.writable else "ACC_READ"}
        for number, one in enumerate(network.pools)
    ]
    tables = _tables(network)
    told["buffers"] = [
        buffer | _place(network, one) | {"id": number, "name": one.name, "intq": _steps(one)}
        for number, one in enumerate(tables)
    ]
    told["memory_footprint"]["activations"] = sum(
        _used(network, one) for one in network.pools if one.writable
    )
    graph = told["graphs"][0]
    graph["inputs"] = [n for n, one in enumerate(network.inputs) if not one.constant]
    first = len(network.inputs)
    graph["outputs"] = list(range(first, first + len(network.outputs)))
    graph["nodes"] = [
        node
        | {"id": number, "name": f"epoch_{one.first}", "mapping": _MAPPINGS[one.kind]}
        | {"inputs": [], "outputs": _made(tables, one.first), "subgraph_nodes": []}
        for number, one in enumerate(network.epochs, 1)
    ]
    told["power_estimates"] = []
    told["environment"]["tools"][1]["version"] = network.compiler
    return told


def _tables(network: NetworkSource) -> list[SourceBuffer]:
    return [*network.inputs, *network.outputs, *network.internals]


def _used(network: NetworkSource, pool: SourcePool) -> int:
    """Up to where the pool's buffers reach, in bytes."""
    ends = [one.address + one.bytes - pool.address for one in _tables(network)]
    return max((end for end in ends if 0 < end <= pool.bytes), default=0)


def _made(tables: Sequence[SourceBuffer], epoch: int | None) -> list[int]:
    return [n for n, one in enumerate(tables) if one.epoch == epoch and not one.constant]


def _place(network: NetworkSource, one: SourceBuffer) -> dict[str, Any]:
    for number, pool in enumerate(network.pools):
        if not pool.joined and pool.address <= one.address < pool.address + pool.bytes:
            return {
                "mpool_id": number,
                "offset_start": one.address - pool.address,
                "size_bytes": one.bytes,
                "shape": [one.bytes * 8 // one.bits],
                "nbits": one.bits,
                "format": f"STAI_FORMAT_{'FLOAT' if one.bits == 32 else 'S'}{one.bits}",
                "is_param": one.constant,
            }
    raise AssertionError(f"{one.name} lies in no pool")


def _steps(one: SourceBuffer) -> dict[str, Any]:
    if not one.scales:
        return {}
    return {"axis": -1, "offsets": list(one.zero_points), "scales": list(one.scales)}
