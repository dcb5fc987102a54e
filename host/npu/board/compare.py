"""A generated network here and on a virtual Cortex-M55, buffer by buffer.

    python -m host.npu.board.compare NETWORK [--image FILE@ADDRESS]... [--inputs F.npz] [--runtime DIR]

Prints JSON; the exit code is 0 where every buffer was equal, else 1.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput, NightjarError
from host.npu.board.runtime import Runtime
from host.npu.board.virtual import VirtualBoard
from host.npu.generated import read_generated
from host.npu.memory import Image, images_of, read_image
from host.npu.network import Buffer, Network, Run, Tensor, find_code

_SCRATCH = "SCRATCH_"  # what a software epoch uses while it runs is not a result of it


@dataclass(frozen=True)
class Difference:
    """A buffer that is not the same on both.

    Attributes:
        name: of the buffer.
        epoch: that wrote it.
        elements: how many differ.
        most: the largest difference in steps; for real numbers in units in the last place.
        scratch: whether it is only memory that a software epoch uses while it runs.
    """

    name: str
    epoch: int
    elements: int
    most: int
    scratch: bool


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Attributes:
        buffers: how many were compared.
        bytes: in them.
        differences: those that differ.
        units_agree: whether every unit told the same of its results, ties and saturations.
        outputs: names of the outputs.
        runtime: the library whose software epochs the board ran; None: ours.
        seconds: of the processor, here and for QEMU.
    """

    buffers: int
    bytes: int
    differences: tuple[Difference, ...]
    units_agree: bool
    outputs: tuple[str, ...]
    runtime: str | None
    seconds: tuple[float, float]

    @property
    def equal(self) -> bool:
        return self.units_agree and all(d.scratch for d in self.differences)


def compare(
    path: Path,
    inputs: Mapping[str, npt.NDArray[Any]] | None = None,
    images: Sequence[Image] | None = None,
    runtime: Runtime | None = None,
) -> Comparison:
    """Run a network here, with our software epochs, and on a virtual Cortex-M55.

    Args:
        path: its folder or network.c.
        inputs: an array for each input; None: random ones, always the same.
        images: what its memory holds; None: the files beside it.
        runtime: whose software epochs the board runs; None: ours.

    Raises:
        BadInput: it cannot be compiled or run, or the runtime does not fit it.
        HostFailure: gcc, arm-none-eabi-gcc or QEMU is missing.
    """
    code = read_generated(find_code(path))
    runs: list[Run] = []
    with Network(code, images) as network:
        given = inputs or {buffer.name: _random(buffer) for buffer in network.inputs}
        runs.append(network.run(given))
    with Network(code, images, on=VirtualBoard(runtime)) as network:
        runs.append(network.run(given))
    here, there = runs
    pairs = list(zip(here.tensors, there.tensors, strict=True))
    return Comparison(
        buffers=len(pairs),
        bytes=sum(tensor.array.nbytes for tensor in here.tensors),
        differences=tuple(d for pair in pairs if (d := _difference(*pair)) is not None),
        units_agree=here.seen == there.seen,
        outputs=tuple(tensor.name for tensor in here.outputs),
        runtime=None if runtime is None else runtime.library.name,
        seconds=(here.processor_seconds, there.processor_seconds),
    )


def _random(buffer: Buffer) -> npt.NDArray[Any]:
    rng = np.random.default_rng(2026)
    if buffer.dtype == "float32":
        return rng.standard_normal(buffer.size // 4, np.float32)
    return np.frombuffer(rng.bytes(buffer.size), buffer.dtype)


def _difference(here: Tensor, there: Tensor) -> Difference | None:
    assert (here.name, here.epoch, here.dtype) == (there.name, there.epoch, there.dtype)
    if here.array.tobytes() == there.array.tobytes():
        return None
    steps = np.abs(_steps(here.array) - _steps(there.array))
    return Difference(
        name=here.name,
        epoch=here.epoch,
        elements=int(np.count_nonzero(steps)),
        most=int(steps.max()),
        scratch=here.name.startswith(_SCRATCH),
    )


def _steps(array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Numbers in their order, real ones by their bits."""
    if array.dtype != np.float32:
        return array.astype(np.int64)
    bits = array.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m host.npu.board.compare", description=__doc__)
    parser.add_argument("network", type=Path, help="network.c, or its folder")
    parser.add_argument(
        "--image", action="append", help="FILE@ADDRESS, in place of those beside it"
    )
    parser.add_argument("--inputs", type=Path, help=".npz, an array for each input by its name")
    parser.add_argument("--runtime", type=Path, help="an installation of ST's, for software epochs")
    given = parser.parse_args(arguments)
    try:
        code = read_generated(find_code(given.network))
        images = _images(given.image) if given.image else images_of(code)
        found = compare(
            code.path,
            None if given.inputs is None else _inputs(given.inputs),
            images,
            None if given.runtime is None else Runtime(given.runtime),
        )
    except NightjarError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, BadInput) else 10
    print(json.dumps({**asdict(found), "equal": found.equal}, indent=2))
    return 0 if found.equal else 1


def _images(named: Sequence[str]) -> tuple[Image, ...]:
    images: list[Image] = []
    for text in named:
        file, _, address = text.partition("@")
        try:
            at = int(address, 0) if address else None
        except ValueError:
            raise BadInput(
                "an image is FILE@ADDRESS",
                evidence=f"Received: {text}",
                next_step="name the address as 0x71000000",
            ) from None
        images += read_image(Path(file), at)
    return tuple(images)


def _inputs(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(path) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} is no .npz with arrays",
            evidence=f"Received: {error}",
            next_step="write it with numpy.savez",
        ) from None


if __name__ == "__main__":
    sys.exit(main())
