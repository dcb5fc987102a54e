"""A generated network as a judge: what the executor computes is what the NPU must compute, byte for byte.

The network itself judges, not the model that it was compiled from: its constants are the compiler's, not the model's.
"""

import re
import shutil
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import host
from host.cache import key_of
from host.errors import BadInput
from host.files import sha256_bytes
from host.npu import compiled
from host.npu.board.runtime import Runtime
from host.npu.board.virtual import VirtualBoard
from host.npu.child import this_computer
from host.npu.generated import GeneratedCode, read_generated
from host.npu.memory import Image, images_of
from host.npu.network import Network, Run, Tensor, find_code
from host.reference.interpreter import Array, ReferenceTensor
from host.reference.judging import Judging
from host.reference.past import Past

_OPERATOR = re.compile(r"\bll_sw_forward_\w+\s*\(")
_OF_LIBRARY = re.compile(r"\bll_sw_forward_(?:activ|softmax)\s*\(")  # exp and tanh of floats
_MOST_OPEN = 2  # processes that hold a network each
_LISTED = ("internal", "output")
_CODE = ("child.py", "compiled.py", "executed_model.py", "generated.py", "memory.py", "network.py")


@dataclass(frozen=True)
class Written:
    """A buffer of the network's lists behind the epoch that wrote it.

    Attributes:
        name: of the buffer.
        epoch: that wrote it.
        output: whether it is one of the network's outputs.
        address: where it lies.
        bytes: how many it has.
        dtype, shape: as it lies in memory, batch first.
    """

    name: str
    epoch: int
    output: bool
    address: int
    bytes: int
    dtype: str
    shape: tuple[int, ...]


class ExecutedModel:
    """The executor of a network.c, with its constants, as a judge (`host.reference.judging.Judge`).

    A tensor's index is its place in the executor's order, inputs not counted; the inputs' go on behind those. What the
    stream engines of a network that lists no internal buffers write is none of them: nothing tells what it is.

    Attributes:
        written: every buffer that an epoch finishes, in the executor's order.
        lists_internals: whether the network tells of more than its inputs and outputs.

    Raises:
        BadInput: the network does not compile, cannot be executed, or its memory is not complete.
        HostFailure: gcc is missing.
    """

    loaded = "executor"

    def __init__(
        self, code: GeneratedCode, images: Sequence[Image], board: VirtualBoard | None = None
    ) -> None:
        """`board`: that it runs on; None: this computer."""
        self._network = Network(code, images, on=board or this_computer)
        weakref.finalize(self, self._network.close)
        self.lists_internals = self._network.lists_internals
        told = f"{code.path.name} {sha256_bytes(code.text.encode())[:12]}, dialect {code.dialect}"
        on = "" if board is None else f", on {board.name}"
        self.description = f"nightjar {host.__version__} executor of {told}, ties half-away{on}"
        if not self.lists_internals:
            self.description += (
                ", by its outputs alone: it lists no internal buffers (--all-buffers-info)"
            )
        # The order of the tensors is that of a run: nothing that is said of the network could hide one.
        zeros = [np.zeros(one.size // _width(one.dtype), one.dtype) for one in self._network.inputs]
        run = self._network.run(zeros)
        listed = _listed(run)
        places = [
            one for role in _LISTED for one in self._network.buffers[role] if not one.parameter
        ]
        addresses = {(one.name, one.role): one.address for one in places}
        self.written = tuple(
            Written(
                name=one.name,
                epoch=one.epoch,
                output=one.role == "output",
                address=addresses[one.name, one.role],
                bytes=one.array.nbytes,
                dtype=one.dtype,
                shape=one.array.shape,
            )
            for one in listed
        )
        given = [one for one in run.tensors if one.role == "input"]
        self.inputs = [_port(len(listed) + i, one) for i, one in enumerate(given)]
        self.outputs = [_port(i, one) for i, one in enumerate(listed) if one.role == "output"]

    def run(self, inputs: list[Array], past: Past | None = None) -> dict[int, Array]:
        """One inference.

        Args:
            inputs: in the network's order, of each input's shape and dtype.
            past: decides nothing: a network keeps nothing.

        Raises:
            BadInput: an input of another count, shape or dtype.
        """
        wanted = [(port.shape, port.dtype) for port in self.inputs]
        if [(one.shape, one.dtype) for one in inputs] != wanted:
            raise BadInput(
                f"the network takes {[f'{dtype} {list(shape)}' for shape, dtype in wanted]}",
                evidence=f"Received: {[f'{one.dtype} {list(one.shape)}' for one in inputs]}",
                next_step="give an array for each input, in the network's order",
            )
        run = self._network.run([one.reshape(-1) for one in inputs])
        return {number: one.array for number, one in enumerate(_listed(run))}


_opened: dict[tuple[str, str], ExecutedModel] = {}


@dataclass(frozen=True, eq=False)
class GeneratedNetwork:
    """A network.c on disk with what it reads, to be executed where the firmware's numbers come from.

    Attributes:
        code: network.c.
        images: its constants.
        board: a virtual Cortex-M55, where an operator of the processor asks a library of that core for its numbers:
            what two libraries call the same function of floats is not the same in its last bits. None: this computer.
    """

    code: GeneratedCode
    images: tuple[Image, ...]
    board: VirtualBoard | None = None

    @classmethod
    def read(cls, folder: Path, st: Path | None = None) -> "GeneratedNetwork":
        """The network of a folder; `st` is one with ST's runtime, where that computes for the processor.

        Raises:
            BadInput: there is none, more than one, its memory is not complete, or the runtime does not fit it.
        """
        code = read_generated(find_code(folder))
        board = None
        if st is not None and _OPERATOR.search(code.text):
            board = VirtualBoard(Runtime(st).fitting(code))
        elif _OF_LIBRARY.search(code.text):
            board = VirtualBoard()
        return cls(code, images_of(code), board)

    @property
    def library(self) -> str:
        """The name of ST's library that computes for the processor; "" where none does."""
        runtime = None if self.board is None else self.board.runtime
        return "" if runtime is None else runtime.library.name

    @property
    def model(self) -> ExecutedModel:
        """The judge, opened once in a process for all that are of the same content."""
        judging = self.judging
        key = (judging.content, judging.identity)
        if key not in _opened:
            if len(_opened) >= _MOST_OPEN:
                del _opened[next(iter(_opened))]
            _opened[key] = ExecutedModel(self.code, self.images, self.board)
        return _opened[key]

    @cached_property
    def judging(self) -> Judging:
        """By which what it computes is kept: network.c, what it includes, its constants; the executor, its compiler."""
        parts: list[str | bytes] = [self.code.text, *compiled.read_with(self.code)]
        for image in self.images:
            parts += [f"{image.address:#x}", image.content]
        return Judging(lambda: self.model, key_of(*parts), _executor(self.board))


def _executor(board: VirtualBoard | None) -> str:
    """What decides the executor's numbers."""
    here = Path(__file__).parent
    own = [here / name for name in _CODE]
    programs = ["gcc"]
    parts: list[str | bytes] = [*compiled.FLAGS, *compiled.NETWORK_FLAGS]
    if board is not None:
        programs = ["arm-none-eabi-gcc", "qemu-system-arm"]
        own += sorted((here / "board").glob("*.[chp]*"))
        parts += [board.name, *(() if board.runtime is None else board.runtime.content())]
    parts += map(_program, programs)
    return key_of(*parts, *(file.read_bytes() for file in (*compiled.sources(), *own)))


def _program(name: str) -> str:
    """A program's place, size and time of change."""
    found = shutil.which(name)
    if found is None:
        return name
    path = Path(found).resolve()
    return f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}"


def _listed(run: Run) -> list[Tensor]:
    return [one for one in run.tensors if one.role in _LISTED]


def _port(number: int, tensor: Tensor) -> ReferenceTensor:
    return ReferenceTensor(
        tensor=number,
        name=tensor.name,
        shape=tensor.array.shape,
        dtype=tensor.array.dtype,
        scale=tensor.scale or 0.0,
        zero_point=tensor.offset or 0,
    )


def _width(dtype: str) -> int:
    return np.dtype(dtype).itemsize
