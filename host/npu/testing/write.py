"""A network of the tests in a folder, as a compiler leaves it, and what it must compute."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.npu.testing.blobs_text import ecblobs_h
from host.npu.testing.dialect import dialect as dialect_named
from host.npu.testing.layers import Network, Tensor, sums_of
from host.npu.testing.lower import lower
from host.npu.testing.networks import data
from host.npu.testing.program import Buffer
from host.npu.testing.reference import expected, in_memory
from host.npu.testing.text import BLOBS, network_c

SOURCE = "network.c"
WEIGHTS = "network_atonbuf.xSPI2.raw"


@dataclass(frozen=True)
class Written:
    """A written network: its files, and bytes as they lie in the chip's memory.

    inputs: one an input tensor, to be set before the run; expected: one a stored tensor, in order
    of computation, as it is right after the epoch that wrote it; buffers: where they lie, likewise.
    """

    source: Path
    weights: Path
    inputs: Mapping[str, bytes]
    expected: Mapping[str, bytes]
    buffers: tuple[Buffer, ...]


def write_network(
    folder: Path, network: Network, dialect: str, *, blobs: bool = False, seed: int = 0
) -> Written:
    """Write network.c, the image of its constants, inputs and what is expected.

    inputs.npz and expected.npz have an array of uint8 for each tensor; tensors.json says of each
    its name, address, size in bytes, role (input, internal or output) and the epoch that writes it.

    Args:
        folder: made where it is not there.
        network: see `networks` for random ones.
        dialect: "2.1", "2.2", "3.0" or "4.0".
        blobs: the epochs of the NPU as programs of its controller, in network_ecblobs.h.
        seed: of the inputs.

    Raises:
        BadInput: there is no such dialect, it cannot say the network, or the chip cannot hold it.
    """
    known = dialect_named(dialect)
    program = lower(network)
    folder.mkdir(parents=True, exist_ok=True)
    inputs = data(network, seed)
    values = expected(network, inputs)
    stored = stored_tensors(network)
    given = {tensor.name: in_memory(tensor, inputs[tensor.name]) for tensor in network.inputs}
    wanted = {tensor.name: in_memory(tensor, values[tensor.name]) for tensor in stored}
    if blobs:
        (folder / BLOBS).write_text(ecblobs_h(program))
    (folder / SOURCE).write_text(network_c(program, known, blobs))
    (folder / WEIGHTS).write_bytes(program.image)
    _save(folder / "inputs.npz", given)
    _save(folder / "expected.npz", wanted)
    (folder / "tensors.json").write_text(json.dumps(_places(program.buffers), indent=1) + "\n")
    return Written(folder / SOURCE, folder / WEIGHTS, given, wanted, program.buffers)


def stored_tensors(network: Network) -> list[Tensor]:
    """Every tensor that an epoch writes into memory, in order of computation."""
    return [
        tensor
        for epoch in network.epochs
        for layer in epoch.layers
        for tensor in (sums_of(layer), layer.target)
        if tensor is not None and tensor.stored
    ]


def _places(buffers: Sequence[Buffer]) -> list[dict[str, str | int]]:
    return [
        {
            "name": buffer.name,
            "address": buffer.address.absolute,
            "size": buffer.size,
            "role": buffer.role,
            "epoch": buffer.epoch,
        }
        for buffer in buffers
    ]


def _save(path: Path, named: Mapping[str, bytes]) -> None:
    arrays: dict[str, NDArray[np.uint8]] = {
        name: np.frombuffer(content, np.uint8) for name, content in named.items()
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]
