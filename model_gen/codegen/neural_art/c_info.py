"""The file c_info: what stedgeai, or the NPU's compiler under it, wrote of what it made.

Three kinds of file have that name. stedgeai's own tells all; that of the compiler lacks `memory_footprint`; that of a
validation has measurements and nothing of the network, and is read by `validation`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from host.errors import BadInput
from host.reading import load_json
from model_gen.codegen.neural_art.compilation import (
    HARDWARE,
    HYBRID,
    SOFTWARE,
    Buffer,
    Compilation,
    Epoch,
    Pool,
    SignedFile,
    Tool,
    holds_others,
)
from model_gen.codegen.neural_art.fields import Fields
from model_gen.codegen.neural_art.versions import dialect_of
from model_gen.codegen.neural_art.why import reason

MOST = 64 << 20  # bytes of the file: 0.9 MB are usual
AGAIN = "generate again, and give all of stedgeai's output folder as it is"
CORE, COMPILER = "ST.EdgeAI.Core", "compiler"
_KINDS = {
    "NODE_HW": HARDWARE,
    "NODE_EC": HARDWARE,
    "NODE_SW_HW": HYBRID,
    "NODE_SW": SOFTWARE,
    "NODE_SW_INTEGER": SOFTWARE,
    "NODE_UNDEF": SOFTWARE,
}
_NOT_RUN = frozenset({"Param", "Return"})  # kinds of operations that compute nothing
_MD5 = re.compile(r"0x([0-9a-f]{32})")


def read_c_info(path: Path) -> Compilation:
    """The compilation that a c_info tells.

    Raises:
        BadInput: it cannot be read, is that of a validation, lacks something, contradicts itself, or a version that is
            not known wrote it.
    """
    return parse_c_info(load_json(path, "c_info", limit=MOST, next_step=AGAIN))


def parse_c_info(raw: Any) -> Compilation:
    """The compilation that a document, as `load_json` gives it, tells.

    Raises:
        BadInput: as `read_c_info`.
    """
    top = Fields.of(raw, "c_info", AGAIN)
    if "graphs" not in top and "validation" in top:
        raise BadInput(
            "expected a c_info of a generation",
            evidence="Received: that of a validation, which tells nothing of the network",
            next_step="give network_c_info.json instead",
        )
    environment = top.object("environment")
    tools, models = _tools(environment)
    version, dialect = dialect_of(tools[0].version, "c_info")
    graph = next(top.objects("graphs"), None)
    if graph is None:
        raise top.misfit("graphs", "a graph", [])
    pools = _pools(list(top.objects("memory_pools")))
    buffers = _buffers(top.objects("buffers"), pools)
    npu = len(tools) > 1 and "power_estimates" in top
    epochs = _epochs(graph, top, npu=npu)
    generated = environment.object("generated_model")
    footprint = "memory_footprint" in top
    made = Compilation(
        told_by="c_info" if footprint else "compiler's c_info",
        version=version,
        dialect=dialect,
        tools=tools,
        models=models,
        files=_signed(generated.objects("model_files", empty=True)),
        network=generated.text("name", ""),
        network_signature=environment.text("network_signature", ""),
        epochs=epochs,
        pools=tuple(_weighed(pool, buffers) for pool in pools.values()),
        buffers=buffers,
        inputs=graph.wholes("inputs"),
        outputs=graph.wholes("outputs"),
        weights=_footprint(top, "weights", pools, writable=False),
        activations=_footprint(top, "activations", pools, writable=True),
        npu=npu,
    )
    _check(made)
    return made


def _tools(environment: Fields) -> tuple[tuple[Tool, ...], tuple[SignedFile, ...]]:
    """stedgeai, then the compiler; and the model's files as stedgeai read them."""
    tools: list[Tool] = []
    models: tuple[SignedFile, ...] = ()
    for tool in environment.objects("tools"):
        name = tool.text("name", "")
        made = Tool(name, tool.text("version", ""), tool.text("arguments", ""))
        if name == CORE:
            tools.insert(0, made)
            if "input_model" in tool:
                models = _signed(tool.object("input_model").objects("model_files", empty=True))
        else:
            tools.append(made)
    if not tools or tools[0].name != CORE:
        raise environment.misfit("tools", f"a tool {CORE}", [tool.name for tool in tools])
    return tuple(tools), models


def _signed(files: Iterable[Fields]) -> tuple[SignedFile, ...]:
    made = []
    for file in files:
        signature = file.text("signature", "")
        found = _MD5.fullmatch(signature)
        if signature and found is None:
            raise file.misfit("signature", "0x and the 32 hex digits of an MD5", signature)
        made.append(SignedFile(file.text("name"), found and found[1]))
    return tuple(made)


def _pools(found: Sequence[Fields]) -> dict[int, Pool]:
    pools: dict[int, Pool] = {}
    spans: dict[int, tuple[int, int]] = {}
    for pool in found:
        number = pool.whole("id")
        if number in pools:
            raise pool.misfit("id", "an id of its own", number)
        told = pool.text("address")
        address = int(told) if re.fullmatch(r"\d{1,19}", told) else None
        size, used = pool.whole("size_bytes"), pool.whole("used_size_bytes")
        if used < 0:
            raise pool.misfit("used_size_bytes", "a number of bytes", used)
        pools[number] = Pool(
            name=pool.text("name"),
            file=_postfix(pool.text("fname", "")),
            address=address,
            bytes=None if size < 0 else size,
            used=used,
            writable=pool.text("rights") != "ACC_READ",
        )
        if address is not None and size > 0:
            spans[number] = (address, address + size)
    return {
        number: replace(
            pool, joined=number in spans and holds_others(spans[number], spans.values())
        )
        for number, pool in pools.items()
    }


def _postfix(name: str) -> str:
    """xSPI2 of atonbuf.xSPI2.raw."""
    parts = name.split(".")
    return parts[-2] if len(parts) > 2 else ""


def _buffers(found: Iterable[Fields], pools: Mapping[int, Pool]) -> tuple[Buffer, ...]:
    made: dict[int, Buffer] = {}
    for buffer in found:
        number, where = buffer.whole("id"), buffer.whole("mpool_id")
        if number in made:
            raise buffer.misfit("id", "an id of its own", number)
        pool = pools.get(where)
        if pool is None and where > 0:
            raise buffer.misfit("mpool_id", "the id of a memory pool", where)
        offset, size = buffer.whole("offset_start"), buffer.whole("size_bytes")
        if offset < 0 or size < 0:
            raise buffer.misfit("offset_start", "a place in its pool", offset)
        base = None if pool is None else pool.address
        epochs, quantized = buffer.object("epochs"), buffer.content.get("intq") or {}
        intq = Fields.of(quantized, "c_info", AGAIN)
        made[number] = Buffer(
            id=number,
            name=buffer.text("name"),
            pool="" if pool is None else pool.name,
            address=None if base is None else base + offset,
            offset=offset,
            bytes=size,
            shape=buffer.wholes("shape"),
            format=buffer.text("format").removeprefix("STAI_FORMAT_"),
            bits=buffer.whole("nbits"),
            scales=intq.numbers("scales", ()),
            zero_points=intq.wholes("offsets", ()),
            constant=buffer.flag("is_param"),
            first=epochs.whole("start"),
            last=epochs.whole("end"),
            together=buffer.whole("batch", 0),
        )
    return tuple(made.values())


def _weighed(pool: Pool, buffers: Sequence[Buffer]) -> Pool:
    """The pool with what constants and what tensors take of it, the gaps between them included.

    One that joins others says how far these are used; here it has what lies across them alone.
    """
    inside = [buffer for buffer in buffers if buffer.pool == pool.name]
    used = sum(end - first for first, end in _union(inside)) if pool.joined else pool.used
    constants = [buffer for buffer in inside if buffer.constant]
    weights = sum(end - first for first, end in _union(constants))
    if inside and len(constants) == len(inside):
        weights = used
    return replace(pool, used=used, weights=weights, activations=used - weights)


def _union(buffers: Sequence[Buffer]) -> list[tuple[int, int]]:
    """The stretches of a pool that buffers take, each byte once."""
    spans: list[tuple[int, int]] = []
    for first, end in sorted((b.offset, b.offset + b.bytes) for b in buffers):
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((first, end))
    return spans


def _epochs(graph: Fields, top: Fields, *, npu: bool) -> tuple[Epoch, ...]:
    estimates = {one.whole("node_id"): one for one in top.objects("power_estimates", empty=True)}
    made: dict[int, Epoch] = {}
    for place, node in enumerate(graph.objects("nodes")):
        mapping = node.text("mapping")
        inner = list(node.objects("subgraph_nodes", empty=True))
        ops = tuple(dict.fromkeys(filter(None, map(_op, inner or [node]))))
        if mapping == "NODE_NO_X" or (inner and set(ops) <= _NOT_RUN):
            continue
        if mapping not in _KINDS:
            raise node.misfit("mapping", f"one of {', '.join(_KINDS)}, NODE_NO_X", mapping)
        name, kind = node.text("name"), _KINDS[mapping]
        found = re.fullmatch(r"epoch_(\d{1,9})", name)
        number = int(found[1]) if found else place
        if number in made:
            raise node.misfit("name", "a number of its own", name)
        blob = re.fullmatch(r"Epoch Controller _ec_blob_(\d{1,9})", node.text("description", ""))
        estimate = estimates.get(node.whole("id"))
        made[number] = Epoch(
            number=number,
            name=name,
            kind=kind,
            ops=ops,
            nodes=tuple(one.text("name") for one in inner),
            why=reason(kind, ops, npu=npu),
            blob=int(blob[1]) if blob else None,
            cycles=None if estimate is None else estimate.whole("max_cycles"),
            compute_cycles=None if estimate is None else estimate.whole("compute_cycles"),
            macs=node.whole("macc", 0),
            inputs=node.wholes("inputs"),
            outputs=node.wholes("outputs"),
        )
    return tuple(made.values())


def _op(node: Fields) -> str:
    """The kind of an operation: `type` from 3.0 on, in `description` before."""
    told = node.text("type", "") or node.text("description", "")
    return told.removeprefix("Node kind=")


def _footprint(top: Fields, key: str, pools: Mapping[int, Pool], *, writable: bool) -> int:
    """What the file says, or, in the compiler's own, what its pools add up to."""
    if "memory_footprint" in top:
        return top.object("memory_footprint").whole(key)
    return sum(p.used for p in pools.values() if p.writable == writable and not p.joined)


def _check(made: Compilation) -> None:
    """Refuse a file whose parts contradict one another: it was damaged, or put together from several.

    Raises:
        BadInput: as told.
    """
    ids = {buffer.id for buffer in made.buffers}
    used = {
        *made.inputs,
        *made.outputs,
        *(number for epoch in made.epochs for number in (*epoch.inputs, *epoch.outputs)),
    }
    if not used <= ids:
        raise _contradiction(
            f"the graph names the buffers {sorted(used - ids)[:8]}, which are absent"
        )
    pools = {pool.name: pool for pool in made.pools}
    if any(_is_across(buffer, pools.get(buffer.pool)) for buffer in made.buffers):
        return  # it lies in several pools, and how these count it no file has shown yet
    for pool in made.pools:
        if pool.address is None and not pool.used:
            continue  # the user gives the memory, which counts for nothing
        ends = [buffer.offset + buffer.bytes for buffer in made.buffers if buffer.pool == pool.name]
        if not pool.joined and max(ends, default=0) != pool.used:
            raise _contradiction(
                f"pool {pool.name} says {pool.used:,} bytes, its buffers {max(ends, default=0):,}"
            )
    total = sum(pool.used for pool in made.pools if not pool.joined)
    if total != made.weights + made.activations:
        raise _contradiction(
            f"memory_footprint says {made.weights:,} bytes of weights and {made.activations:,} of "
            f"activations, the pools {total:,}"
        )


def _is_across(buffer: Buffer, pool: Pool | None) -> bool:
    """Whether a buffer lies in pools that the compiler joined, or reaches beyond its own."""
    if pool is None:
        return False
    return pool.joined or (pool.bytes is not None and buffer.offset + buffer.bytes > pool.bytes)


def _contradiction(evidence: str) -> BadInput:
    return BadInput(
        "c_info must agree with itself", evidence=f"Received: {evidence}", next_step=AGAIN
    )
