"""A network of the tests, executed as a user's is, held against what it must compute."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host.npu.child import Place, this_computer
from host.npu.network import Network as Executable
from host.npu.network import Run
from host.npu.testing.layers import Network
from host.npu.testing.write import write_network


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        wrong: names of tensors whose bytes differ, or that are missing, or told twice.
        tensors: how many were compared, without inputs.
        bytes: in them.
        run: of the executor.
        dialect: that the executor took the text for.
    """

    wrong: tuple[str, ...]
    tensors: int
    bytes: int
    run: Run
    dialect: str


def execute(
    folder: Path,
    network: Network,
    dialect: str,
    *,
    blobs: bool = False,
    seed: int = 0,
    on: Place = this_computer,
) -> Outcome:
    """Write `network` into `folder`, run it, and compare every tensor that it leaves in memory.

    Raises:
        BadInput: the dialect cannot say it, or the executor refuses it.
        HostFailure: gcc is missing.
    """
    written = write_network(folder, network, dialect, blobs=blobs, seed=seed)
    with Executable.open(folder, on=on) as executable:
        inputs = {
            buffer.name: np.frombuffer(written.inputs[buffer.name], buffer.dtype)
            for buffer in executable.inputs
        }
        run = executable.run(inputs)
        known = executable.code.dialect
    found: dict[str, list[bytes]] = {}
    for tensor in run.tensors:
        found.setdefault(tensor.name, []).append(tensor.array.tobytes())
    wanted = {name: [content] for name, content in {**written.inputs, **written.expected}.items()}
    return Outcome(
        wrong=tuple(name for name in {**wanted, **found} if found.get(name) != wanted.get(name)),
        tensors=len(written.expected),
        bytes=sum(map(len, written.expected.values())),
        run=run,
        dialect=known,
    )
