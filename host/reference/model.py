"""The host's reference of the model: TFLite's reference kernels, every tensor kept."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from host.errors import BadInput
from host.reference.axes import with_axes_in_range
from host.reference.interpreter import INTERPRETER, Array, Interpreter, ReferenceTensor, package
from host.reference.past import Past
from host.reference.state import HANDLE, Standing, has_state, own_states
from host.reference.versions import with_versions_in_reach


@dataclass(frozen=True)
class ReferenceOp:
    """An op of the model; -1 among its inputs stands for one left out. Unpacks as a tuple of its four fields."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.index, self.name, self.inputs, self.outputs))


class ReferenceModel:
    """A .tflite run by `BUILTIN_REF` in one thread: what `cm55` must equal, byte for byte. Other `kernels` are for a
    second opinion; see `interpreter.RESOLVERS`.

    `description` names it, and says where the model had to be changed for the loader; see `axes` and `versions`.
    `loaded` says how its interpreter came into this process: "interpreter", alone, or with the
    whole of "tensorflow".

    Raises:
        BadInput: TFLite refuses the bytes.
        HostFailure: TensorFlow is not installed.
    """

    def __init__(self, tflite: bytes, kernels: str = "BUILTIN_REF") -> None:
        self._kernels = kernels
        content, axes = with_axes_in_range(tflite)
        self._content, versions = with_versions_in_reach(content)
        with stdout_to_stderr():
            try:
                self._interpreter = Interpreter(self._content, kernels)
                ops = self._interpreter.ops()
            except (ValueError, RuntimeError) as error:
                raise BadInput(
                    "TFLite does not accept this model",
                    evidence=f"Received: {len(tflite)} bytes; {str(error).strip()[-400:]}",
                    next_step="give a whole .tflite file made of built-in ops",
                ) from error
        self.loaded = self._interpreter.loaded
        self.description = f"tensorflow {package().version} {kernels}"
        if axes:
            self.description += f" (the quantized axis of {axes} one-dimensional tensors read as 0)"
        if versions:
            self.description += f" ({', '.join(versions)})"
        if self.loaded != INTERPRETER:
            self.description += " (with the whole of TensorFlow, without which it does not load)"
        self.inputs = self._interpreter.inputs
        self.outputs = self._interpreter.outputs
        self.ops = [ReferenceOp(*op) for op in ops if op[1] != "DELEGATE"]
        # reset_all_variables leaves as it is what CALL_ONCE has set: a sequence begins with a new interpreter.
        self._own = own_states(self._content)
        stateful = has_state(self._content)
        self._standing = Standing(self._restart, self._step) if stateful else None

    def tensor_name(self, tensor: int) -> str:
        """The name of the tensor of that index."""
        return self._interpreter.tensor_name(tensor)

    def run(self, inputs: list[Array], past: Past | None = None) -> dict[int, Array]:
        """One inference.

        Args:
            inputs: in model order, of each input's shape and dtype.
            past: what a model with state was given before; None begins a sequence.

        Returns:
            Tensor index -> value, for the outputs of every op and of the model.

        Raises:
            BadInput: an input of another count, shape or dtype.
        """
        self._invoke(inputs, past)
        written = (op for op in self.ops if op.name != HANDLE)
        kept = {index for op in written for index in op.outputs if index >= 0}
        kept |= self._own | {tensor.tensor for tensor in self.outputs}
        return {index: self._interpreter.value(index) for index in sorted(kept)}

    def run_outputs(self, inputs: list[Array], past: Past | None = None) -> dict[int, Array]:
        """As `run`, but of the model's outputs only: under a delegate the others are not there."""
        self._invoke(inputs, past)
        return {port.tensor: self._interpreter.value(port.tensor) for port in self.outputs}

    def _invoke(self, inputs: list[Array], past: Past | None) -> None:
        check_inputs(inputs, self.inputs)
        if self._standing is not None:
            self._standing.bring(past)
        self._step(inputs)
        if self._standing is not None:
            self._standing.took(inputs)

    def _restart(self) -> None:
        with stdout_to_stderr():
            self._interpreter = Interpreter(self._content, self._kernels)

    def _step(self, inputs: Sequence[Array]) -> None:
        for tensor, value in zip(self.inputs, inputs, strict=True):
            self._interpreter.set_input(tensor.tensor, value)
        with stdout_to_stderr():
            self._interpreter.invoke()


def check_inputs(inputs: list[Array], wanted: list[ReferenceTensor]) -> None:
    """Are these values of the inputs' number, shapes and dtypes?

    Raises:
        BadInput: they are not.
    """
    given = [(tuple(value.shape), value.dtype) for value in inputs]
    ports = [(tensor.shape, tensor.dtype) for tensor in wanted]
    if given != ports:
        raise BadInput(f"the model takes {_show(ports)}", evidence=f"Received: {_show(given)}")


class _Diversion:
    """Standard output on standard error for as long as anybody wants it so, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._undo = contextlib.ExitStack()

    def begin(self) -> None:
        with self._lock:
            if not self._users:
                self._divert()
            self._users += 1

    def _divert(self) -> None:
        sys.stdout.flush()
        try:
            saved = os.dup(1)
        except OSError:  # standard output is closed
            return
        self._undo.callback(os.close, saved)
        self._undo.callback(os.dup2, saved, 1)
        os.dup2(2, 1)
        self._undo.enter_context(contextlib.redirect_stdout(sys.stderr))

    def end(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._undo.close()


_diversion = _Diversion()


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what C++ code prints on standard output to standard error, which belongs to people."""
    _diversion.begin()
    try:
        yield
    finally:
        _diversion.end()


def _show(tensors: list[tuple[tuple[int, ...], np.dtype[Any]]]) -> str:
    return ", ".join(f"{dtype} {list(shape)}" for shape, dtype in tensors) or "nothing"
