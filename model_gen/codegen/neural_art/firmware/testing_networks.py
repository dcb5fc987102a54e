"""For tests: networks in memory that firmware leaves the NPU, written as a compiler of ST's leaves them."""

from pathlib import Path
from random import Random

from host.bundle import Subject
from host.npu.testing.choice import Choice
from host.npu.testing.networks import MAKERS, compose
from host.npu.testing.place import NPU_ONLY
from host.npu.testing.write import Written, write_network
from model_gen.codegen.neural_art.firmware.generate import Given, given_in

# A convolution behind another, in one epoch and in two; an Add; a pool; an epoch of the processor.
KINDS = ("fused_pair", "chained", "add", "pool", "software")


def network(
    folder: Path,
    kinds: tuple[str, ...] = KINDS,
    dialect: str = "2.2",
    *,
    blobs: bool = False,
    reuse: bool = False,
) -> Written:
    """Write a network of a piece of each kind; the same at every call with the same arguments.

    reuse: tensors lie where earlier ones did, inputs among them.
    """
    random = Random(dialect)
    pieces = [MAKERS[kind](Choice(random), f"{kind}_{i}") for i, kind in enumerate(kinds, 1)]
    made = compose("net", pieces, reuse=reuse, seed=random.getrandbits(32), pools=NPU_ONLY)
    return write_network(folder, made, dialect, blobs=blobs)


def given(folder: Path) -> Given:
    """What firmware of such a network is generated from; its model is a name."""
    return given_in(folder, Subject(Path("net.tflite"), b"the model of a network of the tests"))
